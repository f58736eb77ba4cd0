"""State goes from one generation to the next, while calls wait; or the old one serves on."""
import hashlib
import os

import pytest

import plug
from load import Load
from plugd import plugin, route
from swap_test import refusal, swap

COUNTER = os.path.join(os.environ["EXAMPLE_DIR"], "counter/counter")
DO = "sin.v1.Sin/Do"
MIB = 1 << 20


@pytest.fixture(name="counting")
def counting_fixture(start):
    """counting("refuses", …): a host with tests/plugins/state.py and these arguments."""
    def begin(*args, instances=1, **settings):
        return start(plugins=[plugin("state", *args, instances=instances, **settings)],
                     routes=[route("/count", "state")])
    return begin


def add(host, times=1):
    for _ in range(times):
        body = host.rpc(DO, b"add").body
    return int(body.split()[0])


def count(host):
    return int(host.rpc(DO, b"").body.split()[0])


def manifest():
    told = plug.manifest()
    told.state_exports.append(1)
    told.state_imports.append(1)
    return told


def hand_over(old, new, state):
    """Two puppets play their parts, up to START."""
    assert old.expect("export").format == 1
    old.send(state={"payload": state})
    old.send(state_end={"sha256": hashlib.sha256(state).digest(), "total_bytes": len(state)})
    assert new.expect("import").format == 1
    assert new.expect("state").payload == state
    assert new.expect("state_end").total_bytes == len(state)
    new.send(imported={})
    new.expect("start")


def test_the_count_survives_swaps_under_load(start):
    """Each request is counted once: none is lost, none is counted twice."""
    host = start(plugins=[plugin("counter", executable=COUNTER)],
                 routes=[route("/counter", "counter")])
    with Load(host, "POST", "/counter", b"", clients=16) as load:
        for _ in range(10):
            swap(host, "counter", "--state")
            load.wait_answers(16)
    assert not load.failures
    assert int(host.http("GET", "/counter").body) == load.answered


def test_without_asking_a_new_generation_begins_anew(counting):
    host = counting()
    add(host, 3)
    swap(host, "state")
    assert count(host) == 0


def test_number_i_hands_over_to_number_i(counting):
    host = counting(instances=2)
    for _ in range(6):
        host.rpc(DO, b"add")

    def counts():
        seen = {}
        while len(seen) < 2:
            number, instance = host.rpc(DO, b"").body.split()
            seen[instance.rsplit(b"/", 1)[1]] = int(number)
        return seen
    before = counts()
    swap(host, "state", "--state")
    assert counts() == before and sum(before.values()) == 6


def test_a_state_of_many_frames(counting):
    host = counting(f"size={MIB}")
    add(host, 5)
    swap(host, "state", "--state")
    assert count(host) == 5


def test_a_state_of_no_bytes(counting):
    host = counting("size=0")
    swap(host, "state", "--state")
    assert count(host) == 0


def test_the_highest_common_format_is_taken(counting):
    host = counting("exports=1,2,7", "imports=2,3,1")
    add(host)
    swap(host, "state", "--state")
    assert count(host) == 1


@pytest.mark.parametrize("sin, said", [
    (["fails"], "the table is locked"),
    (["breaks_off"], "the disk is full"),
    (["damages"], "checksum"),
    (["miscounts"], "checksum"),
    ([f"size={65 * MIB}"], ""),  # too large, or too slow for two seconds
    (["refuses"], "does not take the state"),
    (["hangs_importing"], "within 2 s"),
    (["hangs_exporting"], "within 2 s"),
    (["exports=1", "imports=2"], "no format"),
], ids=lambda value: value[0].split("=")[0] if isinstance(value, list) else "")
def test_the_old_generation_serves_on_with_its_state(counting, sin, said):
    host = counting(*sin)
    add(host, 4)
    with Load(host, "GET", "/count", clients=8) as load:
        error = refusal(host, "state", state=True)
        assert error["code"] == 1212 and said in error["message"], error
        load.wait_answers(16)
    assert not load.failures
    assert count(host) == 4
    assert [row["id"] for row in host.instances("state")] == ["state/1/1"]


def test_a_new_generation_that_breaks_off_is_given_up(counting):
    host = counting("dies_importing")
    add(host, 4)
    with Load(host, "GET", "/count", clients=8) as load:
        refusal(host, "state", state=True)
    assert not load.failures
    assert count(host) == 4


def test_an_old_generation_that_is_lost_is_started_again(counting):
    host = counting("dies_exporting")
    add(host, 4)
    assert refusal(host, "state", state=True)["code"] == 1212
    host.wait_ready("state", 2)
    assert count(host) == 0


def test_a_state_that_nobody_asked_for_is_a_violation(counting):
    host = counting()
    host.rpc(DO, b"sin")
    died = host.wait_log("instance.died", plugin="state")
    assert died["code"] == 2001 and "STATE_END" in died["msg"], died


def test_a_rollback_takes_the_state_along(counting):
    host = counting()
    add(host, 2)
    swap(host, "state", "--state")
    add(host, 1)
    host.plugctl("rollback", "state", "--state")
    assert count(host) == 3


def test_state_and_canary_exclude_each_other(counting):
    host = counting()
    assert refusal(host, "state", state=True, canary_permille=10)["code"] == 1700


def test_calls_that_are_open_are_waited_for(hosts, stage):
    host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")])
    host.start([])
    old = stage.puppet(manifest=manifest(), features=["state"])
    host.wait_ready("puppet")
    client = host.connect().ask("GET", "/p/held")
    frame, _head = old.request()
    with host.order("swap", plugin="puppet", state=True) as order:
        new = stage.newcomer()
        new.greet(manifest=manifest(), features=["state"])
        host.wait_log("swap.step", step="hand-over")
        waiting = host.connect().ask("GET", "/p/waits")
        old.answer(frame, b"old")
        assert client.read().body == b"old"
        hand_over(old, new, b"x")
        new.send(ready={})
        frame, head = new.request()
        assert head.path == "/p/waits"
        new.answer(frame, b"new")
        assert waiting.read().body == b"new"
        old.expect("drain")
        old.send(bye={})
        old.end()
        assert order.reply()["ok"]
