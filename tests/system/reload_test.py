"""The configuration on disk takes the place of the one in force: as a whole, or not at all."""
import json
import os
import shutil
import signal
import socket

import pytest

from load import Load
from plugd import PLUGINS, PYTHON, plugin, route, wait_until, whitelist_entry

ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
SAY = "echo.v1.Echo/Say"
COUNTER = os.path.join(os.environ["EXAMPLE_DIR"], "counter/counter")


@pytest.fixture(name="host")
def host_fixture(hosts):
    """Runs an echo on /echo."""
    host = hosts(plugins=[plugin("echo", executable=ECHO)], routes=[route("/echo", "echo")])
    host.write_config()
    pin(host)
    return host.start()


def pin(host, *more):
    """What was pinned stays so: that something is revoked has tests of its own."""
    paths = getattr(host, "pinned", {ECHO, COUNTER, PYTHON}) | set(map(str, more))
    paths |= {str(row["executable"]) for row in host.settings["plugins"]}
    host.pinned = paths
    host.write_whitelist([whitelist_entry(path) for path in sorted(paths) if os.path.exists(path)])


def write(host, **settings):
    """The configuration on disk is another one now."""
    host.settings = {**host.settings, **settings}
    host.write_config()
    pin(host)


def reload(host, *args, status=0):
    """What plugctl says at the end."""
    lines = host.plugctl("--output", "json", "reload", *args, status=status).splitlines()
    return json.loads(lines[-1]) if lines else None


