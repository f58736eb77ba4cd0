"""Chooses a version of the protocol that nobody has offered."""
import plug

channel = plug.Channel()
channel.begin(version=2)
for request in channel.requests():
    channel.reply(request)
