"""HTTP over TLS, as clients and attackers speak it."""
import socket
import ssl

import pytest

from client import Client
from plugd import plugin, route, wait_until
from tls_client import Records, TlsClient, address_of, client_context, s_client

LIVE = "/health/live"
REQUEST = f"GET {LIVE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.fixture(scope="module", name="pair")
def pair_fixture(ca):
    return ca.issue()


@pytest.fixture(name="serve")
def serve_fixture(start, pair):
    """serve(min_version=…): a host that speaks TLS and has a good plugin on /x."""
    def serve(http=None, listen="https://127.0.0.1:0", **tls):
        return start(listen=listen, http=http or {}, plugins=[plugin("good")],
                     tls={"certificates": [pair.row()], **tls}, routes=[route("/x/*rest", "good")])
    return serve


@pytest.fixture(name="connect")
def connect_fixture(ca):
    """connect(host, version="1.2"): a client that has shaken hands."""
    opened = []

    def connect(host, name="localhost", session=None, receive_buffer=None, **context):
        opened.append(TlsClient(address_of(host), client_context(ca.pem, **context), name, session,
                                receive_buffer))
        return opened[-1]
    yield connect
    for client in opened:
        client.close()


# ---- versions, suites, protocols


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_requests_are_answered_over_each_version(serve, connect, version):
    host = serve()
    client = connect(host, version=version)
    for count in (1, 2):
        assert client.ask("GET", LIVE).read().status == 200
        assert host.wait_log("http.request", count=count)["tls"] == f"TLSv{version}"
    told = client.ask("GET", "/x/mirror").read().json()
    assert told["scheme"] == "https", told


def test_older_versions_are_refused(serve, ca):
    host = serve()
    context = client_context(ca.pem, ciphers="DEFAULT:@SECLEVEL=0", version="1.1")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        TlsClient(address_of(host), context)
    assert host.wait_log("tls.handshake_failed")["peer"].startswith("127.0.0.1:")


def test_the_least_version_is_a_setting(serve, connect):
    host = serve(min_version="1.3")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        connect(host, version="1.2")
    assert connect(host, version="1.3").ask("GET", LIVE).read().status == 200


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
                                    "DHE-RSA-AES128-GCM-SHA256"])
def test_suites_without_forward_secrecy_or_authentication_are_refused(serve, connect, cipher):
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        connect(serve(), version="1.2", ciphers=cipher)


