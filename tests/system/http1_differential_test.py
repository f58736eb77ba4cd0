"""Ambiguous requests, read by plugd and by h11, another parser of HTTP/1.1: what both accept, both
read alike. Whoever stands in front of plugd or behind it may be of another opinion about where a
request ends; what plugd takes is what they can't be of two minds about.

Each case is a piece of a connection, followed by a request that everybody understands: when a body
swallows it, or a body becomes a request, the two lists of requests differ.
"""
import hashlib
import json
import socket
import urllib.parse

import h11
import pytest

from client import Client
from plugd import plugin, route

PATH = "/x/mirror"
LAST = f"GET {PATH}?last HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode()
TARGET_LIMIT = 1 << 16


def ask(*fields, line=f"POST {PATH} HTTP/1.1", host="Host: test", body=b""):
    """The bytes of a request; of `fields` each is a line without its end."""
    lines = [line, *([host] if host else []), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def sized(*fields, body=b"hello"):
    return ask(*fields, body=body)


def chunked(body, *fields):
    return ask("Transfer-Encoding: chunked", *fields, body=body)


HIDDEN = f"GET {PATH}?hidden HTTP/1.1\r\nHost: test\r\n\r\n".encode()
HELLO = b"5\r\nhello\r\n0\r\n\r\n"

# What other parsers of this world have been of two minds about.
CASES = {
    # which length counts
    "a length": sized("Content-Length: 5"),
    "a length twice": sized("Content-Length: 5", "Content-Length: 5"),
    "two lengths": sized("Content-Length: 5", "Content-Length: 0"),
    "a list of a length": sized("Content-Length: 5, 5"),
    "a list of two lengths": sized("Content-Length: 5, 0"),
    "a length with a plus": sized("Content-Length: +5"),
    "a length with a minus": sized("Content-Length: -5"),
    "a length with zeros": sized("Content-Length: 0005"),
    "a length in hexadecimal": sized("Content-Length: 0x5"),
    "a length with a point": sized("Content-Length: 5.0"),
    "a length with an underscore": sized("Content-Length: 1_0"),
    "a length in other digits": sized("Content-Length: \xb5"),
    "a length with spaces around": sized("Content-Length:   5  "),
    "a length with tabs around": sized("Content-Length:\t5\t"),
    "a length with a space inside": sized("Content-Length: 5 0"),
    "no length in the field": sized("Content-Length: "),
    "a length of 2^64 + 5": sized("Content-Length: 18446744073709551621"),
    "a length of 2^32 + 5": sized("Content-Length: 4294967301"),
    "a length and a space before its colon": sized("Content-Length : 5"),
    "a length with a form feed": sized("Content-Length: \x0c5"),
    "a length after a bare line feed": ask("X: y\nContent-Length: 5", body=b"hello"),
    "a length after a bare carriage return": ask("X: y\rContent-Length: 5", body=b"hello"),
    "a length that is folded": sized("Content-Length:\r\n 5"),
    "a length with another name": sized("Content_Length: 5"),
    "a length of a GET": ask("Content-Length: 5", line=f"GET {PATH} HTTP/1.1", body=b"hello"),
    "no length": ask(),
    "a length that Connection names": sized("Content-Length: 5", "Connection: content-length"),
    # chunks or a length
    "chunks": chunked(HELLO),
    "chunks and a length": chunked(HELLO, "Content-Length: 5"),
    "a length and chunks": ask("Content-Length: 5", "Transfer-Encoding: chunked", body=HELLO),
    "chunks and a length of none": chunked(HELLO, "Content-Length: 0"),
    "chunks in capitals": ask("Transfer-Encoding: CHUNKED", body=HELLO),
    "chunks twice": chunked(HELLO, "Transfer-Encoding: chunked"),
    "chunks in a list of two": ask("Transfer-Encoding: chunked, chunked", body=HELLO),
    "chunks after gzip": ask("Transfer-Encoding: gzip, chunked", body=HELLO),
    "chunks before gzip": ask("Transfer-Encoding: chunked, gzip", body=HELLO),
    "chunks and then identity": ask("Transfer-Encoding: chunked, identity", body=HELLO),
    "identity alone": ask("Transfer-Encoding: identity", body=b""),
    "identity and a length": ask("Transfer-Encoding: identity", "Content-Length: 5", body=b"hello"),
    "nearly chunks": ask("Transfer-Encoding: xchunked", body=HELLO),
    "quoted chunks": ask('Transfer-Encoding: "chunked"', body=HELLO),
    "chunks with a parameter": ask("Transfer-Encoding: chunked;x=y", body=HELLO),
    "chunks with a comma before": ask("Transfer-Encoding: , chunked", body=HELLO),
    "chunks with a comma behind": ask("Transfer-Encoding: chunked,", body=HELLO),
    "chunks and no value": ask("Transfer-Encoding:", body=b""),
    "chunks after a tab": ask("Transfer-Encoding:\tchunked", body=HELLO),
    "chunks after a vertical tab": ask("Transfer-Encoding:\x0bchunked", body=HELLO),
    "chunks and a NUL": ask("Transfer-Encoding: chunked\0", body=HELLO),
    "chunks and a space before the colon": ask("Transfer-Encoding : chunked", body=HELLO),
    "chunks and a space before the name": ask(" Transfer-Encoding: chunked", body=HELLO),
    "chunks that are folded": ask("Transfer-Encoding:\r\n chunked", body=HELLO),
    "chunks in a folded field": ask("X: y\r\n Transfer-Encoding: chunked", body=b""),
    "chunks after a bare line feed": ask("X: y\nTransfer-Encoding: chunked", body=HELLO),
    "chunks of HTTP/1.0": ask("Transfer-Encoding: chunked", line=f"POST {PATH} HTTP/1.0",
                              body=HELLO),
    "chunks that Connection names": chunked(HELLO, "Connection: transfer-encoding"),
    # what a chunk is
    "a chunk with zeros": chunked(b"0005\r\nhello\r\n000\r\n\r\n"),
    "a chunk in capitals": chunked(b"A\r\nhellohello\r\n0\r\n\r\n"),
    "a chunk with an extension": chunked(b"5;x=y\r\nhello\r\n0;z\r\n\r\n"),
    "a chunk with a quoted extension": chunked(b'5;x="a;b"\r\nhello\r\n0\r\n\r\n'),
    "a chunk with a space behind": chunked(b"5 \r\nhello\r\n0\r\n\r\n"),
    "a chunk with a space before": chunked(b" 5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with a plus": chunked(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with a minus": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with 0x": chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with an underscore": chunked(b"0_5\r\nhello\r\n0\r\n\r\n"),
    "a chunk of 2^64 + 5": chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a chunk without a size": chunked(b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk with only an extension": chunked(b";x\r\nhello\r\n0\r\n\r\n"),
    "a chunk with a bare line feed": chunked(b"5\nhello\r\n0\r\n\r\n"),
    "a chunk with a bare line feed in its extension": chunked(b"5;\n\r\nhello\r\n0\r\n\r\n"),
    "a chunk with a bare carriage return": chunked(b"5\rhello\r\n0\r\n\r\n"),
    "a chunk with a NUL": chunked(b"5\0\r\nhello\r\n0\r\n\r\n"),
    "a chunk and a bare line feed": chunked(b"5\r\nhello\n0\r\n\r\n"),
    "a chunk and nothing behind": chunked(b"5\r\nhello0\r\n\r\n"),
    "a chunk that is longer than it says": chunked(b"4\r\nhello\r\n0\r\n\r\n"),
    "a chunk that is shorter than it says": chunked(b"7\r\nhello\r\n0\r\n\r\n"),
    "a last chunk and a bare line feed": chunked(b"5\r\nhello\r\n0\n\r\n"),
    "a last chunk and one line feed": chunked(b"5\r\nhello\r\n0\r\n\n"),
    "a trailer": chunked(b"5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n"),
    "a trailer that is a length": chunked(b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a trailer without a colon": chunked(b"5\r\nhello\r\n0\r\nX-Late\r\n\r\n"),
    # the first line
    "an empty line before": b"\r\n" + ask(),
    "two empty lines before": b"\r\n\r\n" + ask(),
    "a bare line feed before": b"\n" + ask(),
    "a space before": b" " + ask(),
    "two spaces between": ask(line=f"POST  {PATH} HTTP/1.1"),
    "a tab between": ask(line=f"POST\t{PATH} HTTP/1.1"),
    "a space behind": ask(line=f"POST {PATH} HTTP/1.1 "),
    "a bare line feed behind": ask().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n", 1),
    "line feeds only": ask().replace(b"\r\n", b"\n"),
    "no version": ask(line=f"GET {PATH}"),
    "a small version": ask(line=f"POST {PATH} http/1.1"),
    "version 1.10": ask(line=f"POST {PATH} HTTP/1.10"),
    "version 01.1": ask(line=f"POST {PATH} HTTP/01.1"),
    "version 1.2": ask(line=f"POST {PATH} HTTP/1.2"),
    "version 2.0": ask(line=f"POST {PATH} HTTP/2.0"),
    "version 0.9": ask(line=f"GET {PATH} HTTP/0.9"),
    "a method in small letters": ask(line=f"post {PATH} HTTP/1.1"),
    "a method of one's own": ask(line=f"FROB {PATH} HTTP/1.1"),
    "a method with a bracket": ask(line=f"PO(ST {PATH} HTTP/1.1"),
    "no method": ask(line=f" {PATH} HTTP/1.1"),
    "no target": ask(line="POST  HTTP/1.1"),
    "a space in the target": ask(line=f"POST {PATH}?a b HTTP/1.1"),
    "a NUL in the target": ask(line=f"POST {PATH}?a\0b HTTP/1.1"),
    "a tab in the target": ask(line=f"POST {PATH}?a\tb HTTP/1.1"),
    "bytes above 127 in the target": ask(line=f"POST {PATH}?\xe9 HTTP/1.1"),
    "a fragment in the target": ask(line=f"POST {PATH}?a#b HTTP/1.1"),
    "an absolute target": ask(line=f"POST http://test{PATH} HTTP/1.1"),
    "an absolute target of another host": ask(line=f"POST http://other{PATH} HTTP/1.1"),
    "a question mark twice": ask(line=f"POST {PATH}?a?b HTTP/1.1"),
    # fields
    "no host": ask(host=None),
    "two hosts": ask("Host: other"),
    "two equal hosts": ask("Host: test"),
    "an empty host": ask(host="Host:"),
    "a host with a space": ask(host="Host: te st"),
    "a host with a user": ask(host="Host: me@test"),
    "a host with a path": ask(host="Host: test/x"),
    "a field without a colon": ask("X"),
    "a field without a name": ask(": x"),
    "a field with a space in its name": ask("X Y: z"),
    "a field with a bracket in its name": ask("X(Y: z"),
    "a field with bytes above 127 in its name": ask("X\xe9: z"),
    "a field with bytes above 127": ask("X: caf\xe9"),
    "a field with a NUL": ask("X: a\0b"),
    "a field with a bell": ask("X: a\x07b"),
    "a field with a DEL": ask("X: a\x7fb"),
    "a field with a bare carriage return": ask("X: a\rb"),
    "a field that is folded": ask("X: a\r\n b"),
    "a field that is folded with a tab": ask("X: a\r\n\tb"),
    "a first field that is folded": ask(host=" Host: test"),
    "a field twice": ask("X: a", "x: b"),
    "an empty field": ask("X:"),
    "a field of spaces": ask("X:    "),
    "an end with a bare line feed": ask().replace(b"\r\n\r\n", b"\r\n\n"),
    "a request within a body": sized(f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
}


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    return shared_hosts(plugins=[plugin("good")], routes=[route(PATH, "good")]).start()


def read_by_h11(data):
    """The requests that h11 sees, until it refuses one or the connection is over."""
    seen = []
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=TARGET_LIMIT)
    peer.receive_data(data)
    peer.receive_data(b"")
    try:
        while isinstance(request := peer.next_event(), h11.Request):
            body = b""
            while isinstance(event := peer.next_event(), h11.Data):
                body += bytes(event.data)
            assert isinstance(event, h11.EndOfMessage), event
            seen.append(as_read(request, body))
            peer.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            peer.send(h11.EndOfMessage())
            if peer.our_state is not h11.DONE or peer.their_state is not h11.DONE:
                break
            peer.start_next_cycle()
    except h11.RemoteProtocolError:
        pass
    return seen


def as_read(request, body):
    target = request.target.decode("latin-1")
    fields = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    if not target.startswith("/"):  # RFC 9112, 3.2.2: then the field Host doesn't count
        authority, slash, rest = target.split("://", 1)[1].partition("/")
        target = slash + rest
        fields = [field for field in fields if field[0] != "host"] + [("host", authority)]
    path, _, query = target.partition("?")
    return {"method": request.method.decode(), "path": urllib.parse.unquote(path), "query": query,
            "fields": sorted(field for field in fields if field[0] in ("host", "x")),
            "body": hashlib.sha256(body).hexdigest()}


def read_by_plugd(host, data):
    """The requests that its plugin sees, until one is refused or the connection is over."""
    seen = []
    with Client(host.address) as client:
        client.send(data)
        client.sock.shutdown(socket.SHUT_WR)
        while client.buffer or client.fill():
            response = client.read()
            if response.status != 200:
                assert client.is_closed(), "a request was refused and the next one was read"
                break
            seen.append(as_told(json.loads(response.body)))
    return seen


def as_told(told):
    fields = [("host", told["authority"])]
    fields += [(name, value) for name, value in told["headers"] if name == "x"]
    return {"method": told["method"], "path": told["path"], "query": told["query"],
            "fields": sorted(fields), "body": told["body_sha256"]}


@pytest.mark.parametrize("case", CASES)
def test_what_both_accept_both_read_alike(host, case):
    data = CASES[case] + LAST
    ours, theirs = read_by_plugd(host, data), read_by_h11(data)
    both = min(len(ours), len(theirs))
    assert ours[:both] == theirs[:both]
    assert len(ours) <= 2, "one request and the last one: nothing else was asked"


def test_plain_requests_are_accepted_by_both(host):
    for case in ("a length", "chunks", "a chunk with an extension", "a trailer", "no length",
                 "a request within a body", "a field twice"):
        data = CASES[case] + LAST
        assert len(read_by_plugd(host, data)) == len(read_by_h11(data)) == 2, case
