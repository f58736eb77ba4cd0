"""More requests than there are hands for: who works, who waits in which order, who is refused, and
what a client is told about it. The puppet decides when a place becomes free. Each test fails when
its setting is ignored.
"""
import re
import subprocess

import pytest

from metrics_test import PAGES, scrape
from plugd import PLUGD, plugin, route, wait_until

BUSY = (503, "DOOR_FULL")
LONG = "1m"  # no healthy run waits so long


def door(page, name="(http)"):
    """Places that are taken, requests that wait."""
    return (page.get("plugd_http_places_taken", door=name),
            page.get("plugd_http_places_waiting", door=name))


def wait_door(host, taken, waiting, name="(http)"):
    wait_until(lambda: door(scrape(host), name) == (taken, waiting), f"{taken} and {waiting}")


@pytest.fixture(name="begin")
def begin_fixture(start, stage):
    """begin(limit=1, queue=…): a host with few places, and a puppet behind routes of each
    priority."""
    def begin(routes=None, http=None, **concurrency):
        rows = routes or [route(f"/{name}", "puppet", priority=name)
                          for name in ("critical", "high", "normal", "low")]
        host = start([], plugins=[stage.plugin()], routes=rows, admin=PAGES,
                     http={"concurrency": {"limit": 1, "queue_timeout": LONG, **concurrency},
                           **(http or {})})
        puppet = stage.puppet()
        host.wait_ready("puppet")
        return host, puppet
    return begin


def ask(host, path="/normal", **more):
    return host.connect().ask("GET", path, **more)


def test_requests_beyond_the_limit_wait_for_their_turn(begin):
    host, puppet = begin()
    first = ask(host)
    frame, _ = puppet.request()
    second = ask(host)
    wait_door(host, 1, 1)
    puppet.answer(frame, b"first")
    assert first.read().body == b"first"
    frame, _ = puppet.request()
    wait_door(host, 1, 0)
    puppet.answer(frame, b"second")
    assert second.read().body == b"second"
    wait_door(host, 0, 0)
    records = [host.wait_log("http.request", count=count) for count in (1, 2)]
    assert records[0]["queue_us"] == 0 and records[1]["queue_us"] > 0
    page = scrape(host)
    assert page.get("plugd_http_place_wait_seconds_count", door="(http)") == 1


def test_who_is_more_important_comes_first_and_else_who_came_first(begin):
    host, puppet = begin()
    clients = [ask(host)]
    frame, _ = puppet.request()
    order = ["/low", "/normal", "/high", "/critical", "/low", "/critical"]
    for count, path in enumerate(order, 1):
        clients.append(ask(host, path, headers=[("X-Request-Id", f"n{count}")]))
        wait_door(host, 1, count)
    served = []
    for _ in order:
        puppet.answer(frame)
        frame, head = puppet.request()
        served.append(head.request_id)
    puppet.answer(frame)
    assert served == ["n4", "n6", "n3", "n2", "n1", "n5"]
    assert [client.read().status for client in clients] == [200] * 7


def test_a_full_queue_refuses_at_once_and_the_more_important_push_others_out(begin):
    host, puppet = begin(queue=1)
    first = ask(host)
    frame, _ = puppet.request()
    waits = ask(host)
    wait_door(host, 1, 1)
    for path in ("/normal", "/low"):
        refused = ask(host, path).read()
        assert refused.error() == BUSY, refused
    important = ask(host, "/high")
    assert waits.read().error() == BUSY
    wait_door(host, 1, 1)
    puppet.answer(frame)
    frame, head = puppet.request()
    assert head.path == "/high"
    puppet.answer(frame)
    assert (first.read().status, important.read().status) == (200, 200)
    page = scrape(host)
    assert page.get("plugd_http_refused_total", reason="concurrency") == 3


def test_who_needs_no_place_is_served_however_full_it_is(begin, tmp_path):
    """Files and redirects are nobody's work but the edge's."""
    (tmp_path / "a.txt").write_text("a file")
    host, puppet = begin([route("/normal", "puppet"),
                          {"path": "/www/*file", "static": str(tmp_path)},
                          {"path": "/old", "redirect": "/new"}], queue=0)
    first = ask(host)
    frame, _ = puppet.request()
    assert ask(host).read().error() == BUSY
    assert ask(host, "/www/a.txt").read().body == b"a file"
    assert ask(host, "/old").read().status == 307
    puppet.answer(frame)
    assert first.read().status == 200


def test_without_a_queue_nobody_waits(begin):
    host, puppet = begin(queue=0)
    first = ask(host)
    frame, _ = puppet.request()
    assert ask(host).read().error() == BUSY
    puppet.answer(frame)
    assert first.read().status == 200


def test_who_waits_too_long_is_told_to_come_back(begin):
    host, puppet = begin(queue_timeout="1ms")
    first = ask(host)
    frame, _ = puppet.request()
    assert ask(host).read().error() == (503, "DOOR_TIMEOUT")
    puppet.answer(frame)
    assert first.read().status == 200


