"""Has secrets, and tells them whenever it is asked to: the payload says where ("stderr", "cut",
"log", "pong", "reply", "garbage"), or is "digest NAME" for the SHA-256 of one, or "sin": it dies.
The argument is the name of its service, or "failed": then it does not start, and tells why.
"""
import hashlib
import os
import signal
import sys

import plug
from plugd_pb2 import Failed, Log, Metadata, Pong

channel = plug.Channel()
channel.greet(manifest=plug.manifest(sys.argv[1] if sys.argv[1:] else "sin.v1.Sin"))
secrets = {row.name: row.value for row in channel.hello.secrets}
if "failed" in sys.argv[1:]:
    channel.send(failed=Failed(reason="no login with " + secrets["password"].decode()))
    sys.exit(1)
channel.expect("start")
channel.send(ready={})
everything = b"".join(b"%s=<%s>\n" % (name.encode(), value) for name, value in secrets.items())


def say(data):
    """To standard error, byte for byte."""
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def as_text(data):
    return data.decode("utf-8", "replace")


def tell(where):
    """What is told besides the answer."""
    if where == "stderr":
        say(everything)
    elif where == "cut":  # the log cuts a line after 4096 bytes
        for before in range(4080, 4100):
            say(b"." * before + secrets["password"].strip() + b"." * 5000 + b"\n")
    elif where == "log":
        channel.send(log=Log(level=2, message=as_text(everything), fields=[
            Metadata(name=name, value=as_text(value)) for name, value in secrets.items()]))
    elif where == "pong":
        channel.send(pong=Pong(health=2, message=as_text(secrets["password"]),
                               unavailable=[as_text(secrets["token"])]))
    elif where == "garbage":
        channel.send_raw(secrets["password"])


for request in channel.requests():
    what = request.payload.decode()
    if what == "sin":
        say(b"dies with " + everything)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "reply":
        channel.reply(request, everything)
    elif what.startswith("digest "):
        value = secrets.get(what.removeprefix("digest "))
        channel.reply(request, value and hashlib.sha256(value).hexdigest().encode() or b"none")
    else:
        tell(what)
        channel.reply(request, b"told")
