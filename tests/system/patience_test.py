"""Patience: a plugin may take its time to end a cancelled call, and not more."""
import re
import signal

from plugd import is_alive, plugin, wait_until

DO = "sin.v1.Sin/Do"


def stuck(host):
    """The record of an instance that was failed because of a call, and how long that had waited."""
    failed = host.wait_log("instance.failed", plugin="sinner")
    assert failed["code"] == 1208, failed
    return failed, int(re.search(r"cancelled (\d+) ms ago", failed["msg"])[1])


def test_who_ignores_a_deadline_is_killed_after_the_patience(start):
    host = start(plugins=[plugin("good"),
                          plugin("hangs", name="sinner", timeout="50ms", patience="100ms")])
    assert host.rpc(DO, b"sin").error() == (504, "DEADLINE_EXCEEDED")
    failed, waited_ms = stuck(host)
    assert "(Do)" in failed["msg"] and 100 <= waited_ms < 10000  # the default is 10 s
    assert host.wait_log("instance.died", plugin="sinner")["code"] == 1208
    host.wait_ready("sinner", 2)
    assert host.rpc(DO, b"fine").body == b"fine"
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x" and host.plugin("good")["restarts"] == 0


def test_who_does_not_notice_that_its_caller_left_is_killed_too(start):
    host = start(plugins=[plugin("hangs", name="sinner", timeout="1h", patience="50ms")])
    other = host.connect().ask("POST", "/rpc/" + DO, b"sin")
    leaver = host.connect().ask("POST", "/rpc/" + DO, b"sin")
    wait_until(lambda: host.instances("sinner")[0]["calls_live"] == 2, "two calls")
    leaver.close()
    stuck(host)
    assert other.read().error() == (502, "PLUGIN_GONE")
    other.close()


def test_who_ends_its_cancelled_calls_in_time_is_left_alone(hosts, stage):
    host = hosts(plugins=[stage.plugin(timeout="1ms", patience="1h",
                                       circuit_breaker={"enabled": False})])
    host.start([])
    puppet = stage.puppet()
    host.wait_ready("puppet")
    for _ in range(10):
        assert host.rpc(DO, b"x").error() == (504, "DEADLINE_EXCEEDED")
        request = puppet.expect("request")
        assert puppet.expect("cancel").id == request.id
        puppet.reply(request)
    puppet.send(log={"level": 1, "message": "all ended"})
    host.wait_log("plugin.log", msg="all ended")
    assert host.instances("puppet")[0]["calls_live"] == 0 and not host.log("instance.failed")


def test_a_stopped_process_costs_its_calls_and_nobody_else(start):
    host = start(plugins=[plugin("good", timeout="100ms", patience="200ms", instances=1),
                          plugin("slow", name="neighbour")])
    pid = host.kill_instance("good", number=signal.SIGSTOP)
    assert host.rpc("good.v1.Good/Echo", b"x").error() == (504, "DEADLINE_EXCEEDED")
    assert host.rpc(DO, b"1").body == b"1"
    assert host.wait_log("instance.failed", plugin="good")["code"] == 1208
    assert host.rpc(DO, b"1").body == b"1"
    host.wait_ready("good", 2)
    assert not is_alive(pid) and host.plugin("neighbour")["restarts"] == 0
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
