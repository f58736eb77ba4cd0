"""The circuit breaker and the rate limit of a plugin, with a puppet that fails as it is told. Each
setting has a test that fails when it is ignored.
"""
import pytest

from plugd import plugin, route, wait_until
from puppets import asked

CANCELLED, NOT_FOUND, INTERNAL = 1, 5, 13
DO = "/rpc/sin.v1.Sin/Do"
OPEN = (503, "BREAKER_OPEN")


class Play:
    """A host with one puppet."""

    def __init__(self, host, puppet):
        self.host, self.puppet = host, puppet

    def ask(self):
        return self.host.connect().ask("POST", DO, b"x")

    def call(self, code=0):
        """One call that the puppet answers with that code: its status."""
        client = self.ask()
        self.puppet.reply(self.puppet.expect("request"), code=code)
        status = client.read().status
        client.close()
        return status

    def fail(self, count):
        for _ in range(count):
            assert self.call(INTERNAL) == 500

    def refused(self):
        """The answer to a call that never reaches the puppet."""
        return self.ask().read()

    def state(self):
        return self.host.plugin("puppet")["breaker"]["state"]


@pytest.fixture(name="play")
def play_fixture(hosts, stage):
    def begin(breaker=None, other=None, **settings):
        """`other` is the breaker of a plugin beside, which has no time for a long answer."""
        beside = plugin("good", name="other", timeout="1ms", circuit_breaker=other or {})
        host = hosts(plugins=[stage.plugin(circuit_breaker=breaker or {}, **settings)]
                     + [beside] * (other is not None),
                     routes=[route("/p/*rest", "puppet")]
                     + [route("/other/*rest", "other")] * (other is not None))
        host.start([])
        puppet = stage.puppet()
        host.wait_ready("puppet")
        if other is not None:
            host.wait_ready("other")
        return Play(host, puppet)
    return begin


# ---- when it opens


def test_five_failures_open_it(play):
    scene = play()
    scene.fail(5)
    response = scene.refused()
    assert response.error() == OPEN
    assert 0 < int(response.header("retry-after")) <= 30
    opened = scene.host.wait_log("breaker.open", plugin="puppet")
    assert (opened["code"], opened["level"], opened["left_ms"]) == (1400, "warn", 30000)
    shown = scene.host.plugin("puppet")
    assert shown["breaker"]["state"] == "open" and shown["outcomes"]["BREAKER_OPEN"] == 1
    assert "open" in scene.host.plugctl("plugins")


# Each with a value on either side of what is the default: fail() wants every call to reach the
# puppet.


@pytest.mark.parametrize("failures", [3, 7])
def test_failure_threshold(play, failures):
    scene = play({"failure_threshold": failures, "window": "1h"})
    scene.fail(failures)
    assert scene.refused().error() == OPEN


@pytest.mark.parametrize("calls", [1, 4])
def test_min_request_threshold(play, calls):
    scene = play({"failure_threshold": 1, "min_request_threshold": calls, "window": "1h"})
    scene.fail(calls)
    assert scene.refused().error() == OPEN


@pytest.mark.parametrize("percent, successes, failures", [(75, 1, 3), (25, 3, 1)])
def test_failure_rate(play, percent, successes, failures):
    scene = play({"failure_threshold": 1, "failure_rate": percent, "window": "1h"})
    assert [scene.call() for _ in range(successes)] == [200] * successes
    scene.fail(failures)
    assert scene.refused().error() == OPEN


def test_failures_below_the_rate_leave_it_closed(play):
    scene = play({"failure_threshold": 1, "failure_rate": 76, "window": "1h"})
    assert scene.call() == 200
    scene.fail(3)
    assert (scene.call(), scene.state()) == (200, "closed")


def test_a_failure_is_forgotten_after_the_window(play):
    scene = play({"failure_threshold": 2, "min_request_threshold": 1, "window": "10ms"})
    for count in range(1, 5):
        scene.fail(1)
        wait_until(lambda: scene.host.plugin("puppet")["breaker"]["failures"] == 0, "the window")
        assert scene.host.plugin("puppet")["outcomes"]["INTERNAL"] == count


def test_another_remembers_longer_if_its_window_is_longer(play):
    """The other fails first; with the same window it would forget first."""
    scene = play({"failure_threshold": 9, "window": "10ms"}, other={"window": "1h"})
    client = scene.host.connect().ask("GET", "/other/download/1000000000")
    wait_until(lambda: scene.host.plugin("other")["breaker"]["failures"] == 1, "its failure")
    client.close()
    scene.fail(1)
    wait_until(lambda: scene.host.plugin("puppet")["breaker"]["failures"] == 0, "the window")
    assert scene.host.plugin("other")["breaker"]["failures"] == 1


def test_switched_off_it_never_opens(play):
    scene = play({"enabled": False})
    scene.fail(12)
    assert (scene.call(), scene.state()) == (200, "off")


