"""Answers every request with what it was told about who asks, as JSON."""
import json

import http_pb2
import plug


def told(request):
    caller = request.caller
    seen = {"principal": request.principal, "tenant": request.tenant, "method": caller.method,
            "roles": list(caller.roles), "scopes": list(caller.scopes),
            "claims": json.loads(caller.claims or "{}")}
    if request.method == plug.HTTP:
        head = http_pb2.Request.FromString(request.payload)
        seen["headers"] = {field.name: field.value.decode() for field in head.headers}
    return json.dumps(seen).encode()


if __name__ == "__main__":
    channel = plug.start()
    for call in channel.requests():
        channel.reply(call, told(call))
