"""Pinned shared libraries: what the loader would load is what was pinned, or nothing starts."""
import json
import os
import re
import subprocess

import pytest

from plugd import PLUGINS, PYTHON, is_alive, plugctl, plugin, wait_until, whitelist_entry


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

    def replace_library(self, content):
        """By another file; content: its bytes, or its value."""
        new = self.library.with_name("new")
        if isinstance(content, bytes):
            new.write_bytes(content)
        else:
            self.write_library(content, new)
        os.replace(new, self.library)


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


def test_a_library_that_changes_is_refused_at_the_next_start(pinned, program, tmp_path):
    """No crash: nothing is tried again before somebody says so."""
    host = pinned(restart={"initial_delay": "1ms"})
    host.settings["audit"] = {"file": str(tmp_path / "audit.db")}
    host.write_config()
    pid = host.start([]).wait_log("instance.started")["pid"]
    program.replace_library(2)
    os.kill(pid, 9)
    told = host.wait_log("instance.down", plugin="waits")
    assert told["code"] == 1830 and str(program.library) in told["msg"]
    assert host.wait_log("plugin.refused", plugin="waits")["code"] == 1830
    assert [row["code"] for row in host.log("instance.died")] == [1203]
    for count, again in enumerate((["whitelist", "reload"], ["reload"]), 2):
        host.plugctl(*again)
        host.wait_log("instance.down", count, plugin="waits")
    rows = json.loads(plugctl("-o", "json", "audit", "list", "-f", tmp_path / "audit.db"))
    assert [row["event"] for row in rows].count("plugin.start") == 1
    codes = [row["details"]["code"] for row in rows if row["event"] == "plugin.refused"]
    assert codes == 3 * [1830]


@pytest.mark.parametrize("again", ["whitelist reload", "reload", "restart waits"])
def test_what_was_refused_starts_when_it_is_good_again(pinned, program, again):
    host = pinned(restart={"initial_delay": "1ms"}).start([])
    before = program.library.read_bytes()
    pid = host.wait_log("instance.started")["pid"]
    program.replace_library(2)
    os.kill(pid, 9)
    host.wait_log("instance.down", plugin="waits")
    program.replace_library(before)
    host.plugctl(*again.split())
    host.wait_log("instance.started", 2)


def test_an_environment_that_changes_what_is_loaded_is_refused(pinned):
    host = pinned(env={"LD_PRELOAD": "/tmp/x.so"}).start([])
    told = host.wait_log("instance.down", plugin="waits")
    assert told["code"] == 1832 and "LD_PRELOAD" in told["msg"]
    assert not host.log("instance.died")


@pytest.mark.parametrize("spoil", [lambda file: file.chmod(0o666),
                                   lambda file: file.chmod(0o664),
                                   lambda file: os.chown(file, 4711, -1),
                                   lambda file: file.parent.chmod(0o777),
                                   lambda file: os.chown(file.parent, 4711, -1)],
                         ids=["all", "group", "owner", "directory", "owner of the directory"])
def test_a_library_that_others_may_change_is_refused(pinned, program, spoil):
    host = pinned()
    spoil(program.library)
    refused(host, 1809, program.library.parent)
    host.stop()
    host.settings["whitelist"] = {"require_safe_modes": False}
    host.write_config()
    host.launch().wait_log("instance.started")


def test_a_library_that_others_may_change_by_now_is_refused_at_the_next_start(pinned, program):
    host = pinned(restart={"initial_delay": "1ms"}).start([])
    pid = host.wait_log("instance.started")["pid"]
    program.library.chmod(0o666)
    os.kill(pid, 9)
    told = host.wait_log("instance.down", plugin="waits")
    assert told["code"] == 1809 and str(program.library) in told["msg"]


# ---- another list


@pytest.fixture(name="script_host")
def script_host_fixture(hosts):
    """A host whose plugin serves, and whose interpreter is pinned with its libraries."""
    def make(**whitelist):
        host = hosts(plugins=[plugin("good")], whitelist={"watch": False, **whitelist})
        host.write_config()
        plugctl("whitelist", "add", "-f", host.whitelist, "--with-libraries", PLUGINS / "good")
        return host.start()
    return make


def pin_otherwise(host):
    text = host.whitelist.read_text()
    other = re.sub(r"(libc\.so\.6, hash: \"sha256:)[0-9a-f]{64}", r"\g<1>" + "0" * 64, text)
    assert other != text
    host.whitelist.write_text(other)


@pytest.mark.parametrize("action, runs_on", [("drain", False), ("kill", False), ("keep", True)])
def test_another_pin_of_a_library_revokes(script_host, action, runs_on):
    host = script_host(on_revoke=action)
    before = host.whitelist.read_text()
    pid = host.pid("good")
    pin_otherwise(host)
    assert host.admin("whitelist_reload")["revoked"] == 1
    told = host.wait_log("whitelist.revoked", plugin="good", action=action)
    assert told["code"] == 1810 and "libc.so.6" in told["msg"]
    if runs_on:
        assert is_alive(pid) and not host.log("instance.ended")
    else:
        host.wait_log("instance.down", plugin="good")
        wait_until(lambda: not is_alive(pid), "its end")
    host.whitelist.write_text(before)
    assert host.admin("whitelist_reload")["restored"] == 1
    wait_until(lambda: host.rpc("good.v1.Good/Echo", b"x").body == b"x", "it serves again")


def test_libraries_that_are_pinned_now_are_those_of_the_successor(script_host, tmp_path):
    """The list pins one more than what ran was held against."""
    host = script_host()
    more = tmp_path / "more.so"
    compile_c(more, "int more;", "-shared")
    text = host.whitelist.read_text()
    row = f'{{path: {more}, hash: "{whitelist_entry(more)["hash"]}"}}'
    host.whitelist.write_text(text.replace("}]", "}, " + row + "]"))
    assert str(more) in host.whitelist.read_text()
    host.plugctl("whitelist", "reload")
    wait_until(lambda: host.plugin("good")["generation"] == 2, "the successor serves")
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
    text = host.whitelist.read_text()
    host.whitelist.write_text(re.sub(r"\n +libraries: \[[^]]*\]", "", text))
    assert host.whitelist.read_text() != text
    assert host.admin("whitelist_reload")["revoked"] == 0  # nothing is asked of them any more


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
