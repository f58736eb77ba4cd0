"""Which route a request takes, by host, scheme and types of params; what routes get from groups;
redirects and rewrites; and what an operator is told about it. One host for nearly all of it.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

from h2_client import H2
from plugd import PLUGCTL, SANITIZERS, plugin, route

LOCAL = "127.0.0.1"

SETTINGS = {
    "trusted_proxies": [LOCAL],
    "plugins": [plugin("good")],
    "groups": [
        {"name": "api", "prefix": "/api/:version<int>", "hosts": ["api.example.com"],
         "methods": ["GET", "PUT"], "plugin": "good", "body_limit": 4,
         "deny": ["192.0.2.0/24"], "cors": {"origins": ["https://app.example.com"]}},
        {"name": "shared", "prefix": "/shared", "plugin": "good",
         "rate_limit": {"per_second": 1, "burst": 10}},
        {"name": "moved", "host": "old.example.com",
         "redirect": {"to": "https://new.example.com{path}", "status": "301"}},
    ],
    "routes": [
        route("/x/mirror", "good"),
        route("/x/mirror", "good", hosts=["a.example.com", "*.example.org"], rewrite="/a/mirror"),
        route("/x/mirror", "good", host="*.deep.example.org", rewrite="/deep/mirror"),
        route("/typed/:id<int>/mirror", "good", rewrite="/int/:id/mirror"),
        route("/typed/:id<uuid>/mirror", "good", rewrite="/uuid/:id/mirror"),
        route("/only/:id<hex>/mirror", "good"),
        route("/in/:id/*rest", "good", rewrite="/internal/*rest"),
        {"path": "/users/mirror", "group": "api"},
        {"path": "/big/mirror", "group": "api", "body_limit": "1KiB", "deny": [],
         "host": "big.example.com"},
        {"path": "/a/mirror", "group": "shared"},
        {"path": "/b/mirror", "group": "shared"},
        {"path": "/own/mirror", "group": "shared", "rate_limit": {"per_second": 1, "burst": 1}},
        route("/bucket/mirror", "good", host="one.example.com", rate_limit={"per_second": 1}),
        route("/bucket/mirror", "good", host="two.example.com", rate_limit={"per_second": 1}),
        {"path": "/*all", "group": "moved"},
        {"path": "/stays/mirror", "group": "moved", "plugin": "good"},
        {"path": "/old/:id", "redirect": "/new/:id?from=old"},
        {"path": "/out/*rest", "redirect": {"to": "/*rest", "query": "drop", "status": "302"}},
        {"path": "/303", "method": "POST", "redirect": {"to": "/x/mirror", "status": "303"}},
        {"path": "/secure/*all", "scheme": "http",
         "redirect": {"to": "https://{host}:8443{path}", "status": "308"}},
        route("/secure/mirror", "good"),
    ],
}


@pytest.fixture(scope="module")
def host(shared_hosts):
    return shared_hosts(**SETTINGS).start()


def ask(host, path, authority="test", method="GET", headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    with host.connect() as client:
        client.send("\r\n".join(lines + ["", ""]).encode() + body)
        return client.read(method)


def seen(host, path, authority="test", **request):
    """What the plugin saw."""
    answer = ask(host, path, authority, **request)
    assert answer.status == 200, answer
    return answer.json()


def location(answer):
    assert answer.body == b""
    return answer.status, answer.header("location")


# ---- hosts


@pytest.mark.parametrize("authority, path", [
    ("test", "/x/mirror"),
    ("a.example.com", "/a/mirror"),
    ("A.Example.COM.:8080", "/a/mirror"),
    ("www.example.org", "/a/mirror"),
    ("x.deep.example.org", "/deep/mirror"),
    ("example.org", "/x/mirror"),
])
def test_the_host_decides_and_the_more_exact_one_wins(host, authority, path):
    assert seen(host, "/x/mirror", authority)["path"] == path
    with H2(host.address) as client:
        stream = client.begin(client.fields("GET", "/x/mirror", authority=authority))
        assert json.loads(client.answer(stream).body)["path"] == path


def test_the_host_is_the_one_that_a_trusted_proxy_tells(host):
    told = seen(host, "/x/mirror", headers=[("X-Forwarded-For", "198.51.100.1"),
                                            ("X-Forwarded-Host", "a.example.com")])
    assert told["path"] == "/a/mirror"


def test_a_route_without_hosts_is_found_where_the_better_host_has_none(host):
    assert seen(host, "/typed/7/mirror", "a.example.com")["path"] == "/int/7/mirror"


# ---- types and rewrites


def test_the_type_decides_and_nothing_that_fits_is_404(host):
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    assert seen(host, "/typed/-7/mirror")["params"] == {"id": "-7"}
    assert seen(host, f"/typed/{uuid}/mirror")["path"] == f"/uuid/{uuid}/mirror"
    assert ask(host, "/typed/seven/mirror").error() == (404, "NOT_FOUND")
    assert ask(host, "/only/xyz/mirror").error() == (404, "NOT_FOUND")
    assert seen(host, "/only/beef/mirror")["params"] == {"id": "beef"}


def test_the_plugin_sees_the_rewritten_path_and_the_rest_as_it_was(host):
    told = seen(host, "/in/7/a%20b/c%2Fd/%25/mirror?q=1")
    assert told["path"] == "/internal/a b/c%2Fd/%25/mirror"
    assert told["query"] == "q=1" and told["route"] == "/in/:id/*rest"
    assert told["params"] == {"id": "7", "rest": "a b/c/d/%/mirror"}


# ---- groups


API = "api.example.com"


def test_a_route_has_what_its_group_says(host):
    told = seen(host, "/api/2/users/mirror", API, method="PUT", body=b"four")
    assert told["route"] == "/api/:version<int>/users/mirror"
    assert told["params"] == {"version": "2"}
    assert ask(host, "/api/2/users/mirror").error() == (404, "NOT_FOUND")
    assert ask(host, "/api/two/users/mirror", API).error() == (404, "NOT_FOUND")
    wrong = ask(host, "/api/2/users/mirror", API, method="DELETE")
    assert wrong.error() == (405, "METHOD_NOT_ALLOWED")
    assert wrong.header("allow") == "GET, HEAD, PUT"
    large = ask(host, "/api/2/users/mirror", API, method="PUT", body=b"fives")
    assert large.error() == (413, "PAYLOAD_TOO_LARGE")
    denied = ask(host, "/api/2/users/mirror", API, headers=[("X-Forwarded-For", "192.0.2.7")])
    assert denied.error() == (403, "ADDRESS_FORBIDDEN")
    origin = "https://app.example.com"
    answer = ask(host, "/api/2/users/mirror", API, headers=[("Origin", origin)])
    assert answer.header("access-control-allow-origin") == origin


def test_what_a_route_says_itself_wins(host):
    big = "big.example.com"
    assert seen(host, "/api/2/big/mirror", big, method="PUT", body=b"x" * 100)
    assert seen(host, "/api/2/big/mirror", big, headers=[("X-Forwarded-For", "192.0.2.7")])
    assert ask(host, "/api/2/big/mirror", API).error() == (404, "NOT_FOUND")


def burst(host, *places):
    """The statuses of twenty requests to each of the places in turn, on one connection."""
    with host.connect() as client:
        for _ in range(20):  # more than any time that this takes brings back
            for authority, path in places:
                client.send(f"GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        return [client.read().status for _ in range(20 * len(places))]


def test_a_limit_of_a_group_is_for_all_its_routes_together(host):
    statuses = burst(host, ("test", "/shared/a/mirror"), ("test", "/shared/b/mirror"))
    assert statuses[:10] == [200] * 10 and 429 in statuses[10:20]
    assert ask(host, "/shared/own/mirror").status == 200  # a bucket of its own


def test_the_same_path_of_two_hosts_has_two_limits(host):
    statuses = burst(host, ("one.example.com", "/bucket/mirror"))
    assert statuses[0] == 200 and 429 in statuses
    assert ask(host, "/bucket/mirror", "two.example.com").status == 200


# ---- redirects


def test_a_redirect_leads_where_it_says(host):
    assert location(ask(host, "/old/a%20b%2Fc")) == (307, "/new/a%20b%2Fc?from=old")
    assert location(ask(host, "/old/7?q=1")) == (307, "/new/7?from=old&q=1")
    assert location(ask(host, "/out/a/b?q=1")) == (302, "/a/b")
    assert location(ask(host, "/303", method="POST", body=b"x")) == (303, "/x/mirror")
    assert location(ask(host, "/old/7", method="HEAD")) == (307, "/new/7?from=old")
    moved = ask(host, "/a/%C3%A4/?q=1", "old.example.com")
    assert location(moved) == (301, "https://new.example.com/a/%C3%A4/?q=1")
    assert ask(host, "/stays/mirror", "old.example.com").status == 200
    with H2(host.address) as client:
        answer = client.answer(client.ask("GET", "/old/7"))
        assert location(answer) == (307, "/new/7?from=old")


def test_http_is_sent_to_https_and_https_is_served(host):
    assert location(ask(host, "/secure/mirror?q=1", "a.example:8080")) == (
        308, "https://a.example:8443/secure/mirror?q=1")
    https = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")]
    assert seen(host, "/secure/mirror", "a.example", headers=https)["scheme"] == "https"


@pytest.mark.parametrize("rest", ["/evil.example", "//evil.example/x", "%5Cevil.example",
                                  "/%5C/evil.example", "%2Fevil.example", "%2F%2Fevil.example"])
def test_no_path_leads_to_another_host(host, rest):
    status, where = location(ask(host, "/out/" + rest))
    assert status == 302 and where[0] == "/" and where[1] not in "/\\"


def test_a_line_break_in_a_path_ends_no_header(host):
    answer = ask(host, "/out/a%0d%0aSet-Cookie:%20x=1")
    assert answer.error() == (400, "BAD_REQUEST")  # before it comes to a route
    assert location(ask(host, "/out/a%C2%85b")) == (302, "/a%C2%85b")


def test_a_request_that_names_no_host_is_not_sent_to_one_of_its_path(host):
    with host.connect() as client:
        client.send(b"GET /secure//evil.example/x HTTP/1.0\r\n\r\n")
        assert client.read().error() == (400, "BAD_REQUEST")


def test_a_redirect_is_in_the_log_and_in_the_list_of_routes(host):
    ask(host, "/old/logged")
    assert host.wait_log("http.request", target="/old/logged", status=307)["plugin"] == "-"
    row = next(row for row in host.admin("routes") if row["path"] == "/old/:id")
    assert row["resolved"] and row["plugin"] is None
    assert row["redirect"] == row["target"] == "/new/:id?from=old"


# ---- what an operator is told


def match(host, request):
    told = host.admin("routes", match=request)
    return told, {row["path"] + (row["hosts"] or [""])[0]: row for row in told["candidates"]}


def test_match_tells_who_wins_and_why_the_others_do_not(host):
    told, rows = match(host, "GET http://x.deep.example.org/x/mirror")
    assert told["verdict"] == "found"
    assert told["request"] == {"method": "GET", "scheme": "http", "host": "x.deep.example.org",
                               "path": "/x/mirror"}
    winner = told["candidates"][0]
    assert winner["wins"] and winner["rewrite"] == "/deep/mirror" and winner["plugin"] == "good"
    assert [row["wins"] for row in told["candidates"]].count(True) == 1
    assert "names the host more exactly" in rows["/x/mirror"]["why"]
    assert rows["/*allold.example.com"]["why"] == "it is for other hosts"

    told, rows = match(host, "/typed/7/mirror")
    assert told["params"] == {"id": "7"}
    assert rows["/typed/:id<uuid>/mirror"]["why"] == '"7" is not of the type uuid'

    told, rows = match(host, "GET /303")
    assert told["verdict"] == "405 METHOD_NOT_ALLOWED" and "params" not in told
    assert rows["/303"]["why"] == "it is for other methods"
    assert match(host, "GET /none")[0]["verdict"] == "404 NOT_FOUND"
    assert match(host, "GET /health/live")[0]["verdict"] == "plugd answers itself"
    told, rows = match(host, "https://test/secure/mirror")
    assert rows["/secure/*all"]["why"] == "it is for http"
    told, rows = match(host, "/secure/mirror")
    assert "it is for every scheme, the winner for http" == rows["/secure/mirror"]["why"]


def test_plugctl_shows_it_and_does_so_without_a_host_too(host):
    text = host.plugctl("routes", "--match", "PUT http://api.example.com/api/2/users/mirror")
    lines = text.splitlines()
    assert lines[0] == ("PUT http://api.example.com/api/2/users/mirror: found, version=2")
    assert lines[1].split() == ["WINS", "METHODS", "HOSTS", "PATH", "PLUGIN", "TARGET", "WHY"]
    assert lines[2].startswith("yes") and "/api/:version<int>/users/mirror" in lines[2]
    offline = host.plugctl("routes", "--config", str(host.config), "-m",
                           "PUT http://api.example.com/api/2/users/mirror")
    assert offline == text
    asked = ["-o", "json", "routes", "-m", "GET /old/7"]
    online = json.loads(host.plugctl(*asked))
    assert json.loads(host.plugctl(*asked, "-c", str(host.config))) == online
    assert online["candidates"][0]["redirect"] == "/new/:id?from=old"
    assert "No route has such a path." in host.plugctl("routes", "-m", "/rpc/x")


@pytest.mark.parametrize("request_line", ["", "GET", "GET x", "G(T /x", "GET /a%zz",
                                          "GET http://a b/"])
def test_what_is_no_request_is_refused(host, request_line):
    reply = host.admin_raw(json.dumps({"command": "routes", "args": {"match": request_line}}))
    assert not reply["ok"] and "GET /path" in reply["error"]["message"]
    host.plugctl("routes", "-c", str(host.config), "-m", request_line, status=1)
    host.plugctl("routes", "-c", str(host.config), status=2)


# ---- the documentation


def test_the_routes_of_the_documentation_do_what_it_says(tmp_path):
    text = (pathlib.Path(os.environ["SOURCE_DIR"]) / "docs/EDGE.md").read_text()
    section = text.split("\n## Routes\n")[1].split("\n## ")[0]
    first, second = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)

    def winner(yaml, request):
        (tmp_path / "plugd.yaml").write_text(yaml)
        told = subprocess.run(
            [PLUGCTL, "-o", "json", "routes", "-c", tmp_path / "plugd.yaml", "-m", request],
            env=SANITIZERS, capture_output=True, check=True).stdout
        return json.loads(told)["candidates"][0]

    won = winner(first, "GET https://api.example.com/api/v1/users/me")
    assert (won["path"], won["plugin"]) == ("/api/v1/users/me", "users")
    assert winner(first, "GET https://api.example.com/about")["plugin"] == "site"
    assert winner(first, "GET /files/a/b")["rewrite"] == "/public/*rest"
    assert winner(first, "GET http://old.example.com/x")["redirect"]
    assert winner(second, "GET http://a.example/x")["redirect"] == "https://{host}{path}"


# ---- other groups at a reload


def test_a_reload_takes_over_what_a_group_says(start):
    host = start(plugins=[plugin("good")], groups=[{"name": "g", "prefix": "/a"}],
                 routes=[{"path": "/mirror", "group": "g", "plugin": "good"}])
    assert ask(host, "/a/mirror").status == 200
    host.settings["groups"] = [{"name": "g", "prefix": "/b", "host": "b.example"}]
    host.write_config()
    host.plugctl("reload")
    assert ask(host, "/a/mirror").status == 404
    assert ask(host, "/b/mirror", "b.example").status == 200
