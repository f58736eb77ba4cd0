"""HTTP/2 as clients and attackers speak it, frame by frame."""
import socket
import struct

import pytest

import h2_client as h2
from h2_client import H2
from plugd import plugin, route
from tls_client import TlsClient, address_of, client_context

ROUTES = [route("/x/*rest", "good"), route("/small/echo", "good", body_limit="10")]


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    return shared_hosts(plugins=[plugin("good")], routes=ROUTES,
                        http={"header_limit": "8KiB", "header_count": 50,
                              "uri_limit": "1KiB"}).start()


@pytest.fixture
def client(host):
    with H2(host.address) as client:
        yield client


@pytest.fixture(name="begin")
def begin_fixture(start):
    """begin(idle_timeout=…): a host with these settings of http."""
    def make(**http):
        return start(plugins=[plugin("good")], routes=ROUTES, http=http)
    return make


# ---- requests as they should be


def test_tells_the_plugin_what_was_asked(host, client):
    stream = client.ask("PUT", "/x/a%20b/mirror?x=1&y=%20", b"body", [
        ("x-twice", "1"), ("x-twice", "2"), ("te", "trailers"), ("x-request-id", "mine-1"),
        ("cookie", "a=1"), ("x-between", ""), ("cookie", "b=2"), ("cookie", "c=3")])
    response = client.answer(stream)
    seen = response.json()
    assert (seen["method"], seen["path"], seen["query"]) == ("PUT", "/x/a b/mirror", "x=1&y=%20")
    assert (seen["scheme"], seen["authority"]) == ("http", "test")
    assert seen["peer"].startswith("127.0.0.1:")
    assert seen["request_id"] == "mine-1" == response.header("x-request-id")
    assert (seen["content_length"], seen["body_length"]) == (None, 4)
    fields = dict(seen["headers"])
    assert fields["host"] == "test" and "te" not in fields and ":path" not in fields
    assert [value for name, value in seen["headers"] if name == "x-twice"] == ["1", "2"]
    assert [value for name, value in seen["headers"] if name == "cookie"] == ["a=1; b=2; c=3"]
    assert host.wait_log("http.request", id="mine-1")["status"] == 200


@pytest.mark.parametrize("method, path, status, length", [
    ("GET", "/x/download/10", 200, 10),
    ("HEAD", "/x/download/10", 200, 0),
    ("GET", "/x/status/204", 204, 0),
    ("GET", "/x/status/304", 304, 0),
    ("GET", "/nowhere", 404, None),
])
def test_answers_are_as_long_as_they_say(client, method, path, status, length):
    response = client.answer(client.ask(method, path))
    assert response.status == status
    if length is not None:
        assert len(response.body) == length
    assert response.header("content-length") == {204: None, 304: None}.get(
        status, "10" if length is not None else str(len(response.body)))
    assert response.header("date") and not response.header("connection")


def test_many_streams_are_served_at_once(client):
    held = client.begin(client.fields("POST", "/x/echo"), end=False)
    others = [client.ask("POST", "/x/echo", b"%d" % number) for number in range(40)]
    for number, stream in enumerate(others):
        assert client.answer(stream).body == b"%d" % number
    client.data(held, b"at last")
    assert client.answer(held).body == b"at last"


def test_a_large_body_goes_both_ways(client):
    body = bytes(range(256)) * 64
    stream = client.begin(client.fields("POST", "/x/echo"), end=False)
    for number in range(64):
        wait_for_window(client, stream, 16384 * (number + 1))
        client.data(stream, body, end=number == 63)
    assert client.answer(stream).body == body * 64


def wait_for_window(client, stream, total):
    """Reads until the host has given room for so many bytes on this stream and on all."""
    given = client.given = getattr(client, "given", {})
    while min(given.get(stream, 65535), given.get(0, 65535)) < total:
        kind, flags, where, payload = client.read_frame()
        if kind == h2.WINDOW_UPDATE:
            given[where] = given.get(where, 65535) + int.from_bytes(payload, "big")
        client.take(kind, flags, where, payload)


def test_what_is_asked_with_an_expectation_is_told_to_go_on(client):
    stream = client.begin(client.fields("POST", "/x/echo", [("expect", "100-continue")]),
                          end=False)
    client.read_until(lambda: client.streams[stream].interim, "100")
    client.data(stream, b"x")
    assert client.answer(stream).body == b"x"
    assert client.streams[stream].interim == ["100"]


