"""What plugd has to reach: one row each. A ratio or a difference is made within a repetition."""

import dataclasses
import operator


@dataclasses.dataclass
class Goal:
    what: str
    scenario: str
    subject: str
    figure: str
    at_most: float = None
    at_least: float = None
    base: str = None  # None: the figure itself, no ratio
    less: str = None  # the difference to this subject, not a ratio

    def measured(self, samples):
        if self.base:
            return samples.ratios(self.scenario, self.subject, self.base, self.figure)
        if self.less:
            return samples.differences(self.scenario, self.subject, self.less, self.figure)
        return samples.values(self.scenario, self.subject, self.figure)

    def is_reached(self, value):
        if self.at_most is not None:
            return operator.le(value, self.at_most)
        return operator.ge(value, self.at_least)

    def text(self):
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"


GOALS = [
    Goal(
        "HTTP, 64 connections: CPU per request ÷ nginx `return 200`",
        *("HTTP, 64 connections", "plugd", "cpu_us"),
        base="nginx-200",
        at_most=1.25,
    ),
    Goal(
        "HTTP, 64 connections: CPU per request ÷ nginx + FastCGI",
        *("HTTP, 64 connections", "plugd", "cpu_us"),
        base="nginx-fcgi",
        at_most=0.35,
    ),
    Goal(
        "HTTP, 64 connections: CPU per request ÷ Go + go-plugin gRPC",
        *("HTTP, 64 connections", "plugd", "cpu_us"),
        base="go-plugin-grpc",
        at_most=0.125,
    ),
    Goal(
        "HTTP, 1 connection: p50 ÷ nginx `return 200`",
        *("HTTP, 1 connection", "plugd", "p50_us"),
        base="nginx-200",
        at_most=1.3,
    ),
    Goal(
        "RPC, 64 B, 1 in flight, one CPU: CPU ÷ bare pipe",
        *("RPC 64 B, 1 in flight, one CPU", "plugd", "cpu_us"),
        base="bare",
        at_most=1.5,
    ),
    Goal(
        "RPC, 64 B, 64 in flight: calls per second",
        *("RPC 64 B, 64 in flight", "plugd", "per_s"),
        at_least=1e6,
    ),
    Goal(
        "RPC, 64 B, 64 in flight: CPU ÷ bare pipe",
        *("RPC 64 B, 64 in flight", "plugd", "cpu_us"),
        base="bare",
        at_most=2.5,
    ),
    Goal(
        "RPC, 64 B, 64 in flight: calls per second ÷ go-plugin gRPC",
        *("RPC 64 B, 64 in flight", "plugd", "per_s"),
        base="go-plugin",
        at_least=50,
    ),
    Goal(
        "RPC, 1 MiB, 1 in flight, socketpair: calls per second ÷ go-plugin gRPC",
        *("RPC 1 MiB, 1 in flight, socketpair", "plugd", "per_s"),
        base="go-plugin",
        at_least=10,
    ),
    Goal(
        "host with the examples loaded and idle: RSS in MiB",
        *("memory", "plugd", "host_mib"),
        at_most=8,
    ),
    Goal("echo instance: RSS in MiB", *("memory", "plugd", "echo_mib"), at_most=2),
    Goal(
        "growth of both over 10 million calls: KiB",
        *("growth", "plugd", "growth_kib"),
        at_most=0,
    ),
    Goal(
        "start of echo without a sandbox, exec to READY: ms",
        *("start", "none", "start_ms"),
        at_most=5,
    ),
    Goal(
        "start of echo in a strict sandbox, exec to READY: ms",
        *("start", "strict", "start_ms"),
        at_most=8,
    ),
    Goal(
        "HTTP, 64 connections: CPU per request with breaker, limits, deadlines, retry ÷ without",
        *("resilience", "with", "cpu_us"),
        base="without",
        at_most=1.05,
    ),
    Goal(
        "HTTP, 64 connections: CPU per request with 5000 routes ÷ with 10",
        *("routes", "with", "cpu_us"),
        base="without",
        at_most=1.05,
    ),
    Goal(
        "HTTP, 64 connections: p99 while echo is swapped ten times a second ÷ without swaps",
        *("swaps", "with", "p99_us"),
        base="without",
        at_most=3,
    ),
    Goal(
        "swap of an idle echo, from the command until the old one has ended: ms",
        *("idle swap", "plugd", "swap_ms"),
        at_most=100,
    ),
    Goal(
        "calls of 64 B: p99 beside bodies of 100 MiB on the same instance ÷ alone",
        *("bodies", "with", "p99_us"),
        base="without",
        at_most=10,
    ),
    Goal(
        "10 000 idle connections: bytes of the host for each",
        *("idle connections", "plugd", "connection_bytes"),
        at_most=4096,
    ),
    Goal(
        "10 000 idle TLS connections: bytes of the host for each",
        *("idle TLS connections", "plugd", "connection_bytes"),
        at_most=40 * 1024,
    ),
    Goal(
        "HTTP/2 over TLS, 64 connections of 10 streams: CPU per request ÷ nginx `return 200`",
        *("HTTP/2 over TLS", "plugd-tls", "cpu_us"),
        base="nginx-tls",
        at_most=0.8,
    ),
    Goal(
        "a new TLS 1.3 handshake: CPU ÷ nginx",
        *("TLS 1.3 handshakes", "plugd-tls", "cpu_us"),
        base="nginx-tls",
        at_most=1.05,
    ),
    Goal(
        "HTTP/1.1 with everything on: CPU per request ÷ nginx `return 200`",
        *("everything on", "with", "cpu_us"),
        base="nginx-200",
        at_most=1.4,
    ),
    Goal(
        "HTTP/1.1 with everything on, more than with everything off: CPU µs per request",
        *("everything on", "with", "cpu_us"),
        less="without",
        at_most=3,
    ),
]
