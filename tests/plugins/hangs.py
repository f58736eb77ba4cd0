"""Hangs: never answers, whatever is cancelled; with the argument "deaf" it doesn't even read any
more.
"""
import signal
import sys

import plug

channel = plug.start()
for request in channel.sins():
    while "deaf" in sys.argv:
        signal.pause()