def test_a_client_that_leaves_the_queue_is_not_waited_for(begin):
    host, puppet = begin()
    first = ask(host)
    frame, _ = puppet.request()
    leaver = ask(host, headers=[("X-Request-Id", "leaver")])
    wait_door(host, 1, 1)
    leaver.close()
    wait_door(host, 1, 0)
    puppet.answer(frame)
    assert first.read().status == 200
    assert host.wait_log("http.request", id="leaver")["status"] == 499


def test_a_slow_reader_and_a_stream_without_end_hold_no_place(begin):
    host, puppet = begin()
    stream = ask(host)
    frame, _ = puppet.request()
    puppet.answer(frame, b"begins", end=False)
    stream.read_head()
    for _ in range(2):
        client = ask(host)
        other, _ = puppet.request()
        puppet.answer(other)
        assert client.read().status == 200
    puppet.answer_more(frame, end=True)


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_slow_body_holds_no_place(begin, size):
    """A short one has not been passed on, a long one is the plugin's already."""
    host, puppet = begin()
    slow = host.connect().send(f"POST /normal HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
                               "a".encode())
    held = puppet.request()[0] if size > 10 else None
    wait_until(lambda: scrape(host).get("plugd_http_requests_in_flight") == 1, "it is there")
    client = ask(host)
    frame, _ = puppet.request()
    puppet.answer(frame)
    assert client.read().status == 200
    slow.close()
    if held:
        puppet.expect("cancel")


def test_health_never_waits(begin):
    host, puppet = begin(queue=0)
    first = ask(host)
    frame, _ = puppet.request()
    assert host.http("GET", "/health/live").status == 200
    puppet.answer(frame)
    assert first.read().status == 200


def test_a_route_with_places_of_its_own_takes_none_of_the_others(begin):
    host, puppet = begin(routes=[
        route("/all", "puppet"),
        route("/own", "puppet", concurrency={"limit": 1, "queue": 1})])
    clients = [ask(host, "/own")]
    frames = [puppet.request()[0]]
    clients.append(ask(host, "/own"))
    wait_door(host, 1, 1, "/own")
    assert ask(host, "/own").read().error() == BUSY
    clients.append(ask(host, "/all"))
    frames.append(puppet.request()[0])
    page = scrape(host)
    assert door(page, "/own") == (1, 1) and door(page) == (1, 0)
    for frame in frames:
        puppet.answer(frame)
    puppet.answer(puppet.request()[0])
    assert [client.read().status for client in clients] == [200, 200, 200]


def test_a_route_waits_as_long_as_all_if_it_does_not_say_otherwise(begin):
    host, puppet = begin(queue=3, queue_timeout="1ms", routes=[
        route("/own", "puppet", concurrency={"limit": 1}),
        route("/long", "puppet", concurrency={"limit": 1, "queue_timeout": LONG})])
    held = ask(host, "/own")
    frame, _ = puppet.request()
    assert ask(host, "/own").read().error() == (503, "DOOR_TIMEOUT")
    patient = [ask(host, "/long")]
    frames = [frame, puppet.request()[0]]
    patient.append(ask(host, "/long"))
    wait_door(host, 1, 1, "/long")
    for one in frames:
        puppet.answer(one)
    puppet.answer(puppet.request()[0])
    assert [client.read().status for client in [held, *patient]] == [200] * 3


def test_a_reload_gives_places_to_those_who_wait(begin):
    host, puppet = begin()
    clients = [ask(host)]
    frames = [puppet.request()[0]]
    clients.append(ask(host))
    wait_door(host, 1, 1)
    host.settings["http"]["concurrency"]["limit"] = 2
    host.write_config()
    host.plugctl("reload")
    frames.append(puppet.request()[0])
    assert door(scrape(host)) == (2, 0)
    for frame in frames:
        puppet.answer(frame)
    assert [client.read().status for client in clients] == [200, 200]


# ---- shedding


class Queue:
    """A queue at a door with one place in which somebody always waits."""

    def __init__(self, host, puppet):
        self.host, self.puppet = host, puppet
        self.clients = [ask(host, "/critical")]
        self.frame = puppet.request()[0]
        self.clients.append(ask(host, "/critical"))
        wait_door(host, 1, 1)

    def step(self):
        """The first is answered, and another comes. Nothing is returned."""
        self.clients.append(ask(self.host, "/critical"))
        wait_door(self.host, 1, 2)
        self.puppet.answer(self.frame)
        assert self.clients.pop(0).read().status == 200
        self.frame = self.puppet.request()[0]

    def end(self):
        for _ in self.clients[1:]:
            self.puppet.answer(self.frame)
            self.frame = self.puppet.request()[0]
        self.puppet.answer(self.frame)
        for client in self.clients:
            assert client.read().status == 200
        self.clients = []


