"""RPC over HTTP: POST /rpc/<service>/<method>, routes to a method, deadlines, metadata."""
import pytest

import plug
from client import framed
from host_pb2 import InfoResponse
from plugd import plugin, route, wait_until
from plugd_pb2 import (BYTES, JSON, MSGPACK, Data, Manifest, Method, Request, Requirement, Response,
                       Service)

ECHO = "good.v1.Good/Echo"


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    hidden = plugin("good", "hidden.v1.Hidden", name="hidden", expose=False)
    return shared_hosts(
        plugins=[plugin("good"), hidden, plugin("fails", name="never")],
        routes=[route("/echo", "good", rpc=ECHO, methods=["POST"]),
                route("/hidden", "hidden", rpc="hidden.v1.Hidden/Echo"),
                route("/nowhere", "good", rpc="good.v1.Good/Nowhere"),
                route("/never", "never", rpc="never.v1.Never/Do")],
    ).start(ready=["good", "hidden"])


def test_the_body_is_the_message(host):
    response = host.rpc(ECHO, b"\0\xffabc")
    assert (response.status, response.body) == (200, b"\0\xffabc")
    assert response.header("content-type") == "application/octet-stream"


def test_an_empty_message_is_a_message(host):
    assert host.rpc(ECHO, b"").body == b""


def test_a_message_of_many_chunks(host):
    assert host.rpc(ECHO, b"x" * (3 << 20)).body == b"x" * (3 << 20)


def test_streams_carry_lengths(host):
    messages = [b"one", b"", b"x" * 100000]
    assert host.rpc("good.v1.Good/EchoStream", framed(*messages)).body == framed(*messages)


def test_a_stream_answers_while_it_is_asked(host):
    with host.connect() as client:
        client.send(b"POST /rpc/good.v1.Good/EchoStream HTTP/1.1\r\nHost: test\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n" + b"7\r\n" + framed(b"one") + b"\r\n")
        assert client.read_head().status == 200
        chunks = client.read_chunks()
        assert b"".join([next(chunks)]).startswith(framed(b"one")[:4])
        client.send(b"7\r\n" + framed(b"two") + b"\r\n0\r\n\r\n")
        assert b"".join(chunks).endswith(framed(b"two"))


def test_a_stream_with_a_message_that_ends_early_is_refused(host):
    response = host.rpc("good.v1.Good/EchoStream", framed(b"one")[:-1])
    assert response.error() == (400, "INVALID_ARGUMENT")


def test_what_is_not_exposed_is_not_there_for_clients(host):
    assert host.rpc("hidden.v1.Hidden/Echo").error() == (403, "REGISTRY_NOT_EXPOSED")
    assert host.http("POST", "/hidden", b"routed").body == b"routed"


def test_unknown_names(host):
    assert host.rpc("no.such/Service").error() == (404, "REGISTRY_NO_SERVICE")
    assert host.rpc("good.v1.Good/Nowhere").error() == (404, "REGISTRY_NO_METHOD")
    assert host.http("POST", "/rpc/").status == 404
    assert host.http("POST", "/rpc/x").status == 404
    assert host.http("POST", "/nowhere").error() == (501, "UNIMPLEMENTED")


def test_only_post_calls(host):
    assert host.http("GET", "/rpc/" + ECHO).error() == (405, "METHOD_NOT_ALLOWED")
    assert host.http("GET", "/echo").error() == (405, "METHOD_NOT_ALLOWED")


def test_a_plugin_that_is_not_ready(host):
    assert host.http("POST", "/never").error() == (503, "PLUGIN_NOT_READY")


# ---- with a puppet: what the plugin sees, and every way to end a call


@pytest.fixture(name="puppet_host")
def puppet_host_fixture(hosts, stage):
    """A host whose only plugin is played by the test, and that puppet."""
    def begin(manifest=None, limits=None, **settings):
        host = hosts(plugins=[stage.plugin(**settings)],
                     routes=[route("/p/*rest", "puppet", timeout="20s")])
        host.start([])
        puppet = stage.newcomer()
        changes = {"manifest": manifest} if manifest else {}
        puppet.begin(**changes, **({"limits": limits} if limits else {}))
        host.wait_ready("puppet")
        return host, puppet
    return begin


