"""Ignores all that asks it to end: SIGTERM, DRAIN, and the end of its standard input."""
import signal

import plug

for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
channel = plug.start()
while frame := channel.read():
    if frame.WhichOneof("kind") == "request":
        channel.reply(frame.request)
while True:
    signal.pause()
