"""No sin: writes each payload into the file that its argument names, a line each, before it
answers with it. So a test sees what was executed, and how often, whoever died meanwhile.
"""
import os
import sys

import plug

ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
channel = plug.start()
for request in channel.requests():
    os.write(ledger, request.payload + b"\n")
    channel.reply(request, request.payload)
