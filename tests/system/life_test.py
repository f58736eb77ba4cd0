"""Processes: how they start, what they get, how they end, and what the host does then."""
import fcntl
import os
import signal

import pytest

import plug
from client import Client
from plugd import is_alive, plugin, process_field, route, wait_until

ECHO = "good.v1.Good/Echo"
SLEEP = "/usr/bin/sleep"


def sleeper(**settings):
    """A program that knows nothing of plugd: it shows what a child gets, untouched by an SDK."""
    return plugin("sleeper", "1000", executable=SLEEP, **settings)


def read_proc(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


@pytest.fixture(name="sleeping")
def sleeping_fixture(start):
    """sleeping(**settings): the pid of such a child."""
    def begin(**settings):
        host = start([], plugins=[sleeper(**settings)])
        return host.wait_log("instance.started", plugin="sleeper")["pid"]
    return begin


# ---- what a child gets


def test_the_environment_is_the_configured_one_and_nothing_else(sleeping):
    pid = sleeping()
    wait_until(lambda: read_proc(pid, "cmdline"), "its program")
    assert read_proc(pid, "environ") == b""


def test_the_configured_environment_and_arguments_arrive(sleeping):
    pid = sleeping(env={"TZ": "UTC", "EMPTY": "", "WITH": "a=b c"})
    variables = {b"TZ=UTC", b"EMPTY=", b"WITH=a=b c", b""}
    wait_until(lambda: set(read_proc(pid, "environ").split(b"\0")) == variables, "its environment")
    assert read_proc(pid, "cmdline").split(b"\0")[1:] == [b"1000", b""]


def test_descriptors_are_three_and_no_more(sleeping):
    pid = sleeping()
    # The parent of a vfork goes on a moment before the kernel closes what is close-on-exec.
    wait_until(lambda: sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"],
               "three descriptors")
    kinds = [os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0] for fd in range(3)]
    assert kinds == ["pipe"] * 3


def test_a_script_has_one_more_for_its_bytes_which_nobody_can_change(start):
    host = start(plugins=[plugin("good")])
    pid = host.pid("good")
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2", "3"]
    with open(f"/proc/{pid}/fd/3", "r+b", buffering=0) as script, pytest.raises(PermissionError):
        script.write(b"#!/bin/sh\n")


def test_a_group_of_its_own_without_a_terminal(sleeping):
    pid = sleeping()
    assert os.getpgid(pid) == pid
    assert read_proc(pid, "stat").rsplit(b")", 1)[1].split()[4] == b"0"  # tty_nr


def test_signals_are_as_at_birth(sleeping):
    pid = sleeping()
    for mask in ("SigBlk", "SigIgn", "SigPnd"):
        assert int(process_field(pid, mask), 16) == 0
    assert process_field(pid, "Umask") == "0077"


def test_the_working_directory_is_configured(start, tmp_path):
    host = start([], plugins=[sleeper(work_dir=str(tmp_path)),
                              plugin("never_greets", name="other")])
    pid = host.wait_log("instance.started", plugin="sleeper")["pid"]
    assert os.readlink(f"/proc/{pid}/cwd") == str(tmp_path)
    pid = host.wait_log("instance.started", plugin="other")["pid"]
    assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_working_directory_that_is_not_there_is_told(start):
    host = start([], plugins=[sleeper(work_dir="/nowhere")])
    died = host.wait_log("instance.died", plugin="sleeper")
    assert died["code"] == 1200 and "/nowhere" in died["msg"]


def test_pipes_are_as_large_as_configured(sleeping):
    pid = sleeping(pipe_size="128KiB")
    fd = os.open(f"/proc/{pid}/fd/1", os.O_WRONLY | os.O_NONBLOCK)
    assert fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) == 128 << 10
    os.close(fd)


def test_a_socketpair_carries_the_same_conversation(start):
    host = start(plugins=[plugin("good", transport="socketpair")],
                 routes=[route("/x/*rest", "good")])
    assert os.readlink(f"/proc/{host.pid('good')}/fd/0").startswith("socket:")
    assert host.rpc(ECHO, b"x" * 300000).body == b"x" * 300000
    assert len(host.http("GET", "/x/download/3000000").body) == 3000000


