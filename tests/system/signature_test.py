"""Who vouches for the whitelist: keys, signatures, serials, at start and at a reload."""
import json
import subprocess

import pytest

from plugd import PLUGCTL, PLUGINS, plugin, whitelist_entry

ECHO = "good.v1.Good/Echo"


def plugctl(*args, status=0, **environment):
    done = subprocess.run([PLUGCTL, *map(str, args)], capture_output=True, check=False, text=True,
                          env=environment)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


@pytest.fixture(name="key")
def key_fixture(tmp_path):
    """A private key; its line for the configuration is key.line."""
    return Key(tmp_path / "signer")


class Key:
    def __init__(self, file):
        self.file = file
        self.line = plugctl("whitelist", "keygen", "--out", file).strip()

    def sign(self, host, *args, status=0):
        return plugctl("whitelist", "sign", "-f", host.whitelist, "-k", self.file, *args,
                       status=status)


@pytest.fixture(name="signed")
def signed_fixture(hosts, key, tmp_path):
    """A host that wants the key's signature; its list is signed with serial 5."""
    def make(**settings):
        host = hosts(plugins=[plugin("good")], whitelist={
            "public_keys": [key.line], "require_signature": True,
            "serial_file": str(tmp_path / "serial"), **settings})
        host.write_config()
        host.write_whitelist()
        key.sign(host, "--serial", "5")
        return host
    return make


def fails(host, code):
    host.launch()
    assert host.wait_log("whitelist.problem")["code"] == code
    assert host.wait_log("host.failed")["code"] == code
    assert host.wait_exit() == 1


def signature_of(host):
    return host.whitelist.with_name(host.whitelist.name + ".sig")


def touch(host):
    """The same list, in other bytes."""
    host.whitelist.write_text(host.whitelist.read_text() + "\n# another text\n")


def serves(host):
    assert host.rpc(ECHO, b"x").body == b"x"


def test_a_signed_list_is_believed(signed, key, tmp_path):
    host = signed().start()
    serves(host)
    told = host.wait_log("whitelist.signed")
    assert told["serial"] == 5 and len(told["key"]) == 16
    assert (tmp_path / "serial").read_text().startswith("serial: 5\n")


def test_an_unsigned_list_is_refused(signed):
    host = signed()
    signature_of(host).unlink()
    fails(host, 1820)


def test_an_unsigned_list_is_accepted_where_none_is_required(signed):
    host = signed(require_signature=False)
    signature_of(host).unlink()
    serves(host.start())
    host.wait_log("whitelist.unsigned")


@pytest.mark.parametrize("required", [True, False])
def test_a_changed_list_is_refused(signed, required):
    host = signed(require_signature=required)
    touch(host)
    fails(host, 1822)


def test_a_signature_by_another_key_is_refused(signed, tmp_path):
    host = signed()
    Key(tmp_path / "stranger").sign(host)
    fails(host, 1823)


def test_a_truncated_signature_is_refused(signed):
    host = signed()
    text = signature_of(host).read_text()
    signature_of(host).write_text(text[:-10])
    fails(host, 1821)


def test_an_edited_serial_is_refused(signed):
    host = signed()
    text = signature_of(host).read_text()
    signature_of(host).write_text(text.replace("serial: 5", "serial: 6"))
    fails(host, 1822)


def test_a_signature_that_everybody_may_write_is_refused(signed):
    host = signed()
    signature_of(host).chmod(0o666)
    fails(host, 1821)


def test_without_keys_a_signature_is_not_looked_at(signed):
    host = signed(public_keys=[], require_signature=False)
    touch(host)
    serves(host.start())


def test_one_of_several_keys_is_enough(signed, key, tmp_path):
    host = signed(public_keys=[Key(tmp_path / "first").line, key.line])
    serves(host.start())


# ---- serials


def test_an_older_list_is_refused_after_a_restart(signed, key, tmp_path):
    host = signed()
    old = signature_of(host).read_bytes()
    (tmp_path / "serial").write_text(f"serial: 6\nsha256: {'0' * 64}\n")
    fails(host, 1824)
    assert signature_of(host).read_bytes() == old


def test_a_serial_that_cannot_be_remembered_is_refused(signed, tmp_path):
    fails(signed(serial_file=str(tmp_path / "nowhere" / "serial")), 1825)


def test_a_memory_that_says_nothing_is_refused(signed, tmp_path):
    (tmp_path / "serial").write_text("nothing\n")
    fails(signed(), 1825)


def test_who_remembers_nothing_accepts_older_lists(signed, key):
    host = signed(serial_file="none", watch=False).start()
    key.sign(host, "--serial", "1")
    host.plugctl("reload")
    assert host.wait_log("whitelist.signed", count=2)["serial"] == 1


def test_a_reload_takes_a_newer_list_and_refuses_all_others(signed, key):
    host = signed(watch=False).start()

    def refused(code):
        host.plugctl("reload", status=1)
        assert host.log("whitelist.problem")[-1]["code"] == code
        serves(host)
    touch(host)
    refused(1822)  # a new text beside the old signature
    key.sign(host)
    host.plugctl("reload")
    assert host.wait_log("whitelist.signed", count=2)["serial"] == 6
    key.sign(host, "--serial", "5")
    refused(1824)
    touch(host)
    key.sign(host, "--serial", "6")
    refused(1824)
    signature_of(host).unlink()
    refused(1820)


