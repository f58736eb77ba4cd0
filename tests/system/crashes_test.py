"""What is kept of a crash: in which words, where, how much of it, and how plugctl shows it."""
import json
import os
import stat

import pytest

from plugd import plugin, whitelist_entry

DO = "sin.v1.Sin/Do"
QUICK = {"initial_delay": "1ms", "max_delay": "1ms", "max_restarts": 100}


def dies(of="SIGSEGV", **settings):
    return plugin("dies", of, name="sinner", restart=QUICK, queue_timeout="30s",
                  retry={"max_attempts": 1}, **settings)


def crash(host, count=1):
    """One death, until it is kept."""
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")
    return host.wait_log("crash.kept", count)["crash"]


def crashes(host, **args):
    return host.admin("crashes", **args)


@pytest.mark.parametrize("of,how,signal,status", [
    ("SIGSEGV", "killed by signal 11 (SIGSEGV)", 11, None),
    ("3", "exited with status 3", None, 3),
])
def test_how_it_ended_and_what_it_was_doing(start, of, how, signal, status):
    host = start(plugins=[dies(of)])
    assert host.rpc(DO, b"no sin").body == b"no sin"
    pid = host.pid("sinner")
    capsule = crashes(host, id=crash(host))
    assert capsule["how"].startswith(how), capsule["how"]
    assert (capsule["signal"], capsule["exit_status"]) == (signal, status)
    assert (capsule["plugin"], capsule["instance"], capsule["pid"]) == ("sinner", "sinner/1/1", pid)
    assert capsule["was_ready"] and not capsule["ended_by_host"]
    assert capsule["stderr"][-1] == f"dies of {of}"
    assert (capsule["calls_total"], capsule["calls_in_flight"]) == (2, 1)
    [call] = capsule["calls"]
    assert (call["method"], call["delivered"], call["cancelled"]) == (DO, True, False)
    assert call["age_us"] > 0 and capsule["lived_us"] > call["age_us"]
    assert capsule["usage"]["max_rss_bytes"] > 1 << 20
    assert capsule["usage"]["user_us"] + capsule["usage"]["system_us"] > 0


def test_which_bytes_it_was(start):
    row = dies()
    host = start(plugins=[row])
    build = crashes(host, id=crash(host))["build"]
    assert build["executable"] == row["executable"] and build["version"] == "1.0.0"
    assert build["hash"] == whitelist_entry(row["executable"])["hash"]


def test_the_last_frames_are_kept_without_what_they_said(start):
    host = start(plugins=[dies()])
    for _ in range(20):
        host.rpc(DO, b"secret")
    capsule = crashes(host, id=crash(host))
    frames = capsule["frames"]
    assert len(frames) == 32 and capsule["frames_total"] > 32
    assert not any("payload_hex" in frame for frame in frames)
    last = [(frame["from"], frame["kind"]) for frame in frames if frame["kind"] != "credit"][-1]
    assert last == ("host", "request")
    assert [frame["ago_us"] for frame in frames] == sorted(
        (frame["ago_us"] for frame in frames), reverse=True)
    answers = [frame for frame in frames if frame["kind"] == "response"]
    assert answers and all(frame["from"] == "plugin" and frame["call"] % 2 == 1
                           and frame["bytes"] > len(b"secret") for frame in answers)
    assert b"secret".hex() not in json.dumps(capsule)


def test_payloads_are_kept_where_the_operator_wants_them(start):
    host = start(plugins=[dies(record_payloads=True)])
    host.rpc(DO, b"not so secret")
    frames = crashes(host, id=crash(host))["frames"]
    said = [(frame["from"], bytes.fromhex(frame["payload_hex"])) for frame in frames
            if "payload_hex" in frame]
    assert said == [("host", b"not so secret"), ("plugin", b"not so secret"), ("host", b"sin")]


