"""One generation takes the place of another: without a gap, or not at all."""
import json
import os
import shutil

import pytest

from load import Load
from plugd import PLUGINS, PYTHON, plugin, route, wait_until, whitelist_entry

ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
GOOD = "good.v1.Good/Echo"
SAY = "echo.v1.Echo/Say"


def entries(*paths):
    return [whitelist_entry(path) for path in paths]


@pytest.fixture(name="echo_host")
def echo_host_fixture(hosts, tmp_path):
    """echo_host(**settings): a host with an echo of its own file, which a test may replace."""
    def begin(other=(), **settings):
        executable = tmp_path / "echo"
        shutil.copy(ECHO, executable)
        host = hosts(plugins=[plugin("echo", executable=executable, **settings)],
                     routes=[route("/echo", "echo")], whitelist={"watch": False})
        host.write_config()
        host.write_whitelist(entries(executable, PYTHON, *other))
        return host.start()
    return begin


def swap(host, name, *args, status=0):
    return host.plugctl("--output", "json", "swap", name, *args, status=status)


def refusal(host, name, **args):
    """The error of a swap that fails."""
    with host.order("swap", plugin=name, **args) as order:
        reply = order.reply()
    assert not reply["ok"], reply
    return reply["error"]


def generation(host, name):
    return host.plugin(name)["generation"]


# ---- without a gap


def test_no_request_is_lost_while_generations_come_and_go(echo_host):
    host = echo_host(instances=2)
    with Load(host, "POST", "/echo", b"x" * 1000,
              right=lambda response: (response.status, len(response.body)) == (200, 1000)) as load:
        for number in range(2, 12):
            swap(host, "echo")
            assert generation(host, "echo") == number
            load.wait_answers(64)
    assert not load.failures
    assert {row["id"].split("/")[1] for row in host.instances("echo")} == {"11"}


def test_steps_are_told_as_they_come(echo_host):
    host = echo_host(instances=2)
    lines = [json.loads(line) for line in swap(host, "echo").splitlines()]
    told = [(line["step"], line["done"], line["of"]) for line in lines[:-1]]
    assert told[:3] == [("start", 0, 2), ("start", 1, 2), ("start", 2, 2)]
    assert told[3:6] == [("warm", 0, 2), ("warm", 1, 2), ("warm", 2, 2)]
    assert told[6:] == [("drain", 0, 0)]
    assert lines[-1]["generation"] == 2 and lines[-1]["took_us"] > 0


def test_the_old_generation_finishes_what_it_has(hosts, stage):
    host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")])
    host.start([])
    old = stage.puppet()
    host.wait_ready("puppet")
    client = host.connect().ask("GET", "/p/held")
    frame, _head = old.request()
    with host.order("swap", plugin="puppet") as order:
        new = stage.puppet()
        new.pong()
        old.expect("drain")
        other = host.connect().ask("GET", "/p/new")
        new.answer(new.request()[0], b"new")
        assert other.read().body == b"new"
        old.answer(frame, b"old")
        assert client.read().body == b"old"
        old.send(bye={})
        old.end()
        assert order.reply()["ok"]


def test_a_stopped_viewer_does_not_stop_a_swap(echo_host):
    host = echo_host()
    with host.order("swap", plugin="echo"):
        host.wait_log("swap.step", step="start")
    host.wait_log("swap.step", step="done")
    assert generation(host, "echo") == 2


def test_another_executable_by_its_path(echo_host, tmp_path):
    other = tmp_path / "other"
    shutil.copy(ECHO, other)
    host = echo_host(other=[other])
    swap(host, "echo", "--executable", str(other))
    assert host.plugin("echo")["executable"] == str(other)
    assert host.http("GET", "/echo").body == b"hello world\n"


# ---- what is verified


def test_a_changed_file_is_refused_until_it_is_pinned(echo_host, tmp_path):
    host = echo_host()
    executable = tmp_path / "echo"
    with open(executable, "ab") as file:
        file.write(b"\0")
    assert refusal(host, "echo")["code"] == 1803
    assert host.http("GET", "/echo").status == 200
    host.write_whitelist(entries(executable))
    swap(host, "echo")
    assert host.plugin("echo")["hash"].endswith(entries(executable)[0]["hash"])


def test_a_broken_whitelist_refuses_the_swap_and_changes_nothing(echo_host):
    host = echo_host()
    host.whitelist.write_text("version: 1\nplugins: [{path: 3")
    assert refusal(host, "echo")["code"] == 1800
    assert host.http("GET", "/echo").status == 200


# ---- what does not become the next generation