def test_trailers_end_a_body_and_are_dropped(client):
    stream = client.begin(client.fields("POST", "/x/mirror"), end=False)
    client.data(stream, b"body", end=False)
    client.send_frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream,
                      client.encoder.encode([("x-trailer", "1")]))
    seen = client.answer(stream).json()
    assert seen["body_length"] == 4 and "x-trailer" not in dict(seen["headers"])


# ---- windows


def test_who_reads_slowly_holds_back_no_other_stream(host):
    with H2(host.address, settings=[(h2.INITIAL_WINDOW_SIZE, 1000)]) as client:
        client.is_greedy = False
        client.window(0, 1 << 20)
        slow = client.ask("GET", "/x/download/100000000")
        client.read_until(lambda: len(client.streams[slow].body) == 1000, "the first window")
        quick = client.ask("POST", "/x/echo", b"quick")
        assert client.answer(quick).body == b"quick"
        assert len(client.streams[slow].body) == 1000
        client.reset(slow)
        client.sync()


def test_a_body_that_is_not_taken_is_not_read(host):
    """The client takes nothing of the answer, so the plugin stops reading, and so does the host."""
    with H2(host.address, settings=[(h2.INITIAL_WINDOW_SIZE, 0)]) as client:
        stream = client.begin(client.fields("POST", "/x/echo"), end=False)
        given, sent, quiet = 65535, 0, 0
        while quiet < 3:
            while given > sent:
                size = min(16384, given - sent)
                client.data(stream, b"x" * size, end=False)
                sent += size
            more = given_meanwhile(client, stream)
            quiet = 0 if more else quiet + 1
            given += more
        assert sent < 16 << 20


def given_meanwhile(client, stream):
    """What was given of the stream's window while the plugin, which does one thing after the other,
    answered another request."""
    given = 0
    other = client.ask("HEAD", "/x/mirror")
    while not client.streams[other].is_ended:
        kind, flags, where, payload = client.read_frame()
        if kind == h2.WINDOW_UPDATE and where == stream:
            given += int.from_bytes(payload, "big")
        client.take(kind, flags, where, payload)
    return given


def test_only_fields_that_come_again_are_kept_in_the_table(client):
    """An id that no other answer has would push them out, and be searched for each time."""
    for _ in range(2):
        assert client.answer(client.ask("GET", "/x/mirror")).header("x-request-id")
    kept = {bytes(name) for name, _ in client.decoder.header_table.dynamic_entries}
    assert b"content-type" in kept and b"x-request-id" not in kept


# ---- requests that are refused


BASE = [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "/x/mirror")]


def without(name):
    return [pair for pair in BASE if pair[0] != name]


@pytest.mark.parametrize("fields, verdict", [
    (without(":path"), h2.PROTOCOL_ERROR),
    (without(":method"), h2.PROTOCOL_ERROR),
    (without(":scheme"), h2.PROTOCOL_ERROR),
    (without(":authority"), h2.PROTOCOL_ERROR),
    ([*BASE, (":path", "/other")], h2.PROTOCOL_ERROR),
    ([*BASE, (":unknown", "x")], h2.PROTOCOL_ERROR),
    ([*BASE, ("x", "y"), (":method", "GET")], h2.PROTOCOL_ERROR),
    ([*BASE, ("Upper", "x")], h2.PROTOCOL_ERROR),
    ([*BASE, ("bad name", "x")], h2.PROTOCOL_ERROR),
    ([*BASE, ("connection", "close")], h2.PROTOCOL_ERROR),
    ([*BASE, ("transfer-encoding", "chunked")], h2.PROTOCOL_ERROR),
    ([*BASE, ("te", "gzip")], h2.PROTOCOL_ERROR),
    ([*BASE, ("content-length", "5")], h2.PROTOCOL_ERROR),
    ([*BASE, ("content-length", "x")], h2.PROTOCOL_ERROR),
    ([*without(":path"), (":path", "")], h2.PROTOCOL_ERROR),
    ([*without(":path"), (":path", "http://test/x/mirror")], h2.PROTOCOL_ERROR),
    ([*BASE, ("host", "other")], 400),
    ([*BASE, ("host", "test"), ("host", "test")], h2.PROTOCOL_ERROR),
    ([*without(":authority"), (":authority", "user@test")], 400),
    ([*without(":path"), (":path", "/../x")], 400),
    ([*without(":path"), (":path", "/x/%zz")], 400),
    ([*without(":path"), (":path", "/x/%00")], 400),
    ([(":method", "CONNECT"), (":authority", "test:80")], 501),
    ([*BASE, ("expect", "miracles")], 417),
    ([*BASE, ("x-long", "y" * 9000)], 431),
    ([*without(":path"), (":path", "/x/" + "y" * 2000)], 414),
    ([*BASE, *[(f"x-{number}", "") for number in range(51)]], 431),
])
def test_refuses(host, client, fields, verdict):
    stream = client.begin(fields)
    if verdict < 100:
        assert client.wait_reset(stream) == verdict
    else:
        assert client.answer(stream).status == verdict
    assert client.answer(client.ask("HEAD", "/x/mirror")).status == 200


