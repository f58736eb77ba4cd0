"""What carrying calls well costs: one host with breaker, limits, deadlines and retries, and one
with as little of them as the settings allow, side by side. (There is always some deadline and some
largest number of calls.)"""

import contextlib

from benchmark import load, servers

CONNECTIONS = 64

WITH = {
    "timeout": "5s",
    "concurrency": 256,
    "adaptive_concurrency": True,
    "rate_limit": {"requests_per_second": 1_000_000},
    "retry": {"max_attempts": 3},
    "circuit_breaker": {"enabled": True},
}
WITHOUT = {
    "timeout": "1d",
    "concurrency": 65536,
    "queue": 0,
    "adaptive_concurrency": False,
    "retry": {"max_attempts": 1, "buffer": 0},
    "circuit_breaker": {"enabled": False},
}

ORDER = ["with", "without", "without", "with"]


def measure(build, directory, seconds, places):
    """The figures of both, by name."""
    with contextlib.ExitStack() as stack:
        hosts = {
            name: stack.enter_context(servers.plugd(build, directory, name, plugin=settings))
            for name, settings in [("with", WITH), ("without", WITHOUT)]
        }
        return load.in_turns(hosts, ORDER, CONNECTIONS, seconds, places)
