"""Who a client is, and what it may: keys, passwords, certificates, rules, what plugins are told of
it, and what is told to nobody.
"""
import base64
import hashlib
import json
import os
import subprocess

import pytest

from metrics_test import PAGES, scrape
from plugd import PLUGD, plugin, route
from tls_client import TlsClient, address_of, client_context

KEY_ID = "0123456789ab"
KEY = f"plugd_{KEY_ID}_" + "5e" * 32
OLD_KEY = "plugd_00000000000a_" + "0d" * 32
PASSWORD = "correct horse:battery"

SALT = b"0123456789abcdef"


def hash_of(password, salt=SALT, ln=12):
    """A PHC string, by another implementation than plugd's."""
    made = hashlib.scrypt(password.encode(), salt=salt, n=1 << ln, r=8, p=1, dklen=32,
                          maxmem=64 << 20)
    parts = [base64.b64encode(part).rstrip(b"=").decode() for part in (salt, made)]
    return f"$scrypt$ln={ln},r=8,p=1${parts[0]}${parts[1]}"


def sha256(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


KEYS = [
    {"id": KEY_ID, "hash": sha256(KEY), "subject": "batch", "roles": ["reader", "Prüfer"],
     "scopes": ["orders:read", "orders:list"], "tenant": "acme", "claims": {"dept": "sales"}},
    {"id": "00000000000a", "hash": sha256(OLD_KEY), "expires": "2020-01-31"},
]
USERS = [{"name": "ann", "hash": hash_of(PASSWORD), "roles": ["admin"]},
         {"name": "bob", "hash": hash_of("secret"), "expires": "2020-01-31T00:00:00Z"}]

ROUTES = {
    "/keys": "api_key",
    "/users": "basic",
    "/both": {"methods": ["api_key", "basic"]},
    "/maybe": {"methods": ["api_key"], "optional": True},
    "/open": "none",
    "/admins": {"methods": ["api_key", "basic"], "any_role": ["admin", "root"]},
    "/all-roles": {"methods": ["api_key"], "all_roles": ["reader", "Prüfer"]},
    "/no-roles": {"methods": ["api_key"], "all_roles": ["reader", "writer"]},
    "/scope": {"methods": ["api_key"], "any_scope": ["orders:write", "orders:read"]},
    "/no-scope": {"methods": ["api_key"], "all_scopes": ["orders:read", "orders:write"]},
    "/claim": {"methods": ["api_key"], "claims": ["tenant=acme", "dept=sales"]},
    "/no-claim": {"methods": ["api_key"], "claims": "tenant=other"},
}


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def shows(key=KEY):
    return ("X-Api-Key", key)


def write_private(path, content):
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return str(path)


@pytest.fixture(scope="module", name="files")
def files_fixture(tmp_path_factory):
    home = tmp_path_factory.mktemp("identity")
    return {"api_keys": write_private(home / "keys.yaml", {"keys": KEYS}),
            "users": write_private(home / "users.yaml", {"users": USERS})}


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts, files):
    """A host that nobody is locked out of, with a route for each rule."""
    settings = {
        "plugins": [plugin("whoami")],
        "routes": [route(path, "whoami", auth=auth) for path, auth in ROUTES.items()],
        "identity": {**files, "lockout": {"failures": 0}, "basic": {"per_second": 100},
                     "rpc": [{"method": "sin.v1.Sin/Do", "methods": ["api_key"],
                              "any_role": ["reader"]},
                             {"method": "sin.v1.Sin/*", "methods": ["basic"]}]},
    }
    return shared_hosts(**settings).start()


def ask(host, path, *headers):
    return host.http("GET", path, headers=headers)


def seen(host, path, *headers):
    """What the plugin was told."""
    answer = ask(host, path, *headers)
    assert answer.status == 200, answer
    return answer.json()


def challenges(answer):
    return sorted(value for name, value in answer.headers if name == "www-authenticate")


# ---- who it is


def test_an_api_key_says_who_asks_and_the_plugin_is_told_all_that_is_known(host):
    told = seen(host, "/keys", shows())
    headers = told.pop("headers")
    assert told == {"principal": "batch", "tenant": "acme", "method": "api_key",
                    "roles": ["reader", "Prüfer"], "scopes": ["orders:read", "orders:list"],
                    "claims": {"dept": "sales"}}
    assert "x-api-key" not in headers
    record = host.wait_log("http.request", target="/keys", status=200)
    assert (record["principal"], record["auth"]) == ("batch", "api_key")


