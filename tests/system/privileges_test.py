"""Who plugd runs as: what it gives up when it has its addresses, what its spawner keeps, and that
everything that plugd has to do still works from there.
"""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import tempfile

import pytest

from conftest import lend_hosts
from control_groups import group_of, root_fixture
from plugd import SANITIZERS, children, is_alive, plugin, process_field, wait_until

USER = "daemon"  # every Debian has it
UID, GID = pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid
# Who is not dumpable can't be looked through by LeakSanitizer, unless it is root.
WITHOUT_LEAKS = {**SANITIZERS, "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":detect_leaks=0"}
NONE = "0" * 16
# DAC_READ_SEARCH, KILL, SETGID, SETUID, SETPCAP, SYS_ADMIN
GUARD = f"{1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 21:016x}"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(name="hosts")
def hosts_fixture():
    """hosts(process={…}): a host in a directory that the user owns, below one that it can enter."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="plugd-privileges-"))
    home.chmod(0o755)

    def give(make):
        def made(process=None, **settings):
            host = make(WITHOUT_LEAKS, process=process or {}, **settings)
            if os.geteuid() == 0:
                os.chown(host.directory, UID, GID)
            return host
        return made
    try:
        for make in lend_hosts(home):
            yield give(make)
    finally:
        shutil.rmtree(home)


@pytest.fixture(name="dropped")
def dropped_fixture(hosts):
    """dropped(…): a host that runs, was root and is USER."""
    def make(*plugins, process=None, ready=None, **settings):
        return hosts(process={"user": USER, **(process or {})}, plugins=list(plugins),
                     **settings).start(ready)
    return make


def ids(pid):
    """Real, effective, saved and file system user; the same of the group; the other groups."""
    return [process_field(pid, name).split() for name in ("Uid", "Gid", "Groups")]


def capabilities(pid):
    return {name: process_field(pid, f"Cap{name}") for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}


def only(mask):
    return {"Inh": NONE, "Prm": mask, "Eff": mask, "Bnd": mask, "Amb": NONE}


def refused(host):
    """What a host says that does not start."""
    for make in (host.write_config, host.write_whitelist):
        make()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    return b"".join(host.noise).decode() + "".join(row["msg"] + str(row.get("code", ""))
                                                   for row in host.log("host.failed"))


def own(**sandbox):
    """A sandbox whose only walls are another user's, and those given."""
    return {"profile": "none", "user": "own", **sandbox}


# ---- what is given up


@needs_root
def test_the_host_is_the_user_and_can_not_go_back(hosts):
    host = hosts(process={"user": USER})
    host.under = ["setpriv", "--groups", "4,24"]
    host.start()
    pid = host.process.pid
    assert ids(pid) == [[str(UID)] * 4, [str(GID)] * 4,
                        [str(group) for group in sorted(os.getgrouplist(USER, GID))]]
    assert capabilities(pid) == only(NONE)
    assert process_field(pid, "NoNewPrivs") == "1"
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    assert next(line for line in limits.splitlines() if "core file" in line).split()[4:6] == [
        "0", "0"]
    assert os.stat(f"/proc/{pid}/mem").st_uid == 0, "dumpable"


@needs_root
def test_a_group_of_its_own_and_numbers_without_names(hosts):
    host = hosts(process={"user": USER, "group": "games"}).start()
    assert ids(host.process.pid)[1] == ["60"] * 4
    nameless = hosts(process={"user": "4242", "group": "4343"}, admin={"socket": "none"}).start()
    assert ids(nameless.process.pid) == [["4242"] * 4, ["4343"] * 4, []]


@needs_root
def test_what_is_told_of_it(dropped):
    host = dropped(plugin("good"), audit={"file": "audit.db"},
                   crashes={"directory": "crashes"})
    told = host.wait_log("privileges.dropped")
    assert (told["uid"], told["gid"], told["spawner"], told["no_new_privs"]) == (
        UID, GID, "root", "yes")
    assert host.admin("status")["rights"] == {
        "uid": UID, "gid": GID, "dropped": True, "no_new_privs": True, "spawner": "root"}
    assert f"user {UID}, group {GID}, no new privileges; its spawner is root" in (
        host.plugctl("status"))
    events = [json.loads(line) for line in host.plugctl(
        "audit", "export", "--file", str(host.directory / "audit.db")).splitlines()]
    [event] = [row for row in events if row["event"] == "privileges.dropped"]
    details = json.loads(event["details"])
    assert details["uid"] == UID and details["spawner"] == "root"


@needs_root
def test_all_that_it_makes_is_the_user_s(dropped):
    host = dropped(plugin("good"), audit={"file": "audit.db"},
                   crashes={"directory": "crashes"})
    host.kill_instance("good")
    host.wait_log("crash.kept")
    made = [host.socket, *host.directory.glob("audit.db*"), host.directory / "crashes",
            *(host.directory / "crashes").iterdir()]
    assert len(made) >= 4
    for path in made:
        facts = path.stat()
        assert (facts.st_uid, facts.st_gid) == (UID, GID), path
        assert facts.st_mode & 0o077 == 0, path
    host.stop()
    assert not host.socket.exists()


# ---- what the spawner keeps


@needs_root
def test_the_spawner_stays_root_with_few_capabilities(dropped):
    host = dropped(plugin("good"))
    keepers = children(host.spawner())
    assert keepers
    for pid in (host.spawner(), *keepers):
        assert ids(pid)[0] == ["0"] * 4
        assert capabilities(pid) == only(GUARD)
        assert process_field(pid, "NoNewPrivs") == "1"


@needs_root
@pytest.mark.parametrize("sandbox", ["none", "standard"])
def test_a_plugin_without_a_user_of_its_own_is_the_host_s(dropped, sandbox):
    host = dropped(plugin("good", sandbox=sandbox))
    assert ids(host.pid("good")) == [[str(UID)] * 4, [str(GID)] * 4, []]
    assert capabilities(host.pid("good"))["Eff"] == NONE
    assert process_field(host.pid("good"), "NoNewPrivs") == "1"


@needs_root
def test_strict_has_all_its_walls_and_a_user_of_its_own(dropped):
    host = dropped(plugin("prisoner", sandbox="strict"))
    walls = host.admin("explain", plugin="prisoner")["walls"]
    assert {row["state"] for row in walls} == {"enforced", "not asked"}
    [user] = [row for row in walls if row["wall"] == "user"]
    assert user["state"] == "enforced" and user["uid"] >= 0x70000000
    assert ids(host.pid("prisoner"))[0] == [str(user["uid"])] * 4


@needs_root
def test_with_spawner_user_nothing_stays_root(dropped):
    host = dropped(plugin("prisoner", sandbox="strict"), process={"spawner": "user"})
    for pid in (host.spawner(), *children(host.spawner()), host.pid("prisoner")):
        assert ids(pid)[0] == [str(UID)] * 4
    assert capabilities(host.spawner()) == only(NONE)
    assert host.admin("status")["rights"]["spawner"] == "user"
    walls = {row["wall"]: row["state"] for row in host.admin("explain", plugin="prisoner")["walls"]}
    assert walls["user"] == "not asked" and walls["paths"] == walls["calls"] == "enforced"
    assert walls["pid_namespace"] == walls["proc"] == "enforced", "in a namespace of users"
    os.kill(host.spawner(), signal.SIGKILL)
    assert host.wait_log("spawner.died")["code"] == 1210
    host.kill_instance("prisoner")
    host.wait_ready("prisoner", 2)


@needs_root
def test_no_plugin_can_be_root(dropped):
    host = dropped(plugin("good"), plugin("good", name="king", sandbox={"user": "root"}),
                   ready=["good"])
    told = host.wait_log("plugin.refused", plugin="king")
    assert told["code"] == 1850 and "no plugin can be" in told["msg"]


@needs_root
def test_a_spawner_that_is_lost_is_told_and_who_serves_goes_on(dropped):
    host = dropped(plugin("good"), plugin("prisoner"))
    good = host.pid("good")
    os.kill(host.spawner(), signal.SIGKILL)
    assert host.wait_log("spawner.died")["code"] == 1893
    assert is_alive(good) and host.rpc("sin.v1.Sin/Do", b"good").status in (200, 404, 502)
    reply = host.admin_raw(json.dumps({"command": "swap", "args": {"plugin": "prisoner"}}))
    assert not reply["ok"] and "restart plugd" in json.dumps(reply)
    assert host.plugin("good")["state"] == "serving"


# ---- what still works


@needs_root
def test_a_plugin_of_another_user_is_swapped_restarted_and_ended(dropped):
    host = dropped(plugin("good", sandbox=own()), plugin("ignores_term", sandbox=own()),
                   drain_timeout="1s")
    assert ids(host.pid("good"))[0] != [str(UID)] * 4
    first = host.pid("good")
    host.admin("swap", plugin="good")
    wait_until(lambda: not is_alive(first), "the end of the old generation")
    second = host.kill_instance("good")
    host.wait_ready("good", 3)
    assert host.pid("good") != second
    stubborn = host.pid("ignores_term")
    host.stop()  # proves that nothing is left
    assert not is_alive(stubborn)


@needs_root
def test_who_breaks_a_rule_is_killed_by_the_keeper(dropped):
    host = dropped(plugin("garbage", sandbox=own()))
    sinner = host.pid("garbage")
    host.rpc("sin.v1.Sin/Do", b"sin")
    host.wait_log("crash.kept")
    assert not is_alive(sinner)
    host.wait_ready("garbage", 2)


@needs_root
def test_who_ignores_all_requests_to_end_is_killed_while_the_host_goes_on(dropped):
    host = dropped(plugin("ignores_term", sandbox=own(), drain_timeout="100ms"))
    stubborn = host.pid("ignores_term")
    host.settings["plugins"] = []
    host.write_config()
    host.admin("reload")
    wait_until(lambda: not is_alive(stubborn), "its end")


@needs_root
def test_configuration_and_whitelist_are_read_again(dropped):
    host = dropped(plugin("good"))
    host.settings["plugins"] = [plugin("good", instances=2, sandbox=own())]
    host.write_config()
    host.admin("reload")
    host.wait_ready("good", 3)
    host.write_whitelist()
    host.plugctl("whitelist", "reload")


@needs_root
def test_a_secret_that_only_root_reads_is_missed_by_name(dropped, tmp_path):
    secret = pathlib.Path(tempfile.mkdtemp(prefix="plugd-secret-"))
    try:
        secret.chmod(0o755)
        (secret / "key").write_text("hunter2-hunter2")
        (secret / "key").chmod(0o600)
        host = dropped(plugin("good", secrets={"key": {"file": str(secret / "key")}}), ready=[])
        told = host.wait_log("plugin.refused", plugin="good")
        assert told["code"] == 1870 and f"user {UID}" in told["msg"] and "chown" in told["msg"]
    finally:
        shutil.rmtree(secret)


# ---- ports below 1024


def low_port():
    """One that nobody has now."""
    for port in range(1023, 600, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("all are taken")


def is_free_for_all():
    file = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return int(file.read_text(encoding="ascii")) < 1024


@needs_root
@pytest.mark.skipif(is_free_for_all(), reason="here anybody may open any port")
def test_low_ports_are_opened_before_and_not_after(dropped):
    address = f"127.0.0.1:{low_port()}"
    host = dropped(plugin("good"), listen=address)
    assert host.address == address and host.http("GET", "/health/live").status == 200
    host.settings["listen"] = [address, f"127.0.0.1:{low_port()}"]
    host.write_config()
    reply = host.admin_raw(json.dumps({"command": "reload"}))
    assert not reply["ok"] and "below 1024" in json.dumps(reply) and "restart" in json.dumps(reply)
    assert host.admin("status")["listeners"] == [address]
    host.settings["listen"] = [address, "127.0.0.1:0"]
    host.write_config()
    host.admin("reload")
    assert host.admin("status")["listeners"][0] == address
    assert host.http("GET", "/health/live").status == 200


# ---- what can't be


@needs_root
def test_a_configuration_that_the_user_can_not_read_is_told_at_the_start(hosts):
    host = hosts(process={"user": USER})
    write = host.write_config

    def write_for_root():
        write()
        host.config.chmod(0o600)
    host.write_config = write_for_root
    said = refused(host)
    assert "1892" in said and str(host.config) in said and f"user {UID}" in said


@pytest.mark.parametrize("process, code, says", [
    ({"user": "plugd-nobody"}, 1890, "useradd --system plugd-nobody"),
    ({"user": USER, "group": "plugd-none"}, 1890, "groupadd --system plugd-none"),
    ({"user": "4242"}, 1890, "set process.group too"),
])
def test_who_is_not_there(hosts, process, code, says):
    said = refused(hosts(process=process))
    assert str(code) in said and says in said


def as_user(host):
    """Started as a user that is not root: USER, or who runs this test."""
    if os.geteuid() == 0:
        host.under = ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups"]
    return host


def me():
    return USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def test_who_is_the_user_already_has_nothing_to_give_up(hosts):
    host = as_user(hosts(process={"user": me()}, plugins=[plugin("good")])).start()
    told = host.wait_log("privileges.kept")
    assert told["spawner"] == "user" and told["no_new_privs"] == "yes"
    assert host.admin("status")["rights"]["dropped"] is False


def test_who_is_not_root_can_not_become_another(hosts):
    said = refused(as_user(hosts(process={"user": "root"})))
    assert "1890" in said and "only root can become user 0" in said


# ---- settings that need no root


def test_no_new_privs_is_as_it_is_set(hosts):
    for wanted, seen in ((True, "1"), (False, "0")):
        host = hosts(process={"no_new_privs": wanted}).start()
        assert process_field(host.process.pid, "NoNewPrivs") == seen
        assert host.admin("status")["rights"]["no_new_privs"] is wanted


@needs_root
def test_no_new_privs_of_a_spawner_that_stays_root_is_as_it_is_set(dropped):
    host = dropped(plugin("good", sandbox="none"), process={"no_new_privs": False})
    assert process_field(host.spawner(), "NoNewPrivs") == "0"
    assert process_field(host.pid("good"), "NoNewPrivs") == "0"


def test_the_umask_is_as_it_is_set(hosts):
    default = hosts().start()
    assert process_field(default.process.pid, "Umask") == "0077"
    other = hosts(process={"umask": "0027"}).start()
    assert process_field(other.process.pid, "Umask") == "0027"


def test_none_of_it_changes_while_the_host_runs(hosts):
    host = hosts(process={"umask": "0027"}).start()
    host.settings["process"] = {"umask": "0077"}
    host.write_config()
    reply = host.admin_raw(json.dumps({"command": "reload"}))
    assert not reply["ok"] and "process.umask" in json.dumps(reply)


# ---- control groups


@needs_root
def test_its_own_control_group_goes_with_it(root, hosts):
    host = hosts(process={"user": USER}, cgroup="own", plugins=[plugin("good")])
    host.under = ["sh", "-c", f"echo 0 > {root}/cgroup.procs && exec \"$0\" \"$@\""]
    host.start()
    assert group_of(host.process.pid) == f"{root.name}/host"
    assert group_of(host.pid("good")) == f"{root.name}/plugin-good-1"
    host.stop()
    assert not list(root.glob("plugin-*"))
