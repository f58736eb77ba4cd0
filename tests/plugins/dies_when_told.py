"""Dies of "sin", keeps "wait" waiting, and answers everything else; after "answer the next" it
answers "wait" too.
"""
import os
import sys

import plug

channel = plug.start()
answers = False
for request in channel.requests():
    if request.payload == b"sin":
        os.abort()
    if request.payload == b"wait" and not answers:
        print("waits", file=sys.stderr, flush=True)
        continue
    answers = request.payload == b"answer the next"
    channel.reply(request, request.payload)