def test_a_user_logs_in_with_a_password_that_another_implementation_has_hashed(host):
    told = seen(host, "/users", basic("ann", PASSWORD))
    assert (told["principal"], told["method"], told["roles"]) == ("ann", "basic", ["admin"])
    assert "authorization" not in told["headers"]


@pytest.mark.parametrize("path, headers", [
    ("/keys", [shows("plugd_" + KEY_ID + "_" + "5f" * 32)]),
    ("/keys", [shows("plugd_ffffffffffff_" + "5e" * 32)]),
    ("/keys", [shows(KEY[:-1])]),
    ("/keys", [shows("x")]),
    ("/keys", [shows(OLD_KEY)]),
    ("/users", [basic("ann", "wrong")]),
    ("/users", [basic("nobody", PASSWORD)]),
    ("/users", [basic("", "")]),
    ("/users", [basic("bob", "secret")]),
    ("/users", [("Authorization", "Basic !!!!")]),
    ("/users", [("Authorization", "Basic YW5u")]),
    ("/maybe", [shows("x")]),
])
def test_what_is_wrong_is_refused_and_not_told_why(host, path, headers):
    answer = ask(host, path, *headers)
    assert answer.error() == (401, "CREDENTIALS_WRONG")
    assert answer.json()["message"] == "What you show to say who you are is not accepted"


def test_who_shows_nothing_is_told_every_way_that_is_allowed(host):
    answer = ask(host, "/both")
    assert answer.error() == (401, "CREDENTIALS_MISSING")
    assert challenges(answer) == ['ApiKey realm="plugd"', 'Basic realm="plugd", charset="UTF-8"']
    assert challenges(ask(host, "/keys")) == ['ApiKey realm="plugd"']


def test_each_of_several_ways_is_enough(host):
    assert seen(host, "/both", shows())["principal"] == "batch"
    assert seen(host, "/both", basic("ann", PASSWORD))["principal"] == "ann"


@pytest.mark.parametrize("path, headers, code", [
    ("/both", [shows(), basic("ann", PASSWORD)], "CREDENTIALS_SEVERAL"),
    ("/both", [shows(), shows()], "CREDENTIALS_SEVERAL"),
    ("/users", [basic("ann", PASSWORD), basic("ann", "x")], "CREDENTIALS_SEVERAL"),
    ("/users", [("Authorization", "Basic")], "CREDENTIALS_MALFORMED"),
    ("/users", [("Authorization", "Basic YQ== YQ==")], "CREDENTIALS_MALFORMED"),
    ("/keys", [shows("k" * 20000)], "CREDENTIALS_MALFORMED"),
])
def test_what_can_be_read_in_two_ways_or_not_at_all_is_refused(host, path, headers, code):
    assert ask(host, path, *headers).error() == (400, code)


def test_what_a_route_does_not_allow_is_as_if_it_was_not_shown(host):
    assert seen(host, "/users", basic("ann", PASSWORD), shows())["principal"] == "ann"
    assert ask(host, "/users", shows()).error() == (401, "CREDENTIALS_MISSING")
    assert ask(host, "/keys", ("Authorization", "Bearer x")).error()[0] == 401


def test_where_it_is_optional_nobody_may_come_too(host):
    told = seen(host, "/maybe", ("Authorization", "Bearer x"))
    assert (told["principal"], told["method"], told["roles"]) == ("", "", [])
    assert "authorization" not in told["headers"]
    assert seen(host, "/maybe", shows())["principal"] == "batch"


def test_where_nobody_is_asked_headers_are_the_plugins_own(host):
    told = seen(host, "/open", shows(), ("Authorization", "Bearer x"))
    assert told["principal"] == ""
    assert told["headers"]["authorization"] == "Bearer x" and told["headers"]["x-api-key"] == KEY


def test_health_is_for_everybody_and_a_path_that_leads_nowhere_asks_nothing(start, files):
    host = start(plugins=[plugin("whoami")], http={"auth": "api_key"}, identity=files,
                 routes=[route("/x", "whoami")])
    assert ask(host, "/health/ready").status == 200
    assert ask(host, "/nowhere").status == 404
    assert ask(host, "/x").status == 401
    assert host.rpc("sin.v1.Sin/Do").status == 401
    assert host.rpc("sin.v1.Sin/Do", headers=[shows()]).status == 200


# ---- what it may


@pytest.mark.parametrize("path", ["/all-roles", "/scope", "/claim"])
def test_who_has_what_the_rule_asks_for_may(host, path):
    assert seen(host, path, shows())["principal"] == "batch"


