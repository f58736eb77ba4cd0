"""Answers HTTP with what would break the response: the argument says how."""
import sys

import plug
from plugd_pb2 import Data, Response

HEADS = {
    "cr_lf_in_value": plug.http_head(headers=[("x-name", "a\r\nset-cookie: stolen=1")]),
    "lf_in_value": plug.http_head(headers=[("x-name", "a\nset-cookie: stolen=1")]),
    "nul_in_value": plug.http_head(headers=[("x-name", "a\0b")]),
    "colon_in_name": plug.http_head(headers=[("x:name", "a")]),
    "name_empty": plug.http_head(headers=[("", "a")]),
    "name_with_space": plug.http_head(headers=[("content-length ", "3")]),
    "status_0": plug.http_head(status=0, body=b"x"),
    "status_99": plug.http_head(status=99),
    "status_101": plug.http_head(status=101),
    "status_600": plug.http_head(status=600),
    "status_1000000": plug.http_head(status=1000000),
    "not_protobuf": b"\xff\xff\xff",
    "nothing": b"",
    "length_too_short": plug.http_head(headers=[("content-length", "2")], body=b"four"),
    "length_too_long": plug.http_head(headers=[("content-length", "2000")], body=b"four"),
    "length_no_number": plug.http_head(headers=[("content-length", "four")], body=b"four"),
    "length_twice": plug.http_head(headers=[("content-length", "4"), ("content-length", "3")],
                                   body=b"four"),
    "transfer_encoding": plug.http_head(headers=[("transfer-encoding", "chunked"),
                                                 ("connection", "close, x-hop"), ("x-hop", "1"),
                                                 ("keep-alive", "timeout=1")], body=b"four"),
    "body_of_204": plug.http_head(status=204, body=b"four"),
}

channel = plug.start()
for request in channel.sins():
    channel.send(response=Response(id=request.id, payload=HEADS[sys.argv[1]]))
    channel.send(data=Data(id=request.id, end=True))
