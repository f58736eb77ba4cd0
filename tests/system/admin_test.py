"""The admin socket: one JSON request and reply per line."""
import json
import os
import socket
import stat
import subprocess
import tempfile

import pytest

from plugd import PATIENCE_S, plugin, route, wait_until


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    host = shared_hosts(plugins=[plugin("good", instances=2),
                                 plugin("fails", expose=False, restart={"max_restarts": 0})],
                        routes=[route("/x/:y", "good", methods=["GET"]),
                                route("/rpc-route", "good", rpc="good.v1.Good/Echo"),
                                route("/fails", "fails")]).start(["good"])
    host.wait_log("plugin.failed", plugin="fails")
    return host


@pytest.fixture(name="lines")
def lines_fixture(host):
    """A connection to the admin socket, as a file of lines."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(host.socket))
        with sock.makefile("rwb", buffering=0) as file:
            yield file


def ask(lines, text):
    lines.write(text if isinstance(text, bytes) else text.encode() + b"\n")
    return json.loads(lines.readline())


def test_only_the_owner_may_use_the_socket(host):
    status = os.stat(host.socket)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600


def test_another_user_is_kept_off_the_socket(hosts):
    with tempfile.TemporaryDirectory(prefix="plugd-test-") as directory:
        os.chmod(directory, 0o755)  # so that only the socket keeps them off
        path = f"{directory}/admin.sock"
        host = hosts(admin={"socket": path})
        host.socket = path
        host.start()
        script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        done = subprocess.run(["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups",
                               "/usr/bin/python3", "-c", script, path],
                              stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
        assert done.returncode != 0 and b"PermissionError" in done.stderr
        assert host.admin("status")["pid"] == host.process.pid
        host.stop()


def test_many_requests_on_one_connection(lines):
    for _ in range(5):
        assert ask(lines, '{"command":"status"}')["ok"]


def test_pipelined_requests_are_answered_in_order(lines):
    lines.write(b'{"command":"status"}\n{"command":"plugins"}\n{"command":"routes"}\n')
    results = [json.loads(lines.readline())["result"] for _ in range(3)]
    assert isinstance(results[0], dict) and len(results[1]) == 2 and len(results[2]) == 3


@pytest.mark.parametrize("text", [
    "{", "[]", "null", '"status"', "{}", '{"command":1}', '{"command":"statsu"}',
    '{"command":"status","command":"plugins"}', '{"command":"status","args":[]}',
    '{"command":"status","args":{"x":1}}', '{"command":"plugins","args":{"plugin":7}}',
    '{"command":"call","args":{"service":"a"}}', '{"command":"status"} {}', "\x00",
    '{"command":"\\u0000"}', "[" * 10000])
def test_nonsense_gets_a_sentence_and_the_connection_lives(host, lines, text):
    reply = ask(lines, text)
    assert reply["ok"] is False and reply["error"]["message"], reply
    assert host.admin("status")["ready"] is False


def test_bytes_that_are_no_text(host, lines):
    reply = ask(lines, b'{"command":"\xff\xfe"}\n')
    assert reply["ok"] is False
    assert ask(lines, '{"command":"status"}')["ok"]


def test_an_endless_line_is_refused(host, lines):
    before = host.rss()
    for _ in range(2000):
        lines.write(b"x" * 65536)  # blocks while the host doesn't read
    assert host.rss() < before + (64 << 20)  # a long line may carry a payload
    assert ask(lines, "")["ok"] is False
    assert host.admin("status")["pid"] == host.process.pid


def test_a_command_that_is_misspelt_gets_a_suggestion(lines):
    assert "status" in ask(lines, '{"command":"statsu"}')["error"]["message"]


def test_status(host):
    status = host.admin("status")
    assert status["pid"] == host.process.pid and status["listeners"] == [host.address]
    assert status["ready"] is False  # because of one plugin
    assert status["plugins"] == {"serving": 1, "failed": 1}


def test_plugins(host):
    good = host.plugin("good")
    assert (good["state"], good["instances_ready"], good["generation"]) == ("serving", 2, 1)
    methods = {f"{service['name']}/{method['name']}": method
               for service in good["services"] for method in service["methods"]}
    assert methods["good.v1.Good/Echo"]["codec"] == "bytes"
    assert methods["good.v1.Good/Echo"]["idempotent"] is True
    fails = host.plugin("fails")
    assert fails["state"] == "failed" and fails["last_failure"]["code"] == 1207
    assert "on holiday" not in json.dumps(good)


def test_one_plugin_by_name(host):
    assert [row["name"] for row in host.admin("plugins", plugin="good")] == ["good"]
    reply = host.admin_raw('{"command":"plugins","args":{"plugin":"nobody"}}')
    assert reply["ok"] is False and "nobody" in reply["error"]["message"]


def test_instances(host):
    rows = host.instances("good")
    assert [row["state"] for row in rows] == ["ready", "ready"]
    assert all(row["rss_bytes"] > 1 << 20 and row["start_us"] > 0 for row in rows)
    assert {row["id"] for row in rows} == {"good/1/1", "good/1/2"}


def test_routes(host):
    rows = {row["path"]: row for row in host.admin("routes")}
    assert rows["/x/:y"]["resolved"] and rows["/x/:y"]["methods"] == ["GET"]
    assert rows["/rpc-route"]["target"] == "good.v1.Good/Echo"
    assert rows["/fails"]["resolved"] is False and rows["/fails"]["why_not"]


def test_counters_count(host):
    before = host.plugin("good")["outcomes"].get("OK", 0)
    for _ in range(3):
        assert host.rpc("good.v1.Good/Echo", b"x").status == 200
    assert host.plugin("good")["outcomes"]["OK"] == before + 3


def test_a_client_that_leaves_in_the_middle_of_a_reply(host):
    before = host.descriptors()
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(host.socket))
            sock.sendall(b'{"command":"plugins"}\n' * 50)
    wait_until(lambda: host.descriptors() <= before, "as few descriptors as before")


def test_the_socket_goes_with_the_host_and_a_dead_one_is_replaced(hosts):
    host = hosts().start()
    host.kill()
    assert host.socket.exists()
    again = hosts(admin={"socket": str(host.socket)})
    again.socket = host.socket
    again.start()
    assert again.admin("status")["pid"] == again.process.pid
    again.stop()
    assert not again.socket.exists()


def test_a_socket_that_another_host_serves_is_left_alone(host, hosts):
    other = hosts(admin={"socket": str(host.socket)})
    other.write_config()
    other.write_whitelist([])
    other.launch()
    assert other.wait_log("host.failed")["code"] == 1301
    assert other.wait_exit() == 1
    assert host.admin("status")["pid"] == host.process.pid


def test_a_file_that_is_no_socket_is_left_alone(hosts, tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    host = hosts(admin={"socket": str(path)})
    host.write_config()
    host.write_whitelist([])
    host.launch()
    assert host.wait_log("host.failed")["code"] == 1301
    assert host.wait_exit() == 1
    assert path.read_text() == "data"
