"""The PROXY protocol: who is believed, what is understood, and for whom a connection counts."""
import contextlib
import ipaddress
import json
import socket
import struct
import subprocess

import pytest

import h2_client as h2
from client import Client
from plugd import plugin, route
from tls_client import TlsClient, address_of, client_context

LOCAL = "127.0.0.1"
LIVE = "/health/live"
MIRROR = {"plugins": [plugin("good")], "routes": [route("/x/mirror", "good")]}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
OWN, FOR_CLIENT = 0x20, 0x21


def v1(client, port=52311):
    kind, to = ("TCP6", "2001:db8::ffff") if ":" in client else ("TCP4", "198.51.100.1")
    return f"PROXY {kind} {client} {to} {port} 443\r\n".encode()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def v2(client=None, port=52311, command=FOR_CLIENT, tlvs=b"", checksum=False):
    family, addresses = 0, b""
    if client:
        packed = ipaddress.ip_address(client).packed
        family = 0x11 if len(packed) == 4 else 0x21
        addresses = packed + bytes(len(packed)) + struct.pack(">HH", port, 443)
    if checksum:
        tlvs += b"\x03\0\4\0\0\0\0"
    rest = addresses + tlvs
    header = SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest
    return header[:-4] + struct.pack(">I", crc32c(header)) if checksum else header


@pytest.fixture(name="begin")
def begin_fixture(start):
    """begin(**settings): a host that believes proxies at 127.0.0.1."""
    def make(listen="proxy+http://127.0.0.1:0", **settings):
        host = start(listen=listen, **{"trusted_proxies": [LOCAL], **MIRROR, **settings})
        host.address = address_of(host)
        return host
    return make


def ask(host, header, path="/x/mirror", headers=()):
    with Client(host.address, first=header) as client:
        return client.ask("GET", path, headers=headers).read()


