"""What the linker and the compiler were asked for is in the programs that came out."""
import os
import pathlib
import platform
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["BUILD_DIR"])
PROGRAMS = ["host/plugd", "tools/plugctl/plugctl", "plugins-examples/echo/echo"]


def read(program, what):
    return subprocess.run(["readelf", "-W", what, BUILD / program], capture_output=True, text=True,
                          check=True).stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_addresses_are_random_and_bound_before_the_start(program):
    assert "DYN (Position-Independent Executable" in read(program, "-h")
    dynamic = read(program, "-d")
    assert "BIND_NOW" in dynamic or "NOW" in dynamic.split("FLAGS_1", 1)[-1]
    assert "TEXTREL" not in dynamic


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_is_both_writable_and_executable(program):
    rows = [line.split() for line in read(program, "-l").splitlines()]
    segments = {row[0]: "".join(row[6:-1]) for row in rows if row and row[0].startswith("GNU_")}
    assert "GNU_RELRO" in segments and segments["GNU_STACK"] == "RW"
    loads = ["".join(row[6:-1]) for row in rows if row and row[0] == "LOAD"]
    assert loads and not any("W" in flags and "E" in flags for flags in loads)
    assert "RE" in loads and "R" in loads  # code has segments of its own


@pytest.mark.skipif(platform.machine() != "x86_64", reason="it is of x86")
def test_every_object_of_the_host_is_compiled_for_cet():
    """The programs have no note of it, because Debian's crt files have none."""
    objects = sorted((BUILD / "host").rglob("*.c.o"))
    assert len(objects) > 100
    for file in objects:
        assert "x86 feature: IBT, SHSTK" in read(file, "-n"), file
