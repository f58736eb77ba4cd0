"""Answers that are compressed for who takes it, and bodies that are decompressed where a route asks
for it. Python's own libraries say what is right; each test fails when its setting is ignored.
"""
import gzip
import hashlib
import os
import subprocess
import zlib

import brotli
import pytest
import zstandard

import http_pb2
from h2_client import H2
from metrics_test import PAGES, scrape
from plugd import PLUGD, plugin, route, wait_until
from plugd_pb2 import JSON, Credit, Manifest, Method, Response, Service

TEXT = b"".join(b"line %d of a text that gets smaller\n" % i for i in range(200))
HTML = [("content-type", "text/html")]
ROOM = 12 << 20  # for all windows, buffers, coders and the sanitizers' own

JSON_MANIFEST = Manifest(provides=[Service(name="json.v1.Json", version="1.0.0", methods=[
    Method(number=1, name="Get", codec=JSON)])])


def zstd_decode(data):
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


CODINGS = {"gzip": (gzip.compress, gzip.decompress),
           "br": (lambda data: brotli.compress(data, quality=3), brotli.decompress),
           "zstd": (zstandard.compress, zstd_decode)}


def decoder_of(coding):
    """A function that decodes piece by piece."""
    if coding == "gzip":
        return zlib.decompressobj(wbits=31).decompress
    if coding == "br":
        return brotli.Decompressor().process
    return zstandard.ZstdDecompressor().decompressobj().decompress


def accepts(*codings):
    return [("Accept-Encoding", ", ".join(codings))]


@pytest.fixture
def play(start, stage):
    """play(…): a host whose one plugin is the test itself, and the puppet."""
    def play_one(routes=None, of_plugin=None, welcome=None, **settings):
        host = start(ready=[], plugins=[stage.plugin(**(of_plugin or {}))],
                     routes=routes or [route("/*rest", "puppet")], **settings)
        puppet = stage.puppet(**(welcome or {}))
        host.wait_log("instance.ready")
        return host, puppet
    return play_one


def ask(host, puppet, method="GET", headers=(), body=TEXT, status=200, fields=HTML):
    """What the client gets of this answer."""
    with host.connect() as client:
        client.ask(method, "/x", headers=headers)
        frame, _ = puppet.request()
        puppet.answer(frame, body=body, status=status, headers=fields)
        return client.read(method)


ON = {"compression": True}


# ---- answers


@pytest.mark.parametrize("coding", CODINGS)
def test_an_answer_comes_in_the_coding_that_the_client_takes(play, coding):
    host, puppet = play(http=ON)
    got = ask(host, puppet, headers=accepts(coding), fields=[
        *HTML, ("etag", '"v1"'), ("vary", "Origin"), ("accept-ranges", "bytes")])
    assert got.header("content-encoding") == coding
    assert CODINGS[coding][1](got.body) == TEXT
    assert int(got.header("content-length")) == len(got.body) < len(TEXT) / 3
    assert got.header("etag") == 'W/"v1"'
    assert got.header("vary") == "Origin, Accept-Encoding"
    assert got.header("accept-ranges") is None
    assert int(host.wait_log("http.request")["out_bytes"]) == len(got.body)


def test_nothing_is_compressed_unless_it_is_wanted(play):
    host, puppet = play()
    got = ask(host, puppet, headers=accepts("gzip"))
    assert got.body == TEXT and got.header("content-encoding") is None
    assert got.header("vary") is None


def test_a_client_that_takes_none_gets_it_as_it_is_and_caches_know(play):
    host, puppet = play(http=ON)
    for headers in ((), accepts("identity"), accepts("gzip;q=0", "deflate")):
        got = ask(host, puppet, headers=headers, fields=[*HTML, ("etag", '"v1"')])
        assert got.body == TEXT and got.header("content-encoding") is None
        assert (got.header("vary"), got.header("etag")) == ("Accept-Encoding", '"v1"')


