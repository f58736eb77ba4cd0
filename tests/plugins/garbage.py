"""Writes bytes that are a frame's length but no frame; with the argument "greeting" instead of
WELCOME.
"""
import sys

import plug

GARBAGE = b"\0\0\0\x10" + b"\xff" * 16
channel = plug.Channel()
if "greeting" in sys.argv:
    channel.expect("hello")
    channel.send_raw(GARBAGE)
else:
    channel.begin()
for request in channel.sins():
    channel.send_raw(GARBAGE)
