"""docs/PLUGINS.md, followed to the letter: its files are written, its commands are run, and what it
says that they print is what they print. Only the installation goes to a directory of the test's
own, and the port is a free one."""
import os
import pathlib
import re
import subprocess

import pytest

from plugd import free_port

BUILD = pathlib.Path(os.environ["BUILD_DIR"])
TUTORIAL = pathlib.Path(os.environ["SOURCE_DIR"]) / "docs/PLUGINS.md"
SANITIZE = os.environ["SANITIZE"]
BLOCK = re.compile(r"(?:`([\w.]+)`[^`\n]*:\n\n)?```(\w+)( install)?\n(.*?)```\n", re.DOTALL)


@pytest.fixture
def environment(tmp_path):
    """As after "Install": what was built is found by name, and so is libplug."""
    root = tmp_path / "root"
    subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", str(root)],
                   check=True, capture_output=True)
    libdir = next(root.rglob("plug.pc")).parent.parent
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "plugd").symlink_to(os.environ["PLUGD"])
    (programs / "plugctl").symlink_to(os.environ["PLUGCTL"])
    compiler = "exec /usr/bin/cc " + ("" if SANITIZE == "none" else f"-fsanitize={SANITIZE} ")
    (programs / "cc").write_text(f'#!/bin/sh\n{compiler}"$@"\n')
    (programs / "cc").chmod(0o755)
    return dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", LD_RUN_PATH=str(libdir),
                PKG_CONFIG_PATH=str(libdir / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=str(root))


def script_of(text, home):
    """Writes the files of the tutorial, and makes its commands one script: what a block prints goes
    to a file of its own; after a host was started, waits until it is ready."""
    script = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    outputs = {}
    last = None
    for number, (name, language, install, body) in enumerate(BLOCK.findall(text)):
        if name:
            (home / name).write_text(body)
        elif language == "output":
            outputs[last] = body
        elif language == "sh" and not install:
            last = f"{number}.out"
            if body.rstrip().endswith("&"):
                script.append(f"{body.rstrip()[:-1]} 2>>host.log & wait_ready")
            else:
                script.append("{\n%s} >%s" % (body, last))
    return "\n".join(script), outputs


def test_the_tutorial_does_what_it_says(environment, tmp_path):
    port = free_port()
    home = tmp_path / "home"
    home.mkdir()
    script, outputs = script_of(TUTORIAL.read_text().replace("8080", str(port)), home)
    ready = ("wait_ready() { curl --silent --fail --output ready.json --retry 60 --retry-delay 1 "
             f"--retry-all-errors http://127.0.0.1:{port}/health/ready; }}\n")
    done = subprocess.run(["bash", "-c", ready + script], cwd=home, env=environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + (home / "host.log").read_text()
    assert len(outputs) >= 4
    for name, expected in outputs.items():
        printed = (home / name).read_text()
        assert printed.strip().endswith(expected.strip()), f"{name}: {printed}"
