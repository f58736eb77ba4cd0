"""A share of the calls goes to the next generation first, and decides what becomes of it."""
import hashlib
import json

import pytest

from load import Load
from plugd import PLUGINS, PYTHON, plugin, route, whitelist_entry
from swap_test import refusal

# How slow a canary may be is judged in unit tests: here nothing depends on the machine.
SLOW_MS = 60000


@pytest.fixture(name="serve")
def serve_fixture(hosts):
    """serve(**settings): serves from tests/plugins/state.py; other plugins of tests/plugins may
    follow it."""
    def serve(**settings):
        host = hosts(plugins=[plugin("state", retry={"initial_delay": "1ms"})],
                     routes=[route("/count", "state"), route("/count/*rest", "state")], **settings)
        host.write_config()
        host.write_whitelist([whitelist_entry(path) for path in
                              (PLUGINS / "state", PLUGINS / "dies", PLUGINS / "slow", PYTHON)])
        return host.start()
    return serve


@pytest.fixture(name="host")
def host_fixture(serve):
    return serve()


def generation_of(response):
    """state.py tells which instance answers."""
    return int(response.body.split()[1].split(b"/")[1])


def test_a_canary_that_does_as_well_takes_over(host):
    with Load(host, "GET", "/count", clients=8) as load:
        with host.order("swap", plugin="state", canary_permille=200, canary_ms=1000,
                        max_p99_ms=SLOW_MS) as order:
            assert order.reply()["ok"]
        assert {news["step"] for news in order.news} >= {"start", "canary", "drain"}
    assert not load.failures
    assert generation_of(host.http("GET", "/count")) == 2


def shown_swap(host):
    """In the table of `plugctl plugins`."""
    headings, row = host.plugctl("plugins").splitlines()[:2]
    return row[headings.index("SWAP"):].split()[0]


def test_a_swap_that_is_under_way_is_shown_with_its_step(host):
    assert (host.plugin("state")["swap_step"], shown_swap(host)) == (None, "-")
    with host.order("swap", plugin="state", canary_permille=500, canary_ms=3600000,
                    max_p99_ms=SLOW_MS) as order:
        host.wait_log("swap.step", step="canary")
        assert (host.plugin("state")["swap_step"], shown_swap(host)) == ("canary", "canary")
        host.plugctl("swap", "state", "--abort")
        assert not order.reply()["ok"]
    assert (host.plugin("state")["swap_step"], shown_swap(host)) == (None, "-")


def test_a_canary_that_fails_is_undone_and_no_client_notices(host):
    """Its calls die with it; they are idempotent, so the old generation answers them."""
    with Load(host, "GET", "/count/sin", clients=8) as load:
        error = refusal(host, "state", executable=str(PLUGINS / "dies"), canary_permille=300,
                        canary_ms=60000, max_p99_ms=SLOW_MS)
        load.wait_answers(16)
    assert not load.failures
    assert error["code"] in (1704, 1203), error
    assert generation_of(host.http("GET", "/count")) == 1


def test_a_canary_that_nobody_calls_proves_nothing(host):
    error = refusal(host, "state", canary_permille=500, canary_ms=1)
    assert error["code"] == 1704 and "no call" in error["message"]


def test_the_same_key_stays_with_one_generation(host):
    with host.order("swap", plugin="state", canary_permille=500, canary_ms=60000,
                    max_p99_ms=SLOW_MS, canary_key="x-user"):
        host.wait_log("swap.step", step="canary")
        seen = {}
        for user in [f"user {number}" for number in range(12)] * 3:
            response = host.http("GET", "/count", headers=[("X-User", user)])
            seen.setdefault(user, set()).add(generation_of(response))
        assert all(len(generations) == 1 for generations in seen.values())
        assert {next(iter(generations)) for generations in seen.values()} == {1, 2}
        host.plugctl("swap", "state", "--abort")


def test_a_key_that_is_a_credential_stays_with_one_generation_too(serve, tmp_path):
    """Plugins don't see it, but it tells callers apart."""
    keys = [f"plugd_{number:012x}_{'5e' * 32}" for number in range(12)]
    rows = [{"id": key.split("_")[1], "hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest()}
            for key in keys]
    file = tmp_path / "keys.yaml"
    file.write_text(json.dumps({"keys": rows}))
    file.chmod(0o600)
    host = serve(identity={"api_keys": str(file)}, http={"auth": "api_key"})
    with host.order("swap", plugin="state", canary_permille=500, canary_ms=60000,
                    max_p99_ms=SLOW_MS, canary_key="x-api-key"):
        host.wait_log("swap.step", step="canary")
        for key in keys:
            seen = {generation_of(host.http("GET", "/count", headers=[("X-Api-Key", key)]))
                    for _ in range(6)}
            assert len(seen) == 1
        host.plugctl("swap", "state", "--abort")


def test_a_share_is_a_share(host):
    with host.order("swap", plugin="state", canary_permille=1000, canary_ms=60000,
                    max_p99_ms=SLOW_MS):
        host.wait_log("swap.step", step="canary")
        assert all(generation_of(host.http("GET", "/count")) == 2 for _ in range(10))
        host.plugctl("swap", "state", "--abort")
    assert generation_of(host.http("GET", "/count")) == 1


@pytest.mark.parametrize("args", [["--canary", "101%"], ["--canary", "5"], ["--for", "1s"],
                                  ["--canary", "5%", "--max-errors", "many"]])
def test_shares_that_are_none(host, args):
    host.plugctl("swap", "state", *args, status=2)
