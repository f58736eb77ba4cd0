"""What must hold under steady load, whatever plugins and operators do.

Each test has a number of rounds that ends in seconds; TORTURE=10 in the environment makes it ten
times as many. What paces a test is the answers that came, never the time that went by.
"""
import collections
import errno
import itertools
import os
import random
import resource
import signal

import pytest

from client import Client
from load import Load
from plugd import is_alive, plugin, route, wait_until
from streaming_test import upload
from swap_test import swap

TORTURE = int(os.environ.get("TORTURE", "1"))
EXAMPLES = os.environ["EXAMPLE_DIR"]
ECHO = os.path.join(EXAMPLES, "echo/echo")
COUNTER = os.path.join(EXAMPLES, "counter/counter")
DO = "sin.v1.Sin/Do"
CLIENTS = 64
MIB = 1 << 20
UNTIRING = {"initial_delay": "1ms", "max_delay": "10ms", "max_restarts": 100, "period": "1ms"}
PERSISTENT = {"max_attempts": 10, "initial_delay": "1ms", "max_delay": "10ms", "budget": 100,
              "budget_min": 10000}


def mortal(kind, *args, **settings):
    """A plugin that is killed again and again, and that nothing gives up."""
    return plugin(kind, *args, **{
        "instances": 3, "restart": UNTIRING, "retry": PERSISTENT, "queue_timeout": "5s",
        "circuit_breaker": {"enabled": False}, **settings})


def bodies(size=64):
    """A body that no other call had, each time it is called."""
    numbers = itertools.count()
    return lambda: b"%0*d" % (size, next(numbers))


def is_echo(response):
    return response.status == 200 and response.body == response.asked


def ready_pids(host, name):
    return [row["pid"] for row in host.instances(name)
            if row["state"] == "ready" and is_alive(row["pid"])]


def kill_one(host, name, chance):
    """kill -9 of any instance; the last one that is ready is spared."""
    ready = wait_until(lambda: len(pids := ready_pids(host, name)) > 1 and pids,
                       f"two of {name} are ready")
    pid = chance.choice(ready)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), f"{pid} is dead")


# ---- swaps


def test_no_call_is_lost_over_many_swaps(start):
    host = start(plugins=[plugin("echo", executable=ECHO, instances=2)],
                 routes=[route("/echo", "echo")])
    with Load(host, "POST", "/echo", bodies(), CLIENTS, is_echo) as load:
        for _ in range(15 * TORTURE):
            swap(host, "echo")
            load.wait_answers(CLIENTS)
    assert not load.failures
    assert host.plugin("echo")["generation"] == 15 * TORTURE + 1


def test_each_call_is_counted_once_over_many_swaps_with_state(start):
    host = start(plugins=[plugin("counter", executable=COUNTER)],
                 routes=[route("/counter", "counter")])
    with Load(host, "POST", "/counter", b"", CLIENTS) as load:
        for _ in range(15 * TORTURE):
            swap(host, "counter", "--state")
            load.wait_answers(CLIENTS)
    assert not load.failures
    assert int(host.http("GET", "/counter").body) == load.answered


# ---- kill -9


def test_calls_that_may_be_repeated_survive_their_plugins(start):
    host = start(plugins=[mortal("echo", executable=ECHO)], routes=[route("/echo", "echo")])
    chance = random.Random(1)
    with Load(host, "GET", "/echo", clients=CLIENTS) as load:
        for _ in range(15 * TORTURE):
            kill_one(host, "echo", chance)
            load.wait_answers(100)
    assert not load.failures
    host.wait_log("instance.died", 15 * TORTURE, plugin="echo")


def test_calls_that_may_not_be_repeated_are_executed_once_at_most(start, tmp_path):
    book = tmp_path / "ledger"
    host = start(plugins=[mortal("ledger", str(book))])
    outcomes, acknowledged = collections.Counter(), set()

    def is_honest(response):
        """The answer, or an error of plugd's own."""
        outcomes[response.status] += 1
        if response.status == 200:
            acknowledged.add(response.body)
            return response.body == response.asked
        return response.status in (502, 503) and bool(response.error())

    chance = random.Random(2)
    with Load(host, "POST", "/rpc/" + DO, bodies(), CLIENTS, is_honest) as load:
        for _ in range(15 * TORTURE):
            kill_one(host, "ledger", chance)
            load.wait_answers(100)
    assert not load.failures, outcomes
    executed = collections.Counter(book.read_bytes().split())
    assert [call for call, times in executed.items() if times > 1] == []
    assert len(acknowledged) == outcomes[200] and acknowledged <= set(executed)


# ---- a plugin that stands still


def test_an_instance_that_stands_still_is_replaced_and_harms_no_other(start):
    host = start(plugins=[mortal("echo", executable=ECHO, timeout="500ms", patience="500ms")],
                 routes=[route("/echo", "echo")])
    outcomes = collections.Counter()

    def is_in_time(response):
        """The answer, or the end of a call whose time is over. 504: that came while the instance
        stood still. 502: first the instance was given up, and what was left of the time was less
        than the pause before the next try."""
        outcomes[response.status] += 1
        return response.status == 200 or response.error() in [
            (504, "DEADLINE_EXCEEDED"), (502, "PLUGIN_GONE")]

    with Load(host, "GET", "/echo", clients=CLIENTS, right=is_in_time) as load:
        frozen = host.kill_instance("echo", 1, signal.SIGSTOP)
        before = outcomes[200]
        failed = host.wait_log("instance.failed", plugin="echo")
        assert outcomes[200] > before
        assert failed["code"] in (1208, 1601), failed
        host.wait_ready("echo", 4)
    assert not load.failures, outcomes
    assert len(host.log("instance.died", plugin="echo")) == 1 and not is_alive(frozen)
    if outcomes[502] > 0:
        host.wait_log("call.failed", outcomes[502], outcome="PLUGIN_GONE", msg="no time is left")
    with Load(host, "GET", "/echo", clients=CLIENTS) as load:
        load.wait_answers(10 * CLIENTS)
    assert not load.failures


