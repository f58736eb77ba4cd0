"""Leaks 16 MiB with each sin, until the limit of 512 MiB that it has set itself kills it."""
import os
import resource

import plug

resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
lost = []
channel = plug.start()
for request in channel.sins():
    try:
        lost.append(b"x" * (16 << 20))
    except MemoryError:
        os.abort()
    channel.reply(request, str(len(lost)).encode())