def refusal(host):
    """The error of a reload that fails."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(host.socket))
        sock.sendall(b'{"command":"reload"}\n')
        with sock.makefile("rb") as file:
            while b'"progress"' in (line := file.readline()):
                pass
    reply = json.loads(line)
    assert not reply["ok"], reply
    return reply["error"]


def shown(host):
    """What the host shows of itself, without what changes by itself."""
    plugins = [{key: row[key] for key in ("name", "enabled", "executable", "state", "generation",
                                          "instances_ready", "instances_configured")}
               for row in host.admin("plugins")]
    instances = [(row["id"], row["pid"]) for row in host.admin("instances")]
    status = host.admin("status")
    return (plugins, instances, host.admin("routes"), status["listeners"], status["ready"],
            status["descriptors"])


def differences(result):
    return [(row["apply"], row["setting"], row["before"], row["after"])
            for row in result["changes"]]


# ---- each class


def test_nothing_has_changed(host):
    before = shown(host)
    assert reload(host)["changes"] == []
    assert shown(host) == before


def test_routes_come_change_and_go_and_no_request_is_lost(host):
    def with_routes(*rows):
        write(host, routes=[route("/echo", "echo"), *rows])
        return differences(reload(host))
    with Load(host, "POST", "/echo", b"x" * 1000) as load:
        assert with_routes(route("/new", "echo", rpc=SAY)) == [
            ("live", "routes[/new]", None, f"{{plugin: echo, rpc: {SAY}}}")]
        load.wait_answers(64)
        assert host.http("POST", "/new", b"a").status == 200
        with_routes(route("/new", "echo", rpc=SAY, body_limit="1KiB"))
        assert host.http("POST", "/new", b"a" * 2000).status == 413
        with_routes()
        assert host.http("POST", "/new", b"a").status == 404
        load.wait_answers(64)
    assert not load.failures


def test_a_request_in_flight_on_a_removed_route_is_answered(hosts, stage):
    host = hosts(plugins=[stage.plugin()], routes=[route("/old", "puppet")])
    pin(host)
    host.start([])
    puppet = stage.puppet()
    host.wait_ready("puppet")
    client = host.connect().ask("GET", "/old")
    frame, _head = puppet.request()
    write(host, routes=[])
    reload(host)
    assert host.http("GET", "/old").status == 404
    puppet.answer(frame, b"late")
    assert client.read().body == b"late"


@pytest.fixture(name="puppets")
def puppets_fixture(hosts, stage):
    """puppets(**settings): a host with one puppet on /p; and the puppet."""
    def begin(**settings):
        host = hosts(plugins=[stage.plugin(**settings)], routes=[route("/p", "puppet")])
        pin(host)
        host.start([])
        puppet = stage.puppet()
        host.wait_ready("puppet")
        return host, puppet
    return begin


def test_a_plugin_that_is_removed_answers_who_came_before(puppets):
    """Also who has not sent its body yet, and has no call therefore."""
    host, puppet = puppets()
    waiting = host.connect().ask("GET", "/p")
    frame, _head = puppet.request()
    slow = host.connect()
    slow.send(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
              b"Expect: 100-continue\r\n\r\n")
    assert slow.read_head().status == 100
    write(host, plugins=[], routes=[])
    reload(host)
    assert host.admin("plugins") == []
    assert host.http("GET", "/p").status == 404
    slow.send(b"hello")
    late, head = puppet.request()
    assert head.body == b"hello"
    puppet.answer(late, b"slow")
    assert slow.read().body == b"slow"
    puppet.answer(frame, b"first")
    assert waiting.read().body == b"first"
    puppet.expect("drain")
    puppet.send(bye={})
    puppet.end()
    wait_until(lambda: not os.path.exists(f"/proc/{puppet.pid}"), "its process has ended")


def test_a_plugin_that_is_removed_has_its_drain_timeout(puppets):
    host, puppet = puppets(drain_timeout="300ms")
    client = host.connect().ask("GET", "/p")
    puppet.request()
    write(host, plugins=[], routes=[])
    reload(host)
    assert client.read().status == 502
    wait_until(lambda: not os.path.exists(f"/proc/{puppet.pid}"), "its process has ended")


def test_a_stop_waits_for_a_plugin_that_is_removed(puppets):
    host, puppet = puppets()
    client = host.connect().ask("GET", "/p")
    frame, _head = puppet.request()
    write(host, plugins=[], routes=[])
    reload(host)
    host.process.send_signal(signal.SIGTERM)
    host.wait_log("host.stopping")
    puppet.answer(frame, b"last")
    assert client.read().body == b"last"
    puppet.expect("drain")
    puppet.send(bye={})
    puppet.end()
    host.stop()


def test_more_places_are_there_for_who_waits(puppets):
    host, puppet = puppets(concurrency=1, queue_timeout="60s", health_check={"enabled": False})
    clients = [host.connect().ask("GET", "/p") for _ in range(2)]
    frames = [puppet.request()[0]]
    wait_until(lambda: host.plugin("puppet")["calls_waiting"] == 1, "the other one waits")
    write(host, plugins=[{**host.settings["plugins"][0], "concurrency": 2}])
    reload(host)
    frames.append(puppet.request()[0])
    for frame in frames:
        puppet.answer(frame, b"done")
    assert [client.read().body for client in clients] == [b"done"] * 2


def test_health_is_asked_as_often_as_is_configured_now(puppets):
    host, puppet = puppets(health_check={"interval": "1h"})
    write(host, plugins=[{**host.settings["plugins"][0], "health_check": {"interval": "50ms"}}])
    assert [change[0] for change in differences(reload(host))] == ["live"]
    for _ in range(2):
        puppet.send(pong={"seq": puppet.expect("ping").seq})


def test_a_plugin_falls_asleep_when_that_is_configured(host):
    write(host, plugins=[plugin("echo", executable=ECHO, idle_timeout="50ms")])
    reload(host)
    host.wait_log("plugin.asleep")
    write(host, plugins=[plugin("echo", executable=ECHO)])
    reload(host)
    host.wait_ready("echo", 2)
    assert host.http("GET", "/echo").status == 200


def test_limits_change_while_requests_run(host):
    with Load(host, "POST", "/echo", b"x" * 1000) as load:
        write(host, http={"body_limit": "2KiB", "header_count": 50}, log={"access": False},
              drain_timeout="20s",
              plugins=[plugin("echo", executable=ECHO, concurrency=7, queue=400,
                              queue_timeout="60s")])
        changes = differences(reload(host))
        assert {change[0] for change in changes} == {"live"}
        assert ("live", "plugins[echo].concurrency", "256", "7") in changes
        load.wait_answers(128)
        assert host.http("POST", "/echo", b"x" * 3000).status == 413
    assert not load.failures
    assert host.plugin("echo")["generation"] == 1


def test_the_log_changes_its_level(host):
    host.http("GET", "/echo")
    host.wait_log("http.request", target="/echo")
    write(host, log={"level": "warn", "format": "json"})
    reload(host)
    assert host.wait_log("reload.done")["changes"] == 1  # by the level that it began with
    count = len(host.records)
    host.http("GET", "/echo")
    write(host, log={"level": "info", "format": "json"})
    reload(host)
    host.http("GET", "/echo?again")
    host.wait_log("http.request", target="/echo?again")
    assert not [row for row in host.records[count:] if row.get("target") == "/echo"]


@pytest.mark.parametrize("settings", [
    {"executable": "other"}, {"args": ["-v"]}, {"env": {"A": "b"}}, {"instances": 3},
    {"transport": "socketpair"}, {"max_message": "1MiB"}, {"work_dir": "/tmp"},
], ids=lambda settings: next(iter(settings)))
def test_what_a_process_has_fixed_takes_a_swap(host, tmp_path, settings):
    other = tmp_path / "other"
    shutil.copy(ECHO, other)
    if "executable" in settings:
        settings = {"executable": other}
    with Load(host, "POST", "/echo", b"x" * 1000) as load:
        write(host, plugins=[plugin("echo", **{"executable": ECHO, **settings})])
        changes = differences(reload(host))
        assert [change[0] for change in changes] == ["swap"], changes
        load.wait_answers(64)
    assert not load.failures
    assert host.plugin("echo")["generation"] == 2
    if "instances" in settings:
        assert len(host.instances("echo")) == 3


def test_a_plugin_is_added_and_removed_under_load(host):
    both = [plugin("echo", executable=ECHO), plugin("counter", executable=COUNTER)]
    with Load(host, "POST", "/echo", b"x" * 1000) as load:
        for number in range(1, 4):
            write(host, plugins=both, routes=[route("/echo", "echo"), route("/count", "counter")])
            assert ("plugin", "plugins[counter]", None, COUNTER) in differences(reload(host))
            assert host.instances("counter")[0]["id"] == f"counter/{number}/1"
            assert host.http("GET", "/health/ready").json()["plugins"]["counter"] == "ready"
            pid = host.pid("counter")
            write(host, plugins=both[:1], routes=[route("/echo", "echo")])
            reload(host)
            assert [row["name"] for row in host.admin("plugins")] == ["echo"]
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "its process has ended")
        load.wait_answers(64)
    assert not load.failures


def test_who_asks_a_plugin_that_is_removed_is_answered_or_told(host):
    """Every answer is right, or says that there is no such path any more."""
    both = [plugin("echo", executable=ECHO), plugin("other", executable=COUNTER)]
    write(host, plugins=[both[1]], routes=[route("/echo", "other")])

    def right(response):
        return response.status == 200 or response.error() == (404, "NOT_FOUND")
    with Load(host, "GET", "/echo", right=right) as load:
        for _ in range(3):
            write(host, plugins=both[1:], routes=[])
            reload(host)
            load.wait_answers(64)
            write(host, plugins=both, routes=[route("/echo", "echo")])
            reload(host)
            load.wait_answers(64)
    assert not load.failures


def test_a_plugin_is_disabled_and_enabled(host):
    def enabled(value):
        write(host, plugins=[plugin("echo", executable=ECHO, enabled=value)])
        return differences(reload(host))

    def right(response):
        return response.status == 200 or response.error() == (503, "PLUGIN_NOT_READY")
    with Load(host, "GET", "/echo", right=right) as load:
        assert enabled(False) == [("plugin", "plugins[echo].enabled", "true", "false")]
        assert host.plugin("echo")["state"] == "disabled"
        assert host.http("GET", "/echo").status == 503
        assert host.http("GET", "/health/ready").status == 200
        enabled(True)
        assert host.http("GET", "/echo").status == 200
        load.wait_answers(64)
    assert not load.failures
    assert host.instances("echo")[0]["id"] == "echo/2/1"


def test_a_service_goes_over_from_one_plugin_to_another(host):
    assert host.rpc(SAY, b"a").status == 200
    write(host, plugins=[plugin("other", executable=ECHO)], routes=[route("/echo", "other")])
    reload(host)
    assert host.rpc(SAY, b"a").status == 200
    assert [row["name"] for row in host.admin("plugins")] == ["other"]


# ---- addresses


def test_addresses_are_opened_before_others_are_closed(host):
    kept = host.connect()
    assert kept.ask("GET", "/echo").read().status == 200
    old = host.address
    write(host, listen=["127.0.0.2:0"])
    assert differences(reload(host)) == [
        ("listener", "listen", "[127.0.0.1:0]", "[127.0.0.2:0]")]
    host.address = host.wait_log("listener.ready", 2)["addr"]
    assert host.wait_log("listener.closed")["addr"] == old
    assert host.admin("status")["listeners"] == [host.address]
    assert host.http("GET", "/echo").status == 200
    assert kept.ask("GET", "/echo").read().status == 200
    host.address = old
    with pytest.raises(OSError):
        host.connect()


# ---- nothing has changed


def test_a_dry_run_only_tells(host):
    before = shown(host)
    write(host, plugins=[plugin("echo", executable=ECHO, instances=2), plugin("counter",
          executable=COUNTER)], routes=[], listen=["127.0.0.1:0", "127.0.0.2:0"])
    text = host.plugctl("reload", "--dry-run")
    assert "plugins[echo].instances: 1 -> 2" in text
    assert "nothing was done" in text
    result = reload(host, "--dry-run")
    assert result["dry_run"] and len(result["changes"]) == 4
    assert shown(host) == before
    assert len(reload(host)["changes"]) == 4
    assert host.plugin("echo")["generation"] == 2


def test_a_dry_run_tells_what_would_be_refused(host):
    write(host, admin={"socket": str(host.socket) + "2"}, routes=[])
    result = reload(host, "--dry-run", status=1)
    assert len(result["changes"]) == 2
    assert result["refused"]["code"] == 1707 and "admin.socket" in result["refused"]["message"]
    assert host.http("GET", "/echo").status == 200


def break_file(host, _tmp_path, _stage):
    host.config.write_text("listen: [nonsense\n")
    return 1000


def break_settings(host, _tmp_path, _stage):
    write(host, routes=[route("/echo", "nobody")], drain_timeout="soon")
    return 1006


def break_whitelist(host, _tmp_path, _stage):
    write(host, routes=[])
    host.whitelist.write_text("version: 1\nplugins: [{path: 3")
    return 1800


def change_fixed(host, _tmp_path, _stage):
    write(host, admin={"socket": str(host.socket) + "2"}, routes=[])
    return 1707


def crash_next(host, _tmp_path, _stage):
    write(host, routes=[], plugins=[plugin("echo", executable=PLUGINS / "exits_at_start")])
    return 1203


def crash_new(host, _tmp_path, _stage):
    write(host, plugins=[*host.settings["plugins"], plugin("fails")])
    return 1202


def unlist_new(host, _tmp_path, _stage):
    write(host, plugins=[*host.settings["plugins"], plugin("good")])
    host.write_whitelist([whitelist_entry(ECHO), whitelist_entry(PYTHON)])
    return 1801


def collide(host, _tmp_path, _stage):
    write(host, plugins=[*host.settings["plugins"], plugin("again", executable=ECHO),
                         plugin("good")])
    return 1903


def lose_method(host, _tmp_path, _stage):
    write(host, plugins=[plugin("echo", executable=PLUGINS / "good")])
    return 1702


def take_address(host, _tmp_path, stage):
    other = socket.create_server(("127.0.0.1", 0))
    stage.puppets.append(type("Taken", (), {"sock": other}))
    write(host, listen=["127.0.0.3:0", f"127.0.0.1:{other.getsockname()[1]}"],
          plugins=[plugin("echo", executable=ECHO, args=["-v"])])
    return 1300


@pytest.mark.parametrize("spoil", [
    break_file, break_settings, break_whitelist, change_fixed, crash_next, crash_new, unlist_new,
    collide, lose_method, take_address], ids=lambda spoil: spoil.__name__)
def test_what_can_not_be_taken_over_changes_nothing(host, tmp_path, stage, spoil):
    host.http("GET", "/echo")
    before = shown(host)
    with Load(host, "GET", "/echo", clients=8) as load:
        code = spoil(host, tmp_path, stage)
        error = refusal(host)
        assert error["code"] == code and error["message"], error
        load.wait_answers(16)
    assert not load.failures
    host.wait_log("reload.refused", code=code)
    wait_until(lambda: shown(host) == before, "all is as before")
    write(host, plugins=[plugin("echo", executable=ECHO)], routes=[route("/echo", "echo")],
          listen="127.0.0.1:0", admin={}, drain_timeout="30s")
    assert reload(host)["changes"] == []


def test_a_plugin_that_is_being_swapped_is_not_disturbed(host, tmp_path):
    shutil.copy(PLUGINS / "never_greets", tmp_path / "never_greets")
    pin(host, tmp_path / "never_greets")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(host.socket))
        order = {"command": "swap", "args": {"plugin": "echo",
                                             "executable": str(tmp_path / "never_greets")}}
        sock.sendall(json.dumps(order).encode() + b"\n")
        host.wait_log("swap.step", step="start")
        write(host, plugins=[plugin("echo", executable=ECHO, queue=1)])
        assert refusal(host)["code"] == 1706
        write(host, plugins=[plugin("echo", executable=ECHO)], routes=[])
        assert len(reload(host)["changes"]) == 1
        host.plugctl("swap", "echo", "--abort")


def test_one_reload_at_a_time_and_a_stop_gives_it_up(host):
    write(host, plugins=[plugin("echo", executable=ECHO), plugin("never_greets")])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(str(host.socket))
        sock.sendall(b'{"command":"reload"}\n')
        with sock.makefile("rb") as file:
            assert json.loads(file.readline())["progress"]["step"] == "start"
            assert refusal(host)["code"] == 1706
            host.stop()
    host.wait_log("reload.refused", code=1705)


# ---- who asks


def test_sighup_does_the_same_and_logs_it(host):
    write(host, routes=[])
    host.process.send_signal(signal.SIGHUP)
    assert host.wait_log("reload.change")["setting"] == "routes[/echo]"
    assert host.wait_log("reload.done")["changes"] == 1
    assert host.http("GET", "/echo").status == 404
    host.config.write_text("nonsense: 1\n")
    host.process.send_signal(signal.SIGHUP)
    assert host.wait_log("reload.refused")["code"] == 1001
    write(host, routes=[route("/echo", "echo")])
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("reload.done", 2)
    assert host.http("GET", "/echo").status == 200


def test_a_file_that_changes_is_reloaded(host):
    def replace(**settings):
        """As editors do it."""
        file, host.config = host.config, host.config.with_suffix(".new")
        write(host, **settings)
        host.config.rename(file)
        host.config = file
    write(host, watch_config=True)
    reload(host)
    replace(routes=[])
    host.wait_log("reload.done", 2)
    assert host.http("GET", "/echo").status == 404
    host.config.write_text("nonsense: 1\n")
    host.wait_log("reload.refused", code=1001)
    replace(routes=[route("/echo", "echo")], watch_config=False)
    host.wait_log("reload.done", 3)
    assert host.http("GET", "/echo").status == 200
    replace(routes=[])
    assert len(reload(host)["changes"]) == 1
    assert len(host.log("reload.file_changed")) == 3


def test_an_operator_who_leaves_does_not_stop_it(host):
    write(host, plugins=[plugin("echo", executable=ECHO, instances=2)])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(host.socket))
        sock.sendall(b'{"command":"reload"}\n')
        host.wait_log("reload.change")
    host.wait_log("reload.done")
    assert host.plugin("echo")["generation"] == 2


def test_the_text_is_grouped_by_what_a_change_takes(host):
    write(host, routes=[], http={"body_limit": "1MiB"},
          plugins=[plugin("echo", executable=ECHO, args=["-v"])])
    assert host.plugctl("reload").splitlines()[:-1] == [
        "a new generation takes over:",
        "  plugins[echo].args: [] -> [-v]",
        "in force at once:",
        "  http.body_limit: 10MiB -> 1MiB",
        "  routes[/echo]: gone: {plugin: echo}"]


# ---- a plugin that could not be loaded


@pytest.mark.parametrize("settings", [{}, {"start": "lazy"}], ids=["eager", "lazy"])
def test_what_was_refused_at_the_start_is_tried_again(hosts, settings):
    good = plugin("good", retry={"max_attempts": 1}, queue_timeout="1m", **settings)
    host = hosts(plugins=[plugin("echo", executable=ECHO), good],
                 routes=[route("/echo", "echo"), route("/good/*rest", "good")])
    host.write_whitelist([whitelist_entry(ECHO), whitelist_entry(PYTHON)])
    host.start(["echo"])
    assert host.wait_log("plugin.refused", plugin="good")["code"] == 1801
    reload(host)  # and that it is refused again stands in nobody's way
    host.wait_log("plugin.refused", 2, plugin="good")
    assert host.http("GET", "/good/x").error() == (503, "PLUGIN_NOT_READY")
    assert host.http("GET", "/health/ready").status == 503
    host.plugctl("whitelist", "add", "--file", host.whitelist, PLUGINS / "good")
    reload(host)
    assert host.http("POST", "/good/echo", b"x").body == b"x"
    assert host.http("GET", "/health/ready").status == 200
    assert host.plugin("good")["generation"] == 1
    assert len(host.log("plugin.refused")) == 2


# ---- again and again


def test_a_hundred_reloads_leave_nothing_behind(host):
    both = [plugin("echo", executable=ECHO), plugin("counter", executable=COUNTER)]

    def turn(number):
        write(host, plugins=both[:1 + number % 2],
              routes=[route("/echo", "echo", timeout=f"{1 + number}s")],
              http={"body_limit": f"{1 + number}MiB"})
        reload(host)
    for number in range(10):
        turn(number)
    wait_until(lambda: len(host.admin("instances")) == 2, "what was removed has ended")
    rss, descriptors = host.rss(), host.admin("status")["descriptors"]
    for number in range(100):
        turn(number)
    wait_until(lambda: host.admin("status")["descriptors"] == descriptors, "as many descriptors")
    assert host.rss() < rss + (8 << 20)
    assert host.plugin("echo")["generation"] == 1
