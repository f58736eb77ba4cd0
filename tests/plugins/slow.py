"""Slow: an answer takes as many milliseconds as the payload says. One call at a time."""
import time

import plug

channel = plug.start()
for request in channel.requests():
    time.sleep(int(request.payload) / 1000)
    channel.reply(request, request.payload)
