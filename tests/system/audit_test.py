"""The audit trail: what is in it, what is done to it, and what happens when it can't be written."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading

import pytest

from plugd import (PATIENCE_S, PLUGCTL, PLUGINS, PYTHON, plugctl, plugin, route, wait_until,
                   whitelist_entry)

ECHO = "good.v1.Good/Echo"

# Runs plugd with a small disk of its own at the directory that is the first argument.
SMALL_DISK = ["/usr/bin/unshare", "--mount", "sh", "-c",
              'mount -t tmpfs -o size=512k none "$0" && exec "$@"']


@pytest.fixture(name="trail")
def trail_fixture(tmp_path):
    directory = tmp_path / "trail"
    directory.mkdir()
    return directory / "audit.db"


@pytest.fixture(name="audited")
def audited_fixture(hosts, trail):
    """audited(…): a host with an audit trail that is not started yet."""
    def make(plugins=None, audit=None, **settings):
        return hosts(plugins=plugins or [plugin("good")],
                     audit={"file": str(trail), **(audit or {})}, **settings)
    return make


def records(trail, *args, under=()):
    return json.loads(plugctl("--output", "json", "audit", "list", "--file", trail,
                              "--limit", 100000, *args, under=under))


def events(trail, *args):
    return [row["event"] for row in records(trail, *args)]


def verify(trail, *args, status=0):
    return plugctl("audit", "verify", "--file", trail, *args, status=status)


def keygen(directory):
    private, public = directory / "a.key", directory / "a.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    private.chmod(0o600)
    return private, public


def tamper(trail, sql):
    """As somebody who puts the triggers back."""
    with sqlite3.connect(trail) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type='trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(sql)
        for _, text in triggers:
            db.execute(text)
    db.close()


@contextlib.contextmanager
def locked(trail):
    """As by somebody else's database tool that does not let go."""
    db = sqlite3.connect(trail, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("ROLLBACK")
    db.close()


# ---- what is in it


def test_a_life_is_recorded_from_start_to_stop(audited, trail):
    host = audited().start()
    host.stop()
    rows = records(trail)
    assert [row["event"] for row in rows] == [
        "host.start", "whitelist.loaded", "plugin.start", "host.stop", "plugin.end"]
    started = rows[2]
    assert started["plugin"] == "good" and started["actor"] == "host"
    assert started["details"]["hash"] == whitelist_entry(PLUGINS / "good")["hash"]
    assert started["details"]["generation"] == 1 and started["details"]["instance"] == 1
    assert rows[3]["details"] == {"signal": signal.SIGTERM}
    assert verify(trail).startswith("5 records, an unbroken chain")


def test_a_command_is_recorded_with_who_gave_it(audited, trail):
    host = audited().start()
    host.plugctl("swap", "good")
    host.plugctl("status")
    host.plugctl("rollback", "good")
    rows = [row for row in records(trail) if row["event"].split(".")[0] in ("admin", "swap")]
    assert [row["event"] for row in rows] == 2 * [
        "admin.command", "swap.begin", "swap.switch", "swap.done"]
    assert rows[0]["details"]["command"] == "swap" and rows[0]["plugin"] == "good"
    assert rows[0]["actor"].startswith(f"uid={os.getuid()} gid={os.getgid()} pid=")
    assert rows[1]["details"]["for"] == "swap" and rows[5]["details"]["for"] == "rollback"


def test_payloads_are_not_recorded(audited, trail):
    host = audited().start()
    host.admin("call", service="good.v1.Good", method="Echo", payload="c2VjcmV0")
    command, = records(trail, "--event", "admin.command")
    assert command["details"]["args"] == {
        "service": "good.v1.Good", "method": "Echo", "payload": 8}


def test_a_refused_executable_is_recorded(audited, trail, tmp_path):
    copy = tmp_path / "copy"
    shutil.copy(PLUGINS / "good", copy)
    host = audited([plugin("good"), plugin("bad", executable=copy)])
    host.write_whitelist([whitelist_entry(PLUGINS / "good"), whitelist_entry("/usr/bin/python3")])
    host.start(["good"])
    refused, = records(trail, "--event", "plugin.refused")
    assert refused["plugin"] == "bad" and refused["details"]["code"] == 1801


def test_a_failed_swap_is_recorded_with_its_reason(audited, trail, tmp_path):
    copy = tmp_path / "copy"
    shutil.copy(PLUGINS / "good", copy)
    host = audited().start()
    host.plugctl("swap", "good", "--executable", str(copy), status=1)
    failed, = records(trail, "--event", "swap.failed")
    assert failed["details"]["code"] == 1801


def test_a_reload_is_recorded_before_it_is_in_force_and_without_values(audited, trail):
    host = audited().start()
    host.settings["plugins"][0]["env"] = {"TOKEN": "very-secret"}
    host.write_config()
    host.plugctl("reload", "--dry-run")
    assert "admin.command" not in events(trail)
    host.plugctl("reload")
    names = events(trail)
    assert [names.count(name) for name in ("admin.command", "swap.begin", "reload.commit")] == \
        [1, 1, 1]
    commit, = records(trail, "--event", "reload.commit")
    assert commit["details"]["changes"] == ["plugins[good].env"]
    assert "very-secret" not in plugctl("audit", "export", "--file", trail)


def test_another_whitelist_is_recorded(audited, trail):
    host = audited().start()
    host.write_whitelist([whitelist_entry(PLUGINS / "good"), whitelist_entry("/usr/bin/python3"),
                          whitelist_entry(PLUGCTL)])
    host.plugctl("reload")
    host.plugctl("reload")
    first, second = records(trail, "--event", "whitelist.loaded")
    assert second["details"]["entries"] == first["details"]["entries"] + 1
    assert second["details"]["hash"] != first["details"]["hash"]


def test_a_missing_wall_is_recorded(audited, trail):
    audited([plugin("good", sandbox={"profile": "none", "processes": 5})]).start()
    row, = records(trail, "--event", "sandbox.shortfall")
    assert row["plugin"] == "good" and row["details"]["missing"].startswith("processes (")


def test_what_a_policy_tolerates_is_recorded_with_the_start(audited, trail):
    host = audited(whitelist={"policy": "permissive"})
    host.write_whitelist([whitelist_entry("/usr/bin/python3")])
    host.start()
    start, = records(trail, "--event", "plugin.start")
    assert [str(PLUGINS / "good") in text for text in start["details"]["tolerated"]] == [True]


def test_a_revocation_is_recorded(audited, trail):
    host = audited(whitelist={"watch": False}).start()
    host.write_whitelist([whitelist_entry("/usr/bin/python3")])
    host.plugctl("whitelist", "reload")
    row, = records(trail, "--event", "plugin.revoked")
    assert (row["plugin"], row["details"]["action"]) == ("good", "drain")
    assert row["details"]["code"] == 1810


def test_checks_of_the_signature_are_recorded(audited, trail, tmp_path):
    said = plugctl("whitelist", "keygen", "--out", tmp_path / "key")
    line = re.search("ed25519:[0-9a-f]{64}", said)[0]
    host = audited(whitelist={"watch": False, "public_keys": [line], "serial_file": "none"})
    host.write_whitelist()
    sign = ["whitelist", "sign", "--file", host.whitelist, "--key", tmp_path / "key"]
    plugctl(*sign)
    host.start()
    with open(host.whitelist, "a", encoding="ascii") as file:
        file.write("\n")
    host.plugctl("whitelist", "reload", status=1)
    good, refused = records(trail, "--event", "signature.checked")
    assert (good["details"]["result"], good["details"]["serial"]) == ("good", 1)
    assert (refused["details"]["result"], refused["details"]["code"]) == ("refused", 1822)


def test_another_user_who_knocks_at_the_admin_socket_is_recorded_and_refused(audited, trail):
    """Where the socket's mode lets them in, its other wall stands: who it is."""
    script = ("import os, socket, sys; os.setgroups([]); os.setresgid(4711, 4711, 4711); "
              "os.setresuid(4711, 4711, 4711); sock = socket.socket(socket.AF_UNIX); "
              "sock.connect(sys.argv[1]); sock.settimeout(float(sys.argv[2]))\n"
              "try:\n"
              "  sock.sendall(b'{\"command\":\"restart\",\"args\":{\"plugin\":\"good\"}}\\n')\n"
              "  print(sock.recv(100))\n"
              "except (BrokenPipeError, ConnectionResetError): print(b'')")
    with tempfile.TemporaryDirectory(prefix="plugd-test-") as directory:
        os.chmod(directory, 0o755)
        path = f"{directory}/admin.sock"
        host = audited(admin={"socket": path})
        host.socket = path
        host.start()
        os.chmod(path, 0o666)
        knocks = subprocess.run([PYTHON, "-c", script, path, str(PATIENCE_S)], check=True,
                                capture_output=True, timeout=PATIENCE_S)
        assert knocks.stdout == b"b''\n"
        assert host.log("admin.refused", uid=4711)
        row, = records(trail, "--event", "admin.refused")
        assert row["actor"].startswith("uid=4711 gid=4711 pid=")
        assert "admin.command" not in events(trail)
        assert host.admin("restart", plugin="good")
        host.stop()


def test_a_crash_and_the_next_start_are_recorded(audited, trail):
    host = audited([plugin("good", restart={"initial_delay": "1ms"})]).start()
    host.kill_instance("good")
    host.wait_ready("good", 2)
    assert events(trail, "--plugin", "good") == ["plugin.start", "plugin.end", "plugin.start"]
    assert records(trail, "--event", "plugin.end")[0]["details"]["failed"] is True


def test_the_trail_is_off_only_in_so_many_words(hosts):
    host = hosts(plugins=[plugin("good")]).start()
    assert host.log("audit.off")
    host = hosts(plugins=[plugin("good")], audit={"file": ""})
    host.write_config()
    host.write_whitelist()
    host.launch()
    assert host.wait_exit() == 1
    assert b"audit.file" in b"".join(host.noise)


# ---- what plugctl makes of it


def test_the_configuration_names_the_file(audited):
    host = audited().start()
    assert "unbroken" in plugctl("audit", "verify", "--config", host.config)


def test_records_are_chosen_by_plugin_event_time_and_number(audited, trail):
    host = audited().start()
    host.stop()
    assert events(trail, "--plugin", "good") == ["plugin.start", "plugin.end"]
    assert events(trail, "--event", "host.stop") == ["host.stop"]
    assert len(events(trail, "--since", "1h")) == 5
    assert events(trail, "--since", "2999-01-01T00:00:00Z") == []
    assert len(json.loads(plugctl("-o", "json", "audit", "list", "-f", trail, "-n", 2))) == 2
    assert "plugin.start" in plugctl("audit", "list", "--file", trail)
    plugctl("audit", "list", "--file", trail, "--event", "nonsense", status=2)
    plugctl("audit", "list", "--file", trail, "--since", "yesterday", status=2)


def test_an_export_can_be_verified_by_others(audited, trail):
    """The chain by another implementation, from what ARCHITECTURE.md says."""
    import hashlib
    audited().start().stop()
    previous = bytes(32)
    lines = plugctl("audit", "export", "--file", trail).splitlines()
    assert len(lines) == 5
    for line in lines:
        row = json.loads(line)
        data = b""
        for part in (b"plugd.audit.record.v1", row["seq"], row["time_ms"], row["event"],
                     row["subject"], row["actor"], row["details"], previous):
            if isinstance(part, int):
                data += part.to_bytes(8, "big")
            else:
                part = part.encode() if isinstance(part, str) else part
                data += len(part).to_bytes(8, "big") + part
        assert row["previous"] == "sha256:" + previous.hex()
        previous = hashlib.sha256(data).digest()
        assert row["hash"] == "sha256:" + previous.hex()


def test_a_changed_record_is_named_by_every_command(audited, trail):
    audited().start().stop()
    tamper(trail, "UPDATE record SET actor = 'nobody' WHERE seq = 3")
    for command in ("verify", "list", "export"):
        assert "record 3 was changed" in plugctl("audit", command, "--file", trail, status=1)


def test_a_cut_end_is_found_by_a_head_that_was_kept(audited, trail):
    audited().start().stop()
    head = plugctl("audit", "head", "--file", trail).strip()
    verify(trail, "--head", head)
    tamper(trail, "DELETE FROM record WHERE seq = 5")
    assert "4 records" in verify(trail)
    assert "cut off" in verify(trail, "--head", head, status=1)


def test_anchors_are_written_at_the_stop_and_verified(audited, trail, tmp_path):
    private, public = keygen(tmp_path)
    _, other = keygen(trail.parent)
    audited(audit={"anchor_key": str(private), "anchor_every": 2}).start().stop()
    assert events(trail)[-1] == "audit.anchor"
    assert "rightly signed" in verify(trail, "--key", public)
    assert "another key" in verify(trail, "--key", other, status=1)
    assert "anchors, which were not looked at" in verify(trail)


def test_a_key_that_others_may_read_is_refused(audited, tmp_path):
    private, _ = keygen(tmp_path)
    private.chmod(0o644)
    host = audited(audit={"anchor_key": str(private)})
    assert "anchor_key" in refused_start(host)["msg"]


# ---- when it can't be written


def refused_start(host):
    """The host's last word, when it does not start."""
    host.write_config()
    host.write_whitelist()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    return host.wait_log("host.failed")


def test_a_damaged_file_stops_the_start_and_is_not_touched(audited, trail):
    audited().start().stop()
    before = trail.read_bytes()
    for damage, code in ((before[:4096], 1880), (before[:-3000], 1881), (b"", 1880),
                         (b"no database, and none that could be made of it", 1880)):
        trail.write_bytes(damage)
        assert refused_start(audited())["code"] == code
        assert trail.read_bytes() == damage


def test_a_changed_file_stops_the_start(audited, trail):
    audited().start().stop()
    tamper(trail, "UPDATE record SET details = '{}' WHERE seq = 3")
    refused = refused_start(audited())
    assert refused["code"] == 1881 and "record 3" in refused["msg"]


def test_a_damaged_file_is_no_obstacle_where_that_is_allowed(audited, trail):
    trail.write_bytes(b"garbage")
    host = audited(audit={"on_failure": "continue"}).start()
    assert host.log("audit.failed")
    assert host.rpc(ECHO, b"x").body == b"x"
    assert trail.read_bytes() == b"garbage"


def test_a_directory_that_is_read_only_stops_the_start(audited, trail):
    host = audited()
    host.under = ["/usr/bin/unshare", "--mount", "sh", "-c",
                  'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"',
                  str(trail.parent)]
    assert refused_start(host)["code"] == 1880


class Disk:
    """The host's own small disk, seen from here."""

    def __init__(self, host, trail):
        pid = host.process.pid
        self.trail = trail
        self.file = pathlib.Path(f"/proc/{pid}/root{trail.parent}/filler")
        self.under = ["/usr/bin/nsenter", "--target", str(pid), "--mount"]

    def fill(self):
        with open(self.file, "wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def clear(self):
        self.file.unlink()

    def records(self, *args):
        assert "unbroken" in plugctl("audit", "verify", "--file", self.trail, under=self.under)
        return records(self.trail, *args, under=self.under)


def on_small_disk(host, trail):
    host.under = [*SMALL_DISK, str(trail.parent)]
    host.start()
    return Disk(host, trail)


def command_until(host, wanted):
    """Commands that are recorded, until one ends as wanted: the file has a little room in its last
    pages."""
    return wait_until(lambda: (reply := host.admin_raw(json.dumps(
        {"command": "restart", "args": {"plugin": "good"}})))["ok"] == wanted and reply,
        f"a command {'is done' if wanted else 'is refused'}")


def test_a_full_disk_refuses_what_can_not_be_recorded_and_who_serves_goes_on(audited, trail):
    host = audited([plugin("good", restart={"initial_delay": "1ms"}), plugin("slow")])
    disk = on_small_disk(host, trail)
    disk.fill()
    refused = command_until(host, False)["error"]
    assert refused["code"] == 1880 and "refuse" in refused["message"]
    assert host.rpc(ECHO, b"x").body == b"x"
    assert host.admin("status")
    assert not host.admin_raw('{"command":"swap","args":{"plugin":"good"}}')["ok"]
    assert not host.admin_raw('{"command":"reload"}')["ok"]
    assert host.log("audit.failed")
    # a crash: the next start can't be recorded, and waits
    host.kill_instance("good")
    host.wait_log("instance.held_back", plugin="good")
    disk.clear()
    host.wait_ready("good", 2)
    assert host.rpc(ECHO, b"x").body == b"x"
    assert host.log("audit.works")
    assert [row["event"] for row in disk.records()][-2:] == ["audit.lost", "plugin.start"]


def test_a_full_disk_is_no_obstacle_where_that_is_allowed(audited, trail):
    host = audited(audit={"on_failure": "continue"})
    disk = on_small_disk(host, trail)
    disk.fill()
    wait_until(lambda: host.admin("restart", plugin="good") and host.log("audit.failed"),
               "nothing more can be recorded")
    host.plugctl("swap", "good")
    disk.clear()
    host.admin("restart", plugin="good")
    *_, lost, last = disk.records()
    assert (lost["event"], last["event"]) == ("audit.lost", "admin.command")
    # the failed command or more, and of the swap: command, begin, start, switch, end, done
    assert lost["details"]["count"] >= 7


@pytest.mark.parametrize("changed", ["routes", "env"])
def test_a_reload_by_signal_that_can_not_be_recorded_is_refused(audited, trail, changed):
    """Whether it starts something new or not."""
    host = audited(routes=[route("/before", "good")]).start()
    if changed == "routes":
        host.settings["routes"] = [route("/after", "good")]
    else:
        host.settings["plugins"][0]["env"] = {"NEW": "1"}
    host.write_config()
    with locked(trail):
        host.process.send_signal(signal.SIGHUP)
        assert host.wait_log("reload.refused")["code"] == 1880
        assert [row["path"] for row in host.admin("routes")] == ["/before"]
        assert (host.plugin("good")["generation"], host.rpc(ECHO, b"x").body) == (1, b"x")
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("reload.done")
    assert host.rpc(ECHO, b"x").body == b"x"
    assert events(trail).count("reload.commit") == 1
    assert "unbroken" in verify(trail)


def leave(puppet):
    puppet.expect("drain")
    puppet.send(bye={})
    puppet.end()


def test_a_switch_that_can_not_be_recorded_does_not_happen(audited, trail, stage):
    """The new generation has been started when the trail fails: only the last door is left."""
    host = audited([stage.plugin()], routes=[route("/p", "puppet")]).start([])
    old = stage.puppet()
    host.wait_ready("puppet")
    with host.order("swap", plugin="puppet") as order:
        new = stage.newcomer()
        with locked(trail):
            new.begin()
            new.pong()
            refused = order.reply()
            client = host.connect().ask("GET", "/p")
            old.answer(old.request()[0], b"old")
            assert client.read().body == b"old"
    assert not refused["ok"] and refused["error"]["code"] == 1880
    leave(new)
    host.wait_log("instance.ended", plugin="puppet")
    assert host.plugin("puppet")["generation"] == 1
    with host.order("swap", plugin="puppet") as order:
        stage.puppet().pong()
        leave(old)
        assert order.reply()["ok"]
    assert [name for name in events(trail) if name.startswith("swap")] == [
        "swap.begin", "swap.begin", "swap.switch", "swap.done"]
    assert "audit.lost" in events(trail)


def test_a_file_that_is_removed_is_missed_at_once(audited, trail):
    host = audited().start()
    away = trail.with_name("away")
    trail.rename(away)
    refused = host.admin_raw('{"command":"restart","args":{"plugin":"good"}}')
    assert refused["error"]["code"] == 1880 and "removed" in refused["error"]["message"]
    away.rename(trail)
    assert host.admin("restart", plugin="good")
    assert "unbroken" in verify(trail)


def test_a_trail_has_one_writer(audited, trail):
    first = audited().start()
    assert "another plugd" in refused_start(audited())["msg"]
    assert first.admin("restart", plugin="good")
    assert "unbroken" in verify(trail)


# ---- what was acknowledged is there


def command_on(host, numbers, acknowledged):
    """Commands with a number each, one after the other, until the host is gone."""
    try:
        for number in numbers:
            with host.order("release", plugin="good", request=f"r{number}") as order:
                order.reply()
            acknowledged.append(number)
    except (OSError, ValueError):
        pass


def test_a_kill_loses_no_acknowledged_record(audited, trail):
    host = audited()
    acknowledged = []
    numbers = iter(range(1000000))
    for round_number in range(5):
        host.start()
        before = len(acknowledged)
        thread = threading.Thread(target=command_on, args=(host, numbers, acknowledged))
        thread.start()
        wait_until(lambda want=before + 5 + 4 * round_number: len(acknowledged) >= want,
                   "commands are answered")
        host.kill()
        thread.join()
        host.wait_no_orphans()
        assert "unbroken" in verify(trail)
        host.forget_log()
    recorded = {row["details"]["args"]["request"]
                for row in records(trail, "--event", "admin.command")}
    assert {f"r{number}" for number in acknowledged} <= recorded