@pytest.mark.parametrize("path", ["/admins", "/no-roles", "/no-scope", "/no-claim"])
def test_who_has_not_may_not(host, path):
    answer = ask(host, path, shows())
    assert answer.error() == (403, "ACCESS_DENIED")
    assert not challenges(answer)
    record = host.wait_log("auth.refused", id=answer.header("x-request-id"))
    assert (record["code"], record["principal"]) == (1106, "batch")


def test_one_of_several_roles_is_enough(host):
    assert seen(host, "/admins", basic("ann", PASSWORD))["principal"] == "ann"


def test_methods_by_name_have_rules_of_their_own(host):
    told = host.rpc("sin.v1.Sin/Do", headers=[shows()])
    assert told.status == 200 and told.json()["principal"] == "batch"
    assert host.rpc("sin.v1.Sin/Do", headers=[basic("ann", PASSWORD)]).status == 401
    assert host.rpc("sin.v1.Sin/Stream").status == 401
    told = host.rpc("sin.v1.Sin/Stream", headers=[basic("ann", PASSWORD)])
    assert told.status == 200


def test_questions_about_other_origins_are_not_asked_who_they_are(start, files):
    host = start(plugins=[plugin("whoami")], identity=files,
                 http={"auth": "api_key", "cors": {"origins": ["https://a.example"],
                                                   "headers": ["X-Api-Key"]}},
                 routes=[route("/x", "whoami")])
    asks = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")]
    assert host.http("OPTIONS", "/x", headers=asks).status == 204
    assert host.http("OPTIONS", "/x", headers=asks[:1]).status == 401
    assert host.http("GET", "/x", headers=asks).status == 401


# ---- what is told to nobody


def test_no_secret_is_ever_logged(host):
    secrets = [KEY, KEY[-64:], PASSWORD, basic("ann", PASSWORD)[1].split()[1], "tell-nobody",
               base64.b64encode(b"ann:tell-nobody").decode()]
    ask(host, "/keys", shows())
    ask(host, "/users", basic("ann", PASSWORD))
    ask(host, "/users", basic("ann", "tell-nobody"))
    ask(host, "/users", basic("tell-nobody", "x"))
    ask(host, "/both", shows(), basic("ann", PASSWORD))
    last = ask(host, "/keys", shows("tell-nobody"))
    host.wait_log("http.request", id=last.header("x-request-id"))
    text = json.dumps(host.records) + "".join(map(str, host.noise))
    assert not [secret for secret in secrets if secret in text]


def test_plugins_see_credentials_where_the_operator_wants_it(start, files):
    host = start(plugins=[plugin("whoami")], identity={**files, "pass_credentials": True},
                 routes=[route("/x", "whoami", auth="api_key")])
    assert seen(host, "/x", shows())["headers"]["x-api-key"] == KEY


def test_keys_may_come_in_another_header_and_the_realm_is_the_operators(start, files):
    host = start(plugins=[plugin("whoami")], routes=[route("/x", "whoami", auth="api_key")],
                 identity={**files, "api_key_header": "X-Token", "realm": "the office"})
    assert seen(host, "/x", ("X-Token", KEY), ("X-Api-Key", "stays"))["headers"] == {
        "host": "test", "x-api-key": "stays"}
    assert challenges(ask(host, "/x", shows())) == ['ApiKey realm="the office"']


# ---- who fails too often


def locked_host(start, files, **lockout):
    return start(plugins=[plugin("whoami")],
                 routes=[route("/keys", "whoami", auth="api_key"),
                         route("/users", "whoami", auth="basic")],
                 identity={**files, "basic": {"per_second": 100}, "lockout": lockout})


def test_who_fails_too_often_is_locked_out_and_others_are_not(start, files):
    host = locked_host(start, files, failures=3, first="10m", longest="1h")
    for _ in range(3):
        assert ask(host, "/users", basic("ann", "wrong")).status == 401
    answer = ask(host, "/users", basic("ann", PASSWORD))
    assert answer.error() == (429, "LOCKED_OUT")
    assert 500 <= int(answer.header("retry-after")) <= 600
    assert host.wait_log("auth.locked_out")["code"] == 1107
    assert ask(host, "/users", basic("eve", "wrong")).status == 401
    assert ask(host, "/keys", shows()).status == 200


def test_a_success_is_a_new_beginning(start, files):
    host = locked_host(start, files, failures=3)
    for _ in range(3):
        assert ask(host, "/users", basic("ann", "wrong")).status == 401
        assert ask(host, "/users", basic("ann", "wrong")).status == 401
        assert ask(host, "/users", basic("ann", PASSWORD)).status == 200


def test_guessing_at_many_users_is_guessing_too(start, files):
    host = locked_host(start, files, failures=1)
    for number in range(10):
        assert ask(host, "/users", basic(f"user{number}", "x")).status == 401
    assert ask(host, "/users", basic("ann", PASSWORD)).error() == (429, "LOCKED_OUT")


