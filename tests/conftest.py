"""For all tests in Python: what they write is gone when they end."""
import os
import shutil
import tempfile

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.home_of_tests = tempfile.mkdtemp(prefix="plugd-tests-")
    config.option.basetemp = os.path.join(config.home_of_tests, "t")


def pytest_unconfigure(config):
    shutil.rmtree(config.home_of_tests, ignore_errors=True)