# ---- sinners beside


@pytest.mark.parametrize("sin", [("garbage",), ("huge_frame", "2147483647"), ("replies_twice",),
                                 ("wrong_id", "4711")], ids=lambda sin: sin[0])
def test_who_breaks_the_rules_harms_nobody_else(start, sin):
    host = start(plugins=[plugin("echo", executable=ECHO),
                          mortal(*sin, name="sinner", instances=1)],
                 routes=[route("/echo", "echo")])
    echo = host.pid("echo")
    with Load(host, "POST", "/echo", bodies(), CLIENTS, is_echo) as load:
        for count in range(1, 3 * TORTURE + 1):
            response = host.rpc(DO, b"sin")
            assert response.body == b"once" or response.error() == (502, "PLUGIN_GONE")
            load.wait_answers(CLIENTS)
            host.wait_log("instance.failed", count, plugin="sinner")
            host.wait_ready("sinner", count + 1)
    assert not load.failures
    assert host.pid("echo") == echo


# ---- large and small


def test_small_calls_pass_a_large_one(start):
    host = start(plugins=[plugin("echo", executable=ECHO, timeout="10m")],
                 routes=[route("/echo", "echo", body_limit="1GiB")],
                 http={"read_timeout": "10m", "write_timeout": "10m"})
    block = bytes(range(256)) * 256
    with Load(host, "POST", "/echo", bodies(), CLIENTS, is_echo) as load:
        for _ in range(TORTURE):
            with host.connect() as client:
                thread, _digest = upload(client, "/echo", 100 * MIB // len(block), block)
                response = client.read_head()
                before = load.answered
                body = client.read_body(response).body
                passed = load.answered - before
                thread.join()
            assert len(body) == 100 * MIB and body == block * (len(body) // len(block))
            assert passed >= CLIENTS
    assert not load.failures


# ---- the end of the host


class LoadToTheEnd(Load):
    """The same while the host ends: who finds it gone, or is told that a connection is over before
    a byte of an answer came, stops asking."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.ids = set()

    def ask(self, client):
        response = super().ask(client)
        self.ids.add(response.header("x-request-id"))
        return response

    def record(self, what=None):
        self.over = self.over or is_orderly_end(what)
        super().record(None if is_orderly_end(what) else what)


def is_orderly_end(what):
    refused = isinstance(what, OSError) and what.errno == errno.ECONNREFUSED
    return refused or isinstance(what, AssertionError) and str(what).endswith("the middle: b''")


def test_the_host_ends_and_answers_what_it_took(hosts):
    for _ in range(3 * TORTURE):
        host = hosts(plugins=[plugin("echo", executable=ECHO, instances=2)],
                     routes=[route("/echo", "echo")], log={"level": "info"}).start()
        with LoadToTheEnd(host, "POST", "/echo", bodies(), clients=CLIENTS, right=is_echo) as load:
            load.wait_answers(CLIENTS)
            host.stop()
        assert not load.failures
        logged = {record["id"] for record in host.log("http.request")}
        assert logged and logged <= load.ids


# ---- many that do nothing, some that hardly do


@pytest.fixture(name="descriptors")
def descriptors_fixture():
    """As many as the system lets us have, here and in the host."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def slow_reader(host):
    """Asks for more than fits anywhere, and reads its head only."""
    client = Client(host.address, receive_buffer=4096)
    client.ask("GET", f"/good/download/{16 * MIB}").read_head()
    return client


def slow_writer(host, number):
    """Sends a part: of the head, of a body that is awaited, of one that passes as it comes."""
    head = f"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: {(100, MIB)[number % 2]}\r\n"
    return host.connect().send(head.encode() + (b"\r\nsome", b"\r\nsome", b"X-Mo")[number % 3])


def test_those_who_do_nothing_cost_little_and_delay_nobody(start, descriptors, capsys):
    count = min(10000 if TORTURE > 1 else 2000, descriptors - 1000)
    patient = ("read_header_timeout", "read_timeout", "write_timeout", "idle_timeout")
    host = start(plugins=[plugin("echo", executable=ECHO, timeout="1h"),
                          plugin("good", timeout="1h")],
                 routes=[route("/echo", "echo"), route("/good/*rest", "good")],
                 http={**{name: "1h" for name in patient}, "max_connections": 20000})
    with Load(host, "POST", "/echo", bodies(), CLIENTS, is_echo) as load:
        load.wait_answers(10 * CLIENTS)  # its buffers have grown
    before, open_before = host.rss(), host.descriptors()
    clients = []
    for _ in range(count):
        clients.append(host.connect())
        assert clients[-1].ask("GET", "/echo").read().status == 200
    assert host.descriptors() >= open_before + count - CLIENTS
    each = (host.rss() - before) / count
    clients += [slow_reader(host) for _ in range(20)]
    clients += [slow_writer(host, number) for number in range(20)]
    with Load(host, "POST", "/echo", bodies(), CLIENTS, is_echo) as load:
        load.wait_answers(10 * CLIENTS)
        assert host.http("GET", "/good/status/204").status == 204
    assert not load.failures
    with capsys.disabled():
        print(f"\n{count} idle connections: {each / 1024:.1f} KiB each")
    assert each < 64 << 10
    for client in clients:
        client.close()
