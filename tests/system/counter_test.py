"""plugins-examples/counter: behind plugd as its README says, and its count on the way from one
instance to the next."""
import json
import os

import pytest

from plugd import SANITIZERS, STRICT, plugin, route
from plughost import PluginHost, Refused

COUNTER = os.path.join(os.environ["EXAMPLE_DIR"], "counter/counter")
FEATURES = ("unknown-frames", "state")
ADD, GET = "counter.v1.Counter/Add", "counter.v1.Counter/Get"
LARGEST = (1 << 63) - 1


def packed(name, number):
    """{name: number} in MessagePack."""
    value = b"\xd3" + number.to_bytes(8, "big", signed=True)
    return b"\x81" + bytes([0xa0 + len(name)]) + name + value


@pytest.fixture(name="instance")
def instance_fixture():
    """instance(): one after WELCOME."""
    hosts = []

    def start():
        hosts.append(PluginHost([COUNTER], env=SANITIZERS))
        hosts[-1].hello(features=FEATURES)
        return hosts[-1]
    yield start
    for host in hosts:
        host.__exit__()


# ---- alone: from instance to instance


def test_tells_what_it_hands_over(instance):
    welcome = instance().welcome
    assert "state" in welcome.features
    assert list(welcome.manifest.state_exports) == list(welcome.manifest.state_imports) == [1]
    idempotent = {m.name: m.idempotent for m in welcome.manifest.provides[0].methods}
    assert idempotent == {"Add": False, "Get": True}


def test_a_count_goes_from_instance_to_instance(instance):
    old = instance()
    old.start()
    old.call(ADD, packed(b"n", 41))
    state = old.export_state(1)
    new = instance()
    new.import_state(1, state)
    new.start()
    assert new.http("POST", "/counter")[2] == b"42\n"
    assert old.http("GET", "/counter")[2] == b"41\n"  # it would serve on
    assert old.drain() == new.drain() == 0
    assert any(log.message == "goes on from 41" for log in new.logs)


@pytest.mark.parametrize("count", [0, -1, LARGEST, -LARGEST - 1])
def test_any_count_goes_over(instance, count):
    old, new = instance(), instance()
    old.start()
    old.call(ADD, packed(b"n", count))
    new.import_state(1, old.export_state(1))
    new.start()
    assert new.http("GET", "/counter")[2] == b"%d\n" % count


@pytest.mark.parametrize("state", [
    b"", b"\x80", b"\xc0", b"\x2a", b"\xc1", b"\x81", b"\x81\xa5count", b"\x81\xa5count\xa1x"])
def test_refuses_a_state_without_a_count(instance, state):
    with pytest.raises(Refused, match="no count"):
        instance().import_state(1, state)


def test_refuses_a_damaged_state(instance):
    with pytest.raises(Refused, match="damaged"):
        instance().import_state(1, b"\x81\xa5count\x2a", sha256=b"x" * 32)


# ---- behind plugd


@pytest.fixture(name="host")
def host_fixture(start):
    return start(plugins=[plugin("counter", executable=COUNTER, env=SANITIZERS, sandbox=STRICT)],
                 routes=[route("/counter", "counter", methods=["GET", "POST"])])


def call(host, method, data):
    return json.loads(host.plugctl("call", method, "--data", json.dumps(data)))


def test_counts_by_http(host):
    assert host.http("GET", "/counter").body == b"0\n"
    assert host.http("POST", "/counter").body == b"1\n"
    assert host.http("POST", "/counter").body == b"2\n"
    assert host.http("GET", "/counter").body == b"2\n"
    assert host.http("DELETE", "/counter").status == 405


def test_counts_by_rpc(host):
    assert call(host, GET, {}) == {"count": 0}
    assert call(host, ADD, {"n": 40}) == {"count": 40}
    assert call(host, ADD, {}) == {"count": 41}
    assert call(host, ADD, {"n": -1}) == {"count": 40}
    assert call(host, GET, {}) == {"count": 40}
    assert host.http("GET", "/counter").body == b"40\n"


@pytest.mark.parametrize("request_bytes", [b"\xc1", b"\x01", b"\x90", b"\x81\xa1n\xa1x"])
def test_refuses_what_is_no_number(host, request_bytes):
    assert host.rpc(ADD, request_bytes).error() == (400, "INVALID_ARGUMENT")
    assert host.http("GET", "/counter").body == b"0\n"


def test_counts_no_further_than_it_can(host):
    host.rpc(ADD, packed(b"n", LARGEST))
    assert host.rpc(ADD, packed(b"n", 1)).error() == (400, "OUT_OF_RANGE")
    assert host.http("POST", "/counter").error() == (400, "OUT_OF_RANGE")
    assert host.http("GET", "/counter").body == b"%d\n" % LARGEST