def test_more_passwords_than_may_be_hashed_come_back_later(start, files):
    host = start(plugins=[plugin("whoami")], routes=[route("/users", "whoami", auth="basic")],
                 identity={**files, "basic": {"per_second": 1}, "lockout": {"failures": 0}})
    answers = (ask(host, "/users", basic(f"u{number}", "x")).error() for number in range(50))
    assert (503, "LOGINS_BUSY") in answers


def test_a_password_that_was_right_is_not_hashed_again(start, files):
    host = start(plugins=[plugin("whoami")], routes=[route("/users", "whoami", auth="basic")],
                 identity={**files, "basic": {"per_second": 1}})
    for _ in range(8):
        assert ask(host, "/users", basic("ann", PASSWORD)).status == 200


def test_limits_are_of_who_asks_where_the_operator_wants_it(start, files):
    host = start(plugins=[plugin("whoami")], identity=files,
                 routes=[route("/x", "whoami", auth=["api_key", "basic"])],
                 http={"rate_limit": {"by": "principal", "per_second": 1, "burst": 1}})
    both = [[shows()], [basic("ann", PASSWORD)], []]
    first = [ask(host, "/x", *headers).status for headers in both]
    assert first == [200, 200, 401]
    for headers in both:
        assert 429 in (ask(host, "/x", *headers).status for _ in range(50))


def test_who_shows_something_wrong_is_limited_by_address(start, files):
    host = start(plugins=[plugin("whoami")],
                 identity={**files, "lockout": {"failures": 0}},
                 routes=[route("/x", "whoami", auth={"methods": "api_key", "any_role": "nobody"})],
                 http={"rate_limit": {"by": "principal", "per_second": 1, "burst": 1}},
                 admin=PAGES)
    for headers, status in (([shows("plugd_nonsense")], 401), ([shows()], 403)):
        assert ask(host, "/x", *headers).status == status
        refused = [answer for answer in (ask(host, "/x", *headers) for _ in range(50))
                   if answer.status == 429]
        assert refused[0].error() == (429, "CLIENT_RATE")
    page = scrape(host)
    assert page.get("plugd_http_refused_total", reason="rate") > 90
    assert page.get("plugd_http_refused_total", reason="identity") < 10


def test_what_is_left_is_told_of_the_header_that_counts(start, files):
    """Also when that is a credential, which nobody sees behind identity."""
    host = start(plugins=[plugin("whoami")], identity=files,
                 routes=[route("/x", "whoami", auth="api_key")],
                 http={"rate_limit": {"by": "header X-Api-Key", "per_second": 1, "burst": 500,
                                      "headers": True}})
    left = [ask(host, "/x", shows()).header("ratelimit") for _ in range(100)][-1]
    assert int(left.split("r=")[1].split(";")[0]) < 499


def test_the_time_of_a_login_is_the_requests_and_not_the_plugins(start, files):
    host = start(plugins=[plugin("whoami")], identity=files,
                 routes=[route("/x", "whoami", auth="basic")])
    assert ask(host, "/x", basic("ann", "wrong")).status == 401
    assert host.wait_log("http.request", status=401)["us"] > 0
    assert ask(host, "/x", basic("ann", PASSWORD)).status == 200
    record = host.wait_log("http.request", status=200)
    assert record["plugin_us"] < record["us"]


# ---- files


def test_a_reload_brings_new_keys_and_takes_old_ones_away(start, tmp_path):
    keys = tmp_path / "keys.yaml"
    write_private(keys, {"keys": KEYS})
    host = start(plugins=[plugin("whoami")], identity={"api_keys": str(keys)},
                 routes=[route("/x", "whoami", auth="api_key")])
    assert ask(host, "/x", shows()).status == 200
    write_private(keys, {"keys": [{"id": "00000000000b", "hash": sha256("x")}]})
    assert ask(host, "/x", shows()).status == 200
    host.plugctl("reload")
    assert ask(host, "/x", shows()).status == 401
    write_private(keys, {"keys": KEYS})
    host.plugctl("reload")
    assert ask(host, "/x", shows()).status == 200


def check(host):
    """How --check ends."""
    return subprocess.run([PLUGD, "--check", "--config", str(host.config)], check=False,
                          capture_output=True).returncode


