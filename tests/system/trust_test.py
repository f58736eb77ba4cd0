"""What may run: the whitelist, and that the bytes that were hashed are the bytes that run."""
import os
import shutil
import stat
import struct

import pytest

from plugd import PLUGINS, PYTHON, plugin, route, whitelist_entry

ECHO = "good.v1.Good/Echo"


def copy_of(kind, directory, name="copy"):
    path = directory / name
    shutil.copy(PLUGINS / kind, path)
    return path


def script(path, text, mode=0o755):
    path.write_bytes(text)
    path.chmod(mode)
    return path


@pytest.fixture(name="tried")
def tried_fixture(hosts):
    """tried(executable, entries…): the host's refusal of that executable, beside a plugin that is
    served all the same. Without entries the executable is pinned as it is."""
    def begin(executable, *entries, name="tried"):
        host = hosts(plugins=[plugin("good"), plugin("tried", name=name, executable=executable)],
                     routes=[route("/tried", name)])
        pins = entries or [whitelist_entry(executable)]
        host.write_whitelist([whitelist_entry(PLUGINS / "good"), whitelist_entry(PYTHON), *pins])
        host.start(["good"])
        assert host.rpc(ECHO, b"x").body == b"x"
        assert host.http("GET", "/tried").error() == (503, "PLUGIN_NOT_READY")
        assert host.plugin(name)["state"] == "failing"
        return host.wait_log("plugin.refused", plugin=name)
    return begin


# ---- the whitelist


def test_a_changed_executable_is_refused(tried, tmp_path):
    path = copy_of("good", tmp_path)
    entry = whitelist_entry(path)
    with open(path, "ab") as file:
        file.write(b"\0")
    refused = tried(path, entry)
    assert refused["code"] == 1803 and str(path) in refused["msg"]


def test_an_unlisted_executable_is_refused(tried, tmp_path):
    refused = tried(copy_of("good", tmp_path), whitelist_entry(PLUGINS / "slow"))
    assert refused["code"] == 1801


def test_a_disabled_entry_is_refused(tried, tmp_path):
    path = copy_of("good", tmp_path)
    assert tried(path, whitelist_entry(path, enabled=False))["code"] == 1802


def test_an_entry_is_for_the_plugin_that_it_names(tried, tmp_path):
    path = copy_of("good", tmp_path)
    assert tried(path, whitelist_entry(path, name="another"))["code"] == 1806


def test_an_interpreter_that_is_not_pinned_is_refused(hosts):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist([whitelist_entry(PLUGINS / "good")])
    host.start([])
    assert host.wait_log("plugin.refused", plugin="good")["code"] == 1805


def test_an_interpreter_that_has_changed_is_refused(hosts):
    host = hosts(plugins=[plugin("good")])
    wrong = {**whitelist_entry(PYTHON), "hash": "sha256:" + "0" * 64}
    host.write_whitelist([whitelist_entry(PLUGINS / "good"), wrong])
    host.start([])
    assert host.wait_log("plugin.refused", plugin="good")["code"] == 1805


@pytest.mark.parametrize("write", [
    lambda digest: "sha256:" + digest, lambda digest: digest, lambda digest: digest.upper(),
    lambda digest: "SHA256:" + digest.upper()], ids=["prefix", "bare", "upper", "all upper"])
def test_a_hash_is_taken_however_it_is_written(hosts, write):
    host = hosts(plugins=[plugin("good")])
    entries = [whitelist_entry(PLUGINS / "good", name="good", algorithm="sha256",
                               metadata={"owner": "a"}), whitelist_entry(PYTHON)]
    for entry in entries:
        entry["hash"] = write(entry["hash"].split(":")[1])
    host.write_whitelist(entries)
    assert host.start().rpc(ECHO, b"x").body == b"x"


