#!/usr/bin/python3
"""Writes the golden vectors: bytes on which every implementation of the protocol must agree.

    make.py PB2_DIR           write tests/golden/*.txt anew, and seeds for tests/fuzz/{wire,plugin}
    make.py PB2_DIR --check   fail when one of these files is missing or stale, or when an example
                              of proto/README.md has other bytes than its text says

PB2_DIR holds plugd_pb2.py and http_pb2.py, which the build generates. Python's protobuf is the
independent implementation here: it shares no code with protobuf-c, with nanopb or with
proto/wire.c, which the tests in this folder hold against the same files.

A vector is a name, a sentence, and a message in protobuf's text format. Those of frames begin with
the length prefix; those of the HTTP messages do not, since they travel as payloads.
"""
import os
import re
import struct
import sys

sys.path.insert(0, sys.argv[1])

from google.protobuf import text_format  # noqa: E402

import http_pb2  # noqa: E402
import plugd_pb2  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "../../proto/README.md")
SEEDS = os.path.join(os.path.dirname(HERE), "fuzz/seeds")
LONG = "a text that is long enough to need two bytes for its length; " * 3

# kind → [(name, what it shows, the fields of that kind)]
FRAMES = {
    "hello": [
        ("minimal", "the least that a host may send", "versions: 1"),
        ("full", "every field",
         'versions: [2, 1, 300] host_version: "0.1.0" plugin_name: "kv" instance_id: "kv/1/3"'
         ' generation: 1 limits { max_frame_bytes: 1048576 chunk_bytes: 65536'
         ' call_window_bytes: 262144 channel_window_bytes: 4194304 max_calls: 1024'
         ' max_message_bytes: 16777216 max_state_bytes: 67108864 }'
         ' features: ["unknown-frames", "state"]'
         r' config: "\201\244path\252/var/lib/kv"'
         r' secrets { name: "db" value: "hunter2\n" }'
         r' secrets { name: "key" value: "\000\377\n\200" }'),
        ("empty_secret", "a secret of no bytes is still a secret",
         'versions: 1 secrets { name: "none" }'),
    ],
    "welcome": [
        ("minimal", "a plugin that offers nothing", 'version: 1 plugin_name: "idle"'),
        ("echo", "one service with one method",
         'version: 1 plugin_name: "echo" plugin_version: "1.4.0" sdk: "libplug/0.1.0" manifest {'
         ' provides { name: "echo.v1.Echo" version: "1.0.0" methods { number: 1 name: "Say"'
         ' idempotent: true codec: BYTES } } }'),
        ("full", "every field",
         'version: 1 plugin_name: "kv" plugin_version: "1.4.0" sdk: "libplug/0.1.0"'
         ' limits { max_frame_bytes: 131072 chunk_bytes: 4096 call_window_bytes: 8192'
         ' channel_window_bytes: 65536 max_calls: 7 max_message_bytes: 100000'
         ' max_state_bytes: 1000000 }'
         ' features: "unknown-frames" manifest {'
         ' provides { name: "kv.v1.Kv" version: "2.1.0"'
         ' methods { number: 1 name: "Get" idempotent: true input_type: "kv.v1.GetRequest"'
         ' output_type: "kv.v1.GetResponse" }'
         ' methods { number: 300 name: "List" client_streams: true server_streams: true'
         ' codec: MSGPACK } }'
         ' provides { name: "plugd.http.v1.Http" version: "1.0.0" }'
         ' requires { number: 1 service: "plugd.host.v1.Host" method: "Info" optional: true }'
         ' publishes: "kv.changed" publishes: "kv.expired" subscribes: "clock.minute"'
         r' descriptor_set: "\n\001x" state_exports: [2, 1] state_imports: [1, 2, 300] }'),
    ],
    "start": [("only", "it has no fields", "")],
    "ready": [("only", "it has no fields", "")],
    "failed": [("reason", "why it can't work", 'reason: "no database at /var/lib/kv"')],
    "drain": [
        ("patient", "thirty seconds", "grace_ms: 30000"),
        ("at_once", "no time at all", ""),
    ],
    "bye": [("only", "it has no fields", "")],
    "request": [
        ("smallest", "a call without message or deadline", "id: 1 method: 1 end: true"),
        ("typical", "a call as most are: a deadline, a request id, 64 bytes",
         'id: 262145 method: 1 timeout_ms: 29998 metadata { name: "x-request-id"'
         ' value: "01j9zq3v8e5f2m" } end: true'
         ' payload: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"'),
        ("full", "every field, several pairs, lengths of two bytes",
         'id: 4294967295 method: 300 timeout_ms: 4294967295 attempt: 2 idempotency_key: "k-81"'
         ' trace_parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"'
         ' trace_state: "congo=t61rcWkgMzE" tenant: "acme" principal: "user:ada"'
         ' metadata { name: "accept-language" value: "de" } metadata { name: "empty" }'
         f' metadata {{ name: "note" value: "{LONG}" }} more: true payload: "{LONG}"'),
        ("who_asks", "all that is known about who asks",
         'id: 7 method: 1 tenant: "acme" principal: "ann" end: true caller { method: "jwt"'
         r' roles: "admin" roles: "" roles: "Prüfer" scopes: "read" scopes: "write"'
         r' claims: "{\"dept\":\"sales\"}" } payload: "x"'),
        ("from_plugin", "a plugin calls the host: its ids are even",
         "id: 2 method: 1 timeout_ms: 1000 end: true"),
        ("opens_stream", "a stream begins, its first message comes later", "id: 3 method: 2"),
        ("empty_pair", "a pair without name and value is still a pair",
         "id: 3 method: 2 metadata { } end: true"),
        ("utf8", "strings are UTF-8, payloads are bytes",
         r'id: 5 method: 1 principal: "Grüße, 世界" end: true payload: "\000\377\200"'),
    ],
    "response": [
        ("ok", "an answer without message", "id: 1 end: true"),
        ("typical", "an answer of 64 bytes",
         "id: 262145 end: true"
         ' payload: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"'),
        ("failed", "a canonical code with a text for a human",
         'id: 7 code: 5 message: "no such key" end: true'),
        ("full", "every field",
         r'id: 4294967295 code: 14 message: "busy" details: "\201\241n\001"'
         ' metadata { name: "x-cache" value: "miss" } metadata { name: "x-shard" value: "3" }'
         ' retry_after_ms: 1500 not_processed: true more: true end: true payload: "rest"'),
        ("begins", "the first piece of a long message",
         f'id: 9 more: true payload: "{LONG}"'),
    ],
    "data": [
        ("piece", "goes on", f'id: 9 more: true payload: "{LONG}"'),
        ("last", "the last piece, and the end", 'id: 9 end: true payload: "tail"'),
        ("message", "one whole message of a stream", r'id: 11 payload: "\000\001\002"'),
        ("end", "only the end", "id: 11 end: true"),
        ("empty_message", "a message of no bytes in a stream", "id: 11"),
    ],
    "cancel": [
        ("deadline", "the deadline has passed", 'id: 9 code: 4 reason: "deadline exceeded"'),
        ("bare", "without a word", "id: 9 code: 1"),
    ],
    "credit": [
        ("channel", "for the channel", "bytes: 2097152"),
        ("call", "for one call", "id: 9 bytes: 131072"),
        ("largest", "all bits", "id: 4294967295 bytes: 4294967295"),
    ],
    "ping": [("first", "the first of an instance", "seq: 1")],
    "pong": [
        ("healthy", "the answer to the first PING", "seq: 1"),
        ("full", "every field",
         r'seq: 300 health: DEGRADED message: "the replica lags" details: "\201\243lag\012"'
         ' unavailable: "replica" unavailable: "cache"'),
        ("unasked", "health has changed by itself", 'health: UNHEALTHY message: "disk full"'),
    ],
    "log": [
        ("debug", "the lowest level is 0", 'message: "tick"'),
        ("full", "every field",
         'level: WARN message: "slow query" fields { name: "ms" value: "812" }'
         ' fields { name: "table" value: "kv" } call_id: 9'),
    ],
    "publish": [("full", "every field", r'topic: "kv.changed" key: "ada" payload: "\001"')],
    "deliver": [
        ("full", "every field, with a sequence above 32 bits",
         'sequence: 18446744073709551615 subscription: "s1" topic: "kv.changed" key: "ada"'
         r' attempt: 1 payload: "\001"'),
    ],
    "ack": [
        ("done", "the event is done with", 'sequence: 1 subscription: "s1"'),
        ("full", "every field",
         'sequence: 300 subscription: "s1" code: 14 message: "try again"'),
    ],
    "export": [
        ("second_format", "in format 2", "format: 2"),
        ("largest", "all bits", "format: 4294967295"),
    ],
    "state": [
        ("piece", "some of it", r'payload: "\202\241a\001\241b\002"'),
        ("long", "a length of two bytes", f'payload: "{LONG}"'),
        ("empty", "nobody sends it, everybody reads it", ""),
    ],
    "state_end": [
        ("whole", "the checksum of all pieces",
         r'sha256: "0123456789abcdef0123456789abcde\377" total_bytes: 4294967296'),
        ("empty", "a state of no bytes has the checksum of nothing",
         r'sha256: "\343\260\304B\230\374\034\024\232\373\364\310\231o\271$\047\256A\344d\233\223L'
         r'\244\225\231\033xR\270U"'),
        ("failed", "the export broke off", 'error: "the table is locked"'),
    ],
    "import": [("second_format", "in format 2", "format: 2")],
    "imported": [
        ("taken", "an empty error means yes", ""),
        ("refused", "and a sentence means no", 'error: "format 2 is unknown"'),
    ],
    "config": [("full", "the whole new section", r'seq: 2 config: "\201\244path\241/"')],
    "config_result": [
        ("in_force", "an empty error means yes", "seq: 2"),
        ("refused", "and a sentence means no", 'seq: 2 error: "path: is no directory"'),
    ],
}

