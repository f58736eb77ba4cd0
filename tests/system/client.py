"""An HTTP/1.1 client that sends exactly the bytes it is told to, and believes nothing it reads:
framing, status line and fields of each response are checked.
"""
import json
import re
import socket
import struct

PATIENCE_S = 60

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class Response:
    def __init__(self, status, headers, body=b"", chunked=False):
        self.status = status
        self.headers = headers  # (name in lower case, value) pairs
        self.body = body
        self.chunked = chunked

    def header(self, name):
        """The only value of that field, or None."""
        values = [value for field, value in self.headers if field == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def error(self):
        """(status, code) of an error of plugd's own, after its form was checked."""
        told = self.json()
        assert self.header("content-type") == "application/json"
        assert set(told) == {"code", "message", "request_id"}, told
        assert told["message"] and told["request_id"] == self.header("x-request-id")
        if self.status in (429, 503):
            assert int(self.header("retry-after")) >= 1
        return self.status, told["code"]

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def connect(address, receive_buffer=None):
    """A socket that is connected to host:port, [IPv6]:port or unix:/path."""
    kind, _, where = address.partition(":")
    if kind == "unix":
        sock = socket.socket(socket.AF_UNIX)
    else:
        host, port = address.rsplit(":", 1)
        where = (host.strip("[]"), int(port))
        sock = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE_S)
    sock.connect(where)
    return sock


def framed(*messages):
    """Each with its length before it, as a stream of messages has them."""
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


class Client:
    """A connection, and what is sent on it before all else. Reading waits for what is expected;
    fails when the server closes instead."""

    def __init__(self, address, receive_buffer=None, first=b""):
        self.sock = connect(address, receive_buffer)
        if first:  # or a server that has closed meanwhile would be told of
            self.sock.sendall(first)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def ask(self, method, path, body=None, headers=()):
        """A request, well formed: with a Content-Length when there is a body."""
        lines = [f"{method} {path} HTTP/1.1", "Host: test"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join(lines + ["", ""]).encode() + (body or b""))

    # ---- reading

    def fill(self):
        """More bytes; False at the end."""
        data = self.sock.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            assert self.fill(), f"the connection ended in the middle: {bytes(self.buffer)!r}"
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def take_line(self):
        while b"\r\n" not in self.buffer:
            assert self.fill(), f"the connection ended in the middle: {bytes(self.buffer)!r}"
        line, _, rest = bytes(self.buffer).partition(b"\r\n")
        self.buffer[:] = rest
        assert b"\n" not in line and b"\r" not in line, line
        return line

    def read_head(self):
        """The status line and the fields of the next response."""
        version, status, _reason = self.take_line().split(b" ", 2)
        assert version == b"HTTP/1.1" and len(status) == 3, (version, status)
        headers = []
        while line := self.take_line():
            name, colon, value = line.partition(b":")
            assert colon and TOKEN.match(name), line
            assert all(byte >= 0x20 or byte == 9 for byte in value), line
            headers.append((name.decode().lower(), value.strip().decode("latin-1")))
        return Response(int(status), headers)

    def read_body(self, response, method="GET"):
        """The rest of a response whose head was read."""
        length = response.header("content-length")
        coding = response.header("transfer-encoding")
        assert not (length and coding), response
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        if coding:
            assert coding == "chunked"
            response.chunked = True
            response.body = b"".join(self.read_chunks())
        elif length is not None:
            assert length.isdigit()
            response.body = self.take(int(length))
        else:
            assert response.header("connection") == "close"
            response.body = self.read_rest()
        return response

    def read_chunks(self):
        while size := int(self.take_line(), 16):
            yield self.take(size)
            assert self.take(2) == b"\r\n"
        assert self.take_line() == b""

    def read(self, method="GET"):
        """The next response, whole."""
        return self.read_body(self.read_head(), method)

    def read_rest(self):
        """Everything until the server closes."""
        while self.fill():
            pass
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def is_closed(self):
        """Whether the server closes and says nothing more; waits for one or the other."""
        try:
            return not self.buffer and not self.fill()
        except ConnectionResetError:
            return True


def request(address, method, path, body=b"", headers=()):
    with Client(address) as client:
        has_body = body or method in ("POST", "PUT", "PATCH")
        client.ask(method, path, body if has_body else None, headers)
        return client.read(method)
