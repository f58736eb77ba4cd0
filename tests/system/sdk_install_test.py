"""libplug as its users get it: installed somewhere, found by pkg-config, linked both ways."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from plughost import PluginHost

BUILD = os.environ["BUILD_DIR"]
SANITIZE = os.environ["SANITIZE"]
SOURCES = pathlib.Path(__file__).parent / "outside"
SUM = "outside.v1.Outside/Sum"


def run(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **options).stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Where `meson install` has put the product."""
    root = tmp_path_factory.mktemp("root")
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", str(root))
    return next(root.rglob("plug.pc")).parent.parent, root


@pytest.fixture(scope="module")
def pkg_config(prefix):
    """pkg-config as on the machine where plugd is installed."""
    libdir, root = prefix

    def ask(*options):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(libdir / "pkgconfig"),
                           PKG_CONFIG_SYSROOT_DIR=str(root))
        return run("pkg-config", *options, "plug", env=environment).split()
    return ask


@pytest.fixture(scope="module")
def objects(tmp_path_factory, pkg_config):
    """The plugin's objects, compiled in an empty directory."""
    home = tmp_path_factory.mktemp("outside")
    for source in SOURCES.iterdir():
        shutil.copy(source, home)
    run("protoc", "--plugin=protoc-gen-nanopb=/usr/bin/protoc-gen-nanopb", "--nanopb_out=.",
        "outside.proto", cwd=home)
    flags = ["-Wall", "-Wextra", "-Werror", "-std=c99", *pkg_config("--cflags")]
    run("cc", "-c", *flags, "outside.c", "outside.pb.c", cwd=home)
    return home


def link(home, name, *libraries):
    sanitize = [] if SANITIZE == "none" else ["-fsanitize=" + SANITIZE]
    run("cc", "-o", name, "outside.o", "outside.pb.o", *libraries, "-lprotobuf-nanopb",
        *sanitize, cwd=home)
    return str(home / name)


def serves(executable):
    with PluginHost([executable]) as plugin:
        plugin.handshake()
        assert plugin.call(SUM, b"\x08\x02\x10\x03").payload == b"\x08\x05"
        assert plugin.http("GET", "/hello/world")[::2] == (200, b"hello world\n")
        assert plugin.drain() == 0


def test_a_plugin_links_the_shared_library(objects, prefix, pkg_config):
    libdir, _ = prefix
    executable = link(objects, "shared", *pkg_config("--libs"), f"-Wl,-rpath,{libdir}")
    assert "libplug.so.0" in run("readelf", "-d", executable)
    serves(executable)


def test_a_plugin_links_the_archive_alone(objects, prefix):
    libdir, _ = prefix
    executable = link(objects, "static", str(libdir / "libplug.a"), "-pthread")
    assert "libplug" not in run("readelf", "-d", executable)
    serves(executable)


@pytest.mark.parametrize("library, option", [("libplug.so", "-D"), ("libplug.a", "-g")])
def test_only_plug_names_are_visible(prefix, library, option):
    libdir, _ = prefix
    table = run("nm", option, "--defined-only", str(libdir / library))
    names = set(re.findall(r"^[0-9a-f]+ [A-Z] (\S+)$", table, re.MULTILINE))
    headers = [header for base in (libdir.parent.parent, libdir.parent)
               for header in (base / "include").glob("plug*.h")]
    declared = {name for header in headers
                for name in re.findall(r"\b(plug_\w+)\(", header.read_text())}
    assert names
    assert names <= declared
