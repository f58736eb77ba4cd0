"""plugins-examples/kv behind plugd, as its README says."""
import os
import sqlite3
import struct
import threading

import pytest

from kv_pb2 import (DeleteRequest, DeleteResponse, Entry, GetRequest, GetResponse, ListRequest,
                    PutRequest, PutResponse, StatsRequest, StatsResponse)
from plugd import SANITIZERS, plugin, process_field, route
from plughost import PluginHost, Refused

KV = os.path.join(os.environ["EXAMPLE_DIR"], "kv/kv")
KEY_MAX = 255
VALUE_MAX = 32 << 10
ROOM = 16 << 20  # for windows, SQLite's cache, and the sanitizers


@pytest.fixture(name="start_kv")
def start_kv_fixture(start, tmp_path):
    """A host whose kv keeps its file in the directory of the test."""
    def start_kv(config=None, **settings):
        return start(
            plugins=[plugin("kv", executable=KV, work_dir=str(tmp_path), env=SANITIZERS, **settings,
                            **({"config": config} if config is not None else {}))],
            routes=[route("/kv/:key", "kv", methods=["GET", "PUT", "DELETE"])],
            ready=None if config is None else [])
    return start_kv


@pytest.fixture(name="host")
def host_fixture(start_kv):
    return start_kv()


# ---- what a client says, and what it gets


def http_get(host, key):
    response = host.http("GET", f"/kv/{key}")
    return response.body if response.status == 200 else response.error()


def call(host, method, request, answer=None):
    """The decoded answer; or status and code of what went wrong."""
    response = host.rpc("kv.v1.Kv/" + method, request.SerializeToString())
    return answer.FromString(response.body) if response.status == 200 else response.error()


def put(host, key, value):
    return call(host, "Put", PutRequest(key=key, value=value), PutResponse)


def get(host, key):
    found = call(host, "Get", GetRequest(key=key), GetResponse)
    return found.value if isinstance(found, GetResponse) else found


def entries(stream):
    """The messages of a stream's body as (key, value)."""
    found = []
    at = 0
    while at < len(stream):
        (length,) = struct.unpack_from(">I", stream, at)
        entry = Entry.FromString(stream[at + 4:at + 4 + length])
        found.append((entry.key, entry.value))
        at += 4 + length
    return found


def listed(host, prefix=b""):
    response = host.rpc("kv.v1.Kv/List", ListRequest(prefix=prefix).SerializeToString())
    assert response.status == 200, response
    return entries(response.body)


NOT_FOUND = (404, "NOT_FOUND")
INVALID = (400, "INVALID_ARGUMENT")


# ---- over HTTP


def test_puts_gets_and_deletes(host):
    assert http_get(host, "sky") == NOT_FOUND
    assert host.http("PUT", "/kv/sky", b"blue\0").status == 201
    assert http_get(host, "sky") == b"blue\0"
    assert host.http("PUT", "/kv/sky", b"").status == 204
    assert http_get(host, "sky") == b""
    assert host.http("DELETE", "/kv/sky").status == 204
    assert http_get(host, "sky") == NOT_FOUND
    assert host.http("DELETE", "/kv/sky").error() == NOT_FOUND
    assert host.http("PUT", "/kv/sky", b"again").status == 201


def test_a_value_is_bytes(host):
    host.http("PUT", "/kv/k", b"abc")
    response = host.http("GET", "/kv/k")
    assert response.header("content-type") == "application/octet-stream"
    response = host.http("HEAD", "/kv/k")
    assert (response.status, response.header("content-length")) == (200, "3")
    assert host.http("HEAD", "/kv/other").status == 404


@pytest.mark.parametrize("path,key", [
    ("a%20b", b"a b"), ("a%2Fb", b"a/b"), ("a%252Fb", b"a%2Fb"), ("a+b", b"a+b"),
    ("%C3%A4", "ä".encode())])
def test_a_key_is_what_the_path_means(host, path, key):
    host.http("PUT", "/kv/" + path, b"value")
    assert get(host, key) == b"value"