# Messages of plugd.http.v1: they travel as payloads.
HTTP = {
    "http_request": (http_pb2.Request, [
        ("get", "as a browser's simplest",
         'method: "GET" path: "/hello/ada" route: "/hello/:name"'
         ' params { name: "name" value: "ada" } scheme: "http" authority: "localhost:8080"'
         ' peer: "127.0.0.1:52311" request_id: "01j9zq3v8e5f2m"'
         ' headers { name: "user-agent" value: "curl/7.88.1" }'
         ' headers { name: "accept" value: "*/*" }'),
        ("full", "every field, and a header that is not UTF-8",
         'method: "PUT" path: "/files/a b/ü" query: "x=1&y=%20" route: "/files/*rest"'
         ' params { name: "rest" value: "a b/ü" } scheme: "https" authority: "example.org"'
         ' peer: "192.0.2.7:52311" request_id: "01j9zq3v8e5f2m"'
         r' headers { name: "x-latin1" value: "caf\351" } headers { name: "x-empty" }'
         ' content_length: 18446744073709551615 has_content_length: true body: "begin"'),
        ("no_length_is_not_zero", "a length of 0 is told apart from none",
         'method: "POST" path: "/" has_content_length: true'),
        ("body", "every later message", 'body: "more of it"'),
    ]),
    "http_response": (http_pb2.Response, [
        ("ok", "status, one header, a body",
         'status: 200 headers { name: "content-type" value: "text/plain; charset=utf-8" }'
         r' body: "hello world\n"'),
        ("empty", "a status is all that is needed", "status: 204"),
        ("latin1", "a header that is not UTF-8",
         r'status: 200 headers { name: "x-latin1" value: "caf\351" }'
         ' headers { name: "x-second" value: "2" }'),
        ("body", "every later message", f'body: "{LONG}"'),
    ]),
}

