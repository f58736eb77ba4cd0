"""A host for one plugin, for tests: starts an executable and speaks the protocol with it.

It checks the plugin while it talks: frame sizes, windows, chunks, ids, that each call ends exactly
once, and that a state is what its end says. What the plugin does against the protocol raises
Violation with a sentence; its end raises Gone. It always reads, never blocks on a write, and keeps
all that came: logs, pongs, stderr.

    with PluginHost(["./hello-python"]) as plugin:
        plugin.handshake()
        reply = plugin.call("hello.v1.Hello/Greet", payload)
        assert plugin.drain() == 0
"""
import hashlib
import os
import select
import struct
import subprocess
import time

import http_pb2
from plugd_pb2 import (Cancel, Credit, Data, Drain, Export, Frame, Hello, Import, Limits, Manifest,
                       Ping, Request, Start, State, StateEnd)

# A safety net for a test that hangs, not a limit that a healthy run comes near.
PATIENCE_S = 60

MAX_FRAME_BYTES = 1 << 20
CHUNK_BYTES, CALL_WINDOW_BYTES, CHANNEL_WINDOW_BYTES = 64 << 10, 256 << 10, 4 << 20


class Violation(Exception):
    """The plugin did what the protocol forbids."""


class Gone(Exception):
    """The plugin's end of the channel is closed."""


class Refused(Exception):
    """The plugin answered FAILED, or an error in STATE_END or IMPORTED."""


def limits_with_defaults(limits):
    """What the zeros in Limits mean."""
    return Limits(
        max_frame_bytes=limits.max_frame_bytes or MAX_FRAME_BYTES,
        chunk_bytes=limits.chunk_bytes or CHUNK_BYTES,
        call_window_bytes=limits.call_window_bytes or CALL_WINDOW_BYTES,
        channel_window_bytes=limits.channel_window_bytes or CHANNEL_WINDOW_BYTES,
        max_calls=limits.max_calls or 1024,
        max_message_bytes=limits.max_message_bytes or 16 << 20,
        max_state_bytes=limits.max_state_bytes or 64 << 20)


class Call:
    """One call of the host. Owned by its PluginHost; all that came back is in its fields."""

    def __init__(self, host, call_id, method, head, gives_credit):
        self.host = host
        self.id = call_id
        self.method = method
        self.head = head  # the fields of REQUEST, until it is sent
        self.gives_credit = gives_credit
        self.send_window = host.plugin_limits.call_window_bytes
        self.receive_window = host.limits.call_window_bytes
        self.streams = host.streams(method)
        self.outgoing = []  # pieces that wait for credit: (payload, more, end)
        self.caller_ended = False
        self.began = False
        self.ended = False  # the plugin's side
        self.code = None
        self.message = ""
        self.details = b""
        self.metadata = {}
        self.not_processed = False
        self.messages = []
        self.partial = bytearray()
        self.in_message = False  # the last frame had `more`
        self.chunks = []  # sizes of the payloads, as they came

    @property
    def payload(self):
        """The answer of a unary call."""
        assert self.code == 0, (self.code, self.message)
        assert len(self.messages) == 1, f"{len(self.messages)} messages"
        return self.messages[0]

    def send(self, payload=b"", end=False):
        """One message; with `end` the last one."""
        size = self.host.plugin_limits.chunk_bytes
        pieces = [payload[at:at + size] for at in range(0, len(payload), size)] or [b""]
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            self.send_piece(piece, more=not last, end=end and last)
        return self

    def send_piece(self, payload, more=False, end=False):
        """One frame, when there is credit for it."""
        self.outgoing.append((payload, more, end))
        self.host.push(self)
        return self

    def wait(self):
        """Until the plugin's side has ended."""
        self.host.wait(lambda: self.ended, f"the answer of call {self.id}")
        return self

    def wait_message(self, count=1):
        """Until `count` messages have come."""
        self.host.wait(lambda: len(self.messages) >= count or self.ended, f"{count} messages")
        return self

    def cancel(self, code=1, reason=""):
        self.outgoing.clear()
        self.caller_ended = True
        self.host.send(cancel=Cancel(id=self.id, code=code, reason=reason))
        self.host.forget_if_over(self)

    def grant(self, count):
        """Gives credit by hand, for calls that were opened with gives_credit=False."""
        self.receive_window += count
        self.host.send(credit=Credit(id=self.id, bytes=count))

    def take(self, frame, is_response):
        """RESPONSE or DATA."""
        if self.ended:
            raise Violation(f"call {self.id} was answered after its end")
        if is_response == self.began:
            what = "a second RESPONSE" if self.began else "DATA first"
            raise Violation(f"call {self.id}: {what}")
        self.began = True
        if is_response:
            self.code, self.message, self.details = frame.code, frame.message, frame.details
            self.not_processed = frame.not_processed
            self.metadata = {pair.name: pair.value for pair in frame.metadata}
            if frame.code != 0 and not frame.end:
                raise Violation(f"call {self.id}: an error without `end`")
        if frame.more and frame.end:
            raise Violation(f"call {self.id}: `more` and `end` in one frame")
        size = len(frame.payload)
        self.receive_window -= size
        if self.receive_window < 0:
            raise Violation(f"call {self.id} exceeds its window")
        self.chunks.append(size)
        self.partial += frame.payload
        # In a stream an empty RESPONSE, and an empty end, carry no message.
        empty = frame.end or is_response if self.streams else not is_response
        if not frame.more and self.code == 0 and (size or self.in_message or not empty):
            self.messages.append(bytes(self.partial))
            self.partial.clear()
        self.in_message = frame.more
        self.ended = frame.end
        if size and self.gives_credit and not self.ended:
            self.grant(size)