def test_a_symbolic_link_leads_to_its_entry(hosts, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(PLUGINS / "good")
    host = hosts(plugins=[plugin("good", executable=link)])
    assert host.start().rpc(ECHO, b"x").body == b"x"


BAD_WHITELISTS = {
    "a short hash": ("version: 1\nplugins:\n- path: /x\n  hash: abc\n", "4"),
    "no hexadecimal": (f"version: 1\nplugins:\n- path: /x\n  hash: {'g' * 64}\n", "4"),
    "another algorithm": (f"version: 1\nplugins:\n- path: /x\n  hash: md5:{'0' * 32}\n", "4"),
    "an unknown key": ("version: 1\nplugin: []\n", "2"),
    "another version": ("version: 2\nplugins: []\n", "1"),
    "no YAML": ("version: [\n", ""),
    "a relative path": (f"version: 1\nplugins:\n- path: x\n  hash: {'0' * 64}\n", "3"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("text,line", BAD_WHITELISTS.values(), ids=BAD_WHITELISTS.keys())
def test_a_whitelist_that_is_none_stops_the_start(hosts, text, line):
    host = hosts(plugins=[plugin("good")])
    host.write_config()
    host.whitelist.write_text(text)
    host.launch()
    failed = host.wait_log("host.failed")
    assert failed["code"] in (*range(1000, 1009), 1800), failed
    assert host.wait_exit() == 1
    assert any(f"whitelist.yaml:{line}" in record["msg"]
               for record in host.log("whitelist.problem"))
    assert host.orphans() == []


def test_a_whitelist_that_is_not_there_stops_the_start(hosts):
    host = hosts(plugins=[plugin("good")])
    host.write_config()
    host.launch()
    assert host.wait_log("host.failed")["code"] == 1800
    assert host.wait_exit() == 1


# ---- the bytes that run


def test_what_was_hashed_is_what_runs_whatever_happens_to_the_file(hosts, tmp_path):
    path = copy_of("good", tmp_path)
    host = hosts(plugins=[plugin("good", executable=path)]).start()
    shutil.copy(PLUGINS / "dies", tmp_path / "other")
    os.replace(tmp_path / "other", path)
    host.kill_instance("good")
    host.wait_ready("good", 2)
    path.unlink()
    host.kill_instance("good")
    host.wait_ready("good", 3)
    assert host.rpc(ECHO, b"x").body == b"x"


def test_a_program_runs_from_sealed_memory(start):
    host = start([], plugins=[plugin("sleeper", "1000", executable="/usr/bin/sleep")])
    pid = host.wait_log("instance.started")["pid"]
    assert os.readlink(f"/proc/{pid}/exe").startswith("/memfd:")
    with pytest.raises(OSError):
        with open(f"/proc/{pid}/exe", "r+b"):
            pass


def test_the_digest_of_what_runs_is_shown(start):
    host = start(plugins=[plugin("good")])
    assert host.plugin("good")["hash"] == whitelist_entry(PLUGINS / "good")["hash"]


# ---- what can't run, in words


def test_a_file_without_a_run_bit(tried, tmp_path):
    path = copy_of("good", tmp_path)
    path.chmod(0o644)
    refused = tried(path)
    assert refused["code"] == 1804 and str(path) in refused["msg"]


def test_a_file_that_is_not_there(tried, tmp_path):
    refused = tried(tmp_path / "nothing", whitelist_entry(PLUGINS / "slow"))
    assert refused["code"] == 1804 and "No such file" in refused["msg"]


def test_a_directory(tried, tmp_path):
    assert tried(tmp_path, whitelist_entry(PLUGINS / "slow"))["code"] == 1804


def test_an_empty_file(tried, tmp_path):
    path = script(tmp_path / "empty", b"")
    assert tried(path)["code"] in (1200, 1804)


def test_a_set_user_id_bit_has_no_effect(hosts, tmp_path):
    path = copy_of("good", tmp_path)
    path.chmod(0o4755)
    host = hosts(plugins=[plugin("good", executable=path)])
    assert host.start().rpc(ECHO, b"x").body == b"x"
    assert path.stat().st_mode & stat.S_ISUID


@pytest.mark.parametrize("line,words", [
    (b"#!/usr/bin/env python3\n", "env"),
    (b"#!/nowhere/python3\n", "/nowhere/python3"),
    (b"#!python3\n", "python3"),
    (b"#!\n", ""),
    (b"#!" + b"/x" * 5000 + b"\n", ""),
])
def test_an_interpreter_that_cannot_be_pinned(tried, tmp_path, line, words):
    refused = tried(script(tmp_path / "script", line + b"pass\n"))
    assert refused["code"] == 1805 and words in refused["msg"], refused


def test_an_interpreter_that_is_a_script(tried, tmp_path):
    inner = script(tmp_path / "inner", b"#!/bin/sh\nexit 0\n")
    outer = script(tmp_path / "outer", f"#!{inner}\n".encode())
    refused = tried(outer, whitelist_entry(outer), whitelist_entry(inner))
    assert refused["code"] == 1805 and "script" in refused["msg"]


def elf(machine):
    """The beginning of an executable for that machine: enough for the kernel to say no."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) \
        + bytes(56)


@pytest.mark.parametrize("text,words", [
    (elf(183), "aarch64"),
    (b"just text\n", ""),
])
def test_what_the_kernel_will_not_run_is_told_in_words(hosts, tmp_path, text, words):
    path = script(tmp_path / "foreign", text)
    host = hosts(plugins=[plugin("good"), plugin("foreign", executable=path)]).start(["good"])
    told = host.wait_log("instance.died", plugin="foreign") if not host.log("plugin.refused") \
        else host.log("plugin.refused")[0]
    assert told["code"] in (1200, 1804) and words in told["msg"], told
    assert host.rpc(ECHO, b"x").body == b"x"