def test_the_order_is_the_operators_where_the_client_has_none(play):
    host, puppet = play(http={"compression": {"enabled": True, "encodings": ["br", "gzip"]}})
    every = ("gzip", "deflate", "br", "zstd")
    assert ask(host, puppet, headers=accepts(*every)).header("content-encoding") == "br"
    assert ask(host, puppet, headers=accepts("br;q=0.5", "gzip")).header(
        "content-encoding") == "gzip"
    assert ask(host, puppet, headers=accepts("zstd")).header("content-encoding") is None


def test_the_usual_order_is_zstd_brotli_gzip(play):
    host, puppet = play(http=ON)
    for best, others in (("zstd", ("gzip", "br", "zstd")), ("br", ("gzip", "br")),
                         ("gzip", ("deflate", "gzip"))):
        got = ask(host, puppet, headers=accepts(*others))
        assert got.header("content-encoding") == best


@pytest.mark.parametrize("fields, body", [
    pytest.param([("content-type", "image/png")], TEXT, id="image"),
    pytest.param([("content-type", "application/zip")], TEXT, id="zip"),
    pytest.param([("content-type", "application/octet-stream")], TEXT, id="unlisted"),
    pytest.param([], TEXT, id="no type"),
    pytest.param([*HTML, ("content-encoding", "br")], brotli.compress(TEXT) + bytes(2000),
                 id="encoded"),
    pytest.param([*HTML, ("cache-control", "no-transform")], TEXT, id="no-transform"),
    pytest.param(HTML, TEXT[:1023], id="small"),
])
def test_what_gains_nothing_or_may_not_is_left_alone(play, fields, body):
    host, puppet = play(http=ON)
    got = ask(host, puppet, headers=accepts("gzip"), fields=fields, body=body)
    assert got.body == body
    assert got.header("content-encoding") == dict(fields).get("content-encoding")


def test_types_size_and_level_are_what_is_set(play):
    host, puppet = play(http={"compression": {"enabled": True, "min_size": "100B", "types": [
        "application/vnd.example", "image/*"]}})

    def coding(kind, body):
        return ask(host, puppet, headers=accepts("gzip"), body=body,
                   fields=[("content-type", kind)]).header("content-encoding")

    assert coding("application/vnd.example; a=b", TEXT[:100]) == "gzip"
    assert coding("application/vnd.example", TEXT[:99]) is None
    assert coding("image/bmp", TEXT) == "gzip"
    assert coding("image/png", TEXT) is None
    assert coding("text/html", TEXT) is None


def test_a_level_that_is_small_is_smaller(play):
    text = b" ".join(b"%x" % (number * number % 65521) for number in range(5000))
    host, puppet = play(http={"compression": {"enabled": True, "level": "fast"}})
    fast = ask(host, puppet, headers=accepts("gzip"), body=text)
    host.settings["http"]["compression"]["level"] = "small"
    host.write_config()
    host.admin("reload")
    small = ask(host, puppet, headers=accepts("gzip"), body=text)
    assert gzip.decompress(fast.body) == gzip.decompress(small.body) == text
    assert len(small.body) < len(fast.body)


def test_a_route_says_otherwise(play):
    host, puppet = play(http=ON, routes=[
        route("/x", "puppet", compress=False),
        route("/y", "puppet", compress={"types": ["application/x-own"], "min_size": "10B"})])
    assert ask(host, puppet, headers=accepts("gzip")).header("vary") is None
    with host.connect() as client:
        for kind, coding in (("application/x-own", "gzip"), ("text/html", None)):
            client.ask("GET", "/y", headers=accepts("gzip"))
            frame, _ = puppet.request()
            puppet.answer(frame, body=TEXT[:50], headers=[("content-type", kind)])
            assert client.read().header("content-encoding") == coding


def test_a_route_is_compressed_alone(play):
    host, puppet = play(routes=[route("/x", "puppet", compress=True), route("/y", "puppet")])
    assert ask(host, puppet, headers=accepts("gzip")).header("content-encoding") == "gzip"
    with host.connect() as client:
        client.ask("GET", "/y", headers=accepts("gzip"))
        puppet.answer(puppet.request()[0], body=TEXT, headers=HTML)
        assert client.read().header("content-encoding") is None