def test_what_the_caller_did_wrong_does_not_count(play):
    scene = play({"failure_threshold": 1, "min_request_threshold": 1})
    for code in (CANCELLED, NOT_FOUND, 3, 16):
        scene.call(code)
    assert scene.state() == "closed"


def test_an_answer_that_can_t_be_used_counts_however_many_frames_it_has(play):
    scene = play({"failure_threshold": 2, "min_request_threshold": 1})
    for end in (True, False):
        client = scene.host.connect().ask("GET", "/p/x")
        frame, _ = scene.puppet.request()
        scene.puppet.answer(frame, status=99, end=end)
        assert client.read().error() == (502, "BAD_ANSWER")
        client.close()
    assert scene.puppet.expect("cancel").id == frame.id
    assert scene.refused().error() == OPEN
    assert scene.host.plugin("puppet")["outcomes"] == {"BAD_ANSWER": 2, "BREAKER_OPEN": 1}


def test_a_death_counts_once_however_many_calls_it_breaks(play, stage):
    scene = play()
    clients = [scene.ask() for _ in range(20)]
    for _ in clients:
        scene.puppet.expect("request")
    scene.puppet.end()
    assert {client.read().error() for client in clients} == {(502, "PLUGIN_GONE")}
    assert scene.host.plugin("puppet")["breaker"]["failures"] == 1
    scene.puppet = stage.puppet()
    scene.host.wait_ready("puppet", 2)
    assert scene.call() == 200


def test_a_refused_call_is_not_tried_again(play):
    scene = play({"failure_threshold": 1, "min_request_threshold": 1})
    scene.fail(1)
    assert scene.host.http("GET", "/p/x").error() == OPEN
    assert scene.host.plugin("puppet")["retries"] == 0


# ---- half-open

SOON = {"failure_threshold": 1, "min_request_threshold": 1, "recovery_timeout": "1ms"}


def recovered(scene):
    """Until the breaker would let a call through."""
    wait_until(lambda: scene.host.plugin("puppet")["breaker"]["left_ms"] == 0, "its recovery")


def test_recovery_timeout(play):
    scene = play(SOON)
    scene.fail(1)
    assert scene.host.wait_log("breaker.open")["left_ms"] == 1
    recovered(scene)
    assert scene.call() == 200
    scene.host.wait_log("breaker.half_open")


def test_it_lets_as_many_probes_through_as_it_needs_successes(play):
    scene = play({**SOON, "success_threshold": 3})
    scene.fail(1)
    recovered(scene)
    clients = [scene.ask() for _ in range(3)]
    requests = [scene.puppet.expect("request") for _ in clients]
    assert scene.refused().error() == OPEN
    for request in requests[:2]:
        scene.puppet.reply(request)
    wait_until(lambda: scene.host.plugin("puppet")["outcomes"].get("OK") == 2, "two successes")
    assert scene.state() == "half-open"
    scene.puppet.reply(requests[2])
    assert [client.read().status for client in clients] == [200] * 3
    scene.host.wait_log("breaker.closed")
    assert scene.call() == 200


def test_a_probe_that_fails_opens_it_again(play):
    scene = play(SOON)
    scene.fail(1)
    recovered(scene)
    scene.fail(1)
    scene.host.wait_log("breaker.open", 2)
    assert scene.host.plugin("puppet")["breaker"]["openings"] == 2


def test_a_probe_whose_client_leaves_gives_its_place_back(play):
    scene = play({**SOON, "success_threshold": 1})
    scene.fail(1)
    recovered(scene)
    for _ in range(5):
        client = scene.ask()
        request = scene.puppet.expect("request")
        client.close()
        assert scene.puppet.expect("cancel").id == request.id
        scene.puppet.reply(request, code=CANCELLED)
    assert scene.call() == 200
    scene.host.wait_log("breaker.closed")


# ---- the rate limit


def asked_or_refused(scene, client):
    """True when the call of that client has reached the puppet, False when it was refused."""
    puppet, _frame = asked([scene.puppet], [client.sock])
    return puppet is not None


def refusal(scene, passes):
    """So many calls pass, and then one, not much later, is refused: the answer."""
    assert all(asked_or_refused(scene, scene.ask()) for _ in range(passes))
    for _ in range(50):
        client = scene.ask()
        if not asked_or_refused(scene, client):
            return client.read()
    raise AssertionError("nothing is refused")


def test_calls_above_the_rate_are_refused(play):
    scene = play(rate_limit={"requests_per_second": 1, "burst": 5})
    response = refusal(scene, 5)
    assert response.error() == (429, "RATE_LIMITED")
    assert response.header("retry-after") == "1"
    assert scene.host.plugin("puppet")["outcomes"]["RATE_LIMITED"] == 1


def test_the_burst_is_one_second_s_worth_when_nothing_is_said(play):
    scene = play(rate_limit={"requests_per_second": 3})
    assert refusal(scene, 3).error() == (429, "RATE_LIMITED")


def test_without_a_rate_nothing_is_refused(play):
    scene = play()
    assert {scene.call() for _ in range(50)} == {200}
