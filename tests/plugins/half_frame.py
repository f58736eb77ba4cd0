"""Sends half of an answer's frame, and exits; with the argument "stays" it goes on reading
instead.
"""
import struct
import sys

import plug
from plugd_pb2 import Frame, Response

channel = plug.start()
for request in channel.sins():
    response = Response(id=request.id, end=True, payload=b"x" * 100)
    frame = Frame(response=response).SerializeToString()
    channel.send_raw(struct.pack(">I", len(frame)) + frame[:len(frame) // 2])
    if "stays" not in sys.argv:
        break
