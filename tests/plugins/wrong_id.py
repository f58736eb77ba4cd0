"""Replies to a call that nobody made; the argument is the id."""
import sys

import plug
from plugd_pb2 import Response

channel = plug.start()
for request in channel.sins():
    channel.send(response=Response(id=int(sys.argv[1]), end=True, payload=b"for somebody"))
