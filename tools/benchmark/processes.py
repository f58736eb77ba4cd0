"""What /proc says of a server and all its children: CPU time and memory; and how to place and end
them. Trees, not sessions or groups: a plugin leads a group of its own."""

import os
import pathlib
import signal
import time

PROC = pathlib.Path("/proc")
END_PATIENCE_S = 5


def parent_of(pid):
    try:
        return int((PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return None


def tree(root):
    """The process and all its descendants that live now."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            children.setdefault(parent_of(entry.name), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_ns(pids):
    """User and system time of all their threads; finer than the ticks of stat."""
    total = 0
    for pid in pids:
        for schedstat in PROC.glob(f"{pid}/task/*/schedstat"):
            try:
                total += int(schedstat.read_text().split()[0])
            except OSError:
                pass
    return total


def rss_kib(pid):
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def end(pids):
    """Asks them to end, and ends those that don't."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                pass
        until = time.monotonic() + END_PATIENCE_S
        while any(is_running(pid) for pid in pids):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        else:
            return


def is_running(pid):
    """A zombie isn't: whoever started it will fetch it."""
    try:
        return (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def place(pids, cpus):
    """Moves all their threads to these CPUs."""
    for pid in pids:
        for task in PROC.glob(f"{pid}/task/*"):
            try:
                os.sched_setaffinity(int(task.name), cpus)
            except ProcessLookupError:
                pass


def pinned(command, cpus):
    """The command line that runs on these CPUs only; None: wherever the kernel likes."""
    if cpus is None:
        return list(map(str, command))
    return ["taskset", "-c", ",".join(map(str, sorted(cpus))), *map(str, command)]
