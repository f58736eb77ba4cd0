"""A small tree that keeps every rule: each test of a check breaks one thing in it and looks."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"

GOOD_HEADER = """/* A door: opens and closes. Pure. */
#ifndef PLUGD_BASE_DOOR_H
#define PLUGD_BASE_DOOR_H

int door_open(int width);

#endif
"""

GOOD_SOURCE = """/* A door, as its header says. */
#include "base/door.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "proto/wire.h"

int door_open(int width)
{
	return abs(width);
}
"""


def plant(root, files):
    """Writes the files and the good tree around them; returns the tree's root."""
    tree = {"host/base/door.h": GOOD_HEADER, "host/base/door.c": GOOD_SOURCE, **files}
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / ".clang-format").write_text((ROOT / ".clang-format").read_text())
    return root


def run(tool, *args):
    """Runs a check; returns its status and what it said."""
    command = [PYTHON, ROOT / "tools" / tool, *args]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(result.stdout + result.stderr)
    return result.returncode, result.stdout + result.stderr