class PluginHost:
    def __init__(self, argv, env=None, limits=None, sealed=False):
        """sealed: run a script as plugd does, from a sealed copy of its bytes."""
        self.limits = limits_with_defaults(limits or Limits())
        self.plugin_limits = None
        self.manifest = Manifest()
        self.welcome = None
        self.calls = {}
        self.next_id = 1
        self.send_window = self.receive_window = 0
        self.owed = 0
        self.ready = self.bye = False
        self.exports = 0  # EXPORTs whose STATE_END has not come
        self.state, self.state_end = bytearray(), None
        self.imported = None
        self.state_pieces = []  # of an import, that wait for credit
        self.logs, self.pongs, self.requests = [], [], []
        self.stderr = bytearray()
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.hungup = False
        argv, kept = sealed_argv(argv) if sealed else (argv, ())
        self.process = subprocess.Popen(argv, env=env or {}, cwd="/", pass_fds=kept, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        for fd in kept:
            os.close(fd)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    # ---- bytes

    def send_raw(self, data):
        self.outgoing += data

    def send(self, **kind):
        frame = Frame(**kind).SerializeToString()
        self.send_raw(struct.pack(">I", len(frame)) + frame)

    def wait(self, condition, what):
        """Turns the loop until the condition holds."""
        give_up = time.monotonic() + PATIENCE_S
        while not condition():
            if self.hungup:
                raise Gone(f"the plugin has gone while we waited for {what}; "
                           f"status {self.process.wait(PATIENCE_S)}, stderr {bytes(self.stderr)!r}")
            if time.monotonic() > give_up:
                raise TimeoutError(f"no {what} in {PATIENCE_S} s; stderr {bytes(self.stderr)!r}")
            self.turn()

    def turn(self):
        """One turn: writes and reads what is possible, and takes the frames that are complete."""
        stdin, stdout, stderr = self.process.stdin, self.process.stdout, self.process.stderr
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        if stderr:
            poll.register(stderr, select.POLLIN)
        if self.outgoing:
            poll.register(stdin, select.POLLOUT)
        ready = {fd for fd, _events in poll.poll(1000)}
        if stdin.fileno() in ready:
            try:
                del self.outgoing[:os.write(stdin.fileno(), self.outgoing)]
            except BrokenPipeError:
                self.outgoing.clear()
        if stderr.fileno() in ready:
            self.stderr += os.read(stderr.fileno(), 1 << 16)
        if stdout.fileno() in ready:
            data = os.read(stdout.fileno(), 1 << 16)
            self.hungup = not data
            self.incoming += data
            self.take_frames()

    def take_frames(self):
        while len(self.incoming) >= 4:
            length, = struct.unpack(">I", self.incoming[:4])
            if not 1 <= length <= self.limits.max_frame_bytes:
                raise Violation(f"a frame of {length} bytes: {bytes(self.incoming[:64])!r}")
            if len(self.incoming) < 4 + length:
                return
            frame = Frame.FromString(bytes(self.incoming[4:4 + length]))
            del self.incoming[:4 + length]
            kind = frame.WhichOneof("kind")
            handle = getattr(self, f"on_{kind}", None)
            if self.bye or handle is None:
                raise Violation(f"the plugin sent {kind} {'after BYE' if self.bye else ''}")
            handle(getattr(frame, kind))

    # ---- life

    def hello(self, versions=(1,), config=b"", features=("unknown-frames",)):
        self.send(hello=Hello(versions=versions, host_version="0.0.0", plugin_name="tested",
                              instance_id="tested/1/1", generation=1, limits=self.limits,
                              features=features, config=config))
        self.wait(lambda: self.welcome, "WELCOME")
        return self.welcome

    def handshake(self, **hello):
        """HELLO to READY; returns the WELCOME."""
        self.hello(**hello)
        self.start()
        return self.welcome

    def start(self):
        """START and READY."""
        self.send(start=Start())
        self.wait(lambda: self.ready, "READY")

    def drain(self, grace_ms=30000):
        """DRAIN, BYE, and the end; returns the exit status."""
        self.send(drain=Drain(grace_ms=grace_ms))
        self.wait(lambda: self.bye, "BYE")
        return self.wait_end()

    def wait_hangup(self):
        """Until the plugin has closed its stdout."""
        while not self.hungup:
            self.turn()

    def wait_end(self):
        """Until the plugin has closed its stdout and has ended; returns the exit status."""
        self.wait_hangup()
        self.stderr += self.process.stderr.read() or b""
        return self.process.wait(PATIENCE_S)

    def ping(self, seq):
        self.send(ping=Ping(seq=seq))
        self.wait(lambda: any(pong.seq == seq for pong in self.pongs), "PONG")
        return next(pong for pong in self.pongs if pong.seq == seq)

    # ---- state

    def send_export(self, version):
        self.exports += 1
        self.state, self.state_end = bytearray(), None
        self.send(export=Export(format=version))

    def wait_state(self):
        """The whole state; Refused when there is none."""
        self.wait(lambda: self.state_end, "STATE_END")
        if self.state_end.error:
            raise Refused(self.state_end.error)
        return bytes(self.state)

    def export_state(self, version):
        self.send_export(version)
        return self.wait_state()

    def send_import(self, version, state, **end):
        """IMPORT to STATE_END, which `end` changes."""
        self.imported = None
        self.send(**{"import": Import(format=version)})
        size = self.plugin_limits.chunk_bytes
        self.state_pieces = [state[at:at + size] for at in range(0, len(state), size)]
        self.push_state()
        self.wait(lambda: not self.state_pieces, "credit for the state")
        self.send(state_end=StateEnd(**{"sha256": hashlib.sha256(state).digest(),
                                        "total_bytes": len(state), **end}))

    def import_state(self, version, state, **end):
        """Refused when the plugin does not take it; start() follows."""
        self.send_import(version, state, **end)
        self.wait(lambda: self.imported, "IMPORTED")
        if self.imported.error:
            raise Refused(self.imported.error)

    def push_state(self):
        while self.state_pieces and len(self.state_pieces[0]) <= self.send_window:
            piece = self.state_pieces.pop(0)
            self.send_window -= len(piece)
            self.send(state=State(payload=piece))

    # ---- calls

    def number(self, name):
        service_name, method_name = name.split("/")
        for service in self.manifest.provides:
            for method in service.methods:
                if (service.name, method.name) == (service_name, method_name):
                    return method.number
        raise KeyError(name)

    def streams(self, number):
        """Whether the answers of that method are streams."""
        return any(method.server_streams for service in self.manifest.provides
                   for method in service.methods if method.number == number)

    def open(self, method, gives_credit=True, **head):
        """A call without a message yet. `method` is "service/Method", or a number."""
        number = method if isinstance(method, int) else self.number(method)
        call = Call(self, self.next_id, number, head, gives_credit)
        self.next_id += 2
        self.calls[call.id] = call
        return call

    def call(self, method, payload=b"", **head):
        """A whole unary call."""
        return self.open(method, **head).send(payload, end=True).wait()

    def http(self, method, path, route="/", params=(), body=b"", headers=()):
        """A whole HTTP request; returns (status, headers, body)."""
        head = http_pb2.Request(
            method=method, path=path, route=route, scheme="http", authority="test", peer="unix",
            request_id="r1", body=body,
            params=[http_pb2.Param(name=name, value=value) for name, value in params],
            headers=[http_pb2.Header(name=name, value=value.encode()) for name, value in headers])
        call = self.call("plugd.http.v1.Http/Handle", head.SerializeToString())
        assert call.code == 0, (call.code, call.message)
        replies = [http_pb2.Response.FromString(message) for message in call.messages]
        assert replies and all(reply.status == 0 for reply in replies[1:])
        fields = {field.name: field.value.decode() for field in replies[0].headers}
        return replies[0].status, fields, b"".join(reply.body for reply in replies)

    def push(self, call):
        """Sends the pieces of a call for which there is credit."""
        while call.outgoing:
            payload, more, end = call.outgoing[0]
            if len(payload) > min(call.send_window, self.send_window):
                return
            call.outgoing.pop(0)
            call.send_window -= len(payload)
            self.send_window -= len(payload)
            call.caller_ended = end
            if call.head is not None:
                self.send(request=Request(id=call.id, method=call.method, more=more, end=end,
                                          payload=payload, **call.head))
                call.head = None
            else:
                self.send(data=Data(id=call.id, more=more, end=end, payload=payload))

    def forget_if_over(self, call):
        """An id is live until both sides have ended; what comes for it later is a violation."""
        if call.caller_ended and call.ended:
            del self.calls[call.id]

    def live_call(self, call_id):
        if call_id not in self.calls:
            raise Violation(f"there is no call {call_id}")
        return self.calls[call_id]

    # ---- frames of the plugin

    def on_welcome(self, welcome):
        if self.welcome:
            raise Violation("a second WELCOME")
        self.welcome, self.manifest = welcome, welcome.manifest
        self.plugin_limits = limits_with_defaults(welcome.limits)
        self.send_window = self.plugin_limits.channel_window_bytes
        self.receive_window = self.limits.channel_window_bytes

    def on_ready(self, _ready):
        self.ready = True

    def on_failed(self, failed):
        raise Refused(failed.reason)

    def on_bye(self, _bye):
        self.bye = True

    def on_response(self, response):
        self.take(response, True)

    def on_data(self, data):
        self.take(data, False)

    def take(self, frame, is_response):
        call = self.live_call(frame.id)
        size = len(frame.payload)
        if size > self.limits.chunk_bytes:
            raise Violation(f"call {frame.id}: a payload of {size} bytes is larger than a chunk")
        self.receive_window -= size
        if self.receive_window < 0:
            raise Violation("the channel's window is exceeded")
        call.take(frame, is_response)
        if call.gives_credit:
            self.grant_channel(size)
        self.forget_if_over(call)

    def grant_channel(self, count):
        self.owed += count
        if self.owed >= CHUNK_BYTES:
            self.receive_window += self.owed
            self.send(credit=Credit(id=0, bytes=self.owed))
            self.owed = 0

    def on_cancel(self, cancel):
        call = self.live_call(cancel.id)
        if not call.began or call.ended:
            when = "after its end" if call.ended else "before RESPONSE"
            raise Violation(f"call {cancel.id}: CANCEL {when}")
        call.ended, call.code, call.message = True, cancel.code, cancel.reason
        self.forget_if_over(call)

    def on_credit(self, credit):
        if credit.bytes == 0:
            raise Violation("CREDIT of 0 bytes")
        if credit.id == 0:
            self.send_window += credit.bytes
            waiting = list(self.calls.values())
        else:
            waiting = [self.calls[credit.id]] if credit.id in self.calls else []
            for call in waiting:
                call.send_window += credit.bytes
        if self.send_window > self.plugin_limits.channel_window_bytes or any(
                call.send_window > self.plugin_limits.call_window_bytes for call in waiting):
            raise Violation("more CREDIT than was used")
        for call in waiting:
            self.push(call)
        self.push_state()

    def on_state(self, state):
        size = len(state.payload)
        if not self.exports:
            raise Violation("STATE without EXPORT")
        if not 1 <= size <= self.limits.chunk_bytes:
            raise Violation(f"a piece of a state has {size} bytes")
        self.receive_window -= size
        if self.receive_window < 0:
            raise Violation("the channel's window is exceeded")
        self.state += state.payload
        if len(self.state) > self.limits.max_state_bytes:
            raise Violation("the state is too large")
        self.grant_channel(size)

    def on_state_end(self, end):
        if not self.exports:
            raise Violation("STATE_END without EXPORT")
        self.exports -= 1
        self.state_end = end
        if not end.error and (end.total_bytes != len(self.state)
                              or end.sha256 != hashlib.sha256(self.state).digest()):
            raise Violation("the state is not what its STATE_END says")

    def on_imported(self, imported):
        if self.imported or self.ready or self.state_pieces:
            raise Violation("IMPORTED out of turn")
        self.imported = imported

    def on_pong(self, pong):
        self.pongs.append(pong)

    def on_log(self, log):
        self.logs.append(log)

    def on_request(self, request):
        """The plugin calls the host: kept for the test, which may answer with send()."""
        if request.id % 2:
            raise Violation(f"the plugin's ids are even, not {request.id}")
        self.requests.append(request)


def sealed_argv(argv):
    """argv for running a script from a copy of its bytes that has no name, and the descriptor."""
    with open(argv[0], "rb") as file:
        script = file.read()
    line = script.split(b"\n", 1)[0]
    assert line.startswith(b"#!"), "only scripts"
    fd = os.memfd_create("script")
    os.write(fd, script)
    return line[2:].decode().split(None, 1) + [f"/proc/self/fd/{fd}"] + argv[1:], (fd,)