def test_statuses_without_a_body_have_no_coding(play):
    host, puppet = play(http=ON)
    for status in (204, 304):
        got = ask(host, puppet, status=status, body=b"", fields=[*HTML, ("etag", '"v1"')],
                  headers=[*accepts("gzip"), ("If-None-Match", 'W/"v1"')])
        assert got.header("content-encoding") is None
    assert (got.header("etag"), got.header("vary")) == ('W/"v1"', "Accept-Encoding")
    part = ask(host, puppet, status=206, headers=accepts("gzip"))
    assert part.body == TEXT and part.header("content-encoding") is None


def test_head_says_what_get_would(play):
    host, puppet = play(http=ON)
    with host.connect() as client:
        client.ask("HEAD", "/x", headers=accepts("gzip"))
        puppet.answer(puppet.request()[0], headers=[*HTML, ("content-length", "7000"),
                                                    ("etag", '"v1"')])
        got = client.read("HEAD")
        assert got.header("content-encoding") == "gzip" and got.header("etag") == 'W/"v1"'
        assert got.header("content-length") is None
        assert ask(host, puppet, "HEAD", headers=accepts("gzip"), body=b"", fields=[
            *HTML, ("content-length", "70")]).header("content-length") == "70"
        client.ask("GET", "/x")  # and nothing of a body follows
        puppet.answer(puppet.request()[0], body=b"next")
        assert client.read().body == b"next"


@pytest.mark.parametrize("coding", CODINGS)
def test_events_are_there_when_they_are_sent(play, coding):
    host, puppet = play(http=ON)
    decode = decoder_of(coding)
    with host.connect() as client:
        client.ask("GET", "/x", headers=accepts(coding))
        frame, _ = puppet.request()
        puppet.answer(frame, end=False, headers=[("content-type", "text/event-stream")])
        response = client.read_head()
        assert response.header("content-encoding") == coding
        for i in range(5):
            event = b"data: %d\n\n" % i
            puppet.answer_more(frame, event)
            got = b""
            while got != event:  # else it waits for what never comes
                size = int(client.take_line(), 16)
                got += decode(client.take(size))
                client.take(2)
        puppet.answer_more(frame, end=True)
        assert b"".join(client.read_chunks()) is not None


@pytest.mark.parametrize("end", ["dies", "falls short"])
def test_an_answer_that_breaks_off_is_cut_off(play, end):
    host, puppet = play(http=ON)
    with host.connect() as client:
        client.ask("GET", "/x", headers=accepts("gzip"))
        frame, _ = puppet.request()
        puppet.answer(frame, body=TEXT, end=False, headers=[
            *HTML, ("content-length", str(len(TEXT) + 1))])
        if end == "dies":
            puppet.end()
        else:
            puppet.answer_more(frame, end=True)
        assert client.read_head().header("content-length") is None
        rest = client.read_rest()
    assert not rest.endswith(b"0\r\n\r\n")


def test_a_client_that_does_not_read_holds_its_plugin_back(noisy):
    """What is compressed is half as large, and still more than any buffer; none of it is lost."""
    size = 16 << 20
    before = noisy.rss()
    with noisy.connect() as client:
        client.ask("GET", f"/x/noise/{size}", headers=accepts("zstd"))
        response = client.read_head()
        assert response.header("content-encoding") == "zstd"
        for _ in range(30):  # others are served meanwhile
            assert noisy.rpc("good.v1.Good/Echo", b"small").body == b"small"
        assert noisy.plugin("good")["calls_running"] == 1
        assert noisy.rss() < before + ROOM
        decode = decoder_of("zstd")
        assert sum(len(decode(chunk)) for chunk in client.read_chunks()) == size
    assert noisy.rss() < before + ROOM


def test_clients_that_leave_leave_nothing(noisy):
    for coding in CODINGS:
        with noisy.connect() as client:
            client.ask("GET", f"/x/noise/{16 << 20}", headers=accepts(coding))
            assert client.read_head().header("content-encoding") == coding
    wait_until(lambda: noisy.plugin("good")["calls_running"] == 0, "no call in flight")