def ask(host, payload=b"x", headers=(), path="/rpc/sin.v1.Sin/Do"):
    return host.connect().ask("POST", path, payload, headers)


def test_the_plugin_learns_deadline_and_request_id(puppet_host):
    host, puppet = puppet_host(timeout="30s")
    client = ask(host, b"payload", [("X-Request-Id", "r-1")])
    request = puppet.expect("request")
    assert (request.payload, request.end, request.id % 2) == (b"payload", True, 1)
    assert 0 < request.timeout_ms <= 30000
    assert ("x-request-id", "r-1") in [(pair.name, pair.value) for pair in request.metadata]
    puppet.reply(request, b"answer")
    assert client.read().body == b"answer"


def test_the_route_has_its_own_deadline(puppet_host):
    host, puppet = puppet_host(timeout="30s")
    client = host.connect().ask("GET", "/p/x")
    request, _head = puppet.request()
    assert 0 < request.timeout_ms <= 20000
    puppet.answer(request)
    assert client.read().status == 200


CODES = {1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400,
         12: 501, 13: 500, 14: 503, 15: 500, 16: 401, 17: 500, 4711: 500}


def test_each_code_has_its_status(puppet_host):
    host, puppet = puppet_host(circuit_breaker={"enabled": False})
    for code, status in CODES.items():
        client = ask(host)
        puppet.reply(puppet.expect("request"), code=code, message=f"because of {code}")
        response = client.read()
        assert response.error()[0] == response.status == status
        assert response.json()["message"] == f"because of {code}"
        client.close()


def test_a_plugin_says_when_to_come_back(puppet_host):
    host, puppet = puppet_host()
    client = ask(host)
    puppet.reply(puppet.expect("request"), code=8, retry_after_ms=6500)
    assert client.read().header("retry-after") == "7"


def test_a_message_of_strange_bytes_is_still_json(puppet_host):
    host, puppet = puppet_host()
    client = ask(host)
    puppet.reply(puppet.expect("request"), code=3, message='"\r\n\x1b[2J\\')
    assert client.read().json()["message"] == '"\r\n\x1b[2J\\'


def test_a_client_that_leaves_cancels_its_call(puppet_host):
    host, puppet = puppet_host()
    client = ask(host)
    request = puppet.expect("request")
    client.close()
    cancel = puppet.expect("cancel")
    assert (cancel.id, cancel.code) == (request.id, 1)
    puppet.reply(request, code=1)
    client = ask(host, b"next")
    request = puppet.expect("request")
    assert request.payload == b"next"
    puppet.reply(request, b"answer")
    assert client.read().body == b"answer"


def test_a_deadline_reaches_the_plugin_as_cancel(puppet_host):
    host, puppet = puppet_host(timeout="100ms")
    client = ask(host)
    request = puppet.expect("request")
    assert client.read().error() == (504, "DEADLINE_EXCEEDED")
    cancel = puppet.expect("cancel")
    assert (cancel.id, cancel.code) == (request.id, 4)
    puppet.reply(request, b"too late")
    client = ask(host, b"next")
    request = puppet.expect("request")
    puppet.reply(request, b"in time")
    assert client.read().body == b"in time"


def test_calls_are_answered_in_any_order(puppet_host):
    host, puppet = puppet_host()
    clients = [ask(host, b"%d" % number) for number in range(20)]
    requests = [puppet.expect("request") for _ in clients]
    for request in reversed(requests):
        puppet.reply(request, b"answer to " + request.payload)
    for number, client in enumerate(clients):
        assert client.read().body == b"answer to %d" % number


