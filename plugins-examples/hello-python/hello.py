"""hello-python: a plugin without any library of plugd, written from proto/README.md alone.

It serves one typed RPC method, hello.v1.Hello/Greet, and raw HTTP, `GET /hello/:name`. It owns
descriptors 0 and 1 and the calls that are open. One thread reads a frame, does what the frame asks,
and reads the next: blocking reads and writes are safe because the host always reads. An answer that
is larger than the windows waits for CREDIT in its Call.

Whatever the host sends against the protocol ends this process with a sentence on stderr.
"""
import os
import struct
import sys
import traceback

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

import hello_pb2
import http_pb2
from plugd_pb2 import (DEBUG, HEALTHY, INFO, PROTOBUF, Bye, Cancel, Credit, Failed, Frame, Limits,
                       Log, Manifest, Metadata, Method, Pong, Ready, Response, Service, Welcome)

VERSION = "1.0.0"

# Canonical codes, as in gRPC.
CANCELLED, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 1, 3, 8, 12, 13

# What plugd.proto says that 0 in Limits means.
MAX_FRAME_BYTES = 1 << 20
CHUNK_BYTES, CALL_WINDOW_BYTES, CHANNEL_WINDOW_BYTES = 64 << 10, 256 << 10, 4 << 20

# The largest request message that we collect; WELCOME tells it to the host.
MAX_MESSAGE_BYTES = 1 << 20


