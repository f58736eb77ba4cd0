"""Which files may run: the three policies, and the constraints that hold beside the whitelist. Each
test fails when the setting is ignored.
"""
import os
import shutil

import pytest

from plugd import PLUGINS, PYTHON, plugin, route, wait_until, whitelist_entry

GOOD = "good.v1.Good/Echo"
ECHO = os.path.join(os.environ["EXAMPLE_DIR"], "echo/echo")
ANOTHER_HASH = {"hash": "sha256:" + "0" * 64}
NOBODY = 65534


@pytest.fixture(name="echo")
def echo_fixture(tmp_path):
    directory = tmp_path / "bin"
    directory.mkdir(mode=0o755)
    shutil.copy(ECHO, directory / "echo")
    return directory / "echo"


@pytest.fixture(name="tried")
def tried_fixture(hosts):
    """tried(path, entries, **whitelist settings): a host that has tried to start an echo there."""
    def begin(path, entries=None, **settings):
        host = hosts(plugins=[plugin("echo", executable=path)], routes=[route("/echo", "echo")],
                     whitelist=settings)
        if entries is not None:
            host.write_whitelist(entries)
        return host.start([])
    return begin


def refusal(host, name="echo"):
    refused = host.wait_log("plugin.refused", plugin=name)
    assert host.http("GET", "/echo").error() == (503, "PLUGIN_NOT_READY")
    assert host.log("instance.ready") == []
    return refused["code"], refused["msg"]


def assert_serves(host):
    host.wait_ready("echo")
    assert host.http("GET", "/echo").body == b"hello world\n"


# ---- policies

DEVIATIONS = {
    "unlisted": (lambda path: [], 1801),
    "disabled": (lambda path: [whitelist_entry(path, enabled=False)], 1802),
    "another hash": (lambda path: [whitelist_entry(path, **ANOTHER_HASH)], 1803),
    "another plugin": (lambda path: [whitelist_entry(path, name="kv")], 1806),
}


@pytest.mark.parametrize("policy", ["strict", "permissive", "audit"])
@pytest.mark.parametrize("entries, code", DEVIATIONS.values(), ids=DEVIATIONS.keys())
def test_each_policy_and_each_deviation(tried, echo, policy, entries, code):
    host = tried(echo, entries(echo), policy=policy)
    if policy == "audit" or (policy == "permissive" and code == 1801):
        assert_serves(host)
        told = host.wait_log("whitelist.tolerated", plugin="echo")
        assert told["code"] == code and str(echo) in told["msg"] and told["level"] == "warn"
    else:
        assert refusal(host)[0] == code
        assert host.log("whitelist.tolerated") == []


@pytest.mark.parametrize("policy, entries, runs", [
    ("strict", [], False), ("permissive", [], True), ("audit", [], True),
    ("permissive", [ANOTHER_HASH], False), ("audit", [ANOTHER_HASH], True)])
def test_an_interpreter_is_held_to_the_same_policy(hosts, policy, entries, runs):
    host = hosts(plugins=[plugin("good")], whitelist={"policy": policy})
    host.write_whitelist([whitelist_entry(PLUGINS / "good"),
                          *[whitelist_entry(PYTHON, **changes) for changes in entries]])
    host.start([])
    if runs:
        host.wait_ready("good")
        told = host.wait_log("whitelist.tolerated", plugin="good")
        assert told["code"] == (1803 if entries else 1801)
        assert "the interpreter of" in told["msg"]
    else:
        assert host.wait_log("plugin.refused", plugin="good")["code"] == 1805


def test_what_is_listed_and_right_is_not_remarked(tried, echo):
    host = tried(echo, policy="audit")
    assert_serves(host)
    assert host.log("whitelist.tolerated") == []


def test_a_reload_changes_the_policy(tried, echo):
    host = tried(echo, [], policy="strict")
    assert refusal(host)[0] == 1801
    host.settings["whitelist"]["policy"] = "permissive"
    host.write_config()
    host.plugctl("reload")
    assert_serves(host)
    host.settings["whitelist"]["policy"] = "strict"
    host.write_config()
    host.plugctl("reload")
    assert host.wait_log("whitelist.revoked", plugin="echo")["action"] == "drain"
    host.wait_state("echo", "revoked")


# ---- where a file may lie


def test_only_below_the_allowed_directories(tried, echo, tmp_path):
    code, words = refusal(tried(echo, allowed_directories=[str(tmp_path / "other"),
                                                           str(tmp_path / "bi")]))
    assert code == 1807 and "allowed_directories" in words and str(echo) in words


def test_below_an_allowed_directory(tried, echo, tmp_path):
    assert_serves(tried(echo, allowed_directories=["/nowhere", str(tmp_path / "bin")]))


def test_a_link_counts_as_what_it_leads_to(tried, echo, tmp_path):
    (tmp_path / "allowed").mkdir()
    link = tmp_path / "allowed" / "echo"
    link.symlink_to(echo)
    code, _ = refusal(tried(link, [whitelist_entry(echo)],
                            allowed_directories=[str(tmp_path / "allowed")]))
    assert code == 1807


