"""Certificates for tests, made with the openssl command: a CA that issues, revokes, answers OCSP.

Everything lies in one directory; what is handed out are paths.
"""
import datetime
import os
import subprocess

CONFIG = """
[ca]
default_ca = this
[this]
database = {directory}/index.txt
new_certs_dir = {directory}
serial = {directory}/serial
crlnumber = {directory}/crlnumber
certificate = {directory}/{name}.pem
private_key = {directory}/{name}.key
default_md = sha256
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[ca_extensions]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
[leaf_extensions]
basicConstraints = critical,CA:FALSE
"""

KINDS = {
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
    "weak": ["-newkey", "rsa:1024"],
    "ed25519": ["-newkey", "ed25519"],
    "secp224r1": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp224r1"],
}


def openssl(*args, days=0):
    """What it prints; `days` from now."""
    when = ["faketime", "-f", f"{days:+}d"] if days else []
    done = subprocess.run([*when, "openssl", *map(str, args)], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (args, done.stderr.decode())
    return done.stdout


def days_from_now(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Pair:
    """The files of a certificate and of its key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def row(self, **settings):
        """A row of tls.certificates."""
        return {"certificate": str(self.certificate), "key": str(self.key), **settings}


class Authority:
    def __init__(self, directory, name="ca", subject="/CN=test CA"):
        self.directory = directory / name
        self.directory.mkdir()
        self.name, self.count = name, 0
        self.config = self.directory / "openssl.cnf"
        self.config.write_text(CONFIG.format(directory=self.directory, name=name))
        (self.directory / "index.txt").write_text("")
        (self.directory / "serial").write_text("1000\n")
        (self.directory / "crlnumber").write_text("01\n")
        self.pem, self.key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        openssl("req", "-x509", "-config", self.config, "-extensions", "ca_extensions",
                *KINDS["ec"], "-nodes", "-keyout", self.key, "-out", self.pem, "-subj", subject,
                "-days", "30")

    def issue(self, subject="server", names=("DNS:localhost",), kind="ec", usage=None, start=-1,
              end=30, chain=True):
        """A certificate that is valid from `start` to `end`, in days from now."""
        self.count += 1
        base = self.directory / f"{subject}-{self.count}"
        request, key, pem = (base.with_suffix(end) for end in (".csr", ".key", ".pem"))
        extensions = []
        if names:
            extensions += ["-addext", "subjectAltName=" + ",".join(names)]
        if usage:
            extensions += ["-addext", f"extendedKeyUsage={usage}"]
        openssl("req", "-new", "-config", self.config, *KINDS[kind], "-nodes", "-keyout", key,
                "-out", request, "-subj", f"/CN={subject}", *extensions)
        openssl("ca", "-batch", "-config", self.config, "-extensions", "leaf_extensions", "-notext",
                "-in", request, "-out", pem, "-startdate", days_from_now(start),
                "-enddate", days_from_now(end))
        if chain:
            pem.write_bytes(pem.read_bytes() + self.pem.read_bytes())
        return Pair(pem, key)

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-revoke", pair.certificate)

    def crl(self, *args):
        """A list of what was revoked so far."""
        file = self.directory / "list.crl"
        openssl("ca", "-config", self.config, "-gencrl", "-out", file, *args)
        return file

    def ocsp(self, pair, file, days=0):
        """A response about it, signed by the CA; for a week from so many days from now."""
        request = self.directory / "request.der"
        openssl("ocsp", "-issuer", self.pem, "-cert", pair.certificate, "-reqout", request,
                "-no_nonce")
        openssl("ocsp", "-index", self.directory / "index.txt", "-CA", self.pem, "-rsigner",
                self.pem, "-rkey", self.key, "-reqin", request, "-respout", file,
                "-ndays", "7", days=days)
        return file


def self_signed(directory, subject="self"):
    pem, key = directory / f"{subject}.pem", directory / f"{subject}.key"
    openssl("req", "-x509", *KINDS["ec"], "-nodes", "-keyout", key, "-out", pem, "-subj",
            f"/CN={subject}", "-days", "30")
    os.chmod(key, 0o600)
    return Pair(pem, key)
