"""Whitelists that are no whitelist while a host runs, and files that change while they are looked
at: what is not pinned never runs, and the host serves on.
"""
import contextlib
import hashlib
import os
import shutil
import subprocess
import threading

import pytest

from plugd import PLUGINS, PYTHON, SANITIZERS, plugin, route, wait_until, whitelist_entry

ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
HELLO = b"hello world\n"
DIGITS = "0" * 64


@pytest.fixture(name="echo")
def echo_fixture(tmp_path):
    shutil.copy(ECHO, tmp_path / "echo")
    return tmp_path / "echo"


@pytest.fixture(name="evil")
def evil_fixture(tmp_path):
    """Another program that would do: only its bytes tell."""
    shutil.copy(ECHO, tmp_path / "evil")
    with open(tmp_path / "evil", "ab") as file:
        file.write(b"evil")
    return tmp_path / "evil"


@pytest.fixture(name="echo_host")
def echo_host_fixture(hosts, echo):
    """echo_host(executable, entries…)"""
    def begin(executable=echo, *entries, **whitelist):
        host = hosts(plugins=[plugin("echo", executable=executable)],
                     routes=[route("/echo", "echo")], whitelist={"watch": False, **whitelist})
        host.write_config()
        host.write_whitelist([whitelist_entry(echo), *entries])
        return host.start()
    return begin


def assert_serves(host):
    assert host.http("GET", "/echo").body == HELLO


