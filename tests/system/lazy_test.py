"""Processes only while they are needed: `start: lazy` and `idle_timeout`."""
import hashlib
import select

import pytest

from plugd import PATIENCE_S, is_alive, plugin, route, wait_until

ECHO = "good.v1.Good/Echo"
ROUTES = [route("/x/*rest", "good"), route("/echo", "good", rpc=ECHO)]


def lazy(name="good", *args, **settings):
    return plugin(name, *args, **{"start": "lazy", "queue_timeout": "1m", **settings})


def call_until_served(host, path="/x/mirror"):
    """The first call may come before the plugin is ready again."""
    wait_until(lambda: host.http("GET", path).status == 200, f"an answer of {path}")


# ---- lazy


def test_no_process_before_the_first_request(start):
    host = start([], plugins=[lazy(instances=2)], routes=ROUTES)
    ready = host.http("GET", "/health/ready")
    assert (ready.status, ready.json()["plugins"]) == (200, {"good": "asleep"})
    assert host.plugin("good")["state"] == "asleep" and host.admin("status")["ready"]
    assert [row["state"] for row in host.instances("good")] == ["asleep"] * 2
    assert not host.log("instance.started")
    assert host.http("GET", "/x/mirror").status == 200
    host.wait_ready("good", 2)
    assert host.plugin("good")["state"] == "serving" and host.plugin("good")["restarts"] == 0


def test_an_eager_one_does_not_wait_for_a_request(start):
    host = start(plugins=[lazy(start="eager")])
    assert host.plugin("good")["state"] == "serving"


def test_all_who_come_during_the_start_wait_for_it(start):
    host = start([], plugins=[lazy()], routes=ROUTES)
    body = bytes(range(256)) * 2000
    mirrors = [host.connect().ask("POST", "/x/mirror", body) for _ in range(10)]
    echoes = [host.connect().ask("POST", "/echo", body) for _ in range(10)]
    for client in mirrors:
        assert client.read().json()["body_sha256"] == hashlib.sha256(body).hexdigest()
        client.close()
    for client in echoes:
        assert client.read().body == body
        client.close()
    assert len(host.log("instance.started")) == 1


def test_by_name_it_is_found_when_it_has_run_once(start):
    host = start([], plugins=[lazy()], routes=ROUTES)
    assert host.rpc(ECHO, b"x").error() == (404, "REGISTRY_NO_SERVICE")
    assert host.http("GET", "/x/mirror").status == 200
    assert host.rpc(ECHO, b"x").body == b"x"


def test_an_operator_may_start_it(start):
    host = start([], plugins=[lazy()], routes=ROUTES)
    assert host.admin("restart", plugin="good")["started"] == 1
    host.wait_ready("good")
    assert host.rpc(ECHO, b"x").body == b"x"


def test_so_many_may_wait_and_no_more(hosts, stage):
    host = hosts(plugins=[stage.plugin(start="lazy", queue=2, queue_timeout="1m")],
                 routes=[route("/p/*rest", "puppet")]).start([])
    waiting = [host.connect().ask("GET", "/p/held") for _ in range(3)]
    newcomer = stage.newcomer()
    select.select([client.sock for client in waiting], [], [], PATIENCE_S)
    refused = [client for client in waiting if select.select([client.sock], [], [], 0)[0]]
    assert [client.read().error() for client in refused] == [(503, "PLUGIN_NOT_READY")]
    newcomer.begin()
    for _ in range(2):
        frame, _head = newcomer.request()
        newcomer.answer(frame, b"waited")
    assert [client.read().body for client in waiting if client not in refused] == [b"waited"] * 2
    for client in waiting:
        client.close()


@pytest.mark.parametrize("queue_timeout,timeout,error", [
    ("50ms", "1h", (503, "PLUGIN_NOT_READY")), ("1h", "50ms", (504, "DEADLINE_EXCEEDED"))])
def test_so_long_may_they_wait_and_no_longer(start, queue_timeout, timeout, error):
    host = start([], plugins=[lazy("never_greets", queue_timeout=queue_timeout, timeout=timeout)],
                 routes=[route("/x", "never_greets")])
    assert host.http("GET", "/x").error() == error