def test_ids_are_not_reused_while_live(puppet_host):
    host, puppet = puppet_host()
    first = ask(host)
    held = puppet.expect("request")
    seen = {held.id}
    for _ in range(50):
        client = ask(host)
        request = puppet.expect("request")
        assert request.id not in seen
        seen.add(request.id)
        puppet.reply(request)
        assert client.read().status == 200
        client.close()
    puppet.reply(held, b"at last")
    assert first.read().body == b"at last"


def test_concurrency_and_queue_are_enforced(puppet_host):
    host, puppet = puppet_host(concurrency=2, queue=1, queue_timeout="30s")
    running = {payload: ask(host, payload) for payload in (b"1", b"2")}
    requests = [puppet.expect("request") for _ in running]
    queued = ask(host, b"queued")
    wait_until(lambda: host.plugin("puppet")["calls_waiting"] == 1, "a waiting call")
    refused = ask(host).read()
    assert refused.error() == (503, "PLUGIN_OVERLOADED")
    puppet.reply(requests[0], b"first")
    assert running[requests[0].payload].read().body == b"first"
    request = puppet.expect("request")
    assert request.payload == b"queued"
    puppet.reply(request, b"done")
    assert queued.read().body == b"done"
    puppet.reply(requests[1], b"second")
    assert running[requests[1].payload].read().body == b"second"


def test_the_queue_has_its_own_patience(puppet_host):
    host, puppet = puppet_host(concurrency=1, queue_timeout="50ms")
    running = ask(host)
    request = puppet.expect("request")
    assert ask(host).read().error() == (503, "PLUGIN_OVERLOADED")
    puppet.reply(request)
    assert running.read().status == 200


def test_a_call_waits_as_long_as_the_queue_s_patience_lets_it(puppet_host):
    """Longer than one that came later and had more than the default of 250 ms."""
    host, puppet = puppet_host(concurrency=1, queue_timeout="1h")
    running = ask(host)
    request = puppet.expect("request")
    waiting = ask(host)
    wait_until(lambda: host.plugin("puppet")["calls_waiting"] == 1, "a call in the queue")
    assert ask(host, headers=[("X-Request-Timeout", "400ms")]).read().error() == (
        504, "DEADLINE_EXCEEDED")
    puppet.reply(request)
    puppet.reply(puppet.expect("request"))
    assert [running.read().status, waiting.read().status] == [200, 200]


def test_a_plugin_s_own_limit_of_calls_is_kept(puppet_host):
    host, puppet = puppet_host(limits={"max_calls": 1})
    first, second = ask(host, b"1"), ask(host, b"2")
    request = puppet.expect("request")
    puppet.reply(request, request.payload)
    replies = [first.read(), second.read()] if request.payload == b"1" else [second.read()]
    assert replies[0].status == 200


def test_requests_over_the_limit_of_messages_are_refused(puppet_host):
    host, puppet = puppet_host(max_message="64KiB")
    assert ask(host, b"x" * 70000).read().error()[0] in (413, 429)
    client = ask(host, b"x" * 1000)
    request = puppet.expect("request")
    assert len(request.payload) == 1000
    puppet.reply(request)
    assert client.read().status == 200


def test_answers_over_the_limit_of_messages_are_not_delivered(puppet_host):
    host, puppet = puppet_host(max_message="64KiB")
    client = ask(host)
    request = puppet.expect("request")
    puppet.send(response=Response(id=request.id, payload=b"x" * 40000, more=True))
    puppet.send(data=Data(id=request.id, payload=b"x" * 40000, end=True))
    response = client.read_head()
    if response.status == 200:
        with pytest.raises(AssertionError, match="ended in the middle"):
            client.read_body(response)
    else:
        assert client.read_body(response).error() == (502, "BAD_ANSWER")


@pytest.mark.parametrize("codec,media_type", [
    (BYTES, "application/octet-stream"), (JSON, "application/json"),
    (MSGPACK, "application/msgpack")])
