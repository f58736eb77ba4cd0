"""Swaps of echo, by the admin socket: what they do to those who ask meanwhile, and how long one
takes when nobody does. A request that fails fails the bench."""

import json
import socket
import statistics
import threading
import time

from benchmark import load, servers

CONNECTIONS = 64
PERIOD_S = 0.1
PATIENCE_S = 60
IDLE_SWAPS = 20


def swap(host):
    """From the command until the old generation has ended: seconds."""
    begun = time.monotonic()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(host.directory / "admin.sock"))
        sock.sendall(b'{"command": "swap", "args": {"plugin": "echo"}}\n')
        with sock.makefile("rb") as lines:
            while "progress" in (told := json.loads(lines.readline())):
                pass
    if not told["ok"]:
        raise RuntimeError(f"a swap failed: {told['error']}")
    return time.monotonic() - begun


class Swapping:
    """Swaps at an even pace, in a thread, as long as `with` lasts."""

    def __init__(self, host):
        self.host = host
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.took_s = []
        self.failure = None
        self.begun = None

    def run(self):
        due = time.monotonic()
        while not self.is_over.wait(max(due - time.monotonic(), 0)):
            try:
                self.took_s.append(swap(self.host))
            except (OSError, RuntimeError) as failure:
                self.failure = failure
                return
            due = max(due + PERIOD_S, time.monotonic())

    def __enter__(self):
        self.begun = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.is_over.set()
        self.thread.join()
        if self.failure:
            raise self.failure

    def per_s(self):
        return len(self.took_s) / (time.monotonic() - self.begun)


def measure(build, directory, seconds):
    """The figures of requests with and without swaps, and those of a swap of an idle echo."""
    with servers.plugd(build, directory) as host:
        quiet = load.warmed(host.url, CONNECTIONS, seconds)
        with Swapping(host) as swapping:
            busy = load.warmed(host.url, CONNECTIONS, seconds)
        busy["swaps_s"] = swapping.per_s()
        idle_ms = [swap(host) * 1e3 for _ in range(IDLE_SWAPS)]
    return {"without": quiet, "with": busy}, {"swap_ms": statistics.median(idle_ms)}
