"""Supervision: who is started again, when, and who stays down; each setting of `restart`."""
import pytest

from plugd import plugin

DO = "sin.v1.Sin/Do"
QUICK = {"initial_delay": "1ms", "max_delay": "1ms"}


def dies(status="3", **restart):
    """Serves until it is asked for its sin."""
    return plugin("dies", status, name="sinner", restart={**QUICK, **restart})


def never_lives(**restart):
    return plugin("exits_at_start", "3", name="sinner", restart={**QUICK, **restart})


def deaths(host):
    return host.log("instance.died", plugin="sinner")


def sin(host):
    """One more death."""
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")


# ---- a crash loop


def test_a_crash_loop_ends_and_is_told_in_words(start):
    host = start(["good"], plugins=[plugin("good"), never_lives(max_restarts=2)])
    failed = host.wait_log("plugin.failed", plugin="sinner")
    assert (failed["code"], failed["level"]) == (1207, "error")
    assert "2 restarts within 1m" in failed["msg"] and "exited with status 3" in failed["msg"]
    assert len(deaths(host)) == 3 and len(host.log("instance.started", plugin="sinner")) == 3
    shown = host.plugin("sinner")
    assert (shown["state"], shown["last_failure"]["code"]) == ("failed", 1207)
    [place] = host.instances("sinner")
    assert place["state"] == "down" and "exited with status 3" in place["reason"]["message"]
    ready = host.http("GET", "/health/ready")
    assert ready.status == 503 and ready.json()["plugins"]["sinner"] == "failed"
    assert host.http("POST", "/rpc/good.v1.Good/Echo", b"x").body == b"x"
    assert len(host.log("plugin.failed")) == 1


@pytest.mark.parametrize("limit", [0, 1, 4])
def test_so_many_restarts_and_no_more(start, limit):
    host = start([], plugins=[never_lives(max_restarts=limit)])
    host.wait_log("plugin.failed")
    assert len(deaths(host)) == limit + 1


def test_a_restart_counts_for_its_period_only(start):
    host = start([], plugins=[never_lives(max_restarts=1, period="1ms", initial_delay="4ms",
                                          max_delay="4ms")])
    host.wait_log("instance.died", 6, plugin="sinner")
    assert not host.log("plugin.failed")


def test_who_cannot_even_be_executed_is_given_up_too(start):
    row = {**never_lives(max_restarts=1), "work_dir": "/nowhere"}
    host = start([], plugins=[row])
    failed = host.wait_log("plugin.failed")
    assert failed["code"] == 1207 and "/nowhere" in failed["msg"]
    assert [record["code"] for record in deaths(host)] == [1200, 1200]


def test_each_instance_is_judged_alone(start):
    host = start(plugins=[plugin("good", instances=2, restart={"policy": "never"})])
    host.kill_instance("good", 0)
    host.wait_log("instance.down", plugin="good", number=1)
    assert host.plugin("good")["state"] == "short of instances"
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
    assert not host.log("plugin.ended")
    host.kill_instance("good", 1)
    assert host.wait_log("plugin.ended")["code"] == 1209
    assert host.plugin("good")["state"] == "ended"


# ---- policy


@pytest.mark.parametrize("policy,status,starts", [
    ("always", "0", 2), ("always", "3", 2), ("on-failure", "3", 2), ("on-failure", "SIGKILL", 2),
    ("on-failure", "0", 1), ("never", "0", 1), ("never", "3", 1)])
def test_the_policy_decides(start, policy, status, starts):
    host = start(plugins=[dies(status, policy=policy)])
    sin(host)
    if starts == 2:
        host.wait_ready("sinner", 2)
        assert host.rpc(DO, b"fine").body == b"fine"
        return
    ended = host.wait_log("plugin.ended")
    assert (ended["code"], ended["level"]) == (1209, "warn") and policy in ended["msg"]
    assert host.plugin("sinner")["state"] == "ended"
    assert host.rpc(DO, b"fine").error() == (503, "PLUGIN_NOT_READY")
    assert host.http("GET", "/health/ready").json()["plugins"]["sinner"] == "ended"
    assert len(host.log("instance.started")) == 1


def test_a_broken_rule_is_a_failure(start):
    host = start(plugins=[plugin("replies_twice", name="sinner", restart={"policy": "on-failure"})])
    assert host.rpc(DO, b"sin").body == b"once"
    host.wait_ready("sinner", 2)


# ---- delays


def test_delays_begin_and_end_as_configured_and_differ(start):
    host = start([], plugins=[never_lives(max_restarts=6, initial_delay="8ms", max_delay="30ms")])
    host.wait_log("plugin.failed")
    pauses = [record["restart_in_ms"] for record in deaths(host) if "restart_in_ms" in record]
    assert len(pauses) == 6 and 4 <= pauses[0] <= 8 and 8 <= pauses[1] <= 16, pauses
    assert all(15 <= pause <= 30 for pause in pauses[2:]), pauses


@pytest.mark.parametrize("healthy_after,failures", [("0s", [1, 1, 1]), ("1h", [1, 2, 3])])
def test_a_healthy_time_begins_the_delays_anew(start, healthy_after, failures):
    host = start(plugins=[dies(healthy_after=healthy_after)])
    for count in (1, 2, 3):
        host.wait_ready("sinner", count)
        sin(host)
    host.wait_log("instance.died", 3)
    assert [record["failures"] for record in deaths(host)] == failures


# ---- the operator's way out


def test_restart_starts_what_was_given_up_with_a_fresh_count(start):
    host = start([], plugins=[never_lives(max_restarts=2)])
    host.wait_log("plugin.failed")
    assert host.plugctl("restart", "sinner") == "sinner: 1 started, 0 left running\n"
    host.wait_log("plugin.failed", 2)
    assert len(deaths(host)) == 6


def test_restart_leaves_alone_what_runs(start):
    host = start(plugins=[plugin("good", instances=2, restart={"policy": "never"})])
    kept = host.pid("good", 1)
    host.kill_instance("good", 0)
    host.wait_log("instance.down")
    assert host.admin("restart", plugin="good") == {"plugin": "good", "started": 1,
                                                    "left_running": 1}
    host.wait_ready("good", 3)
    assert host.pid("good", 1) == kept and host.plugin("good")["state"] == "serving"


def test_restart_does_not_wait_for_the_next_start(start):
    host = start(plugins=[dies(initial_delay="1h", max_delay="1h")])
    sin(host)
    host.wait_log("instance.died")
    assert host.admin("restart", plugin="sinner")["started"] == 1
    host.wait_ready("sinner", 2)


def test_restart_tells_why_it_cannot(start):
    host = start(plugins=[plugin("good", enabled=False)])
    reply = host.admin_raw('{"command":"restart","args":{"plugin":"good"}}')
    assert reply["ok"] is False and "not enabled" in reply["error"]["message"]
    assert "nobody" in host.admin_raw(
        '{"command":"restart","args":{"plugin":"nobody"}}')["error"]["message"]