def is_refused(host, data, words, count=1):
    """The connection is closed without a word, and the log says why."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # before all was sent
        with Client(host.address, first=data) as client:
            assert client.is_closed()
    record = host.wait_log("proxy.refused", count=count)
    assert record["code"] == 1503 and words in record["msg"], record
    assert not host.log("http.request") and not host.log("http.refused")
    return record


# ---- who the client is


@pytest.mark.parametrize("header, peer", [
    (v1("192.0.2.7"), "192.0.2.7:52311"),
    (v1("2001:db8::1"), "[2001:db8::1]:52311"),
    (b"PROXY UNKNOWN\r\n", "unknown"),
    (v2("192.0.2.7"), "192.0.2.7:52311"),
    (v2("2001:db8::1"), "[2001:db8::1]:52311"),
    (v2("192.0.2.7", tlvs=b"\x02\0\x03abc\x04\0\0"), "192.0.2.7:52311"),
    (v2("192.0.2.7", tlvs=b"\xe0\x0f\x00" + bytes(0xf00)), "192.0.2.7:52311"),
    (v2("192.0.2.7", checksum=True), "192.0.2.7:52311"),
    (v2(), "unknown"),
])
def test_the_plugin_and_the_log_hear_of_the_client(begin, header, peer):
    host = begin()
    assert ask(host, header).json()["peer"] == peer
    assert host.wait_log("http.request")["peer"] == peer


def test_what_a_proxy_does_for_itself_is_the_proxy_s(begin):
    host = begin()
    told = ask(host, v2(command=OWN), headers=[("X-Forwarded-For", "192.0.2.9")]).json()
    assert told["peer"] == "192.0.2.9:0", "believed"
    assert ask(host, v2(command=OWN)).json()["peer"].startswith(LOCAL + ":")


@pytest.mark.parametrize("header, peer", [
    (v1("192.0.2.7"), "192.0.2.7:52311"), (v2(), "unknown"), (b"PROXY UNKNOWN\r\n", "unknown"),
    (v1("127.0.0.1"), "192.0.2.9:0")])
def test_a_client_is_not_believed_because_its_proxy_is(begin, header, peer):
    host = begin()
    told = ask(host, header, headers=[("X-Forwarded-For", "192.0.2.9")]).json()
    assert told["peer"] == peer


@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7", checksum=True)])
def test_a_header_may_come_byte_by_byte(begin, header):
    host = begin()
    with Client(host.address) as client:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header:
            client.send(bytes([byte]))
        assert client.ask("GET", "/x/mirror").read().json()["peer"] == "192.0.2.7:52311"


def test_what_follows_in_the_same_packet_is_the_request(begin):
    host = begin()
    request = f"GET {LIVE} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    with Client(host.address, first=v2("192.0.2.7") + request) as client:
        assert client.read().status == 200


@pytest.mark.parametrize("more", [[], ["--http2-prior-knowledge"]])
def test_curl_is_understood(begin, more):
    host = begin()
    done = subprocess.run(["curl", "-sS", "--haproxy-protocol", *more,
                           f"http://{host.address}/x/mirror"], capture_output=True, check=True,
                          timeout=60)
    assert json.loads(done.stdout)["peer"].startswith(LOCAL + ":")
    assert not host.log("proxy.refused")


# ---- before TLS and HTTP/2


@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7")])
@pytest.mark.parametrize("protocols", [None, ["h2"]])
def test_the_header_comes_before_tls(begin, ca, header, protocols):
    host = begin("proxy+https://127.0.0.1:0", tls={"certificates": [ca.issue().row()]})
    context = client_context(ca.pem, protocols=protocols)
    client = TlsClient(host.address, context, first=header)
    if protocols:
        with h2.H2(sock=client.sock) as session:
            told = session.answer(session.ask("GET", "/x/mirror")).json()
    else:
        told = client.ask("GET", "/x/mirror").read().json()
    client.close()
    assert (told["peer"], told["scheme"]) == ("192.0.2.7:52311", "https")


def test_http2_may_follow_without_tls(begin):
    host = begin()
    with Client(host.address, first=v1("192.0.2.7")) as client:
        with h2.H2(sock=client.sock) as session:
            told = session.answer(session.ask("GET", "/x/mirror")).json()
    assert told["peer"] == "192.0.2.7:52311"


def test_a_proxy_may_come_by_a_unix_socket(begin, tmp_path):
    host = begin(f"proxy+http://unix:{tmp_path}/http.sock", trusted_proxies=["unix"])
    assert ask(host, v1("192.0.2.7")).json()["peer"] == "192.0.2.7:52311"
    assert ask(host, v2("192.0.2.8")).json()["peer"] == "192.0.2.8:52311"


# ---- who is not believed


def test_who_is_not_trusted_is_closed_unheard(begin):
    host = begin(trusted_proxies=["127.0.0.2"])
    assert "is not in trusted_proxies" in is_refused(host, v1("192.0.2.7"), "")["msg"]
    is_refused(host, b"", "trusted_proxies", count=2)
    with socket.socket() as sock:
        sock.bind(("127.0.0.2", 0))
        where, port = host.address.split(":")
        sock.connect((where, int(port)))
        sock.sendall(v1("192.0.2.7") + f"GET {LIVE} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200")


def test_a_unix_socket_is_not_trusted_by_itself(begin, tmp_path):
    host = begin(f"proxy+http://unix:{tmp_path}/http.sock")
    is_refused(host, b"", "trusted_proxies")


@pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7")])
def test_an_address_that_asks_for_no_header_takes_none(begin, header):
    host = begin("127.0.0.1:0")
    with Client(host.address, first=header) as client:
        client.ask("GET", LIVE)
        assert client.read().status == 400
        assert client.is_closed()
    assert not host.log("http.request")
    assert "192.0.2.7:" not in str(host.wait_log("http.refused")["peer"])


@pytest.mark.parametrize("data, words", [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "does not begin with a PROXY header"),
    (b"\x16\x03\x01\x02\x00\x01", "does not begin with a PROXY header"),
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 x 443\r\n", "without two good addresses"),
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 443\nGET ", "does not end as it must"),
    (b"PROXY UNKNOWN " + b"x" * 100, "does not end as it must"),
    (v2("192.0.2.7", checksum=True)[:-1] + b"?", "wrong checksum"),
    (v2("192.0.2.7", tlvs=b"\x02\0\x04abc"), "longer than it"),
    (v2("192.0.2.7", command=0x22), "unknown version or command"),
    (v2("192.0.2.7", tlvs=b"\xe0\xff\x00" + bytes(0xff00)), "above 4096 bytes"),
])
def test_what_is_no_header_ends_the_connection(begin, data, words):
    host = begin()
    assert is_refused(host, data, words)["level"] == "warn"
    assert ask(host, v1("192.0.2.7"), LIVE).status == 200


def test_half_a_header_ends_the_connection_and_nothing_at_all_is_nothing(begin):
    host = begin()
    Client(host.address).close()
    with Client(host.address, first=v2("192.0.2.7")[:20]) as client:
        client.sock.shutdown(socket.SHUT_WR)
        assert client.is_closed()
    host.wait_log("proxy.refused")
    assert len(host.log("proxy.refused")) == 1


@pytest.mark.parametrize("data", [b"", v1("192.0.2.7")[:20], v2("192.0.2.7")[:20]])
def test_a_header_has_the_time_of_a_head(begin, data):
    host = begin(http={"read_header_timeout": "100ms"}, tls={"handshake_timeout": "5m"})
    with Client(host.address, first=data) as client:
        assert client.is_closed()


# ---- what follows from who it is


def test_connections_count_for_the_client(begin):
    host = begin(http={"max_connections_per_address": 1})
    with Client(host.address, first=v1("192.0.2.7")) as client:
        assert client.ask("GET", LIVE).read().status == 200
        with Client(host.address, first=v2("192.0.2.7")) as second:
            assert second.is_closed()
        assert host.wait_log("listener.crowded")["peer"].startswith("192.0.2.7:")
        assert ask(host, v1("192.0.2.8"), LIVE).status == 200
        with Client(host.address, first=v1("127.0.0.1")) as trusted:
            assert trusted.ask("GET", LIVE).read().status == 200
            assert ask(host, v1("127.0.0.1"), LIVE).status == 200
    with Client(host.address, first=b"PROXY UNKNOWN\r\n") as client:
        assert client.ask("GET", LIVE).read().status == 200


def test_a_place_is_free_again_when_the_client_has_left(begin):
    host = begin(http={"max_connections_per_address": 1})
    with Client(host.address, first=v1("192.0.2.7")) as client:
        assert client.ask("GET", LIVE, headers=[("Connection", "close")]).read().status == 200
        assert client.is_closed()
    host.descriptors_at_rest()
    assert ask(host, v1("192.0.2.7"), LIVE).status == 200


def test_limits_and_lists_hold_for_the_client(begin):
    host = begin(http={"deny": ["192.0.2.66"], "rate_limit": {"per_second": 1, "burst": 1}})
    assert ask(host, v1("192.0.2.66")).error() == (403, "ADDRESS_FORBIDDEN")
    with Client(host.address, first=v1("192.0.2.7")) as client:
        client.ask("GET", "/x/mirror").ask("GET", "/x/mirror")
        assert [client.read().status for _ in range(2)] == [200, 429]
    assert ask(host, v2("192.0.2.8")).status == 200


# ---- configuration


def test_a_reload_says_what_is_spoken_from_now_on(begin, tmp_path):
    where = f"unix:{tmp_path}/http.sock"
    host = begin(where, trusted_proxies=["unix"])
    with host.connect() as before:
        assert before.ask("GET", LIVE).read().status == 200
        host.settings["listen"] = f"proxy+http://{where}"
        host.write_config()
        with host.order("reload") as order:
            assert order.reply()["ok"]
        assert before.ask("GET", LIVE).read().status == 200
    assert ask(host, v1("192.0.2.7")).json()["peer"] == "192.0.2.7:52311"


def test_nobody_could_come_without_trusted_proxies(hosts):
    host = hosts(listen="proxy+http://127.0.0.1:0")
    host.write_config()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    assert b"add trusted_proxies" in b"".join(host.noise)
