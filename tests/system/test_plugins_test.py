"""The plugins of tests/plugins do what their names say, before plugd is tested with them."""
import json
import os
import pathlib
import socket

import pytest

import http_pb2
import plug
from plugd_pb2 import Limits
from plughost import Gone, PluginHost, Refused, Violation

PLUGINS = pathlib.Path(os.environ["PLUGIN_DIR"])


def plugin(name, *args):
    return PluginHost([str(PLUGINS / name), *args])


@pytest.fixture
def good():
    with plugin("good") as host:
        host.handshake()
        yield host


def test_good_echoes_both_ways(good):
    assert good.call("good.v1.Good/Echo", b"abc").payload == b"abc"
    call = good.open("good.v1.Good/EchoStream")
    assert call.send(b"a").wait_message().messages == [b"a"]
    assert call.send(b"b" * 100000, end=True).wait().messages == [b"a", b"b" * 100000]
    assert good.drain() == 0


def test_good_streams_large_bodies_and_still_serves(good):
    path = http_pb2.Request(method="GET", path="/x/download/1000000").SerializeToString()
    waiting = good.open("plugd.http.v1.Http/Handle", gives_credit=False).send(path, end=True)
    status, headers, body = good.http("GET", "/x/download/1000000")
    assert (status, headers["content-length"], len(body)) == (200, "1000000", 1000000)
    assert not waiting.ended
    waiting.cancel()
    assert waiting.wait().code == 1
    assert good.drain() == 0


def test_good_tells_what_it_saw(good):
    body = b"z" * 300000
    _status, _headers, seen = good.http("PUT", "/x/mirror", "/x/*rest", [("rest", "mirror")], body)
    seen = json.loads(seen)
    assert (seen["method"], seen["body_length"]) == ("PUT", 300000)
    assert good.http("GET", "/status/204")[0] == 204
    assert good.http("POST", "/echo", body=body)[2] == body


SINS = [
    (["dies_mid_answer", "SIGKILL"], Gone, "status -9"),
    (["dies", "3"], Gone, "status 3"),
    (["half_frame"], Gone, "status 0"),
    (["huge_frame"], Violation, "2147483647"),
    (["huge_frame", "0"], Violation, "0 bytes"),
    (["huge_frame", "1048577"], Violation, "1048577"),
    (["prints"], Violation, "I wonder"),
    (["replies_twice"], Violation, "no call"),
    (["wrong_id", "4711"], Violation, "no call 4711"),
]


@pytest.mark.parametrize("argv,error,words", SINS, ids=["-".join(sin[0]) for sin in SINS])
def test_sins(argv, error, words):
    with plugin(*argv) as host:
        host.handshake()
        assert host.call("sin.v1.Sin/Do", b"fine").payload == b"fine"
        with pytest.raises(error, match=words):
            host.call("sin.v1.Sin/Do", b"sin")
            host.ping(1)


def test_exceeds_its_window():
    with plugin("exceeds_window") as host:
        host.handshake()
        call = host.open("sin.v1.Sin/Stream", gives_credit=False).send(b"sin", end=True)
        with pytest.raises(Violation, match="exceeds its window"):
            call.wait()


def test_closes_its_stdout_and_lives_on():
    with plugin("closes_stdout") as host:
        host.handshake()
        host.open("sin.v1.Sin/Do").send(b"sin", end=True)
        host.wait_hangup()
        assert host.process.poll() is None


@pytest.mark.parametrize("argv,words", [
    (["fails"], "database"), (["fails", "prepared"], "database")])
def test_failures(argv, words):
    with plugin(*argv) as host, pytest.raises(Refused, match=words):
        host.handshake()


def test_prints_before_its_greeting():
    with plugin("prints", "greeting") as host, pytest.raises(Violation, match="Hello, I am"):
        host.handshake()


def test_floods_stderr_before_it_answers():
    with plugin("floods_stderr") as host:
        host.handshake()
        assert host.call("sin.v1.Sin/Do", b"sin").payload == b"dry again"
        host.wait(lambda: host.stderr.endswith(b"the flood is over\n"), "the end of the flood")


def test_big_answer_keeps_the_rules():
    with plugin("big_answer") as host:
        host.handshake()
        assert len(host.call("sin.v1.Sin/Do", b"sin").payload) == 5 << 20


