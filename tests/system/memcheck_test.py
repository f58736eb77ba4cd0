"""Valgrind looks for what sanitizers don't see, uninitialised memory above all, and finds nothing.

It does not know pidfds, so a host under it can start no process: the host is examined without
plugins, the plugins under a host that is not examined, and what lies between them in unit tests.
"""
import os
import pathlib
import subprocess

import pytest

from plugd import plugin, route

VALGRIND = "/usr/bin/valgrind.bin"  # /usr/bin/valgrind is a script, whose shell needs a pin too
FOUND = 99
OPTIONS = ["-q", f"--error-exitcode={FOUND}", "--leak-check=full",
           "--errors-for-leak-kinds=definite,indirect"]
EXAMPLES = pathlib.Path(os.environ["EXAMPLE_DIR"])
UNIT = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/unit"
LARGE = bytes(range(256)) * 4096
PATIENCE_S = 600


def examined(name, **settings):
    """An example under Valgrind."""
    return plugin(name, *OPTIONS, str(EXAMPLES / name / name), executable=VALGRIND,
                  handshake_timeout="60s", **settings)


def ends_clean(host, *names):
    """Everything ends in good order: what Valgrind had found would be another status."""
    host.stop()
    for name in names:
        assert host.log("instance.ended", plugin=name, msg="exited with status 0"), host.records


def test_a_host_and_its_clients(hosts):
    host = hosts()
    host.write_config()
    host.write_whitelist()
    host.under = [VALGRIND, *OPTIONS]
    host.start()
    assert host.http("GET", "/health/live").status == 200
    assert host.http("GET", "/nowhere").status == 404
    assert host.http("POST", "/rpc/no.v1.Such/Method", LARGE).status == 404
    with host.connect() as client:
        client.ask("GET", "/health/ready").send(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
        assert client.read().status == 200
        assert client.read().status == 400
        assert client.is_closed()
    assert host.admin("status")["connections"] >= 0
    assert host.admin("plugins") == []
    ends_clean(host)


def test_echo(start):
    host = start(plugins=[examined("echo")], routes=[route("/echo", "echo")])
    assert host.http("GET", "/echo").body == b"hello world\n"
    assert host.http("POST", "/echo", LARGE).body == LARGE
    assert host.rpc("echo.v1.Echo/Say", LARGE).body == LARGE
    assert host.rpc("echo.v1.Echo/Talk", b"\0\0\0\1x\0\0\0\0").body == b"\0\0\0\1x\0\0\0\0"
    ends_clean(host, "echo")


def test_kv(start, tmp_path):
    host = start(plugins=[examined("kv", work_dir=str(tmp_path))],
                 routes=[route("/kv/:key", "kv")])
    assert host.http("PUT", "/kv/sky", b"blue").status == 201
    assert host.http("GET", "/kv/sky").body == b"blue"
    assert host.http("GET", "/kv/sea").status == 404
    assert host.rpc("kv.v1.Kv/List", b"").status == 200
    ends_clean(host, "kv")


@pytest.mark.parametrize("name", ["plugin_calls_test", "plugin_violations_test", "net_stream_test"])
def test_what_lies_between(name):
    done = subprocess.run([VALGRIND, *OPTIONS, UNIT / name], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
