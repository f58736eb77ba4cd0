"""`on_unavailable`: the plugin that answers when no instance of another one can serve."""
import os
import select
import shutil
import signal
import struct

import pytest

import plug
from cast import DO, NOT_READY
from plugd import PATIENCE_S, PLUGINS, freeze, wait_until
from plugd_pb2 import BYTES, JSON, Manifest, Method, Service

UNAVAILABLE, NOT_FOUND = 14, 5
STREAM = "/rpc/sin.v1.Sin/Stream"
SLOW = {"queue_timeout": "200ms", "restart": {}, "handshake_timeout": "1h"}
QUICK = {"failure_threshold": 1, "min_request_threshold": 1}

# A request of each kind that leads to the plugin.
KINDS = [("GET", "/p/x", None), ("POST", "/p/x", b"body"), ("POST", "/do", b"body"),
         ("POST", DO, b"body")]


@pytest.fixture(name="unlisted")
def unlisted_fixture(tmp_path):
    """An executable that the whitelist does not know."""
    shutil.copy(PLUGINS / "puppet", tmp_path / "unlisted")
    return str(tmp_path / "unlisted")


# ---- who is asked


@pytest.mark.parametrize("method,path,body", KINDS)
def test_a_crash_loop_costs_no_request(lost, method, path, body):
    client = lost.ask(method, path, body)
    frame = lost.spare.expect("request")
    assert frame.end and frame.payload.endswith(body or b"")
    lost.spare.reply(frame, b"from the spare")
    response = client.read()
    assert (response.status, response.body) == (200, b"from the spare")
    record = lost.logged()
    assert (record["plugin"], record["stand_in"], record["outcome"]) == ("main", "spare", "OK")
    assert "attempts" not in record
    main, spare = lost.host.plugin("main"), lost.host.plugin("spare")
    assert (main["on_unavailable"], main["stood_in"]) == ("spare", 1)
    assert (spare["on_unavailable"], spare["stood_in"]) == ("fail", 0)
    assert (main["outcomes"], spare["outcomes"]) == ({"PLUGIN_NOT_READY": 1}, {"OK": 1})


def test_the_http_request_is_the_clients_own(lost):
    client = lost.ask("PUT", "/p/a%20b?q=1", b"body")
    frame, head = lost.spare.request()
    assert (head.method, head.path, head.query, head.route) == ("PUT", "/p/a b", "q=1", "/p/*rest")
    assert {param.name: param.value for param in head.params} == {"rest": "a b"}
    assert head.body == b"body"
    lost.spare.answer(frame, b"made", status=201)
    response = client.read()
    assert (response.status, response.body) == (201, b"made")


def test_with_fail_the_client_is_told(begin):
    cast = begin(main={"on_unavailable": "fail"}, ready=["main"])
    cast.enter("spare", manifest=plug.manifest("other.v1.Other"))
    cast.lose()
    for method, path, body in KINDS:
        assert cast.host.http(method, path, body or b"").error() == NOT_READY
    assert cast.host.plugin("main")["on_unavailable"] == "fail"


def test_the_plugin_itself_answers_while_it_is_there(cast):
    """Though both provide the service whose name leads to it."""
    cast.check_answers("r")
    assert cast.stood_in() == 0


@pytest.mark.parametrize("method,path,body", KINDS)
@pytest.mark.parametrize("enabled", [True, False], ids=["unlisted", "disabled"])
def test_a_plugin_that_never_ran_is_stood_in_for(begin, unlisted, enabled, method, path, body):
    """It has told nobody what it provides; what the stand-in provides counts."""
    cast = begin(main={"executable": unlisted, "enabled": enabled}, ready=["spare"])
    client = cast.ask(method, path, body)
    cast.spare.reply(cast.spare.expect("request"), b"from the spare")
    assert client.read().body == b"from the spare"
    record = cast.logged()
    assert (record["plugin"], record["stand_in"]) == ("main", "spare")
    assert cast.stood_in() == 1


def test_a_start_that_takes_too_long_is_not_waited_for(begin):
    cast = begin(main={"queue_timeout": "50ms"}, ready=["spare"])
    cast.stages["main"].newcomer()  # and it never greets
    client = cast.ask("GET", "/p/x")
    cast.spare.answer(cast.spare.expect("request"), b"from the spare")
    assert client.read().body == b"from the spare"


def test_an_open_breaker_is_stood_in_for(begin):
    cast = begin(main={"circuit_breaker": QUICK})
    cast.open_breaker()
    cast.check_stands_in()
    assert cast.host.plugin("main")["outcomes"] == {"INTERNAL": 1, "BREAKER_OPEN": 1}


