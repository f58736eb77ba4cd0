"""A plugin's own configuration while it runs: it takes the new one, or the reload stops."""
import pytest

from load import Load
from plugd import plugin, route, wait_until
from reload_test import ECHO, differences, host_fixture, pin, refusal, reload, write

__all__ = ["host_fixture"]  # used by its name: host


@pytest.fixture(name="configured")
def configured_fixture(hosts):
    host = hosts(plugins=[plugin("configured", instances=3, config={"greeting": "hello"})],
                 routes=[route("/config", "configured")])
    host.write_config()
    pin(host)
    return host.start()


def configure(host, **changes):
    write(host, plugins=[plugin("configured", instances=3, **changes)])


def configs(host):
    return {host.http("GET", "/config").body for _ in range(6)}


def test_a_running_plugin_takes_its_configuration(configured):
    pids = {row["pid"] for row in configured.instances("configured")}
    with Load(configured, "GET", "/config", clients=8) as load:
        configure(configured, config={"greeting": "bonjour"})
        assert differences(reload(configured)) == [
            ("config", "plugins[configured].config", '{"greeting": "hello"}',
             '{"greeting": "bonjour"}')]
        load.wait_answers(16)
    assert not load.failures
    assert configs(configured) == {b"\x81\xa8greeting\xa7bonjour"}
    assert {row["pid"] for row in configured.instances("configured")} == pids
    configured.kill_instance("configured")
    configured.wait_ready("configured", 4)
    assert configs(configured) == {b"\x81\xa8greeting\xa7bonjour"}
    configure(configured)
    reload(configured)
    assert configs(configured) == {b"\x80"}


@pytest.mark.parametrize("word, settings", [("refuse", {}), ("third", {}), ("die", {}),
                                            ("late", {"handshake_timeout": "2s"})])
def test_a_refusal_stops_the_reload(hosts, word, settings):
    host = hosts(plugins=[plugin("configured", instances=3, config={"a": 1}, **settings),
                          plugin("echo", executable=ECHO)],
                 routes=[route("/config", "configured")])
    host.write_config()
    pin(host)
    host.start()
    write(host, plugins=[plugin("configured", instances=3, config={word: 1}, **settings),
                         plugin("echo", executable=ECHO, args=["-v"])])
    error = refusal(host)
    assert error["code"] == 1705 and "plugin configured" in error["message"], error
    wait_until(lambda: len([row for row in host.instances("configured")
                            if row["state"] == "ready"]) == 3, "all are ready")
    wait_until(lambda: configs(host) == {b"\x81\xa1a\x01"}, "all have the old one")
    assert host.plugin("echo")["generation"] == 1


def test_a_plugin_that_reads_its_configuration_at_its_start_is_swapped(host):
    write(host, plugins=[plugin("echo", executable=ECHO, config={"a": 1})])
    assert differences(reload(host)) == [("config", "plugins[echo].config", None, '{"a": 1}')]
    assert host.plugin("echo")["generation"] == 2