# What a plugin says, for tests/fuzz/plugin_fuzz.c: the first byte is the state (0 greeting … 3
# draining) plus 4 times what cuts the bytes into reads. The host's calls there are 131073, 131075,
# 131077 and 131079.
TALKS = {
    "welcome": (0x80, [("log", 'message: "hi"'), ("welcome", FRAMES["welcome"][2][2])]),
    "fails": (0x80, [("failed", 'reason: "no disk"')]),
    "prepares": (0x81, [("request", "id: 2 method: 1 end: true"), ("ready", "")]),
    "answers": (0x82, [
        ("response", 'id: 131073 end: true payload: "ten bytes."'),
        ("response", "id: 131075"), ("data", 'id: 131075 more: true payload: "a"'),
        ("data", 'id: 131075 end: true payload: "b"'), ("credit", "id: 131077 bytes: 1000"),
        ("credit", "bytes: 1000"), ("response", "id: 131077 code: 13 end: true"),
        ("response", "id: 131079 code: 1 end: true"),
    ]),
    "breaks_off": (0x02, [
        ("response", "id: 131075"), ("cancel", "id: 131075 code: 10"), ("pong", "seq: 1"),
    ]),
    "calls": (0x82, [
        ("request", 'id: 2 method: 1 payload: "x"'), ("data", "id: 2 end: true"),
        ("request", "id: 4 method: 1 end: true"), ("cancel", "id: 4 code: 1"),
    ]),
    "drained": (0x83, [("response", "id: 131073 end: true"), ("bye", "")]),
}