def test_a_host_stands_for_an_authority(client):
    stream = client.begin([*without(":authority"), ("host", "named")])
    assert client.answer(stream).json()["authority"] == "named"


def test_a_body_beyond_the_limit_of_its_route(begin):
    with H2(begin(write_timeout="10m").address) as client:  # time is not what ends it
        stream = client.begin(client.fields("POST", "/small/echo"), end=False)
        client.data(stream, b"x" * 11, end=False)
        assert client.answer(stream).error()[0] == 413
        for _ in range(4):
            client.data(stream, bytes(16000), end=False)
        client.data(stream, bytes((1 << 16) - 1 - 64011), end=False)  # the window is used up
        assert client.wait_reset(stream) == h2.NO_ERROR
        assert client.answer(client.ask("POST", "/small/echo", b"x" * 10)).status == 200


def test_a_body_that_nobody_wanted_may_come_to_its_end(host, client):
    stream = client.begin(client.fields("POST", "/small/echo", [("x-request-id", "too-much")]),
                          end=False)
    client.data(stream, b"x" * 11, end=False)
    assert client.answer(stream).error()[0] == 413
    host.wait_log("http.request", id="too-much", status=413)  # nobody waits for the rest
    client.data(stream, b"x" * 1000)
    client.sync()
    assert client.streams[stream].reset is None
    assert client.answer(client.ask("POST", "/small/echo", b"x" * 10)).status == 200


def test_a_host_that_goes_waits_for_no_body_that_nobody_wanted(begin):
    host = begin()
    with H2(host.address) as before, H2(host.address) as after:
        one = before.begin(before.fields("POST", "/nowhere"), end=False)
        assert before.answer(one).status == 404
        other = after.begin(after.fields("POST", "/x/mirror"), end=False)
        after.sync()
        host.process.terminate()
        assert before.wait_reset(one) == h2.NO_ERROR
        assert before.read_to_end() == h2.NO_ERROR
        after.read_until(lambda: after.goaways, "the host goes")
        after.data(other, b"x" * (1 << 14), end=True)
        assert after.answer(other).status == 200
        assert after.read_to_end() == h2.NO_ERROR
    assert host.wait_exit() == 0
    assert not host.log("host.drain_timeout")


def test_a_body_that_nobody_wanted_may_be_taken_back(client):
    """And is no flood of resets."""
    for _ in range(20):
        streams = [client.begin(client.fields("POST", "/nowhere"), end=False) for _ in range(50)]
        assert {client.answer(stream).status for stream in streams} == {404}
        for stream in streams:
            client.reset(stream)
    client.sync()
    assert not client.goaways


def test_who_says_no_more_gets_his_answer(begin):
    with H2(begin().address) as client:
        stream = client.begin(client.fields("POST", "/nowhere"), end=False)
        assert client.answer(stream).status == 404
        client.sock.shutdown(socket.SHUT_WR)
        assert client.wait_reset(stream) == h2.NO_ERROR


def test_a_body_that_nobody_wanted_must_come_to_its_end_in_time(begin):
    host = begin(write_timeout="200ms")
    with H2(host.address) as client:
        stream = client.begin(client.fields("POST", "/nowhere"), end=False)
        assert client.answer(stream).status == 404
        assert client.wait_reset(stream) == h2.NO_ERROR


def test_a_request_that_is_taken_back_is_cancelled(host, client):
    stream = client.begin(client.fields("POST", "/x/echo", [("x-request-id", "taken-back")]),
                          end=False)
    client.sync()
    client.reset(stream)
    assert host.wait_log("http.request", id="taken-back")["outcome"] == "CANCELLED"


# ---- floods


def rapid_resets(client):
    for _ in range(600):
        stream = client.begin(client.fields("POST", "/x/echo"), end=False)
        client.reset(stream)


