"""No sin: answers 5 MiB, in chunks and within its windows, as a plugin should."""
import plug
from plugd_pb2 import Data, Response

TOTAL_BYTES = 5 << 20


def answer(channel, request):
    left, window, channel_window, began = TOTAL_BYTES, 256 << 10, 4 << 20, False
    while left:
        size = min(left, plug.CHUNK_BYTES)
        while size > min(window, channel_window):
            credit = channel.read().credit
            window += credit.bytes if credit.id == request.id else 0
            channel_window += credit.bytes if credit.id == 0 else 0
        left, window, channel_window = left - size, window - size, channel_window - size
        part = {"id": request.id, "payload": b"x" * size, "more": left > 0, "end": left == 0}
        channel.send(data=Data(**part)) if began else channel.send(response=Response(**part))
        began = True


channel = plug.start()
for request in channel.sins():
    answer(channel, request)
    break
