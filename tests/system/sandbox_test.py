"""The walls around a plugin: what it can't touch from inside, what is told of an attempt, and what
is said when a wall can't be put up.
"""
import os
import pathlib
import re
import shutil
import socket
import tempfile

import pytest

import plugd
from plugd import PLUGD, PLUGINS, is_alive, plugin, process_field, wait_until

TRY = "sin.v1.Sin/Do"


class Cell:
    """A host with one prisoner. Called with Python, it tells what came of it inside: a value as
    text, or the name of an errno."""

    def __init__(self, host, name="prisoner", method=TRY):
        self.host, self.name, self.method = host, name, method

    def __call__(self, code):
        return self.host.rpc(self.method, code.encode()).body.decode()

    def walls(self):
        """Wall → row, as explained."""
        return {row["wall"]: row for row in self.host.admin("explain", plugin=self.name)["walls"]}

    def uids(self):
        return process_field(self.host.pid(self.name), "Uid")


@pytest.fixture(name="cell")
def cell_fixture(start):
    """cell(sandbox): a cell for one test."""
    def make(sandbox, name="prisoner", **settings):
        return Cell(start(plugins=[plugin("prisoner", name=name, sandbox=sandbox, **settings)]),
                    name)
    return make


@pytest.fixture(scope="module", name="strict")
def strict_fixture(shared_hosts):
    return Cell(shared_hosts(plugins=[plugin("prisoner", sandbox="strict")]).start())


# ---- strict


@pytest.mark.parametrize("code, comes_to", [
    ("read('/etc/passwd')", "EACCES"),
    ("os.listdir('/')", "EACCES"),
    ("os.listdir('/home')", "EACCES"),
    ("write('/usr/lib/x')", "EACCES"),
    ("write('/dev/shm/x')", "EACCES"),
    ("write('/tmp/x', b'abc')", "3"),
    ("os.path.exists('/usr/share')", "True"),
    ("socket.socket()", "EPERM"),
    ("socket.socket(socket.AF_UNIX)", "EPERM"),
    ("len(socket.socketpair())", "2"),
    ("ptrace(1)", "EPERM"),
    ("os.kill(1, 9)", "EPERM"),
    ("os.kill(-1, 0)", "ESRCH"),
    ("os.setuid(0)", "EPERM"),
    ("call(165, b'x', b'/tmp', b'tmpfs', 0, 0)", "EPERM"),   # mount
    ("call(272, 0x10000000)", "EPERM"),                      # unshare, a user namespace
    ("call(56, 0x10000000 | 17, 0, 0, 0, 0)", "EPERM"),      # clone, the same
    ("call(435, 0, 0)", "ENOSYS"),                           # clone3
    ("call(425, 1, 0)", "EPERM"),                            # io_uring_setup
    ("call(321, 0, 0, 0)", "EPERM"),                         # bpf
    ("subprocess.run(['/bin/true'])", "EPERM"),              # execve
    ("os.execve('/bin/true', ['x'], {})", "EPERM"),
    ("os.mkfifo('/tmp/f')", "EPERM"),
    ("status('CapEff')", "'0000000000000000'"),
    ("status('CapBnd')", "'0000000000000000'"),
    ("status('CapAmb')", "'0000000000000000'"),
    ("status('NoNewPrivs')", "'1'"),
    ("status('Seccomp')", "'2'"),
    ("status('Groups')", "''"),
    ("os.umask(0)", "63"),
    ("os.listdir('/proc/self/fd')", "['0', '1', '2', '3', '4']"),  # the script, the listing
    ("os.getcwd()", "'/'"),
    ("socket.if_nameindex()", "EPERM"),
    ("__import__('resource').getrlimit(4)", "(0, 0)"),       # core
    ("sorted(name for name in os.listdir('/proc') if name.isdigit())[:1]", "['1']"),
])
def test_strict_lets_it_do_its_work_and_nothing_else(strict, code, comes_to):
    assert strict(code) == comes_to


def test_strict_runs_as_a_user_of_its_own(strict):
    uid = int(strict("os.getuid()"))
    assert uid >= 0x70000000 and uid == int(strict("os.getgid()"))
    assert process_field(strict.host.pid("prisoner"), "Uid").split() == [str(uid)] * 4


