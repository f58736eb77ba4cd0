"""Each sin of tests/plugins, beside a healthy neighbour that must not notice."""
import os
import signal

import pytest

from plugd import is_alive, plugin, route, wait_until

DO = "sin.v1.Sin/Do"
SIN_ROUTES = [route("/sin/*rest", "sinner")]


@pytest.fixture
def host_with(start):
    """host_with(name, args…, settings…): a host with that sinner and a neighbour, who must be well
    at the end: never restarted, and serving.
    """
    hosts = []

    def begin(name, *args, ready=("good", "sinner"), **settings):
        row = plugin(name, *args, **settings)
        row["name"] = "sinner"
        host = start(ready, plugins=[plugin("good"), row], routes=SIN_ROUTES)
        hosts.append((host, host.pid("good")))
        return host

    yield begin
    for host, pid in hosts:
        if host.process.returncode is not None:
            continue
        assert_neighbour_is_well(host)
        assert host.pid("good") == pid


def assert_neighbour_is_well(host):
    assert host.rpc("good.v1.Good/Echo", b"still here").body == b"still here"
    assert host.plugin("good")["restarts"] == 0
    assert host.plugin("good")["state"] == "serving"


def assert_recovers(host):
    """The sinner is started again and serves until it sins once more."""
    host.wait_ready("sinner", 2)
    assert host.rpc(DO, b"fine").body == b"fine"
    assert host.http("GET", "/sin/fine").body == b"no sin"
    assert host.plugin("sinner")["restarts"] == 1


# ---- rules broken in a call: the call fails, the instance is replaced

FRAME, STATE, CALL, WINDOW, MANIFEST, VERSION = 2000, 2001, 2002, 2003, 2004, 2005

BROKEN = [
    (["huge_frame"], FRAME, "2147483647"),
    (["huge_frame", "1048577"], FRAME, "1048577"),
    (["huge_frame", "0"], FRAME, ""),
    (["garbage"], FRAME, ""),
    (["prints"], FRAME, "I wonder"),
    (["wrong_id", "4711"], CALL, "4711"),
    (["wrong_id", "4"], CALL, "4"),
    (["wrong_id", "0"], CALL, "0"),
    (["speaks_out_of_turn", "bye"], STATE, "bye"),
    (["speaks_out_of_turn", "hello"], STATE, "hello"),
    (["speaks_out_of_turn", "publish"], STATE, "publish"),
    (["speaks_out_of_turn", "ready"], STATE, "ready"),
    (["speaks_out_of_turn", "start"], STATE, "start"),
    (["speaks_out_of_turn", "state_end"], STATE, "state_end"),
    (["speaks_out_of_turn", "welcome"], STATE, "welcome"),
    (["speaks_out_of_turn", "cancel_before_response"], CALL, ""),
    (["speaks_out_of_turn", "data_before_response"], CALL, ""),
    (["speaks_out_of_turn", "end_and_more"], CALL, ""),
    (["speaks_out_of_turn", "error_without_end"], CALL, ""),
    (["speaks_out_of_turn", "odd_id"], CALL, ""),
    (["speaks_out_of_turn", "requirement_unknown"], CALL, "4711"),
    (["speaks_out_of_turn", "credit_too_much"], WINDOW, ""),
    (["speaks_out_of_turn", "credit_zero"], WINDOW, ""),
]


@pytest.mark.parametrize("argv,code,words", BROKEN, ids=["-".join(row[0]) for row in BROKEN])
def test_a_broken_rule_costs_the_call_and_the_instance(host_with, argv, code, words):
    host = host_with(*argv)
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")
    failed = host.wait_log("instance.failed", plugin="sinner")
    assert (failed["code"], words in failed["msg"]) == (code, True), failed
    assert_recovers(host)


def test_a_second_reply_costs_the_instance_after_the_first_was_delivered(host_with):
    host = host_with("replies_twice")
    assert host.rpc(DO, b"sin").body == b"once"
    assert host.wait_log("instance.failed", plugin="sinner")["code"] == CALL
    assert_recovers(host)


def test_an_answer_without_credit_costs_the_instance(host_with):
    host = host_with("exceeds_window")
    with host.connect() as client:
        client.ask("GET", "/sin/sin")  # and nothing of the answer is read
        assert host.wait_log("instance.failed", plugin="sinner")["code"] == WINDOW
        assert client.read_head().status == 200
        with pytest.raises(AssertionError, match="ended in the middle"):
            list(client.read_chunks())
    assert_recovers(host)


