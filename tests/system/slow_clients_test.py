"""Hundreds of clients that take their time, each in its own way: the others are served, and the
host keeps little for those who wait."""
import contextlib
import resource

import pytest

from client import Client
from plugd import PATIENCE_S, plugin, process_field, route

SLOW = 300
BODY_BYTES = 64 << 20
PER_READER_KIB = 1024

HEAD = b"GET /x/mirror HTTP/1.1\r\nHost: test\r\nX-Slow: "
BODY = b"POST /x/mirror HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nhalf"
DOWNLOAD = f"GET /x/download/{BODY_BYTES} HTTP/1.1\r\nHost: test\r\n\r\n".encode()


@pytest.fixture(autouse=True)
def files():
    """Of this process and of its hosts: enough for all these clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * SLOW)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def host(start):
    """Nobody is given up while a test runs: their patience is that of the tests."""
    patience = f"{PATIENCE_S * 10}s"
    return start(
        plugins=[plugin("good", concurrency=4 * SLOW, timeout=patience)],
        routes=[route("/x/mirror", "good"), route("/x/download/:bytes", "good")],
        http={"max_connections_per_address": 4 * SLOW, "rate_limit": {"per_second": 0},
              "read_header_timeout": patience, "read_timeout": patience, "write_timeout": patience})


def crowd(stack, host, said):
    clients = [stack.enter_context(Client(host.address, receive_buffer=4096)) for _ in range(SLOW)]
    for client in clients:
        client.send(said)
    return clients


def assert_others_are_served(host):
    for _ in range(20):
        assert host.http("GET", "/x/mirror").status == 200


def test_slow_heads_leave_others_served(host):
    with contextlib.ExitStack() as stack:
        clients = crowd(stack, host, HEAD)
        assert_others_are_served(host)
        for client in clients:
            client.send(b"1\r\n\r\n")
        assert all(client.read().status == 200 for client in clients)


def test_slow_bodies_leave_others_served(host):
    with contextlib.ExitStack() as stack:
        clients = crowd(stack, host, BODY)
        assert_others_are_served(host)
        for client in clients:
            client.send(b"x" * 996)
        assert all(client.read().json()["body_length"] == 1000 for client in clients)


def test_slow_readers_leave_others_served_and_cost_little_memory(host):
    before_kib = int(process_field(host.process.pid, "VmRSS").split()[0])
    with contextlib.ExitStack() as stack:
        clients = crowd(stack, host, DOWNLOAD)
        for client in clients:
            assert client.read_head().status == 200
        assert_others_are_served(host)
        grown_kib = int(process_field(host.process.pid, "VmRSS").split()[0]) - before_kib
        assert grown_kib < SLOW * PER_READER_KIB
        assert all(len(client.take(64 << 10)) == 64 << 10 for client in clients)
    assert_others_are_served(host)
