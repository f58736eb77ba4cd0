"""Takes another configuration while it runs, and answers every request with the one that it has,
as MessagePack. A map with "refuse" in it is refused, one with "third" by the third instance only;
one with "late" is not answered, and one with "die" is its end.
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
        is_third = channel.hello.instance_id.endswith("/3")
        is_refused = b"refuse" in frame.config or b"third" in frame.config and is_third
        error = "it will not have it" if is_refused else ""
        config = config if error else frame.config
        channel.send(config_result=ConfigResult(seq=frame.seq, error=error))
    elif kind in ("request", "data"):
        channel.give_credit(frame)
        if kind == "request":
            channel.reply(frame, config)