# ---- ends of processes

ENDS = [
    (["half_frame"], "bytes of a frame"),
    (["dies", "0"], "exited with status 0"),
    (["dies", "3"], "exited with status 3"),
    (["dies", "SIGSEGV"], "SIGSEGV"),
    (["dies", "SIGKILL"], "SIGKILL"),
]


@pytest.mark.parametrize("argv,words", ENDS, ids=["-".join(row[0]) for row in ENDS])
def test_a_death_costs_the_call_and_is_told_in_words(host_with, argv, words):
    host = host_with(*argv)
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")
    assert words in host.wait_log("instance.died", plugin="sinner")["msg"]
    assert_recovers(host)
    assert words in host.plugin("sinner")["last_failure"]["message"]


@pytest.mark.parametrize("method,path", [("POST", "/rpc/" + DO), ("GET", "/sin/sin")])
def test_a_death_in_the_middle_of_an_answer_cuts_it_visibly(host_with, method, path):
    host = host_with("dies_mid_answer", "SIGKILL")
    with host.connect() as client:
        client.ask(method, path, b"sin" if method == "POST" else None)
        response = client.read_head()
        if response.status == 200:
            with pytest.raises(AssertionError, match="ended in the middle"):
                client.read_body(response)
        else:
            assert client.read_body(response).error() == (502, "PLUGIN_GONE")
    assert_recovers(host)


def test_a_closed_stdout_is_an_end(host_with):
    host = host_with("closes_stdout")
    assert host.rpc(DO, b"sin").error() == (502, "PLUGIN_GONE")
    assert_recovers(host)


def test_all_calls_of_a_dead_instance_fail_at_once(host_with):
    host = host_with("hangs")
    clients = [host.connect().ask("POST", "/rpc/" + DO, b"sin") for _ in range(20)]
    wait_until(lambda: host.instances("sinner")[0]["calls_live"] == 20, "20 calls in flight")
    host.kill_instance("sinner")
    assert {client.read().error() for client in clients} == {(502, "PLUGIN_GONE")}
    for client in clients:
        client.close()
    assert_recovers(host)


def test_half_a_frame_is_no_reason_to_wait_for_ever(host_with):
    host = host_with("half_frame", "stays", timeout="300ms", drain_timeout="100ms")
    assert host.rpc(DO, b"sin").error() == (504, "DEADLINE_EXCEEDED")


def test_a_leak_ends_in_a_restart(host_with):
    host = host_with("leaks_memory")
    while host.rpc(DO, b"sin").status == 200:
        pass
    assert "SIGABRT" in host.wait_log("instance.died", plugin="sinner")["msg"]
    assert_recovers(host)


# ---- never ready

NEVER_READY = [
    (["exits_at_start", "3"], {}, 1203, "exited with status 3"),
    (["exits_at_start"], {}, 1203, "exited with status 0"),
    (["never_greets"], {"handshake_timeout": "200ms"}, 1201, "no WELCOME within 200 ms"),
    (["garbage", "greeting"], {}, FRAME, ""),
    (["prints", "greeting"], {}, FRAME, "Hello, I am"),
    (["wrong_version"], {}, VERSION, "2"),
    (["fails"], {}, 1202, "the database is on"),
    (["fails", "prepared"], {}, 1202, "the database is on"),
    (["lies_in_manifest", "number_twice"], {}, MANIFEST, "1"),
    (["lies_in_manifest", "number_twice_in_two_services"], {}, MANIFEST, "1"),
    (["lies_in_manifest", "number_zero"], {}, MANIFEST, "Do"),
    (["lies_in_manifest", "method_twice"], {}, MANIFEST, "Do"),
    (["lies_in_manifest", "method_without_name"], {}, MANIFEST, ""),
    (["lies_in_manifest", "method_with_a_slash"], {}, MANIFEST, "Do/It"),
    (["lies_in_manifest", "method_with_a_long_name"], {}, MANIFEST, "xxxx"),
    (["lies_in_manifest", "service_twice"], {}, MANIFEST, "sin.v1.Sin"),
    (["lies_in_manifest", "service_without_name"], {}, MANIFEST, ""),
    (["lies_in_manifest", "service_with_a_space"], {}, MANIFEST, "sin v1"),
    (["lies_in_manifest", "service_with_a_newline"], {}, MANIFEST, "sin.v1"),
    (["lies_in_manifest", "service_with_a_long_name"], {}, MANIFEST, "xxxx"),
    (["lies_in_manifest", "type_missing"], {}, MANIFEST, "Do"),
    (["lies_in_manifest", "codec_unknown"], {}, MANIFEST, "Do"),
    (["lies_in_manifest", "requirement_zero"], {}, MANIFEST, ""),
    (["lies_in_manifest", "requirement_twice"], {}, MANIFEST, "1"),
    (["lies_in_manifest", "feature_not_offered"], {}, MANIFEST, "time-travel"),
    (["lies_in_manifest", "frame_limit_too_small"], {}, MANIFEST, "1000"),
]


