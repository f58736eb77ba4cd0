"""The whitelist alone is read again: who may not run any more ends as `on_revoke` says and stays
down; who may again is started. Half a file changes nothing.
"""
import os
import shutil
import signal

import pytest

from load import Load
from plugd import PLUGINS, PYTHON, plugin, route, wait_until, whitelist_entry

ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
HELLO = b"hello world\n"
ANOTHER_HASH = {"hash": "sha256:" + "0" * 64}


@pytest.fixture(name="echo")
def echo_fixture(tmp_path):
    shutil.copy(ECHO, tmp_path / "echo")
    return tmp_path / "echo"


@pytest.fixture(name="echo_host")
def echo_host_fixture(hosts, echo):
    """echo_host(other=paths, whitelist=…, ready=…, **settings of the echo)"""
    def begin(other=(), whitelist=None, ready=None, **settings):
        # At its end LeakSanitizer traces, which no sandbox allows, and that looks like a crash.
        settings = {"sandbox": "none", **settings}
        host = hosts(plugins=[plugin("echo", executable=echo, **settings)],
                     routes=[route("/echo", "echo")],
                     whitelist={"watch": False, **(whitelist or {})})
        host.write_config()
        host.write_whitelist([whitelist_entry(path) for path in (echo, *other)])
        return host.start(ready)
    return begin


def list_only(host, *entries):
    """Another whitelist, and what its reload reports."""
    host.write_whitelist(list(entries))
    return host.admin("whitelist_reload")


def append(path):
    """Other bytes that do the same, as another file at that path."""
    other = path.with_suffix(".new")
    shutil.copy(path, other)
    with open(other, "ab") as file:
        file.write(b"\0")
    os.replace(other, path)


def assert_down(host, words):
    host.wait_state("echo", "revoked")
    wait_until(lambda: not any(row.get("pid") for row in host.instances("echo")),
               "no process is left")
    failure = host.plugin("echo")["last_failure"]
    assert failure["code"] == 1810 and words in failure["message"]
    assert words in host.plugctl("plugins")
    assert host.http("GET", "/echo").error() == (503, "PLUGIN_NOT_READY")


REVOCATIONS = {
    "removed": (lambda echo: [], "is not in the whitelist"),
    "disabled": (lambda echo: [whitelist_entry(echo, enabled=False)], "is disabled"),
    "another hash": (lambda echo: [whitelist_entry(echo, **ANOTHER_HASH)], "is pinned"),
    "another name": (lambda echo: [whitelist_entry(echo, name="kv")], "not for 'echo'"),
}


@pytest.mark.parametrize("action", ["drain", "kill"])
@pytest.mark.parametrize("entries, words", REVOCATIONS.values(), ids=REVOCATIONS.keys())
def test_what_may_not_run_any_more_ends_and_comes_back(echo_host, echo, action, entries, words):
    host = echo_host(whitelist={"on_revoke": action}, instances=2)
    report = list_only(host, *entries(echo))
    assert report["revoked"] == 1 and report["restored"] == 0
    assert host.wait_log("whitelist.revoked", plugin="echo")["action"] == action
    assert_down(host, words)
    assert list_only(host, *entries(echo))["revoked"] == 0, "once is enough"
    assert list_only(host, whitelist_entry(echo))["restored"] == 1
    host.wait_state("echo", "serving")
    assert host.http("GET", "/echo").body == HELLO
    assert host.admin("crashes") == []


def test_an_operator_cannot_restart_what_is_revoked(echo_host):
    host = echo_host()
    list_only(host)
    assert_down(host, "is not in the whitelist")
    host.plugctl("restart", "echo", status=1)
    assert host.plugin("echo")["state"] == "revoked"


def test_a_lazy_plugin_that_sleeps_is_not_woken(echo_host, echo):
    host = echo_host(start="lazy", ready=[])
    assert host.plugin("echo")["state"] == "asleep"
    list_only(host)
    assert_down(host, "is not in the whitelist")
    assert host.log("instance.started") == []
    list_only(host, whitelist_entry(echo))
    host.wait_state("echo", "serving")


def test_an_interpreter_that_is_revoked_takes_its_script_along(hosts):
    host = hosts(plugins=[plugin("good")], whitelist={"watch": False}).start()
    list_only(host, whitelist_entry(PLUGINS / "good"))
    host.wait_state("good", "revoked")
    assert "the interpreter of" in host.plugin("good")["last_failure"]["message"]