def test_http_limits(host):
    longest = "k" * KEY_MAX
    assert host.http("PUT", "/kv/" + longest, b"v" * VALUE_MAX).status == 201
    assert http_get(host, longest) == b"v" * VALUE_MAX
    assert http_get(host, longest + "k") == INVALID
    assert host.http("PUT", f"/kv/{longest}k", b"v").error() == INVALID
    assert host.http("DELETE", f"/kv/{longest}k").error() == INVALID
    assert host.http("PUT", "/kv/k", b"v" * (VALUE_MAX + 1)).status == 413
    assert http_get(host, "k") == NOT_FOUND


# ---- over RPC


def test_rpc_and_http_share_the_values(host):
    assert put(host, b"one", b"1").created
    assert http_get(host, "one") == b"1"
    host.http("PUT", "/kv/two", b"2")
    assert get(host, b"two") == b"2"
    assert not put(host, b"two", b"").created
    assert get(host, b"two") == b""
    assert call(host, "Delete", DeleteRequest(key=b"two"), DeleteResponse) == DeleteResponse()
    assert http_get(host, "two") == NOT_FOUND
    assert get(host, b"two") == NOT_FOUND
    assert call(host, "Delete", DeleteRequest(key=b"two")) == NOT_FOUND


def test_rpc_limits(host):
    any_key = bytes(range(KEY_MAX))
    assert put(host, any_key, b"v" * VALUE_MAX).created
    assert get(host, any_key) == b"v" * VALUE_MAX
    for request in (PutRequest(key=b"k", value=b"v" * (VALUE_MAX + 1)),
                    PutRequest(key=b"k" * (KEY_MAX + 1)), PutRequest(value=b"without a key")):
        assert call(host, "Put", request) == INVALID
    assert get(host, b"") == INVALID
    assert get(host, b"k" * (KEY_MAX + 1)) == INVALID
    assert call(host, "Delete", DeleteRequest()) == INVALID
    assert len(listed(host)) == 1


def test_says_what_is_wrong_with_a_request(host):
    request = PutRequest(key=b"k", value=b"v" * (VALUE_MAX + 1)).SerializeToString()
    told = host.rpc("kv.v1.Kv/Put", request).json()["message"]
    assert told == "the request is no kv.v1.PutRequest: bytes overflow"
    assert host.rpc("kv.v1.Kv/Get").json()["message"] == "a key has 1 to 255 bytes"


# ---- lists


def test_lists_in_the_order_of_the_keys(host):
    assert listed(host) == []
    keys = [b"b", b"a", b"a\0", b"a\0\0", b"ab", b"\xff", b"\xff\xff", b"a/1", b"\0"]
    for key in keys:
        put(host, key, b"value of " + key)
    assert listed(host) == [(key, b"value of " + key) for key in sorted(keys)]


def test_lists_what_begins_with_a_prefix(host):
    for key in (b"a", b"ab", b"abc", b"b", b"\xff", b"\xff\xff"):
        put(host, key, b"")
    assert [key for key, _ in listed(host, b"ab")] == [b"ab", b"abc"]
    assert [key for key, _ in listed(host, b"\xff")] == [b"\xff", b"\xff\xff"]
    assert listed(host, b"c") == []
    assert listed(host, b"x" * KEY_MAX) == []
    response = host.rpc("kv.v1.Kv/List",
                        ListRequest(prefix=b"x" * (KEY_MAX + 1)).SerializeToString())
    assert response.error() == INVALID


@pytest.fixture(name="large")
def large_fixture(tmp_path):
    """64 MiB in the file before kv starts: far more than sockets and windows hold."""
    count = 2048
    with sqlite3.connect(tmp_path / "kv.sqlite") as database:
        database.execute("CREATE TABLE entries (key BLOB PRIMARY KEY NOT NULL, "
                         "value BLOB NOT NULL, puts INTEGER NOT NULL) STRICT")
        database.executemany("INSERT INTO entries VALUES (?, ?, 1)", (
            (b"%05d" % number, bytes([number & 255]) * VALUE_MAX) for number in range(count)))
    database.close()
    return count


