"""A secret reaches its plugin, whole, and nothing else: no log, no capsule, no view, no argument,
no environment, and no memory of the host but what is locked for it.
"""
import base64
import hashlib
import json
import os
import pathlib
import re

import pytest

from plugd import children, plugin

DO = "sin.v1.Sin/Do"
QUICK = {"initial_delay": "1ms", "max_delay": "1ms", "max_restarts": 9}
MAP_MAX = 1 << 30  # a larger one is a sanitizer's bookkeeping


class Vault:
    """One secret from each source, new ones for each test."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        word = base64.b32encode(os.urandom(20)).decode().lower()
        lines = [base64.b64encode(os.urandom(48)).decode() for _ in range(4)]
        self.values = {
            "password": f"password-{word}\n".encode(),
            "token": f"token-{word}".encode(),
            "key": b"\x00\xff\n" + os.urandom(40) + b"\n\x00",
            "pem": ("-----BEGIN KEY-----\n" + "\n".join(lines) + "\n").encode(),
        }
        for name in ("password", "key", "pem"):
            self.write(name, self.values[name])
        self.environment = {"BLABS_TOKEN": self.values["token"].decode(),
                            "CREDENTIALS_DIRECTORY": str(directory)}
        self.sources = {"password": {"file": str(directory / "password")},
                        "token": {"env": "BLABS_TOKEN"}, "key": {"credential": "key"},
                        "pem": {"file": str(directory / "pem")}}

    def write(self, name, value, mode=0o600):
        path = self.directory / name
        path.write_bytes(value)
        path.chmod(mode)
        return path

    def traces(self):
        """What gives one away: each line of it, as it is and in hexadecimal digits."""
        found = set()
        for name, value in self.values.items():
            parts = [value.strip(b"\n")] if name == "key" else value.split(b"\n")
            for part in parts:
                part = part[:24]
                if len(part) >= 12 and b"BEGIN" not in part:
                    found |= {part, part.hex().encode()}
        return found

    def assert_hidden(self, data, where):
        data = data if isinstance(data, bytes) else data.encode()
        for trace in self.traces():
            assert trace not in data, (where, trace, data[max(0, data.find(trace) - 200):][:400])


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "vault")


def blabs(vault, *args, **settings):
    return plugin("blabs", *args, secrets=vault.sources, restart=QUICK, retry={"max_attempts": 1},
                  queue_timeout="30s", **settings)


def digest(host, name):
    return host.rpc(DO, b"digest " + name.encode()).body.decode()


def of(value):
    return hashlib.sha256(value).hexdigest()


def test_each_source_is_handed_over_byte_for_byte(start, vault):
    host = start(plugins=[blabs(vault)], environment=vault.environment)
    for name, value in vault.values.items():
        assert digest(host, name) == of(value), name
    assert digest(host, "other") == "none"


def test_others_get_none(start, vault):
    host = start(plugins=[blabs(vault), plugin("blabs", "other.v1.Sin", name="other")],
                 environment=vault.environment)
    assert host.rpc("other.v1.Sin/Do", b"digest password").body == b"none"
    pids = {row["plugin"]: row["pid"] for row in host.admin("instances")}
    vault.assert_hidden(pathlib.Path(f"/proc/{pids['other']}/environ").read_bytes(), "another's")


def everything_shown(host):
    """All that an operator can look at."""
    for command in ("status", "plugins", "instances", "routes", "crashes"):
        reply = host.admin_raw(json.dumps({"command": command}))
        yield command, json.dumps(reply)
    for row in host.admin("crashes"):
        yield row["id"], json.dumps(host.admin("crashes", id=row["id"]))
        yield row["id"], host.plugctl("crashes", "--show", row["id"])
    for pid in [row["pid"] for row in host.admin("instances") if row["pid"]]:
        for file in ("environ", "cmdline"):
            yield file, pathlib.Path(f"/proc/{pid}/{file}").read_bytes()
    with host.news:
        for record in host.records:
            yield "the log", json.dumps(record, ensure_ascii=False)


def test_what_the_plugin_says_is_kept_without_them(hosts, vault, tmp_path):
    capsules = tmp_path / "capsules"
    host = hosts(vault.environment, plugins=[blabs(vault, record_payloads=True)],
                 crashes={"directory": str(capsules)}).start()
    for where in (b"stderr", b"cut", b"log", b"pong", b"reply"):
        assert host.rpc(DO, where).status == 200
    host.wait_log("plugin.log", msg=lambda text: "[secret password]" in text)
    host.wait_log("plugin.stderr", count=20, msg=lambda text: "[secret password]" in text)
    host.wait_log("instance.health", msg=lambda text: "[secret password]" in text)
    assert host.rpc(DO, b"sin").error()[1] == "PLUGIN_GONE"
    crash = host.wait_log("crash.kept")["crash"]
    capsule = host.admin("crashes", id=crash)
    assert any("[secret key]" in line for line in capsule["stderr"])
    assert b"[secret password]".hex() in json.dumps(capsule["frames"])
    host.wait_ready("blabs", 2)
    assert host.rpc(DO, b"garbage").status in (200, 502)
    host.wait_log("crash.kept", 2)
    assert host.log("instance.failed", msg=lambda text: "[secret password]" in text)
    for where, data in everything_shown(host):
        vault.assert_hidden(data, where)
    for file in capsules.iterdir():
        vault.assert_hidden(file.read_bytes(), file)


def test_a_reason_to_fail_is_told_without_them(hosts, vault):
    host = hosts(vault.environment, plugins=[blabs(vault, "failed")]).start(ready=[])
    told = host.wait_log("instance.failed")
    assert "no login with [secret password]" in told["msg"]
    host.wait_log("crash.kept")
    for where, data in everything_shown(host):
        vault.assert_hidden(data, where)


def maps_with(pid, trace):
    """The flags of each mapping that has these bytes, of what can be read of a process."""
    smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace")
    heads = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S+).*?^VmFlags: (.*?)$", smaps, re.M | re.S)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, mode, flags in heads:
            start, end = int(start, 16), int(end, 16)
            if "r" not in mode or end - start > MAP_MAX:
                continue
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            if trace in data:
                yield flags.split()


def test_the_host_has_them_in_locked_memory_only(start, vault):
    del vault.sources["token"], vault.values["token"]
    host = start(plugins=[blabs(vault, instances=2), blabs(vault, "other.v1.Sin", name="second")],
                 environment={"CREDENTIALS_DIRECTORY": str(vault.directory)})
    host.admin("swap", plugin="blabs")
    assert digest(host, "key") == of(vault.values["key"])
    traces = [vault.values["password"].strip(), vault.values["key"].strip(b"\n"),
              vault.values["pem"][30:80]]
    for trace in traces:
        found = list(maps_with(host.process.pid, trace))
        assert found, "the host has it for the next instance"
        assert all("lo" in flags and "dd" in flags for flags in found), found
        for keeper in children(host.spawner()) + [host.spawner()]:
            assert not list(maps_with(keeper, trace)), "who starts processes never sees it"


def test_whoever_has_secrets_dumps_no_core(hosts, vault):
    def limit(host):
        text = pathlib.Path(f"/proc/{host.process.pid}/limits").read_text(encoding="ascii")
        return next(line for line in text.splitlines() if "core file" in line).split()[4:6]
    with_secrets = hosts(vault.environment, plugins=[blabs(vault)]).start()
    assert limit(with_secrets) == ["0", "0"]
    without = hosts(plugins=[plugin("good")]).start()
    assert limit(without) != ["0", "0"] or limit_of_tests() == ["0", "0"]


def limit_of_tests():
    text = pathlib.Path("/proc/self/limits").read_text(encoding="ascii")
    return next(line for line in text.splitlines() if "core file" in line).split()[4:6]


@pytest.mark.parametrize("spoil,code,says", [
    (lambda path: path.unlink(), 1870, "No such file"),
    (lambda path: path.chmod(0o644), 1871, "open to everybody (mode 0644)"),
    (lambda path: path.write_bytes(b""), 1872, "is empty"),
])
def test_without_it_the_plugin_does_not_start(hosts, vault, spoil, code, says):
    spoil(vault.directory / "password")
    host = hosts(vault.environment, plugins=[blabs(vault), plugin("good")]).start(ready=["good"])
    told = host.wait_log("plugin.refused", plugin="blabs")
    assert told["code"] == code and says in told["msg"] and "secret password" in told["msg"]
    assert host.plugin("good")["state"] == "serving"
    # Mended, a reload starts it.
    vault.write("password", vault.values["password"])
    host.admin("reload")
    host.wait_ready("blabs")


def test_a_new_value_is_taken_by_the_next_swap(start, vault):
    host = start(plugins=[blabs(vault)], environment=vault.environment)
    old = vault.values["password"]
    vault.write("password", b"another password")
    host.kill_instance("blabs")
    host.wait_ready("blabs", 2)
    assert digest(host, "password") == of(old)
    host.admin("swap", plugin="blabs")
    assert digest(host, "password") == of(b"another password")
    (vault.directory / "password").unlink()
    reply = host.admin_raw(json.dumps({"command": "swap", "args": {"plugin": "blabs"}}))
    assert not reply["ok"] and "secret password" in json.dumps(reply)
    assert digest(host, "password") == of(b"another password")


def test_another_source_is_a_swap_and_is_shown_as_a_source(start, vault):
    host = start(plugins=[blabs(vault)], environment=vault.environment)
    other = vault.write("other", b"of the other file")
    vault.sources["password"] = {"file": str(other)}
    host.settings = {**host.settings, "plugins": [blabs(vault)]}
    host.write_config()
    [change] = host.admin("reload", dry_run=True)["changes"]
    assert change["apply"] == "swap" and f"{{file: {other}}}" in change["after"]
    host.admin("reload")
    assert digest(host, "password") == of(b"of the other file")
    assert host.plugin("blabs")["generation"] == 2
    vault.assert_hidden(json.dumps(change), "the change")


def test_a_value_in_the_configuration_is_refused_and_not_repeated(hosts, tmp_path):
    host = hosts(plugins=[plugin("good", secrets={"password": "hunter2-hunter2"})])
    host.write_config()
    host.write_whitelist()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    said = b"".join(host.noise)
    assert b"password has no source" in said and b"hunter2" not in said