# ---- drain, kill, keep


@pytest.fixture(name="held")
def held_fixture(hosts, stage):
    """held(action): a host, a puppet that has a call, its frame, and the client that waits."""
    def begin(action):
        host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")],
                     whitelist={"watch": False, "on_revoke": action})
        host.start([])
        puppet = stage.puppet()
        host.wait_ready("puppet")
        client = host.connect().ask("GET", "/p/held")
        frame, _head = puppet.request()
        return host, puppet, frame, client
    return begin


def test_drain_lets_calls_end(held):
    host, puppet, frame, client = held("drain")
    list_only(host)
    puppet.expect("drain")
    assert host.http("GET", "/p/new").error() == (503, "PLUGIN_NOT_READY")
    puppet.answer(frame, b"done")
    assert client.read().body == b"done"
    puppet.send(bye={})
    puppet.end()
    host.wait_state("puppet", "revoked")


def test_kill_does_not_wait(held):
    host, _puppet, _frame, client = held("kill")
    list_only(host)
    assert client.read().status in (502, 503)
    host.wait_state("puppet", "revoked")


def test_keep_lets_it_run_on_but_not_start_again(echo_host, echo):
    host = echo_host(whitelist={"on_revoke": "keep"})
    pid = host.pid("echo")
    assert list_only(host)["revoked"] == 1
    assert host.wait_log("whitelist.revoked")["action"] == "keep"
    assert host.http("GET", "/echo").body == HELLO and host.pid("echo") == pid
    host.kill_instance("echo", number=signal.SIGSEGV)
    assert_down(host, "is not in the whitelist")
    list_only(host, whitelist_entry(echo))
    host.wait_state("echo", "serving")


def test_what_is_kept_and_allowed_again_was_never_interrupted(echo_host, echo):
    host = echo_host(whitelist={"on_revoke": "keep"})
    pid = host.pid("echo")
    list_only(host)
    assert list_only(host, whitelist_entry(echo))["restored"] == 1
    assert host.pid("echo") == pid and host.plugin("echo")["state"] == "serving"
    host.kill_instance("echo")
    host.wait_ready("echo", 2)


def test_a_reload_that_changes_on_revoke_acts_on_what_was_kept(echo_host):
    host = echo_host(whitelist={"on_revoke": "keep"})
    list_only(host)
    host.settings["whitelist"]["on_revoke"] = "kill"
    host.write_config()
    host.plugctl("reload")
    assert_down(host, "is not in the whitelist")


# ---- a pin that has changed


def test_the_file_that_is_pinned_now_takes_over_without_a_gap(echo_host, echo):
    host = echo_host()
    before = host.plugin("echo")["hash"]
    append(echo)
    with Load(host, "GET", "/echo", clients=4) as load:
        load.wait_answers(10)
        list_only(host, whitelist_entry(echo))
        wait_until(lambda: host.plugin("echo")["hash"] != before, "the new file serves")
        host.wait_log("swap.step", step="done")
        load.wait_answers(20)
    assert not load.failures
    assert host.plugin("echo")["hash"] == whitelist_entry(echo)["hash"]
    assert host.plugin("echo")["state"] == "serving"


def test_a_successor_that_fails_leaves_nobody_whose_pin_is_gone(echo_host, echo):
    host = echo_host(other=[PYTHON])
    shutil.copy(PLUGINS / "exits_at_start", echo)
    list_only(host, whitelist_entry(echo), whitelist_entry(PYTHON))
    host.wait_log("swap.step", step="failed")
    assert_down(host, "is pinned")


def test_a_swap_replaces_what_its_own_pin_revokes(echo_host, echo):
    host = echo_host()
    append(echo)
    host.write_whitelist([whitelist_entry(echo)])
    with Load(host, "GET", "/echo", clients=4) as load:
        load.wait_answers(10)
        host.plugctl("swap", "echo")
        load.wait_answers(20)
    assert not load.failures
    assert host.plugin("echo")["state"] == "serving"
    assert host.log("whitelist.successor") == []


# ---- generations that do not serve


