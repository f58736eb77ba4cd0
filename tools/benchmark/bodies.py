"""Small calls to an instance that also gets large bodies, and sends them back as they come."""

import re
import signal
import subprocess

from benchmark import load, servers

CALLERS = 1
BODIES = 2
LONG_S = 3600
UNITS_MIB = {"B": 2**-20, "KB": 2**-10, "MB": 1, "GB": 2**10}


class Uploads:
    """Large bodies, one after the other on each connection, as long as `with` lasts."""

    def __init__(self, host):
        line = load.command(host.url, BODIES, LONG_S, "bodies.lua")
        self.command = ["stdbuf", "-oL", *map(str, line)]
        self.process = None
        self.mib_s = None  # what came back

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()  # it says that it begins, when it has made its bodies
        return self

    def __exit__(self, *_error):
        self.process.send_signal(signal.SIGINT)  # it reports, and ends
        said = self.process.communicate()[0]
        load.check(said)
        number, unit = re.search(r"Transfer/sec:\s+([\d.]+)(\w+)", said).groups()
        self.mib_s = float(number) * UNITS_MIB[unit]


def measure(build, directory, seconds):
    """The figures of small calls with and without bodies beside them, by name."""
    with servers.plugd(build, directory) as host:
        say = (host.url_of("/say"), CALLERS, seconds, None, "say.lua")
        alone = load.warmed(*say)
        with Uploads(host) as uploads:
            beside = load.warmed(*say)
        beside["bodies_mib_s"] = uploads.mib_s
    return {"without": alone, "with": beside}
