"""Health: PING and PONG, and what the host makes of the answers; each setting of `health_check`.

Puppets answer by hand. Where silence shall not count, the timeout is beyond the patience of a test.
"""
import os
import signal

import pytest

from plugd import is_alive, plugin, route
from plugd_pb2 import DEGRADED, HEALTHY, UNHEALTHY, Pong

DO = "sin.v1.Sin/Do"
ECHO = os.environ["EXAMPLE_DIR"] + "/echo/echo"
PATIENT = {"interval": "1ms", "timeout": "1h"}


@pytest.fixture(name="put_on")
def put_on_fixture(hosts, stage):
    """put_on(instances, settings of health_check…): a host and its puppets, in their order."""
    def begin(instances=1, drain_timeout="30s", **health_check):
        host = hosts(plugins=[stage.plugin(instances=instances, drain_timeout=drain_timeout,
                                           restart={"initial_delay": "1ms"},
                                           health_check={**PATIENT, **health_check})],
                     routes=[route("/p/*rest", "puppet")])
        host.start([])
        puppets = [stage.puppet() for _ in range(instances)]
        host.wait_ready("puppet", instances)
        return host, *sorted(puppets, key=lambda puppet: puppet.hello.instance_id)
    return begin


def answer_ping(puppet, health=HEALTHY, **words):
    ping = puppet.expect("ping")
    puppet.send(pong=Pong(seq=ping.seq, health=health, **words))
    return ping.seq


def health_of(host, index=0):
    return host.instances("puppet")[index]["health"]


def ask_rpc(host, puppet):
    """A call from end to end; answers PINGs on its way."""
    client = host.connect().ask("POST", "/rpc/" + DO, b"x")
    puppet.reply(puppet.expect("request"), b"served")
    assert client.read().body == b"served"
    client.close()


# ---- asking


def test_questions_are_numbered_and_come_as_often_as_configured(put_on):
    _host, puppet = put_on()
    # At the default of 30 s this would take longer than a test may.
    assert [answer_ping(puppet) for _ in range(30)] == list(range(1, 31))


def serve_without_ping(host, puppet):
    """Calls, among which no PING comes; each is longer than the interval, if only by its way."""
    for _ in range(20):
        client = host.connect().ask("POST", "/rpc/" + DO, b"x")
        frame = puppet.read()
        assert frame.WhichOneof("kind") == "request", frame
        puppet.reply(frame.request)
        assert client.read().status == 200
        client.close()


def test_there_is_never_a_second_question_before_the_answer_to_the_first(put_on):
    host, puppet = put_on()
    assert puppet.expect("ping").seq == 1
    serve_without_ping(host, puppet)


def test_who_shall_not_be_asked_is_not_and_is_not_heeded(put_on):
    host, puppet = put_on(enabled=False, failure_limit=1)
    for _ in range(5):
        puppet.send(pong=Pong(health=UNHEALTHY))
    serve_without_ping(host, puppet)
    assert health_of(host) == "healthy" and not host.log("instance.health")


# ---- degraded


def test_degraded_serves_last(put_on):
    host, ill, well = put_on(2)
    answer_ping(ill, DEGRADED, message="the cache is cold", unavailable=["cache", "db"])
    told = host.wait_log("instance.health", health="degraded")
    assert (told["msg"], told["unavailable"]) == ("the cache is cold", "cache, db")
    assert (told["instance"], told["level"]) == ("puppet/1/1", "warn")
    clients = [host.connect().ask("POST", "/rpc/" + DO, b"x") for _ in range(4)]
    requests = [well.expect("request") for _ in clients]  # the other is idle, and gets none
    shown = host.instances("puppet")
    assert [row["health"] for row in shown] == ["degraded", "healthy"]
    assert (shown[0]["health_message"], shown[0]["unavailable"]) == ("the cache is cold",
                                                                      "cache, db")
    assert "the cache is cold" in host.plugctl("instances")
    for request in requests:
        well.reply(request)
    for client in clients:
        assert client.read().status == 200
        client.close()
    assert host.plugin("puppet")["instances_healthy"] == 1
    assert host.http("GET", "/health/ready").json()["plugins"]["puppet"] == "ready"


def test_degraded_still_serves(put_on):
    host, puppet = put_on()
    answer_ping(puppet, DEGRADED)
    host.wait_log("instance.health", health="degraded")
    assert host.plugin("puppet")["state"] == "degraded"
    ready = host.http("GET", "/health/ready")
    assert (ready.status, ready.json()["plugins"]["puppet"]) == (200, "degraded")
    ask_rpc(host, puppet)


def test_two_healthy_answers_in_a_row_make_it_healthy_again(put_on):
    host, puppet = put_on()
    answer_ping(puppet, DEGRADED)
    answer_ping(puppet, HEALTHY)
    ping = puppet.expect("ping")  # so the one before has been heard
    assert health_of(host) == "degraded"
    puppet.send(pong=Pong(seq=ping.seq, health=HEALTHY))
    assert host.wait_log("instance.health", health="healthy")["before"] == "degraded"
    assert health_of(host) == "healthy" and host.plugin("puppet")["state"] == "serving"


