"""Large bodies: back-pressure from end to end, bounded memory, and nobody else is delayed."""
import hashlib
import threading

import pytest

import http_pb2
import plug
from plugd import plugin, route, wait_until
from plugd_pb2 import Cancel, Credit, Data, Request, Requirement

ECHO = "good.v1.Good/Echo"
LARGE = 128 << 20
WINDOW = 256 << 10  # of a call
ROOM = 32 << 20  # for all windows, buffers and the sanitizers' own


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts):
    return shared_hosts(
        plugins=[plugin("good", timeout="10m"), plugin("good", "other.v1.Other", name="other",
                                                       transport="socketpair", timeout="10m")],
        routes=[route("/x/*rest", "good", body_limit="1GiB"), route("/other/*rest", "other",
                                                                     body_limit="1GiB")],
        http={"read_timeout": "10m", "write_timeout": "10m"},
    ).start()


def upload(client, path, count, block=bytes(range(256)) * 256):
    """Sends a body of that many blocks from a thread; returns the thread and the body's digest."""
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(block)

    def send():
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {count * len(block)}\r\n\r\n"
        client.send(head.encode())
        for _ in range(count):
            client.send(block)

    thread = threading.Thread(target=send)
    thread.start()
    return thread, digest.hexdigest()


@pytest.mark.parametrize("base", ["/x", "/other"])
def test_a_client_that_does_not_read_holds_its_plugin_back(host, base):
    before = host.rss()
    with host.connect() as client:
        client.ask("GET", f"{base}/download/{LARGE}")
        response = client.read_head()
        # Others are served meanwhile, by the same plugin and by the host.
        for _ in range(100):
            assert host.rpc(ECHO, b"small").body == b"small"
        assert host.plugin("good" if base == "/x" else "other")["calls_running"] == 1
        assert host.rss() < before + ROOM
        assert len(client.read_body(response).body) == LARGE
    assert host.rss() < before + ROOM