class Refused(Exception):
    """A handler's refusal: a canonical code and a sentence for the caller."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


# ------------------------------------------------------- handlers: one message in, one message out


def greeting(name):
    return f"Hello, {name or 'world'}!"


def greet(payload):
    request = hello_pb2.GreetRequest.FromString(payload)
    if len(request.name) > 100:
        raise Refused(INVALID_ARGUMENT, "nobody has a name of over 100 characters")
    return hello_pb2.GreetResponse(text=greeting(request.name)).SerializeToString()


def http_answer(status, text):
    headers = [http_pb2.Header(name="content-type", value=b"text/plain; charset=utf-8")]
    response = http_pb2.Response(status=status, headers=headers, body=text.encode())
    return response.SerializeToString()


def http(payload):
    """The first message is the head. We need no body: Channel.on_data drops what follows."""
    request = http_pb2.Request.FromString(payload)
    if request.method not in ("GET", "HEAD"):
        return http_answer(405, "greetings can only be got\n")
    name = next((param.value for param in request.params if param.name == "name"), "")
    return http_answer(200, greeting(name) + "\n")


# By the method's number, and whether its requests are streams.
HANDLERS = {1: (greet, False), 2: (http, True)}


def manifest():
    descriptors = FileDescriptorSet()
    hello_pb2.DESCRIPTOR.CopyToProto(descriptors.file.add())
    return Manifest(
        descriptor_set=descriptors.SerializeToString(),
        provides=[
            Service(name="hello.v1.Hello", version=VERSION, methods=[
                Method(number=1, name="Greet", idempotent=True, codec=PROTOBUF,
                       input_type="hello.v1.GreetRequest", output_type="hello.v1.GreetResponse")]),
            Service(name="plugd.http.v1.Http", version="1.0.0", methods=[
                Method(number=2, name="Handle", client_streams=True, server_streams=True,
                       codec=PROTOBUF, input_type="plugd.http.v1.Request",
                       output_type="plugd.http.v1.Response")]),
        ])


# ----------------------------------------------------------------------------------- the protocol


class Call:
    """A call of the host, live until both sides have ended."""

    def __init__(self, request, window):
        self.id = request.id
        self.handler, self.streams = HANDLERS.get(request.method, (None, False))
        self.message = bytearray()  # the request message, while it is collected
        self.caller_ended = False
        self.answer = None  # bytes of the answer that are still to be sent; None: not answered yet
        self.began = False  # RESPONSE has been sent
        self.ended = False  # our side has ended
        self.window = window  # payload bytes that this call may still send


class Channel:
    """Descriptors 0 and 1, and the calls that are open on them."""

    def __init__(self, in_fd, out_fd):
        self.reader = os.fdopen(in_fd, "rb", buffering=CHUNK_BYTES)
        self.writer = os.fdopen(out_fd, "wb", buffering=CHUNK_BYTES)
        self.calls = {}
        self.draining = False
        self.owed = 0  # channel credit that we have not given back yet

    def read(self):
        """The next frame; None when the host has gone."""
        prefix = self.reader.read(4)
        if len(prefix) < 4:
            return None
        length, = struct.unpack(">I", prefix)
        if not 1 <= length <= MAX_FRAME_BYTES:
            sys.exit(f"the host sent a frame of {length} bytes")
        body = self.reader.read(length)
        return Frame.FromString(body) if len(body) == length else None

    def send(self, **kind):
        """send(pong=Pong(…)): one frame."""
        frame = Frame(**kind).SerializeToString()
        self.writer.write(struct.pack(">I", len(frame)) + frame)
        self.writer.flush()

    def log(self, level, message, call_id=0, **fields):
        pairs = [Metadata(name=name, value=str(value)) for name, value in fields.items()]
        self.send(log=Log(level=level, message=message, fields=pairs, call_id=call_id))

    def handshake(self):
        """HELLO, WELCOME, START, READY. False: told the host why not."""
        frame = self.read()
        if frame is None or frame.WhichOneof("kind") != "hello":
            sys.exit("there was no HELLO: this is a plugin, to be run by plugd or plugctl check")
        hello = frame.hello
        if 1 not in hello.versions:
            return self.fail(f"speaks version 1 of the protocol, not {list(hello.versions)}")
        if hello.config not in (b"", b"\x80"):  # 0x80 is MessagePack's empty map
            return self.fail("has no settings, but its `config` section is not empty")
        self.chunk_bytes = hello.limits.chunk_bytes or CHUNK_BYTES
        self.call_window = hello.limits.call_window_bytes or CALL_WINDOW_BYTES
        self.window = hello.limits.channel_window_bytes or CHANNEL_WINDOW_BYTES
        self.send(welcome=Welcome(
            version=1, plugin_name="hello-python", plugin_version=VERSION, manifest=manifest(),
            limits=Limits(max_message_bytes=MAX_MESSAGE_BYTES),
            features=[name for name in hello.features if name == "unknown-frames"]))
        frame = self.read()
        if frame is None or frame.WhichOneof("kind") != "start":
            return False  # not accepted; the host's log says why
        self.send(ready=Ready())
        self.log(INFO, "ready to greet", instance=hello.instance_id)
        return True

    def fail(self, reason):
        self.send(failed=Failed(reason=reason))
        return False

    def serve(self):
        """Until DRAIN is answered, or the host has gone."""
        while not (self.draining and not self.calls):
            frame = self.read()
            if frame is None:
                return
            kind = frame.WhichOneof("kind")  # None: from a newer host, and we took "unknown-frames"
            handle = getattr(self, f"on_{kind}", None)
            if handle:
                handle(getattr(frame, kind))
            elif kind:
                sys.exit(f"the host sent {kind.upper()}, which it may not send now")
        self.send(bye=Bye())

    def on_ping(self, ping):
        self.send(pong=Pong(seq=ping.seq, health=HEALTHY))

    def on_drain(self, _drain):
        self.draining = True

    def on_request(self, request):
        self.calls[request.id] = Call(request, self.call_window)
        self.on_data(request)

    def on_data(self, frame):
        """A piece of a request: collect it, give its credit back, answer the complete message."""
        call = self.calls.get(frame.id)
        if call is None:
            return  # it crossed our CANCEL
        call.caller_ended = frame.end
        self.give_credit(call, len(frame.payload))
        if call.answer is None and not call.ended:
            call.message += frame.payload
            if len(call.message) > MAX_MESSAGE_BYTES:
                self.refuse(call, RESOURCE_EXHAUSTED, "the message is too large")
            elif frame.end or not (frame.more or call.streams and not call.message):
                self.answer(call)  # a stream's empty REQUEST carries no message yet
        self.forget_if_over(call)

    def on_cancel(self, cancel):
        """Nobody waits any more; our side must be ended all the same."""
        call = self.calls.get(cancel.id)
        if call is None:
            return  # it crossed our last frame
        call.caller_ended = True
        if not call.ended and call.began:
            call.ended = True
            self.send(cancel=Cancel(id=call.id, code=cancel.code or CANCELLED))
        elif not call.ended:
            self.refuse(call, cancel.code or CANCELLED, "cancelled")
        self.forget_if_over(call)

    def on_credit(self, credit):
        if credit.id == 0:
            self.window += credit.bytes
            waiting = list(self.calls.values())
        else:
            waiting = [self.calls[credit.id]] if credit.id in self.calls else []
            for call in waiting:
                call.window += credit.bytes
        for call in waiting:
            self.send_answer(call)
            self.forget_if_over(call)

    def give_credit(self, call, count):
        """Each byte is given back as soon as it is read: MAX_MESSAGE_BYTES bounds what we keep."""
        if count and not call.caller_ended:
            self.send(credit=Credit(id=call.id, bytes=count))
        self.owed += count
        if self.owed >= CHUNK_BYTES:  # the channel's is given back in larger pieces
            self.send(credit=Credit(id=0, bytes=self.owed))
            self.owed = 0

    def answer(self, call):
        if call.handler is None:
            return self.refuse(call, UNIMPLEMENTED, "no such method", not_processed=True)
        try:
            call.answer = memoryview(call.handler(bytes(call.message)))
        except Refused as refused:
            return self.refuse(call, refused.code, str(refused))
        except DecodeError:
            return self.refuse(call, INVALID_ARGUMENT, "not the message that this method takes")
        except Exception:  # a handler's bug costs one call; its traceback goes to the host's log
            traceback.print_exc()
            return self.refuse(call, INTERNAL, "the handler failed")
        self.log(DEBUG, "greeted", call_id=call.id)
        self.send_answer(call)

    def send_answer(self, call):
        """As much of the answer as both windows allow; CREDIT brings us back for the rest."""
        while call.answer is not None and not call.ended:
            room = min(self.chunk_bytes, call.window, self.window)
            if len(call.answer) > 0 and room == 0:
                return
            piece, call.answer = call.answer[:room], call.answer[room:]
            call.window -= len(piece)
            self.window -= len(piece)
            call.ended = len(call.answer) == 0
            self.send(**{"data" if call.began else "response": {
                "id": call.id, "payload": bytes(piece), "more": not call.ended, "end": call.ended}})
            call.began = True

    def refuse(self, call, code, message, not_processed=False):
        call.ended = True
        call.message.clear()
        self.send(response=Response(id=call.id, code=code, message=message,
                                    not_processed=not_processed, end=True))

    def forget_if_over(self, call):
        if call.caller_ended and call.ended:
            self.calls.pop(call.id, None)


def main():
    # The protocol moves to descriptors of its own before anything else runs: what is printed by
    # accident then becomes a log line, and what reads standard input finds its end.
    channel = Channel(os.dup(0), os.dup(1))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    if not channel.handshake():
        return 1
    channel.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
