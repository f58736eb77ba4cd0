"""Who asks, who may, and how often: the client's address behind proxies, lists of addresses, limits
for each client, and headers that browsers heed. Each test fails when its setting is ignored.
"""
import subprocess

import pytest

from plugd import PLUGD, plugin, route, wait_until

LOCAL = "127.0.0.1"
MIRROR = {"plugins": [plugin("good")], "routes": [route("/x/mirror", "good")]}


def mirror(host, *headers, path="/x/mirror"):
    """What the plugin was told."""
    response = host.http("GET", path, headers=headers)
    assert response.status == 200, response
    return response.json()


def names_told(seen):
    return [name for name, _ in seen["headers"]]


# ---- who is asking


CLAIMS = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"),
          ("X-Forwarded-Host", "a.example"), ("Forwarded", "for=192.0.2.8;proto=https"),
          ("X-Real-IP", "192.0.2.9"), ("X_Forwarded_For", "192.0.2.10")]


def test_nobody_is_believed_who_is_not_trusted(start):
    host = start(**MIRROR)
    seen = mirror(host, *CLAIMS, ("X-Other", "stays"))
    assert seen["peer"].startswith(LOCAL + ":") and seen["peer"] != LOCAL + ":0"
    assert (seen["scheme"], seen["authority"]) == ("http", "test")
    assert sorted(names_told(seen)) == ["host", "x-other"]


