"""Answers without credit: 5 MiB at once, whatever the windows are."""
import plug
from plugd_pb2 import Data, Response

channel = plug.start()
for request in channel.sins():
    channel.send(response=Response(id=request.id, more=True, payload=b"x" * plug.CHUNK_BYTES))
    for _ in range(78):
        channel.send(data=Data(id=request.id, more=True, payload=b"x" * plug.CHUNK_BYTES))
    channel.send(data=Data(id=request.id, end=True, payload=b"x" * plug.CHUNK_BYTES))
