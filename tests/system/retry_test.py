"""Calls that fail and are tried again, or not: safety first, then what the settings leave."""
import os
import signal

import pytest

from plugd import freeze, route, wait_until
from plugd_pb2 import BYTES, Manifest, Method, Service
from puppets import asked

UNAVAILABLE = 14
DO = "/rpc/sin.v1.Sin/Do"


@pytest.fixture(name="troupe")
def troupe_fixture(hosts, stage):
    """troupe(count, retry={…}, settings…): a host whose plugin is so many puppets."""
    def begin(count=2, manifest=None, **settings):
        host = hosts(plugins=[stage.plugin(instances=count, **settings)],
                     routes=[route("/p/*rest", "puppet")])
        host.start([])
        puppets = [stage.puppet(**({"manifest": manifest} if manifest else {}))
                   for _ in range(count)]
        host.wait_ready("puppet", count)
        return host, puppets
    return begin


def other(puppets, puppet):
    return next(each for each in puppets if each is not puppet)


def counts(host):
    row = host.plugin("puppet")
    return row["retries"], row["resends"]


# ---- what is safe


def test_a_get_whose_plugin_dies_is_asked_again_elsewhere(troupe):
    host, puppets = troupe()
    client = host.connect().ask("GET", "/p/x", headers=[("X-Request-Id", "r-1")])
    first, frame = asked(puppets)
    assert frame.attempt == 0
    first.end()
    second = other(puppets, first)
    frame = second.expect("request")
    assert (frame.attempt, frame.end) == (1, True)
    second.answer(frame, b"from the other")
    assert client.read().body == b"from the other"
    record = host.wait_log("http.request", id="r-1")
    assert (record["attempts"], record["outcome"]) == (2, "OK")
    assert counts(host) == (1, 0)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_idempotent_methods_are_tried_again(troupe, method):
    host, puppets = troupe()
    client = host.connect().ask(method, "/p/x", b"body" if method == "PUT" else None)
    first, frame = asked(puppets)
    first.reply(frame, code=UNAVAILABLE)
    second = other(puppets, first)
    second.answer(second.expect("request"))
    assert client.read(method).status == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "get"])
def test_post_is_never_repeated_after_it_was_delivered(troupe, method):
    host, puppets = troupe()
    client = host.connect().ask(method, "/p/x", b"body")
    first, _frame = asked(puppets)
    first.end()
    assert client.read().error() == (502, "PLUGIN_GONE")
    assert counts(host) == (0, 0)


def test_the_manifest_says_which_methods_are_idempotent(troupe):
    manifest = Manifest(provides=[Service(name="sin.v1.Sin", version="1.0.0", methods=[
        Method(number=1, name="Do", codec=BYTES, idempotent=True),
        Method(number=2, name="Done", codec=BYTES)])])
    host, puppets = troupe(manifest=manifest)
    client = host.connect().ask("POST", DO, b"payload")
    first, frame = asked(puppets)
    first.reply(frame, code=UNAVAILABLE)
    second = other(puppets, first)
    frame = second.expect("request")
    assert (frame.payload, frame.attempt) == (b"payload", 1)
    second.reply(frame, b"answer")
    assert client.read().body == b"answer"
    client = host.connect().ask("POST", DO + "ne", b"payload")
    puppet, frame = asked(puppets)
    puppet.reply(frame, code=UNAVAILABLE)
    assert client.read().error() == (503, "UNAVAILABLE")


def test_what_was_not_processed_is_repeated_whatever_it_is(troupe):
    host, puppets = troupe()
    client = host.connect().ask("POST", DO, b"payload")
    first, frame = asked(puppets)
    first.reply(frame, code=UNAVAILABLE, not_processed=True)
    second = other(puppets, first)
    frame = second.expect("request")
    assert (frame.payload, frame.attempt) == (b"payload", 1)
    second.reply(frame, b"answer")
    assert client.read().body == b"answer"


def test_what_would_be_the_same_again_is_not_repeated(troupe):
    host, puppets = troupe()
    client = host.connect().ask("GET", "/p/x")
    puppet, frame = asked(puppets)
    puppet.reply(frame, code=3, not_processed=True)
    assert client.read().error() == (400, "INVALID_ARGUMENT")
    assert counts(host) == (0, 0)