def test_an_interpreter_must_lie_below_an_allowed_directory_too(hosts):
    host = hosts(plugins=[plugin("good")], whitelist={"allowed_directories": [str(PLUGINS)]})
    host.start([])
    refused = host.wait_log("plugin.refused", plugin="good")
    assert refused["code"] == 1805 and "allowed_directories" in refused["msg"]


@pytest.mark.parametrize("forbidden", ["bin", "bin/echo"])
def test_a_forbidden_path_wins(tried, echo, tmp_path, forbidden):
    code, words = refusal(tried(echo, allowed_directories=[str(tmp_path)],
                                forbidden_paths=["/nowhere", str(tmp_path / forbidden)]))
    assert code == 1807 and str(tmp_path / forbidden) in words


def test_a_name_that_only_begins_alike_is_not_forbidden(tried, echo, tmp_path):
    assert_serves(tried(echo, forbidden_paths=[str(tmp_path / "bi"), str(echo) + "2"]))


@pytest.mark.parametrize("policy", ["permissive", "audit"])
def test_only_audit_tolerates_a_forbidden_path(tried, echo, policy):
    host = tried(echo, policy=policy, forbidden_paths=[str(echo)])
    if policy == "audit":
        assert_serves(host)
        assert host.wait_log("whitelist.tolerated")["code"] == 1807
    else:
        assert refusal(host)[0] == 1807


@pytest.mark.parametrize("key", ["allowed_directories", "forbidden_paths"])
@pytest.mark.parametrize("path", ["relative", "/a/../b", "/a/./b", "/a//b", "/a/", ".."])
def test_a_path_that_is_not_plain_is_refused(hosts, key, path):
    host = hosts(plugins=[plugin("good")], whitelist={key: [path]})
    host.write_config()
    host.write_whitelist()
    host.launch()
    assert host.wait_exit() == 1
    told = b"".join(host.noise).decode()
    assert f"whitelist.{key}" in told and "is not a plain path" in told and "[1002]" in told
    assert host.orphans() == []


# ---- how large


@pytest.mark.parametrize("spare, runs", [(0, True), (-1, False)])
def test_a_file_may_be_so_large_and_no_larger(tried, echo, spare, runs):
    host = tried(echo, max_executable_size=echo.stat().st_size + spare)
    if runs:
        assert_serves(host)
    else:
        code, words = refusal(host)
        assert code == 1808 and "max_executable_size" in words


# ---- who could change it


def expose(path, mode=None, owner=None):
    if mode is not None:
        path.chmod(mode)
    if owner is not None:
        os.chown(path, owner, owner)


EXPOSED = {
    "file, by its group": ("bin/echo", {"mode": 0o775}, "its group"),
    "file, by everybody": ("bin/echo", {"mode": 0o757}, "everybody"),
    "directory, by its group": ("bin", {"mode": 0o775}, "its group"),
    "directory, by everybody": ("bin", {"mode": 0o757}, "everybody"),
    "directory above": (".", {"mode": 0o777}, "everybody"),
}
if os.geteuid() == 0:
    EXPOSED |= {
        "file of another user": ("bin/echo", {"owner": NOBODY}, str(NOBODY)),
        "directory of another user": ("bin", {"owner": NOBODY}, str(NOBODY)),
        "file of another user in a sticky directory":
            ("bin/echo", {"mode": 0o755, "owner": NOBODY}, str(NOBODY)),
    }


@pytest.mark.parametrize("where, how, words", EXPOSED.values(), ids=EXPOSED.keys())
def test_what_others_may_change_does_not_run(tried, echo, tmp_path, where, how, words):
    expose(tmp_path / where, **how)
    code, told = refusal(tried(echo))
    assert code == 1809 and words in told and f"'{os.path.normpath(tmp_path / where)}'" in told


def test_what_others_may_change_runs_when_the_operator_says_so(tried, echo):
    expose(echo, mode=0o777)
    assert_serves(tried(echo, require_safe_modes=False))


def test_a_sticky_directory_may_be_written_by_all(tried, echo):
    expose(echo.parent, mode=0o1777)
    assert_serves(tried(echo))


def test_an_interpreter_that_others_may_change(tried, echo, tmp_path):
    path = tmp_path / "script"
    path.write_text(f"#!{echo}\n")
    path.chmod(0o755)
    expose(echo, mode=0o775)
    code, words = refusal(tried(path, [whitelist_entry(path), whitelist_entry(echo)]))
    assert code == 1805 and "its group" in words


def test_modes_are_mended_and_a_reload_starts_it(tried, echo):
    expose(echo, mode=0o775)
    host = tried(echo)
    assert refusal(host)[0] == 1809
    expose(echo, mode=0o755)
    host.plugctl("whitelist", "reload")
    wait_until(lambda: host.plugin("echo")["state"] == "serving", "the echo serves")
