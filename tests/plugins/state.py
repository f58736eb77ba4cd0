"""Counts in memory, and hands its count over. Without an argument it keeps every rule.

sin.v1.Sin/Do "add" and POST add one, any other request only reads; the answer is the count, in
decimal, and behind it the name of the instance. A state is the count and as much padding as it
takes. Arguments, in any number:
  exports=1,2  imports=1,2   the formats that it writes and reads [1]
  size=BYTES                 of its state, whatever the host takes
  slow=MS                    so long before each piece of an export
  fails                      STATE_END with an error, and no state before it
  breaks_off                 half of the state, and then STATE_END with an error
  dies_exporting             half of the state, and then the end of the process
  damages                    STATE_END with the checksum of other bytes
  miscounts                  STATE_END with another total_bytes
  greedy                     an export without waiting for credit
  hangs_exporting            never ends an export; serves all the same
  refuses                    IMPORTED with an error
  hangs_importing            no IMPORTED
  hasty                      IMPORTED when IMPORT has come
  dies_importing             the end of the process when the state has come
and a request "sin" is answered with a STATE_END that nobody asked for.
"""
import hashlib
import os
import sys
import time

import http_pb2
import plug
from plugd_pb2 import Bye, Credit, Imported, Pong, Ready, State, StateEnd

FEATURES = ("unknown-frames", "state")
CHANNEL_WINDOW_BYTES = 4 << 20


def numbers(text):
    return [int(number) for number in text.split(",") if number]


class Counter(plug.Channel):
    def __init__(self, arguments):
        super().__init__()
        self.sins = {name for name in arguments if "=" not in name}
        options = dict(argument.split("=") for argument in arguments if "=" in argument)
        self.exports = numbers(options.get("exports", "1"))
        self.imports = numbers(options.get("imports", "1"))
        self.size = int(options.get("size", 0))
        self.pause_s = int(options.get("slow", 0)) / 1000
        self.count = 0
        self.window = CHANNEL_WINDOW_BYTES
        self.pieces = None  # of an export that runs: what is still to be sent
        self.end = None  # and its STATE_END
        self.incoming = b""

    def run(self):
        """Until the end of the channel, or BYE."""
        while frame := self.read():
            kind = frame.WhichOneof("kind")
            handle = getattr(self, f"on_{kind}", None)
            if handle:
                handle(getattr(frame, kind))
            if kind == "drain":
                return

    def on_hello(self, hello):
        self.hello = hello
        self.window = hello.limits.channel_window_bytes or CHANNEL_WINDOW_BYTES
        manifest = plug.manifest()
        manifest.state_exports.extend(self.exports)
        manifest.state_imports.extend(self.imports)
        self.send(welcome=plug.welcome(
            manifest=manifest, features=[name for name in hello.features if name in FEATURES]))

    def on_start(self, _start):
        self.send(ready=Ready())

    def on_ping(self, ping):
        self.send(pong=Pong(seq=ping.seq))

    def on_drain(self, _drain):
        self.give_up()
        self.send(bye=Bye())

    # ---- calls

    def on_request(self, request):
        self.give_up()
        self.give_credit(request)
        if request.payload == b"sin":
            self.send(state_end=StateEnd(error="nobody asked"))
        elif request.method == plug.HTTP:
            self.count += http_pb2.Request.FromString(request.payload).method == "POST"
        else:
            self.count += request.payload == b"add"
        answer = f"{self.count} {self.hello.instance_id}".encode()
        self.window -= len(plug.http_head(body=answer) if request.method == plug.HTTP else answer)
        self.reply(request, answer)

    def on_data(self, data):
        self.give_credit(data)

    def on_credit(self, credit):
        if credit.id == 0:
            self.window += credit.bytes
            self.push()

    # ---- export

    def on_export(self, _export):
        state = str(self.count).encode().ljust(self.size)
        self.end = StateEnd(sha256=hashlib.sha256(state).digest(), total_bytes=len(state))
        if "damages" in self.sins:
            self.end.sha256 = hashlib.sha256(b"other" + state).digest()
        if "miscounts" in self.sins:
            self.end.total_bytes += 1
        if "fails" in self.sins:
            state, self.end = b"", StateEnd(error="the table is locked")
        if "breaks_off" in self.sins or "dies_exporting" in self.sins:
            state, self.end = state[:(len(state) + 1) // 2], StateEnd(error="the disk is full")
        size = self.hello.limits.chunk_bytes or plug.CHUNK_BYTES
        self.pieces = [state[at:at + size] for at in range(0, len(state), size)]
        self.push()

    def push(self):
        """Sends what there is credit for, and the end behind the last piece."""
        while self.pieces and (len(self.pieces[0]) <= self.window or "greedy" in self.sins):
            time.sleep(self.pause_s)
            piece = self.pieces.pop(0)
            self.window -= len(piece)
            self.send(state=State(payload=piece))
        if self.pieces == [] and "dies_exporting" in self.sins:
            os._exit(1)
        if self.pieces == [] and "hangs_exporting" not in self.sins:
            self.pieces = None
            self.send(state_end=self.end)

    def give_up(self):
        """The host wants something else than the rest of the state."""
        if self.pieces is not None and "hangs_exporting" not in self.sins:
            self.pieces, self.end = [], StateEnd(error="the host has given up")
            self.push()

    # ---- import

    def on_import(self, _import):
        self.incoming = b""
        if "hasty" in self.sins:
            self.send(imported=Imported())

    def on_state(self, state):
        self.incoming += state.payload
        self.send(credit=Credit(id=0, bytes=len(state.payload)))

    def on_state_end(self, end):
        if "dies_importing" in self.sins:
            os._exit(1)
        error = end.error
        if not error and end.total_bytes != len(self.incoming):
            error = "the state has another length"
        if not error and end.sha256 != hashlib.sha256(self.incoming).digest():
            error = "the state is damaged"
        if not error and "refuses" in self.sins:
            error = "this state is from yesterday"
        if not error:
            self.count = int(self.incoming)
        if not {"hasty", "hangs_importing"} & self.sins:
            self.send(imported=Imported(error=error))


Counter(sys.argv[1:]).run()
