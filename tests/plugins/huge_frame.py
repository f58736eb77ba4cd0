"""Announces a frame that is too large (the argument is its length, by default nearly 2 GiB), or
empty (0).
"""
import struct
import sys

import plug

length = int(sys.argv[1]) if len(sys.argv) > 1 else 0x7FFFFFFF
channel = plug.start()
for _ in channel.sins():
    channel.send_raw(struct.pack(">I", length) + b"x" * min(length, 1 << 20))
