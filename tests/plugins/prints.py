"""Prints on standard output in the middle of a call; with the argument "greeting" before
WELCOME.
"""
import sys

import plug

if "greeting" in sys.argv:
    print("Hello, I am starting up!", flush=True)
channel = plug.start()
for request in channel.sins():
    print("I wonder what this does", flush=True)
    channel.reply(request)
