"""Certificates: which one a client is shown, which ones start a host, what a reload makes of new
ones, and what becomes of clients that are asked for theirs.
"""
import json
import os
import pathlib
import re
import ssl
import subprocess

import pytest

from certificates import Authority, openssl, self_signed
from plugd import PLUGD
from tls_client import TlsClient, address_of, client_context, s_client

LIVE = "/health/live"


@pytest.fixture(name="ca")
def ca_fixture(tmp_path):
    """One for each test: some revoke what it has issued."""
    return Authority(tmp_path)


@pytest.fixture(name="serve")
def serve_fixture(hosts):
    """serve(pair, …): a host that shows these."""
    def serve(*pairs, start=True, **tls):
        rows = [row if isinstance(row, dict) else row.row() for row in pairs]
        host = hosts(listen="https://127.0.0.1:0", tls={"certificates": rows, **tls})
        return host.start() if start else host
    return serve


def shown(host, ca, name):
    """The common name of what a client is shown that asks for that name."""
    context = client_context(ca.pem)
    context.check_hostname = False
    with TlsClient(address_of(host), context, name) as client:
        assert client.ask("GET", LIVE).read().status == 200
        return dict(row[0] for row in client.sock.getpeercert()["subject"])["commonName"]


def ask(host, context, session=None):
    """A request; (the fields of its line in the log, the session, whether it was resumed)."""
    with TlsClient(address_of(host), context, session=session) as client:
        count = len(host.log("http.request")) + 1
        assert client.ask("GET", LIVE).read().status == 200
        return (host.wait_log("http.request", count=count), client.sock.session,
                client.sock.session_reused)


def reload(host, refused=None, **changes):
    """Another configuration, or the same with other files; `refused`: the number of its error."""
    host.settings["tls"] = {**host.settings["tls"], **changes}
    host.write_config()
    with host.order("reload") as order:
        reply = order.reply()
    assert reply["ok"] == (refused is None), reply
    assert refused is None or reply["error"]["code"] == refused, reply


def fails_to_start(host, code):
    """The sentence that tells why."""
    host.write_config()
    host.write_whitelist()
    host.launch()
    assert host.wait_exit() != 0
    record = host.log("host.failed")[0]
    assert record["code"] == code, record
    return record["msg"]