def provoked_resets(client):
    """Each is an error of its stream, which we have to reset."""
    for _ in range(600):
        client.begin([*BASE, ("connection", "close")])


def overflows(client):
    """Of windows: another one."""
    for _ in range(600):
        stream = client.begin(client.fields("POST", "/x/echo"), end=False)
        client.window(stream, 0x7fffffff)


def settings(client):
    client.send(h2.frame(h2.SETTINGS) * 100)


def pings(client):
    client.send(h2.frame(h2.PING, 0, 0, bytes(8)) * 1000)


def priorities(client):
    client.send(h2.frame(h2.PRIORITY, 0, 99, bytes([0, 0, 0, 0, 1])) * 2000)


def empty_data(client):
    stream = client.begin(client.fields("POST", "/x/echo"), end=False)
    client.send(h2.frame(h2.DATA, 0, stream) * 1000)


def windows(client):
    stream = client.begin(client.fields("POST", "/x/echo"), end=False)
    client.send(h2.frame(h2.WINDOW_UPDATE, 0, stream, struct.pack(">I", 1)) * 40000)


@pytest.mark.parametrize("flood", [rapid_resets, provoked_resets, overflows, settings, pings,
                                   priorities, empty_data, windows])
def test_a_flood_is_sent_away(host, flood):
    with H2(host.address) as client:
        try:
            flood(client)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was sent away before it was done
        assert client.read_to_end() == h2.ENHANCE_YOUR_CALM
    with H2(host.address) as another:
        assert another.answer(another.ask("HEAD", "/x/mirror")).status == 200
    host.wait_log("http.refused", status=429)


def continuations(client):
    stream = client.begin(client.fields("GET", "/x/mirror"), flags=0)
    for _ in range(1000):
        client.send_frame(h2.CONTINUATION, 0, stream, b"\x00\x01x\x01y")


def a_bomb(client):
    """One field in the table, named 16 000 times in few bytes."""
    client.begin([*BASE, ("x-bomb", "y" * 4000)])
    block = client.encoder.encode(client.fields("GET", "/x/mirror"))
    client.streams[3] = h2.Stream()
    client.send_frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, 3, block + b"\xbe" * 16000)


@pytest.mark.parametrize("attack", [continuations, a_bomb])
def test_fields_without_end_are_not_kept(host, attack):
    before = host.rss()
    with H2(host.address) as client:
        try:
            attack(client)
            client.sync()
        except (AssertionError, BrokenPipeError, ConnectionResetError):
            pass  # sent away, or not: nothing may have been kept of it
    with H2(host.address) as another:
        assert another.answer(another.ask("HEAD", "/x/mirror")).status == 200
    assert host.rss() - before < 16 << 20


def test_no_more_streams_than_it_may_have(begin):
    with H2(begin(max_streams=3).address) as client:
        held = [client.begin(client.fields("POST", "/x/echo"), end=False) for _ in range(3)]
        for stream in held:
            client.data(stream, b"x")
            assert client.answer(stream).body == b"x"
        for _ in range(4):
            client.begin(client.fields("POST", "/x/echo"), end=False)
        assert client.read_to_end() == h2.PROTOCOL_ERROR


# ---- connections that are wrong


