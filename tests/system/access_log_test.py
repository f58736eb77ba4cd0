"""The log of requests: its forms, its own file, what a rotation does to it, and that nobody outside
can forge what stands in it. Each test fails when its setting is ignored.
"""
import os
import pathlib
import re
import signal
import subprocess

import pytest

from h2_client import H2
from metrics_test import PAGES, scrape
from plugd import PLUGCTL, plugin, route, wait_until

GOOD = {"plugins": [plugin("good")], "routes": [route("/x/*rest", "good")]}

# As Apache's combined format, and what plugd adds.
LINE = re.compile(
    r'(?P<peer>\S+) - (?P<user>\S+) '
    r'\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] '
    r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" '
    r'"(?P<agent>[^"]*)" us=(?P<us>\d+) queue_us=(?P<queue>\d+) plugin_us=(?P<plugin>\d+) '
    r'edge_us=(?P<edge>\d+) id=(?P<id>\S+)\n')


def lines_of(file, count):
    """So many lines, as soon as they are there."""
    wait_until(lambda: file.exists() and file.read_bytes().count(b"\n") >= count,
               f"{count} lines in {file}")
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == count, lines
    return lines


@pytest.fixture(name="serve")
def serve_fixture(start, tmp_path):
    """serve(access_format=…): a host that logs requests to a file, and the file."""
    def serve(**log):
        file = tmp_path / "access.log"
        return start(log={"access_file": str(file), **log}, admin=PAGES, **GOOD), file
    return serve


def test_a_request_is_a_line_of_the_combined_format(serve):
    host, file = serve(access_format="combined")
    host.http("GET", "/x/mirror?a=b", headers=[
        ("Referer", "https://a.example/"), ("User-Agent", "test/1 (x)"), ("X-Request-Id", "id-7")])
    host.http("POST", "/nothing", b"x")
    lines = [LINE.fullmatch(line) for line in lines_of(file, 2)]
    assert all(lines)
    first, second = lines
    assert (first["peer"], first["user"], first["request"]) == (
        "127.0.0.1", "-", "GET /x/mirror?a=b HTTP/1.1")
    assert (first["status"], first["referer"], first["agent"], first["id"]) == (
        "200", "https://a.example/", "test/1 (x)", "id-7")
    assert int(first["bytes"]) > 0 and int(first["plugin"]) > 0
    assert int(first["us"]) == sum(int(first[part]) for part in ("queue", "plugin", "edge"))
    assert (second["request"], second["status"], second["agent"]) == (
        "POST /nothing HTTP/1.1", "404", "-")
    assert not host.log("http.request")


def test_who_was_recognised_stands_in_the_combined_line(start, tmp_path):
    made = subprocess.run([PLUGCTL, "token", "key", "the till"], capture_output=True, text=True,
                          check=True).stdout
    key, entry = made.split("\n", 1)
    (tmp_path / "keys.yaml").write_text("keys:\n" + entry)
    (tmp_path / "keys.yaml").chmod(0o600)
    file = tmp_path / "access.log"
    host = start(log={"access_file": str(file), "access_format": "combined"},
                 identity={"api_keys": str(tmp_path / "keys.yaml")}, http={"auth": "api_key"},
                 **GOOD)
    assert host.http("GET", "/x/mirror", headers=[("X-Api-Key", key)]).status == 200
    assert host.http("GET", "/x/mirror").status == 401
    users = [LINE.fullmatch(line)["user"] for line in lines_of(file, 2)]
    assert users == [r"the\x20till", "-"]


def test_no_client_forges_a_line_or_a_field(serve):
    host, file = serve(access_format="combined")
    with host.connect() as client:
        client.send(b'GET /x/"\x20HTTP/1.1\r\nHost: x\r\n\r\n').read()
    with host.connect() as client:
        client.send(b"GET /x/mirror HTTP/1.1\r\nHost: x\r\nUser-Agent: \" 200 1 \"\\\x80\t\"\r\n"
                    b"Referer: a\" \"b\r\n\r\n").read()
    lines = [LINE.fullmatch(line) for line in lines_of(file, 2)]
    assert all(lines)
    assert lines[1]["agent"] == r"\x22 200 1 \x22\x5c\x80\x09\x22"
    assert lines[1]["referer"] == r"a\x22 \x22b"


