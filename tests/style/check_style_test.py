"""tools/check-style finds what it promises to find, and mends what it promises to mend."""
import pytest
import samples

LONG = " ".join(["word"] * 25)


def check(tmp_path, files, *args):
    return samples.run("check-style", *args, "--root", samples.plant(tmp_path, files))


def function(lines, table="", rows=0):
    data = table + "\t\t{1},\n" * rows + "\t};\n" if table else ""
    return "/* x */\n/* clang-format off */\nint x(void)\n{\n" + data + "\tx();\n" * lines + "}\n"


def test_a_tidy_tree_has_no_fault(tmp_path):
    files = {
        "tools/x": "#!/bin/sh\n# Says x.\necho x\n",
        "host/base/door_frame.c": '/* x */\n#include "base/door.h"\n\n#include <stdio.h>\n',
        "tests/plugins/slow.py": '"""Is slow."""\nimport time\n\ntime.sleep(5)\n',
        "host/base/long.c": function(60),
        "host/base/table.c": function(55, "\tstatic const struct row rows[] = {\n", 20),
        "host/base/hash.c": '/* x */\n#include "base/a.h"\n\n#define A 1\n#include <uthash.h>\n',
    }
    status, said = check(tmp_path, files)
    assert (status, said) == (0, "8 files, 0 faults\n")


@pytest.mark.parametrize(
    "path, text, line, words",
    [
        ("host/x.c", "/* x */\nint  x;\n", 2, "clang-format"),
        ("host/x.c", "/* x */\nint x = 1 +\n\t2;\n", 2, "clang-format"),
        ("host/x.c", f"/* {LONG} */\n", 1, "columns, 100 at most"),
        ("tests/x.py", f'"""x"""\n# {LONG}\n', 2, "columns, 100 at most"),
        ("host/x.c", "int x;\n", 1, "does not open with a comment"),
        ("tools/x", "#!/bin/sh\necho x\n", 1, "does not open with a comment"),
        ("tests/x.py", "import sys\n", 1, "does not open with a comment"),
        ("host/x.c", "/* x */\n/* TODO: more */\n", 2, "TODO"),
        ("host/x.c", "/* x */\n#if 0\n#endif\n", 2, "#if 0"),
        ("tests/x.py", '"""x"""\nx = 1  # FIXME\n', 2, "FIXME"),
        ("host/x.c", "/* x */\n/* Called by\n * users.c. */\n", 3, "there is no users.c"),
        ("host/x.c", "/* x.c, net/x.c */\n", 1, "there is no net/x.c"),
        ("host/x.c", "/* x */\n" + "int x;\n" * 600, 601, "601 lines, 600 at most"),
        ("host/x.c", function(61), 4, "a function of 61 lines"),
        ("tests/unit/x.c", "/* x */\nint x = usleep(1);\n", 2, "never sleeps"),
        ("tests/system/x_test.py", '"""x"""\ntime.sleep(1)\n', 2, "never sleeps"),
        ("host/x.c", '/* x */\n#include "base/a.h"\n\n#include <a.h>\n', 4, "comes before"),
        ("host/x.c", '/* x */\n#include <a.h>\n#include "base/a.h"\n', 2, "blocks of their own"),
        ("host/base/door.c", "/* x */\n#include <a.h>\n", 1, "own header is not its first"),
        (
            "host/base/door.c",
            '/* x */\n#include <a.h>\n\n#include "base/door.h"\n',
            4,
            "own header comes before",
        ),
    ],
)
def test_a_fault_is_found_at_its_line(tmp_path, path, text, line, words):
    status, said = check(tmp_path, {path: text})
    assert status == 1
    assert f"{path}:{line}: " in said
    assert words in said


def test_unsorted_includes_are_found(tmp_path):
    text = '/* x */\n#include "base/b.h"\n#include "base/a.h"\n'
    status, said = check(tmp_path, {"host/x.c": text})
    assert status == 1
    assert "the includes are not sorted" in said


def test_an_empty_tree_is_not_taken_for_a_tidy_one(tmp_path):
    assert samples.run("check-style", "--root", tmp_path)[0] == 1


def test_fix_wraps_a_paragraph_and_keeps_the_next_one(tmp_path):
    text = f"/* {LONG}\n * tail.\n *\n * Another {LONG}\n *\t- a drawing\n */\n"
    text += f"int  x; /* {LONG} */\n"
    status, _ = check(tmp_path, {"host/x.c": text}, "--fix")
    mended = (tmp_path / "host/x.c").read_text()
    assert status == 0
    words = text.replace(" * ", " ").replace("int  x;", "").split()
    assert mended.replace(" * ", " ").replace("int x;", "").split() == words
    assert "\n *\n * Another word" in mended
    assert "word tail.\n" in mended
    assert mended.endswith("word */\nint x;\n")


def test_fix_changes_nothing_the_second_time(tmp_path):
    check(tmp_path, {"host/x.c": f"/* {LONG} {LONG} */\n"}, "--fix")
    first = (tmp_path / "host/x.c").read_text()
    check(tmp_path, {"host/x.c": first}, "--fix")
    assert (tmp_path / "host/x.c").read_text() == first