@pytest.mark.parametrize("argv,settings,code,words", NEVER_READY,
                         ids=["-".join(row[0]) for row in NEVER_READY])
def test_who_never_gets_ready_is_told_why_and_tried_again(host_with, argv, settings, code, words):
    host = host_with(*argv, ready=["good"], restart={"max_restarts": 100}, **settings)
    died = host.wait_log("instance.died", plugin="sinner")
    assert (died["code"], words in died["msg"]) == (code, True), died
    assert host.http("GET", "/sin/fine").error() == (503, "PLUGIN_NOT_READY")
    ready = host.http("GET", "/health/ready")
    assert ready.status == 503
    assert ready.json()["plugins"] == {"good": "ready", "sinner": "not ready"}
    assert host.plugin("sinner")["state"] == "failing"
    host.wait_log("instance.died", 2, plugin="sinner")
    assert not host.log("instance.ready", plugin="sinner")


def test_pauses_grow_between_restarts(host_with):
    host = host_with("exits_at_start", ready=["good"])
    host.wait_log("instance.died", 4, plugin="sinner")
    pauses = [record["restart_in_ms"] for record in host.log("instance.died", plugin="sinner")]
    assert pauses[3] > pauses[0] > 0, pauses


def test_a_service_of_somebody_else_is_refused(start):
    host = start([], plugins=[plugin("good"), plugin("good", name="thief")])
    host.wait_log("instance.ready")  # of the one that was first
    died = host.wait_log("instance.died")
    assert died["code"] == 1903 and "good.v1.Good" in died["msg"]
    assert host.rpc("good.v1.Good/Echo", b"one of them").body == b"one of them"


# ---- slow, deaf and loud

def test_slow_is_no_sin(host_with):
    host = host_with("slow")
    with host.connect() as client:
        client.ask("POST", "/rpc/" + DO, b"300")
        assert_neighbour_is_well(host)
        assert client.read().body == b"300"


@pytest.mark.parametrize("args", [[], ["deaf"]])
def test_a_hang_ends_with_the_deadline(host_with, args):
    host = host_with("hangs", *args, timeout="200ms", drain_timeout="100ms")
    assert host.rpc(DO, b"sin").error() == (504, "DEADLINE_EXCEEDED")
    assert host.http("GET", "/sin/sin").error() == (504, "DEADLINE_EXCEEDED")


def test_full_pipes_block_nobody_else(host_with):
    host = host_with("never_reads", timeout="500ms", drain_timeout="100ms")
    clients = [host.connect() for _ in range(10)]
    clients[0].ask("POST", "/rpc/" + DO, b"sin")
    wait_until(lambda: host.instances("sinner")[0]["calls_live"] == 1, "the sin")
    for client in clients[1:]:
        client.ask("POST", "/rpc/" + DO, b"x" * (1 << 20))
    assert_neighbour_is_well(host)
    for client in clients:
        assert client.read().error() == (504, "DEADLINE_EXCEEDED")
        client.close()
    assert host.rss() < 200 << 20


def test_a_flood_on_stderr_is_drained(host_with):
    host = host_with("floods_stderr")
    assert host.rpc(DO, b"sin").body == b"dry again"
    # Long lines are cut. The log takes what it can without making anybody wait, and counts the
    # rest.
    long = host.wait_log("plugin.stderr", plugin="sinner", msg=lambda msg: msg.startswith("AAAA"))
    assert len(long["msg"]) < 10000
    assert host.rpc(DO, b"fine").body == b"fine"


def test_a_late_reply_answers_nobody_else(host_with):
    host = host_with("replies_late", timeout="200ms")
    for number in range(3):
        assert host.rpc(DO, b"sin").error() == (504, "DEADLINE_EXCEEDED")
        assert host.rpc(DO, b"other %d" % number).body == b"other %d" % number
    assert host.plugin("sinner")["restarts"] == 0


