"""The example auth-demo: its walk through who may what ends as it says."""
import os
import pathlib
import subprocess

from plugd import PATIENCE_S, SANITIZERS, free_port

DEMO = pathlib.Path(os.environ["SOURCE_DIR"]) / "plugins-examples/auth-demo/demo"


def walk(environment=None):
    return subprocess.run([DEMO, os.environ["BUILD_DIR"]], capture_output=True, text=True,
                          check=False, timeout=PATIENCE_S * 5,
                          env={**os.environ, **SANITIZERS, "PORT": str(free_port()),
                               **(environment or {})})


def test_each_answer_is_the_one_that_was_expected():
    done = walk()
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("who:    ada", "by:     jwt", "who:    batch", "by:     mtls", "who:    till",
                 "Each answer was the one that was expected."):
        assert line in done.stdout, done.stdout
    assert done.stdout.count(": 401") == 6 and done.stdout.count(": 403") == 1


def test_an_answer_that_was_not_expected_is_told():
    done = walk({"PLUGD_HTTP_BODY_LIMIT": "1B", "PLUGD_HTTP_AUTH_METHODS": "none"})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "401 was expected" in done.stdout
