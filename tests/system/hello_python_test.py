"""plugins-examples/hello-python: alone against the protocol, and behind plugd as README says."""
import os

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

import hello_pb2
import http_pb2
from plugd import plugin as configured
from plugd import route
from plugd_pb2 import HEALTHY, PROTOBUF, Limits
from plughost import PluginHost, Refused, limits_with_defaults

EXECUTABLE = os.environ["HELLO_PYTHON"]
GREET = "hello.v1.Hello/Greet"


@pytest.fixture
def plugin():
    with PluginHost([EXECUTABLE]) as host:
        yield host


def greet(plugin, name, **head):
    request = hello_pb2.GreetRequest(name=name).SerializeToString()
    return hello_pb2.GreetResponse.FromString(plugin.call(GREET, request, **head).payload).text


def test_tells_what_it_provides(plugin):
    welcome = plugin.handshake()
    assert (welcome.version, welcome.plugin_name, welcome.sdk) == (1, "hello-python", "")
    assert list(welcome.features) == ["unknown-frames"]
    service, http = welcome.manifest.provides
    assert (service.name, http.name) == ("hello.v1.Hello", "plugd.http.v1.Http")
    greet_method = service.methods[0]
    assert (greet_method.codec, greet_method.input_type) == (PROTOBUF, "hello.v1.GreetRequest")
    assert http.methods[0].client_streams and http.methods[0].server_streams
    files = FileDescriptorSet.FromString(welcome.manifest.descriptor_set)
    assert [file.package for file in files.file] == ["hello.v1"]


def test_takes_only_features_that_were_offered(plugin):
    assert list(plugin.handshake(features=()).features) == []


def test_greets(plugin):
    plugin.handshake()
    assert greet(plugin, "Ada") == "Hello, Ada!"
    assert greet(plugin, "") == "Hello, world!"


def test_runs_from_a_sealed_copy():
    with PluginHost([EXECUTABLE], sealed=True) as plugin:
        plugin.handshake()
        assert greet(plugin, "Ada") == "Hello, Ada!"
        assert plugin.drain() == 0


def test_many_calls_in_flight(plugin):
    plugin.handshake()
    request = lambda name: hello_pb2.GreetRequest(name=name).SerializeToString()
    calls = {name: plugin.open(GREET).send(request(name), end=True)
             for name in map(str, range(100))}
    for name, call in calls.items():
        assert hello_pb2.GreetResponse.FromString(call.wait().payload).text == f"Hello, {name}!"


def test_answers_http(plugin):
    plugin.handshake()
    status, headers, body = plugin.http("GET", "/hello/Ada", "/hello/:name", [("name", "Ada")])
    assert (status, body) == (200, b"Hello, Ada!\n")
    assert headers == {"content-type": "text/plain; charset=utf-8"}
    assert plugin.http("PUT", "/hello/Ada", "/hello/:name", [("name", "Ada")])[0] == 405


def test_refuses_a_name_that_is_too_long(plugin):
    plugin.handshake()
    call = plugin.call(GREET, hello_pb2.GreetRequest(name="x" * 101).SerializeToString())
    assert (call.code, call.messages) == (3, [])
    assert "100" in call.message


def test_refuses_bytes_that_are_no_message(plugin):
    plugin.handshake()
    assert plugin.call(GREET, b"\xff\xff").code == 3
    assert greet(plugin, "Ada") == "Hello, Ada!"


def test_refuses_a_method_that_it_does_not_have(plugin):
    plugin.handshake()
    call = plugin.call(4711)
    assert (call.code, call.not_processed) == (12, True)


def test_collects_a_message_of_many_chunks(plugin):
    plugin.handshake()
    # Larger than the call's window: it only arrives when credit is given back.
    call = plugin.call(GREET, hello_pb2.GreetRequest(name="x" * (1 << 19)).SerializeToString())
    assert call.code == 3 and "100" in call.message


def test_refuses_a_message_above_its_limit_and_goes_on(plugin):
    welcome = plugin.handshake()
    limit = limits_with_defaults(welcome.limits).max_message_bytes
    call = plugin.call(GREET, b"x" * (limit + 1))
    assert call.code == 8
    assert greet(plugin, "Ada") == "Hello, Ada!"


def test_waits_for_credit():
    limits = Limits(chunk_bytes=4, call_window_bytes=10, channel_window_bytes=1 << 20)
    with PluginHost([EXECUTABLE], limits=limits) as plugin:
        plugin.handshake()
        request = hello_pb2.GreetRequest(name="Ada").SerializeToString()
        call = plugin.open(GREET, gives_credit=False).send(request, end=True)
        plugin.wait(lambda: sum(call.chunks) == 10, "what the window allows")
        plugin.ping(1)  # it sends no more, and still answers
        assert sum(call.chunks) == 10 and not call.ended
        call.grant(10)
        assert hello_pb2.GreetResponse.FromString(call.wait().payload).text == "Hello, Ada!"
        assert max(call.chunks) == 4


