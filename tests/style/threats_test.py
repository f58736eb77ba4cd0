"""docs/THREATS.md names a test for each wall: it must be there."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent.parent
NAMED = re.findall(r"`((?:unit|system|fuzz)/\w+\.(?:py|c))(?:::(\w+))?`",
                   (ROOT / "docs/THREATS.md").read_text(encoding="utf-8"))


def test_each_wall_has_its_test():
    assert len(NAMED) > 30
    for file, name in NAMED:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"\b{name}\(", text), f"{file} has no {name}"
