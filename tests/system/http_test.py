"""HTTP/1.1 as clients and attackers speak it, byte by byte."""
import hashlib
import json
import subprocess

import pytest

from plugd import plugin, route, wait_until

OK = "/x/mirror"


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    return shared_hosts(
        plugins=[plugin("good"),
                 plugin("good", "now.v1.Now", name="unbuffered", retry={"buffer": 0})],
        routes=[
            route("/x/mirror", "good"), route("/x/echo", "good"),
            route("/x/download/:bytes", "good"), route("/x/status/:status", "good"),
            route("/only/:id/mirror", "good", methods=["GET", "PUT"]),
            route("/files/*rest", "good"),
            route("/files/fixed/mirror", "good"),
            route("/small/echo", "good", body_limit="10"), route("/now/echo", "unbuffered"),
        ],
        http={"body_limit": "1MiB", "header_limit": "8KiB", "header_count": 50},
    ).start()


@pytest.fixture
def client(host):
    with host.connect() as client:
        yield client


def head(line=f"GET {OK} HTTP/1.1", *fields):
    return "\r\n".join([line, "Host: test", *fields, "", ""]).encode()


# ---- requests as they should be


def test_tells_the_plugin_what_was_asked(host):
    response = host.http("PUT", "/only/a%20b/mirror?x=1&y=%20", b"body", [
        ("X-Twice", "1"), ("x-twice", "2"), ("Connection", "x-hop"), ("X-Hop", "secret"),
        ("Keep-Alive", "timeout=5"), ("TE", "trailers"), ("X-Request-Id", "mine-1")])
    seen = response.json()
    assert (seen["method"], seen["path"], seen["query"]) == ("PUT", "/only/a b/mirror", "x=1&y=%20")
    assert (seen["route"], seen["params"]) == ("/only/:id/mirror", {"id": "a b"})
    assert (seen["scheme"], seen["authority"]) == ("http", "test")
    assert seen["peer"].startswith("127.0.0.1:")
    assert seen["request_id"] == "mine-1" == response.header("x-request-id")
    assert (seen["content_length"], seen["body_length"]) == (4, 4)
    names = [name for name, _ in seen["headers"]]
    assert not {"connection", "keep-alive", "te", "x-hop", "transfer-encoding"} & set(names)
    assert [value for name, value in seen["headers"] if name == "x-twice"] == ["1", "2"]


def test_header_bytes_that_are_no_utf8_reach_the_plugin_and_harm_nobody(client):
    for name in ("x-latin1", "traceparent", "tracestate"):
        client.send(head(f"GET {OK} HTTP/1.1", "traceparent: 00-1-2-01").replace(
            b"\r\n\r\n", f"\r\n{name}: caf".encode() + b"\xe9\r\n\r\n"))
        response = client.read()
        assert response.status == 200, name
        assert [name, "caf\u00e9"] in response.json()["headers"]


def test_keeps_the_connection(client):
    for number in range(3):
        assert client.ask("GET", f"{OK}?{number}").read().json()["query"] == str(number)


def test_closes_when_asked_to(client):
    response = client.ask("GET", OK, headers=[("Connection", "close")]).read()
    assert response.header("connection") == "close" and client.is_closed()


def test_serves_http_1_0(client):
    response = client.send(f"GET {OK} HTTP/1.0\r\nHost: test\r\n\r\n".encode()).read()
    assert response.status == 200 and not response.chunked and client.is_closed()


def test_keeps_an_http_1_0_connection_only_when_asked_to(client):
    request = f"GET {OK} HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n".encode()
    assert client.send(request).read().header("connection") == "keep-alive"
    assert client.send(request).read().status == 200


def test_answers_pipelined_requests_in_order(client):
    client.send(b"".join(head(f"GET {OK}?{number} HTTP/1.1") for number in range(50)))
    assert [client.read().json()["query"] for _ in range(50)] == list(map(str, range(50)))


def test_answers_pipelined_requests_with_bodies(client):
    for number in range(10):
        client.ask("POST", "/x/echo", str(number).encode() * 1000)
    assert [client.read().body[:1] for _ in range(10)] == [b"%d" % n for n in range(10)]