def test_without_a_directory_the_newest_are_kept_in_memory(start):
    host = start(plugins=[dies()], crashes={"keep": 2})
    ids = [crash(host, count) for count in (1, 2, 3)]
    assert [row["id"] for row in crashes(host)] == ids[:0:-1]
    assert host.admin_raw(json.dumps({"command": "crashes", "args": {"id": ids[0]}}))["ok"] is False


def test_files_outlive_the_host_and_the_oldest_make_room(hosts, tmp_path):
    directory = tmp_path / "crashes"
    host = hosts(plugins=[dies()], crashes={"directory": str(directory), "keep": 2}).start()
    ids = [crash(host, count) for count in (1, 2, 3)]
    (directory / "notes.txt").write_text("mine")
    host.stop()
    assert sorted(os.listdir(directory)) == sorted(
        [f"{name}.json" for name in ids[1:]] + ["notes.txt"])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / f"{ids[2]}.json").stat().st_mode) == 0o600
    (directory / "20260101T000000.000Z-broken-1-1.json").write_text("{")
    again = hosts(plugins=[plugin("good")],
                  crashes={"directory": str(directory), "keep": 3}).start()
    assert [row["id"] for row in crashes(again)] == ids[:0:-1]
    assert crashes(again, plugin="good") == [] and len(crashes(again, plugin="sinner")) == 2
    assert crashes(again, id=ids[2])["plugin"] == "sinner"


def test_an_end_that_was_asked_for_is_no_crash(start):
    host = start(plugins=[plugin("good")])
    host.admin("swap", plugin="good")
    assert crashes(host) == []


def test_one_that_is_helped_along_when_it_was_asked_to_end_is_no_crash(hosts, tmp_path):
    directory = tmp_path / "crashes"
    host = hosts(plugins=[plugin("never_greets")], crashes={"directory": str(directory)})
    host.start(ready=[])
    host.wait_log("instance.started")
    host.stop()
    assert os.listdir(directory) == []


def test_a_reload_brings_another_limit(start):
    host = start(plugins=[dies()])
    ids = [crash(host, count) for count in (1, 2, 3)]
    host.settings = {**host.settings, "crashes": {"keep": 1}}
    host.write_config()
    host.admin("reload")
    assert [row["id"] for row in crashes(host)] == ids[2:]


def test_a_plugin_that_breaks_a_rule_leaves_a_capsule_too(start):
    host = start(plugins=[plugin("garbage", name="sinner", restart=QUICK)])
    assert host.rpc(DO, b"sin").error()[0] == 502
    capsule = crashes(host, id=host.wait_log("crash.kept")["crash"])
    assert 2000 <= capsule["reason"]["code"] < 2100 and capsule["ended_by_host"]


def test_a_directory_that_cannot_be_made_stops_the_start(hosts, tmp_path):
    where = tmp_path / "no" / "where"
    host = hosts(plugins=[plugin("good")], crashes={"directory": str(where)})
    host.write_config()
    host.write_whitelist()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    [told] = host.log("host.failed")
    assert str(where) in told["msg"] and told["code"] == 1008


def test_what_cannot_be_written_is_said(start, tmp_path):
    directory = tmp_path / "crashes"
    host = start(plugins=[dies()], crashes={"directory": str(directory)})
    directory.rmdir()
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")
    assert "No such file" in host.wait_log("crash.not_kept")["msg"]


def test_plugctl_shows_them(start):
    host = start(plugins=[dies()])
    assert host.plugctl("crashes").strip() == "No crash is kept."
    assert host.plugctl("crashes", "--last", status=1) == ""
    name = crash(host)
    table = host.plugctl("crashes")
    assert name in table and "SIGSEGV" in table
    assert json.loads(host.plugctl("--output", "json", "crashes"))[0]["id"] == name
    told = host.plugctl("crashes", "--last")
    for words in (name, "killed by signal 11", "dies of SIGSEGV", DO, "request", "sha256:"):
        assert words in told, (words, told)
    assert host.plugctl("crashes", "--show", name) == told
    assert host.plugctl("crashes", "nobody").strip() == "No crash is kept."
    host.plugctl("crashes", "--show", "../../etc/passwd", status=1)