def test_who_waits_for_a_plugin_that_cannot_start_is_told_so(start):
    host = start([], plugins=[lazy("fails", queue_timeout="1h", restart={"max_restarts": 0})],
                 routes=[route("/x", "fails")])
    assert host.http("GET", "/x").error() == (503, "PLUGIN_NOT_READY")
    host.wait_log("plugin.failed")
    assert host.http("GET", "/health/ready").json()["plugins"] == {"fails": "failed"}
    assert host.http("GET", "/x").error() == (503, "PLUGIN_NOT_READY")


def test_a_client_that_leaves_during_the_start_leaves_nothing_behind(hosts, stage):
    host = hosts(plugins=[stage.plugin(start="lazy", queue_timeout="1h")],
                 routes=[route("/p/*rest", "puppet")]).start([])
    with host.connect() as client:
        client.ask("GET", "/p/held")
        newcomer = stage.newcomer()
    host.wait_log("http.request", outcome="CANCELLED")
    newcomer.begin()
    host.wait_ready("puppet")
    assert host.admin("status")["calls_open"] == 0


def test_a_host_stops_while_somebody_waits(start):
    host = start([], drain_timeout="50ms", plugins=[lazy("never_greets")],
                 routes=[route("/x", "never_greets")])
    client = host.connect().ask("GET", "/x")
    host.wait_log("instance.started")
    host.stop()
    client.close()


# ---- idle


def test_who_is_idle_is_ended_and_started_again_by_the_next_call(start):
    # No restart is allowed: what the host ends itself is no failure.
    host = start(plugins=[lazy(start="eager", idle_timeout="300ms", restart={"max_restarts": 0})],
                 routes=ROUTES)
    for count in (1, 2, 3):
        pid = host.log("instance.started")[-1]["pid"]
        host.wait_log("plugin.asleep", count)
        host.wait_log("instance.ended", count)
        assert not is_alive(pid)
        assert host.plugin("good")["state"] == "asleep"
        assert host.http("GET", "/health/ready").json()["plugins"] == {"good": "asleep"}
        call_until_served(host)
    assert not host.log("instance.died") and host.plugin("good")["restarts"] == 0


def test_an_open_call_keeps_it_awake(hosts, stage):
    host = hosts(plugins=[stage.plugin(idle_timeout="20ms", queue_timeout="1m"),
                          lazy(idle_timeout="100ms")],
                 routes=[route("/p/*rest", "puppet"), *ROUTES])
    host.start([])
    client = host.connect().ask("GET", "/p/held")  # waits for the start
    puppet = stage.puppet()
    frame, _head = puppet.request()
    for count in (1, 2, 3):  # so long that the other one falls asleep as often
        call_until_served(host)
        host.wait_log("plugin.asleep", count, plugin="good")
    assert not host.log("plugin.asleep", plugin="puppet")
    puppet.answer(frame, b"still here")
    assert client.read().body == b"still here"
    client.close()
    puppet.expect("drain")
    host.wait_log("plugin.asleep", plugin="puppet")
    puppet.send(bye={})
    puppet.end()


def test_who_is_called_while_it_falls_asleep_is_started_when_it_has(hosts, stage):
    host = hosts(plugins=[stage.plugin(idle_timeout="100ms", restart={"max_restarts": 0})])
    host.start([])
    puppet = stage.puppet()
    puppet.expect("drain")
    client = host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"x")
    host.wait_log("plugin.woken")
    puppet.send(bye={})
    puppet.end()
    successor = stage.puppet()
    host.wait_ready("puppet", 2)
    client.close()
    assert not host.log("instance.died")
    successor.end()


def test_never_is_never(start):
    host = start(plugins=[lazy(start="eager"), lazy("slow", start="eager", idle_timeout="1ms")])
    host.wait_log("plugin.asleep", plugin="slow")
    assert not host.log("plugin.asleep", plugin="good") and host.rpc(ECHO, b"x").body == b"x"
