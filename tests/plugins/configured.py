"""Takes another configuration while it runs, and answers every request with the one that it has,
as MessagePack. A map with "refuse" in it is refused, one with "late" is not answered, and one with
"die" is its end.
"""
import os

import plug
from plugd_pb2 import ConfigResult

channel = plug.Channel()
channel.begin(features=["config"])
config = channel.hello.config
for kind, frame in channel.frames():
    if kind == "config":
        if b"die" in frame.config:
            os._exit(3)
        if b"late" in frame.config:
            continue
        error = "it will not have it" if b"refuse" in frame.config else ""
        config = config if error else frame.config
        channel.send(config_result=ConfigResult(seq=frame.seq, error=error))
    elif kind in ("request", "data"):
        channel.give_credit(frame)
        if kind == "request":
            channel.reply(frame, config)