@pytest.mark.parametrize("sin, code, settings", [
    ("exits_at_start", 1203, {}),
    ("never_greets", 1201, {"handshake_timeout": "500ms"}),
    ("fails", 1202, {}),
    ("wrong_version", 2005, {}),
    ("good", 1702, {}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_the_old_one_serves_on(echo_host, sin, code, settings):
    host = echo_host(other=[PLUGINS / sin], **settings)
    with Load(host, "GET", "/echo", clients=16) as load:
        error = refusal(host, "echo", executable=str(PLUGINS / sin))
        assert error["code"] == code and error["message"]
        load.wait_answers(32)
    assert not load.failures
    assert generation(host, "echo") == 1
    host.wait_log("swap.step", step="failed", plugin="echo")
    wait_until(lambda: len(host.instances("echo")) == 1, "the new one has ended")


def test_a_method_that_is_used_must_stay(echo_host):
    host = echo_host(other=[PLUGINS / "good"])
    error = refusal(host, "echo", executable=str(PLUGINS / "good"))
    assert "echo.v1.Echo/Say: it is gone" in error["message"]
    assert "echo.v1.Echo/Talk: it is gone" in error["message"]


def test_a_method_that_nobody_uses_may_go(echo_host):
    host = echo_host(other=[PLUGINS / "good"], expose=False)
    swap(host, "echo", "--executable", str(PLUGINS / "good"))
    assert host.http("GET", "/echo").status != 503


# ---- orders that can't be carried out


def test_orders_are_refused_in_words(echo_host):
    host = echo_host()
    assert refusal(host, "nobody")["code"] == 1006
    assert refusal(host, "echo", executable="relative")["code"] == 1700
    for command in ("rollback", "abort"):
        with host.order(command, plugin="echo") as order:
            assert order.reply()["error"]["code"] == 1700


def test_one_swap_at_a_time_and_it_can_be_given_up(echo_host):
    host = echo_host(other=[PLUGINS / "never_greets"])
    with host.order("swap", plugin="echo", executable=str(PLUGINS / "never_greets")) as order:
        host.wait_log("swap.step", step="start")
        assert refusal(host, "echo")["code"] == 1701
        assert "given up" in host.plugctl("swap", "echo", "--abort")
        assert order.reply()["error"]["code"] == 1703
    assert host.http("GET", "/echo").status == 200


def test_a_stop_of_the_host_gives_up_a_swap(echo_host):
    host = echo_host(other=[PLUGINS / "never_greets"])
    with host.order("swap", plugin="echo", executable=str(PLUGINS / "never_greets")):
        host.wait_log("swap.step", step="start")
        host.stop()


# ---- back


def test_a_rollback_runs_the_bytes_that_ran_before(echo_host, tmp_path):
    other = tmp_path / "other"
    shutil.copy(ECHO, other)
    with open(other, "ab") as file:
        file.write(b"\0")
    host = echo_host(other=[other, PLUGINS / "good"])
    first = host.plugin("echo")["hash"]
    assert refusal(host, "echo", executable=str(PLUGINS / "good"))["code"] == 1702
    swap(host, "echo", "--executable", str(other))
    second = host.plugin("echo")["hash"]
    for executable in (tmp_path / "echo", other):
        os.unlink(executable)
    host.plugctl("rollback", "echo")
    assert host.plugin("echo")["hash"] == first != second
    assert host.http("GET", "/echo").body == b"hello world\n"
    host.plugctl("rollback", "echo")
    assert host.plugin("echo")["hash"] == second


def test_a_plugin_that_could_not_start_is_swapped_in(echo_host, tmp_path):
    host = echo_host()
    executable = tmp_path / "echo"
    host.stop()
    with open(executable, "ab") as file:
        file.write(b"\0")
    host.launch()
    host.wait_log("plugin.refused", plugin="echo")
    host.write_whitelist(entries(executable))
    host.address = host.wait_log("listener.ready", 2)["addr"]
    swap(host, "echo")
    assert host.http("GET", "/echo").status == 200


# ---- the host ends meanwhile


def test_the_host_may_end_while_an_old_generation_drains(hosts, stage):
    """The new generation is gone before the old one has let go, which ends the swap."""
    host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")])
    host.start([])
    old = stage.puppet()
    host.wait_ready("puppet")
    client = host.connect().ask("GET", "/p/held")
    old.request()
    with host.order("swap", plugin="puppet"):
        new = stage.puppet()
        new.pong()
        old.expect("drain")
        client.close()  # and the old generation does not care
        old.expect("cancel")
        host.process.terminate()
        new.expect("drain")
        new.send(bye={})
        new.end()
        host.wait_log("instance.ended", instance="puppet/2/1")
        old.end()
        assert host.wait_exit() == 0
    assert not host.noise
