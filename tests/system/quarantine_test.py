"""A request that kills whoever serves it: when it is recognised, what its clients are told, and how
it comes out again.
"""
from plugd import plugin, route

DO = "sin.v1.Sin/Do"
QUICK = {"initial_delay": "1ms", "max_delay": "1ms", "max_restarts": 100}
GONE = (502, "PLUGIN_GONE")
POISON = (422, "POISON_REQUEST")


def dies(of="SIGSEGV", **settings):
    return plugin("dies", of, **{"name": "sinner", "restart": QUICK, "quarantine": "10m",
                                 "queue_timeout": "30s", "retry": {"max_attempts": 1}, **settings})


def sin(host, deaths):
    """A death, until the place is filled again."""
    assert host.rpc(DO, b"sin").error() == GONE
    host.wait_log("instance.ready", deaths + 1, plugin="sinner")


def quarantine(host, **args):
    return [(row["request"], row["state"], row["deaths"], row["refused"])
            for row in host.admin("quarantine", **args)]


def test_after_two_deaths_it_is_refused_and_the_others_pass(start):
    host = start(plugins=[dies()])
    sin(host, 1)
    [(request, *rest)] = quarantine(host)
    assert rest == ["suspected", 1, 0]
    sin(host, 2)
    told = host.wait_log("request.quarantined")
    assert (told["request"], told["method"], told["deaths"]) == (request, DO, 2)
    for _ in range(3):
        assert host.rpc(DO, b"sin").error() == POISON
    assert host.rpc(DO, b"other").body == b"other"
    assert quarantine(host) == [(request, "quarantined", 2, 3)]
    assert len(host.log("instance.died")) == 2
    assert host.plugin("sinner")["state"] == "serving"
    suspects = host.admin("crashes", id=host.wait_log("crash.kept", 2)["crash"])["suspects"]
    assert suspects == [{"request": request, "method": DO}]


def test_an_http_request_is_known_by_what_it_asks(start):
    host = start(plugins=[dies()], routes=[route("/x/*rest", "sinner")])
    for count in (1, 2):
        headers = [("X-Try", str(count))]
        assert host.http("POST", "/x/sin?a=1", b"body", headers).error() == GONE
        host.wait_log("instance.ready", count + 1, plugin="sinner")
    assert host.http("POST", "/x/sin?a=1", b"body").error() == POISON
    for method, path, body in (("PATCH", "/x/sin?a=1", b"body"), ("POST", "/x/sin?a=2", b"body"),
                               ("POST", "/x/sin?a=1", b"other")):
        assert host.http(method, path, body).error() == GONE
        host.wait_log("instance.ready", len(host.log("instance.died")) + 1, plugin="sinner")


def test_an_idempotent_one_kills_no_third_instance(start):
    host = start(plugins=[dies(instances=3, retry={"max_attempts": 5, "initial_delay": "1ms",
                                                   "max_delay": "1ms"})],
                 routes=[route("/x/*rest", "sinner")])
    assert host.http("GET", "/x/sin").status in (422, 502)
    host.wait_log("request.quarantined")
    assert host.http("GET", "/x/sin").error() == POISON
    assert host.http("GET", "/x/fine").body == b"no sin"


def test_one_that_was_answered_in_between_is_not_to_blame(start):
    host = start(plugins=[plugin("dies_when_told", name="sinner", restart=QUICK, quarantine="10m",
                                 retry={"max_attempts": 1})])
    for deaths in (1, 2, 3):
        with host.connect() as waits:
            waits.ask("POST", f"/rpc/{DO}", b"wait")
            host.wait_log("plugin.stderr", 2 * deaths - 1, msg="waits")  # twice a round
            sin(host, deaths)
            assert waits.read().error() == GONE
        assert host.rpc(DO, b"wait", [("X-Request-Timeout", "50ms")]).status == 504
        assert host.rpc(DO, b"answer the next").body == b"answer the next"
        assert host.rpc(DO, b"wait").body == b"wait"
    [told] = host.log("request.quarantined")
    assert quarantine(host) == [(told["request"], "quarantined", 3, 0)]


def test_a_death_that_others_wanted_blames_nobody(start):
    host = start(plugins=[dies("SIGKILL")])
    for deaths in (1, 2, 3):
        sin(host, deaths)
    assert quarantine(host) == [] and not host.log("request.quarantined")


def test_zero_means_never(start):
    host = start(plugins=[dies(quarantine="0s")])
    for deaths in (1, 2, 3):
        sin(host, deaths)
    assert quarantine(host) == []


def test_it_passes_again_when_its_time_is_over(start):
    host = start(plugins=[dies(quarantine="1ms")])
    for deaths in (1, 2, 3, 4):
        sin(host, deaths)


def test_the_operator_releases_it(start):
    host = start(plugins=[dies()])
    sin(host, 1)
    sin(host, 2)
    host.wait_log("request.quarantined")
    table = host.plugctl("quarantine")
    [(request, *_)] = quarantine(host, plugin="sinner")
    assert request in table and "quarantined" in table and DO in table
    host.plugctl("quarantine", "--release", "0" * 16, status=1)
    host.plugctl("quarantine", "--release", request, "--release-all", status=2)
    host.plugctl("quarantine", "nobody", status=1)
    assert host.plugctl("quarantine", "--release", request) == "1 released\n"
    assert quarantine(host) == []
    sin(host, 3)
    sin(host, 4)
    host.wait_log("request.quarantined", 2)
    assert host.rpc(DO, b"sin").error() == POISON
    assert host.plugctl("quarantine", "sinner", "--release-all") == "1 released\n"
    assert host.plugctl("quarantine").strip().startswith("No request is in quarantine")


def test_a_reload_turns_it_off(start):
    host = start(plugins=[dies()])
    sin(host, 1)
    sin(host, 2)
    host.wait_log("request.quarantined")
    host.settings = {**host.settings, "plugins": [dies(quarantine="0s")]}
    host.write_config()
    host.admin("reload")
    sin(host, 3)


def test_a_swap_lets_it_pass(start):
    host = start(plugins=[dies()])
    sin(host, 1)
    sin(host, 2)
    host.wait_log("request.quarantined")
    host.admin("swap", plugin="sinner")
    assert quarantine(host) == []
    assert host.rpc(DO, b"sin").error() == GONE