def test_nothing_is_repeated_once_the_answer_has_begun(troupe):
    host, puppets = troupe()
    client = host.connect().ask("GET", "/p/x")
    first, frame = asked(puppets)
    first.answer(frame, b"half", end=False)
    head = client.read_head()
    first.end()
    with pytest.raises(AssertionError, match="ended in the middle"):
        client.read_body(head)
    assert counts(host) == (0, 0)


def test_a_post_that_never_reached_its_plugin_is_sent_to_another(troupe):
    host, puppets = troupe(retry={"max_attempts": 1})
    stopped, alive = puppets
    freeze(stopped.pid)
    clients = [host.connect().ask("POST", DO, b"payload") for _ in puppets]
    wait_until(lambda: [row["calls_live"] for row in host.instances("puppet")] == [1, 1],
               "a call for each")
    alive.reply(alive.expect("request"), b"answer")
    os.kill(stopped.pid, signal.SIGKILL)
    frame = alive.expect("request")
    assert (frame.payload, frame.attempt) == (b"payload", 0)
    alive.reply(frame, b"answer")
    assert [client.read().body for client in clients] == [b"answer"] * 2
    assert counts(host) == (0, 1)


# ---- what is left: each fails when its setting is ignored


def ask_in_vain(host, puppets, path="/p/x", **reply):
    """A GET that its plugin refuses: the connection."""
    client = host.connect().ask("GET", path)
    puppet, frame = asked(puppets)
    puppet.reply(frame, code=UNAVAILABLE, **reply)
    return client


def test_max_attempts_is_kept(troupe):
    host, puppets = troupe(3, retry={"max_attempts": 2, "initial_delay": 0})
    client = ask_in_vain(host, puppets)
    puppet, frame = asked(puppets)
    assert frame.attempt == 1
    puppet.reply(frame, code=UNAVAILABLE, message="the second refused too")
    response = client.read()
    assert response.error() == (503, "UNAVAILABLE")
    assert response.json()["message"] == "the second refused too"
    assert counts(host) == (1, 0)


def test_one_attempt_means_no_retry(troupe):
    host, puppets = troupe(retry={"max_attempts": 1})
    assert ask_in_vain(host, puppets).read().error() == (503, "UNAVAILABLE")


def test_a_retry_whose_deadline_would_be_over_is_not_begun(troupe):
    host, puppets = troupe(timeout="20s")
    response = ask_in_vain(host, puppets, retry_after_ms=60000).read()
    assert (response.error(), response.header("retry-after")) == ((503, "UNAVAILABLE"), "60")


def test_the_first_pause_is_the_configured_one(troupe):
    host, puppets = troupe(timeout="100ms", retry={"initial_delay": "1h", "max_delay": "1h"})
    assert ask_in_vain(host, puppets).read().status == 503
    assert host.wait_log("call.failed")["msg"] == "no time is left"


def test_the_longest_pause_is_the_configured_one(troupe):
    host, puppets = troupe(timeout="20s", retry={"initial_delay": "1h", "max_delay": 0})
    client = ask_in_vain(host, puppets)
    puppet, frame = asked(puppets)
    puppet.answer(frame)
    assert client.read().status == 200


def test_the_budget_is_a_share_of_the_calls(troupe):
    host, puppets = troupe(retry={"budget": 50, "budget_min": 0, "initial_delay": 0})
    assert ask_in_vain(host, puppets).read().status == 503
    assert host.wait_log("call.failed")["msg"] == "no budget is left"
    client = ask_in_vain(host, puppets)
    puppet, frame = asked(puppets)
    puppet.answer(frame)
    assert client.read().status == 200


def test_a_few_retries_do_not_depend_on_the_number_of_calls(troupe):
    host, puppets = troupe(retry={"budget": 0, "budget_min": 10000, "initial_delay": 0})
    client = ask_in_vain(host, puppets)
    puppet, frame = asked(puppets)
    puppet.answer(frame)
    assert client.read().status == 200


def test_retries_that_wait_for_their_time_are_in_the_budget(troupe):
    host, puppets = troupe(retry={"budget": 50, "budget_min": 0}, timeout="1h")
    first = host.connect().ask("GET", "/p/1")
    second = host.connect().ask("GET", "/p/2")
    for puppet in puppets:
        puppet.reply(puppet.expect("request"), code=UNAVAILABLE, retry_after_ms=1800000)
    host.wait_log("call.failed", again=True)
    assert host.wait_log("call.failed", again=False)["msg"] == "no budget is left"
    assert host.admin("status")["calls_open"] == 1
    assert host.plugin("puppet")["calls_running"] == 0  # who rests holds no place
    first.close()
    second.close()
    wait_until(lambda: host.admin("status")["calls_open"] == 0, "both gone")


