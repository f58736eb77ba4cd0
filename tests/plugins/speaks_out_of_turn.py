"""Sends a frame that is not its to send in that state; the argument says which."""
import sys

import plug
from plugd_pb2 import (Bye, Cancel, Credit, Data, Hello, Publish, Ready, Request, Response,
                       Start, StateEnd)

FRAMES = {
    "bye": {"bye": Bye()},
    "cancel_before_response": None,
    "credit_too_much": {"credit": Credit(id=0, bytes=0xFFFFFFFF)},
    "credit_zero": {"credit": Credit(id=0, bytes=0)},
    "data_before_response": None,
    "end_and_more": None,
    "error_without_end": None,
    "hello": {"hello": Hello(versions=[1])},
    "odd_id": {"request": Request(id=7, method=1, end=True)},
    "publish": {"publish": Publish(topic="t")},
    "ready": {"ready": Ready()},
    "requirement_unknown": {"request": Request(id=2, method=4711, end=True)},
    "start": {"start": Start()},
    "state_end": {"state_end": StateEnd()},
    "welcome": {"welcome": plug.welcome()},
}


def about(call_id):
    """Those that speak of the call."""
    return {
        "cancel_before_response": {"cancel": Cancel(id=call_id)},
        "data_before_response": {"data": Data(id=call_id, end=True, payload=b"x")},
        "end_and_more": {"response": Response(id=call_id, end=True, more=True, payload=b"x")},
        "error_without_end": {"response": Response(id=call_id, code=13)},
    }


channel = plug.start()
for request in channel.sins():
    channel.send(**(FRAMES[sys.argv[1]] or about(request.id)[sys.argv[1]]))