def test_a_new_text_waits_for_its_signature(signed, key):
    """Both files are watched: whichever comes last brings the list into force."""
    host = signed().start()
    touch(host)
    assert host.wait_log("whitelist.refused")["code"] == 1822
    key.sign(host)
    assert host.wait_log("whitelist.signed", count=2)["serial"] == 6
    host.wait_log("whitelist.reloaded")
    serves(host)


def test_the_settings_are_checked(hosts):
    for whitelist, words in (({"require_signature": True}, "whitelist.public_keys"),
                             ({"public_keys": ["ed25519:1"]}, "keygen")):
        host = hosts(plugins=[plugin("good")], whitelist=whitelist)
        host.write_config()
        told = plugctl("config", "check", host.config, status=1)
        assert words in told, told


# ---- the commands


def test_keygen_never_overwrites(key, tmp_path):
    assert key.file.stat().st_mode & 0o777 == 0o600
    before = key.file.read_bytes()
    assert "1826" in plugctl("whitelist", "keygen", "--out", key.file, status=1)
    assert key.file.read_bytes() == before
    plugctl("whitelist", "keygen", status=2)


def test_keygen_tells_a_program(tmp_path):
    told = json.loads(plugctl("-o", "json", "whitelist", "keygen", "--out", tmp_path / "k"))
    assert told["public_key"].startswith("ed25519:") and len(told["id"]) == 16


def test_the_keys_are_those_that_openssl_reads(key):
    shown = subprocess.run(["openssl", "pkey", "-in", key.file, "-noout", "-text"],
                           capture_output=True, check=True, text=True).stdout
    assert "ED25519" in shown
    assert key.line.split(":")[1] in shown.replace(":", "").replace("\n", "").replace(" ", "")


def encrypted(file):
    return subprocess.run(["openssl", "pkcs8", "-topk8", "-in", file, "-passout", "pass:secret"],
                          check=True, capture_output=True).stdout


@pytest.mark.parametrize("spoil,words", [
    (lambda file: file.chmod(0o644), "chmod 600"),
    (lambda file: file.write_text("garbage"), "no Ed25519 private key"),
    (lambda file: file.write_bytes(file.with_name("signer.pub").read_bytes()), "private key"),
    (lambda file: subprocess.run(["openssl", "genrsa", "-out", file, "1024"], check=True,
                                 capture_output=True), "no Ed25519 private key"),
    (lambda file: file.write_bytes(encrypted(file)), "passphrase"),
    (lambda file: file.unlink(), "No such file"),
], ids=["mode", "garbage", "public", "RSA", "encrypted", "missing"])
def test_a_key_that_cannot_be_used_signs_nothing(hosts, key, spoil, words):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist()
    spoil(key.file)
    told = key.sign(host, status=1)
    assert "1826" in told and words in told
    assert not signature_of(host).exists()


def test_sign_counts_on_and_signs_no_broken_list(hosts, key):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist()
    assert key.sign(host).endswith("serial 1\n")
    assert key.sign(host).endswith("serial 2\n")
    assert key.sign(host, "--serial", "9").endswith("serial 9\n")
    key.sign(host, "--serial", "0", status=2)
    before = signature_of(host).read_bytes()
    host.whitelist.write_text("version: 1\n")
    key.sign(host, status=1)
    assert signature_of(host).read_bytes() == before
    host.write_whitelist()
    signature_of(host).write_text("garbage")
    assert "--serial" in key.sign(host, status=1)


def test_sign_finds_key_and_list_in_the_environment(hosts, key):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist()
    plugctl("whitelist", "sign", status=2)
    plugctl("whitelist", "sign", PLUGD_WHITELIST_KEY=str(key.file),
            PLUGD_WHITELIST_FILE=str(host.whitelist))
    assert signature_of(host).exists()


def test_verify_checks_the_signature_when_it_is_given_a_key(hosts, key, tmp_path):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist()
    verify = ["whitelist", "verify", "-f", host.whitelist, "--key"]
    assert "1820" in plugctl(*verify, key.line, status=1)
    key.sign(host)
    plugctl(*verify, key.line)
    plugctl(*verify, f"{key.file}.pub")
    assert "1823" in plugctl(*verify, Key(tmp_path / "other").line, status=1)
    touch(host)
    assert "1822" in plugctl(*verify, key.line, status=1)


def test_an_edit_tells_that_the_signature_fits_no_more(hosts, key):
    host = hosts(plugins=[plugin("good")])
    host.write_whitelist([whitelist_entry(PLUGINS / "good")])
    key.sign(host)
    done = subprocess.run([PLUGCTL, "whitelist", "add", "-f", host.whitelist, PLUGINS / "slow"],
                          capture_output=True, check=True, text=True)
    assert "sign the list again" in done.stderr
