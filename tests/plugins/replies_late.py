"""Replies late: only when the call has been cancelled, and then as if nothing had happened."""
import plug

channel = plug.start()
waiting = {}
for kind, frame in channel.frames():
    if kind == "cancel" and frame.id in waiting:
        channel.reply(waiting.pop(frame.id), b"late")
    elif kind == "request":
        channel.give_credit(frame)
        if frame.payload == b"sin":
            waiting[frame.id] = frame
        else:
            channel.reply(frame, frame.payload)