def test_what_was_no_request_has_its_line_too(serve):
    host, file = serve(access_format="combined")
    with host.connect() as client:
        assert client.send(b"nonsense\r\n\r\n").read().status == 400
    line = LINE.fullmatch(lines_of(file, 1)[0])
    assert (line["request"], line["status"]) == ("-", "400")
    assert host.wait_log("http.refused")["id"] == line["id"]


def test_a_request_that_net_ends_has_one_line_with_what_was_sent(start, tmp_path):
    file = tmp_path / "access.log"
    host = start(log={"access_file": str(file), "access_format": "combined"},
                 http={"read_timeout": "1s"}, **GOOD)
    with host.connect() as client, H2(host.address) as h2:
        client.send(b"POST /x/echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        broken = client.read()
        lines_of(file, 1)
        late = h2.answer(h2.begin(h2.fields("POST", "/x/mirror"), end=False))
    host.http("GET", "/x/mirror")
    lines = [LINE.fullmatch(line) for line in lines_of(file, 3)]
    assert [line["status"] for line in lines] == ["400", "408", "200"]
    for line, response in zip(lines, (broken, late)):
        assert line["status"] == str(response.status)
        assert line["id"] == response.header("x-request-id")
        assert line["bytes"] == str(len(response.body)) != "0"
    assert [refused["id"] for refused in host.log("http.refused")] == [
        line["id"] for line in lines[:2]]


def test_what_was_no_request_of_http_2_is_told_to_be_of_it(serve):
    host, file = serve(access_format="combined")
    with H2(host.address) as client:
        response = client.answer(client.ask("GET", "/../up"))
    line = LINE.fullmatch(lines_of(file, 1)[0])
    assert (line["status"], line["id"]) == ("400", response.header("x-request-id"))
    assert line["request"].endswith(" HTTP/2.0")


def test_the_combined_format_may_be_among_the_log(start):
    host = start(log={"access_format": "combined"}, **GOOD)
    host.http("GET", "/x/mirror")
    wait_until(lambda: host.noise, "a line that is no record")
    assert LINE.fullmatch(host.noise.pop().decode())


@pytest.mark.parametrize("form, part", [
    ("json", '"event":"http.request"'), ("logfmt", "event=http.request ")])
def test_by_default_a_line_is_as_those_of_the_log(start, tmp_path, form, part):
    file = tmp_path / "access.log"
    host = start(log={"access_file": str(file), "format": "json"}, **GOOD)
    host.settings["log"]["format"] = form
    host.write_config()
    host.plugctl("reload")
    host.http("GET", "/x/mirror", headers=[("X-Request-Id", "id-7")])
    line = lines_of(file, 1)[0]
    assert part in line and "id-7" in line and "plugin_us" in line
    host.settings["log"]["format"] = "json"
    host.write_config()
    host.plugctl("reload")
    host.noise.clear()


def test_requests_are_in_the_file_also_when_the_log_is_quiet(serve):
    host, file = serve(level="debug")
    host.settings["log"]["level"] = "error"
    host.write_config()
    host.plugctl("reload")
    host.http("GET", "/x/mirror")
    lines_of(file, 1)


def test_access_false_is_no_line_anywhere(serve):
    host, file = serve(access=False)
    host.http("GET", "/x/mirror")
    host.plugctl("reload")
    assert file.read_bytes() == b"" and not host.log("http.request")


def test_the_file_is_the_groups_to_read_and_nobody_elses(serve):
    _host, file = serve()
    assert os.stat(file).st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("before", ["before\n", ""])
def test_what_is_there_is_appended_to(start, tmp_path, before):
    file = tmp_path / "access.log"
    file.write_text(before)
    file.chmod(0o600)
    host = start(log={"access_file": str(file)}, **GOOD)
    host.http("GET", "/x/mirror")
    assert "".join(lines_of(file, 1 + before.count("\n"))).startswith(before)
    assert os.stat(file).st_mode & 0o7777 == 0o600


def test_after_a_rotation_a_signal_begins_the_new_file(serve):
    host, file = serve()
    host.http("GET", "/x/mirror")
    lines_of(file, 1)
    file.rename(file.with_suffix(".1"))
    host.http("GET", "/x/mirror")
    lines_of(file.with_suffix(".1"), 2)
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("reload.done")
    host.http("GET", "/x/mirror")
    lines_of(file, 1)
    lines_of(file.with_suffix(".1"), 2)


def test_a_rotation_does_not_depend_on_a_good_configuration(serve):
    host, file = serve()
    file.rename(file.with_suffix(".1"))
    host.config.write_text("nonsense: true")
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("reload.refused")
    host.http("GET", "/x/mirror")
    lines_of(file, 1)


def test_a_rotation_in_the_middle_of_a_reload_harms_neither(start, stage, tmp_path):
    file = tmp_path / "access.log"
    settings = {"log": {"access_file": str(file)}, "routes": [route("/p", "puppet")]}
    host = start([], plugins=[stage.plugin()], **settings)
    old = stage.puppet()
    host.wait_ready("puppet")
    host.settings["plugins"] = [stage.plugin(env={"OTHER": "1"})]
    host.write_config()
    with host.order("reload") as order:
        puppet = stage.newcomer()  # and says nothing yet
        host.config.write_text("nonsense: true")
        file.rename(file.with_suffix(".1"))
        host.process.send_signal(signal.SIGHUP)
        wait_until(file.exists, "the new file")
        puppet.begin()
        puppet.pong()
        old.expect("drain")
        old.send(bye={})
        old.end()
        assert order.reply()["ok"]
    client = host.connect().ask("GET", "/p")
    frame, _ = puppet.request()
    puppet.answer(frame)
    assert client.read().status == 200
    lines_of(file, 1)


def test_a_file_of_a_reload_that_was_refused_is_closed(serve, tmp_path):
    host, _ = serve()
    other = tmp_path / "other.log"
    host.settings["log"]["access_file"] = str(other)
    host.settings["listen"] = "192.0.2.1:1"  # not of this machine
    host.write_config()
    host.plugctl("reload", status=1)
    fds = pathlib.Path(f"/proc/{host.process.pid}/fd")
    assert str(other) not in [os.readlink(fd) for fd in fds.iterdir()]


def test_a_reload_takes_another_file_or_refuses(serve, tmp_path):
    host, file = serve()
    host.settings["log"]["access_file"] = str(tmp_path / "nowhere" / "access.log")
    host.write_config()
    assert "1510" in host.plugctl("reload", status=1) + str(host.wait_log("reload.refused"))
    host.http("GET", "/x/mirror")
    lines_of(file, 1)
    other = tmp_path / "other.log"
    host.settings["log"]["access_file"] = str(other)
    host.write_config()
    host.plugctl("reload")
    host.http("GET", "/x/mirror")
    lines_of(other, 1)
    lines_of(file, 1)


def test_a_file_that_cannot_be_had_ends_the_start(hosts, tmp_path):
    host = hosts(log={"access_file": str(tmp_path / "nowhere" / "access.log")}, **GOOD)
    host.expected_status = 1
    host.write_config()
    host.write_whitelist()
    host.launch()
    failed = host.wait_log("host.failed")
    assert failed["code"] == 1510 and "access.log" in failed["msg"]
    host.wait_exit()


def test_a_disk_that_is_full_is_told_once_and_costs_lines_only(start):
    host = start(log={"access_file": "/dev/full"}, admin=PAGES, **GOOD)
    for _ in range(5):
        assert host.http("GET", "/x/mirror").status == 200
    assert host.wait_log("access_log.failed")["code"] == 1510
    wait_until(lambda: scrape(host).get("plugd_access_log_lines_lost_total") >= 5, "five are lost")
    assert len(host.log("access_log.failed")) == 1