def test_when_the_plugin_is_back_it_answers_again(lost):
    lost.check_stands_in()
    assert lost.host.admin("restart", plugin="main")["started"] == 1
    lost.enter("main")
    lost.check_answers("back")


def test_who_waited_in_vain_for_an_instance_is_handed_on(begin):
    cast = begin(main=SLOW)
    cast.suspend()
    cast.check_stands_in()


def test_a_queue_full_of_those_who_wait_for_an_instance_is_no_limit(begin):
    cast = begin(main={"queue": 1, "queue_timeout": "1h", "restart": {}})
    cast.main.end()
    newcomer = cast.stages["main"].newcomer()
    waiting = cast.ask("POST", DO, b"first", "waits")
    wait_until(lambda: cast.host.plugin("main")["calls_waiting"] == 1, "the first waits")
    cast.check_stands_in()
    newcomer.begin()
    newcomer.reply(newcomer.expect("request"), b"at last")
    assert waiting.read().body == b"at last"


# ---- what is no unavailability


def test_the_concurrency_is_not_defeated(begin):
    cast = begin(main={"concurrency": 1, "queue": 0})
    first = cast.ask("POST", DO, b"x")
    frame = cast.main.expect("request")
    assert cast.host.http("POST", DO, b"x").error() == (503, "PLUGIN_OVERLOADED")
    cast.main.reply(frame)
    assert first.read().status == 200
    assert cast.stood_in() == 0


def test_the_rate_is_not_defeated(begin):
    cast = begin(main={"rate_limit": {"requests_per_second": 1, "burst": 1}})
    cast.lose()
    for _ in range(50):
        client = cast.ask("POST", DO, b"x")
        ready, _, _ = select.select([cast.spare.sock, client.sock], [], [], PATIENCE_S)
        if client.sock in ready:
            break
        cast.spare.reply(cast.spare.expect("request"))
        assert client.read().status == 200
    assert client.read().error() == (429, "RATE_LIMITED")
    assert cast.stood_in() == cast.host.plugin("main")["outcomes"]["PLUGIN_NOT_READY"]


def test_what_the_plugin_answers_stands(begin):
    cast = begin(main={"retry": {"max_attempts": 1}})
    client = cast.ask("GET", "/p/x")
    cast.main.reply(cast.main.expect("request"), code=UNAVAILABLE, not_processed=True)
    assert client.read().error() == (503, "UNAVAILABLE")
    assert cast.stood_in() == 0


# ---- what is safe


def test_what_may_have_had_an_effect_is_not_repeated(cast):
    client = cast.ask("POST", DO, b"x")
    cast.main.expect("request")
    cast.lose()
    assert client.read().error() == (502, "PLUGIN_GONE")
    assert cast.stood_in() == 0
    assert cast.host.plugin("spare")["calls_total"] == 0


@pytest.mark.parametrize("attempts", [1, 3])
def test_what_is_idempotent_is_repeated(begin, attempts):
    """Also when another try of the plugin was planned, and finds no instance."""
    cast = begin(main={"retry": {"max_attempts": attempts, "initial_delay": 0}})
    client = cast.ask("GET", "/p/x")
    cast.main.expect("request")
    cast.main.end()
    cast.spare.answer(cast.spare.expect("request"), b"from the spare")
    assert client.read().body == b"from the spare"
    assert cast.logged()["attempts"] == 2


def test_nothing_is_repeated_once_the_answer_has_begun(cast):
    client = cast.ask("GET", "/p/x")
    cast.main.answer(cast.main.expect("request"), b"half", end=False)
    head = client.read_head()
    cast.lose()
    with pytest.raises(AssertionError, match="ended in the middle"):
        client.read_body(head)
    assert cast.stood_in() == 0


def test_what_never_reached_the_plugin_is_handed_on_whatever_it_is(cast):
    freeze(cast.main.pid)
    client = cast.ask("POST", DO, b"unread")
    wait_until(lambda: cast.host.plugin("main")["calls_running"] == 1, "the call")
    os.kill(cast.main.pid, signal.SIGKILL)
    frame = cast.spare.expect("request")
    assert frame.payload == b"unread"
    cast.spare.reply(frame, b"from the spare")
    assert client.read().body == b"from the spare"


# ---- bodies


