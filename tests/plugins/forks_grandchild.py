"""Forks a grandchild that ignores SIGTERM and holds the pipes open, and tells its pid. The
payload "own-group" gives it a process group of its own, "own-session" a session; "and-exit" ends
the plugin itself.
"""
import os
import signal

import plug


def grandchild(payload):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if b"own-group" in payload:
        os.setpgid(0, 0)
    if b"own-session" in payload:
        os.setsid()
    while True:
        signal.pause()


channel = plug.start()
for request in channel.requests():
    pid = os.fork()
    if pid == 0:
        grandchild(request.payload)
    channel.reply(request, str(pid).encode())
    if b"and-exit" in request.payload:
        break