def test_frames_byte_by_byte():
    with plugin("splits_frames") as host:
        host.handshake()
        assert host.call("sin.v1.Sin/Do", b"abc").payload == b"abc"
        assert host.drain() == 0


def test_replies_late():
    with plugin("replies_late") as host:
        host.handshake()
        call = host.open("sin.v1.Sin/Do").send(b"sin", end=True)
        assert host.call("sin.v1.Sin/Do", b"other").payload == b"other"
        call.cancel()
        assert call.wait().payload == b"late"


# ---- state

FEATURES = ("unknown-frames", "state")
DO = "sin.v1.Sin/Do"


def counter(*args, limits=None):
    """The plugin `state` after WELCOME."""
    host = PluginHost([str(PLUGINS / "state"), *args], limits=limits)
    host.hello(features=FEATURES)
    return host


def test_a_state_goes_over():
    with counter("size=300000") as old, counter("exports=1,2", "imports=1,2") as new:
        assert list(new.manifest.state_exports) == list(new.manifest.state_imports) == [1, 2]
        old.start()
        old.call(DO, b"add")
        assert old.http("POST", "/x")[2] == b"2 tested/1/1"
        new.import_state(1, old.export_state(1))
        new.start()
        assert new.call(DO, b"add").payload == b"3 tested/1/1"
        assert old.call(DO, b"").payload == b"2 tested/1/1"
        assert old.export_state(1).strip() == b"2"
        assert old.drain() == new.drain() == 0


EXPORT_SINS = [
    (["fails"], Refused, "table is locked"),
    (["breaks_off", "size=100000"], Refused, "disk is full"),
    (["dies_exporting", "size=100000"], Gone, "status 1"),
    (["damages"], Violation, "STATE_END"),
    (["miscounts"], Violation, "STATE_END"),
    (["size=70000000"], Violation, "too large"),
]


@pytest.mark.parametrize("argv,error,words", EXPORT_SINS, ids=[sin[0][0] for sin in EXPORT_SINS])
def test_sins_of_an_export(argv, error, words):
    with counter(*argv) as host:
        host.start()
        with pytest.raises(error, match=words):
            host.export_state(1)


def test_an_export_waits_for_credit_and_is_given_up():
    limits = Limits(channel_window_bytes=70000)
    for argv, most in ([], 70000), (["greedy"], 1000000):
        with counter("size=1000000", *argv, limits=limits) as host:
            host.start()
            host.grant_channel = lambda _count: None
            host.send_export(1)
            if argv:
                with pytest.raises(Violation, match="window"):
                    host.wait_state()
                continue
            assert host.ping(1)
            assert 0 < len(host.state) <= most
            assert host.call(DO, b"add").payload.startswith(b"1 ")
            with pytest.raises(Refused, match="given up"):
                host.wait_state()


def test_an_export_that_hangs_does_not_keep_it_from_serving():
    with counter("hangs_exporting") as host:
        host.start()
        host.send_export(1)
        assert host.call(DO, b"add").payload.startswith(b"1 ")
        assert not host.state_end
        assert host.drain() == 0


def test_a_state_that_nobody_asked_for():
    with counter() as host:
        host.start()
        with pytest.raises(Violation, match="without EXPORT"):
            host.call(DO, b"sin")


def test_sins_of_an_import():
    with counter("refuses") as host, pytest.raises(Refused, match="yesterday"):
        host.import_state(1, b"7")
    with counter() as host, pytest.raises(Refused, match="damaged"):
        host.import_state(1, b"7", sha256=b"x" * 32)
    with counter("hasty") as host, pytest.raises(Violation, match="out of turn"):
        host.import_state(1, b"7" + b" " * 10000000)
    with counter("dies_importing") as host, pytest.raises(Gone, match="status 1"):
        host.import_state(1, b"7")
    with counter("hangs_importing") as host:
        host.send_import(1, b"7")
        host.ping(1)
        assert not host.imported


def test_puppet_relays(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    with plugin("puppet", str(tmp_path / "s")) as host:
        string, _ = listener.accept()
        channel = plug.Channel(string.fileno(), string.fileno())
        host.send(hello={"versions": [1]})
        host.turn()
        channel.greet()
        assert host.hello().plugin_name == "sinner"
        string.close()
        assert host.process.wait(60) == 0
