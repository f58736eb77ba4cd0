"""The configurations that docs/EDGE.md shows are good ones as they stand: the files that they name
are made, and `plugd --check` finds nothing wrong. What they do is for other tests."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from certificates import Authority
from plugd import PLUGD, SANITIZERS, whitelist_entry

TEXT = (pathlib.Path(os.environ["SOURCE_DIR"]) / "docs/EDGE.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
# Of two of identity's files the form is shown, with hashes that are cut short.
CONFIGURATIONS = [block for block in BLOCKS if not block.startswith(("keys:", "users:"))]
ELSEWHERE = ("/srv/www", "/usr/lib/plugd")  # directories that lie beside the configuration here


def write(path, content, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with all the files that any of them names."""
    home = tmp_path_factory.mktemp("documents")
    ca = Authority(home)
    for name in sorted(set(re.findall(r"(\S+)\.key\b", "\n".join(CONFIGURATIONS)))):
        pair = ca.issue(name, [f"DNS:{name}"])
        write(home / f"{name}.pem", pair.certificate.read_bytes())
        write(home / f"{name}.key", pair.key.read_bytes())
    write(home / "clients-ca.pem", ca.pem.read_bytes())
    write(home / "clients.crl", ca.crl().read_bytes())
    write(home / "api-keys.yaml", b"keys: []\n")
    write(home / "users.yaml", b"users: []\n")
    (home / "srv/www/assets").mkdir(parents=True)
    programs = [write(home / path[1:], b"#!/bin/sh\n", 0o755) for path in
                set(re.findall(r"executable: (/[\w/]+)", "\n".join(CONFIGURATIONS)))]
    entries = [whitelist_entry(path) for path in programs]
    write(home / "whitelist.yaml", json.dumps({"version": 1, "plugins": entries}).encode())
    return home


def place(block):
    return f"line-{TEXT[:TEXT.index(block)].count(chr(10)) + 1}"


def test_there_are_some():
    assert len(CONFIGURATIONS) > 15


@pytest.mark.parametrize("yaml", CONFIGURATIONS, ids=place)
def test_a_configuration_is_good_as_it_stands(home, yaml):
    for directory in ELSEWHERE:
        yaml = yaml.replace(directory, f"{home}{directory}")
    config = write(home / "plugd.yaml", yaml.encode())
    done = subprocess.run([PLUGD, "--check", "--config", config], env=SANITIZERS,
                          capture_output=True, check=False)
    assert done.stdout.decode() == f"{config}: no errors\n", done.stderr.decode()