@pytest.mark.parametrize("data, error", [
    (h2.frame(h2.HEADERS, 5, 2, b""), h2.PROTOCOL_ERROR),             # an even stream
    (h2.frame(h2.DATA, 0, 1, b"x"), h2.PROTOCOL_ERROR),               # an idle one
    (h2.frame(h2.HEADERS, 5, 1, b"\xff" * 20), h2.COMPRESSION_ERROR),
    (h2.frame(h2.PUSH_PROMISE, 4, 1, bytes(4)), h2.PROTOCOL_ERROR),
    (h2.frame(h2.PING, 0, 0, b"short"), 6),                           # FRAME_SIZE_ERROR
    (h2.frame(h2.SETTINGS, 0, 0, b"12345"), 6),
    (h2.frame(h2.WINDOW_UPDATE, 0, 0, bytes(4)), h2.PROTOCOL_ERROR),
    (h2.frame(h2.DATA, 0, 0, b"x"), h2.PROTOCOL_ERROR),
    (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", 6),                     # 16 MiB
])
def test_a_connection_that_breaks_the_rules_ends(host, data, error):
    with H2(host.address) as client:
        client.send(data)
        assert client.read_to_end() == error


def test_only_the_preface_is_http2(host):
    for begins in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.0\r\nHost: x\r\n\r\n"):
        with host.connect() as client:
            assert client.send(begins).read().status in (400, 505)
    with host.connect() as client:
        for byte in b"PUT /x/mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n":
            client.send(bytes([byte]))
        assert client.read().json()["method"] == "PUT"


def test_the_preface_may_come_in_pieces(host):
    with host.connect() as client:
        for byte in h2.PREFACE + h2.frame(h2.SETTINGS):
            client.send(bytes([byte]))
        assert client.take(9)[3] == h2.SETTINGS


# ---- time


def test_an_idle_connection_is_sent_away(begin):
    with H2(begin(idle_timeout="100ms").address) as client:
        assert client.answer(client.ask("HEAD", "/x/mirror")).status == 200
        assert client.read_to_end() == h2.NO_ERROR


def test_a_head_that_does_not_end(begin):
    with H2(begin(read_header_timeout="100ms").address) as client:
        client.sync()
        client.begin(client.fields("GET", "/x/mirror"), flags=0)
        assert client.read_to_end() == h2.NO_ERROR


def test_a_malformed_head_is_over(begin):
    """It must not be waited for. Another connection, which began later, tells that its time would
    have come."""
    host = begin(read_header_timeout="300ms")
    with H2(host.address) as client, H2(host.address) as clock:
        held = client.begin(client.fields("POST", "/x/echo"), end=False)
        assert client.wait_reset(client.begin([*BASE, ("connection", "close")])) == \
            h2.PROTOCOL_ERROR
        clock.sync()
        clock.begin(clock.fields("GET", "/x/mirror"), flags=0)
        assert clock.read_to_end() == h2.NO_ERROR
        client.data(held, b"x")
        assert client.answer(held).body == b"x"


def test_a_body_that_does_not_come(begin):
    with H2(begin(read_timeout="100ms").address) as client:
        stream = client.begin(client.fields("POST", "/x/echo"), end=False)
        assert client.answer(stream).status == 408


def test_an_answer_that_is_not_taken(begin):
    with H2(begin(write_timeout="100ms").address,
            settings=[(h2.INITIAL_WINDOW_SIZE, 10)]) as client:
        client.is_greedy = False
        stream = client.ask("GET", "/x/download/1000")
        assert client.wait_reset(stream) == h2.CANCEL
        assert bytes(client.streams[stream].body) == b"x" * 10


# ---- the end of the host


def test_what_is_on_its_way_when_the_host_ends_is_served(begin):
    host = begin()
    with H2(host.address) as client:
        client.answers_pings = False
        held = client.begin(client.fields("POST", "/x/echo"), end=False)
        client.sync()
        host.process.terminate()
        client.read_until(lambda: client.goaways, "the first notice")
        assert client.goaways == [(0x7fffffff, h2.NO_ERROR)]
        late = client.ask("POST", "/x/echo", b"late")
        client.answers_pings = True
        assert client.answer(late).body == b"late"
        client.send_frame(h2.PING, h2.ACK, 0, bytes(8))
        client.read_until(lambda: len(client.goaways) == 2, "the second notice")
        assert client.goaways[1] == (late, h2.NO_ERROR)
        client.data(held, b"held")
        assert client.answer(held).body == b"held"
        assert client.read_to_end() == h2.NO_ERROR
    host.stop()


# ---- with TLS, and without HTTP/2


@pytest.mark.parametrize("is_on, offered, agreed", [
    (True, ["h2", "http/1.1"], "h2"), (True, ["http/1.1", "h2"], "h2"), (True, ["h2"], "h2"),
    (True, ["http/1.1"], "http/1.1"), (False, ["h2", "http/1.1"], "http/1.1"),
])
def test_alpn_decides(start, ca, is_on, offered, agreed):
    host = start(listen="https://127.0.0.1:0", plugins=[plugin("good")], routes=ROUTES,
                 tls={"certificates": [ca.issue().row()]}, http={"http2": is_on})
    client = TlsClient(address_of(host), client_context(ca.pem, protocols=offered))
    assert client.sock.selected_alpn_protocol() == agreed
    if agreed == "h2":
        speaker = H2(sock=client.sock)
        seen = speaker.answer(speaker.ask("POST", "/x/mirror", b"x" * 10000)).json()
        assert (seen["scheme"], seen["body_length"]) == ("https", 10000)
    client.close()


def test_without_http2_its_preface_is_refused(begin):
    with begin(http2=False).connect() as client:
        assert client.send(h2.PREFACE).read().status == 505
