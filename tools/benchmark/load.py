"""wrk against one server, and what the server's processes cost meanwhile."""

import re
import subprocess

from benchmark import processes

UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6}


def to_us(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * UNITS_US[unit]


def parse(text):
    failed = re.search(r"Non-2xx|Socket errors", text)
    if failed:
        raise RuntimeError(f"wrk found errors: {text}")
    return {
        "requests": int(re.search(r"(\d+) requests in", text)[1]),
        "req_s": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
        "p50_us": to_us(re.search(r"\n +50% +(\S+)", text)[1]),
        "p99_us": to_us(re.search(r"\n +99% +(\S+)", text)[1]),
    }


def wrk(url, connections, seconds, cpus):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    ran = subprocess.run(
        processes.pinned(command, cpus), capture_output=True, text=True, check=True
    )
    return parse(ran.stdout)


def measure(server, connections, seconds, client_cpus, server_cpus):
    pids = server.pids()
    processes.place(pids, server_cpus)
    wrk(server.url, connections, 1, client_cpus)
    before_ns = processes.cpu_ns(pids)
    result = wrk(server.url, connections, seconds, client_cpus)
    cpu_ns = processes.cpu_ns(pids) - before_ns
    result["cpu_us"] = cpu_ns / 1e3 / result["requests"]
    result["rss_kib"] = sum(processes.rss_kib(pid) for pid in pids)
    return result