def test_a_trusted_proxy_is_believed_and_its_headers_stay_here(start):
    host = start(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"], **MIRROR)
    seen = mirror(host, *CLAIMS, ("X-Forwarded-For", "198.51.100.1, 10.9.9.9"))
    assert seen["peer"] == "198.51.100.1:0"
    assert (seen["scheme"], seen["authority"]) == ("https", "a.example")
    assert seen["headers"] == [["host", "a.example"]]
    record = host.wait_log("http.request")
    assert record["peer"] == "198.51.100.1:0" and record["via"].startswith(LOCAL + ":")


def test_the_other_way_is_looked_at_when_it_is_set_and_then_alone(start):
    host = start(trusted_proxies=[LOCAL], forwarded_by="forwarded", **MIRROR)
    seen = mirror(host, *CLAIMS)
    assert (seen["peer"], seen["scheme"], seen["authority"]) == ("192.0.2.8:0", "https", "test")


def test_a_proxy_whose_words_cannot_be_read_is_refused(start):
    host = start(trusted_proxies=[LOCAL], **MIRROR)
    refused = host.http("GET", "/x/mirror", headers=[("X-Forwarded-For", "no address")])
    assert refused.error() == (400, "BAD_REQUEST")
    assert mirror(host, ("X-Forwarded-For", "unknown"))["peer"] == "unknown"


# ---- who may


def forwarded(address):
    return [("X-Forwarded-For", address)]


@pytest.mark.parametrize("setting, passes, refused", [
    ({"deny": ["192.0.2.0/24"]}, "198.51.100.1", "192.0.2.7"),
    ({"allow": ["192.0.2.0/24"]}, "192.0.2.7", "198.51.100.1"),
    ({"allow": ["192.0.2.0/24"], "deny": ["192.0.2.7"]}, "192.0.2.8", "192.0.2.7"),
    ({"allow": ["::/0"]}, "2001:db8::1", "192.0.2.7"),
    ({"allow": ["0.0.0.0/0"]}, "192.0.2.7", "unknown"),
])
@pytest.mark.parametrize("place", ["edge", "route"])
def test_lists_say_who_may(start, place, setting, passes, refused):
    at_edge, of_route = (setting, {}) if place == "edge" else ({}, setting)
    host = start(trusted_proxies=[LOCAL], http=at_edge, plugins=[plugin("good")], routes=[
        route("/x/mirror", "good", **of_route), route("/free/mirror", "good")])
    assert host.http("GET", "/x/mirror", headers=forwarded(passes)).status == 200
    answer = host.http("GET", "/x/mirror", headers=forwarded(refused))
    assert answer.error() == (403, "ADDRESS_FORBIDDEN")
    elsewhere = host.http("GET", "/free/mirror", headers=forwarded(refused)).status
    assert elsewhere == (403 if place == "edge" else 200)
    assert host.http("GET", "/health/live", headers=forwarded(refused)).status == 200
    assert host.http("GET", "/none", headers=forwarded(refused)).status == (
        403 if place == "edge" else 404)


# ---- how often





def statuses(host, count, *headers, path="/x/mirror"):
    return [host.http("GET", path, headers=headers).status for _ in range(count)]


def test_more_than_the_burst_is_refused_and_told_when_to_come_back(start):
    host = start(http={"rate_limit": {"per_second": 1, "burst": 3}}, **MIRROR)
    with host.connect() as client:
        for _ in range(40):  # more than any time that this takes brings back
            client.ask("GET", "/x/mirror")
        got = [client.read() for _ in range(40)]
    refused = [answer for answer in got if answer.status == 429]
    assert [answer.status for answer in got[:3]] == [200] * 3 and refused
    assert refused[0].error() == (429, "CLIENT_RATE")
    assert refused[0].header("retry-after") == "1"


def test_a_limit_holds_by_default(hosts):
    host = hosts(**MIRROR)
    host.settings["http"] = {"rate_limit": {}}
    host.start()
    with host.connect() as client:
        client.send(b"GET /none HTTP/1.1\r\nHost: test\r\n\r\n" * 600)
        got = {client.read().status for _ in range(600)}
    assert got == {404, 429}


def test_each_client_has_its_own_limit_and_a_64_is_one_client(start):
    host = start(trusted_proxies=[LOCAL], http={"rate_limit": {"per_second": 1, "burst": 1}},
                 **MIRROR)
    one, same, other = "2001:db8:1:1::1", "2001:db8:1:1:ffff::2", "2001:db8:1:2::1"
    with host.connect() as client:
        for address in [one, same, other] + ["192.0.2.7", "192.0.2.8"]:
            client.ask("GET", "/x/mirror", headers=forwarded(address))
        got = [client.read().status for _ in range(5)]
    assert got == [200, 429, 200, 200, 200]


def test_a_route_has_its_own_limit_in_place_of_the_edges(start):
    host = start(http={"rate_limit": {"per_second": 1, "burst": 1}}, plugins=[plugin("good")],
                 routes=[route("/x/mirror", "good"), route("/y/mirror", "good", rate_limit={
                     "per_second": 1, "burst": 2})])
    with host.connect() as client:
        for path in ["/y", "/y", "/y", "/x", "/x"]:
            client.ask("GET", path + "/mirror")
        assert [client.read().status for _ in range(5)] == [200, 200, 429, 200, 429]


def test_clients_are_told_apart_by_a_header_where_that_is_set(start):
    host = start(http={"rate_limit": {"per_second": 1, "burst": 1, "by": "header X-Key"}}, **MIRROR)
    with host.connect() as client:
        for key in ["a", "b", "a", None, None]:
            client.ask("GET", "/x/mirror", headers=[("x-KEY", key)] if key else [])
        assert [client.read().status for _ in range(5)] == [200, 200, 429, 200, 429]


def test_so_many_clients_are_remembered(start):
    """Eight places are one set: of nine clients two share a bucket."""
    def refusals(keys):
        host = start(trusted_proxies=[LOCAL], http={
            "rate_limit": {"per_second": 1, "burst": 1, "keys": keys}}, **MIRROR)
        with host.connect() as client:
            for last in range(40):
                client.ask("GET", "/none", headers=forwarded(f"192.0.2.{last}"))
            return [client.read().status for _ in range(40)].count(429)
    assert refusals(8) > 0 and refusals(100000) == 0


def test_health_is_answered_whatever_a_client_has_asked(start):
    host = start(http={"rate_limit": {"per_second": 1, "burst": 1}}, **MIRROR)
    assert statuses(host, 5, path="/health/live") == [200] * 5


# ---- how many connections


def is_served(client):
    try:
        return client.ask("GET", "/health/live").read().status == 200
    except (AssertionError, ConnectionError):  # it was closed
        return False


def test_one_address_has_so_many_connections(start):
    host = start(http={"max_connections_per_address": 2})
    clients = [host.connect() for _ in range(4)]
    assert [is_served(client) for client in clients] == [True, True, False, False]
    assert host.wait_log("listener.crowded")["code"] == 1502
    clients[0].close()
    wait_until(lambda: host.admin("status")["connections"] == 1, "one has left")
    with host.connect() as client:
        assert is_served(client)
    assert len(host.log("listener.crowded")) == 1
    for client in clients:
        client.close()


def test_a_trusted_proxy_comes_for_many(start):
    host = start(http={"max_connections_per_address": 2}, trusted_proxies=[LOCAL])
    clients = [host.connect() for _ in range(4)]
    assert all(is_served(client) for client in clients)
    for client in clients:
        client.close()


# ---- pages of other origins


PAGE = "https://app.example.com"
CORS = {"origins": [PAGE], "methods": ["GET", "PUT"], "headers": ["X-Key"], "expose": ["X-Count"],
        "credentials": True, "max_age": "1h"}


def preflight(host, method="PUT", origin=PAGE, headers=None, path="/x/mirror"):
    asked = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers:
        asked.append(("Access-Control-Request-Headers", headers))
    return host.http("OPTIONS", path, headers=asked)


def test_a_browser_that_asks_first_is_answered_by_the_edge(start):
    answer = preflight(start(http={"cors": CORS}, **MIRROR), headers="x-key")
    assert answer.status == 204 and not answer.body
    told = {name: value for name, value in answer.headers if name.startswith("access-control")}
    assert told == {
        "access-control-allow-origin": PAGE, "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, PUT", "access-control-allow-headers": "x-key",
        "access-control-max-age": "3600", "access-control-expose-headers": "X-Count"}
    assert {value for name, value in answer.headers if name == "vary"} == {
        "Origin", "Access-Control-Request-Method, Access-Control-Request-Headers"}


@pytest.mark.parametrize("asks", [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"method": "DELETE"},
    {"headers": "x-key, x-other"}])
