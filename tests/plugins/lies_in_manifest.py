"""Lies in its manifest; the argument says how."""
import sys

import plug
from plugd_pb2 import BYTES, PROTOBUF, Manifest, Method, Requirement, Service


def provides(*services):
    return Manifest(provides=[Service(name=name, version="1.0.0", methods=methods)
                              for name, methods in services])


def one(**method):
    method = {"number": 1, "name": "Do", "codec": BYTES, **method}
    return provides(("sin.v1.Sin", [Method(**method)]))


GOOD = Method(number=1, name="Do", codec=BYTES)
LIES = {
    "number_twice": provides(("sin.v1.Sin", [GOOD, Method(number=1, name="Other", codec=BYTES)])),
    "number_twice_in_two_services": provides(("sin.v1.Sin", [GOOD]), ("sin.v1.Other", [GOOD])),
    "number_zero": one(number=0),
    "method_twice": provides(("sin.v1.Sin", [GOOD, Method(number=2, name="Do", codec=BYTES)])),
    "method_without_name": one(name=""),
    "method_with_a_slash": one(name="Do/It"),
    "method_with_a_long_name": one(name="x" * 65),
    "service_twice": provides(("sin.v1.Sin", [GOOD]),
                              ("sin.v1.Sin", [Method(number=2, name="Other", codec=BYTES)])),
    "service_without_name": provides(("", [GOOD])),
    "service_with_a_space": provides(("sin v1", [GOOD])),
    "service_with_a_newline": provides(("sin.v1\nlevel=error", [GOOD])),
    "service_with_a_long_name": provides(("x" * 129, [GOOD])),
    "type_missing": one(codec=PROTOBUF),
    "codec_unknown": one(codec=17),
    "requirement_zero": Manifest(requires=[
        Requirement(number=0, service="plugd.host.v1.Host", method="Info")]),
    "requirement_twice": Manifest(requires=[
        Requirement(number=1, service="plugd.host.v1.Host", method="Info"),
        Requirement(number=1, service="plugd.host.v1.Host", method="Other")]),
}
CHANGES = {
    "feature_not_offered": {"features": ["time-travel"]},
    "frame_limit_too_small": {"limits": {"max_frame_bytes": 1000}},
}

lie = sys.argv[1]
channel = plug.Channel()
channel.begin(**(CHANGES.get(lie) or {"manifest": LIES[lie]}))
for request in channel.requests():
    channel.reply(request, b"believed")