def test_ends_a_call_that_is_cancelled_while_it_waits_for_credit():
    limits = Limits(chunk_bytes=4, call_window_bytes=10, channel_window_bytes=1 << 20)
    with PluginHost([EXECUTABLE], limits=limits) as plugin:
        plugin.handshake()
        request = hello_pb2.GreetRequest(name="Ada").SerializeToString()
        call = plugin.open(GREET, gives_credit=False).send(request, end=True)
        plugin.wait(lambda: sum(call.chunks) == 10, "what the window allows")
        call.cancel()
        assert call.wait().code == 1
        assert plugin.drain() == 0


def test_ends_a_call_that_is_cancelled_before_its_message_is_complete(plugin):
    plugin.handshake()
    call = plugin.open(GREET).send_piece(b"\x0a", more=True)
    call.cancel(code=4)
    assert call.wait().code == 4
    assert greet(plugin, "Ada") == "Hello, Ada!"


def test_answers_http_before_the_body_has_ended_and_drops_the_rest(plugin):
    plugin.handshake()
    head = http_pb2.Request(method="GET", path="/hello/Ada", body=b"x").SerializeToString()
    call = plugin.open("plugd.http.v1.Http/Handle").send(head)
    assert http_pb2.Response.FromString(call.wait().messages[0]).status == 200
    call.send(http_pb2.Request(body=b"x" * (1 << 19)).SerializeToString(), end=True)
    plugin.wait(lambda: call.caller_ended, "credit for the body")
    assert greet(plugin, "Ada") == "Hello, Ada!"


def test_tells_its_health_and_logs(plugin):
    plugin.handshake()
    assert plugin.ping(7).health == HEALTHY
    assert plugin.logs[0].message == "ready to greet"
    assert plugin.logs[0].fields[0].value == "tested/1/1"


def test_drains(plugin):
    plugin.handshake()
    held = plugin.open(GREET).send_piece(b"\x0a\x03A", more=True)
    plugin.send(drain={"grace_ms": 30000})
    plugin.ping(1)
    assert not plugin.bye
    held.send(b"da", end=True)
    assert hello_pb2.GreetResponse.FromString(held.wait().payload).text == "Hello, Ada!"
    plugin.wait(lambda: plugin.bye, "BYE")
    assert plugin.wait_end() == 0
    assert bytes(plugin.stderr) == b""


def test_ends_when_the_host_has_gone(plugin):
    plugin.handshake()
    plugin.process.stdin.close()
    assert plugin.process.wait(60) == 0


def test_refuses_versions_that_it_does_not_speak(plugin):
    with pytest.raises(Refused, match="version 1"):
        plugin.handshake(versions=(2, 3))
    assert plugin.wait_end() == 1


def test_refuses_settings_because_it_has_none(plugin):
    with pytest.raises(Refused, match="no settings"):
        plugin.handshake(config=b"\x81\xa1a\x01")


def test_ignores_frames_of_a_newer_host(plugin):
    plugin.handshake()
    plugin.send_raw(b"\0\0\0\4\xfa\x3f\x01x")  # field 1023
    assert greet(plugin, "Ada") == "Hello, Ada!"


@pytest.mark.parametrize("prefix", [b"\0\0\0\0", b"\x7f\xff\xff\xff"])
def test_ends_on_a_length_that_no_frame_may_have(plugin, prefix):
    plugin.handshake()
    plugin.send_raw(prefix)
    assert plugin.wait_end() == 1
    assert b"the host sent a frame of" in plugin.stderr


def test_says_what_it_is_when_started_by_hand(plugin):
    plugin.process.stdin.close()
    assert plugin.process.wait(60) == 1
    assert b"this is a plugin" in plugin.process.stderr.read()


def test_waits_for_the_head_of_an_http_request(plugin):
    plugin.handshake()
    call = plugin.open("plugd.http.v1.Http/Handle").send_piece(b"")
    plugin.ping(1)
    assert not call.began
    call.send(http_pb2.Request(method="GET", path="/hello").SerializeToString(), end=True)
    assert http_pb2.Response.FromString(call.wait().messages[0]).status == 200


# ---- behind plugd


@pytest.fixture(name="host")
def host_fixture(start):
    return start(
        plugins=[configured("hello-python", executable=EXECUTABLE, sandbox="strict")],
        routes=[route("/hello/:name", "hello-python", methods=["GET"])])


def test_the_host_serves_its_http(host):
    response = host.http("GET", "/hello/Ada%20L")
    assert (response.status, response.body) == (200, b"Hello, Ada L!\n")
    assert response.header("content-type") == "text/plain; charset=utf-8"
    assert host.http("POST", "/hello/Ada").error() == (405, "METHOD_NOT_ALLOWED")


def test_the_host_serves_its_rpc(host):
    response = host.rpc(GREET, hello_pb2.GreetRequest(name="Ada").SerializeToString())
    assert hello_pb2.GreetResponse.FromString(response.body).text == "Hello, Ada!"
    assert response.header("content-type") == "application/protobuf"
    assert host.rpc(GREET, b"\xff").error() == (400, "INVALID_ARGUMENT")


def test_the_host_tells_what_it_logs_and_drains_it(host):
    host.wait_log("plugin.log", plugin="hello-python", msg="ready to greet")
    host.stop()
    assert "exited with status 0" in host.wait_log("instance.ended", plugin="hello-python")["msg"]
