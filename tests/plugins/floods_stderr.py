"""Floods stderr with 8 MiB before it answers: one very long line, and many short ones."""
import os

import plug

channel = plug.start()
for request in channel.sins():
    flood = b"A" * (4 << 20) + b"\n" + b"flood\n" * ((4 << 20) // 6) + b"the flood is over\n"
    while flood:
        flood = flood[os.write(2, flood):]
    channel.reply(request, b"dry again")