def running_hashes(host):
    """Of the very bytes that each process executes."""
    found = set()
    for row in host.instances("echo"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{row['pid']}/exe", "rb") as file:
                found.add("sha256:" + hashlib.sha256(file.read()).hexdigest())
    return found


def swap_code(host, **args):
    """0, or the number of the error."""
    with host.order("swap", plugin="echo", **args) as order:
        reply = order.reply()
    return 0 if reply["ok"] else reply["error"]["code"]


@contextlib.contextmanager
def again_and_again(change):
    """Calls change(turn) in a thread of its own as long as the block lasts."""
    over = threading.Event()

    def work():
        turn = 0
        while not over.is_set():
            change(turn)
            turn += 1
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# ---- no whitelist

HEAD = b"version: 1\nplugins:\n"
NO_WHITELISTS = {
    "tabs": HEAD + b"  - path: /a\n\thash: " + DIGITS.encode(),
    "the same name twice": HEAD + b"".join(
        b"  - {name: n, path: /p%d, hash: %s}\n" % (number, DIGITS.encode())
        for number in range(2)),
    "the same path twice": HEAD + 2 * (b"  - {path: /p, hash: %s}\n" % DIGITS.encode()),
    "a short hash": HEAD + b"  - {path: /p, hash: 'sha256:abc'}\n",
    "a long hash": HEAD + b"  - {path: /p, hash: %s0}\n" % DIGITS.encode(),
    "a path with ..": HEAD + b"  - {path: /a/../b, hash: %s}\n" % DIGITS.encode(),
    "garbage": bytes(range(256)) * 64,
    "an executable": b"\x7fELF\x02\x01\x01" + bytes(4096),
    "nothing": b"",
    "NUL": HEAD + b"  - {path: \"/a\\0b\", hash: %s}\n" % DIGITS.encode(),
    "nested without end": b"[" * 100000,
    "too large": b"#" * (65 << 20),
}


@pytest.mark.parametrize("text", NO_WHITELISTS.values(), ids=NO_WHITELISTS.keys())
def test_what_is_no_whitelist_changes_nothing(echo_host, text):
    host = echo_host()
    host.whitelist.write_bytes(text)
    reply = host.plugctl("whitelist", "reload", status=1)
    assert reply == ""
    refused = host.wait_log("whitelist.refused")
    assert "whitelist.yaml" in refused["msg"] and "stays in force" in refused["msg"]
    assert host.log("whitelist.revoked") == []
    assert_serves(host)
    host.kill_instance("echo")
    host.wait_ready("echo", 2)
    assert_serves(host)


def test_the_first_of_many_problems_is_told_and_all_are_logged(echo_host):
    host = echo_host()
    host.whitelist.write_bytes(HEAD + b"  - {path: a, hash: %s}\n  - 17\n  - {pat: /b}\n"
                               % DIGITS.encode())
    with host.order("whitelist_reload") as order:
        error = order.reply()["error"]
    assert "whitelist.yaml:3: path" in error["message"] and "more" in error["message"]
    assert "stays in force" in error["message"]
    host.wait_log("whitelist.problem", 3)
    assert_serves(host)


def test_half_of_a_file_changes_nothing(echo_host, echo):
    host = echo_host()
    whole = host.whitelist.read_bytes()
    for length in range(1, len(whole) - 1, 37):
        host.whitelist.write_bytes(whole[:length])
        host.plugctl("whitelist", "reload", status=1)
    assert_serves(host)
    host.whitelist.write_bytes(whole)
    assert host.admin("whitelist_reload") == {"entries": 1, "revoked": 0, "restored": 0}
    assert host.plugin("echo")["hash"] == whitelist_entry(echo)["hash"]
    assert host.plugin("echo")["generation"] == 1


def test_a_hundred_thousand_entries(echo_host, echo):
    host = echo_host()
    good = whitelist_entry(echo)
    with open(host.whitelist, "w", encoding="utf-8") as file:
        file.write("version: 1\nplugins:\n")
        for number in range(100000):
            file.write(f"- {{path: /opt/p{number}, hash: {DIGITS}}}\n")
        file.write(f"- {{path: {good['path']}, hash: '{good['hash']}'}}\n")
    assert host.admin("whitelist_reload") == {"entries": 100001, "revoked": 0, "restored": 0}
    assert_serves(host)


def test_a_whitelist_that_everybody_may_write_proves_nothing(echo_host):
    host = echo_host()
    host.whitelist.chmod(0o666)
    host.plugctl("whitelist", "reload", status=1)
    assert "chmod" in host.wait_log("whitelist.refused")["msg"]
    assert_serves(host)


# ---- what changes while it is looked at


def swap_until_both(host, right, refusals, **args):
    """Swaps until some were done and some refused; whatever happens, only the right bytes run."""
    seen = set()

    def try_again():
        code = swap_code(host, **args)
        assert code == 0 or code in refusals, code
        assert running_hashes(host) <= {right}
        assert host.plugin("echo")["hash"] == right
        seen.add(code == 0)
        try_again.turns += 1
        return len(seen) == 2 and try_again.turns >= 15
    try_again.turns = 0
    wait_until(try_again, "swaps that are done and swaps that are refused")


def test_a_binary_that_is_replaced_in_a_loop(echo_host, echo, evil, tmp_path):
    """By renames, so that there is always a whole file: the pinned one or the other."""
    good = tmp_path / "good"
    shutil.copy(echo, good)
    host = echo_host()
    right = whitelist_entry(good)["hash"]

    def change(turn):
        shutil.copy((good, evil)[turn % 2], tmp_path / "new")
        os.replace(tmp_path / "new", echo)
    with again_and_again(change):
        swap_until_both(host, right, {1803, 1804, 1809})
    assert_serves(host)


def test_a_binary_that_is_written_in_a_loop(echo_host, echo, evil, tmp_path):
    """In place, through a second name: half of it may be read."""
    host = echo_host()
    good, bad = echo.read_bytes(), evil.read_bytes()
    second = tmp_path / "second"
    os.link(echo, second)

    def change(turn):
        with open(second, "r+b") as file:
            data = (bad, good)[turn % 2]
            file.write(data)
            file.truncate(len(data))
    with again_and_again(change):
        for _ in range(15):
            assert swap_code(host) in {0, 1803, 1804, 1809}
            assert running_hashes(host) <= {"sha256:" + hashlib.sha256(good).hexdigest()}
    assert_serves(host)


def test_a_link_that_is_turned_in_a_loop(echo_host, echo, evil, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(echo)
    host = echo_host(link)

    def change(turn):
        (tmp_path / "turned").symlink_to((echo, evil)[turn % 2])
        os.replace(tmp_path / "turned", link)
    with again_and_again(change):
        swap_until_both(host, whitelist_entry(echo)["hash"], {1801, 1804, 1809})
    assert_serves(host)


def test_a_directory_that_is_turned_in_a_loop(echo_host, echo, evil, tmp_path):
    """The name stays, and what is above it becomes a link to elsewhere."""
    for name, program in (("right", echo), ("wrong", evil)):
        (tmp_path / name).mkdir()
        shutil.copy(program, tmp_path / name / "echo")
    real = whitelist_entry(tmp_path / "right" / "echo")
    (tmp_path / "now").symlink_to("right")
    host = echo_host(tmp_path / "now" / "echo", real)

    def change(turn):
        (tmp_path / "turned").symlink_to(("right", "wrong")[turn % 2])
        os.replace(tmp_path / "turned", tmp_path / "now")
    with again_and_again(change):
        swap_until_both(host, real["hash"], {1801, 1804, 1809})
    assert_serves(host)


def test_an_allowed_directory_is_not_left_by_a_link_that_is_turned(echo_host, echo, tmp_path):
    """Both files are pinned; only one lies where files may."""
    (tmp_path / "outside").mkdir()
    outside = tmp_path / "outside" / "echo"
    shutil.copy(echo, outside)
    (tmp_path / "in").mkdir()
    inside = tmp_path / "in" / "echo"
    shutil.copy(echo, inside)
    with open(inside, "ab") as file:
        file.write(b"\0")
    link = tmp_path / "in" / "link"
    link.symlink_to(inside)
    host = echo_host(link, whitelist_entry(inside), whitelist_entry(outside),
                     allowed_directories=[str(tmp_path / "in")])

    def change(turn):
        (tmp_path / "turned").symlink_to((inside, outside)[turn % 2])
        os.replace(tmp_path / "turned", link)
    with again_and_again(change):
        swap_until_both(host, whitelist_entry(inside)["hash"], {1804, 1807, 1809})


# ---- hard links


def test_another_name_of_a_pinned_file_is_not_pinned(echo_host, echo, tmp_path):
    os.link(echo, tmp_path / "second")
    host = echo_host()
    assert swap_code(host, executable=str(tmp_path / "second")) == 1801
    assert_serves(host)


def test_a_second_name_does_not_reach_what_runs(echo_host, echo, tmp_path):
    os.link(echo, tmp_path / "second")
    host = echo_host()
    right = whitelist_entry(echo)["hash"]
    with open(tmp_path / "second", "r+b") as file:
        file.write(b"\0" * 64)
    assert running_hashes(host) == {right}
    host.kill_instance("echo")
    host.wait_ready("echo", 2)
    assert running_hashes(host) == {right}
    assert swap_code(host) == 1803
    assert_serves(host)


def test_another_file_by_a_link_at_the_pinned_path(echo_host, echo, evil):
    host = echo_host()
    os.unlink(echo)
    os.link(evil, echo)
    assert swap_code(host) == 1803
    assert_serves(host)


# ---- a script whose interpreter is another one


def test_an_interpreter_that_is_swapped(hosts, evil, tmp_path):
    link = tmp_path / "python"
    link.symlink_to(PYTHON)
    script = tmp_path / "good"
    text = (PLUGINS / "good").read_bytes().split(b"\n", 1)[1]
    script.write_bytes(f"#!{link} -I\n".encode() + text)
    script.chmod(0o755)
    host = hosts(plugins=[plugin("echo", executable=script)], whitelist={"watch": False})
    host.write_config()
    host.write_whitelist([whitelist_entry(script), whitelist_entry(os.path.realpath(PYTHON))])
    host.start()
    link.unlink()
    link.symlink_to(evil)
    assert swap_code(host) == 1805
    link.unlink()
    shutil.copy(evil, link)
    assert swap_code(host) == 1805
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
    host.kill_instance("echo")
    host.wait_ready("echo", 2)
    assert running_hashes(host) == {whitelist_entry(os.path.realpath(PYTHON))["hash"]}


# ---- names that the kernel turns into files


def test_what_a_process_has_open_is_no_place_of_an_executable(echo_host, echo, evil, tmp_path):
    """The host's own descriptors, its program, and those of somebody who holds another file."""
    host = echo_host()
    link = tmp_path / "link"
    with open(evil, "rb") as held:
        for path in [*(f"/proc/self/fd/{number}" for number in range(host.descriptors() + 8)),
                     "/proc/self/exe", "/proc/self/root" + str(evil), "/dev/stdin",
                     f"/proc/{os.getpid()}/fd/{held.fileno()}", f"/proc/{host.pid('echo')}/exe"]:
            assert swap_code(host, executable=path) in {1801, 1804, 1809}, path
            link.unlink(missing_ok=True)
            link.symlink_to(path)
            assert swap_code(host, executable=str(link)) in {1801, 1804, 1809}, path
    assert running_hashes(host) == {whitelist_entry(echo)["hash"]}
    assert_serves(host)


SEALED = {
    "os.pwrite(3, b'x', 0)": b"EPERM",
    "os.ftruncate(3, 0)": b"EPERM",
    "os.posix_fallocate(3, 0, 1 << 20)": b"EPERM",
    "len(__import__('mmap').mmap(3, 0))": b"EPERM",
    "write('/proc/self/fd/3')": b"EPERM",
    "os.write(os.open('/proc/self/fd/3', os.O_RDWR), b'x')": b"EPERM",
    "__import__('fcntl').fcntl(3, 1033, 0)": b"EPERM",  # F_ADD_SEALS
    "write('/proc/self/exe')": b"ETXTBSY",
}


@pytest.mark.parametrize("profile", ["none", "strict"])
def test_a_plugin_can_not_change_what_its_siblings_run(start, profile):
    """All instances of a generation run the same memory: descriptor 3 of a script is its text."""
    host = start(plugins=[plugin("prisoner", sandbox=profile)])
    for code, comes_to in SEALED.items():
        assert (code, host.rpc("sin.v1.Sin/Do", code.encode()).body) == (code, comes_to)


# ---- what the loader is told


def test_the_loader_of_a_plugin_hears_nothing_of_the_host_s_environment(hosts, tmp_path):
    """The library says in which processes it was."""
    subprocess.run(
        ["gcc", "-x", "c", "-", "-shared", "-fPIC", "-o", tmp_path / "evil.so"], check=True,
        input=b"#include <stdio.h>\n#include <unistd.h>\n"
              b"__attribute__((constructor)) static void begin(void) {"
              b" FILE *f = fopen(\"%b\", \"a\"); fprintf(f, \"%%d\\n\", getpid()); fclose(f); }"
              % bytes(tmp_path / "pids"))
    (tmp_path / "libs").mkdir()
    # Python has that library, and plugd has not.
    os.link(tmp_path / "evil.so", tmp_path / "libs" / "libexpat.so.1")
    host = hosts({"LD_PRELOAD": str(tmp_path / "evil.so"),
                  "LD_LIBRARY_PATH": str(tmp_path / "libs"),
                  "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"},
                 plugins=[plugin("prisoner", sandbox="none"), plugin("echo", executable=ECHO)])
    host.start()
    assert (tmp_path / "pids").read_text().split() == [str(host.process.pid)]
    assert b"LD_" not in host.rpc("sin.v1.Sin/Do", b"read('/proc/self/environ')").body
