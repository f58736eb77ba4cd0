"""No sin, but hard to bear: every frame is written byte by byte, each byte in a write of its
own.
"""
import plug


class ByteByByte(plug.Channel):
    def send_raw(self, data):
        for at in range(len(data)):
            super().send_raw(data[at:at + 1])


channel = ByteByByte()
channel.begin()
for request in channel.requests():
    channel.reply(request, request.payload)
