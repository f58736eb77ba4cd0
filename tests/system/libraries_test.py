"""Pinned shared libraries: what the loader would load is what was pinned, or nothing starts."""
import json
import os
import re
import subprocess

import pytest

from plugd import PLUGCTL, PYTHON, plugin


def plugctl(*args, status=0):
    done = subprocess.run([PLUGCTL, *map(str, args)], capture_output=True, check=False, text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def compile_c(target, text, *args):
    subprocess.run(["gcc", "-x", "c", "-", "-o", target, *map(str, args)], input=text.encode(),
                   check=True)
    return target


class Program:
    """A program that waits for ever, and its library, in the second of two directories."""

    def __init__(self, directory):
        self.first = directory / "first"
        self.library = directory / "second" / "libvalue.so"
        self.first.mkdir()
        self.library.parent.mkdir()
        self.write_library(1)
        self.file = compile_c(
            directory / "program",
            "#include <unistd.h>\nint value(void); int main(void) { while (value()) pause(); }",
            "-L", self.library.parent, f"-Wl,-rpath,{self.first}:{self.library.parent}", "-lvalue")

    def write_library(self, value, file=None):
        compile_c(file or self.library, f"int value(void) {{ return {value}; }}", "-shared",
                  "-fPIC", "-Wl,-soname,libvalue.so")


@pytest.fixture(name="program")
def program_fixture(tmp_path):
    return Program(tmp_path)


@pytest.fixture(name="pinned")
def pinned_fixture(hosts, program):
    """A host with the program, which is pinned with its libraries."""
    def make(**settings):
        host = hosts(plugins=[plugin("waits", executable=program.file, **settings)])
        host.write_config()
        plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", program.file)
        return host
    return make


def refused(host, code, words):
    host.start([])
    told = host.wait_log("plugin.refused", plugin="waits")
    assert told["code"] == code and str(words) in told["msg"], told
    assert not host.log("instance.started")


def libraries_of(host):
    rows = json.loads(plugctl("-o", "json", "whitelist", "list", "-f", host.whitelist))
    return {row["path"]: row["libraries"] for row in rows}


def test_unchanged_libraries_start(pinned, program):
    host = pinned().start([])
    host.wait_log("instance.started")
    paths = [row["path"] for row in libraries_of(host)[str(program.file)]]
    assert str(program.library) in paths
    assert any("libc.so" in path for path in paths) and any("/ld-linux" in path for path in paths)


def test_a_changed_library_is_refused_by_name(pinned, program):
    host = pinned()
    program.write_library(2)
    refused(host, 1830, program.library)


def test_a_library_that_is_gone_is_refused(pinned, program):
    host = pinned()
    program.library.unlink()
    refused(host, 1830, program.library)


def test_a_library_that_steps_in_front_is_refused(pinned, program):
    host = pinned()
    program.write_library(1, program.first / "libvalue.so")
    refused(host, 1831, program.first / "libvalue.so")


def test_a_variant_for_better_processors_is_refused(pinned, program):
    host = pinned()
    directory = program.library.parent / "glibc-hwcaps" / "x86-64-v2"
    directory.mkdir(parents=True)
    program.write_library(1, directory / "libvalue.so")
    refused(host, 1831, directory)


def test_a_library_that_changes_is_refused_at_the_next_start(pinned, program):
    host = pinned().start([])
    pid = host.wait_log("instance.started")["pid"]
    new = program.library.with_name("new")
    program.write_library(2, new)
    os.replace(new, program.library)
    os.kill(pid, 9)
    told = host.wait_log("instance.died", plugin="waits", code=1830)
    assert str(program.library) in told["msg"]
    assert len(host.log("instance.started")) == 1


def test_an_environment_that_changes_what_is_loaded_is_refused(pinned):
    host = pinned(env={"LD_PRELOAD": "/tmp/x.so"}).start([])
    told = host.wait_log("instance.died", plugin="waits")
    assert told["code"] == 1832 and "LD_PRELOAD" in told["msg"]


def test_under_audit_a_changed_library_is_only_remarked(pinned, program):
    host = pinned()
    program.write_library(2)
    host.settings["whitelist"] = {"policy": "audit"}
    host.write_config()
    host.start([]).wait_log("instance.started")
    assert [record for record in host.records if record.get("code") == 1830]


def test_an_audit_library_cannot_be_followed(tmp_path):
    file = compile_c(tmp_path / "audited", "int main(void) { return 0; }",
                     "-Wl,--audit=/tmp/audit.so")
    told = plugctl("whitelist", "add", "-f", tmp_path / "w.yaml", "--with-libraries", file,
                   status=1)
    assert "1832" in told and "DT_AUDIT" in told
    assert not (tmp_path / "w.yaml").exists()


def test_what_is_pinned_is_what_the_loader_loads(hosts):
    """Of a program that is trusted, the loader may be asked."""
    host = hosts()
    plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", PYTHON)
    listed = subprocess.run(["ldd", PYTHON], capture_output=True, check=True, text=True).stdout
    loaded = {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    pinned = {row["path"] for row in libraries_of(host)[os.path.realpath(PYTHON)]}
    assert pinned == loaded


def test_the_libraries_of_an_interpreter_count_too(hosts, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"#!{PYTHON}\nimport signal\nsignal.pause()\n")
    script.chmod(0o755)
    host = hosts(plugins=[plugin("waits", executable=script)])
    host.write_config()
    plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", script)
    text = host.whitelist.read_text()
    host.start([]).wait_log("instance.started")
    host.stop()
    broken = re.sub(r"(libc\.so\.6, hash: \"sha256:)[0-9a-f]{64}", r"\g<1>" + "0" * 64, text)
    assert broken != text
    host.whitelist.write_text(broken)
    host.launch()
    told = host.wait_log("plugin.refused", plugin="waits")
    assert told["code"] == 1830 and "libc.so.6" in told["msg"]


def test_an_entry_with_other_libraries_is_not_overwritten(pinned, program):
    host = pinned()
    plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", program.file)
    program.write_library(2)
    before = host.whitelist.read_text()
    told = plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", program.file,
                   status=1)
    assert "whitelist remove" in told and host.whitelist.read_text() == before
    plugctl("whitelist", "remove", "-f", host.whitelist, program.file)
    plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", program.file)
    host.start([]).wait_log("instance.started")