def test_a_rollback_to_what_is_revoked_is_refused(echo_host, echo, tmp_path):
    other = tmp_path / "other"
    shutil.copy(echo, other)
    host = echo_host(other=[other])
    host.plugctl("swap", "echo", "--executable", other)
    host.write_whitelist([whitelist_entry(other)])
    with host.order("rollback", plugin="echo") as order:
        error = order.reply()["error"]
    assert error["code"] == 1801 and "may not run any more" in error["message"]
    assert host.plugin("echo")["state"] == "serving"
    host.write_whitelist([whitelist_entry(path) for path in (echo, other)])
    host.plugctl("rollback", "echo")


def test_a_swap_to_what_is_revoked_meanwhile_is_given_up(echo_host, echo):
    sin = PLUGINS / "never_greets"
    host = echo_host(other=[sin, PYTHON])
    with host.order("swap", plugin="echo", executable=str(sin)) as order:
        host.wait_log("swap.step", step="start")
        list_only(host, whitelist_entry(echo), whitelist_entry(PYTHON))
        error = order.reply()["error"]
    assert error["code"] == 1810 and "is not in the whitelist" in error["message"]
    assert host.http("GET", "/echo").body == HELLO


def test_a_canary_that_is_revoked_ends(echo_host, echo, tmp_path):
    other = tmp_path / "other"
    shutil.copy(echo, other)
    host = echo_host(other=[other])
    with host.order("swap", plugin="echo", executable=str(other), canary_permille=500,
                    canary_ms=3600000) as order:
        host.wait_log("swap.step", step="canary")
        list_only(host, whitelist_entry(echo))
        assert order.reply()["error"]["code"] == 1810
    assert host.plugin("echo")["generation"] == 1
    assert host.http("GET", "/echo").body == HELLO


def test_kill_ends_a_generation_that_drains(hosts, stage):
    host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")],
                 whitelist={"watch": False, "on_revoke": "kill"})
    host.start([])
    old = stage.puppet()
    host.wait_ready("puppet")
    client = host.connect().ask("GET", "/p/held")
    old.request()
    with host.order("swap", plugin="puppet") as order:
        new = stage.puppet()
        new.pong()
        old.expect("drain")
        list_only(host)
        assert client.read().status in (502, 503)
        assert order.reply()["ok"]
    host.wait_state("puppet", "revoked")


# ---- the file


def test_a_file_that_changes_is_read_again(hosts, echo):
    host = hosts(plugins=[plugin("echo", executable=echo)], routes=[route("/echo", "echo")])
    host.write_config()
    host.write_whitelist([whitelist_entry(echo)])
    host.start()
    host.write_whitelist([])
    host.wait_log("whitelist.file_changed")
    host.wait_log("whitelist.revoked", plugin="echo")
    host.write_whitelist([whitelist_entry(echo)])
    host.wait_log("whitelist.restored", plugin="echo")
    host.wait_state("echo", "serving")


def test_a_file_that_changes_is_not_read_when_it_is_not_watched(echo_host):
    host = echo_host(whitelist={"watch": True})
    host.settings["whitelist"]["watch"] = False
    host.settings["watch_config"] = True
    host.write_config()
    host.plugctl("reload")
    host.write_whitelist([])
    host.settings["drain_timeout"] = "9s"
    host.write_config()
    host.wait_log("reload.file_changed")  # whose watch is as slow, and began later
    assert host.log("whitelist.file_changed") == []


def test_a_hang_up_signal_reads_it_too(echo_host):
    host = echo_host()
    host.write_whitelist([])
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("whitelist.revoked", plugin="echo")


def test_the_command_in_words(echo_host, echo):
    host = echo_host()
    assert "1 entries, 0 revoked, 0 restored" in host.plugctl("whitelist", "reload")
    host.write_whitelist([])
    assert "0 entries, 1 revoked" in host.plugctl("whitelist", "reload")


def test_a_plugin_that_was_refused_at_the_start_is_tried_again(hosts, echo):
    host = hosts(plugins=[plugin("echo", executable=echo)], routes=[route("/echo", "echo")],
                 whitelist={"watch": False})
    host.write_whitelist([])
    host.start([])
    host.wait_log("plugin.refused", plugin="echo")
    list_only(host, whitelist_entry(echo))
    host.wait_state("echo", "serving")
