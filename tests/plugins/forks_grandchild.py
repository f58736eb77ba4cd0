"""Leaves a process behind that ignores SIGTERM, and tells its pid. The payload's words say how:

setsid     it has a session of its own and no descriptor
daemon     the same, and its parent has ended (a double fork)
(neither)  it stays in the group and holds the pipes open
and-exit   the plugin itself ends after its answer
"""
import os
import signal

import plug


def stay(pid_fd, is_away):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.write(pid_fd, str(os.getpid()).encode())
    if is_away:
        os.closerange(0, 256)
    while True:
        signal.pause()


def leave_behind(words):
    """The pid of the process, which has done by now what the words say."""
    told, tell = os.pipe()
    is_away = b"setsid" in words or b"daemon" in words
    child = os.fork()
    if child == 0:
        if is_away:
            os.setsid()
        if b"daemon" in words and os.fork() > 0:
            os._exit(0)
        os.close(told)
        stay(tell, is_away)
    if b"daemon" in words:
        os.waitpid(child, 0)
    os.close(tell)
    pid = os.read(told, 32)
    os.close(told)
    return pid


channel = plug.start()
for request in channel.requests():
    words = request.payload.split()
    channel.reply(request, leave_behind(words))
    if b"and-exit" in words:
        break
