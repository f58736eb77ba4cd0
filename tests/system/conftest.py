"""Fixtures: a host that is stopped and examined after each test, a stage for puppets, and a cast: a
plugin and the one that stands in for it.
"""
import pytest

import plugd
from cast import lend_casts
from certificates import Authority
from puppets import Stage

plugd.adopt_orphans()


def lend_hosts(directory):
    """Lends a function that makes hosts; afterwards stops and examines those that still run."""
    made = []

    def make(environment=None, **settings):
        home = directory / f"host{len(made)}"
        home.mkdir()
        made.append(plugd.Host(home, settings, environment))
        return made[-1]

    try:
        yield make
        for host in made:
            if host.process and host.process.returncode is None:
                host.stop()
    finally:
        for host in made:
            host.discard()


@pytest.fixture
def hosts(tmp_path):
    """hosts(**settings): a host that is not started yet."""
    yield from lend_hosts(tmp_path)


@pytest.fixture(scope="module")
def shared_hosts(tmp_path_factory):
    """The same for hosts that all tests of a file share."""
    yield from lend_hosts(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def start(hosts):
    """start(plugins=…, routes=…): a host that runs and whose plugins are ready."""
    def start_one(ready=None, environment=None, **settings):
        return hosts(environment, **settings).start(ready)
    return start_one


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """An authority that issues certificates to all tests of a file."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def begin(hosts, tmp_path):
    """begin(main={…}, spare={…}): a cast."""
    yield from lend_casts(hosts, tmp_path)


@pytest.fixture
def cast(begin):
    return begin()


@pytest.fixture
def lost(cast):
    """The plugin was there, and is in a crash loop."""
    cast.lose()
    return cast
