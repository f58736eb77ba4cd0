"""wrk against one server, and what the server's processes cost meanwhile."""

import pathlib
import re
import subprocess

from benchmark import processes

HERE = pathlib.Path(__file__).parent
UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6}


def to_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * UNITS_US[unit]


def check(text):
    if re.search(r"Non-2xx|Socket errors", text):
        raise RuntimeError(f"wrk found errors: {text}")


def parse(text):
    check(text)
    return {
        "requests": int(re.search(r"(\d+) requests in", text)[1]),
        "req_s": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_us": to_us(re.search(r"\n +50% +(\S+)", text)[1]),
        "p99_us": to_us(re.search(r"\n +99% +(\S+)", text)[1]),
    }


def command(url, connections, seconds, script=None, headers=None):
    """The line that runs wrk; `script` is a file of this folder."""
    line = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    for name, value in (headers or {}).items():
        line += ["-H", f"{name}: {value}"]
    return line + (["-s", HERE / script] if script else []) + [url]


def wrk(url, connections, seconds, cpus=None, script=None, headers=None):
    line = processes.pinned(command(url, connections, seconds, script, headers), cpus)
    return parse(subprocess.run(line, capture_output=True, text=True, check=True).stdout)


def warmed(url, connections, seconds, cpus=None, script=None):
    wrk(url, connections, 1, cpus, script)
    return wrk(url, connections, seconds, cpus, script)


def measure(server, connections, seconds, client_cpus, server_cpus):
    pids = server.pids()
    processes.place(pids, server_cpus)
    wrk(server.url, connections, 1, client_cpus, headers=server.headers)
    before_ns = processes.cpu_ns(pids)
    result = wrk(server.url, connections, seconds, client_cpus, headers=server.headers)
    cpu_ns = processes.cpu_ns(pids) - before_ns
    result["cpu_us"] = cpu_ns / 1e3 / result["requests"]
    result["rss_kib"] = sum(processes.rss_kib(pid) for pid in pids)
    return result


def mean(rows):
    return {figure: sum(row[figure] for row in rows) / len(rows) for figure in rows[0]}


def in_turns(hosts, order, connections, seconds, places):
    """The figures of each host by name. `order` goes there and back again, so that a machine that
    drifts one way harms none of them."""
    rows = [(name, measure(hosts[name], connections, seconds, *places)) for name in order]
    return {name: mean([row for of, row in rows if of == name]) for name in hosts}
