"""tools/check-layers finds each way to break the order, and nothing in a tree that keeps it."""
import pytest
import samples


def check(tmp_path, files):
    return samples.run("check-layers", samples.plant(tmp_path, files))


def source(*includes):
    return "".join(f"#include {include}\n" for include in includes)


def test_a_tree_in_order_has_no_fault(tmp_path):
    files = {
        "host/main.c": source('"host.h"', '"edge/edge.h"', '"config/config.h"'),
        "host/host.h": source('"base/loop.h"'),
        "host/base/loop.h": source("<ev.h>"),
        "host/net/http1_head.c": source("<llhttp.h>", '"net/http1.h"', '"observe/log.h"'),
        "host/edge/edge.c": source('"registry/service.h"', '"proto/wire_http.h"'),
        "host/config/config.h": source('"admin/admin_opts.h"', '"base/units.h"'),
        "sdk/plug.c": source('"sdk/plug.h"', '"proto/wire.h"'),
    }
    assert check(tmp_path, files)[0] == 0


@pytest.mark.parametrize(
    "path, include, words",
    [
        ("host/base/x.c", '"observe/log.h"', "base may not include observe"),
        ("host/net/x.c", '"trust/digest.h"', "net may not include trust"),
        ("host/plugin/x.h", '"dispatch/dispatch.h"', "plugin may not include dispatch"),
        ("host/edge/x.c", '"config/config.h"', "edge may not include config"),
        ("host/admin/x.c", '"config/config.h"', "admin may not include config"),
        ("host/plugin/x.c", '"sdk/plug.h"', "host/ may not include sdk/"),
        ("host/base/x.c", '"tests/support/unit.h"', "host/ may not include tests/"),
        ("sdk/x.c", '"base/str.h"', "sdk/ may not include host/"),
        ("proto/x.c", '"sdk/plug.h"', "proto/ may not include sdk/"),
        ("host/net/x.c", "<ev.h>", "belongs to its door"),
        ("host/net/conn.c", "<llhttp.h>", "belongs to its door"),
        ("host/edge/x.c", "<openssl/evp.h>", "belongs to its door"),
        ("host/plugin/x.c", "<pb_encode.h>", "belongs to its door"),
        ("host/admin/x.c", '"edge/edge_internal.h"', "for the room edge alone"),
        ("host/base/x.c", '"door.h"', 'write "room/file.h"'),
        ("host/cellar/x.c", '"base/str.h"', "has no level"),
    ],
)
def test_a_broken_order_is_found(tmp_path, path, include, words):
    status, said = check(tmp_path, {path: "/* x */\n" + source(include)})
    assert status == 1
    assert f"{path}:2: " in said
    assert words in said
    assert "1 faults" in said


def test_an_empty_tree_is_not_taken_for_a_good_one(tmp_path):
    assert samples.run("check-layers", tmp_path)[0] == 1