@pytest.mark.parametrize("spoil, word", [
    (lambda path: path.write_text('keys: [{id: 0123456789ab, hash: "sha256:00"}]'), "hash"),
    (lambda path: path.write_text(json.dumps({"keys": [KEYS[0], KEYS[0]]})), "another entry"),
    (lambda path: path.write_text(json.dumps({"keys": [{**KEYS[0], "expire": "2030-01-01"}]})),
     "expire"),
    (lambda path: path.chmod(0o644), "chmod 600"),
    (os.unlink, "keys.yaml"),
])
def test_a_bad_file_changes_nothing(start, tmp_path, spoil, word):
    keys = tmp_path / "keys.yaml"
    write_private(keys, {"keys": KEYS})
    host = start(plugins=[plugin("whoami")], identity={"api_keys": str(keys)},
                 routes=[route("/x", "whoami", auth="api_key")])
    assert check(host) == 0
    spoil(keys)
    assert check(host) == 1
    host.plugctl("reload", status=1)
    assert word in host.wait_log("reload.refused")["msg"]
    assert ask(host, "/x", shows()).status == 200


# ---- certificates


def tls_host(start, ca, certificates, mode="optional", **settings):
    return start(listen="https://127.0.0.1:0", plugins=[plugin("whoami")],
                 tls={"certificates": [ca.issue().row()], "client_certificates": mode,
                      "client_ca": str(ca.pem)},
                 identity={"certificates": certificates},
                 routes=[route("/x", "whoami", auth="mtls")], **settings)


def tls_ask(host, ca, certificate=None, *headers):
    client = TlsClient(address_of(host), client_context(ca.pem, certificate=certificate))
    try:
        return client.ask("GET", "/x", headers=headers).read()
    finally:
        client.close()


def test_a_certificate_is_whom_the_operator_says_and_else_nobody(start, ca):
    batch = ca.issue(subject="batch", names=("URI:spiffe://example/batch/7",), usage="clientAuth")
    other = ca.issue(subject="batch2", names=("DNS:other",), usage="clientAuth")
    host = tls_host(start, ca, [
        {"subject": "CN=nobody", "as": "wrong"},
        {"name": "uri:spiffe://example/batch/*", "as": "the batch", "roles": ["reader"],
         "scopes": ["a:b"], "tenant": "acme"}])
    told = tls_ask(host, ca, batch).json()
    del told["headers"]
    assert told == {"principal": "the batch", "tenant": "acme", "method": "mtls",
                    "roles": ["reader"], "scopes": ["a:b"], "claims": {}}
    assert tls_ask(host, ca, other).error() == (401, "CREDENTIALS_WRONG")
    assert tls_ask(host, ca).error() == (401, "CREDENTIALS_MISSING")


def test_a_certificate_of_a_proxy_is_not_its_clients(start, ca):
    batch = ca.issue(subject="batch", usage="clientAuth")
    host = tls_host(start, ca, [{"subject": "CN=batch"}], trusted_proxies=["127.0.0.1"])
    assert tls_ask(host, ca, batch).json()["principal"] == "CN=batch"
    answer = tls_ask(host, ca, batch, ("X-Forwarded-For", "192.0.2.7"))
    assert answer.error() == (401, "CREDENTIALS_MISSING")


# ---- what plugctl makes


def test_what_plugctl_makes_lets_in(hosts, start, tmp_path):
    maker = hosts()
    key, entry = maker.plugctl("token", "key", "batch", "--role", "reader", "--role", "Prüfer",
                               "--tenant", "acme", "--expires", "2999-01-31").splitlines()
    user = maker.plugctl("token", "password", "ann", "--scope", "a:b", stdin=b"pass word\n")
    assert key not in entry and "pass word" not in user
    for name, text in (("keys", entry), ("users", user)):
        (tmp_path / name).write_text(f"{name}:\n{text}\n")
        (tmp_path / name).chmod(0o600)
    host = start(plugins=[plugin("whoami")],
                 identity={"api_keys": str(tmp_path / "keys"), "users": str(tmp_path / "users")},
                 routes=[route("/x", "whoami", auth=["api_key", "basic"])])
    told = seen(host, "/x", shows(key))
    assert (told["principal"], told["roles"], told["tenant"]) == ("batch", ["reader", "Prüfer"],
                                                                  "acme")
    assert seen(host, "/x", basic("ann", "pass word"))["scopes"] == ["a:b"]


def test_plugctl_refuses_what_no_file_may_hold(hosts):
    maker = hosts()
    maker.plugctl("token", "key", "x", "--expires", "2027-02-30", status=2)
    maker.plugctl("token", "password", "a:b", stdin=b"x\n", status=2)
    maker.plugctl("token", "password", "ann", stdin=b"", status=2)
    told = json.loads(maker.plugctl("--output", "json", "token", "key", "x"))
    assert told["entry"]["hash"] == sha256(told["key"])