def test_its_own_configuration_arrives_in_hello(hosts, stage):
    host = hosts(plugins=[stage.plugin(config={"greeting": "hi", "list": [1, True, None]})])
    host.write_config()
    host.write_whitelist()
    host.launch()
    puppet = stage.puppet()
    assert puppet.hello.config == b"\x82\xa8greeting\xa2hi\xa4list\x93\x01\xc3\xc0"
    assert (puppet.hello.plugin_name, puppet.hello.generation) == ("puppet", 1)
    assert puppet.hello.instance_id == "puppet/1/1"
    host.wait_ready("puppet")


def test_a_disabled_plugin_is_not_started(start):
    host = start(plugins=[plugin("good"), sleeper(enabled=False)], routes=[route("/s", "sleeper")])
    assert not host.log("instance.started", plugin="sleeper")
    assert host.plugin("sleeper")["state"] == "disabled"
    assert host.http("GET", "/s").status == 503
    assert host.http("GET", "/health/ready").json()["status"] == "ready"


# ---- pools


def test_calls_go_to_the_least_busy_instance(hosts, stage):
    host = hosts(plugins=[stage.plugin(instances=3)])
    host.start([])
    puppets = [stage.puppet() for _ in range(3)]
    host.wait_ready("puppet", 3)
    clients = [host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"1") for _ in range(3)]
    requests = [(puppet, puppet.expect("request")) for puppet in puppets]  # one each
    for puppet, request in requests[1:]:
        puppet.reply(request)
    wait_until(lambda: host.admin("status")["calls_open"] == 1, "two answers")
    clients += [host.connect().ask("POST", "/rpc/sin.v1.Sin/Do", b"2") for _ in range(2)]
    for puppet in puppets[1:]:
        request = puppet.expect("request")
        assert request.payload == b"2"
        puppet.reply(request)
    requests[0][0].reply(requests[0][1])
    assert all(client.read().status == 200 for client in clients)


def test_a_death_is_one_instance_s_and_the_others_go_on(start):
    host = start(plugins=[plugin("good", instances=3)])
    pids = {row["pid"] for row in host.instances("good")}
    assert len(pids) == 3
    dead = host.kill_instance("good", 1)
    host.wait_log("instance.died", plugin="good")
    assert host.rpc(ECHO, b"x").body == b"x"
    host.wait_ready("good", 4)
    after = {row["pid"] for row in host.instances("good")}
    assert len(after) == 3 and after & pids == pids - {dead}
    assert host.plugin("good")["restarts"] == 1


def test_nothing_is_routed_to_a_dead_instance(start):
    host = start(plugins=[plugin("good", instances=2)])
    for _ in range(5):
        seen = len(host.log("instance.died"))
        host.kill_instance("good")
        host.wait_log("instance.died", seen + 1)
        assert all(host.rpc(ECHO, b"x").status == 200 for _ in range(10))
        host.wait_state("good", "serving")


def test_a_dead_process_is_not_shown_as_ready(start):
    host = start(plugins=[plugin("hangs")])
    pid = host.kill_instance("hangs")
    host.wait_log("instance.died", plugin="hangs")
    assert pid not in [row.get("pid") for row in host.instances("hangs")]
    host.wait_ready("hangs", 2)


def test_instances_must_tell_the_same(hosts, stage):
    host = hosts(plugins=[stage.plugin(instances=2)])
    host.write_config()
    host.write_whitelist()
    host.launch()
    stage.puppet()
    other = stage.newcomer()
    other.greet(manifest=plug.manifest("another.v1.Service"))
    died = host.wait_log("instance.died", plugin="puppet")
    assert died["code"] == 2004, died


# ---- stop


def held_request(hosts, stage, **settings):
    """A host with one request in flight that a puppet holds: (host, puppet, client, frame)."""
    host = hosts(plugins=[stage.plugin(), plugin("good")], routes=[route("/p/*rest", "puppet")],
                 **settings)
    host.start([])
    puppet = stage.puppet()
    host.wait_ready("puppet")
    host.wait_ready("good")
    client = host.connect().ask("GET", "/p/held")
    frame, _head = puppet.request()
    return host, puppet, client, frame


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_is_in_flight(hosts, stage, number):
    host, puppet, client, frame = held_request(hosts, stage)
    idle = host.connect()
    assert idle.ask("GET", "/health/live").read().status == 200
    host.process.send_signal(number)
    host.wait_log("host.stopping")
    with pytest.raises(ConnectionRefusedError):
        host.connect()
    assert idle.is_closed()
    puppet.answer(frame, b"finished")
    response = client.read()
    assert (response.body, response.header("connection")) == (b"finished", "close")
    assert client.is_closed()
    puppet.expect("drain")
    puppet.send(bye={})
    puppet.end()
    assert host.wait_exit() == 0
    host.stop()
    assert "killed" not in str(host.log("instance.ended"))


