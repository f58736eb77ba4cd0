"""Control groups: each process in one of its own, killed with it, gone after it; and what is said
where the kernel hands on no controller. Limits are tested on a tree that is laid out for them
(tests/unit/trust_control_group_test.c): few machines have the controllers.
"""
import os

import pytest

from control_groups import group_of, root_fixture
from plugd import is_alive, plugin, wait_until

DO = "sin.v1.Sin/Do"


def wall(host, name, which):
    rows = host.admin("explain", plugin=name)["walls"]
    return next(row for row in rows if row["wall"] == which)


def left_in(root):
    return sorted(path.name for path in root.glob("plugin-*"))


def test_each_process_has_a_group_of_its_own(root, start):
    host = start(cgroup=str(root), plugins=[plugin("good", instances=2)])
    groups = {group_of(host.pid("good", index)) for index in range(2)}
    assert groups == {f"{root.name}/plugin-good-1", f"{root.name}/plugin-good-2"}
    assert wall(host, "good", "control_group")["state"] == "enforced"


def test_without_a_directory_there_are_none(start):
    host = start(plugins=[plugin("good")])
    assert group_of(host.pid("good")) == group_of(os.getpid())
    assert wall(host, "good", "control_group")["state"] == "not asked"


def test_a_caged_process_is_in_its_group_too(root, start):
    host = start(cgroup=str(root), plugins=[plugin("good", sandbox="strict")])
    assert group_of(host.pid("good")) == f"{root.name}/plugin-good-1"


@pytest.mark.parametrize("how", [b"", b"setsid", b"daemon"])
def test_what_it_starts_is_in_its_group_and_dies_with_it(root, start, how):
    host = start(cgroup=str(root), plugins=[plugin("forks_grandchild")])
    left = int(host.rpc(DO, how).body)
    assert group_of(left) == f"{root.name}/plugin-forks_grandchild-1"
    host.kill_instance("forks_grandchild")
    host.wait_ready("forks_grandchild", 2)
    assert not is_alive(left)
    wait_until(lambda: left_in(root) == ["plugin-forks_grandchild-2"], "the end of the group")


def test_groups_are_removed_at_the_end(root, start):
    host = start(cgroup=str(root), plugins=[plugin("good", instances=3)])
    assert len(left_in(root)) == 3
    host.stop()
    assert left_in(root) == []


def test_what_a_killed_host_leaves_is_removed_by_the_next(root, start, hosts):
    host = start(cgroup=str(root), plugins=[plugin("good")])
    host.kill()
    host.wait_no_orphans()
    assert left_in(root) == ["plugin-good-1"]
    another = hosts(cgroup=str(root), plugins=[plugin("good")]).start()
    assert group_of(another.pid("good")) == f"{root.name}/plugin-good-1"
    another.stop()
    assert left_in(root) == []


def test_a_limit_stands_or_is_told_to_be_missing(root, start):
    limits = {"memory": "64MiB", "cpu_percent": 50, "processes": 9}
    host = start(cgroup=str(root), plugins=[plugin("good", cgroup=limits)])
    handed_on = (root / "cgroup.controllers").read_text().split()
    for controller, which, limit in (("memory", "group_memory", 64 << 20),
                                     ("cpu", "group_cpu", 50), ("pids", "group_processes", 9)):
        row = wall(host, "good", which)
        assert row["limit"] == limit
        assert row["state"] == ("enforced" if controller in handed_on else "missing")
        assert ("why" in row) == (row["state"] == "missing")


def test_a_required_limit_that_is_missing_is_a_failed_start(root, start):
    if "memory" in (root / "cgroup.controllers").read_text().split():
        pytest.skip("nothing is missing here")
    host = start([], cgroup=str(root),
                 plugins=[plugin("good", sandbox_required=True, cgroup={"memory": "64MiB"},
                                 restart={"policy": "never"})])
    failed = host.wait_log("plugin.ended", plugin="good")
    assert "group_memory" in failed["msg"]
    assert left_in(root) == []


def test_two_hosts_cannot_share_a_directory(root, start, hosts):
    start(cgroup=str(root), plugins=[plugin("good")])
    other = hosts(cgroup=str(root))
    other.write_config()
    other.expected_status = 1
    assert other.launch().wait_exit() == 1
    assert b"another plugd" in b"".join(other.noise) and b"[1853]" in b"".join(other.noise)
    other.noise.clear()


def test_a_directory_that_is_none_is_refused(hosts, tmp_path):
    host = hosts(cgroup=str(tmp_path))
    host.write_config()
    host.expected_status = 1
    assert host.launch().wait_exit() == 1
    assert b"is no control group" in b"".join(host.noise)
    host.noise.clear()


def test_limits_need_a_directory(hosts):
    host = hosts(plugins=[plugin("good", cgroup={"processes": 9})])
    host.write_config()
    host.write_whitelist()
    host.expected_status = 1
    assert host.launch().wait_exit() != 0
    assert b"there are no control groups" in b"".join(host.noise)
    host.expected_status = host.process.returncode
    host.noise.clear()


def test_own_is_the_group_in_which_it_was_started(root, hosts):
    host = hosts(cgroup="own", plugins=[plugin("good")])
    host.under = ["sh", "-c", f"echo 0 > {root}/cgroup.procs && exec \"$0\" \"$@\""]
    host.start()
    assert group_of(host.process.pid) == f"{root.name}/host"
    assert group_of(host.spawner()) == f"{root.name}/host"
    assert group_of(host.pid("good")) == f"{root.name}/plugin-good-1"
    host.stop()
    assert left_in(root) == []


def test_an_operator_can_freeze_a_plugin(root, start):
    """As docs/OPERATIONS.md tells: the group is the kernel's own, with all that it can do."""
    host = start(cgroup=str(root), plugins=[plugin("good", health_check={"interval": "1h"})])
    group = root / "plugin-good-1"
    (group / "cgroup.freeze").write_text("1")
    wait_until(lambda: "frozen 1" in (group / "cgroup.events").read_text(), "the stop")
    (group / "cgroup.freeze").write_text("0")
    assert host.rpc("good.v1.Good/Echo", b"x").body == b"x"