def test_the_codec_tells_the_media_type(puppet_host, codec, media_type):
    manifest = Manifest(provides=[Service(name="c.v1.C", version="1.0.0", methods=[
        Method(number=7, name="Do", codec=codec)])])
    host, puppet = puppet_host(manifest=manifest)
    client = ask(host, path="/rpc/c.v1.C/Do")
    request = puppet.expect("request")
    assert request.method == 7
    puppet.send(response=Response(id=request.id, payload=b"{}", end=True))
    assert client.read().header("content-type") == media_type


def test_the_plugin_calls_the_host(puppet_host):
    manifest = plug.manifest()
    manifest.requires.append(Requirement(number=9, service="plugd.host.v1.Host", method="Info"))
    host, puppet = puppet_host(manifest=manifest)
    puppet.send(request=Request(id=2, method=9, end=True))
    info = InfoResponse.FromString(puppet.expect("response").payload)
    assert info.plugin_name == "puppet" and info.instance_id.startswith("puppet/1/")
    assert "sin.v1.Sin" in info.services
    assert host.http("GET", "/health/live").status == 200


# ---- the client's own deadline


@pytest.mark.parametrize("name,value,ms", [
    ("X-Request-Timeout", "7", 7000), ("X-Request-Timeout", "1500ms", 1500),
    ("grpc-timeout", "3S", 3000), ("Connect-Timeout-Ms", "2500", 2500),
    ("X-Request-Timeout", "1h", 20000)])
@pytest.mark.parametrize("path", ["/p/x", "/rpc/sin.v1.Sin/Do"])
def test_the_shortest_deadline_counts(puppet_host, path, name, value, ms):
    host, puppet = puppet_host(timeout="20s")
    client = ask(host, headers=[(name, value)], path=path)
    request = puppet.expect("request")
    assert ms - 1000 < request.timeout_ms <= ms
    puppet.reply(request)
    assert client.read().status == 200


def test_of_several_headers_the_shortest_counts(puppet_host):
    host, puppet = puppet_host()
    client = ask(host, headers=[("grpc-timeout", "10S"), ("X-Request-Timeout", "5s"),
                                ("Connect-Timeout-Ms", "15000")])
    request = puppet.expect("request")
    assert 4000 < request.timeout_ms <= 5000
    puppet.reply(request)
    assert client.read().status == 200


@pytest.mark.parametrize("name,value", [
    ("x-request-timeout", "soon"), ("grpc-timeout", "5"), ("connect-timeout-ms", "1s")])
@pytest.mark.parametrize("path", ["/p/x", "/rpc/sin.v1.Sin/Do"])
def test_a_deadline_that_is_none_is_refused_by_name(puppet_host, path, name, value):
    host, _puppet = puppet_host()
    response = ask(host, headers=[(name, value)], path=path).read()
    assert response.error() == (400, "BAD_REQUEST")
    assert name in response.json()["message"]


def test_a_client_s_deadline_ends_its_call_and_says_nothing_about_the_plugin(puppet_host):
    host, puppet = puppet_host(circuit_breaker={"failure_threshold": 1,
                                                "min_request_threshold": 1})
    client = ask(host, headers=[("X-Request-Timeout", "50ms")])
    request = puppet.expect("request")
    assert client.read().error() == (504, "DEADLINE_EXCEEDED")
    assert puppet.expect("cancel").id == request.id
    assert host.plugin("puppet")["breaker"]["state"] == "closed"
    assert ask(host, headers=[("X-Request-Timeout", "0")]).read().error() == (
        504, "DEADLINE_EXCEEDED")


def test_the_deadline_counts_from_the_arrival_of_the_request(puppet_host):
    host, puppet = puppet_host()
    client = host.connect().send(b"PUT /p/x HTTP/1.1\r\nHost: test\r\nX-Request-Timeout: 3600\r\n"
                                 b"Content-Length: 2\r\n\r\n1")
    began = host.admin("status")["uptime_ms"]
    wait_until(lambda: host.admin("status")["uptime_ms"] > began + 100, "some of the time")
    client.send(b"2")
    request = puppet.expect("request")
    assert request.timeout_ms <= 3600000 - 100
    puppet.reply(request)
    assert client.read().status == 200