def test_http2_is_compressed_alike(play):
    host, puppet = play(http=ON)
    with H2(host.address) as client:
        for method in ("GET", "HEAD"):
            stream = client.ask(method, "/x", headers=[("accept-encoding", "br")])
            puppet.answer(puppet.request()[0], body=TEXT, headers=HTML)
            got = client.answer(stream)
            assert got.header("content-encoding") == "br"
            if method == "GET":
                assert brotli.decompress(got.body) == TEXT


def test_rpc_is_compressed_by_the_type_of_its_codec(play):
    """The limit of an answer is that of the message, whatever it is compressed to."""
    host, puppet = play(http=ON, welcome={"manifest": JSON_MANIFEST}, of_plugin={
        "max_message": "8KiB"})
    with host.connect() as client:
        for length, status in ((8192, 200), (8193, 502)):
            client.ask("POST", "/rpc/json.v1.Json/Get", b"{}", headers=accepts("gzip"))
            frame = puppet.expect("request")
            puppet.send(response=Response(id=frame.id, payload=b"[" * length, end=True))
            got = client.read()
            assert got.status == status
            if status == 200:
                assert got.header("content-encoding") == "gzip"
                assert gzip.decompress(got.body) == b"[" * length


# ---- requests


@pytest.fixture(scope="module", name="noisy")
def noisy_fixture(shared_hosts):
    """A host that compresses, and whose routes take compressed bodies."""
    def takes(**settings):
        return {"decompress_requests": {"enabled": True, **settings}}
    return shared_hosts(
        http={"compression": True, "body_limit": "1MiB", "read_timeout": "10m",
              "write_timeout": "10m"},
        plugins=[plugin("good", timeout="10m")],
        routes=[route("/x/*rest", "good", **takes()),
                route("/plain/*rest", "good"),
                route("/gzip/*rest", "good", **takes(encodings=["gzip"])),
                route("/large/*rest", "good", **takes(max_size="4MiB", max_ratio=1000000)),
                route("/small/*rest", "good", **takes(max_size="1000B")),
                route("/tenfold/*rest", "good", **takes(max_ratio=10)),
                route("/rpc-echo", "good", rpc="good.v1.Good/Echo", **takes())]).start()


def post(host, path, body, coding, *headers):
    return host.http("POST", path, body, [("Content-Encoding", coding), *headers])