def test_processes_of_strict_are_limited_and_end_with_it(cell):
    attempt = cell("strict", name="forker")
    assert attempt("fork_many(1000)") == "63"
    cage = of_user(attempt.uids())
    assert len(cage) == 64
    attempt.host.kill_instance("forker")
    wait_until(lambda: not any(is_alive(pid) for pid in cage), "the end of them all")


def of_user(uids):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if process_field(path.name, "Uid") == uids:
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_all_walls_of_strict_stand(strict):
    walls = strict.walls()
    not_asked = {name for name, row in walls.items() if row["state"] == "not asked"}
    limits = {"memory", "address_space", "cpu_time", "file_size", "group_memory", "group_cpu",
              "group_processes"}
    assert not_asked == limits | {"control_group"}
    assert {row["state"] for row in walls.values()} == {"enforced", "not asked"}
    assert not strict.host.log("sandbox.shortfall")


def test_explain_prints_a_line_for_each_wall(strict):
    text = strict.host.plugctl("explain", "prisoner")
    assert text.startswith("prisoner: sandbox strict\n")
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert "enforced" in rows["net_namespace"] and "at most 64" in rows["processes"]
    assert "not asked" in rows["memory"] and "  r /usr/lib\n" in text


def test_violations_are_told_by_name_once(cell):
    attempt = cell("strict")
    for _ in range(3):
        assert attempt("ptrace(1)") == "EPERM"
    told = attempt.host.wait_log("sandbox.violation", call="ptrace")
    assert (told["plugin"], told["code"], told["level"]) == ("prisoner", 1852, "warn")
    attempt("call(165, b'x', b'/tmp', b'tmpfs', 0, 0)")
    attempt.host.wait_log("sandbox.violation", call="mount")
    assert len(attempt.host.log("sandbox.violation", call="ptrace")) == 1


def test_a_violation_can_kill(cell):
    attempt = cell({"profile": "standard", "on_violation": "kill"})
    assert attempt.host.rpc(TRY, b"ptrace(1)").status == 502
    attempt.host.wait_log("sandbox.violation", call="ptrace")
    attempt.host.wait_ready("prisoner", 2)


def test_calls_can_be_allowed(cell):
    attempt = cell({"profile": "strict", "allow_calls": ["ptrace"]})
    assert attempt("ptrace(4000000)") == "ESRCH"
    assert not attempt.host.log("sandbox.violation", call="ptrace")


# ---- neighbours


def test_siblings_don_t_meet(start):
    host = start(plugins=[plugin("prisoner", name="one", sandbox="strict"),
                          plugin("prisoner", "two.v1.Two", name="two", sandbox="strict")])
    attempt = Cell(host, "two", "two.v1.Two/Do")
    other = host.pid("one")
    assert attempt(f"os.kill({other}, 9)") == "ESRCH"
    assert attempt(f"ptrace({other})") == "EPERM"
    assert attempt(f"read('/proc/{other}/environ')") == "ENOENT"
    assert Cell(host, "one")("write('/tmp/mine')") == "1"
    assert attempt("sorted(os.listdir('/tmp'))") == "[]"
    assert attempt("read('/tmp/mine')") == "ENOENT"
    assert attempt(f"read('/proc/{other}/root/tmp/mine')") == "ENOENT"
    assert is_alive(other)


def test_a_grandchild_stays_inside(cell):
    attempt = cell("strict", name="escaper")
    assert attempt("leave_grandchild()") == "None"
    caged = of_user(attempt.uids())
    assert len(caged) == 2
    attempt.host.kill_instance("escaper")
    wait_until(lambda: not any(is_alive(pid) for pid in caged), "the end of them all")


# ---- the section