def check(host):
    """What --check says: (exit status, text)."""
    host.write_config()
    done = subprocess.run([PLUGD, "--check", "--config", str(host.config)], capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# ---- the documentation


def test_the_documentation_is_followed_to_the_letter(hosts, tmp_path):
    """The first of docs/EDGE.md on TLS, configuration and commands; only the ports are others."""
    text = (pathlib.Path(os.environ["SOURCE_DIR"]) / "docs/EDGE.md").read_text()
    text = text.split("\n## TLS\n")[1]
    yaml = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    make, look = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[:2]
    subprocess.run(["sh", "-e", "-c", make], cwd=tmp_path, check=True, capture_output=True)
    host = hosts()
    host.config = tmp_path / "plugd.yaml"
    more = {"log": {"format": "json"}, "admin": {"socket": str(host.socket)}}
    yaml = yaml.replace(":8443", ":0").replace("127.0.0.1:8080", "127.0.0.2:0")
    host.config.write_text(yaml + "".join(
        f"{key}: {json.dumps(value)}\n" for key, value in more.items()))
    host.start()
    port = host.address.rsplit(":", 1)[1]
    done = subprocess.run(["sh", "-e", "-c", look.replace("8443", port)], cwd=tmp_path, check=False,
                          capture_output=True)
    assert done.returncode == 0 and b"live" in done.stdout, (done.stdout, done.stderr)


# ---- names


def test_a_client_is_shown_the_certificate_that_it_asks_for(serve, ca):
    host = serve(ca.issue("first", ["DNS:first.example"]),
                 ca.issue("star", ["DNS:*.second.example", "DNS:second.example"], kind="rsa"),
                 ca.issue("exact", ["DNS:www.second.example"], kind="ec"),
                 ca.issue("given").row(names=["given.example", "*.given.example"]))
    for name, expected in [("first.example", "first"), ("second.example", "star"),
                           ("api.second.example", "star"), ("WWW.Second.Example", "exact"),
                           ("a.b.second.example", "first"), ("x.given.example", "given"),
                           ("localhost", "first"), (None, "first")]:
        assert shown(host, ca, name) == expected, name


def test_a_client_that_asks_for_an_unknown_name_can_be_refused(serve, ca):
    host = serve(ca.issue("first", ["DNS:first.example"]), unknown_name="refuse")
    assert shown(host, ca, "first.example") == "first"
    assert shown(host, ca, None) == "first"
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        shown(host, ca, "other.example")


def test_the_chain_that_is_sent_is_the_one_in_the_file(serve, ca):
    """Not one that is made up from the CAs of clients."""
    for chain, count in [(True, 2), (False, 1)]:
        host = serve(ca.issue(chain=chain), client_certificates="optional", client_ca=str(ca.pem))
        told = s_client(address_of(host), "-showcerts")
        assert told.count("-----BEGIN CERTIFICATE-----") == count, told


def test_a_client_sees_a_certificate_for_another_name(serve, ca):
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        ask(serve(ca.issue("first", ["DNS:first.example"])), client_context(ca.pem))


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_keys_of_each_kind_serve(serve, ca, kind, version):
    if (kind, version) == ("ed25519", "1.2"):
        pytest.skip("Python's client offers no Ed25519 to TLS 1.2")
    assert ask(serve(ca.issue(kind=kind)), client_context(ca.pem, version))


# ---- what can't serve


def test_keys_that_others_can_read_are_refused(serve, ca):
    pair = ca.issue()
    os.chmod(pair.key, 0o644)
    assert "chmod 600" in fails_to_start(serve(pair, start=False), 1311)


def test_certificates_are_looked_at_by_check_too(serve, ca):
    pair = ca.issue()
    host = serve(pair, start=False)
    host.write_whitelist()
    assert check(host) == (0, f"{host.config}: no errors\n")
    os.chmod(pair.key, 0o644)
    status, text = check(host)
    assert status == 1 and str(pair.key) in text and "[1311]" in text, text


def test_a_key_must_be_that_of_its_certificate(serve, ca):
    one, other = ca.issue(), ca.issue()
    row = {"certificate": str(one.certificate), "key": str(other.key)}
    assert "not the key of" in fails_to_start(serve(row, start=False), 1311)


@pytest.mark.parametrize("kind", ["weak", "secp224r1"])
def test_weak_keys_are_refused(serve, ca, kind):
    assert "weak" in fails_to_start(serve(ca.issue(kind=kind), start=False), 1311)


def test_a_key_with_a_passphrase_is_refused_and_nobody_asked(serve, ca):
    pair = ca.issue()
    openssl("ec", "-aes256", "-passout", "pass:x", "-in", pair.key, "-out", pair.key)
    assert "without a passphrase" in fails_to_start(serve(pair, start=False), 1311)


@pytest.mark.parametrize("what", ["missing", "empty", "garbage", "broken chain", "directory"])
def test_what_is_no_certificate_is_refused(serve, ca, tmp_path, what):
    pair = ca.issue()
    if what == "missing":
        pair.certificate.unlink()
    elif what == "directory":
        pair.certificate = tmp_path
    else:
        text = pair.certificate.read_text()
        pair.certificate.write_text({"empty": "", "garbage": "hello",
                                     "broken chain": text[:-200]}[what])
    assert str(pair.certificate) in fails_to_start(serve(pair, start=False), 1310)


@pytest.mark.parametrize("start, end, word", [(-10, -1, "expired"), (1, 10, "not valid yet")])
def test_a_certificate_out_of_its_time_serves_with_a_warning(serve, ca, start, end, word):
    host = serve(ca.issue(start=start, end=end))
    assert word in host.wait_log("tls.certificate_time")["msg"]
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(host, client_context(ca.pem))


# ---- reload


def test_new_certificates_are_shown_and_nobody_is_disturbed(serve, ca):
    pair, other = ca.issue("old", ["DNS:localhost"]), ca.issue("new", ["DNS:localhost"])
    host = serve(pair)
    with TlsClient(address_of(host), client_context(ca.pem)) as client:
        assert client.ask("GET", LIVE).read().status == 200
        os.replace(other.certificate, pair.certificate)
        os.replace(other.key, pair.key)
        reload(host)
        assert shown(host, ca, "localhost") == "new"
        assert client.ask("GET", LIVE).read().status == 200


def test_new_certificates_are_good_as_a_whole_or_the_old_ones_stay(serve, ca):
    first, second = ca.issue("first", ["DNS:first.example"]), ca.issue("second", ["DNS:b.example"])
    new, good_key = ca.issue("new", ["DNS:first.example"]), second.key.read_bytes()
    host = serve(first, second)
    os.replace(new.certificate, first.certificate)
    os.replace(new.key, first.key)
    second.key.write_bytes(b"nonsense")
    reload(host, refused=1311)
    assert shown(host, ca, "first.example") == "first"
    second.key.write_bytes(good_key)
    reload(host)
    assert shown(host, ca, "first.example") == "new"


def test_an_address_can_go_over_to_tls_and_back(hosts, ca):
    """The socket stays, and with it the port that the kernel has chosen."""
    host = hosts(tls={"certificates": [ca.issue().row()]}).start()
    host.settings["listen"] = "https://127.0.0.1:0"
    reload(host)
    ask(host, client_context(ca.pem))
    host.settings["listen"] = "http://127.0.0.1:0"
    reload(host)
    assert host.http("GET", LIVE).status == 200


def test_sessions_outlive_a_reload_of_certificates(serve, ca):
    pair = ca.issue()
    host, context = serve(pair), client_context(ca.pem)
    _, session, _ = ask(host, context)
    reload(host, certificates=[ca.issue().row()])
    assert ask(host, context, session)[2]
    reload(host, session_tickets=False)
    assert not ask(host, context, session)[2]


# ---- certificates of clients


def refused(host, context, match):
    """In 1.3 a client believes that it is served until it reads."""
    with pytest.raises((ssl.SSLError, ConnectionResetError), match=match):
        ask(host, context)


def test_a_client_is_verified_and_named(serve, ca, tmp_path):
    clients = Authority(tmp_path, "clients")
    batch = clients.issue("batch", ["DNS:batch.example", "URI:spiffe://example/batch"])
    for version in ("1.2", "1.3"):
        host = serve(ca.issue(), client_certificates="required", client_ca=str(clients.pem))
        record, session, _ = ask(host, client_context(ca.pem, version, batch))
        assert record["client"] == "CN=batch"
        context = client_context(ca.pem, version, batch)
        _, session, _ = ask(host, context)
        record, _, resumed = ask(host, context, session)
        assert resumed and record["client"] == "CN=batch"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_clients_that_can_not_be_verified_are_refused(serve, ca, tmp_path, version):
    clients, strangers = Authority(tmp_path, "clients"), Authority(tmp_path, "strangers")
    for mode in ("optional", "required"):
        host = serve(ca.issue(), client_certificates=mode, client_ca=str(clients.pem))
        for certificate, why in [
                (self_signed(tmp_path), "unknown ca"),
                (strangers.issue("batch"), "unknown ca"),  # of a CA with the same name
                (clients.issue("batch", start=-9, end=-1), "certificate expired"),
                (clients.issue("batch", start=1, end=9), "bad certificate"),
                (clients.issue("batch", usage="serverAuth"), "unsupported certificate")]:
            if mode == "optional" and why != "unknown ca":
                continue
            refused(host, client_context(ca.pem, version, certificate), why)
        nobody = client_context(ca.pem, version)
        if mode == "required":
            refused(host, nobody, "certificate required|handshake failure")
        else:
            assert "client" not in ask(host, nobody)[0]


def test_nobody_is_named_who_was_not_asked(serve, ca):
    host = serve(ca.issue())
    assert "client" not in ask(host, client_context(ca.pem, certificate=ca.issue("batch")))[0]


def test_a_client_that_was_revoked_is_refused_also_with_a_ticket(serve, ca, tmp_path):
    clients = Authority(tmp_path, "clients")
    good, bad = clients.issue("good"), clients.issue("bad")
    host = serve(ca.issue(), client_certificates="required", client_ca=str(clients.pem),
                 client_crl=str(clients.crl()))
    contexts = {pair: client_context(ca.pem, certificate=pair) for pair in (good, bad)}
    sessions = {pair: ask(host, context)[1] for pair, context in contexts.items()}
    assert ask(host, contexts[bad], sessions[bad])[2]
    clients.revoke(bad)
    clients.crl()
    reload(host)
    with pytest.raises(ssl.SSLError, match="certificate revoked"):
        ask(host, contexts[bad], sessions[bad])
    record, _, resumed = ask(host, contexts[good], sessions[good])
    assert record["client"] == "CN=good" and not resumed


def test_a_list_that_has_expired_or_is_another_ca_s_lets_nobody_in(serve, ca, tmp_path):
    clients = Authority(tmp_path, "clients")
    context = client_context(ca.pem, certificate=clients.issue("batch"))
    old = clients.crl("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z")
    host = serve(ca.issue(), client_certificates="optional", client_ca=str(clients.pem),
                 client_crl=str(old))
    assert host.wait_log("tls.crl_expired")
    refused(host, context, "certificate|unknown ca")
    reload(host, client_crl=str(Authority(tmp_path, "x", "/CN=another").crl()))
    refused(host, context, "certificate|unknown ca")


def test_files_about_clients_are_checked(serve, ca, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text(ca.pem.read_text() * 2 + "-----BEGIN CERTIFICATE-----\nnonsense\n")
    host = serve(ca.issue(), start=False, client_certificates="required", client_ca=str(broken))
    assert "number 3 is no certificate" in fails_to_start(host, 1312)
    host = serve(ca.issue(), start=False, client_certificates="required", client_ca=str(ca.pem),
                 client_crl=str(ca.pem))
    assert "revocation list" in fails_to_start(host, 1312)


# ---- OCSP


def test_an_ocsp_response_is_handed_to_clients_that_ask(serve, ca, tmp_path):
    pair = ca.issue()
    response = ca.ocsp(pair, tmp_path / "response.der")
    host = serve(pair.row(ocsp=str(response)))
    told = s_client(address_of(host), "-status", "-CAfile", ca.pem)
    assert "OCSP Response Status: successful" in told and "Cert Status: good" in told, told
    reload(host, certificates=[pair.row()])
    assert "OCSP response: no response sent" in s_client(address_of(host), "-status")


def test_an_ocsp_response_that_has_expired_is_not_handed_out(serve, ca, tmp_path):
    pair = ca.issue()
    response = ca.ocsp(pair, tmp_path / "response.der", days=-10)
    host = serve(pair.row(ocsp=str(response)))
    assert host.wait_log("tls.ocsp_expired")
    assert "OCSP response: no response sent" in s_client(address_of(host), "-status")


def test_an_ocsp_response_must_be_about_the_certificate_and_of_its_ca(serve, ca, tmp_path):
    pair, other, strangers = ca.issue(), ca.issue(), Authority(tmp_path, "strangers")
    for name in ("index.txt", "index.txt.attr"):
        (strangers.directory / name).write_bytes((ca.directory / name).read_bytes())
    wrong = ca.ocsp(other, tmp_path / "other.der")
    assert "another certificate" in fails_to_start(
        serve(pair.row(ocsp=str(wrong)), start=False), 1313)
    forged = strangers.ocsp(pair, tmp_path / "forged.der")
    assert "not signed by" in fails_to_start(serve(pair.row(ocsp=str(forged)), start=False), 1313)
    (tmp_path / "garbage").write_text("hello")
    assert "not an OCSP response" in fails_to_start(
        serve(pair.row(ocsp=str(tmp_path / "garbage")), start=False), 1313)
    alone = ca.issue(chain=False)
    response = ca.ocsp(alone, tmp_path / "alone.der")
    assert "lacks the certificate of its issuer" in fails_to_start(
        serve(alone.row(ocsp=str(response)), start=False), 1313)
