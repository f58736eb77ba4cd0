"""Replies twice to one request."""
import plug

channel = plug.start()
for request in channel.sins():
    channel.reply(request, b"once")
    channel.reply(request, b"twice")
