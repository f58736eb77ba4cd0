"""No orphans: whatever a plugin starts ends with it, and all of it ends with the host."""
import os
import re
import signal

import pytest

from plugd import children, is_alive, parent_of, plugin, process_field, wait_until

DO = "sin.v1.Sin/Do"
WAYS = [b"", b"setsid", b"daemon"]


@pytest.fixture(name="host")
def host_fixture(start):
    return start(plugins=[plugin("forks_grandchild"), plugin("good")])


def leave_behind(host, how):
    """The pid of a process that the plugin has started, which lives."""
    pid = int(host.rpc(DO, how).body)
    assert is_alive(pid)
    return pid


def wait_gone(pids):
    for pid in pids:
        wait_until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")


# ---- a plugin's end


@pytest.mark.parametrize("how", WAYS)
def test_what_a_plugin_started_dies_with_it(host, how):
    left = leave_behind(host, how)
    host.kill_instance("forks_grandchild")
    died = host.wait_log("instance.died", plugin="forks_grandchild")
    assert died["msg"] == "killed by signal 9 (SIGKILL)"
    assert not is_alive(left)
    host.wait_ready("forks_grandchild", 2)


@pytest.mark.parametrize("how", WAYS)
def test_what_a_plugin_left_dies_when_it_exits(host, how):
    left = int(host.rpc(DO, how + b" and-exit").body)
    died = host.wait_log("instance.died", plugin="forks_grandchild")
    assert died["msg"] == "exited with status 0"
    assert not is_alive(left)


@pytest.mark.parametrize("how", WAYS)
def test_what_a_plugin_started_lives_on_when_another_dies(host, how):
    left = leave_behind(host, how)
    host.kill_instance("good")
    host.wait_ready("good", 2)
    assert is_alive(left)


@pytest.mark.parametrize("how", WAYS)
def test_a_stop_leaves_nothing(host, how):
    left = leave_behind(host, how)
    host.stop()
    assert not is_alive(left)


# ---- the host's end


def test_sigkill_of_the_host_leaves_nothing(host):
    left = [leave_behind(host, how) for how in WAYS]
    pids = [host.pid("good"), host.pid("forks_grandchild")]
    pids += [host.spawner(), *children(host.spawner())]
    host.kill()
    wait_gone(left + pids)
    host.wait_no_orphans()


def test_sigkill_of_a_host_that_hangs_leaves_nothing(host):
    left = [leave_behind(host, how) for how in WAYS]
    host.process.send_signal(signal.SIGSTOP)
    host.kill()
    wait_gone(left)
    host.wait_no_orphans()


# ---- the spawner's end, and a keeper's


def test_a_spawner_that_is_killed_costs_no_plugin(host):
    left = leave_behind(host, b"daemon")
    pids = {row["pid"] for row in host.admin("instances")}
    killed = host.spawner()
    os.kill(killed, signal.SIGKILL)
    assert host.wait_log("spawner.died")["code"] == 1210
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
    assert {row["pid"] for row in host.admin("instances")} == pids
    host.kill_instance("forks_grandchild")
    host.wait_ready("forks_grandchild", 2)
    assert not is_alive(left)
    assert host.spawner() != killed
    left = [leave_behind(host, how) for how in WAYS]
    host.kill()
    wait_gone(left)
    host.wait_no_orphans()


def test_a_spawner_of_a_running_host_holds_nothing_of_it(host):
    os.kill(host.spawner(), signal.SIGKILL)
    host.wait_log("spawner.died")
    host.kill_instance("good")
    host.wait_ready("good", 2)
    assert_holds_nothing(host.spawner())


@pytest.mark.parametrize("how", WAYS)
def test_a_keeper_that_is_killed_takes_its_plugin_along(host, how):
    left = leave_behind(host, how)
    pid = host.pid("forks_grandchild")
    os.kill(parent_of(pid), signal.SIGKILL)
    died = host.wait_log("instance.died", plugin="forks_grandchild")
    assert died["msg"] == "killed, because its keeper was killed"
    wait_gone([pid, left])
    host.wait_ready("forks_grandchild", 2)
    assert host.plugin("good")["restarts"] == 0


# ---- what they are


def assert_holds_nothing(pid, filters=False):
    """Only what spawner and keepers need: null for the standard three, a socket, a signalfd, and
    what tells of violations of a filter."""
    def links():
        return sorted(re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{fd}"))
                      for fd in os.listdir(f"/proc/{pid}/fd"))
    notify = ["anon_inode:seccomp notify"] if filters else []
    wanted = ["/dev/null"] * 3 + ["anon_inode:[signalfd]"] + notify + ["socket"]
    wait_until(lambda: links() == wanted, f"no other descriptors than {wanted}")


def test_spawner_and_keepers_hold_nothing_of_the_host(host):
    assert_holds_nothing(host.spawner())
    busy = {parent_of(row["pid"]) for row in host.admin("instances")}
    for keeper in children(host.spawner()):
        assert process_field(keeper, "Name") == "plugd-keeper"
        assert_holds_nothing(keeper, filters=keeper in busy)


def test_no_signal_of_a_terminal_reaches_them(host):
    for pid in [host.spawner(), *children(host.spawner())]:
        blocked = int(process_field(pid, "SigBlk"), 16)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            assert blocked >> (number - 1) & 1, (pid, number)
            os.kill(pid, number)
        assert os.getpgid(pid) != os.getpgid(host.process.pid)
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
    host.stop()
    assert not host.log("spawner.died") and not host.log("instance.died")


def test_a_keeper_is_there_for_each_process_and_for_the_next(host):
    keepers = {parent_of(row["pid"]) for row in host.admin("instances")}
    assert len(keepers) == 2
    wait_until(lambda: len(set(children(host.spawner())) - keepers) == 1, "the one that waits")