def test_a_list_waits_for_its_reader_and_nobody_waits_for_it(large, start_kv):
    host = start_kv()
    resident = int(process_field(host.pid("kv"), "VmRSS").split()[0]) * 1024
    with host.connect() as client:
        client.ask("POST", "/rpc/kv.v1.Kv/List", b"")
        response = client.read_head()
        for number in range(100):
            put(host, b"other", b"%d" % number)
            assert get(host, b"other") == b"%d" % number
        assert host.plugin("kv")["calls_running"] == 1
        now = int(process_field(host.pid("kv"), "VmRSS").split()[0]) * 1024
        assert now < resident + ROOM
        found = entries(client.read_body(response).body)
    assert found.pop() == (b"other", b"99")
    assert found == [(b"%05d" % n, bytes([n & 255]) * VALUE_MAX) for n in range(large)]


def test_a_client_that_leaves_ends_its_list(large, start_kv):
    host = start_kv()
    client = host.connect()
    client.ask("POST", "/rpc/kv.v1.Kv/List", b"")
    client.read_head()
    client.close()
    assert host.wait_log("http.request", target="/rpc/kv.v1.Kv/List")["outcome"] == "CANCELLED"
    assert get(host, b"00001") == b"\1" * VALUE_MAX


# ---- what lasts


def test_values_survive_a_restart(start_kv):
    host = start_kv()
    put(host, b"k", b"kept")
    host.stop()
    assert get(start_kv(), b"k") == b"kept"


def test_what_was_acknowledged_survives_a_kill(host):
    for number in range(3):
        put(host, b"k", b"%d" % number)
        host.kill_instance("kv")
        host.wait_ready("kv", number + 2)
        assert get(host, b"k") == b"%d" % number


def test_instances_share_a_file(start_kv):
    host = start_kv(instances=3)

    def put_all(name):
        for number in range(50):
            assert put(host, b"%s%d" % (name, number), name).created

    threads = [threading.Thread(target=put_all, args=[name]) for name in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listed(host)) == 200


