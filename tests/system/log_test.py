"""The log: one line per event, whatever plugins and clients put into it."""
import pytest

from plugd import plugin, route, wait_until
from plugd_pb2 import DEBUG, ERROR, INFO, WARN, Log, Metadata


@pytest.fixture(name="puppet_host")
def puppet_host_fixture(hosts, stage):
    def begin(**settings):
        host = hosts(plugins=[stage.plugin()], routes=[route("/p/*rest", "puppet")], **settings)
        host.write_config()
        host.write_whitelist()
        host.launch()
        puppet = stage.puppet()
        return host, puppet
    return begin


def test_log_frames_carry_the_plugin_s_name_level_and_fields(puppet_host):
    host, puppet = puppet_host()
    for level in (DEBUG, INFO, WARN, ERROR):
        fields = [Metadata(name="color", value="red")]
        puppet.send(log=Log(level=level, message=f"m{level}", fields=fields, call_id=level))
        record = host.wait_log("plugin.log", msg=f"m{level}")
        assert record["level"] == ["debug", "info", "warn", "error"][level]
        assert (record["plugin"], record["instance"]) == ("puppet", "puppet/1/1")
        assert record["color"] == "red"


def test_a_level_from_the_future_is_an_error(puppet_host):
    host, puppet = puppet_host()
    puppet.send(log=Log(level=77, message="far out"))
    assert host.wait_log("plugin.log", msg="far out")["level"] == "error"


def test_stderr_becomes_lines_with_the_plugin_s_name(start):
    host = start([], plugins=[plugin("shell", "-c", "echo one >&2; printf 'two' >&2",
                                     executable="/bin/sh")])
    assert host.wait_log("plugin.stderr", msg="one")["plugin"] == "shell"
    assert host.wait_log("plugin.stderr", msg="two")["instance"].startswith("shell/1/")


HOSTILE = 'a"b\\\r\n\x1b[2Jlevel=error event=host.failed \u2028 \x9b \U0001f600'


def test_no_text_can_forge_a_line(puppet_host):
    host, puppet = puppet_host()
    puppet.send(log=Log(level=INFO, message=HOSTILE,
                        fields=[Metadata(name="x", value=HOSTILE)]))
    record = host.wait_log("plugin.log", x=lambda value: value is not None)
    assert record["msg"] == HOSTILE == record["x"]


def test_no_name_of_a_field_can_forge_another_field(puppet_host):
    # In JSON the later of two equal keys would win.
    host, puppet = puppet_host()
    names = ["plugin", "instance", "level", "event", "msg", "ts", "call", "a b", 'q"', "n\nl", "",
             "=", "same", "same"]
    puppet.send(log=Log(level=INFO, message="mine", call_id=5, fields=[
        Metadata(name=name, value="forged") for name in names]))
    record = host.wait_log("plugin.log", msg="mine")
    assert (record["plugin"], record["instance"]) == ("puppet", "puppet/1/1")
    assert record["level"] == "info"
    assert record["call"] == 5


def test_more_fields_than_fit_lose_nothing_else(puppet_host):
    host, puppet = puppet_host()
    puppet.send(log=Log(level=INFO, message="many", fields=[
        Metadata(name=f"f{index}", value="x" * 1000) for index in range(500)]))
    assert host.wait_log("plugin.log", msg="many")["f0"].startswith("x")
    puppet.send(log=Log(level=INFO, message="next"))
    host.wait_log("plugin.log", msg="next")


def test_the_level_is_a_threshold(puppet_host):
    host, puppet = puppet_host(log={"level": "warn"})
    puppet.send(log=Log(level=INFO, message="quiet"))
    puppet.send(log=Log(level=WARN, message="loud"))
    host.wait_log("plugin.log", msg="loud")
    assert {record["level"] for record in host.records} == {"warn"}


def test_logfmt(hosts):
    host = hosts(log={"format": "logfmt"}, plugins=[plugin("exits_at_start", "7")])
    host.write_config()
    host.write_whitelist()
    host.launch()
    with host.news:
        host.news.wait_for(lambda: any(b"event=instance.died" in line for line in host.noise), 60)
        lines, host.noise = host.noise, []
    died = next(line for line in lines if b"event=instance.died" in line).decode()
    assert died.startswith("ts=20") and " level=warn " in died
    assert 'msg="exited with status 7' in died and " plugin=exits_at_start " in died
    host.process.terminate()
    assert host.wait_exit() == 0


def test_what_is_set_for_a_plugin_is_not_told(start):
    host = start(plugins=[plugin("good", env={"TOKEN": "hunter2"}, config={"password": "hunter2"}),
                          plugin("dies", "0", env={"TOKEN": "hunter2"})])
    assert host.rpc("sin.v1.Sin/Do", b"sin").status == 502
    host.wait_ready("dies", 2)
    told = [host.admin(command) for command in ("status", "plugins", "instances", "routes")]
    assert "hunter2" not in str(told)
    host.stop()
    assert "hunter2" not in str(host.records)


def test_access_lines_can_be_switched_off(start):
    host = start(log={"access": False})
    assert host.http("GET", "/health/live").status == 200
    host.stop()
    assert not host.log("http.request")


def test_a_refused_request_has_its_line(start):
    host = start()
    with host.connect() as client:
        response = client.send(b"GET / HTTP/1.1\r\n\r\n").read()
    line = host.wait_log("http.refused")
    assert line["id"] == response.json()["request_id"] and line["status"] == 400


def test_a_log_that_nobody_reads_blocks_nothing(hosts):
    # Nobody takes a byte of the log, and the host goes on, and counts what it lost.
    host = hosts(plugins=[plugin("good")], routes=[route("/x/*rest", "good")])
    host.start([])
    host.wait_ready("good")
    host.pause_reading()
    while host.admin("status")["log_lines_lost"] == 0:
        for _ in range(100):
            assert host.http("GET", "/x/mirror").status == 200
    host.resume_reading()
    # The next line that fits tells.
    wait_until(lambda: host.http("GET", "/x/mirror") and host.log("log.lost"), "what was lost")
    assert host.log("log.lost")[0]["lines"] > 0