def frame_bytes(kind, fields):
    frame = plugd_pb2.Frame()
    getattr(frame, kind).SetInParent()
    text_format.Parse(fields, getattr(frame, kind))
    body = frame.SerializeToString(deterministic=True)
    assert plugd_pb2.Frame.FromString(body) == frame
    return struct.pack(">I", len(body)) + body


def message_bytes(message_type, fields):
    message = text_format.Parse(fields, message_type())
    body = message.SerializeToString(deterministic=True)
    assert message_type.FromString(body) == message
    return body


def all_vectors():
    """(kind, [(name, what, fields, bytes)])"""
    for kind, rows in FRAMES.items():
        yield kind, [(*row, frame_bytes(kind, row[2])) for row in rows]
    for kind, (message_type, rows) in HTTP.items():
        yield kind, [(*row, message_bytes(message_type, row[2])) for row in rows]


def file_text(kind, rows):
    lines = [f"# {kind}: written by make.py, where it is defined. Each vector is a name, what it",
             "# shows, its fields in protobuf's text format, and its bytes.", ""]
    for name, what, fields, data in rows:
        lines += [f"== {name}", f"# {what}", f"# {fields}".rstrip()]
        lines += [f"> {data[i:i + 32].hex(' ')}" for i in range(0, len(data), 32)]
        lines.append("")
    return "\n".join(lines)


def all_files():
    """(path, content) of everything that is made here."""
    for kind, rows in all_vectors():
        yield os.path.join(HERE, kind + ".txt"), file_text(kind, rows).encode()
        prefix = 4 if kind in FRAMES else 0
        for name, _what, _fields, data in rows:
            yield os.path.join(SEEDS, "wire", f"{kind}.{name}"), data[prefix:]
    for name, (start, frames) in TALKS.items():
        content = bytes([start]) + b"".join(frame_bytes(*frame) for frame in frames)
        yield os.path.join(SEEDS, "plugin", name), content


def problem_of(path, content):
    """None, or what is wrong."""
    if not os.path.exists(path):
        return f"{path} is missing: run make.py"
    with open(path, "rb") as file:
        return None if file.read() == content else f"{path} is stale: run make.py"


def wrong_examples():
    """An example is who speaks, a frame in text format, and its bytes in the lines below."""
    with open(README, encoding="utf-8") as file:
        text = file.read()
    pattern = r"^(?:host|plugin) +(\w+) (\{.*\})\n((?: +(?:[0-9a-f]{2} ?)+\n)+)"
    examples = re.findall(pattern, text, re.MULTILINE)
    if not examples:
        yield f"{README} has no examples"
    for kind, fields, data in examples:
        if frame_bytes(kind, fields[1:-1]) != bytes.fromhex(data):
            yield f"{README}: the bytes of {kind} {fields} are wrong"


def main():
    missing = {field.name for field in plugd_pb2.Frame.DESCRIPTOR.fields} - set(FRAMES)
    if missing:
        sys.exit(f"there are no vectors for {sorted(missing)}")
    if sys.argv[2:] == ["--check"]:
        problems = [problem_of(path, content) for path, content in all_files()]
        problems += wrong_examples()
        sys.exit("\n".join(filter(None, problems)) or 0)
    for path, content in all_files():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main()