def take_body(puppet, frame):
    """All of the payload of a request, as it comes."""
    puppet.give_credit(frame)
    payload, end = frame.payload, frame.end
    while not end:
        piece = puppet.expect("data")
        puppet.give_credit(piece)
        payload, end = payload + piece.payload, piece.end
    return payload


@pytest.mark.parametrize("path", ["/p/x", DO])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_long_body_goes_to_the_stand_in_as_it_comes(begin, path, waits, chunked):
    """Also when its first piece has waited for an instance of the plugin that did not come."""
    cast = begin(main=SLOW if waits else {})
    (cast.suspend if waits else cast.lose)()
    body = bytes(range(256)) * 4000
    client = cast.host.connect()
    if chunked:
        client.send(f"POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .encode() + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    else:
        client.ask("POST", path, body)
    frame = cast.spare.expect("request")
    payload = take_body(cast.spare, frame)
    assert payload == body if path == DO else len(payload) > len(body)
    cast.spare.reply(frame, b"all of it")
    assert client.read().body == b"all of it"


@pytest.mark.parametrize("waits", [False, True])
def test_a_stream_of_messages_goes_to_the_stand_in(begin, waits):
    cast = begin(main=SLOW if waits else {})
    (cast.suspend if waits else cast.lose)()
    messages = [b"one", b"two" * 1000]
    body = b"".join(struct.pack(">I", len(message)) + message for message in messages)
    client = cast.ask("POST", STREAM, body)
    frame = cast.spare.expect("request")
    assert take_body(cast.spare, frame) == b"".join(messages)
    cast.spare.reply(frame, b"both")
    assert client.read().body == struct.pack(">I", 4) + b"both"


def test_a_body_of_which_some_was_handed_over_is_not_repeated(cast):
    client = cast.host.connect().send(b"PUT /p/x HTTP/1.1\r\nHost: test\r\n"
                                      b"Content-Length: 100000\r\n\r\nfirst")
    cast.main.expect("request")
    cast.lose()
    assert client.read().error() == (502, "PLUGIN_GONE")
    assert cast.stood_in() == 0


def test_the_limit_of_the_stand_in_counts(begin):
    cast = begin(spare={"max_message": "1KiB"})
    cast.lose()
    assert cast.host.http("POST", DO, b"x" * 1025).error() == (413, "PAYLOAD_TOO_LARGE")
    cast.check_stands_in(body=b"x" * 1024)


# ---- the stand-in's part


def test_its_error_is_the_clients(lost):
    client = lost.ask("POST", DO, b"x")
    lost.spare.reply(lost.spare.expect("request"), code=NOT_FOUND, message="nor have I")
    response = client.read()
    assert (response.error(), response.json()["message"]) == ((404, "NOT_FOUND"), "nor have I")
    assert lost.logged()["stand_in"] == "spare"


def test_when_it_dies_with_the_request_that_is_told(lost):
    client = lost.ask("POST", DO, b"x")
    lost.spare.expect("request")
    lost.lose("spare")
    assert client.read().error() == (502, "PLUGIN_GONE")


def test_when_it_is_down_too_the_error_is_the_plugins(begin):
    cast = begin(main={"circuit_breaker": QUICK})
    cast.lose("spare")
    cast.open_breaker()
    response = cast.ask("POST", DO, b"x").read()
    assert response.error() == (503, "BREAKER_OPEN")
    assert int(response.header("retry-after")) > 1
    record = cast.logged()
    assert (record["plugin"], record["stand_in"], record["outcome"]) == (
        "main", "spare", "BREAKER_OPEN")
    assert cast.host.plugin("spare")["outcomes"] == {"PLUGIN_NOT_READY": 1}


def test_when_neither_ever_ran_the_error_is_the_plugins(begin, unlisted):
    cast = begin(main={"executable": unlisted}, spare={"executable": unlisted}, ready=[])
    assert cast.host.http("GET", "/p/x").error() == NOT_READY


def test_how_the_plugin_died_is_told_when_both_are_down(begin):
    cast = begin(main={"retry": {"max_attempts": 1}})
    cast.lose("spare")
    client = cast.ask("GET", "/p/x")
    cast.main.expect("request")
    cast.main.end()
    response = client.read()
    assert response.error() == (502, "PLUGIN_GONE")
    assert response.json()["message"].startswith("it "), response


def test_it_is_one_step_and_no_further(begin):
    cast = begin(spare={"on_unavailable": "third", "expose": True}, third={},
                 ready=("main", "spare", "third"))
    cast.lose()
    cast.lose("spare")
    assert cast.host.http("POST", DO, b"x").error() == NOT_READY
    assert cast.host.plugin("third")["outcomes"] == {}


def test_its_time_is_what_the_plugin_has_left(begin):
    cast = begin(main={"timeout": "1h"}, spare={"timeout": "5s"})
    cast.lose()
    assert 5000 < cast.check_stands_in().timeout_ms <= 3600000


def test_a_stand_in_that_is_not_needed_need_not_run(begin):
    """It is started when it has to stand in, and waited for."""
    cast = begin(spare={"start": "lazy", "queue_timeout": "1h"}, ready=["main"])
    cast.lose()
    client = cast.ask("POST", DO, b"body")
    cast.spare = cast.stages["spare"].puppet()
    frame = cast.spare.expect("request")
    assert frame.payload == b"body"
    cast.spare.reply(frame, b"from the spare")
    assert client.read().body == b"from the spare"
    cast.check_stands_in()


def test_a_body_that_does_not_wait_for_its_start_starts_it(begin):
    cast = begin(spare={"start": "lazy"}, ready=["main"])
    cast.lose()
    assert cast.host.http("POST", DO, b"x" * 100000).error() == NOT_READY
    cast.enter("spare")
    client = cast.ask("POST", DO, b"x" * 100000)
    frame = cast.spare.expect("request")
    assert take_body(cast.spare, frame) == b"x" * 100000
    cast.spare.reply(frame, b"from the spare")
    assert client.read().body == b"from the spare"


def test_when_neither_has_run_both_are_waited_for(begin, unlisted):
    cast = begin(main={"executable": unlisted},
                 spare={"start": "lazy", "queue_timeout": "1h"}, ready=[])
    client = cast.ask("POST", "/p/x", b"body")
    cast.spare = cast.stages["spare"].puppet()
    frame, head = cast.spare.request()
    assert head.body == b"body"
    cast.spare.answer(frame, b"from the spare")
    assert client.read().body == b"from the spare"


def test_a_stand_in_whose_start_takes_too_long_is_down_too(begin):
    cast = begin(spare={"start": "lazy", "queue_timeout": "50ms"}, ready=["main"])
    cast.lose()
    client = cast.ask("GET", "/p/x")
    cast.stages["spare"].newcomer()
    assert client.read().error() == NOT_READY


@pytest.mark.parametrize("path", ["/do", DO])
def test_a_plugin_that_sleeps_is_woken_and_not_stood_in_for(begin, path):
    cast = begin(main={"start": "lazy", "queue_timeout": "1h"}, ready=["spare"])
    client = cast.ask("POST", path, b"body")
    main = cast.stages["main"].puppet()
    main.reply(main.expect("request"), b"from the main one")
    assert client.read().body == b"from the main one"
    assert cast.stood_in() == 0


def test_a_service_of_its_own_is_found_by_name(begin):
    """Whether the plugin that it stands in for has told what it provides or not."""
    own = Manifest(provides=[Service(name="own.v1.Own", version="1.0.0", methods=[
        Method(number=1, name="Do", codec=BYTES)])])
    cast = begin(main={"expose": False}, spare={"expose": True}, ready=["main"])
    cast.enter("spare", manifest=own)
    for lose in (False, True):
        if lose:
            cast.lose()
        client = cast.ask("POST", "/rpc/own.v1.Own/Do", b"x")
        cast.spare.reply(cast.spare.expect("request"), b"own")
        assert client.read().body == b"own"
    assert cast.stood_in() == 0


@pytest.mark.parametrize("methods,why", [
    ([Method(number=1, name="Else", codec=BYTES)], "has no method"),
    ([Method(number=1, name="Do", codec=JSON)], "its codec is json, it was bytes")])
def test_one_that_cannot_stand_in_is_told_of(begin, methods, why):
    cast = begin(ready=["main"])
    cast.enter("spare", manifest=Manifest(provides=[
        Service(name="sin.v1.Sin", version="1.0.0", methods=methods)]))
    cast.lose()
    assert cast.ask("POST", DO, b"x").read().error() == NOT_READY
    told = cast.host.wait_log("stand_in.unfit", plugin="main", stand_in="spare", id="r")
    assert told["level"] == "warn" and why in told["msg"]
    assert cast.stood_in() == 0


def test_two_unrelated_plugins_cannot_provide_the_same(begin):
    cast = begin(main={"on_unavailable": "fail"}, ready=["main"])
    newcomer = cast.stages["spare"].newcomer()
    newcomer.greet()
    assert cast.host.wait_log("instance.failed", plugin="spare")["code"] == 1903
