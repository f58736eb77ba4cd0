"""A directory of control groups for a test, and who is in which."""
import os
import pathlib

import pytest


def find_mount():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, directory, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(directory)
    return None


@pytest.fixture(name="root")
def root_fixture(tmp_path):
    """A directory of control groups that nobody is in."""
    mount = find_mount()
    if not mount or not os.access(mount, os.W_OK):
        pytest.skip("no control groups (v2) to make one in")
    root = mount / f"plugd-test-{os.getpid()}-{tmp_path.name[:40]}"
    root.mkdir()
    yield root
    for left in root.glob("*/"):
        left.rmdir()
    root.rmdir()


def group_of(pid):
    """Below the mount of control groups."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[len("0::/"):]
    return None
