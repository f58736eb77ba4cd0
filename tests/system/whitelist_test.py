"""The whitelist in the operator's hands: plugctl whitelist list, remove, diff and add."""
import json
import shutil

import pytest

from plugd import PLUGINS, plugctl, whitelist_entry


@pytest.fixture(name="list_file")
def list_file_fixture(tmp_path):
    """A list of two programs, with comments around them."""
    for name in ("one", "two"):
        shutil.copy("/usr/bin/true", tmp_path / name)
    file = tmp_path / "w.yaml"
    rows = "".join(
        f"  # about {name}\n  - name: {name}\n    path: {tmp_path / name}\n"
        f"    hash: {whitelist_entry(tmp_path / name)['hash']} # of {name}\n"
        for name in ("one", "two"))
    file.write_text(f"# ours\nversion: 1\nplugins:\n{rows}# the end\n")
    return file


def test_the_list_is_shown(list_file):
    shown = plugctl("whitelist", "list", "-f", list_file)
    assert "two" in shown and str(list_file.with_name("one")) in shown
    rows = json.loads(plugctl("-o", "json", "whitelist", "list", "-f", list_file))
    assert [row["name"] for row in rows] == ["one", "two"]
    assert rows[0]["hash"] == whitelist_entry(list_file.with_name("one"))["hash"]
    assert rows[0]["enabled"] is True and rows[0]["metadata"] == {}
    list_file.write_text("version: 2\n")
    assert "w.yaml" in plugctl("whitelist", "list", "-f", list_file, status=1)


def test_an_entry_is_removed_by_path_or_name(list_file):
    plugctl("whitelist", "remove", "-f", list_file, "one")
    text = list_file.read_text()
    assert "# ours" in text and "# the end" in text and "# about two" in text
    assert "name: one" not in text
    plugctl("whitelist", "remove", "-f", list_file, list_file.with_name("two"))
    assert json.loads(plugctl("-o", "json", "whitelist", "list", "-f", list_file)) == []
    before = list_file.read_text()
    assert "1801" in plugctl("whitelist", "remove", "-f", list_file, "two", status=1)
    assert list_file.read_text() == before
    plugctl("whitelist", "remove", "-f", list_file, status=2)


def test_the_difference_to_the_disk(list_file):
    assert "No difference" in plugctl("whitelist", "diff", "-f", list_file)
    with open(list_file.with_name("one"), "ab") as file:
        file.write(b"\n")
    list_file.with_name("two").unlink()
    told = json.loads(plugctl("-o", "json", "whitelist", "diff", "-f", list_file, status=1))
    assert [(row["change"], row["path"]) for row in told] == [
        ("changed", str(list_file.with_name("one"))), ("missing", str(list_file.with_name("two")))]


def test_the_difference_to_another_list(list_file, tmp_path):
    other = tmp_path / "other.yaml"
    two = whitelist_entry(tmp_path / "two", name="two", enabled=False)
    new = whitelist_entry(PLUGINS / "slow")
    other.write_text(json.dumps({"version": 1, "plugins": [two, new]}))
    told = json.loads(plugctl("-o", "json", "whitelist", "diff", "-f", list_file, other, status=1))
    assert [(row["change"], row["path"]) for row in told] == [
        ("removed", str(tmp_path / "one")), ("changed", str(tmp_path / "two")),
        ("added", new["path"])]
    assert told[1]["why"] == "disabled"
    plugctl("whitelist", "diff", "-f", list_file, list_file)
    plugctl("whitelist", "diff", "-f", list_file, tmp_path / "nothing", status=1)


def test_metadata_is_written_beside_the_pin(list_file, tmp_path):
    plugctl("whitelist", "add", "-f", list_file, "-m", "owner=team a", "--metadata", "ticket=7",
            PLUGINS / "slow")
    row = json.loads(plugctl("-o", "json", "whitelist", "list", "-f", list_file))[2]
    assert row["metadata"] == {"owner": "team a", "ticket": "7"}
    assert "# the end" in list_file.read_text()
    plugctl("whitelist", "add", "-f", list_file, "-m", "owner=b", PLUGINS / "slow", status=1)
    plugctl("whitelist", "add", "-f", list_file, "-m", "owner", PLUGINS / "slow", status=2)


@pytest.mark.parametrize("command", ["add", "remove", "verify", "diff", "list", "sign", "keygen"])
def test_every_command_has_a_help(command):
    told = plugctl("whitelist", command, "--help")
    assert told.startswith(f"usage: plugctl whitelist {command}")
    assert f"whitelist {command}" in plugctl("help")
