"""Who stands in for whom, as an operator changes it while the host runs."""
import json

import plug
from cast import DO, NOT_READY


def test_an_operators_call_asks_the_plugin_itself(lost):
    assert json.loads(lost.host.plugctl("--output", "json", "call", "sin.v1.Sin/Do",
                                        "--data", "x", status=1))["outcome"] == "PLUGIN_NOT_READY"
    assert lost.stood_in() == 0


def test_a_reload_brings_a_stand_in_and_takes_it_away(begin):
    cast = begin(main={"on_unavailable": "fail"}, ready=["main"], spare={"enabled": False})
    cast.lose()
    assert cast.host.http("POST", DO, b"x").error() == NOT_READY
    cast.rewrite(main={"on_unavailable": "spare"}, spare={"enabled": True})
    with cast.host.order("reload") as order:
        cast.spare = cast.stages["spare"].puppet()
        cast.spare.pong()
        reply = order.reply()
    assert ("live", "plugins[main].on_unavailable", "fail", "spare") in [
        (row["apply"], row["setting"], row["before"], row["after"])
        for row in reply["result"]["changes"]]
    cast.check_stands_in()
    client = cast.ask("POST", DO, b"x")
    frame = cast.spare.expect("request")
    cast.rewrite(main={"on_unavailable": "fail"}, spare={"enabled": False})
    assert cast.reload()["ok"]
    assert cast.host.http("POST", DO, b"x").error() == NOT_READY
    cast.spare.reply(frame, b"who came before")
    assert client.read().body == b"who came before"
    assert cast.logged()["stand_in"] == "spare"


def test_a_reload_that_leaves_two_with_the_same_service_is_refused(cast):
    cast.rewrite(main={"on_unavailable": "fail"})
    reply = cast.reload()
    assert reply["error"]["code"] == 1903, reply
    assert cast.host.plugin("main")["on_unavailable"] == "spare"
    cast.lose()
    cast.check_stands_in()


def test_a_stand_in_cannot_be_removed(cast):
    cast.rewrite(spare=None)
    reply = cast.reload()
    assert reply["error"]["code"] == 1006 and "on_unavailable" in reply["error"]["message"], reply
    cast.lose()
    cast.check_stands_in()


def test_a_stand_in_may_not_lose_what_routes_use(cast):
    with cast.host.order("swap", plugin="spare") as order:
        cast.stages["spare"].newcomer().greet(manifest=plug.manifest("other.v1.Other"))
        reply = order.reply()
    assert reply["error"]["code"] == 1702, reply


def test_a_rollback_of_the_plugin_brings_no_older_stand_in_back(begin):
    cast = begin(third={}, ready=["main"])
    for name in ("spare", "third"):
        cast.enter(name, manifest=plug.manifest(f"other.v1.{name.title()}"))

    def replace_main(command):
        old = cast.main
        with cast.host.order(command, plugin="main") as order:
            cast.main = cast.stages["main"].puppet()
            cast.main.pong()
            old.expect("drain")
            old.send(bye={})
            old.end()
            assert order.reply()["ok"]

    replace_main("swap")
    cast.rewrite(main={"on_unavailable": "third"})
    assert cast.reload()["ok"]
    replace_main("rollback")
    cast.lose()
    client = cast.ask("GET", "/p/x")
    cast.third.answer(cast.third.expect("request"), b"from the third")
    assert client.read().body == b"from the third"
    assert cast.host.plugin("main")["on_unavailable"] == "third"