def test_a_stop_waits_for_a_streamed_answer(hosts, stage):
    host, puppet, client, frame = held_request(hosts, stage)
    puppet.answer(frame, b"one", end=False)
    response = client.read_head()
    host.process.send_signal(signal.SIGTERM)
    host.wait_log("host.stopping")
    puppet.answer_more(frame, b"two", end=True)
    assert client.read_body(response).body == b"onetwo"
    puppet.expect("drain")
    puppet.send(bye={})
    puppet.end()
    assert host.wait_exit() == 0
    host.stop()


def test_a_stop_does_not_wait_for_ever(hosts, stage):
    host, _puppet, client, _frame = held_request(hosts, stage, drain_timeout="100ms")
    host.process.send_signal(signal.SIGTERM)
    host.wait_log("host.drain_timeout")
    with pytest.raises((AssertionError, ConnectionResetError)):
        client.read()
    assert host.wait_exit() == 0
    host.stop()


def test_a_second_signal_ends_the_wait(hosts, stage):
    host, _puppet, _client, _frame = held_request(hosts, stage)
    host.process.send_signal(signal.SIGTERM)
    host.wait_log("host.stopping")
    host.process.send_signal(signal.SIGTERM)
    assert host.wait_exit() == 0
    host.stop()


def test_a_plugin_gets_its_own_time_to_drain(hosts, stage):
    host, puppet, client, frame = held_request(hosts, stage)
    puppet.answer(frame)
    assert client.read().status == 200
    client.close()
    host.process.send_signal(signal.SIGTERM)
    assert puppet.expect("drain").grace_ms == 30000
    puppet.send(log={"level": 1, "message": "still busy"})
    host.wait_log("plugin.log", msg="still busy")
    puppet.send(bye={})
    puppet.end()
    assert host.wait_exit() == 0
    host.stop()


def test_a_stop_during_a_handshake(start):
    host = start(["good"], plugins=[plugin("good"), plugin("never_greets", instances=3)])
    assert host.rpc(ECHO, b"x").body == b"x"
    host.stop()


def test_a_host_that_cannot_listen_starts_no_plugin(start, hosts):
    first = start(plugins=[])
    second = hosts(listen=first.address, plugins=[plugin("good")])
    second.write_config()
    second.write_whitelist()
    assert second.launch().wait_exit() == 1
    assert "Address already in use" in second.log("host.failed")[0]["msg"]
    assert not second.log("instance.started")


def test_sigkill_of_the_host_leaves_no_plugin(start):
    host = start(["good", "ignores_term"],
                 plugins=[plugin("good"), plugin("ignores_term"), plugin("never_greets"),
                          sleeper()])
    pids = [row["pid"] for row in host.admin("instances")]
    assert len(pids) == 4
    host.kill()
    for pid in pids:
        wait_until(lambda pid=pid: not is_alive(pid), f"the end of {pid}")


def test_another_host_may_take_over_the_address(start, hosts):
    host = start(plugins=[plugin("good")])
    with host.connect() as client:
        client.ask("GET", "/health/live").read()
        host.stop()
    again = hosts(listen=host.address, plugins=[plugin("good")]).start()
    assert again.address == host.address
    assert again.rpc(ECHO, b"x").body == b"x"


def test_an_address_that_is_taken_is_told(start, hosts):
    host = start()
    other = hosts(listen=host.address, plugins=[plugin("good")])
    other.write_config()
    other.write_whitelist()
    other.launch()
    failed = other.wait_log("host.failed")
    assert failed["code"] == 1300 and host.address in failed["msg"]
    assert other.wait_exit() == 1
    assert not other.noise and not other.orphans()


def test_several_addresses(start):
    host = start(listen=["127.0.0.1:0", "[::1]:0"])
    for record in host.log("listener.ready"):
        client = Client(record["addr"])
        assert client.ask("GET", "/health/live").read().status == 200
        client.close()
    assert len(host.log("listener.ready")) == 2


def test_no_descriptor_is_lost_over_restarts(start):
    host = start(plugins=[plugin("dies", "0"), plugin("good")])
    before = host.descriptors_at_rest()
    for count in range(2, 6):
        assert host.rpc("sin.v1.Sin/Do", b"sin").status == 502
        host.wait_ready("dies", count)
    wait_until(lambda: host.descriptors() == before, "as many descriptors as before")
