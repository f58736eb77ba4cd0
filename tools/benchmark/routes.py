"""What many routes cost: a host with ten and one with five thousand, side by side. Half of the
routes are of hosts of their own; all have a typed param. The requests take a route that both
have."""

import contextlib

from benchmark import load, servers
from benchmark.resilience import ORDER

CONNECTIONS = 64
COUNTS = {"with": 5000, "without": 10}
PATH = "/service3/items/7"


def routes(count):
    """So many, with the two that every host of the benchmark has."""
    for number in range((count - 2) // 2):
        row = {"path": f"/service{number}/items/:id<int>", "plugin": "echo", "rewrite": "/echo"}
        yield row
        yield {**row, "host": f"host{number}.example.com"}


def host(build, directory, name, count):
    server = servers.plugd(build, directory, name, more_routes=routes(count))
    server.path = PATH
    return server


def measure(build, directory, seconds, places):
    """The figures of both, by name."""
    with contextlib.ExitStack() as stack:
        hosts = {
            name: stack.enter_context(host(build, directory, name, count))
            for name, count in COUNTS.items()
        }
        return load.in_turns(hosts, ORDER, CONNECTIONS, seconds, places)
