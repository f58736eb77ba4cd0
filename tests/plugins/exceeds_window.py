"""Answers without credit: 64 MiB at once, whatever the windows are."""
import http_pb2
import plug
from plugd_pb2 import Data, Response

BLOCK = b"x" * (32 << 10)

channel = plug.start()
for request in channel.sins():
    if request.method == plug.HTTP:
        head, block = plug.http_head(), http_pb2.Response(body=BLOCK).SerializeToString()
    else:
        head, block = BLOCK, BLOCK
    channel.send(response=Response(id=request.id, payload=head))
    for _ in range(2048):
        channel.send(data=Data(id=request.id, payload=block))
    channel.send(data=Data(id=request.id, end=True))