def test_our_order_of_suites_counts(serve, connect):
    client = connect(serve(), version="1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384:"
                                                     "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert client.sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_a_protocol_is_agreed_on_or_the_handshake_fails(serve, connect):
    host = serve()
    client = connect(host, protocols=["x", "http/1.1"])
    assert client.sock.selected_alpn_protocol() == "http/1.1"
    assert client.ask("GET", LIVE).read().status == 200
    assert connect(host).sock.selected_alpn_protocol() is None
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        connect(host, protocols=["x"])


def test_renegotiation_is_refused_and_early_data_not_offered(serve, ca):
    address = address_of(serve())
    told = s_client(address, "-tls1_2", "-CAfile", ca.pem, send=b"R\n")
    assert "RENEGOTIATING" in told and "no renegotiation" in told, told
    told = s_client(address, "-tls1_3", "-CAfile", ca.pem, "-ign_eof", send=REQUEST.replace(
        b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert "Max Early Data: 0" in told and "Verify return code: 0" in told, told
    assert "Compression: NONE" in told


# ---- ends


def test_both_ends_are_said(serve, ca):
    """A client that says that it sends nothing more still gets its answer, and the end of it."""
    for version in ("1.2", "1.3"):
        with Records(address_of(serve()), client_context(ca.pem, version)) as client:
            client.greet().send(REQUEST)
            client.say_end()
            assert client.read().status == 200
            assert client.is_closed()


def test_a_connection_that_is_to_close_says_so(serve, connect):
    client = connect(serve())
    client.ask("GET", LIVE, headers=[("Connection", "close")])
    assert client.read().status == 200
    assert client.sock.recv(1) == b""  # no SSLEOFError


def test_a_body_that_is_cut_off_is_no_body(serve, ca):
    """Whoever cuts the connection can't make a request look complete."""
    host = serve()
    with Records(address_of(host), client_context(ca.pem, "1.2")) as client:
        client.greet().send(b"POST /x/mirror HTTP/1.1\r\nHost: a\r\nX-Request-Id: cut-1\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        assert host.wait_log("http.request", id="cut-1")["outcome"] == "CANCELLED"
        assert client.sock.recv(1) == b""  # no answer, and no close_notify


# ---- who doesn't speak it


@pytest.mark.parametrize("method", ["GET", "DELETE", "PRI"])
def test_plain_http_is_told_to_speak_https(serve, method):
    with Client(address_of(serve())) as client:
        client.send(f"{method} /health/live HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        answer = client.read()
        assert answer.status == 400 and "https://" in answer.json()["message"], answer
        assert client.is_closed()


def test_tls_is_told_to_speak_plain_http(start):
    host = start()
    with Client(host.address) as client:
        client.send(bytes.fromhex("160301010001") + bytes(100))
        answer = client.read()
        assert answer.status == 400 and "http://" in answer.json()["message"], answer
        assert client.is_closed()


def test_garbage_ends_and_harms_nobody(serve, connect):
    host = serve()
    for garbage in (b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\x80\x2e\x01\x00\x02",
                    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x17\x03\x03\x00\x00" * 1000,
                    b"\x15\x03\x03\x00\x02\x01\x00" * 1000, b"\xff"):
        with Client(address_of(host)) as client:
            client.send(garbage)
            client.sock.shutdown(socket.SHUT_WR)
            try:
                client.read_rest()
            except ConnectionResetError:
                pass
    assert connect(host).ask("GET", LIVE).read().status == 200


def test_a_record_that_was_tampered_with_ends_the_connection(serve, ca):
    host = serve()
    with Records(address_of(host), client_context(ca.pem)) as client:
        client.greet()
        client.tls.write(REQUEST)
        record = bytearray(client.outgoing.read())
        record[-1] ^= 1
        client.sock.sendall(record)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            client.fill()
    assert host.wait_log("tls.failed") and not host.log("http.request")


# ---- time and space


def test_half_a_handshake_has_its_time_and_harms_nobody(serve, connect, ca):
    host = serve(handshake_timeout="200ms",
                 http={"read_header_timeout": "1h", "idle_timeout": "1h"})
    with Records(address_of(host), client_context(ca.pem)) as greeting:
        with pytest.raises(ssl.SSLWantReadError):
            greeting.tls.do_handshake()
        hello = greeting.outgoing.read()
    halves = [Client(address_of(host)) for _ in range(200)]
    for index, half in enumerate(halves):
        half.send(hello if index % 4 == 0 else hello[:index])
        if index % 20 == 0:
            assert connect(host).ask("GET", LIVE).read().status == 200
    for half in halves:
        try:
            half.read_rest()
        except ConnectionResetError:
            pass  # it sent when its time was over
        half.close()
    wait_until(lambda: host.admin("status")["connections"] <= 10, "the end of all halves")


def test_a_client_that_has_shaken_hands_is_not_timed_by_that(serve, connect):
    host = serve(handshake_timeout="100ms", http={"idle_timeout": "1h"})
    client = connect(host)
    with Client(address_of(host)) as mute:
        assert mute.is_closed()  # its time is over, and so would be that of the other
    assert client.ask("GET", LIVE).read().status == 200


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_large_bodies_come_through_both_ways(serve, connect, version):
    host = serve(http={"body_limit": "64MiB"})
    body = bytes(range(256)) * (32 << 12)  # 32 MiB
    client = connect(host, version=version)
    told = client.ask("POST", "/x/mirror", body).read().json()
    assert told["body_length"] == len(body), told
    client.ask("GET", f"/x/download/{len(body)}")
    assert len(client.read().body) == len(body)
    assert client.ask("GET", LIVE).read().status == 200


def test_a_slow_reader_holds_back_itself_alone(serve, connect):
    host = serve()
    slow = connect(host, receive_buffer=4096)
    slow.ask("GET", "/x/download/50000000")
    answer = slow.read_head()
    for _ in range(20):
        assert connect(host).ask("GET", LIVE).read().status == 200
    assert not host.log("http.request", target="/x/download/50000000")
    assert len(slow.read_body(answer).body) == 50000000


def test_who_takes_nothing_is_given_up(serve, connect):
    host = serve(http={"write_timeout": "200ms"})
    connect(host, receive_buffer=4096).ask("GET", "/x/download/50000000")
    assert host.wait_log("http.request", target="/x/download/50000000")["outcome"] != "OK"


def test_many_requests_in_one_record_and_one_in_many(serve, ca):
    with Records(address_of(serve()), client_context(ca.pem)) as client:
        client.greet().send(REQUEST * 50)
        for _ in range(50):
            assert client.read().status == 200
        for byte in REQUEST:
            client.send(bytes([byte]))
        assert client.read().status == 200
        wire = bytearray()
        client.tls.write(REQUEST)
        wire += client.outgoing.read()
        for byte in wire:
            client.sock.sendall(bytes([byte]))
        assert client.read().status == 200


# ---- sessions


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tickets", [True, False])
def test_a_session_is_resumed_if_tickets_are_on(serve, ca, version, tickets):
    host = serve(session_tickets=tickets)
    context = client_context(ca.pem, version)
    with TlsClient(address_of(host), context) as first:
        assert first.ask("GET", LIVE).read().status == 200
        session = first.sock.session
    with TlsClient(address_of(host), context, session=session) as second:
        assert second.ask("GET", LIVE).read().status == 200
        assert second.sock.session_reused == tickets


# ---- the end of the host


def test_a_stop_waits_for_what_is_in_flight_and_closes_in_order(serve, connect):
    host = serve()
    idle, busy = connect(host), connect(host, receive_buffer=4096)
    greeting = Client(address_of(host))
    assert idle.ask("GET", LIVE).read().status == 200
    answer = busy.ask("GET", "/x/download/20000000").read_head()
    host.process.terminate()
    assert idle.sock.recv(1) == b""  # close_notify
    greeting.close()
    assert len(busy.read_body(answer).body) == 20000000
    assert busy.sock.recv(1) == b""
    assert host.wait_exit() == 0
