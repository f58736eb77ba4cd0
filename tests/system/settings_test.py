"""Every setting that limits or changes something: each test fails when the setting is ignored.
Those of plugins and of the log are in their own files.
"""
import json
import subprocess

import pytest

from plugd import PLUGD, plugin, route


def head(line="GET /health/live HTTP/1.1", *fields):
    return "\r\n".join([line, "Host: test", *fields, "", ""]).encode()


def test_a_head_has_to_arrive_in_time(start):
    host = start(http={"read_header_timeout": "100ms"})
    with host.connect() as client:
        client.send(b"GET /health/live HTTP/1.1\r\nHost:")
        assert client.read().status == 408 and client.is_closed()


def test_a_head_that_trickles_in_is_no_excuse(start):
    host = start(http={"read_header_timeout": "100ms"})
    with host.connect() as client:
        try:
            for byte in b"GET /health/live HTTP/1.1\r\nX-A: " + b"a" * 100000:
                client.send(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            return
        assert client.read().status == 408


def test_a_body_has_to_go_on_arriving(start):
    host = start(http={"read_timeout": "100ms"}, plugins=[plugin("good")],
                 routes=[route("/x/*rest", "good")])
    with host.connect() as client:
        client.send(head("POST /x/mirror HTTP/1.1", "Content-Length: 10") + b"12345")
        assert client.read().status == 408 and client.is_closed()


def test_an_answer_has_to_be_taken(start):
    host = start(http={"write_timeout": "100ms"}, plugins=[plugin("good")],
                 routes=[route("/x/*rest", "good")])
    with host.connect() as client:
        client.ask("GET", "/x/download/1000000000", headers=[("X-Request-Id", "slow-1")])
        assert host.wait_log("http.request", id="slow-1")["outcome"] != "OK"
        with pytest.raises((AssertionError, ConnectionResetError)):
            client.read()


def test_a_silent_connection_is_closed(start):
    host = start(http={"idle_timeout": "100ms", "read_header_timeout": "10s"})
    with host.connect() as client:
        assert client.send(head()).read().status == 200
        assert client.is_closed()


def test_connections_above_the_limit_wait(start):
    host = start(http={"max_connections": 2})
    first, second, third = (host.connect() for _ in range(3))
    for client in (first, second):
        assert client.send(head()).read().status == 200
    third.send(head())
    assert host.admin("status")["connections"] == 2
    first.close()
    assert third.read().status == 200
    second.close()
    third.close()


def test_no_admin_socket_when_there_shall_be_none(start):
    host = start(admin={"socket": "none"})
    assert host.http("GET", "/health/live").status == 200
    assert not host.socket.exists()


def test_flags_over_environment_over_file(hosts):
    def level_of(args=(), environment=None):
        host = hosts(log={"level": "error"})
        host.write_config()
        host.write_whitelist([])
        done = subprocess.run([PLUGD, "--config", host.config, "--check", *args],
                              env=environment or {}, capture_output=True, check=False)
        return done.returncode, done.stdout.decode() + done.stderr.decode()
    assert level_of()[0] == 0
    status, text = level_of(environment={"PLUGD_LOG_LEVEL": "loud"})
    assert status == 1 and "PLUGD_LOG_LEVEL" in text and "loud" in text
    status, text = level_of(["--log-level", "louder"], {"PLUGD_LOG_LEVEL": "debug"})
    assert status == 1 and "--log-level" in text and "louder" in text


def test_a_flag_wins(hosts):
    host = hosts(environment={"PLUGD_HTTP_BODY_LIMIT": "10"}, http={"body_limit": "1"},
                 plugins=[plugin("good")], routes=[route("/x/*rest", "good")])
    host.start()
    assert host.http("POST", "/x/echo", b"x" * 10).status == 200
    assert host.http("POST", "/x/echo", b"x" * 11).status == 413


def test_all_errors_are_told_at_once_with_their_lines(tmp_path):
    config = tmp_path / "plugd.yaml"
    config.write_text("listn: 1.2.3.4:80\n"
                      "http:\n"
                      "  body_limit: plenty\n"
                      "  idle_timeout: 5 parsecs\n"
                      "routes:\n"
                      "- path: /a\n"
                      "  plugin: nobody\n"
                      "plugins:\n"
                      "- name: x\n"
                      "  instances: 0\n")
    done = subprocess.run([PLUGD, "--config", config, "--check"], env={}, capture_output=True,
                          check=False)
    text = done.stderr.decode()
    assert done.returncode == 1
    for line, word in ((1, "listen"), (3, "plenty"), (4, "parsecs"), (7, "nobody"), (10, "0")):
        assert any(f"plugd.yaml:{line}" in told and word in told
                   for told in text.splitlines()), text
    assert "executable" in text and "retry" not in text


@pytest.mark.parametrize("later", ["sandbox"])
def test_settings_of_later_work_are_unknown(tmp_path, later):
    config = tmp_path / "plugd.yaml"
    config.write_text(json.dumps({"plugins": [
        {"name": "x", "executable": "/x", later: {"interval": "1s"}}],
        "whitelist": {"file": "/w"}}))
    done = subprocess.run([PLUGD, "--config", config, "--check"], env={}, capture_output=True,
                          check=False)
    assert done.returncode == 1 and later in done.stderr.decode()


@pytest.mark.parametrize("routes", [
    [route("/a/:x", "good"), route("/a/:y", "good")],
    [route("/a", "good"), *[route("/a", "good", methods=["GET"])] * 2],
    [route("/a/*x", "good"), route("/a/*y", "good")],
    [route("/health/live", "good")],
    [route("/rpc/x", "good")],
    [route("/a/*x/b", "good")],
    [route("a", "good")],
], ids=["params", "methods", "rests", "health", "rpc", "rest not last", "no slash"])
def test_routes_that_conflict_stop_the_start(hosts, routes):
    host = hosts(plugins=[plugin("good")], routes=routes)
    host.write_config()
    host.write_whitelist()
    host.launch()
    assert host.wait_exit() == 1
    assert host.noise or host.log("host.failed")
    assert host.orphans() == []


def test_a_file_that_is_not_there_is_told():
    done = subprocess.run([PLUGD, "--config", "/nowhere/plugd.yaml"], env={}, capture_output=True,
                          check=False)
    assert done.returncode == 1 and b"/nowhere/plugd.yaml" in done.stderr


def test_wrong_flags_end_with_status_2():
    for args in (["--no-such-flag"], ["extra"], ["--config"]):
        done = subprocess.run([PLUGD, *args], env={}, capture_output=True, check=False)
        assert done.returncode == 2 and b"--help" in done.stderr


def overload(start, **settings):
    """A plugin that does one call at a time, asked for many more at once."""
    host = start(plugins=[plugin("slow", concurrency=64, timeout="10m", queue_timeout="10m",
                                 **settings)])
    assert all(host.rpc("sin.v1.Sin/Do", b"1").status == 200 for _ in range(10))
    clients = [host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"10") for _ in range(150)]
    assert {client.read().status for client in clients} == {200}
    for client in clients:
        client.close()
    return host


def shown_limit(host):
    """In the table of `plugctl plugins`."""
    headings, row = host.plugctl("plugins").splitlines()[:2]
    return row[headings.index("LIMIT"):].split()[0]


def test_adaptive_concurrency_lets_fewer_run_when_calls_get_slower(start):
    host = overload(start, adaptive_concurrency=True)
    limit = host.plugin("slow")["concurrency"]
    assert limit < 64
    assert shown_limit(host) == f"{limit}/64"


def test_without_it_the_limit_is_the_configured_one(start):
    host = overload(start)
    assert host.plugin("slow")["concurrency"] == 64
    assert shown_limit(host) == "64"
