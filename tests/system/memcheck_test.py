"""Valgrind looks for what sanitizers don't see, uninitialised memory above all, and finds nothing.

It does not know pidfds, without which no host starts: the plugins are examined under a host that is
not, and what the host does with clients and calls in unit tests.
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