def test_a_database_that_is_locked_is_unavailable_for_a_while(start_kv, tmp_path):
    host = start_kv({"busy_timeout_ms": 0})
    host.wait_ready("kv")
    other = sqlite3.connect(tmp_path / "kv.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    response = host.http("PUT", "/kv/k", b"v")
    assert response.error() == (503, "UNAVAILABLE")
    assert http_get(host, "k") == NOT_FOUND  # readers don't wait for a writer
    other.execute("COMMIT")
    other.close()
    assert host.http("PUT", "/kv/k", b"v").status == 201


# ---- what it keeps in memory


def stats(host):
    """(hits, misses, puts, deletes)"""
    found = call(host, "Stats", StatsRequest(), StatsResponse)
    return found.hits, found.misses, found.puts, found.deletes


def test_counts_what_it_does(host):
    get(host, b"k")
    put(host, b"k", b"1")
    assert get(host, b"k") == b"1"
    assert http_get(host, "k") == b"1"
    assert stats(host) == (1, 2, 1, 0)
    put(host, b"k", b"2")
    assert get(host, b"k") == b"2"
    host.http("DELETE", "/kv/k")
    assert get(host, b"k") == NOT_FOUND
    assert stats(host) == (1, 4, 2, 1)


def test_the_cache_is_bounded_and_right(host):
    keys = [b"%d" % number for number in range(300)]
    for key in keys:
        put(host, key, key * 100)
    for _ in range(2):
        assert all(get(host, key) == key * 100 for key in keys)
    hits, misses, _puts, _deletes = stats(host)
    assert hits + misses == 600 and hits <= 64


def test_what_another_process_writes_is_seen(start_kv, tmp_path):
    host = start_kv()
    for number in range(3):
        put(host, b"k", b"ours")
        assert get(host, b"k") == get(host, b"k") == b"ours"
        with sqlite3.connect(tmp_path / "kv.sqlite") as other:
            other.execute("UPDATE entries SET value = ?", (b"theirs %d" % number,))
        other.close()
        assert get(host, b"k") == b"theirs %d" % number
        assert http_get(host, "k") == b"theirs %d" % number


# ---- a swap takes it along


@pytest.fixture(name="instance")
def instance_fixture(tmp_path):
    """instance(): one after WELCOME, on the file of the test."""
    path = str(tmp_path / "kv.sqlite").encode()
    hosts = []

    def start():
        hosts.append(PluginHost([KV], env=SANITIZERS))
        hosts[-1].hello(features=("unknown-frames", "state"),
                        config=b"\x81\xa8database\xd9" + bytes([len(path)]) + path)
        return hosts[-1]
    yield start
    for host in hosts:
        host.__exit__()


def ask(instance, method, request, answer):
    return answer.FromString(instance.call("kv.v1.Kv/" + method,
                                           request.SerializeToString()).payload)


def read(instance, key):
    return ask(instance, "Get", GetRequest(key=key), GetResponse).value


def test_counters_and_warm_keys_go_over(instance):
    old, new = instance(), instance()
    old.start()
    for key in (b"a", b"b"):
        ask(old, "Put", PutRequest(key=key, value=b"old"), PutResponse)
        read(old, key)
    state = old.export_state(1)
    ask(old, "Put", PutRequest(key=b"a", value=b"new"), PutResponse)  # the swap takes a while
    new.import_state(1, state)
    new.start()
    assert (read(new, b"a"), read(new, b"b")) == (b"new", b"old")
    found = ask(new, "Stats", StatsRequest(), StatsResponse)
    assert (found.hits, found.misses, found.puts) == (2, 2, 2)
    assert old.drain() == new.drain() == 0


def test_a_key_that_has_gone_meanwhile_is_not_found(instance):
    old, new = instance(), instance()
    old.start()
    ask(old, "Put", PutRequest(key=b"a", value=b"old"), PutResponse)
    read(old, b"a")
    state = old.export_state(1)
    ask(old, "Delete", DeleteRequest(key=b"a"), DeleteResponse)
    new.import_state(1, state)
    new.start()
    assert new.call("kv.v1.Kv/Get", GetRequest(key=b"a").SerializeToString()).code == 5


@pytest.mark.parametrize("keys", [b"\x91\xc0", b"\x91\xc4\x00", b"\x91\xc5\x01\x00" + b"k" * 256,
                                  b"\xdc\x01\x00" + b"\xa1k" * 256])
def test_keys_that_are_none_are_passed_over(instance, keys):
    new = instance()
    new.import_state(1, b"\x82\xa8counters\x80\xa4keys" + keys)
    new.start()
    assert new.drain() == 0


@pytest.mark.parametrize("state", [
    b"", b"\xc1", b"\x80", b"\x81\xa8counters\x80", b"\x82\xa8counters\x80\xa4keys\x01"])
def test_refuses_a_state_that_is_none(instance, state):
    with pytest.raises(Refused, match="no counters, or no keys"):
        instance().import_state(1, state)


# ---- its configuration


def test_the_file_is_where_the_configuration_says(start_kv, tmp_path):
    host = start_kv({"database": "elsewhere.db"})
    host.wait_ready("kv")
    put(host, b"k", b"v")
    assert (tmp_path / "elsewhere.db").exists() and not (tmp_path / "kv.sqlite").exists()


@pytest.mark.parametrize("config,why", [
    ({"datbase": "x"}, '"datbase" is no key'),
    ({"database": 7}, "database is a text"),
    ({"database": ""}, "database is a text"),
    ({"busy_timeout_ms": -1}, "busy_timeout_ms is from 0"),
    ({"busy_timeout_ms": "1s"}, "busy_timeout_ms is from 0"),
    ({"database": "nowhere/kv.sqlite"}, "unable to open database file"),
])
def test_refuses_a_configuration_with_a_reason(start_kv, config, why):
    host = start_kv(config)
    assert why in host.wait_log("instance.failed", plugin="kv")["msg"]


def test_refuses_a_file_that_is_no_database(start_kv, tmp_path):
    (tmp_path / "kv.sqlite").write_bytes(b"not a database" * 100)
    host = start_kv({})
    assert "not a database" in host.wait_log("instance.failed", plugin="kv")["msg"]
