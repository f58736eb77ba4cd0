"""plugins-examples/echo behind plugd, as its README says."""
import os
import threading

import pytest

from client import framed
from plugd import SANITIZERS, STRICT, plugin, process_field, route

ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
SAY = "echo.v1.Echo/Say"
TALK = "echo.v1.Echo/Talk"
HELLO = b"hello world\n"
MANY = 1024  # messages of 64 KiB: far more than sockets and windows hold
ROOM = 16 << 20  # for windows, and for the sanitizers
LARGE = bytes(range(256)) * 4096 * 5  # 5 MiB: more than all windows together


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    return shared_hosts(plugins=[plugin("echo", executable=ECHO, env=SANITIZERS, sandbox=STRICT)],
                        routes=[route("/echo", "echo"), route("/echo/*rest", "echo")],
                        http={"body_limit": "1GiB", "write_timeout": "10m"}).start()


def resident(pid):
    return int(process_field(pid, "VmRSS").split()[0]) * 1024


@pytest.mark.parametrize("path", ["/echo", "/echo/", "/echo/any/where"])
def test_a_get_without_a_body_says_hello(host, path):
    response = host.http("GET", path)
    assert (response.status, response.body) == (200, HELLO)
    assert response.header("content-type") == "text/plain; charset=utf-8"


def test_head_has_the_fields_of_get(host):
    response = host.http("HEAD", "/echo")
    assert (response.status, response.body) == (200, b"")
    assert response.header("content-length") == str(len(HELLO))
    assert response.header("content-type") == "text/plain; charset=utf-8"


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


@pytest.mark.parametrize("path", ["/echo", "/echo/any/where"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_body_back(host, method, path):
    response = host.http(method, path, b"\0any bytes\xff", [("Content-Type", "x/y; z=1")])
    assert (response.status, response.body) == (200, b"\0any bytes\xff")
    assert response.header("content-type") == "x/y; z=1"


@pytest.mark.parametrize("method", METHODS[1:])
def test_an_empty_body_comes_back_empty(host, method):
    response = host.http(method, "/echo")
    assert (response.status, response.body) == (200, b"")
    assert response.header("content-length") == "0"
    assert response.header("content-type") is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_large_bodies_come_back(host, method):
    assert host.http(method, "/echo", LARGE).body == LARGE


def test_chunks_come_back_while_the_client_still_sends(host):
    with host.connect() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"3\r\none\r\n")
        assert client.read_head().status == 200
        chunks = client.read_chunks()
        assert next(chunks) == b"one"
        client.send(b"3\r\ntwo\r\n0\r\n\r\n")
        assert b"".join(chunks) == b"two"


def test_one_message(host):
    assert host.rpc(SAY, b"any bytes\0").body == b"any bytes\0"
    assert host.rpc(SAY, b"").body == b""
    assert host.rpc(SAY, LARGE).body == LARGE


def test_a_stream_of_messages_of_all_sizes(host):
    messages = framed(b"one", b"", b"x" * 300_000, b"y" * 70_000, b"", b"z")
    assert host.rpc(TALK, messages).body == messages
    assert host.rpc(TALK, b"").body == b""


def test_messages_come_back_one_by_one(host):
    with host.connect() as client:
        client.send(f"POST /rpc/{TALK} HTTP/1.1\r\nHost: test\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n".encode() + b"7\r\n" + framed(b"one")
                    + b"\r\n")
        assert client.read_head().status == 200
        chunks = client.read_chunks()
        got = b""
        while len(got) < 7:
            got += next(chunks)
        assert got == framed(b"one")
        client.send(b"0\r\n\r\n")
        assert b"".join(chunks) == b""


@pytest.mark.parametrize("path", ["/echo", "/rpc/" + TALK])
def test_a_client_that_does_not_read_costs_one_message(host, path):
    message = framed(bytes(range(256)) * 256)
    before = resident(host.pid("echo"))
    with host.connect() as client:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {MANY * len(message)}\r\n\r\n"
        sender = threading.Thread(target=client.send, args=[head.encode() + message * MANY])
        sender.start()
        response = client.read_head()
        for _ in range(20):
            assert host.rpc(SAY, b"others").body == b"others"
        assert host.plugin("echo")["calls_running"] == 1
        assert resident(host.pid("echo")) < before + ROOM
        assert client.read_body(response).body == message * MANY
        sender.join()
    assert resident(host.pid("echo")) < before + ROOM


def test_the_tool_calls_it(host):
    assert host.plugctl("call", SAY, "--data", "any bytes").rstrip("\n") == "any bytes"