def is_shed(host, path):
    """Asks with a body that never comes: who is not refused costs the puppet nothing."""
    with host.connect() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    "Content-Length: 5\r\n\r\n".encode())
        line = client.take_line()
        if line.startswith(b"HTTP/1.1 100"):
            return False
        assert line.startswith(b"HTTP/1.1 503"), line
        return True


def test_a_queue_that_stays_late_sheds_the_less_important_and_critical_never(begin):
    host, puppet = begin(http={"shed": {"queue_delay": "1ms", "interval": "1s"}})
    queue = Queue(host, puppet)
    for path in ("/low", "/normal", "/high"):
        wait_until(lambda path=path: is_shed(host, path) or queue.step(), f"{path} is shed")
        assert not is_shed(host, "/critical")
    page = scrape(host)
    for priority in ("low", "normal", "high"):
        assert page.get("plugd_http_shed_total", priority=priority) >= 1
    assert page.get("plugd_http_shed_total", priority="critical") == 0
    assert host.wait_log("shed.level", late="http")["code"] == 1506
    queue.end()
    for path in ("/high", "/normal", "/low"):
        wait_until(lambda path=path: not is_shed(host, path), f"{path} is served again")
    host.wait_log("shed.ended", late="http")


def test_nothing_is_shed_when_nothing_is_late(begin):
    host, puppet = begin(http={"shed": {"queue_delay": "0s", "interval": "1ms"}})
    queue = Queue(host, puppet)
    for _ in range(10):
        queue.step()
        assert not is_shed(host, "/low")
    queue.end()


# ---- the limit of one client, told


def left(answer):
    """What a client is told to have left; a second may have passed, and given it one back."""
    return int(re.fullmatch(r'"client";r=(\d+);t=1', answer.header("ratelimit"))[1])


def test_each_answer_tells_what_is_left_if_it_is_set(start):
    host = start(http={"rate_limit": {"per_second": 2, "burst": 500, "headers": True}},
                 plugins=[plugin("good")],
                 routes=[route("/x/mirror", "good"), route("/y/mirror", "good", rate_limit={
                     "per_second": 1, "burst": 3})])
    first = host.http("GET", "/x/mirror")
    assert first.header("ratelimit-policy") == '"client";q=500;w=250'
    assert left(first) >= 499
    with host.connect() as client:
        for _ in range(200):
            client.ask("GET", "/x/mirror").read()
        assert left(client.ask("GET", "/x/mirror").read()) < 499
        for _ in range(50):
            last = client.ask("GET", "/y/mirror").read()
    assert last.header("ratelimit-policy") == '"client";q=3;w=3'
    assert (last.status, left(last), last.header("retry-after")) == (429, 0, "1")
    assert host.http("GET", "/health/live").header("ratelimit") is None


def test_nobody_is_told_unless_it_is_set(start):
    host = start(http={"rate_limit": {"per_second": 2}}, plugins=[plugin("good")],
                 routes=[route("/x/mirror", "good")])
    answer = host.http("GET", "/x/mirror")
    assert answer.header("ratelimit") is None and answer.header("ratelimit-policy") is None


# ---- refusals of net


def test_what_is_no_request_is_refused_with_the_headers_that_browsers_heed(start):
    host = start(plugins=[], http={"uri_limit": 16, "security_headers": {
        "content_security_policy": "default-src 'none'", "frame_options": "none",
        "strict_transport_security": "max-age=1"}})
    long = b"GET /" + b"a" * 99 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for text, status in ((b"GET / HTTP/1.1\r\n\r\n", 400), (long, 414)):
        with host.connect() as client:
            refused = client.send(text).read()
        assert refused.status == status
        assert refused.header("x-content-type-options") == "nosniff"
        assert refused.header("content-security-policy") == "default-src 'none'"
        assert refused.header("x-frame-options") is None
        assert refused.header("strict-transport-security") is None


# ---- the configuration


@pytest.mark.parametrize("text, hint", [
    ("http: {concurrency: {limit: -1}}", "http.concurrency.limit"),
    ("http: {concurrency: {queue_timeout: 0s}}", "http.concurrency.queue_timeout"),
    ("http: {shed: {interval: 0s}}", "http.shed.interval"),
    ("http: {rate_limit: {headers: perhaps}}", "true or false"),
    ("routes: [{path: /, plugin: a, priority: urgent}]", "normal, critical, high or low"),
    ("routes: [{path: /, plugin: a, concurrency: {queue: 5}}]", "add limit beside it"),
    ("log: {access_format: common}", "default or combined"),
])
def test_what_makes_no_sense_is_told(tmp_path, text, hint):
    file = tmp_path / "plugd.yaml"
    file.write_text(text + "\n")
    done = subprocess.run([PLUGD, "--check", "--config", str(file)], capture_output=True,
                          check=False, text=True)
    assert done.returncode != 0 and hint in done.stderr, done.stderr