@pytest.mark.parametrize("base", ["/x", "/other"])
def test_a_large_body_passes_both_ways_unchanged(host, base):
    before = host.rss()
    with host.connect() as client:
        thread, digest = upload(client, base + "/echo", LARGE // 65536)
        response = client.read_head()
        got = hashlib.sha256()
        for chunk in client.read_chunks():
            got.update(chunk)
            assert host.process.poll() is None
        thread.join()
    assert response.status == 200 and got.hexdigest() == digest
    assert host.rss() < before + ROOM


def test_a_large_upload_is_read_once(host):
    with host.connect() as client:
        thread, digest = upload(client, "/x/mirror", LARGE // 65536)
        seen = client.read().json()
        thread.join()
    assert (seen["body_length"], seen["body_sha256"]) == (LARGE, digest)


def test_many_bodies_at_once(host):
    clients = [host.connect() for _ in range(40)]
    uploads = [upload(client, "/x/echo", 16, bytes([index]) * 65536)
               for index, client in enumerate(clients)]
    for client, (thread, digest) in zip(clients, uploads):
        assert hashlib.sha256(client.read().body).hexdigest() == digest
        thread.join()
        client.close()


def test_a_client_that_leaves_in_the_middle_frees_the_plugin(host):
    for path in (f"/x/download/{LARGE}", "/x/echo"):
        with host.connect() as client:
            client.send(f"POST {path} HTTP/1.1\r\nHost: t\r\n".encode())
            client.send(b"Content-Length: 9999999\r\n\r\n" + b"x" * 100000)
            client.read_head()
    wait_until(lambda: host.plugin("good")["calls_running"] == 0, "no call in flight")
    wait_until(lambda: host.instances("good")[0]["calls_live"] == 0, "no call at the plugin")
    assert host.rpc(ECHO, b"x").body == b"x"


# ---- windows, frame by frame


@pytest.fixture(name="puppet_host")
def puppet_host_fixture(hosts, stage):
    host = hosts(plugins=[stage.plugin(timeout="10m"), plugin("good")],
                 routes=[route("/p/*rest", "puppet", body_limit="1GiB")],
                 http={"read_timeout": "10m", "write_timeout": "10m"})
    host.start([])
    manifest = plug.manifest()
    manifest.requires.append(Requirement(number=1, service="plugd.host.v1.Host", method="Info"))
    puppet = stage.puppet(manifest=manifest)
    host.wait_ready("puppet")
    host.wait_ready("good")
    return host, puppet


def credit_until(puppet, kind, call_id):
    """Reads until a frame of that kind comes; returns the credit that the call got before it."""
    credit = 0
    while (frame := puppet.read()).WhichOneof("kind") != kind:
        assert frame.WhichOneof("kind") == "credit", frame
        if frame.credit.id == call_id:
            credit += frame.credit.bytes
    return credit


def test_credit_ends_when_the_client_does_not_read(puppet_host):
    host, puppet = puppet_host
    with host.connect() as client:
        client.ask("GET", "/p/x")
        frame, _head = puppet.request()
        puppet.answer(frame, end=False)
        assert client.read_head().status == 200
        block = http_pb2.Response(body=b"x" * 32000).SerializeToString()
        sent, credit, asked = 0, WINDOW - 100, 0  # the head took some
        while credit >= len(block):
            while credit >= len(block):
                puppet.send(data=Data(id=frame.id, payload=block))
                credit -= len(block)
                sent += len(block)
            assert sent < ROOM
            # A question of our own is answered after all that was sent has been taken.
            asked += 2
            puppet.send(request=Request(id=asked, method=1, end=True))
            credit += credit_until(puppet, "response", frame.id)
        assert host.rpc(ECHO, b"small").body == b"small"
    credit_until(puppet, "cancel", frame.id)


def test_a_plugin_without_credit_to_give_holds_its_client_back(puppet_host):
    host, puppet = puppet_host
    before = host.rss()
    with host.connect() as client:
        thread, _digest = upload(client, "/p/x", 1024)
        frame = puppet.expect("request")
        got = len(frame.payload)
        while got < WINDOW:
            got += len(puppet.expect("data").payload)
        assert got == WINDOW  # and not a byte more
        assert host.rpc(ECHO, b"small").body == b"small"
        assert host.rss() < before + ROOM
        assert thread.is_alive()
        end = False
        while not end:
            puppet.send(credit=Credit(id=frame.id, bytes=got))
            puppet.send(credit=Credit(id=0, bytes=got))
            got = 0
            while got < WINDOW and not end:
                data = puppet.expect("data")
                got += len(data.payload)
                end = data.end
        thread.join()
        puppet.answer(frame, b"done")
        assert client.read().body == b"done"


def test_an_answer_may_come_before_the_body_has_gone(puppet_host):
    host, puppet = puppet_host
    with host.connect() as client:
        client.send(b"POST /p/x HTTP/1.1\r\nHost: t\r\nContent-Length: 100000000\r\n\r\n")
        client.send(b"x" * 300000)
        frame = puppet.expect("request")
        puppet.answer(frame, b"enough", status=413)
        assert client.read().body == b"enough"
    while (came := puppet.read().WhichOneof("kind")) != "cancel":
        assert came in ("data", "credit")
    assert host.rpc(ECHO, b"x").body == b"x"


def test_a_plugin_that_takes_its_answer_back_cuts_it_visibly(puppet_host):
    host, puppet = puppet_host
    with host.connect() as client:
        client.ask("GET", "/p/x")
        frame, _head = puppet.request()
        puppet.answer(frame, b"the beginning", end=False)
        response = client.read_head()
        puppet.send(cancel=Cancel(id=frame.id, code=13, reason="the disk is on fire"))
        with pytest.raises(AssertionError, match="ended in the middle"):
            client.read_body(response)
    line = host.wait_log("http.request", target="/p/x")
    assert line["outcome"] == "INTERNAL"


def test_small_calls_pass_large_ones_on_one_channel(puppet_host):
    host, puppet = puppet_host
    with host.connect() as large, host.connect() as small:
        large.ask("POST", "/p/large", b"x" * 200000)
        first = puppet.expect("request")
        small.ask("POST", "/rpc/sin.v1.Sin/Do", b"small")
        frame = puppet.read()
        while frame.WhichOneof("kind") != "request":
            frame = puppet.read()
        puppet.reply(frame.request, b"passed")
        assert small.read().body == b"passed"
        puppet.answer(first, b"at last")
        assert large.read().body == b"at last"