def test_takes_a_request_byte_by_byte(client):
    for byte in head(f"POST {OK} HTTP/1.1", "Content-Length: 3") + b"abc":
        client.send(bytes([byte]))
    assert client.read().json()["body_length"] == 3


def test_takes_chunks_and_ignores_trailers_and_extensions(client):
    client.send(head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked", "Trailer: X-Late")
                + b"3;name=value\r\nabc\r\n00004\r\ndefg\r\n"
                + b"0\r\nX-Late: 1\r\nContent-Length: 99\r\n\r\n")
    seen = client.read().json()
    assert (seen["body_length"], seen["content_length"]) == (7, None)
    assert seen["body_sha256"] == hashlib.sha256(b"abcdefg").hexdigest()
    assert not {"x-late", "content-length"} & {name for name, _ in seen["headers"]}
    assert client.ask("GET", OK).read().status == 200


def test_sends_chunks_when_the_length_is_not_known(client):
    client.send(head("POST /x/echo HTTP/1.1", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
    response = client.read_head()
    assert response.header("transfer-encoding") == "chunked"
    client.send(b"1\r\n!\r\n0\r\n\r\n")
    assert client.read_body(response).body == b"hello!"


def test_answers_while_the_body_still_comes(client):
    client.send(head("POST /now/echo HTTP/1.1", "Content-Length: 6") + b"abc")
    response = client.read_head()
    chunks = client.read_chunks()
    assert next(chunks) == b"abc"
    client.send(b"def")
    assert response.status == 200 and b"".join(chunks) == b"def"


def test_says_continue_to_who_waits_for_it(client):
    client.send(head(f"POST {OK} HTTP/1.1", "Content-Length: 3", "Expect: 100-continue"))
    assert client.read().status == 100
    assert client.send(b"abc").read().json()["body_length"] == 3


def test_says_no_instead_of_continue(client):
    client.send(head("POST /small/echo HTTP/1.1", "Content-Length: 11", "Expect: 100-continue"))
    assert client.read().error() == (413, "PAYLOAD_TOO_LARGE")


def test_refuses_other_expectations(client):
    assert client.send(head(f"POST {OK} HTTP/1.1", "Expect: tea")).read().status == 417


def test_head_has_the_fields_and_no_body(client):
    response = client.ask("HEAD", "/x/download/5000").read("HEAD")
    assert (response.status, response.header("content-length")) == (200, "5000")
    assert client.ask("GET", OK).read().json()["method"] == "GET"


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_where_there_can_be_none(client, status):
    response = client.ask("GET", f"/x/status/{status}").read()
    assert response.status == status and response.header("transfer-encoding") is None
    assert client.ask("GET", OK).read().status == 200


def test_absolute_targets_name_the_host(client):
    client.send(b"GET http://other:81/x/mirror?q HTTP/1.1\r\nHost: test\r\n\r\n")
    seen = client.read().json()
    assert (seen["path"], seen["query"], seen["authority"]) == (OK, "q", "other:81")


def test_forgives_an_empty_line_before_a_request(client):
    assert client.send(b"\r\n" + head()).read().status == 200


def test_curl_understands_everything(host):
    url = f"http://{host.address}"
    got = subprocess.run(["curl", "-sS", "--fail", f"{url}/x/download/1000000"],
                         capture_output=True, check=True)
    assert got.stdout == b"x" * 1000000
    got = subprocess.run(["curl", "-sS", "--fail", "-T", "-", f"{url}/x/echo"], check=True,
                         input=b"z" * 300000, capture_output=True)
    assert got.stdout == b"z" * 300000
    got = subprocess.run(["curl", "-sS", "--fail", url + OK, url + OK, "-v"], capture_output=True,
                         check=True)
    assert b"Re-using existing connection" in got.stderr


# ---- requests that smuggling relies on, and other nonsense

BODY = "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
REFUSED = {
    "both lengths": head(f"POST {OK} HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"),
    "both lengths, other order":
        head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 5"),
    "two lengths": head(f"POST {OK} HTTP/1.1", "Content-Length: 5", "Content-Length: 6"),
    "the same length twice": head(f"POST {OK} HTTP/1.1", "Content-Length: 5", "Content-Length: 5"),
    "a list of lengths": head(f"POST {OK} HTTP/1.1", "Content-Length: 5, 5"),
    "a signed length": head(f"POST {OK} HTTP/1.1", "Content-Length: +5"),
    "a negative length": head(f"POST {OK} HTTP/1.1", "Content-Length: -5"),
    "a hexadecimal length": head(f"POST {OK} HTTP/1.1", "Content-Length: 0x5"),
    "an empty length": head(f"POST {OK} HTTP/1.1", "Content-Length: "),
    "a length with a space": head(f"POST {OK} HTTP/1.1", "Content-Length: 5 5"),
    "a length above 2^64": head(f"POST {OK} HTTP/1.1", "Content-Length: 18446744073709551621"),
    "a coding that is not chunked": head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: xchunked"),
    "chunked not last": head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked, identity"),
    "chunked twice": head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked, chunked"),
    "chunked in two fields":
        head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "chunked hidden by a control character":
        head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: \x0bchunked"),
    "an empty coding": head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: "),
    "a coding in HTTP/1.0": head(f"POST {OK} HTTP/1.0", "Transfer-Encoding: chunked"),
    "a space before a colon": head(f"POST {OK} HTTP/1.1", "Content-Length : 5"),
    "a tab before a colon": head(f"POST {OK} HTTP/1.1", "Transfer-Encoding\t: chunked"),
    "a folded field": head(f"GET {OK} HTTP/1.1", "X-A: 1", " Transfer-Encoding: chunked"),
    "a folded first field": f"GET {OK} HTTP/1.1\r\n Host: test\r\n\r\n".encode(),
    "a field without a colon": head(f"GET {OK} HTTP/1.1", "Garbage"),
    "a field without a name": head(f"GET {OK} HTTP/1.1", ": 1"),
    "a name that is no token": head(f"GET {OK} HTTP/1.1", "X(A): 1"),
    "a NUL in a value": head(f"GET {OK} HTTP/1.1", "X-A: 1\0"),
    "an escape in a value": head(f"GET {OK} HTTP/1.1", "X-A: \x1b[2J"),
    "a bare CR in a value": head(f"GET {OK} HTTP/1.1", "X-A: 1\rTransfer-Encoding: chunked"),
    "a bare LF after a field": head(f"GET {OK} HTTP/1.1", "X-A: 1\nX-B: 2"),
    "a bare LF after the request line": f"GET {OK} HTTP/1.1\nHost: test\r\n\r\n".encode(),
    "a bare LF at the end": f"GET {OK} HTTP/1.1\r\nHost: test\r\n\n".encode(),
    "a bare CR at the end": f"GET {OK} HTTP/1.1\r\nHost: test\r\rGET / HTTP/1.1\r\n\r\n".encode(),
    "no host": f"GET {OK} HTTP/1.1\r\n\r\n".encode(),
    "two hosts": head(f"GET {OK} HTTP/1.1", "Host: other"),
    "a host with a path": f"GET {OK} HTTP/1.1\r\nHost: test/x\r\n\r\n".encode(),
    "a host with a user": f"GET {OK} HTTP/1.1\r\nHost: a@test\r\n\r\n".encode(),
    "two spaces": f"GET  {OK} HTTP/1.1\r\nHost: test\r\n\r\n".encode(),
    "a tab in the request line": f"GET\t{OK} HTTP/1.1\r\nHost: test\r\n\r\n".encode(),
    "a space in the target": b"GET /x/ mirror HTTP/1.1\r\nHost: test\r\n\r\n",
    "no version": f"GET {OK}\r\nHost: test\r\n\r\n".encode(),
    "a version in lower case": head(f"GET {OK} http/1.1"),
    "a method that is no token": head(f"G@T {OK} HTTP/1.1"),
    "a target that is no path": head("GET x/mirror HTTP/1.1"),
    "a NUL in the path": head("GET /x/mirror%00 HTTP/1.1"),
    "a line end in the path": head("GET /x/mirror%0d%0aX-A:%201 HTTP/1.1"),
    "half an escape": head("GET /x/mirror%4 HTTP/1.1"),
    "no hexadecimal escape": head("GET /x/mirror%zz HTTP/1.1"),
    "a path above the root": head("GET /../etc/passwd HTTP/1.1"),
    "an encoded path above the root": head("GET /%2e%2e/etc/passwd HTTP/1.1"),
    "a path that is no UTF-8": head("GET /x/%ff HTTP/1.1"),
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n",
    "asterisk with GET": head("GET * HTTP/1.1"),
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(client, request_bytes):
    response = client.send(request_bytes + BODY.encode()).read()
    assert response.error()[0] in (400, 501)
    assert response.header("connection") == "close"
    assert client.is_closed()  # and what followed was not taken for a request


BAD_CHUNKS = {
    "no number": b"x\r\n",
    "a signed number": b"+3\r\nabc\r\n0\r\n\r\n",
    "a number with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a space before the number": b" 3\r\nabc\r\n0\r\n\r\n",
    "a space after the number": b"3 \r\nabc\r\n0\r\n\r\n",
    "a number above 2^64": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "a bare LF after the number": b"3\nabc\r\n0\r\n\r\n",
    "a bare CR after the number": b"3\rXabc\r\n0\r\n\r\n",
    "a bare LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "more data than announced": b"3\r\nabcd\r\n0\r\n\r\n",
    "a bare LF in an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a bare LF at the end": b"3\r\nabc\r\n0\r\n\n",
    "a trailer without a colon": b"3\r\nabc\r\n0\r\ngarbage\r\n\r\n",
    "a folded trailer": b"3\r\nabc\r\n0\r\nX-A: 1\r\n 2\r\n\r\n",
    "an endless extension": b"3;" + b"a" * 100000,
    "endless trailers": b"0\r\n" + b"X-A: 1\r\n" * 20000,
}


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS.keys())
def test_refuses_bad_chunks(host, client, chunks):
    client.send(head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked"))
    try:
        client.send(chunks + head())
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough
    try:
        assert client.read().error()[0] == 400
    except ConnectionResetError:
        pass  # the answer was lost with the rest that nobody read
    assert client.is_closed()
    assert host.http("GET", OK).status == 200


def test_refuses_versions_that_it_does_not_speak(client):
    assert client.send(head(f"GET {OK} HTTP/2.0")).read().status == 505
    assert client.is_closed()


def test_refuses_connect(client):
    assert client.send(b"CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n").read().status == 501


# ---- limits


def test_refuses_heads_that_are_too_long(client):
    assert client.send(head(f"GET {OK} HTTP/1.1", "X-A: " + "a" * 9000)).read().status == 431


def test_refuses_request_lines_that_are_too_long(client):
    assert client.send(head(f"GET /{'a' * 9000} HTTP/1.1")).read().status == 414


def test_refuses_too_many_fields(client):
    fields = [f"X-{number}: 1" for number in range(60)]
    assert client.send(head(f"GET {OK} HTTP/1.1", *fields)).read().status == 431


def test_takes_a_body_of_just_the_limit(host):
    assert host.http("POST", "/small/echo", b"x" * 10).body == b"x" * 10
    assert host.http("POST", "/x/echo", b"x" * (1 << 20)).body == b"x" * (1 << 20)


@pytest.mark.parametrize("path,size", [("/small/echo", 11), (OK, (1 << 20) + 1)])
def test_refuses_bodies_over_the_limit(client, path, size):
    client.send(head(f"POST {path} HTTP/1.1", f"Content-Length: {size}"))
    assert client.read().error() == (413, "PAYLOAD_TOO_LARGE")


def test_refuses_chunked_bodies_over_the_limit(client):
    client.send(head(f"POST {OK} HTTP/1.1", "Transfer-Encoding: chunked"))
    try:
        for _ in range(20):
            client.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        assert client.read().error() == (413, "PAYLOAD_TOO_LARGE")
    except ConnectionResetError:
        pass
    assert client.is_closed()


# ---- routes and the edge's own pages


def test_routes_are_deterministic(host):
    assert host.http("GET", "/files/fixed/mirror").json()["route"] == "/files/fixed/mirror"
    seen = host.http("GET", "/files/a/b/mirror").json()
    assert (seen["route"], seen["params"]) == ("/files/*rest", {"rest": "a/b/mirror"})


def test_an_encoded_slash_separates_nothing(host):
    seen = host.http("GET", "/only/a%2Fb/mirror").json()
    assert (seen["route"], seen["params"]) == ("/only/:id/mirror", {"id": "a/b"})
    assert host.http("GET", "/only/a/b/mirror").status == 404


def test_dots_are_resolved_before_routing(host):
    assert host.http("GET", "/nowhere/../x/./mirror").json()["path"] == OK


def test_says_which_methods_a_path_takes(host):
    response = host.http("DELETE", "/only/1/mirror")
    assert response.error() == (405, "METHOD_NOT_ALLOWED")
    allowed = {method.strip() for method in response.header("allow").split(",")}
    assert {"GET", "PUT"} <= allowed and "DELETE" not in allowed


def test_nothing_at_other_paths(host):
    assert host.http("GET", "/nothing").error() == (404, "NOT_FOUND")
    assert host.http("GET", "/health/nothing").error() == (404, "NOT_FOUND")


def test_health_pages(host):
    assert host.http("GET", "/health/live").json() == {"status": "live"}
    ready = host.http("GET", "/health/ready")
    assert ready.status == 200
    assert ready.json() == {"status": "ready", "plugins": {"good": "ready", "unbuffered": "ready"}}
    build = host.http("GET", "/health/build").json()
    assert build["name"] == "plugd" and build["protocol"] == 1
    assert host.http("POST", "/health/live").error() == (405, "METHOD_NOT_ALLOWED")


def test_request_ids_are_kept_when_harmless(host):
    for given in ("abc-DEF_1.2", "x" * 64):
        response = host.http("GET", OK, headers=[("X-Request-Id", given)])
        assert response.header("x-request-id") == given
    for given in ('a"b', "a b", "x" * 1000, "é"):
        response = host.http("GET", OK, headers=[("X-Request-Id", given)])
        assert response.header("x-request-id") not in (given, None)
        assert response.json()["request_id"] == response.header("x-request-id")


def test_request_ids_differ(host):
    ids = {host.http("GET", OK).header("x-request-id") for _ in range(20)}
    assert len(ids) == 20


def test_access_lines_tell_each_request(host):
    host.http("POST", "/x/echo?q=1", b"12345", headers=[("X-Request-Id", "access-1")])
    line = host.wait_log("http.request", id="access-1")
    assert (line["method"], line["target"], line["status"]) == ("POST", "/x/echo?q=1", 200)
    assert (line["in_bytes"], line["out_bytes"], line["plugin"]) == (5, 5, "good")
    assert line["outcome"] == "OK" and line["level"] == "info"


def test_a_client_that_leaves_is_no_error_of_the_plugin(host):
    with host.connect() as client:
        client.send(head("POST /x/echo HTTP/1.1", "Content-Length: 100", "X-Request-Id: left-1"))
        client.send(b"abc")
        client.read_head()
    line = host.wait_log("http.request", id="left-1")
    assert line["outcome"] == "CANCELLED"


def test_no_descriptor_is_lost(host):
    before = host.descriptors_at_rest()
    clients = [host.connect() for _ in range(50)]
    for number, client in enumerate(clients):
        client.send(head() if number % 2 else b"GET / HT")
    assert all(client.read().status == 200 for client in clients[1::2])
    for client in clients:
        client.close()
    wait_until(lambda: host.descriptors() == before, "as many descriptors as before")


def test_json_errors_survive_any_bytes(host):
    response = host.http("GET", "/%22%5C%C3%A9")
    assert response.error()[0] == 404 and json.loads(response.body)
