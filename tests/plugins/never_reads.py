"""Never reads its input after the sin, and fills the other pipe with log lines for ever: both
pipes are full.
"""
import plug
from plugd_pb2 import DEBUG, Log

channel = plug.start()
for request in channel.sins():
    while True:
        channel.send(log=Log(level=DEBUG, message="x" * 60000, call_id=request.id))