def test_what_is_not_allowed_is_refused_and_named(start, asks):
    answer = preflight(start(http={"cors": CORS}, **MIRROR), **asks)
    assert answer.error() == (403, "ORIGIN_FORBIDDEN")


def test_answers_say_whose_pages_may_read_them(start):
    host = start(http={"cors": CORS}, **MIRROR)
    for path, status in [("/x/mirror", 200), ("/none", 404)]:
        answer = host.http("GET", path, headers=[("Origin", PAGE)])
        assert answer.status == status and answer.header("vary") == "Origin"
        assert answer.header("access-control-allow-origin") == PAGE
        assert answer.header("access-control-allow-credentials") == "true"
        assert answer.header("access-control-expose-headers") == "X-Count"
    other = host.http("GET", "/x/mirror", headers=[("Origin", "https://evil.example")])
    nobody = host.http("GET", "/x/mirror")
    for answer in (other, nobody):
        assert answer.status == 200 and answer.header("vary") == "Origin"
        assert answer.header("access-control-allow-origin") is None


def test_all_origins_are_answered_alike(start):
    host = start(http={"cors": {"origins": ["*"]}}, **MIRROR)
    answer = host.http("GET", "/x/mirror", headers=[("Origin", PAGE)])
    assert answer.header("access-control-allow-origin") == "*" and answer.header("vary") is None
    assert preflight(host, "POST").header("access-control-max-age") == "600"


def test_a_route_has_its_own_policy_in_place_of_the_edges(start):
    host = start(http={"cors": CORS}, plugins=[plugin("good")], routes=[
        route("/x/mirror", "good"),
        route("/y/mirror", "good", methods=["PATCH"], cors={
            "origins": ["https://b.example"], "methods": ["PATCH"]}),
        route("/z/mirror", "good", cors={"origins": []})])
    assert preflight(host, "PATCH", path="/y/mirror").status == 403
    own = preflight(host, "PATCH", "https://b.example", path="/y/mirror")
    assert (own.status, own.header("access-control-allow-methods")) == (204, "PATCH")
    assert own.header("access-control-allow-credentials") is None
    assert preflight(host, path="/z/mirror").status == 403
    assert preflight(host).status == 204