def seen_of(response):
    assert response.status == 200, response
    return response.json()


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_is_decompressed_for_the_plugin(noisy, coding):
    seen = seen_of(post(noisy, "/x/mirror", CODINGS[coding][0](TEXT), coding, ("X-Other", "stays")))
    assert seen["body_sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert seen["content_length"] is None
    assert sorted(name for name, _ in seen["headers"]) == ["host", "x-other"]


def test_a_body_of_rpc_is_decompressed_too(noisy):
    assert post(noisy, "/rpc-echo", gzip.compress(TEXT), "gzip").body == TEXT


def test_where_the_route_does_not_ask_the_plugin_gets_it_as_it_came(noisy):
    body = gzip.compress(TEXT)
    seen = seen_of(post(noisy, "/plain/mirror", body, "gzip"))
    assert seen["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert seen["content_length"] == len(body)
    assert ["content-encoding", "gzip"] in seen["headers"]
    seen = seen_of(noisy.http("POST", "/x/mirror", TEXT))
    assert (seen["body_length"], seen["content_length"]) == (len(TEXT), len(TEXT))


@pytest.mark.parametrize("path, coding, offered", [
    ("/x/mirror", "deflate", "gzip, br, zstd"),
    ("/x/mirror", "gzip, br", "gzip, br, zstd"),
    ("/gzip/mirror", "br", "gzip"),
])
def test_other_codings_are_refused_and_told_which_are_taken(noisy, path, coding, offered):
    refused = post(noisy, path, b"body", coding)
    assert refused.error() == (415, "ENCODING_UNKNOWN")
    assert refused.header("accept-encoding") == offered


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("spoil", [
    pytest.param(lambda body: b"no " + body, id="other"),
    pytest.param(lambda body: body[:-1], id="cut"),
    pytest.param(lambda body: body + b"more", id="longer"),
    pytest.param(lambda body: b"", id="empty")])
def test_a_body_that_is_not_one_stream_is_refused(noisy, coding, spoil):
    refused = post(noisy, "/x/mirror", spoil(CODINGS[coding][0](TEXT)), coding)
    assert refused.error() == (400, "ENCODING_BROKEN")


def test_the_size_that_counts_is_the_one_that_the_plugin_gets(noisy):
    noise = os.urandom(2 << 20).hex().encode()  # gets half as large
    assert post(noisy, "/x/mirror", gzip.compress(noise[:1 << 20]), "gzip").status == 200
    refused = post(noisy, "/x/mirror", gzip.compress(noise[:(1 << 20) + 1]), "gzip")
    assert refused.error() == (413, "PAYLOAD_TOO_LARGE")
    assert post(noisy, "/small/mirror", gzip.compress(TEXT[:1000]), "gzip").status == 200
    refused = post(noisy, "/small/mirror", gzip.compress(TEXT[:1001]), "gzip")
    assert refused.error() == (413, "PAYLOAD_TOO_LARGE")
    body = gzip.compress(noise[:3 << 19])
    assert seen_of(post(noisy, "/large/mirror", body, "gzip"))["body_length"] == 3 << 19
    refused = post(noisy, "/large/mirror", gzip.compress(noise), "gzip")  # over body_limit as it is
    assert refused.error() == (413, "PAYLOAD_TOO_LARGE")


def test_the_ratio_counts_from_64_kib_on(noisy):
    assert post(noisy, "/x/mirror", gzip.compress(bytes(65536)), "gzip").status == 200
    for path in ("/x/mirror", "/tenfold/mirror"):
        refused = post(noisy, path, gzip.compress(bytes(1 << 19)), "gzip")
        assert refused.error() == (413, "ENCODING_DENSE")
    half = gzip.compress(os.urandom(1 << 15) + bytes(1 << 18))  # about 9 times
    assert post(noisy, "/tenfold/mirror", half, "gzip").status == 200
    assert post(noisy, "/large/mirror", gzip.compress(bytes(1 << 20)), "gzip").status == 200


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_costs_nobody_anything(noisy, coding):
    bomb = CODINGS[coding][0](bytes(64 << 20))
    before = noisy.rss()
    for path, code in (("/x/mirror", "ENCODING_DENSE"), ("/large/mirror", "PAYLOAD_TOO_LARGE")):
        assert post(noisy, path, bomb, coding).error() == (413, code)
    assert noisy.rss() < before + ROOM
    wait_until(lambda: noisy.plugin("good")["calls_running"] == 0, "no call in flight")


def test_a_plugin_that_takes_nothing_holds_its_client_back(play):
    """A body that gets ten times larger waits as it came."""
    host, puppet = play(routes=[route("/*rest", "puppet", decompress_requests=True)])
    noise = b"".join(os.urandom(1600).hex().encode() * 10 for _ in range(100))
    body = zlib.compress(noise, wbits=31)
    with host.connect() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: t\r\nContent-Encoding: gzip\r\n"
                    b"Content-Length: %d\r\n\r\n" % len(body) + body)
        frame, head = puppet.request()
        got = bytearray(head.body)
        window = len(frame.payload)
        whole = bytearray()
        ended = frame.end
        while not ended:
            data = puppet.expect("data")
            whole += data.payload
            window += len(data.payload)
            assert window <= 256 << 10
            if not data.more and whole:
                got += http_pb2.Request.FromString(bytes(whole)).body
                whole.clear()
            ended = data.end
            if window > 128 << 10 and not ended:
                puppet.send(credit=Credit(id=frame.id, bytes=window))
                puppet.send(credit=Credit(id=0, bytes=window))
                window = 0
        assert bytes(got) == noise
        puppet.answer(frame, body=b"thanks")
        assert client.read().body == b"thanks"


def test_http2_bodies_are_decompressed_alike(noisy):
    with H2(noisy.address) as client:
        stream = client.ask("POST", "/x/mirror", CODINGS["br"][0](TEXT),
                            headers=[("content-encoding", "br")])
        seen = client.answer(stream).json()
    assert seen["body_sha256"] == hashlib.sha256(TEXT).hexdigest()


# ---- configuration


@pytest.mark.parametrize("http, of_route, told", [
    ({"compression": {"encodings": ["deflate"]}}, {}, "is no content coding that plugd knows"),
    ({"compression": {"types": ["image/png"]}}, {}, "is compressed by its own format"),
    ({"compression": {"types": ["*/*"]}}, {}, "is no media type"),
    ({}, {"compress": {"types": ["text/*"]}}, "answers are not compressed on this route"),
    ({}, {"decompress_requests": {"max_size": "1MiB"}}, "bodies are not decompressed on this"),
])
def test_what_means_nothing_is_refused(hosts, http, of_route, told):
    host = hosts(http=http, plugins=[plugin("good")], routes=[route("/x", "good", **of_route)])
    host.write_config()
    checked = subprocess.run([PLUGD, "--config", str(host.config), "--check"], check=False,
                             capture_output=True, text=True)
    assert checked.returncode != 0 and told in checked.stderr, checked


# ---- beside other parts of the edge


@pytest.mark.parametrize("size", [4096, 3 << 20], ids=["whole", "in pieces"])
def test_files_are_compressed_too_and_conditions_hold(start, tmp_path, size):
    data = (b"a file that gets smaller. " * (size // 26 + 1))[:size]
    (tmp_path / "page.txt").write_bytes(data)
    host = start(http=ON, routes=[{"path": "/*file", "static": str(tmp_path)}])
    answer = host.http("GET", "/page.txt", headers=accepts("gzip"))
    assert answer.header("content-encoding") == "gzip" and gzip.decompress(answer.body) == data
    tag = answer.header("etag")
    assert tag.startswith("W/")
    again = accepts("gzip") + [("If-None-Match", tag)]
    assert host.http("GET", "/page.txt", headers=again).status == 304
    part = host.http("GET", "/page.txt", headers=accepts("gzip") + [("Range", "bytes=1-5")])
    assert (part.status, part.body, part.header("content-encoding")) == (206, data[1:6], None)
    whole = host.http("GET", "/page.txt")
    assert whole.body == data and whole.header("content-encoding") is None


def body_of(puppet, frame, head):
    """All of a request's body; the plugin takes it as it comes."""
    body, message, ended = bytearray(head.body), bytearray(), frame.end
    while not ended:
        data = puppet.expect("data")
        message += data.payload
        ended = data.end
        if not data.more and message:
            body += http_pb2.Request.FromString(bytes(message)).body
            message.clear()
        for number in (frame.id, 0) if data.payload else ():
            puppet.send(credit=Credit(id=number, bytes=len(data.payload)))
    return bytes(body)


def test_a_compressed_body_waits_for_its_place(play):
    """It is more than one piece, and nothing of it is lost or comes twice."""
    body = os.urandom(100_000)
    host, puppet = play([route("/*rest", "puppet", decompress_requests=True)], admin=PAGES,
                        http={"concurrency": {"limit": 1, "queue_timeout": "1m"}})
    with host.connect() as first, host.connect() as second:
        first.ask("GET", "/x")
        holds, _ = puppet.request()
        second.ask("POST", "/x", gzip.compress(body), [("Content-Encoding", "gzip")])
        wait_until(lambda: scrape(host).get("plugd_http_places_waiting", door="(http)") == 1,
                   "the second waits")
        puppet.answer(holds)
        assert first.read().status == 200
        frame, head = puppet.request()
        assert body_of(puppet, frame, head) == body
        puppet.answer(frame)
        assert second.read().status == 200
