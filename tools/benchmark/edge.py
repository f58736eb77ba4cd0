"""What the edge costs: HTTP/2 and handshakes over TLS beside nginx, and HTTP/1.1 with all that
guards, asks and counts, beside the same host with as little of it as the settings allow, and
nginx."""

import contextlib
import re
import subprocess

from benchmark import load, processes, servers

CONNECTIONS = 64
STREAMS = 10

# Limits that nobody reaches: they are counted all the same.
EVERYTHING = {
    "http": {
        "rate_limit": {"per_second": 1_000_000, "burst": 1_000_000},
        "max_connections_per_address": 10_000,
        "security_headers": {"enabled": True},
        "cors": {"origins": ["https://app.example.com"]},
        "allow": ["127.0.0.0/8", "10.0.0.0/8"],
        "deny": ["198.51.100.0/24"],
        "auth": "jwt",
    },
    "identity": {"jwt": {"issuers": [servers.ISSUER]}},
    "log": {"access": True, "level": "info"},
}
NOTHING = {
    "http": {
        "rate_limit": {"per_second": 0},
        "max_connections_per_address": 0,
        "security_headers": {"enabled": False},
        "concurrency": {"limit": 0},
        "shed": {"loop_lag": "0s", "queue_delay": "0s"},
    },
}
ORDER = ["with", "without", "nginx-200", "nginx-200", "without", "with"]


def h2load(url, requests):
    """Requests that were answered, and what h2load says of them."""
    line = ["h2load", f"-c{CONNECTIONS}", f"-m{STREAMS}", f"-n{requests}", url]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    succeeded = int(re.search(r" (\d+) succeeded", said)[1])
    if succeeded != requests or "Application protocol: h2\n" not in said:
        raise RuntimeError(f"h2load found errors: {said}")
    mean = re.search(r"time for request: +\S+ +\S+ +(\S+)", said)[1]
    return {
        "req_s": float(re.search(r"([\d.]+) req/s", said)[1]),
        "mean_us": load.to_us(mean),
    }


def measure_http2(server, requests):
    pids = server.pids()
    h2load(server.url, requests // 10)
    before_ns = processes.cpu_ns(pids)
    figures = h2load(server.url, requests)
    figures["cpu_us"] = (processes.cpu_ns(pids) - before_ns) / 1e3 / requests
    figures["rss_kib"] = sum(processes.rss_kib(pid) for pid in pids)
    return figures


def measure_handshakes(server, seconds):
    """Full ones of TLS 1.3, one after the other."""
    pids = server.pids()
    where = ["-connect", f"127.0.0.1:{server.port}"]
    line = ["openssl", "s_time", *where, "-new", "-tls1_3", "-time", str(seconds)]
    before_ns = processes.cpu_ns(pids)
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    cpu_ns = processes.cpu_ns(pids) - before_ns
    made = int(re.search(r"(\d+) connections in \d+ real seconds", said)[1])
    return {"req_s": made / seconds, "cpu_us": cpu_ns / 1e3 / made}


def tls(build, directory, requests, seconds):
    """Two dictionaries of figures by server: of HTTP/2, of handshakes."""
    with contextlib.ExitStack() as stack:
        both = [
            servers.plugd(build, directory, "plugd-tls", scheme="https"),
            servers.nginx_tls(directory),
        ]
        for server in both:
            stack.enter_context(server)
        http2 = {server.name: measure_http2(server, requests) for server in both}
        handshakes = {server.name: measure_handshakes(server, seconds) for server in both}
    return http2, handshakes


def everything(build, directory, seconds, places):
    """Figures of HTTP/1.1 by name: with everything, without, nginx."""
    with contextlib.ExitStack() as stack:
        hosts = {
            "with": servers.plugd(build, directory, "with", **EVERYTHING),
            "without": servers.plugd(build, directory, "without", **NOTHING),
            "nginx-200": servers.nginx_200(directory),
        }
        for host in hosts.values():
            stack.enter_context(host)
        return load.in_turns(hosts, ORDER, CONNECTIONS, seconds, places)