@pytest.fixture(name="outside")
def outside_fixture():
    """A directory that is not in /tmp, of which strict sees nothing."""
    with tempfile.TemporaryDirectory(prefix="plugd-test-", dir="/var/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


def test_paths_that_are_listed_are_open(cell, outside):
    (outside / "secret").write_text("outside")
    readable, writable = outside / "r", outside / "w"
    for directory in (readable, writable):
        directory.mkdir()
        (directory / "file").write_text("inside")
        directory.chmod(0o777)
        (directory / "file").chmod(0o666)
    attempt = cell({"profile": "strict", "read": [str(readable)], "write": [str(writable)]})
    assert attempt(f"read('{readable}/file')") == "b'inside'"
    assert attempt(f"write('{readable}/file')") == "EACCES"
    assert attempt(f"write('{readable}/new')") == "EACCES"
    assert attempt(f"write('{writable}/new', b'12')") == "2"
    assert attempt(f"os.unlink('{writable}/new')") == "None"
    assert attempt(f"read('{outside}/secret')") == "EACCES"


def test_a_path_in_tmp_can_be_listed_and_is_all_that_is_seen_of_it(cell, tmp_path):
    (tmp_path / "mine").mkdir(mode=0o777)
    (tmp_path / "other").write_text("x")
    attempt = cell({"profile": "strict", "write": [str(tmp_path / "mine")], "user": "host"})
    assert attempt(f"write('{tmp_path}/mine/x')") == "1"
    assert attempt(f"read('{tmp_path}/other')") == "EACCES"
    assert attempt("os.listdir('/tmp')") == "EACCES"
    assert attempt("write('/tmp/x')") == "EACCES"
    assert attempt.walls()["temporary"]["state"] == "not asked"


def test_programs_that_are_listed_can_be_executed(cell):
    attempt = cell({"profile": "strict", "execute": ["/usr/bin/id"]})
    uid = attempt("os.getuid()")
    assert attempt("subprocess.run(['/usr/bin/id', '-u'], capture_output=True).stdout.decode()") \
        == f"'{uid}\\n'"
    assert attempt("subprocess.run(['/usr/bin/env'])") == "EACCES"


def test_a_program_that_it_executes_finds_nothing_of_the_host(cell):
    """Its three descriptors, the script, which is sealed, and what ls opens itself."""
    attempt = cell({"profile": "strict", "execute": ["/usr/bin/ls"]})
    listed = attempt("subprocess.run(['/usr/bin/ls', '-l', '/proc/self/fd'], close_fds=False,"
                     " stdin=0, capture_output=True).stdout.decode()")
    found = re.findall(r" (\d) -> (\w+|/memfd:prisoner|/proc/\d+/fd)\b", listed)
    assert [name for _, name in found[:4]] == ["pipe", "pipe", "pipe", "/memfd:prisoner"]
    assert listed.count(" -> ") == len(found) == 5 and found[4][1].startswith("/proc/")


def test_ports_that_are_listed_are_open(cell):
    with socket.create_server(("127.0.0.1", 0)) as good, \
            socket.create_server(("127.0.0.1", 0)) as bad:
        port, other = good.getsockname()[1], bad.getsockname()[1]
        attempt = cell({"profile": "strict", "connect": [port]})
        assert attempt(f"socket.create_connection(('127.0.0.1', {port})).getpeername()[1]") \
            == str(port)
        assert attempt(f"socket.create_connection(('127.0.0.1', {other}))") == "EACCES"
        assert attempt("socket.create_server(('127.0.0.1', 0))") == "EACCES"


def test_a_network_can_be_taken_from_standard(cell):
    attempt = cell({"profile": "standard", "network": "none"})
    assert attempt("socket.create_connection(('127.0.0.1', 80))") == "ENETUNREACH"
    assert attempt.walls()["net_namespace"]["state"] == "enforced"


@pytest.mark.parametrize("limit, code, comes_to", [
    ({"memory": "200MiB"}, "len(bytearray(400 << 20))", "MemoryError"),
    ({"memory": "1GiB"}, "len(bytearray(400 << 20))", str(400 << 20)),
    ({"address_space": "300MiB"}, "len(bytearray(400 << 20))", "MemoryError"),
    ({"files": 20}, "[os.dup(0) for _ in range(30)]", "EMFILE"),
    ({"file_size": "1KiB"}, "write('/dev/shm/plugd-test', bytes(2000))", "1024"),
])
def test_limits_hold(cell, limit, code, comes_to):
    assert cell({"profile": "none", **limit})(code) in (comes_to, "EFBIG")


def test_the_limit_of_cpu_time_ends_it(cell):
    attempt = cell({"profile": "none", "cpu_time": "1s"})
    assert attempt.host.rpc(TRY, b"[0 for _ in iter(int, 1)]").status == 502
    assert "SIGXCPU" in attempt.host.wait_log("instance.died", plugin="prisoner")["msg"]


def test_processes_can_be_limited_for_a_user(cell):
    attempt = cell({"profile": "none", "user": "own", "processes": 5}, name="few")
    assert attempt("fork_many(100)") == "4"


def test_temporary_has_a_size(cell):
    attempt = cell({"profile": "strict", "temporary": "1MiB"})
    assert attempt("write('/tmp/x', bytes(2 << 20))") == "ENOSPC"


# ---- standard, which is the default, and none


@pytest.mark.parametrize("code, comes_to", [
    ("read('/etc/passwd')[:4]", "b'root'"),
    ("socket.socket().fileno() > 2", "True"),
    ("ptrace(1)", "EPERM"),
    ("status('CapEff')", "'0000000000000000'"),
    ("status('NoNewPrivs')", "'1'"),
    ("call(165, b'x', b'/tmp', b'tmpfs', 0, 0)", "EPERM"),
    ("__import__('resource').getrlimit(4)", "(0, 0)"),
    ("subprocess.run(['/bin/true']).returncode", "0"),
])
def test_standard_is_the_default(shared_standard, code, comes_to):
    assert shared_standard(code) == comes_to


@pytest.fixture(scope="module", name="shared_standard")
def shared_standard_fixture(shared_hosts):
    return Cell(shared_hosts(plugins=[plugin("prisoner")]).start())


def test_the_host_is_out_of_reach(shared_standard):
    host = shared_standard.host
    assert shared_standard(f"os.kill({host.process.pid}, 15)") == "EPERM"
    assert shared_standard(f"os.kill({host.spawner()}, 9)") == "EPERM"
    assert shared_standard(f"read('/proc/{host.process.pid}/environ')") == "EACCES"
    assert shared_standard(f"read('/proc/{host.process.pid}/mem')") in ("EACCES", "EPERM")
    assert host.http("GET", "/health/live").status == 200


def test_none_is_no_wall(cell):
    attempt = cell("none")
    assert attempt("status('NoNewPrivs')") == "'0'"
    assert attempt("status('Seccomp')") == "'0'"
    assert {row["state"] for row in attempt.walls().values()} == {"not asked"}


# ---- what can't be had


def test_a_wall_that_is_missing_is_told(cell):
    attempt = cell({"profile": "none", "processes": 5})
    told = attempt.host.wait_log("sandbox.shortfall", plugin="prisoner")
    assert told["missing"] == "processes (Operation not permitted)"
    row = attempt.walls()["processes"]
    assert (row["state"], row["why"]) == ("missing", "Operation not permitted")


def test_root_that_can_t_become_another_user_starts_nothing(hosts):
    host = hosts(plugins=[plugin("good"), plugin("prisoner", sandbox={"user": "own"},
                                                 restart={"policy": "never"})])
    host.under = ["setpriv", "--bounding-set=-setuid"]
    host.start(["good"])
    assert "of its sandbox: user" in host.wait_log("plugin.ended", plugin="prisoner")["msg"]


def test_a_wall_that_is_required_and_missing_refuses_the_start(hosts):
    host = hosts(plugins=[plugin("good"),
                          plugin("prisoner", sandbox={"profile": "none", "processes": 5},
                                 sandbox_required=True, restart={"policy": "never"})])
    host.start(["good"])
    record = host.wait_log("plugin.ended", plugin="prisoner")
    assert "of its sandbox: processes" in record["msg"]
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"


@pytest.mark.parametrize("sandbox, says", [
    ({"profile": "standard", "read": ["/x"]}, "means nothing with the profile standard"),
    ({"profile": "none", "allow_calls": ["ptrace"]}, "means nothing with the profile none"),
    ({"network": "none", "connect": [80]}, "no ports to connect or bind to"),
    ({"profile": "strict", "read": ["x/.."]}, "leads through '..'"),
    ({"profile": "strict", "read": ["/x/../y"]}, "leads through '..'"),
    ({"profile": "strict", "read": ["/tmp/x"], "temporary": "1MiB"}, "list no path in /tmp"),
    ({"connect": ["70000"]}, "is no port"),
    ({"allow_calls": ["ptrase"]}, "is no system call"),
    ("paranoid", "is not none, standard or strict"),
])
def test_a_wrong_section_is_refused(hosts, sandbox, says):
    host = hosts(plugins=[plugin("prisoner", sandbox=sandbox)])
    host.write_config()
    host.write_whitelist()
    host.launch()
    assert host.wait_exit() == 1
    assert says in b"".join(host.noise).decode()
    host.expected_status = 1


@pytest.mark.parametrize("sandbox, says", [
    ({"profile": "strict", "read": ["/nowhere"]}, "sandbox.read: '/nowhere'"),
    ({"user": "nobody-knows"}, "there is no user 'nobody-knows'"),
    ({"group": "nobody-knows"}, "there is no group 'nobody-knows'"),
])
def test_what_the_machine_lacks_refuses_the_plugin(hosts, sandbox, says):
    host = hosts(plugins=[plugin("good"), plugin("prisoner", sandbox=sandbox)]).start(["good"])
    record = host.wait_log("plugin.refused", plugin="prisoner")
    assert says in record["msg"] and record["code"] == 1850


def test_what_was_missing_is_looked_for_again_at_a_reload(hosts, outside):
    sandbox = {"profile": "strict", "read": [str(outside / "later")]}
    host = hosts(plugins=[plugin("prisoner", sandbox=sandbox)]).start([])
    host.wait_log("plugin.refused", plugin="prisoner")
    (outside / "later").mkdir()
    host.plugctl("reload")
    host.wait_ready("prisoner")


# ---- without root


@pytest.fixture(name="unprivileged")
def unprivileged_fixture():
    """unprivileged(settings…): the cell of a host that is not root, with its files where it can
    read them."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="plugd-test-"))
    host = None

    def make(**settings):
        nonlocal host
        shutil.copy(PLUGINS / "prisoner", directory / "prisoner")
        shutil.copy(PLUGD, directory / "plugd")
        host = plugd.Host(directory, {"plugins": [
            plugin("prisoner", executable=directory / "prisoner", **settings)]})
        host.write_config()
        host.write_whitelist()
        for path in [directory, *directory.iterdir()]:
            os.chown(path, 4711, 4711)
            path.chmod(0o755)
        host.under = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"]
        host.program = str(directory / "plugd")
        return Cell(host.start())

    yield make
    if host:
        host.stop()
        host.discard()
    shutil.rmtree(directory)


def test_strict_needs_no_root(unprivileged):
    attempt = unprivileged(sandbox="strict")
    walls = attempt.walls()
    assert {row["state"] for row in walls.values()} == {"enforced", "not asked"}
    assert walls["user"]["state"] == "not asked"
    assert attempt("os.getuid()") == "4711"
    assert attempt("status('CapEff')") == "'0000000000000000'"
    assert attempt("read('/etc/passwd')") == "EACCES"
    assert attempt("socket.socket()") == "EPERM"
    assert attempt("os.kill(1, 9)") == "EPERM"
    assert attempt("fork_many(1000)") == "62"  # the keeper is of the same user
    assert attempt("write('/tmp/x')") == "1"


def test_standard_keeps_the_host_s_memory_from_it_without_root(unprivileged):
    attempt = unprivileged()
    host = attempt.host
    assert attempt(f"read('/proc/{host.process.pid}/environ')") == "EACCES"
    assert attempt(f"os.kill({host.process.pid}, 15)") == "EPERM"
    assert attempt(f"os.kill({host.pid('prisoner')}, 0)") == "None"


def test_another_user_needs_root(unprivileged):
    attempt = unprivileged(sandbox={"user": "own"})
    assert attempt.host.wait_log("sandbox.shortfall")["missing"].startswith("user (")
