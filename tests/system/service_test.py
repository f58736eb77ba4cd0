"""The units for systemd, as the build makes them, in the eyes of systemd itself."""
import os
import pathlib
import re
import subprocess

import pytest

UNIT = pathlib.Path(os.environ["BUILD_DIR"]) / "tools/systemd/plugd.service"
WORST_SCORE = 3.0  # docs/OPERATIONS.md tells it


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that is there: what it names is there when plugd is installed."""
    path = tmp_path / "plugd.service"
    text, count = re.subn("^ExecStart=.*/plugd$", f"ExecStart={os.environ['PLUGD']}",
                          UNIT.read_text(encoding="ascii"), flags=re.M)
    assert count == 1 and "@" not in re.sub(r"SystemCall.*", "", text)
    path.write_text(text, encoding="ascii")
    return path


@pytest.fixture(name="sockets")
def sockets_fixture(unit):
    """The socket unit, beside the service that it starts."""
    path = unit.parent / "plugd.socket"
    path.write_bytes((UNIT.parent / "plugd.socket").read_bytes())
    return path


def analyze(*args):
    done = subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    return done.returncode, done.stdout + done.stderr


def test_systemd_understands_every_line(unit):
    assert analyze("verify", str(unit)) == (0, "")


def test_systemd_understands_every_line_of_the_sockets(sockets, unit):
    assert analyze("verify", str(sockets), str(unit)) == (0, "")


def test_the_documents_name_the_sockets_as_the_unit_does(sockets):
    name = re.search("^FileDescriptorName=(.*)$", sockets.read_text(encoding="ascii"), re.M)[1]
    for document in ("EDGE.md", "OPERATIONS.md"):
        text = (pathlib.Path(os.environ["SOURCE_DIR"]) / "docs" / document).read_text("utf-8")
        assert f'"fd:{name}"' in text, document


def test_it_is_as_exposed_as_documented(unit):
    status, said = analyze("security", "--offline=yes", "--no-pager",
                           f"--threshold={int(WORST_SCORE * 10)}", str(unit))
    score = float(re.search(r"exposure level for plugd.service: ([0-9.]+)", said)[1])
    assert status == 0 and score <= WORST_SCORE, said
    text = (pathlib.Path(os.environ["SOURCE_DIR"]) / "docs/OPERATIONS.md").read_text("utf-8")
    assert f"{WORST_SCORE}" in text and f"**{score}**" in text, score


def test_what_plugins_need_is_left_to_them(unit):
    text = unit.read_text(encoding="ascii")
    for line in ("Delegate=yes", "NoNewPrivileges=yes", "LimitCORE=0", "User=plugd"):
        assert re.search(f"^{line}$", text, re.M), line
    kinds = re.search("^RestrictNamespaces=(.*)$", text, re.M)[1].split()
    assert {"user", "mnt", "pid", "ipc", "net"} <= set(kinds)
