"""The plugin's side of the protocol, for plugins that misbehave: they need every frame in their
own hands.

A Channel reads and writes frames and does a decent handshake; nothing here counts windows or
guards stdout. Each plugin beside this file commits the one sin that its name tells. With sins()
it does so only when it is asked to (payload "sin", or an HTTP path that ends with "/sin") and
echoes everything else, so that a test can see it recover.
"""
import os
import struct

import http_pb2
from plugd_pb2 import (BYTES, PROTOBUF, Bye, Credit, Frame, Manifest, Method, Pong, Ready, Response,
                       Service, Welcome)

DO, STREAM, HTTP = 1, 2, 3

CHUNK_BYTES = 64 << 10


def manifest(service="sin.v1.Sin"):
    return Manifest(provides=[
        Service(name=service, version="1.0.0", methods=[
            Method(number=DO, name="Do", codec=BYTES),
            Method(number=STREAM, name="Stream", codec=BYTES, client_streams=True,
                   server_streams=True)]),
        Service(name="plugd.http.v1.Http", version="1.0.0", methods=[
            Method(number=HTTP, name="Handle", codec=PROTOBUF, client_streams=True,
                   server_streams=True, input_type="plugd.http.v1.Request",
                   output_type="plugd.http.v1.Response")])])


def welcome(**changes):
    return Welcome(**{"version": 1, "plugin_name": "sinner", "plugin_version": "1.0.0",
                      "manifest": manifest(), **changes})


def http_head(status=200, headers=(), body=b""):
    """The first message of an HTTP answer."""
    fields = [http_pb2.Header(name=name, value=value.encode()) for name, value in headers]
    return http_pb2.Response(status=status, headers=fields, body=body).SerializeToString()


class Channel:
    """Frames over a pair of descriptors. It borrows them."""

    def __init__(self, in_fd=0, out_fd=1):
        self.in_fd, self.out_fd = in_fd, out_fd
        self.hello = None

    def read_bytes(self, count):
        """Exactly so many bytes; None at the end."""
        data = bytearray()
        while len(data) < count:
            piece = os.read(self.in_fd, count - len(data))
            if not piece:
                return None
            data += piece
        return bytes(data)

    def read(self):
        """The next frame; None at the end."""
        prefix = self.read_bytes(4)
        body = prefix and self.read_bytes(struct.unpack(">I", prefix)[0])
        return body and Frame.FromString(body)

    def send_raw(self, data):
        while data:
            data = data[os.write(self.out_fd, data):]

    def send(self, **kind):
        """send(pong=Pong(…)): one frame."""
        frame = Frame(**kind).SerializeToString()
        self.send_raw(struct.pack(">I", len(frame)) + frame)

    def expect(self, kind):
        """The next frame, which must be of that kind; PINGs are answered, CREDITs skipped."""
        while True:
            frame = self.read()
            assert frame is not None, f"the channel ended before {kind}"
            came = frame.WhichOneof("kind")
            if came == kind:
                return getattr(frame, kind)
            if came == "ping":
                self.send(pong=Pong(seq=frame.ping.seq))
            else:
                assert came == "credit", f"{kind} was expected, not {frame}"

    def greet(self, **changes):
        """HELLO and WELCOME, with changes to the latter."""
        self.hello = self.expect("hello")
        self.send(welcome=welcome(**changes))

    def begin(self, **changes):
        """HELLO to READY."""
        self.greet(**changes)
        self.expect("start")
        self.send(ready=Ready())

    def pong(self):
        """Answers the next PING."""
        frame = self.read()
        assert frame.WhichOneof("kind") == "ping", frame
        self.send(pong=Pong(seq=frame.ping.seq))

    def give_credit(self, frame):
        count = len(frame.payload)
        if count:
            self.send(credit=Credit(id=0, bytes=count))
            if not frame.end:
                self.send(credit=Credit(id=frame.id, bytes=count))

    def frames(self):
        """Frames that are about calls, until DRAIN, which is answered with BYE, or the end."""
        while True:
            frame = self.read()
            kind = frame and frame.WhichOneof("kind")
            if kind is None:
                return
            if kind == "drain":
                self.send(bye=Bye())
                return
            if kind == "ping":
                self.send(pong=Pong(seq=frame.ping.seq))
            else:
                yield kind, getattr(frame, kind)

    def requests(self):
        """REQUESTs, with credit given for all that comes."""
        for kind, frame in self.frames():
            if kind in ("request", "data"):
                self.give_credit(frame)
            if kind == "request":
                yield frame

    def sins(self):
        """The requests that ask for the sin; everything else is answered with what was sent."""
        for request in self.requests():
            if request.payload == b"sin":
                yield request
            elif request.method != HTTP:
                self.reply(request, request.payload)
            elif http_pb2.Request.FromString(request.payload).path.endswith("/sin"):
                yield request
            else:
                self.reply(request, b"no sin")

    def reply(self, request, body=b"", **response):
        """A whole answer: the body for RPC, 200 with the body for HTTP."""
        if request.method == HTTP:
            body = http_head(body=body)
        self.send(response=Response(id=request.id, end=True, payload=body, **response))


def start():
    """For most: a channel that has done its handshake."""
    channel = Channel()
    channel.begin()
    return channel
