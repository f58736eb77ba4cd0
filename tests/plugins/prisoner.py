"""Tries the walls of its sandbox: a request is Python, which it evaluates; the answer is what came
of it, as text, or the name of the errno with which it failed. Its argument is the name of its
service.
"""
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading

import plug

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16


def call(number, *args):
    """A system call by number."""
    result = LIBC.syscall(ctypes.c_long(number), *[
        ctypes.c_char_p(arg) if isinstance(arg, bytes) else ctypes.c_long(arg) for arg in args])
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def ptrace(pid):
    if LIBC.ptrace(PTRACE_ATTACH, pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), "")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data=b"x"):
    with open(path, "wb") as file:
        return file.write(data)


def status(name):
    """A line of /proc/self/status."""
    for line in read("/proc/self/status").decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return None


def fork_many(count):
    """How many children it gets; they stay until it ends."""
    made = 0
    try:
        for _ in range(count):
            if os.fork() == 0:
                signal.pause()
            made += 1
    except OSError:
        pass
    return made


def leave_grandchild():
    """A process in a session of its own, whose parent is gone."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.waitpid(child, 0)


def attempt(code):
    names = {**globals()}
    try:
        return repr(eval(code, names))  # what it is for
    except MemoryError:
        return "MemoryError"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


channel = plug.Channel()
channel.begin(manifest=plug.manifest(*sys.argv[1:2]))
for request in channel.requests():
    channel.reply(request, attempt(request.payload.decode()).encode())