def test_frames_in_a_thousand_pieces_are_frames(host_with):
    host = host_with("splits_frames")
    assert host.rpc(DO, b"abc" * 1000).body == b"abc" * 1000


def test_a_big_answer_arrives(host_with):
    host = host_with("big_answer")
    assert host.rpc(DO, b"sin").body == b"x" * (5 << 20)


# ---- ends that take force

def test_who_ignores_everything_is_killed(host_with):
    host = host_with("ignores_term", drain_timeout="100ms")
    pid = host.pid("sinner")
    assert_neighbour_is_well(host)
    host.stop()
    assert not is_alive(pid)


def test_a_grandchild_does_not_outlive_the_plugin(host_with):
    host = host_with("forks_grandchild")
    grandchild = int(host.rpc(DO, b"").body)
    assert is_alive(grandchild)
    host.kill_instance("sinner")
    host.wait_ready("sinner", 2)
    wait_until(lambda: not is_alive(grandchild), "the end of the grandchild")


def test_a_grandchild_that_holds_the_pipes_does_not_hide_a_death(host_with):
    host = host_with("forks_grandchild")
    grandchild = int(host.rpc(DO, b"and-exit").body)
    host.wait_ready("sinner", 2)
    wait_until(lambda: not is_alive(grandchild), "the end of the grandchild")


def test_a_stop_leaves_no_grandchild(host_with):
    host = host_with("forks_grandchild")
    grandchild = int(host.rpc(DO, b"").body)
    assert_neighbour_is_well(host)
    host.stop()
    assert not is_alive(grandchild)


# ---- answers that would break HTTP

BAD_ANSWERS = ["cr_lf_in_value", "lf_in_value", "nul_in_value", "colon_in_name", "name_empty",
               "name_with_space", "status_0", "status_99", "status_101", "status_600",
               "status_1000000", "not_protobuf", "nothing"]


@pytest.mark.parametrize("how", BAD_ANSWERS)
def test_an_answer_that_would_break_http_is_replaced(host_with, how):
    host = host_with("http_sins", how)
    with host.connect() as client:
        assert client.ask("GET", "/sin/sin").read().error() == (502, "BAD_ANSWER")
        assert client.ask("GET", "/sin/fine").read().body == b"no sin"
    assert host.wait_log("http.request", target="/sin/sin")["outcome"] == "BAD_ANSWER"


@pytest.mark.parametrize("how", ["length_no_number", "length_twice"])
def test_a_length_that_is_none_confuses_no_client(host_with, how):
    host = host_with("http_sins", how)
    with host.connect() as client:
        assert b"four".startswith(client.ask("GET", "/sin/sin").read().body)
        assert client.ask("GET", "/sin/fine").read().body == b"no sin"


def test_a_body_longer_than_its_length_is_cut(host_with):
    host = host_with("http_sins", "length_too_short")
    with host.connect() as client:
        assert client.ask("GET", "/sin/sin").read().body == b"fo"
        assert client.ask("GET", "/sin/fine").read().body == b"no sin"


def test_a_body_shorter_than_its_length_is_visibly_cut(host_with):
    host = host_with("http_sins", "length_too_long")
    with host.connect() as client:
        with pytest.raises(AssertionError, match="ended in the middle"):
            client.ask("GET", "/sin/sin").read()


def test_framing_and_hop_by_hop_fields_belong_to_the_host(host_with):
    host = host_with("http_sins", "transfer_encoding")
    with host.connect() as client:
        response = client.ask("GET", "/sin/sin").read()
        assert response.body == b"four" and response.header("connection") is None
        assert response.header("keep-alive") is None
        assert client.ask("GET", "/sin/fine").read().body == b"no sin"


def test_204_has_no_body_whatever_comes(host_with):
    host = host_with("http_sins", "body_of_204")
    with host.connect() as client:
        assert client.ask("GET", "/sin/sin").read().status == 204
        assert client.ask("GET", "/sin/fine").read().body == b"no sin"


def test_the_pid_of_a_dead_instance_is_never_signalled_again(host_with):
    host = host_with("dies", "0")
    first = host.pid("sinner")
    assert host.rpc(DO, b"sin").status == 502
    host.wait_ready("sinner", 2)
    with pytest.raises(ProcessLookupError):
        os.kill(first, signal.SIG_DFL)  # reaped, and the number is free