def half_a_body(host):
    client = host.connect().send(b"PUT /p/x HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n"
                                 b"12345")
    assert host.http("GET", "/health/live").status == 200
    return client


def test_a_short_body_is_awaited_whole_and_sent_again(troupe):
    host, puppets = troupe()
    client = half_a_body(host)
    assert host.admin("status")["calls_open"] == 0
    client.send(b"67890")
    first, frame = asked(puppets)
    assert frame.end and frame.payload.endswith(b"1234567890")
    first.reply(frame, code=UNAVAILABLE)
    second = other(puppets, first)
    again = second.expect("request")
    assert again.payload == frame.payload
    second.answer(again)
    assert client.read().status == 200


def test_a_body_above_the_buffer_goes_as_it_comes_and_only_once(troupe):
    host, puppets = troupe(retry={"buffer": 9})
    client = half_a_body(host)
    puppet, frame = asked(puppets)
    assert not frame.end and frame.payload.endswith(b"12345")
    client.send(b"67890")
    puppet.end()
    assert client.read().error() == (502, "PLUGIN_GONE")
    assert counts(host) == (0, 0)


# ---- pitfalls


def test_a_late_answer_of_the_first_try_is_not_taken_for_the_second(troupe):
    """The first try is refused, then answered once more: that is a rule broken, and nobody's
    answer."""
    host, puppets = troupe()
    client = host.connect().ask("GET", "/p/x")
    first, frame = asked(puppets)
    first.reply(frame, code=UNAVAILABLE)
    second = other(puppets, first)
    again = second.expect("request")
    first.answer(frame, b"late")
    assert host.wait_log("instance.failed")["code"] == 2002
    second.answer(again, b"right")
    assert client.read().body == b"right"


def test_a_client_that_leaves_during_a_pause_ends_it(troupe):
    host, puppets = troupe(timeout="1h")
    client = ask_in_vain(host, puppets, retry_after_ms=1800000)
    host.wait_log("call.failed", again=True)
    client.close()
    wait_until(lambda: host.admin("status")["calls_open"] == 0, "the end of the call")
    assert all(row["calls_live"] == 0 for row in host.instances("puppet"))


def test_with_one_instance_the_same_one_is_asked_again(troupe):
    host, (puppet,) = troupe(1)
    client = ask_in_vain(host, [puppet])
    frame = puppet.expect("request")
    assert frame.attempt == 1
    puppet.answer(frame)
    assert client.read().status == 200




# ---- no instance is ready


def test_a_get_outlives_the_death_of_the_only_instance(troupe, stage):
    host, (puppet,) = troupe(1, queue_timeout="1h")
    client = host.connect().ask("GET", "/p/x")
    puppet.expect("request")
    puppet.end()
    successor = stage.puppet()
    frame = successor.expect("request")
    assert frame.attempt == 1
    successor.answer(frame, b"from the next")
    assert client.read().body == b"from the next"


def test_a_call_waits_for_an_instance_that_is_coming(troupe, stage):
    host, (puppet,) = troupe(1, queue_timeout="1h")
    puppet.end()
    host.wait_log("instance.died")
    client = host.connect().ask("POST", DO, b"patient")
    successor = stage.puppet()
    frame = successor.expect("request")
    assert frame.payload == b"patient"
    successor.reply(frame, b"at last")
    assert client.read().body == b"at last"


def test_it_waits_no_longer_than_the_queue_allows(troupe):
    host, (puppet,) = troupe(1, queue_timeout="50ms")
    puppet.end()
    host.wait_log("instance.died")
    assert host.http("POST", DO, b"x").error() == (503, "PLUGIN_NOT_READY")


def test_a_retry_that_finds_no_instance_tells_how_the_try_ended(troupe):
    host, (puppet,) = troupe(1, queue_timeout="1ms", retry={"initial_delay": 0})
    client = host.connect().ask("GET", "/p/x")
    puppet.expect("request")
    puppet.end()
    assert client.read().error() == (502, "PLUGIN_GONE")
    assert counts(host) == (1, 0)
