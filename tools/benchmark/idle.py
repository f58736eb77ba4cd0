"""What the host keeps for a client that keeps its connection and asks nothing."""

import contextlib
import resource
import socket

from benchmark import processes, servers

CONNECTIONS = 10_000
SPARE_FILES = 200
REQUEST = b"GET /echo HTTP/1.1\r\nHost: bench\r\n\r\n"


def raise_file_limit():
    """Of this process; plugd raises its own, up to the hard limit, which it gets from here."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + SPARE_FILES:
        raise RuntimeError(f"{CONNECTIONS} connections need more open files than {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + SPARE_FILES, hard))


def connect(host):
    """A connection on which one request has been answered."""
    client = socket.create_connection(("127.0.0.1", host.port))
    if host.scheme == "https":
        client = servers.ANYBODY.wrap_socket(client)
    client.sendall(REQUEST)
    got = b""
    while not got.endswith(b"hello world\n"):
        piece = client.recv(4096)
        if not piece:
            raise RuntimeError(f"the host closed a connection; it had said {got!r}")
        got += piece
    return client


def measure(build, directory, scheme):
    """Bytes of each connection."""
    raise_file_limit()
    http = {"max_connections": CONNECTIONS + SPARE_FILES, "idle_timeout": "1h"}
    name = f"idle-{scheme}"
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(servers.plugd(build, directory, name, scheme, http=http))
        pid = host.process.pid
        stack.enter_context(connect(host))
        before_kib = processes.rss_kib(pid)
        for _ in range(CONNECTIONS):
            stack.enter_context(connect(host))
        grown_kib = processes.rss_kib(pid) - before_kib
    return {"connection_bytes": grown_kib * 1024 / CONNECTIONS}