def test_what_it_says_unasked_counts(put_on):
    host, puppet = put_on(interval="1h")
    puppet.send(pong=Pong(health=DEGRADED, message="too warm"))
    assert host.wait_log("instance.health", health="degraded")["msg"] == "too warm"
    for _ in range(2):
        puppet.send(pong=Pong(health=HEALTHY))
    host.wait_log("instance.health", health="healthy")


# ---- unhealthy


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_unhealthy_so_many_times_is_fenced_drained_and_replaced(put_on, stage, limit):
    host, puppet = put_on(failure_limit=limit)
    client = host.connect().ask("GET", "/p/held")
    frame, _head = puppet.request()
    for count in range(limit):
        assert not host.log("instance.health", health="unhealthy"), count
        answer_ping(puppet, UNHEALTHY, message="no disk", unavailable=["disk"])
    told = host.wait_log("instance.health", health="unhealthy")
    assert (told["code"], told["msg"], told["unavailable"]) == (1600, "no disk", "disk")
    puppet.expect("drain")
    assert host.rpc(DO, b"new").error() == (503, "PLUGIN_NOT_READY")
    assert host.instances("puppet")[0].get("health") is None
    puppet.answer(frame, b"finished")
    assert client.read().body == b"finished"
    client.close()
    puppet.send(bye={})
    puppet.end()
    died = host.wait_log("instance.died")
    assert died["code"] == 1600 and "no disk" in died["msg"] and "disk" in died["msg"]
    successor = stage.puppet()
    host.wait_ready("puppet", 2)
    assert health_of(host) == "healthy"
    ask_rpc(host, successor)


def test_a_healthy_answer_between_unhealthy_ones_begins_the_count_anew(put_on):
    host, puppet = put_on(failure_limit=2)
    for _ in range(3):
        answer_ping(puppet, UNHEALTHY)
        answer_ping(puppet, HEALTHY)
    puppet.expect("ping")
    assert health_of(host) == "degraded" and not host.log("instance.health", health="unhealthy")


def test_an_unhealthy_one_has_its_drain_timeout_and_no_more(put_on, stage):
    host, puppet = put_on(failure_limit=1, drain_timeout="50ms")
    client = host.connect().ask("GET", "/p/held")
    puppet.request()
    answer_ping(puppet, UNHEALTHY)
    puppet.expect("drain")
    puppet.expect("cancel")
    assert client.read().error() == (502, "PLUGIN_GONE")
    client.close()
    stage.puppet()
    host.wait_ready("puppet", 2)


# ---- silence


def test_silence_is_degraded_then_offline_and_its_calls_end_at_once(put_on, stage):
    # With the default timeout of 5 s this would take longer than a test waits.
    host, puppet = put_on(timeout="5ms", failure_limit=20)
    client = host.connect().ask("GET", "/p/held")
    failed = host.wait_log("instance.failed", plugin="puppet")
    assert failed["code"] == 1601 and "PING 20 within 5 ms" in failed["msg"]
    assert [record["health"] for record in host.log("instance.health")] == ["degraded", "offline"]
    assert client.read().error() == (502, "PLUGIN_GONE")
    client.close()
    pings = 0
    while frame := puppet.read():
        pings += frame.WhichOneof("kind") == "ping"
    assert pings == 20
    stage.puppet()
    host.wait_ready("puppet", 2)


def test_a_stopped_process_is_offline_whatever_it_said_before(start):
    host = start(plugins=[plugin("good", health_check={"interval": "1ms", "timeout": "200ms",
                                                       "failure_limit": 2})])
    pid = host.kill_instance("good", number=signal.SIGSTOP)
    assert host.wait_log("instance.failed", plugin="good")["code"] == 1601
    assert host.instances("good")[0].get("health") is None
    host.wait_ready("good", 2)
    assert not is_alive(pid) and host.pid("good") != pid


def test_a_dead_process_is_not_healthy(start):
    host = start(plugins=[plugin("good", restart={"policy": "never"})])
    assert host.instances("good")[0]["health"] == "healthy"
    host.kill_instance("good")
    host.wait_log("instance.died")
    assert host.instances("good")[0].get("health") is None
    assert host.plugin("good")["instances_healthy"] == 0


def test_a_plugin_on_libplug_answers(start):
    host = start(plugins=[plugin("echo", executable=ECHO, restart={"policy": "never"},
                                 health_check={"interval": "1ms", "failure_limit": 1})])
    for _ in range(20):
        assert host.http("GET", "/health/ready").json()["plugins"]["echo"] == "ready"


# ---- answers that are none


def test_an_answer_to_what_was_never_asked_costs_the_instance(put_on):
    host, puppet = put_on(interval="1h")
    puppet.send(pong=Pong(seq=4711))
    failed = host.wait_log("instance.failed", plugin="puppet")
    assert failed["code"] == 2001 and "PING 4711" in failed["msg"]


def test_an_answer_that_comes_too_late_or_twice_says_nothing(put_on):
    host, puppet = put_on(timeout="50ms", failure_limit=1000)
    host.wait_log("instance.health", health="degraded")  # the first one was not answered in time
    for seq in (1, 1, 2):
        puppet.expect("ping")
        puppet.send(pong=Pong(seq=seq, health=UNHEALTHY, message="never heeded"))
    for _ in range(2):
        puppet.expect("ping")
    assert host.instances("puppet")[0]["health_message"] != "never heeded"
    assert not host.log("instance.failed")
