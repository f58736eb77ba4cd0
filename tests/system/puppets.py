"""A puppet: a plugin whose every frame comes from the test. tests/plugins/puppet.py relays."""
import select
import socket
import struct

import http_pb2
import plug
from plugd import plugin
from plugd_pb2 import Data, Pong, Response

PATIENCE_S = 60


class Puppet(plug.Channel):
    """The string of one instance: a plug.Channel over a socket."""

    def __init__(self, sock):
        super().__init__(sock.fileno(), sock.fileno())
        self.sock = sock
        limit = struct.pack("@ll", PATIENCE_S, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack("@iii", credentials)[0]

    def request(self):
        """The next call, which must be HTTP: its frame and its head."""
        frame = self.expect("request")
        return frame, http_pb2.Request.FromString(frame.payload)

    def answer(self, frame, body=b"", end=True, **head):
        """An HTTP answer, or the beginning of one."""
        payload = plug.http_head(body=body, **head)
        self.send(response=Response(id=frame.id, payload=payload, end=end))

    def answer_more(self, frame, body=b"", end=False):
        payload = http_pb2.Response(body=body).SerializeToString() if body else b""
        self.send(data=Data(id=frame.id, payload=payload, end=end))

    def end(self):
        """The puppet's process ends."""
        self.sock.shutdown(socket.SHUT_RDWR)


def asked(puppets, others=()):
    """The puppet that is asked next, and the frame; (None, None) when one of the other sockets has
    something to read before. A PING may come to any of them, and is answered."""
    while True:
        ready, _, _ = select.select([*(puppet.sock for puppet in puppets), *others], [], [],
                                    PATIENCE_S)
        assert ready, "nothing came"
        puppet = next((puppet for puppet in puppets if puppet.sock in ready), None)
        if not puppet:
            return None, None
        frame = puppet.read()
        if frame.HasField("request"):
            return puppet, frame.request
        assert frame.HasField("ping"), frame
        puppet.send(pong=Pong(seq=frame.ping.seq))


class Stage:
    """Where puppets appear: a Unix socket."""

    def __init__(self, directory):
        self.path = directory / "puppets.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)
        self.puppets = []

    def plugin(self, **settings):
        """A row of `plugins` for the configuration."""
        return plugin("puppet", str(self.path), **settings)

    def puppet(self, **welcome):
        """The next instance, after its handshake."""
        puppet = self.newcomer()
        puppet.begin(**welcome)
        return puppet

    def newcomer(self):
        """The next instance, which has not said anything yet."""
        sock, _ = self.listener.accept()
        self.puppets.append(Puppet(sock))
        return self.puppets[-1]

    def close(self):
        self.listener.close()
        for puppet in self.puppets:
            puppet.sock.close()
