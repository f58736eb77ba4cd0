"""An HTTP/2 client that sends exactly the frames it is told to. HPACK comes from a library;
everything else a test may get wrong on purpose.
"""
import socket
import struct

import hpack

from client import PATIENCE_S, Response

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, \
    CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4

INITIAL_WINDOW_SIZE = 4

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = range(4)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 7, 8, 9
ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Stream:
    """What came on one stream."""

    def __init__(self):
        self.headers = []
        self.interim = []  # statuses before the answer
        self.body = bytearray()
        self.is_ended = False
        self.reset = None  # the error

    def response(self):
        headers = [(name, value) for name, value in self.headers if name != ":status"]
        return Response(int(dict(self.headers)[":status"]), headers, bytes(self.body))


class H2:
    """A connection. Answers SETTINGS and PING; gives windows only as it is told to."""

    def __init__(self, address=None, sock=None, settings=(), is_greedy=True):
        if not sock:
            host, port = address.rsplit(":", 1)
            sock = socket.create_connection((host, int(port)))
        sock.settimeout(PATIENCE_S)
        self.sock = sock
        self.is_greedy = is_greedy  # windows are opened by what came
        self.answers_pings = True
        self.buffer = bytearray()
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.streams = {}
        self.settings = {}
        self.goaways = []  # (last stream, error)
        self.pongs = []
        self.next_id = 1
        self.block = None  # (stream, flags, bytes) of fields that go on
        self.send(PREFACE + frame(SETTINGS, payload=b"".join(
            struct.pack(">HI", *pair) for pair in settings)))

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def send_frame(self, kind, flags=0, stream=0, payload=b""):
        return self.send(frame(kind, flags, stream, payload))

    # ---- requests

    def fields(self, method, path, headers=(), authority="test"):
        return [(":method", method), (":scheme", "http"), (":authority", authority),
                (":path", path), *headers]

    def begin(self, fields, end=True, flags=END_HEADERS):
        """HEADERS with these fields; the number of the new stream."""
        stream = self.next_id
        self.next_id += 2
        self.streams[stream] = Stream()
        self.send_frame(HEADERS, flags | (END_STREAM if end else 0), stream,
                        self.encoder.encode(fields))
        return stream

    def ask(self, method, path, body=None, headers=()):
        stream = self.begin(self.fields(method, path, headers), end=body is None)
        if body is not None:
            self.data(stream, body)
        return stream

    def data(self, stream, body, end=True):
        """Small enough for the windows that every connection begins with."""
        self.send_frame(DATA, END_STREAM if end else 0, stream, body)

    def window(self, stream, count):
        self.send_frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count))

    def reset(self, stream, error=CANCEL):
        self.send_frame(RST_STREAM, 0, stream, struct.pack(">I", error))

    # ---- answers

    def fill(self):
        """False: the server has closed."""
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.buffer += data
        return bool(data)

    def read_frame(self):
        """The next frame: (kind, flags, stream, payload); None at the end."""
        while True:
            if len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    break
            if not self.fill():
                return None
        kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload = bytes(self.buffer[9:9 + length])
        del self.buffer[:9 + length]
        return kind, flags, stream, payload

    def take_frame(self):
        """Reads one and notes what it says. False at the end."""
        got = self.read_frame()
        if not got:
            return False
        self.take(*got)
        return True

    def take(self, kind, flags, stream, payload):
        takers = {DATA: self.take_data, HEADERS: self.take_headers,
                  CONTINUATION: self.take_headers, RST_STREAM: self.take_reset,
                  SETTINGS: self.take_settings, PING: self.take_ping, GOAWAY: self.take_goaway}
        if kind in takers:
            takers[kind](flags, stream, payload)

    def take_data(self, flags, stream, payload):
        self.streams[stream].body += payload
        self.streams[stream].is_ended |= bool(flags & END_STREAM)
        if self.is_greedy and payload:
            self.window(0, len(payload))
            if not flags & END_STREAM:
                self.window(stream, len(payload))

    def take_headers(self, flags, stream, payload):
        if self.block:
            assert self.block[0] == stream
            flags, payload = flags | self.block[1], self.block[2] + payload
        self.block = None if flags & END_HEADERS else (stream, flags, payload)
        if self.block:
            return
        headers = [(str(name), str(value)) for name, value in self.decoder.decode(payload)]
        known = self.streams[stream]
        if headers[0][1].startswith("1"):
            known.interim.append(headers[0][1])
            return
        known.headers = headers
        known.is_ended |= bool(flags & END_STREAM)

    def take_reset(self, _flags, stream, payload):
        self.streams[stream].reset = int.from_bytes(payload, "big")

    def take_settings(self, flags, _stream, payload):
        if not flags & ACK:
            self.settings.update(struct.iter_unpack(">HI", payload))
            self.send_frame(SETTINGS, ACK)

    def take_ping(self, flags, _stream, payload):
        if flags & ACK:
            self.pongs.append(payload)
        elif self.answers_pings:
            self.send_frame(PING, ACK, 0, payload)

    def take_goaway(self, _flags, _stream, payload):
        self.goaways.append(struct.unpack(">II", payload[:8]))

    def read_until(self, condition, what):
        while not condition():
            assert self.take_frame(), f"the server closed before {what}"

    def answer(self, stream):
        """The whole answer."""
        known = self.streams[stream]
        self.read_until(lambda: known.is_ended or known.reset is not None, "its answer")
        assert known.is_ended, known.reset
        return known.response()

    def wait_reset(self, stream):
        known = self.streams[stream]
        self.read_until(lambda: known.reset is not None, "the reset")
        return known.reset

    def sync(self):
        """All that was sent before has been dealt with."""
        count = len(self.pongs) + 1
        self.send_frame(PING, 0, 0, b"12345678")
        self.read_until(lambda: len(self.pongs) >= count, "the answer to a ping")

    def read_to_end(self):
        """All that is left; the error of the last GOAWAY, or None."""
        while self.take_frame():
            pass
        return self.goaways[-1][1] if self.goaways else None
