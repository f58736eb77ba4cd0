"""plugctl as its users run it: what it prints, and the status with which it ends."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from plugd import PATIENCE_S, PLUGCTL, PLUGINS, SANITIZERS, plugin, route, wait_until
from plugd_pb2 import JSON, MSGPACK, Data, Manifest, Metadata, Method, Response, Service

EXAMPLE = os.environ["HELLO_PYTHON"]


def run(*args, status=0, stdin=None, environment=None):
    """(stdout, stderr) of plugctl without a host, after its exit status was as expected."""
    done = subprocess.run(
        [PLUGCTL, *map(str, args)], input=stdin, capture_output=True, timeout=PATIENCE_S,
        stdin=None if stdin is not None else subprocess.DEVNULL, check=False,
        env={**SANITIZERS, **(environment or {})})
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


# ---- the command line


@pytest.mark.parametrize("line, says", [
    ("", "which command?"),
    ("plugin", 'the nearest is "plugins"'),
    ("whitelist", 'the nearest is "whitelist add"'),
    ("config chekc x", 'the nearest is "config check"'),
    ("status now", "status takes no arguments"),
    ("restart", "restart needs <plugin>"),
    ("call", "call needs <service>/<method>"),
    ("call Echo", "is not <service>/<method>"),
    ("call a/b c", "standard input (-)"),
    ("call a/b --timeout soon", "is no duration"),
    ("check", "check needs <executable>"),
    ("check --env A x", "is not NAME=VALUE"),
    ("config check", "config check needs <file>"),
    ("--output xml status", "write text or json"),
    ("status --socket", "--socket needs a value"),
    ("--nope", "--nope is not an option"),
    ("whitelist add --name x a b", "for one executable"),
])
def test_a_wrong_command_line_is_told_in_one_sentence_with_status_2(line, says):
    out, err = run(*line.split(), status=2)
    assert out == "" and err.count("\n") == 1
    assert err.startswith("plugctl: ") and says in err


def test_help_knows_every_command_and_each_has_its_own():
    page, _ = run("help")
    names = ["status", "plugins", "instances", "routes", "restart", "call", "check",
             "whitelist add", "whitelist verify", "whitelist reload", "config check", "version",
             "help"]
    for name in names:
        assert f"\n  {name}" in page
        own, _ = run("help", *name.split())
        assert own.startswith(f"usage: plugctl {name}")
        assert run(*name.split(), "--help")[0] == own


def test_version_is_told_without_a_host():
    text, _ = run("version")
    told = json.loads(run("-o", "json", "version")[0])
    assert text == f"plugctl {told['version']}\n"


def test_without_a_host_the_socket_is_named(tmp_path):
    path = tmp_path / "none.sock"
    for args in (["--socket", path, "status"], ["status", "-s", path]):
        _, err = run(*args, status=1)
        assert str(path) in err and "ADMIN_SOCKET 1301" in err
    _, err = run("status", status=1, environment={"PLUGD_ADMIN_SOCKET": str(path)})
    assert str(path) in err


def test_an_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PLUGCTL, "help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"can't be written" in done.stderr


# ---- check


def verdicts(*args, status):
    told = json.loads(run("-o", "json", "check", *args, status=status)[0])
    assert told["good"] == (status == 0)
    return [row["verdict"] for row in told["rules"]], told


def test_check_passes_a_plugin_that_keeps_the_rules():
    for executable in (EXAMPLE, PLUGINS / "good", PLUGINS / "splits_frames"):
        rules, told = verdicts(executable, status=0)
        assert rules == ["ok"] * 8
        assert told["start_us"] > 0 and told["plugin"]["services"]
    text, _ = run("check", PLUGINS / "good")
    assert "good.v1.Good/Echo" in text and text.endswith("good is good.\n")


def test_check_shows_the_formats_of_a_state():
    stateful = [PLUGINS / "state", "exports=1,3", "imports=2,3,4"]
    shown = verdicts(*stateful, status=0)[1]["plugin"]
    assert (shown["state_exports"], shown["state_imports"]) == ([1, 3], [2, 3, 4])
    text = run("check", *stateful)[0].splitlines()
    assert "It exports its state in format 1, 3." in text
    assert "It imports its state in format 2, 3, 4." in text
    shown = verdicts(PLUGINS / "good", status=0)[1]["plugin"]
    assert (shown["state_exports"], shown["state_imports"]) == ([], [])
    assert "its state" not in run("check", PLUGINS / "good")[0]


@pytest.mark.parametrize("sin, rule, says", [
    (["exits_at_start"], 2, "exited with status"),
    (["fails"], 2, "the database is on"),
    (["never_greets"], 2, "no WELCOME within"),
    (["wrong_version"], 2, "version 2"),
    (["lies_in_manifest", "number_twice"], 3, "1"),
    (["lies_in_manifest", "service_with_a_space"], 3, "sin v1"),
    (["ignores_term"], 5, "drain"),
])
def test_check_names_the_rule_that_is_broken(sin, rule, says):
    rules, told = verdicts("--timeout", "2s", PLUGINS / sin[0], *sin[1:], status=1)
    assert rules[rule] == "FAIL" and rules.count("FAIL") == 1, told
    assert rules[:rule] == ["ok"] * rule
    assert says in told["rules"][rule]["detail"]


def script(directory, text):
    path = directory / "plugin"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_check_quotes_what_is_no_frame(tmp_path):
    rules, told = verdicts(script(tmp_path, "#!/bin/sh\necho hello, world\nread x\n"), status=1)
    assert rules[7] == "FAIL" and "hello, world" in told["rules"][7]["detail"]


def test_check_tells_an_executable_that_cannot_run(tmp_path):
    path = tmp_path / "plain"
    path.write_text("not a program")
    rules, _ = verdicts(path, status=1)
    assert rules[0] == "FAIL" and "ok" not in rules
    _, err = run("check", tmp_path / "nothing", status=1)
    assert "EXECUTABLE_REFUSED" in err


def test_check_shows_what_the_plugin_says_with_a_label():
    _, err = run("check", PLUGINS / "lies_in_manifest", status=1)
    assert "stderr: IndexError" in err
    _, err = run("check", PLUGINS / "good")
    assert err == "info: good and ready\n"


def test_check_gives_arguments_environment_and_configuration(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("greeting: hello\n")
    path = script(tmp_path, "#!/usr/bin/python3\nimport os, sys\n"
                            "print(sys.argv[1:], dict(os.environ), os.read(0, 4096),"
                            " file=sys.stderr)")
    _, err = run("check", "--env", "A=1", "--env", "B=2", "--config", config, path, "--help", "x",
                 status=1, environment={"SECRET": "of the caller"})
    assert "['--help', 'x']" in err and "'A': '1', 'B': '2'" in err and "SECRET" not in err
    assert r"\x81\xa8greeting\xa5hello" in err


def test_check_refuses_a_configuration_that_is_no_map(tmp_path):
    config = tmp_path / "config.json"
    config.write_text("[1, 2]")
    _, err = run("check", "--config", config, PLUGINS / "good", status=1)
    assert str(config) in err and "CONFIG_TYPE" in err


# ---- whitelist


def test_what_was_added_verifies_until_it_changes(tmp_path):
    file = tmp_path / "whitelist.yaml"
    program = script(tmp_path, "#!/bin/sh\nexit 0\n")
    out, _ = run("whitelist", "add", "--file", file, "--name", "p", program)
    assert [line.split()[0] for line in out.splitlines()] == ["added", "added"]
    assert str(program) in out and os.path.realpath("/bin/sh") in out
    assert run("whitelist", "add", "-f", file, program)[0].count("unchanged") == 2
    out, _ = run("-o", "json", "whitelist", "verify", "--file", file)
    assert [row["verdict"] for row in json.loads(out)] == ["ok", "ok"]
    program.write_text("#!/bin/sh\nexit 1\n")
    out, _ = run("whitelist", "verify", "--file", file, status=1)
    assert "FAIL" in out and "ok" in out
    assert "replaced" in run("whitelist", "add", "--file", file, program)[0]
    run("whitelist", "verify", environment={"PLUGD_WHITELIST_FILE": str(file)})


def test_a_whitelist_that_is_no_whitelist_is_told_by_line(tmp_path):
    file = tmp_path / "whitelist.yaml"
    file.write_text("version: 1\nplugins:\n  - path: relative\n    hash: beef\n")
    for args in (["verify"], ["add", PLUGINS / "good"]):
        _, err = run("whitelist", *args, "--file", file, status=1)
        assert f"{file}:3: " in err
    assert "beef" in file.read_text()


def test_adding_what_cannot_run_changes_nothing(tmp_path):
    file = tmp_path / "whitelist.yaml"
    _, err = run("whitelist", "add", "--file", file, tmp_path / "nothing", status=1)
    assert "EXECUTABLE_REFUSED 1804" in err and not file.exists()


# ---- config


def test_config_check_tells_every_error_with_its_line(tmp_path):
    file = tmp_path / "plugd.yaml"
    file.write_text("listne: 127.0.0.1:0\ndrain_timeout: soon\n")
    _, err = run("config", "check", file, status=1)
    assert f"{file}:1" in err and f"{file}:2" in err and "listen" in err
    told = json.loads(run("-o", "json", "config", "check", file, status=1)[0])
    assert [(row["code"], row["line"]) for row in told] == [(1001, 1), (1002, 2)]


def test_config_check_says_that_a_file_is_good(tmp_path):
    file = tmp_path / "plugd.yaml"
    file.write_text("listen: 127.0.0.1:0\n")
    assert "is good" in run("config", "check", file)[0]
    assert json.loads(run("config", "check", file, "-o", "json")[0]) == []


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp"])
def test_the_configuration_of_the_examples_is_good_wherever_they_are_cloned(place):
    with tempfile.TemporaryDirectory(prefix="plugd-test-", dir=place) as directory:
        copy = shutil.copy(f"{os.environ['SOURCE_DIR']}/plugins-examples/plugd.yaml", directory)
        assert "is good" in run("config", "check", copy)[0]


# ---- a running host


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    host = shared_hosts(
        plugins=[plugin("good", instances=2, expose=False), plugin("slow"),
                 plugin("fails", name="never"), plugin("dies", name="off", enabled=False)],
        routes=[route("/good/*rest", "good"), route("/never", "never", methods=["GET", "PUT"])],
    ).start(ready=["good", "slow"])
    host.wait_log("instance.died", plugin="never")
    return host


def test_status_tells_where_the_host_listens(host):
    text = host.plugctl("status")
    assert host.address in text and str(host.process.pid) in text
    told = json.loads(host.plugctl("status", "-o", "json"))
    assert told["listeners"] == [host.address]
    assert told["plugins"]["serving"] == 2 and told["plugins"]["disabled"] == 1
    assert not told["ready"]


def test_plugins_are_told_with_their_state_and_what_they_provide(host):
    rows = {row["name"]: row for row in json.loads(host.plugctl("plugins", "-o", "json"))}
    assert rows["good"]["state"] == "serving" and rows["good"]["instances_ready"] == 2
    assert rows["good"]["hash"].startswith("sha256:") and not rows["good"]["expose"]
    assert rows["off"]["state"] == "disabled"
    assert "the database is on" in host.plugin("never")["last_failure"]["message"]
    text = host.plugctl("plugins")
    assert "good.v1.Good/EchoStream" in text and "both ways" in text
    assert "\t" not in text and "\x1b" not in text
    assert "slow" not in host.plugctl("plugins", "good")
    host.plugctl("plugins", "nobody", status=1)


def test_instances_are_told_with_their_processes(host):
    rows = json.loads(host.plugctl("instances", "good", "-o", "json"))
    assert [row["state"] for row in rows] == ["ready", "ready"]
    for row in rows:
        assert os.path.exists(f"/proc/{row['pid']}")
        assert row["rss_bytes"] > 0 and row["start_us"] > 0
        assert row["id"] in host.plugctl("instances")


def test_routes_tell_whether_they_lead_somewhere(host):
    rows = json.loads(host.plugctl("routes", "-o", "json"))
    assert [(row["path"], row["resolved"]) for row in rows] == [("/good/*rest", True),
                                                                  ("/never", False)]
    assert "GET, PUT" in host.plugctl("routes")


def test_a_call_gives_back_the_bytes_also_of_what_is_not_exposed(host):
    payload = bytes(range(256)) * 20000  # 5 MB: many chunks, more than a window
    done = subprocess.run([PLUGCTL, "-s", host.socket, "call", "good.v1.Good/Echo", "-"],
                          input=payload, capture_output=True, check=True)
    assert done.stdout == payload
    assert host.plugctl("call", "good.v1.Good/Echo", "--data", "text") == "text"
    assert host.plugctl("call", "good.v1.Good/EchoStream", stdin=b"piped") == "piped"


def test_a_call_reads_a_file(host, tmp_path):
    file = tmp_path / "payload"
    file.write_bytes(b"from a file")
    assert host.plugctl("call", "good.v1.Good/Echo", "-f", str(file)) == "from a file"
    host.plugctl("call", "good.v1.Good/Echo", "-f", str(tmp_path / "nothing"), status=1)


def test_a_call_tells_its_outcome_and_how_long_it_took(host):
    told = json.loads(host.plugctl("call", "good.v1.Good/Echo", "-d", "x", "-o", "json"))
    assert told["outcome"] == "OK" and told["messages"] == ["eA=="]
    assert told["instance"].startswith("good/1/") and told["plugin_us"] > 0


def test_a_call_that_fails_ends_with_status_1(host):
    host.plugctl("call", "good.v1.Good/Nothing", "-d", "", status=1)
    told = json.loads(host.plugctl("call", "sin.v1.Sin/Do", "--timeout", "20ms", "-d", "400",
                                   "-o", "json", status=1))
    assert told["outcome"] == "DEADLINE_EXCEEDED"


def test_a_call_is_cancelled_when_plugctl_is_interrupted(host):
    before = host.plugin("slow")["outcomes"].get("CANCELLED", 0)
    with subprocess.Popen([PLUGCTL, "-s", host.socket, "call", "sin.v1.Sin/Do", "-d", "200"],
                          stdout=subprocess.DEVNULL) as waiting:
        wait_until(lambda: host.plugin("slow")["calls_running"] == 1, "the call runs")
        waiting.send_signal(signal.SIGINT)
    wait_until(lambda: host.plugin("slow")["outcomes"].get("CANCELLED", 0) == before + 1,
               "the call is cancelled")


def talk_msgpack():
    methods = [Method(number=1, name="One", codec=MSGPACK),
               Method(number=2, name="Many", codec=MSGPACK, server_streams=True),
               Method(number=3, name="Json", codec=JSON)]
    return Manifest(provides=[Service(name="talk.v1.Talk", version="1.0.0", methods=methods)])


def start_call(host, *args):
    return subprocess.Popen([PLUGCTL, "-s", str(host.socket), *args], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish_call(process, status=0):
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, (out, err)
    return out.decode(), err.decode()


def test_json_becomes_msgpack_and_the_answer_json_again(hosts, stage):
    host = hosts(plugins=[stage.plugin()]).start(ready=[])
    puppet = stage.puppet(manifest=talk_msgpack())
    host.wait_ready("puppet")

    call = start_call(host, "call", "talk.v1.Talk/One", "-v", "-d", '{"a": [1, "x"]}')
    request = puppet.expect("request")
    assert request.payload == b"\x81\xa1a\x92\x01\xa1x"
    puppet.send(response=Response(id=request.id, payload=b"\x81\xa1b\xc3", end=True,
                                  metadata=[Metadata(name="colour", value="red")]))
    out, err = finish_call(call)
    assert out == '{"b": true}\n' and "colour: red" in err and "OK from puppet/1/1" in err

    call = start_call(host, "call", "talk.v1.Talk/Many")
    request = puppet.expect("request")
    assert request.payload == b""
    puppet.send(response=Response(id=request.id, payload=b"\x01"))
    puppet.send(data=Data(id=request.id, payload=b"\xa2", more=True))
    puppet.send(data=Data(id=request.id, payload=b"hi"))
    puppet.send(data=Data(id=request.id, end=True))
    assert finish_call(call)[0] == '1\n"hi"\n'

    call = start_call(host, "call", "talk.v1.Talk/One", "--raw", "-d", "\x07")
    request = puppet.expect("request")
    assert request.payload == b"\x07"
    puppet.send(response=Response(id=request.id, payload=b"\x08", end=True))
    assert finish_call(call)[0] == "\x08"

    call = start_call(host, "call", "talk.v1.Talk/Json", "-d", "[1]", "-o", "json")
    request = puppet.expect("request")
    assert request.payload == b"[1]"
    puppet.send(response=Response(id=request.id, payload=b'{"n": 1}', end=True))
    assert json.loads(finish_call(call)[0])["messages"] == [{"n": 1}]

    call = start_call(host, "call", "talk.v1.Talk/One", "-d", "1")
    request = puppet.expect("request")
    puppet.send(response=Response(id=request.id, code=5, message="no such \x1b[31mthing", end=True))
    out, err = finish_call(call, status=1)
    assert out == "" and "NOT_FOUND: no such ?[31mthing" in err

    _, err = finish_call(start_call(host, "call", "talk.v1.Talk/One", "-d", "{'"), status=1)
    assert "not JSON" in err
    puppet.end()


# ---- the socket itself


def test_only_the_owner_may_open_the_admin_socket(host):
    assert os.stat(host.socket).st_mode & 0o777 == 0o600


def test_the_socket_of_a_killed_host_is_replaced_and_that_of_a_living_one_is_not(hosts):
    first = hosts(plugins=[]).start()
    second = hosts(plugins=[], admin={"socket": str(first.socket)})
    second.expected_status = 1
    second.write_config()
    second.write_whitelist()
    assert second.launch().wait_exit() == 1
    assert any("another host listens" in str(record) for record in second.records)
    first.kill()
    assert first.socket.exists()
    third = hosts(plugins=[], admin={"socket": str(first.socket)}).start()
    third.stop()
    assert not first.socket.exists()


def test_another_user_is_refused_whatever_the_mode_says(host):
    if os.getuid() != 0:
        pytest.skip("needs root to become somebody else")
    os.chmod(host.socket, 0o777)
    directory = os.open(host.directory, os.O_PATH)  # the way there is closed to others
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(f"/proc/self/fd/{directory}/{host.socket.name}")
            sock.settimeout(PATIENCE_S)
            try:
                sock.sendall(b'{"command":"status"}\n')
                answer = sock.recv(100)
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
        os._exit(0 if answer == b"" else 1)
    os.close(directory)
    assert os.waitpid(child, 0)[1] == 0
    os.chmod(host.socket, 0o600)
    host.wait_log("admin.refused", uid=65534)
