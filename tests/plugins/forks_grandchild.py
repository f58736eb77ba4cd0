"""Forks a grandchild that ignores SIGTERM and holds the pipes open, and tells its pid. The payload
"and-exit" ends the plugin itself.
"""
import os
import signal

import plug


def grandchild():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    while True:
        signal.pause()


channel = plug.start()
for request in channel.requests():
    pid = os.fork()
    if pid == 0:
        grandchild()
    channel.reply(request, str(pid).encode())
    if request.payload == b"and-exit":
        break
