"""What GET /metrics shows: every line parses, every number is that of what was done, and nobody
outside can make it grow."""
import os
import pathlib
import re
import subprocess

import pytest

from cast import INTERNAL
from client import Client, request
from plugd import PLUGD, plugin, route, wait_until
from tls_client import TlsClient, address_of, client_context

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
GOOD = [plugin("good")]
ROUTES = [route("/x/*rest", "good"), route("/do", "good", rpc="good.v1.Good/Echo")]
PAGES = {"http": "127.0.0.1:0"}

NAME = re.compile(r"[a-z_]+\Z")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? '
                    r'([0-9]+(?:\.[0-9]+)?)\Z')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')


class Page:
    """A page of metrics, held to every rule of the format as it is read."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.kinds = {}
        self.samples = {}  # (name, labels sorted) → float
        family = None
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                assert NAME.match(family) and family not in self.kinds, line
                assert len(line.split(" ", 3)[3]) > 3
                self.kinds[family] = None
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == family and self.kinds[name] is None, line
                assert kind in ("counter", "gauge", "histogram")
                self.kinds[name] = kind
            else:
                self.take(family, line)
        assert None not in self.kinds.values()
        self.check_histograms()

    def take(self, family, line):
        match = SAMPLE.match(line)
        assert match, line
        name, labels, value = match.groups()
        pairs = LABEL.findall(labels or "")
        assert ",".join(f'{key}="{text}"' for key, text in pairs) == (labels or ""), line
        suffixes = ("_bucket", "_sum", "_count") if self.kinds[family] == "histogram" else ("",)
        assert name in [family + suffix for suffix in suffixes], line
        key = (name, tuple(sorted(pairs)))
        assert key not in self.samples, line
        self.samples[key] = float(value)

    def check_histograms(self):
        for name in [name for name, kind in self.kinds.items() if kind == "histogram"]:
            series = {}
            for (sample, labels), value in self.samples.items():
                if sample == name + "_bucket":
                    rest = tuple(pair for pair in labels if pair[0] != "le")
                    series.setdefault(rest, []).append((dict(labels)["le"], value))
            for labels, buckets in series.items():
                ends = [float(end) for end, _ in buckets]
                counts = [count for _, count in buckets]
                assert buckets[-1][0] == "+Inf" and ends == sorted(set(ends))
                assert counts == sorted(counts)
                assert counts[-1] == self.samples[name + "_count", labels]
                assert (name + "_sum", labels) in self.samples

    def get(self, name, **labels):
        """A sample, 0 when there is none."""
        return self.samples.get((name, tuple(sorted(labels.items()))), 0)

    def series(self, name):
        return {labels: value for (sample, labels), value in self.samples.items()
                if sample == name}

    def has(self, family):
        suffix = "_count" if self.kinds[family] == "histogram" else ""
        return bool(self.series(family + suffix))


def pages_of(host):
    return host.wait_log("admin.http_ready")["addr"]


def scrape(host):
    response = request(pages_of(host), "GET", "/metrics")
    assert response.status == 200
    assert response.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    return Page(response.body.decode("utf-8"))


def documented():
    """The names that docs/METRICS.md has."""
    return re.findall(r"^\| `(plugd_[a-z_]+)` \|", (SOURCE / "docs/METRICS.md").read_text(), re.M)


ECHO = {"plugin": "good", "service": "good.v1.Good", "method": "Echo"}


def sin(name):
    return {"plugin": name, "service": "sin.v1.Sin", "method": "Do"}


# ---- the pages


def test_there_are_no_pages_unless_they_are_configured(start):
    host = start(plugins=GOOD)
    assert not host.log("admin.http_ready")
    assert len(host.log("listener.ready")) == 1
    assert host.http("GET", "/metrics").status == 404


def test_the_pages_are_metrics_and_health_and_nothing_else(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    address = pages_of(host)
    assert request(address, "GET", "/health/live").json() == {"status": "live"}
    assert request(address, "GET", "/health/ready").json()["plugins"] == {"good": "ready"}
    assert request(address, "GET", "/health/build").json()["name"] == "plugd"
    for path in ("/", "/metrics/", "/health", "/health/", "/rpc/sin.v1.Sin/Do", "/x/mirror", "/do"):
        assert request(address, "GET", path).status == 404, path
    for path in ("/metrics", "/health/live", "/rpc/sin.v1.Sin/Do", "/nothing"):
        response = request(address, "POST", path, b"x")
        assert (response.status, response.header("allow")) == (405, "GET, HEAD"), path
    assert request(address, "HEAD", "/metrics").body == b""
    assert host.http("GET", "/metrics").status == 404


def test_not_ready_is_told_on_both_doors(start):
    host = start([], plugins=[plugin("exits_at_start", "3", restart={"max_restarts": 0})],
                 admin=PAGES)
    host.wait_state("exits_at_start", "failed")
    for address in (host.address, pages_of(host)):
        response = request(address, "GET", "/health/ready")
        assert (response.status, response.json()["plugins"]) == (503, {"exits_at_start": "failed"})
    assert scrape(host).get("plugd_ready") == 0


@pytest.mark.parametrize("address", [":0", "0.0.0.0:9180", "[::]:9180", "192.0.2.1:9180"])
def test_an_address_that_others_reach_must_be_wanted(hosts, address):
    host = hosts(admin={"http": address})
    host.write_config()
    done = subprocess.run([PLUGD, "--check", "--config", str(host.config)], capture_output=True,
                          check=False)
    assert done.returncode != 0
    assert b"admin.http" in done.stderr and b"http_remote: true" in done.stderr


def test_an_address_that_others_reach_is_opened_when_it_is_wanted(start):
    host = start(admin={"http": "0.0.0.0:0", "http_remote": True})
    port = pages_of(host).rsplit(":", 1)[1]
    assert request(f"127.0.0.2:{port}", "GET", "/metrics").status == 200


# ---- the numbers


def test_what_was_asked_is_what_is_counted(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    for _ in range(7):
        assert host.http("POST", "/do", b"12345").status == 200
    for _ in range(5):
        assert host.rpc("good.v1.Good/Echo", b"123").status == 200
    for _ in range(4):
        assert host.http("GET", "/x/mirror").status == 200
    for number in range(3):
        assert host.http("GET", f"/nothing/{number}").status == 404
    assert host.http("DELETE", "/health/live").status == 405
    page = scrape(host)
    requests = "plugd_http_requests_total"
    assert page.series(requests) == {
        (("route", "/do"), ("status", "2xx")): 7,
        (("route", "/rpc/*"), ("status", "2xx")): 5,
        (("route", "/x/*rest"), ("status", "2xx")): 4,
        (("route", "(none)"), ("status", "4xx")): 3,
        (("route", "/health/live"), ("status", "4xx")): 1,
    }
    assert page.series("plugd_http_responses_total") == {
        (("status", "200"),): 16, (("status", "404"),): 3, (("status", "405"),): 1}
    assert page.get("plugd_http_request_bytes_total", route="/do") == 35
    assert page.get("plugd_http_request_duration_seconds_count", route="/do") == 7
    assert page.get("plugd_calls_total", outcome="OK", **ECHO) == 12
    assert page.get("plugd_call_duration_seconds_count", **ECHO) == 12
    assert page.get("plugd_call_queue_seconds_count", **ECHO) == 12
    assert page.get("plugd_calls_total", plugin="good", service="plugd.http.v1.Http",
                    method="Handle", outcome="OK") == 4
    assert page.get("plugd_http_connections_accepted_total") == 20
    assert page.get("plugd_http_requests_in_flight") == 0


def test_what_was_refused_is_counted_by_who_refused(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES, http={"body_limit": 10})
    for _ in range(2):
        with host.connect() as client:
            assert client.send(b"GET / HTTP/1.1\r\n\r\n").read().status == 400
    assert host.http("POST", "/do", b"x" * 11).status == 413
    page = scrape(host)
    assert page.series("plugd_http_refused_total") == {
        (("reason", "HOST_MISSING"),): 2, (("reason", "body_limit"),): 1}


def test_who_may_not_come_in_is_counted_by_what_kept_it_out(start):
    host = start(plugins=GOOD, admin=PAGES, trusted_proxies=["127.0.0.1"],
                 http={"rate_limit": {"per_second": 1, "burst": 1}, "deny": ["192.0.2.0/24"]},
                 routes=[route("/x/*rest", "good", cors={"origins": ["https://a.example"]})])
    denied = host.http("GET", "/x/mirror", headers=[("X-Forwarded-For", "192.0.2.7")])
    assert denied.status == 403
    question = [("Origin", "https://b.example"), ("Access-Control-Request-Method", "GET")]
    assert host.http("OPTIONS", "/x/mirror", headers=question).status == 403
    with host.connect() as client:
        while client.ask("GET", "/x/mirror").read().status != 429:
            pass
    page = scrape(host)
    for reason in ("lists", "cors", "rate"):
        assert page.get("plugd_http_refused_total", reason=reason) == 1, reason


def test_connections_that_are_closed_unheard_are_counted(start):
    host = start(plugins=GOOD, admin=PAGES, http={"max_connections_per_address": 1})
    with host.connect() as client:
        assert client.ask("GET", "/health/live").read().status == 200
        for _ in range(3):
            with host.connect() as other:
                assert other.is_closed()
        page = scrape(host)
        assert page.get("plugd_http_connections_refused_total") == 3
        assert page.get("plugd_http_connections_accepted_total") == 1


def test_handshakes_are_counted_by_version_and_by_their_end(start, ca):
    host = start(listen="https://127.0.0.1:0", plugins=[], admin=PAGES,
                 tls={"certificates": [ca.issue().row()]})
    for version in ("1.2", "1.3", "1.3"):
        client = TlsClient(address_of(host), client_context(ca.pem, version=version))
        assert client.ask("GET", "/health/live").read().status == 200
        client.close()
    with Client(address_of(host)) as client:
        client.send(b"\x16\x03\x01\x00\x05abcde")
        client.read_rest()
    with Client(address_of(host)) as client:
        client.send(b"\x16\x03\x01")
    family = "plugd_tls_handshakes_total"
    wait_until(lambda: scrape(host).get("plugd_tls_handshake_failures_total", reason="left") == 1,
               "the one that has left is gone")
    page = scrape(host)
    assert page.get(family, version="TLSv1.2", resumed="no") == 1
    assert page.get(family, version="TLSv1.3", resumed="no") == 2
    assert page.get("plugd_tls_handshake_failures_total", reason="refused") == 1
    assert page.get("plugd_tls_handshake_duration_seconds_count") == 3


def test_how_calls_fail_is_counted(start):
    host = start(plugins=[plugin("dies", "3", restart={"max_restarts": 100})], admin=PAGES)
    for count in range(1, 4):
        assert host.rpc("sin.v1.Sin/Do", b"sin").status == 502
        host.wait_ready("dies", count + 1)
    page = scrape(host)
    assert page.get("plugd_calls_total", outcome="PLUGIN_GONE", **sin("dies")) == 3
    assert page.get("plugd_plugin_deaths_total", plugin="dies", kind="failed") == 3
    assert page.get("plugd_plugin_restarts_total", plugin="dies") == 3
    assert page.get("plugd_plugin_state", plugin="dies", state="serving") == 1
    assert page.get("plugd_plugin_state", plugin="dies", state="failed") == 0


def test_a_client_that_leaves_has_its_time_with_the_plugin(begin_pages):
    host, puppet = begin_pages()
    client = host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"x", [("X-Request-Id", "gone")])
    puppet.expect("request")
    page = scrape(host)
    assert page.get("plugd_calls_running", plugin="puppet") == 1
    assert page.get("plugd_http_requests_in_flight") == 1
    client.close()
    puppet.expect("cancel")
    record = host.wait_log("http.request", id="gone")
    assert record["status"] == 499 and record["plugin_us"] > 0
    page = scrape(host)
    assert page.get("plugd_calls_total", outcome="CANCELLED", **sin("puppet")) == 1
    assert page.get("plugd_http_responses_total", status="499") == 1


@pytest.fixture(name="begin_pages")
def begin_pages_fixture(start, stage):
    def begin(**settings):
        host = start([], plugins=[stage.plugin(**settings)], admin=PAGES)
        puppet = stage.puppet()
        host.wait_ready("puppet")
        return host, puppet
    return begin


def test_every_metric_is_documented_and_appears(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    assert host.http("POST", "/do", b"x").status == 200
    with host.connect() as client:
        assert client.send(b"GET / HTTP/1.1\r\n\r\n").read().status == 400
    host.plugctl("swap", "good")
    page = scrape(host)
    assert list(page.kinds) == documented()
    assert [name for name in page.kinds if not page.has(name)] == []
    assert page.get("plugd_plugin_swaps_total", plugin="good", result="done") == 1
    assert page.get("plugd_plugin_generation", plugin="good") == 2
    assert page.get("plugd_plugin_instances_ready", plugin="good") == 1
    assert page.get("plugd_plugin_deaths_total", plugin="good", kind="ended") == 1
    assert page.get("plugd_plugin_resident_memory_bytes", plugin="good") > 0
    assert page.get("plugd_process_resident_memory_bytes") > 1 << 20
    assert page.get("plugd_process_open_descriptors") > 5
    assert page.get("plugd_loop_turn_seconds_count") > 0
    assert page.get("plugd_breaker_state", plugin="good", state="closed") == 1


def test_a_breaker_that_opens_shows(begin_pages):
    host, puppet = begin_pages(circuit_breaker={"failure_threshold": 1, "min_request_threshold": 1})
    client = host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"x")
    puppet.reply(puppet.expect("request"), code=INTERNAL)
    assert client.read().status == 500
    page = scrape(host)
    assert page.get("plugd_breaker_state", plugin="puppet", state="open") == 1
    assert page.get("plugd_breaker_state", plugin="puppet", state="closed") == 0
    assert page.get("plugd_breaker_openings_total", plugin="puppet") == 1
    assert page.get("plugd_calls_total", outcome="INTERNAL", **sin("puppet")) == 1


# ---- bounds


def test_paths_without_end_make_no_series(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    host.http("GET", "/x/0")
    host.http("GET", "/nothing/0")
    before = scrape(host)
    with host.connect() as client:
        for number in range(5000):
            client.ask("GET", f"/nothing/{number}", headers=[("X-Request-Id", f"r{number}")])
            assert client.read().status == 404
            client.ask("GET", f"/x/mirror{number}?q={number}")
            client.read()
    after = scrape(host)
    assert set(after.series("plugd_http_requests_total")) <= {
        *before.series("plugd_http_requests_total"),
        (("route", "/x/*rest"), ("status", "2xx")), (("route", "/x/*rest"), ("status", "4xx"))}
    assert after.get("plugd_http_requests_total", route="(none)", status="4xx") == 5001
    assert after.get("plugd_metrics_series_dropped_total") == 0


def test_counts_go_on_while_plugins_are_swapped(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    for generation in range(2, 5):
        with host.order("swap", plugin="good") as order:
            for _ in range(5):
                assert host.http("POST", "/do", b"x").status == 200
                scrape(host)
            assert order.reply()["ok"]
        page = scrape(host)
        assert page.get("plugd_calls_total", outcome="OK", **ECHO) == 5 * (generation - 1)
        assert page.get("plugd_plugin_generation", plugin="good") == generation
        assert page.get("plugd_plugin_swaps_total", plugin="good", result="done") == generation - 1


def test_a_page_that_is_kept_waiting_blocks_nobody(start):
    host = start(plugins=GOOD, routes=ROUTES, admin=PAGES)
    slow = [Client(pages_of(host)).send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
            for _ in range(10)]
    assert host.http("POST", "/do", b"x").status == 200
    assert scrape(host).get("plugd_ready") == 1
    for client in slow:
        client.close()
