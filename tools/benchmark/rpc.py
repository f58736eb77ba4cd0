"""Calls below the edge: plugd's corridor to the echo plugin, frames through a bare pipe, and
go-plugin when its folder is there. Each runs in a process of its own and prints one line."""

import os
import subprocess

from benchmark import processes


def run(command, cpus=None, env=None):
    ran = subprocess.run(
        processes.pinned(command, cpus), capture_output=True, text=True, env=env, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {ran.stderr[-500:]}")
    return ran.stdout.split()


def timed(line):
    """What rpc.c and pipe.c print alike."""
    return {
        "per_s": float(line[0]),
        "p50_us": float(line[1]) / 1e3,
        "p99_us": float(line[2]) / 1e3,
        "cpu_us": float(line[3]),
    }


def bare(build, scenario, calls, cpus):
    return timed(
        run(
            [
                build / "tools/benchmark/bench-pipe",
                scenario.transport,
                scenario.bytes,
                scenario.depth,
                calls,
            ],
            cpus,
        )
    )


def plugd(build, scenario, calls, cpus):
    return timed(
        run(
            [
                build / "tools/benchmark/bench-rpc",
                build / "plugins-examples/echo/echo",
                scenario.transport,
                scenario.bytes,
                scenario.depth,
                calls,
            ],
            cpus,
        )
    )


def prepare_go(folder):
    """Builds go-plugin's two programs, which is not to be measured. Its folder, or None."""
    home = folder / "peers/go-plugin" if folder else None
    if not home or not home.exists():
        return None
    if not (home / "host.bin").exists():
        subprocess.run([home / "build.sh"], check=True, stdout=subprocess.DEVNULL)
    return home


def go_plugin(home, scenario, calls, cpus):
    """hashicorp/go-plugin over gRPC."""
    mode = "lat" if scenario.depth == 1 else "conc"
    depth = [] if scenario.depth == 1 else [scenario.depth]
    line = run(
        [home / "host.bin", mode, "grpc", scenario.bytes, calls, *depth],
        cpus,
        env=dict(os.environ, PLUGIN=str(home / "plugin.bin")),
    )
    if scenario.depth > 1:
        return {"per_s": float(line[3]), "cpu_us": float(line[4])}
    return {
        "per_s": 1e9 / float(line[4]),
        "p50_us": float(line[2]) / 1e3,
        "p99_us": float(line[3]) / 1e3,
        "cpu_us": float(line[5]),
    }


def growth(build, calls):
    """KiB that host and plugin have grown by between a tenth of the calls and all of them."""
    rss = list(
        map(
            int,
            run(
                [
                    build / "tools/benchmark/bench-rpc",
                    build / "plugins-examples/echo/echo",
                    "growth",
                    calls,
                ]
            ),
        )
    )
    return {"growth_kib": max(rss[2] - rss[0], 0) + max(rss[3] - rss[1], 0)}


def start_ms(build, sandbox, times):
    """From exec to READY: the median of so many starts."""
    line = run(
        [
            build / "tools/benchmark/bench-rpc",
            build / "plugins-examples/echo/echo",
            "start",
            sandbox,
            times,
        ]
    )
    return {"start_ms": float(line[0]) / 1e3}
