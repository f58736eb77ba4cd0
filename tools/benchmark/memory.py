"""What plugd and an echo instance take when all example plugins are loaded and nobody asks."""

import subprocess
import time
import urllib.error
import urllib.request

from benchmark import processes, servers

READY_PATIENCE_S = 20


def pin_examples(build, whitelist):
    examples = build / "plugins-examples"
    for program in sorted(examples.glob("*/*")):
        if program.name == program.parent.name:
            subprocess.run(
                [
                    build / "tools/plugctl/plugctl",
                    "whitelist",
                    "add",
                    *("--file", whitelist),
                    *("--name", program.name),
                    program,
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def name_of(pid):
    """An executable that runs from a memfd says whose bytes it was made of in its arguments."""
    return (processes.PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[0].decode()


def measure(build, directory):
    """KiB of the host and of the echo instance."""
    directory.mkdir(parents=True, exist_ok=True)
    whitelist = directory / "whitelist.yaml"
    whitelist.unlink(missing_ok=True)
    pin_examples(build, whitelist)
    port = servers.free_port()
    command = [
        build / "host/plugd",
        *("--config", build / "plugins-examples/plugd.yaml"),
        *("--listen", f"127.0.0.1:{port}"),
        *("--admin-socket", "none"),
        *("--whitelist-file", whitelist),
    ]
    with open(directory / "output", "wb") as output:
        host = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + READY_PATIENCE_S
        while not is_ready(port):
            if host.poll() is not None or time.monotonic() > until:
                said = (directory / "output").read_text(errors="replace")
                raise RuntimeError(f"plugd does not become ready; it says: {said[-800:]}")
            time.sleep(0.05)
        pids = processes.tree(host.pid)
        echo = next(pid for pid in pids[1:] if name_of(pid).endswith("/echo"))
        return {"host_kib": processes.rss_kib(host.pid), "echo_kib": processes.rss_kib(echo)}
    finally:
        pids = processes.tree(host.pid)
        host.terminate()
        processes.end(pids)
        host.wait()
