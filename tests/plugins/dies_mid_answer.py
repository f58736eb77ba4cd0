"""Dies in the middle of an answer; the argument is the signal's name."""
import os
import signal
import sys

import plug
from plugd_pb2 import Response

channel = plug.start()
for request in channel.sins():
    is_http = request.method == plug.HTTP
    beginning = plug.http_head(body=b"the beginning") if is_http else b"the beginning"
    channel.send(response=Response(id=request.id, payload=beginning, more=not is_http))
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
