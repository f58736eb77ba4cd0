"""The healthy neighbour: serves any number of calls at once, a thread for each, and keeps every
rule.

good.v1.Good/Echo and /EchoStream give back what they get. HTTP, whatever the route is:
  …/mirror        what it saw of the request, as JSON, once the body has ended
  …/status/N      an answer with that status, without a body
  …/download/N    N bytes, as fast as there is credit
  …/noise/N       the same as text that gets about half as large when it is compressed
  …/echo          the request's body, while it comes
"""
import hashlib
import json
import os
import queue
import sys
import threading

import http_pb2
import plug
from plugd_pb2 import BYTES, INFO, Bye, Cancel, Credit, Data, Log, Method, Pong, Response, Service

ECHO, ECHO_STREAM = 1, 2


class Cancelled(Exception):
    pass


class Call:
    def __init__(self, server, request):
        self.server, self.id, self.method = server, request.id, request.method
        self.window = server.call_window
        self.arrived = queue.SimpleQueue()  # payloads with `more` and `end`
        self.began = self.ended = self.caller_ended = self.cancelled = False

    def messages(self):
        """Whole messages of the caller, until its end."""
        message, end = bytearray(), False
        while not end:
            payload, more, end = self.arrived.get()
            if self.cancelled:
                raise Cancelled
            message += payload
            self.server.give_credit(self, len(payload))
            if not more and (message or not end):
                yield bytes(message)
                message.clear()

    def write(self, message=b"", end=False):
        pieces = [message[at:at + plug.CHUNK_BYTES]
                  for at in range(0, len(message), plug.CHUNK_BYTES)] or [b""]
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            self.server.send_part(self, piece, more=not last, end=end and last)


class Server(plug.Channel):
    def __init__(self, name):
        super().__init__()
        self.calls = {}
        self.lock = threading.Condition()
        self.draining = False
        manifest = plug.manifest()
        manifest.provides[0].CopyFrom(Service(name=name, version="1.0.0", methods=[
            Method(number=ECHO, name="Echo", codec=BYTES, idempotent=True),
            Method(number=ECHO_STREAM, name="EchoStream", codec=BYTES, client_streams=True,
                   server_streams=True)]))
        self.begin(manifest=manifest)
        self.call_window = self.hello.limits.call_window_bytes or 256 << 10
        self.window = self.hello.limits.channel_window_bytes or 4 << 20
        self.send(log=Log(level=INFO, message="good and ready"))

    def send_part(self, call, payload, more, end):
        with self.lock:
            size = len(payload)
            self.lock.wait_for(lambda: call.cancelled or size <= min(call.window, self.window))
            if call.cancelled:
                raise Cancelled
            call.window -= size
            self.window -= size
            part = {"id": call.id, "payload": payload, "more": more, "end": end}
            self.send(**({"data": Data(**part)} if call.began else {"response": Response(**part)}))
            call.began, call.ended = True, end

    def give_credit(self, call, count):
        with self.lock:
            if count and not call.caller_ended:
                self.send(credit=Credit(id=call.id, bytes=count))
            if count:
                self.send(credit=Credit(id=0, bytes=count))

    def finish(self, call):
        """Ends our side if the handler has not, and forgets the call."""
        with self.lock:
            if not call.ended and call.began:
                self.send(cancel=Cancel(id=call.id, code=1))
            elif not call.ended:
                self.send(response=Response(id=call.id, code=1, end=True))
            call.ended = True
            self.forget_if_over(call)

    def forget_if_over(self, call):
        if call.ended and call.caller_ended:
            self.calls.pop(call.id, None)
            self.bye_if_drained()

    def bye_if_drained(self):
        if self.draining and not self.calls:
            self.send(bye=Bye())
            os._exit(0)

    def run(self, call):
        try:
            handle(call)
        except Cancelled:
            pass
        self.finish(call)

    def serve(self):
        while frame := self.read():
            kind = frame.WhichOneof("kind")
            with self.lock:
                self.take(kind, getattr(frame, kind))
                self.lock.notify_all()

    def take(self, kind, frame):
        if kind == "request":
            call = self.calls[frame.id] = Call(self, frame)
            threading.Thread(target=self.run, args=(call,), daemon=True).start()
        if kind in ("request", "data") and frame.id in self.calls:
            call = self.calls[frame.id]
            call.caller_ended = frame.end
            if call.ended:  # nobody reads it any more
                self.give_credit(call, len(frame.payload))
                self.forget_if_over(call)
            else:
                # A stream's empty REQUEST carries no message.
                if kind == "data" or frame.payload or frame.end or call.method == ECHO:
                    call.arrived.put((frame.payload, frame.more, frame.end))
        elif kind == "cancel" and frame.id in self.calls:
            call = self.calls[frame.id]
            call.caller_ended = call.cancelled = True
            call.arrived.put((b"", False, True))
            self.forget_if_over(call)
        elif kind == "credit" and frame.id == 0:
            self.window += frame.bytes
        elif kind == "credit" and frame.id in self.calls:
            self.calls[frame.id].window += frame.bytes
        elif kind == "ping":
            self.send(pong=Pong(seq=frame.seq))
        elif kind == "drain":
            self.draining = True
            self.bye_if_drained()


def handle(call):
    if call.method == ECHO:
        call.write(next(call.messages(), b""), end=True)
    elif call.method == ECHO_STREAM:
        for message in call.messages():
            call.write(message)
        call.write(end=True)
    else:
        messages = call.messages()
        head = http_pb2.Request.FromString(next(messages))
        bodies = (http_pb2.Request.FromString(message).body for message in messages)
        handle_http(call, head, bodies)


def handle_http(call, head, bodies):
    *_, verb, argument = ["", ""] + head.path.split("/")
    if verb == "download":
        download(call, int(argument))
    elif verb == "noise":
        noise(call, int(argument))
    elif verb == "status":
        call.write(plug.http_head(status=int(argument)), end=True)
    elif argument == "echo":
        call.write(plug.http_head(body=head.body))
        for body in bodies:
            call.write(http_pb2.Response(body=body).SerializeToString())
        call.write(end=True)
    else:
        mirror(call, head, bodies)


def download(call, count):
    call.write(plug.http_head(headers=[("content-length", str(count))]))
    block = http_pb2.Response(body=b"x" * 32768).SerializeToString()
    for _ in range(count // 32768):
        call.write(block)
    call.write(http_pb2.Response(body=b"x" * (count % 32768)).SerializeToString(), end=True)


def noise(call, count):
    call.write(plug.http_head(headers=[("content-type", "text/plain")]))
    for _ in range(count // 32768):
        call.write(http_pb2.Response(body=os.urandom(16384).hex().encode()).SerializeToString())
    call.write(end=True)


def mirror(call, head, bodies):
    length, digest = len(head.body), hashlib.sha256(head.body)
    for body in bodies:
        length += len(body)
        digest.update(body)
    seen = {
        "method": head.method, "path": head.path, "query": head.query, "route": head.route,
        "params": {param.name: param.value for param in head.params}, "scheme": head.scheme,
        "authority": head.authority, "peer": head.peer, "request_id": head.request_id,
        "headers": [[field.name, field.value.decode("latin-1")] for field in head.headers],
        "content_length": head.content_length if head.has_content_length else None,
        "body_length": length, "body_sha256": digest.hexdigest(), "pid": os.getpid(),
    }
    json_type = [("content-type", "application/json")]
    call.write(plug.http_head(headers=json_type, body=json.dumps(seen).encode()), end=True)


Server(sys.argv[1] if len(sys.argv) > 1 else "good.v1.Good").serve()
