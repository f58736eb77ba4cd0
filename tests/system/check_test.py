"""`plugd --check` opens the files that a start opens, makes none, and says what a start says.
"""
import json
import os
import subprocess

import pytest

from certificates import Authority
from plugd import PLUGD

HEAD = """\
listen: ["127.0.0.1:0"]
admin: {socket: admin.sock}
"""
ISSUER = "identity: {jwt: {issuers: [{issuer: a, audiences: a, %s}]}}\n"
LOG = "log: {format: json}\n"


@pytest.fixture(name="host")
def host_fixture(hosts, tmp_path):
    """A host with a file of its own making; its files lie beside that."""
    host = hosts()
    host.config = tmp_path / "plugd.yaml"
    return host


def check(host):
    """What --check says: (exit status, text)."""
    done = subprocess.run([PLUGD, "--check", "--config", str(host.config)], capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout + done.stderr


CERTIFICATES = "tls: {certificates: [{certificate: %s, key: %s}]%s}\n"
CLIENTS = ", client_certificates: required, client_ca: %s"
FILES = [
    (LOG + "routes: [{path: /*file, static: nowhere}]\n", "4: routes[0].static",
     "nowhere can't be opened: No such file"),
    (LOG + "routes: [{path: /*file, static: {directory: file}}]\n", "4: routes[0].static.directory",
     "file can't be opened: Not a"),
    (LOG + "routes: [{path: /*file, group: a}]\ngroups: [{name: a, static: nowhere}]\n",
     "5: groups[0].static", "nowhere can't be opened: No such file"),
    (LOG + ISSUER % "jwks_file: nowhere", "4: identity.jwt.issuers[0].jwks_file",
     "nowhere: No such file"),
    (LOG + ISSUER % "jwks_file: file", "4: identity.jwt.issuers[0].jwks_file",
     "file: it is no JSON"),
    (LOG + ISSUER % "secret_file: nowhere", "4: identity.jwt.issuers[0].secret_file",
     "nowhere: No such file"),
    (LOG + ISSUER % "secret_file: file", "4: identity.jwt.issuers[0].secret_file",
     "file is open to everybody"),
    (LOG + "identity: {api_keys: file}\n", "4: identity.api_keys", "file is open to everybody"),
    (LOG + "identity: {users: nowhere}\n", "4: identity.users", "nowhere: No such file"),
    (LOG + CERTIFICATES % ("nowhere", "a.key", ""), "4: tls.certificates[0].certificate",
     "nowhere: No such file"),
    (LOG + CERTIFICATES % ("a.pem", "nowhere", ""), "4: tls.certificates[0].key",
     "nowhere: No such file"),
    (LOG + CERTIFICATES % ("a.pem", "b.key", ""), "4: tls.certificates[0].key",
     "b.key is not the key of the certificate"),
    (LOG + CERTIFICATES % ("a.pem", "a.key, ocsp: file", ""), "4: tls.certificates[0].ocsp",
     "file is not an OCSP response"),
    (LOG + CERTIFICATES % ("a.pem", "a.key", CLIENTS % "file"), "4: tls.client_ca",
     "is no certificate in PEM"),
    (LOG + CERTIFICATES % ("a.pem", "a.key", CLIENTS % "a.pem, client_crl: file"),
     "4: tls.client_crl", "is no revocation list in PEM"),
    ("log: {format: json, access_file: nowhere/access.log}\n", "3: log.access_file",
     "nowhere/access.log: No such file"),
    ("log: {format: json, access_file: .}\n", "3: log.access_file", "Is a directory"),
]


@pytest.fixture(name="pairs", scope="module")
def pairs_fixture(tmp_path_factory):
    ca = Authority(tmp_path_factory.mktemp("pairs"))
    return ca.issue("a"), ca.issue("b")


@pytest.mark.parametrize("text, place, part", FILES, ids=[place for _, place, _ in FILES])
def test_a_file_that_can_not_be_used_is_told_as_by_the_start(host, tmp_path, pairs, text, place,
                                                             part):
    """With the line that names it."""
    (tmp_path / "file").write_text("x\n")
    (tmp_path / "file").chmod(0o644)
    for name, pair in zip("ab", pairs):
        (tmp_path / f"{name}.pem").symlink_to(pair.certificate)
        (tmp_path / f"{name}.key").symlink_to(pair.key)
    host.config.write_text(HEAD + text)
    status, said = check(host)
    assert status == 1 and said.startswith(f"{host.config}:{place}: ") and part in said, said
    host.expected_status = 1
    host.launch()
    assert host.wait_exit() == 1
    assert host.log("host.failed")[0]["msg"] in said


def test_what_is_about_no_file_has_no_line(host, tmp_path):
    host.config.write_text(f"listen: unix:{tmp_path}/nowhere/sock\nadmin: {{socket: admin.sock}}\n"
                           + LOG)
    host.expected_status = 1
    host.launch()
    assert host.wait_exit() == 1
    assert host.log("host.failed")[0]["msg"].startswith("the directory ")


def test_so_does_a_reload(host, tmp_path):
    host.config.write_text(HEAD + LOG)
    host.socket = tmp_path / "admin.sock"
    host.start()
    host.config.write_text(HEAD + LOG + "identity: {users: nowhere}\n")
    host.plugctl("reload", status=1)
    assert host.wait_log("reload.refused")["msg"].startswith(f"{host.config}:4: identity.users: ")


@pytest.mark.parametrize("content, part", [
    (None, "No such file"),
    ("version: 2\nplugins: []\n", "version"),
    ("version: 1\nplugins: []\nplugs: []\n", "plugs"),
])
def test_a_whitelist_that_can_not_be_used_is_told_as_by_the_start(host, tmp_path, content, part):
    if content:
        (tmp_path / "whitelist.yaml").write_text(content)
    host.config.write_text(HEAD + LOG + "whitelist: {file: whitelist.yaml}\n")
    status, said = check(host)
    assert status == 1 and part in said, said
    host.expected_status = 1
    host.launch()
    assert host.wait_exit() == 1
    assert host.log("host.failed")[0]["msg"] in said


def test_everything_that_is_wrong_is_told_at_once(host):
    host.config.write_text(HEAD + "log: {access_file: no/access.log}\nidentity: {users: no/users}\n"
                           "routes: [{path: /*file, static: no/files}]\n")
    status, said = check(host)
    assert status == 1 and len(said.splitlines()) == 3, said


def test_files_that_are_good_are_no_errors(host, tmp_path):
    pair = Authority(tmp_path).issue("a")
    (tmp_path / "www").mkdir()
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 2)
    secret.chmod(0o600)
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))
    host.config.write_text(
        HEAD + "log: {access_file: access.log}\n"
        f"tls: {{certificates: [{json.dumps(pair.row())}]}}\n"
        "routes: [{path: /*file, static: www}]\n"
        "identity: {jwt: {issuers: [{issuer: a, audiences: a, jwks_file: keys.json},"
        "{issuer: b, audiences: b, secret_file: secret},"
        "{issuer: c, audiences: c, jwks_url: 'https://127.0.0.1:1/never-asked'}]}}\n")
    before = sorted(os.listdir(tmp_path))
    assert check(host) == (0, f"{host.config}: no errors\n")
    assert sorted(os.listdir(tmp_path)) == before, "nothing is made"


def test_an_access_log_that_is_there_is_left_as_it_is(host, tmp_path):
    host.config.write_text(HEAD + "log: {access_file: access.log}\n")
    file = tmp_path / "access.log"
    file.write_text("a line\n")
    assert check(host)[0] == 0
    assert file.read_text() == "a line\n"
