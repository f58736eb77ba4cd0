"""HTTPS clients: the one of client.py over Python's ssl, one that holds every record in its hands,
and openssl's own.
"""
import ssl
import subprocess

from client import PATIENCE_S, Client

VERSIONS = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}


# Python's own contexts have it set, and then an end without close_notify looks like one with it.
IGNORE_UNEXPECTED_EOF = 1 << 7


def address_of(host):
    """Of its first listener, without the scheme."""
    return host.address.split("://")[-1]


def client_context(ca, version=None, certificate=None, ciphers=None, protocols=None):
    """Trusts that CA; speaks that version alone; shows that Pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.options &= ~IGNORE_UNEXPECTED_EOF
    context.load_verify_locations(ca)
    if ciphers:
        context.set_ciphers(ciphers)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class TlsClient(Client):
    """An end without close_notify is an error."""

    def __init__(self, address, context, name="localhost", session=None, receive_buffer=None,
                 first=b""):
        super().__init__(address, receive_buffer, first)
        self.sock = context.wrap_socket(self.sock, server_hostname=name,
                                        suppress_ragged_eofs=False, session=session)


class Records(Client):
    """TLS without a socket: what goes over the wire is in the test's hands."""

    def __init__(self, address, context, name="localhost"):
        super().__init__(address)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def work(self, step):
        """Until the step needs nothing more from the other side."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(1 << 16)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            finally:
                self.flush()

    def flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def greet(self):
        self.work(self.tls.do_handshake)
        return self

    def send(self, data):
        self.tls.write(data)
        self.flush()
        return self

    def fill(self):
        try:
            data = self.work(lambda: self.tls.read(1 << 16))
        except ssl.SSLZeroReturnError:
            return False  # close_notify
        self.buffer += data
        return bool(data)

    def say_end(self):
        """close_notify; what the other side says is still read."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()


def s_client(address, *args, send=b"", status=None):
    """What openssl's client prints, both streams, when it has sent that."""
    done = subprocess.run(["openssl", "s_client", "-connect", address, *args], input=send,
                          capture_output=True, timeout=PATIENCE_S, check=False)
    if status is not None:
        assert done.returncode == status, (done.stdout, done.stderr)
    return (done.stdout + done.stderr).decode(errors="replace")