def test_without_a_policy_the_plugin_is_asked(start):
    assert preflight(start(**MIRROR)).json()["method"] == "OPTIONS"


# ---- sizes


def test_a_target_has_a_limit(start):
    host = start(http={"uri_limit": "100"}, **MIRROR)
    assert host.http("GET", "/x/mirror?" + "a" * 90).status == 200
    assert host.http("GET", "/x/mirror?" + "a" * 91).status == 414


# ---- what browsers heed


HEADERS = {
    "content_type_options": "x-content-type-options", "frame_options": "x-frame-options",
    "referrer_policy": "referrer-policy", "content_security_policy": "content-security-policy",
    "permissions_policy": "permissions-policy",
    "cross_origin_opener_policy": "cross-origin-opener-policy",
    "cross_origin_embedder_policy": "cross-origin-embedder-policy",
    "cross_origin_resource_policy": "cross-origin-resource-policy",
}


def test_browsers_are_told_to_be_careful_by_default(start):
    answer = start(**MIRROR).http("GET", "/x/mirror")
    told = {name: answer.header(name) for name in HEADERS.values() if answer.header(name)}
    assert told == {"x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN",
                    "referrer-policy": "strict-origin-when-cross-origin"}


@pytest.mark.parametrize("setting", HEADERS)
def test_each_header_is_sent_as_it_is_set(start, setting):
    host = start(http={"security_headers": {setting: "some value"}}, **MIRROR)
    for path in ("/x/mirror", "/none", "/health/live"):
        assert host.http("GET", path).header(HEADERS[setting]) == "some value"


def test_none_is_sent_that_is_none_or_not_enabled(start):
    host = start(http={"security_headers": {"frame_options": "none"}}, **MIRROR)
    assert host.http("GET", "/x/mirror").header("x-frame-options") is None
    host = start(http={"security_headers": {"enabled": False}}, **MIRROR)
    answer = host.http("GET", "/x/mirror")
    assert not any(answer.header(name) for name in HEADERS.values())


def test_transport_security_is_for_https_alone(start):
    host = start(trusted_proxies=[LOCAL], http={
        "security_headers": {"strict_transport_security": "max-age=60"}}, **MIRROR)
    plain = host.http("GET", "/x/mirror")
    secure = host.http("GET", "/x/mirror", headers=[("X-Forwarded-Proto", "https")])
    assert plain.header("strict-transport-security") is None
    assert secure.header("strict-transport-security") == "max-age=60"


# ---- what is refused


@pytest.mark.parametrize("text, part", [
    ("trusted_proxies: [10.1.2.3/8]", "bits set below its prefix"),
    ("http: {allow: [example.com]}", "is no network"),
    ("http: {allow: []}", "is an empty list"),
    ("http: {rate_limit: {by: cookie}}", "write address, principal"),
    ("http: {rate_limit: {by: 'header a b'}}", "write address, principal"),
    ("http: {rate_limit: {persecond: 5}}", "did you mean per_second?"),
    ("http: {security_headers: {referrer_policy: \"a\\nb\"}}", "can't be sent"),
    ("http: {cors: {origins: ['*'], credentials: true}}", "would let every page"),
    ("http: {cors: {origins: ['null']}}", "would let any page in"),
    ("http: {cors: {methods: [GET]}}", "add origins beside it"),
    ("routes: [{path: /a, plugin: b, cors: {max_age: 5s}}]", "add origins beside it"),
    ("routes: [{path: /a, plugin: b, rate_limit: {burst: 5}}]", "add per_second beside it"),
])
def test_what_is_wrong_is_told_with_what_is_right(tmp_path, text, part):
    file = tmp_path / "plugd.yaml"
    file.write_text(text + "\n")
    done = subprocess.run([PLUGD, "--check", "--config", str(file)], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode != 0 and part in done.stderr + done.stdout
