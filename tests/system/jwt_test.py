"""Tokens: who they let in and what the plugin is told of it, what is refused and why, and where the
keys come from: a server that rotates them, is asked too often, dies or talks nonsense, and files.
"""
import base64
import hashlib
import hmac
import json
import subprocess
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from issuers import AUDIENCE, ISSUER, Key, KeyServer, b64url, server_context, unsigned
from plugd import PLUGD, plugin, route, wait_until


def settings_of(auth="jwt", token_limit="8KiB", cache=1000, **issuer):
    """A host with one issuer and one route."""
    whole = {"issuer": ISSUER, "audiences": [AUDIENCE], **issuer}
    return {"plugins": [plugin("whoami")], "routes": [route("/x", "whoami", auth=auth)],
            "identity": {"lockout": {"failures": 0},
                         "jwt": {"token_limit": token_limit, "cache": cache, "issuers": [whole]}}}


def ask(host, token, path="/x"):
    return host.http("GET", path, headers=[("Authorization", f"Bearer {token}")])


def seen(host, token):
    """What the plugin was told."""
    answer = ask(host, token)
    assert answer.status == 200, (answer, host.log("auth.refused"))
    return answer.json()


def refused(host, token, why):
    """401, for that reason in the log, and without a word of it to the client."""
    reason = f"the token {why}"
    before = len(host.log("auth.refused", msg=reason))
    answer = ask(host, token)
    assert answer.error() == (401, "CREDENTIALS_WRONG"), why
    challenge = dict(answer.headers)["www-authenticate"]
    assert challenge == 'Bearer realm="plugd", error="invalid_token"'
    host.wait_log("auth.refused", before + 1, msg=reason)
    assert token not in json.dumps(host.records)


@pytest.fixture(name="serve")
def serve_fixture():
    """serve(*keys): a server of keys."""
    made = []

    def serve(*keys, **kwargs):
        made.append(KeyServer(*keys, **kwargs))
        return made[-1]

    yield serve
    for server in made:
        server.close()


@pytest.fixture(scope="module", name="key")
def key_fixture():
    return Key("one")


@pytest.fixture(scope="module", name="home")
def home_fixture(tmp_path_factory):
    return tmp_path_factory.mktemp("jwt")


def key_file(home, *keys, name="keys.json"):
    path = home / name
    fresh = home / (name + ".new")
    fresh.write_text(json.dumps({"keys": [key.jwk() for key in keys]}))
    fresh.rename(path)
    return str(path)


@pytest.fixture(scope="module", name="host")
def host_fixture(shared_hosts, home, key):
    """A host that knows the key from a file, and what its claims mean."""
    return shared_hosts(**settings_of(
        jwks_file=key_file(home, key), tenant_claim="org.id", roles_claim="realm.roles",
        leeway="10s", required_claims=["jti"])).start()


def good(key, **changes):
    return key.token(**{"jti": "1", "scope": "orders:read orders:list", "org": {"id": "acme"},
                        "realm": {"roles": ["reader", "Prüfer"]}, **changes})


# ---- who is let in


def test_a_token_says_who_asks_and_the_plugin_is_told_all_that_is_known(host, key):
    token = good(key)
    for _ in range(2):  # verified, and remembered
        told = seen(host, token)
        assert "authorization" not in told.pop("headers")
        claims = told.pop("claims")
        assert told == {"principal": "ada", "tenant": "acme", "method": "jwt",
                        "roles": ["reader", "Prüfer"], "scopes": ["orders:read", "orders:list"]}
        assert claims == jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_every_usual_algorithm_of_another_implementation_is_verified(start, home, algorithm):
    key = Key("k", algorithm)
    host = start(**settings_of(jwks_file=key_file(home, key, name=f"{algorithm}.json")))
    assert seen(host, key.token())["principal"] == "ada"


def test_a_scope_that_is_missing_is_told(start, home, key):
    auth = {"methods": ["jwt"], "all_scopes": ["orders:write"]}
    host = start(**settings_of(auth, jwks_file=key_file(home, key)))
    answer = ask(host, key.token(scope="orders:read"))
    assert answer.error() == (403, "ACCESS_DENIED")
    assert dict(answer.headers)["www-authenticate"] == (
        'Bearer realm="plugd", error="insufficient_scope", scope="orders:write"')
    assert ask(host, key.token(scp=["orders:write"])).status == 200


def test_who_shows_nothing_is_told_what_to_show(host):
    answer = host.http("GET", "/x")
    assert answer.error() == (401, "CREDENTIALS_MISSING")
    assert dict(answer.headers)["www-authenticate"] == 'Bearer realm="plugd"'


# ---- who is not


CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": 4102444800, "jti": "1"}


def public_key_as_secret(key):
    """PyJWT refuses to do it, so by hand."""
    text = unsigned({"alg": "HS256", "kid": "one"}, CLAIMS).rstrip(".")
    return text + "." + b64url(hmac.new(key.pem(), text.encode(), hashlib.sha256).digest())


ATTACKS = {
    "says that it is not signed (alg none)": lambda key: unsigned({"alg": "none"}, CLAIMS),
    "is signed by an algorithm that is not allowed": public_key_as_secret,
    "names a key (kid) that the issuer does not have": lambda key: Key("other").token(),
    "has a signature that is not its key's":
        lambda key: unsigned({"alg": "ES256", "kid": "one"}, CLAIMS, "A" * 86),
    "brings a key of its own (jwk, jku, x5c or x5u)":
        lambda key: key.token(headers={"jwk": key.jwk()}),
    "has extensions that must be understood (crit)":
        lambda key: key.token(headers={"crit": ["exp"]}),
    "has a typ other than JWT and at+jwt": lambda key: key.token(headers={"typ": "dpop+jwt"}),
    "has not exactly three parts": lambda key: "a.b",
    "is not strict base64url": lambda key: key.token() + "=",
    "is of an issuer that is not configured": lambda key: good(key, iss="https://other.test"),
    "is meant for another audience": lambda key: good(key, aud=["x", "https://api.test/"]),
    "has expired": lambda key: good(key, exp=int(time.time()) - 20),
    "is not good yet (nbf)": lambda key: good(key, nbf=int(time.time()) + 60),
    "was issued in the future (iat)": lambda key: good(key, iat=int(time.time()) + 60),
    "has no end (exp)": lambda key: good(key, exp=None),
    "lacks a claim that is required": lambda key: good(key, jti=None),
    "names nobody (subject_claim)": lambda key: good(key, sub=None),
    "is longer than token_limit": lambda key: "A" * 9000,
}


@pytest.mark.parametrize("why", ATTACKS)
def test_what_is_not_right_is_refused_for_its_reason(host, key, why):
    refused(host, ATTACKS[why](key), why)


def test_clocks_may_differ_a_little_and_not_more(host, key):
    assert ask(host, good(key, exp=int(time.time()) - 3)).status == 200
    assert ask(host, good(key, nbf=int(time.time()) + 5)).status == 200


def test_a_head_of_200_kib_is_no_token(host):
    assert ask(host, "A" * (200 << 10)).error() == (400, "CREDENTIALS_MALFORMED")


@pytest.mark.parametrize("changes, claims, told", [
    ({"subject_claim": "email"}, {"email": "a@b.test"}, ("principal", "a@b.test")),
    ({"roles_claim": "groups"}, {"groups": "x y"}, ("roles", ["x", "y"])),
    ({"scopes_claim": "permissions"}, {"permissions": ["r"]}, ("scopes", ["r"])),
    ({"tenant_claim": "tid"}, {"tid": "acme"}, ("tenant", "acme")),
    ({"audiences": ["*"]}, {"aud": "https://elsewhere.test"}, ("principal", "ada")),
    ({"algorithms": ["ES256"]}, {}, ("principal", "ada")),
])
def test_claims_mean_what_the_operator_says(start, home, key, changes, claims, told):
    host = start(**settings_of(jwks_file=key_file(home, key), **changes))
    assert seen(host, key.token(**claims))[told[0]] == told[1]


def test_an_algorithm_that_is_not_listed_is_refused(start, home, key):
    host = start(**settings_of(jwks_file=key_file(home, key), algorithms=["ES384", "EdDSA"]))
    refused(host, key.token(), "is signed by an algorithm that is not allowed")


def test_a_token_above_its_limit_is_refused(start, home, key):
    host = start(**settings_of(token_limit="1KiB", jwks_file=key_file(home, key)))
    assert ask(host, key.token()).status == 200
    refused(host, key.token(padding="x" * 1024), "is longer than token_limit")


def test_a_shared_secret_verifies_too(start, home):
    secret = home / "secret"
    secret.write_text("s" * 32 + "\n")
    secret.chmod(0o600)
    host = start(**settings_of(secret_file=str(secret)))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "exp": int(time.time()) + 60}
    assert seen(host, jwt.encode(claims, "s" * 32, "HS256"))["principal"] == "bob"
    refused(host, jwt.encode(claims, "t" * 32, "HS256"), "has a signature that is not its key's")


def test_a_bad_signature_counts_as_a_guess_and_an_old_token_does_not(start, home, key):
    settings = settings_of(jwks_file=key_file(home, key))
    settings["identity"]["lockout"] = {"failures": 3}
    host = start(**settings)
    for _ in range(5):
        assert ask(host, key.token(exp=int(time.time()) - 3600)).status == 401
    for _ in range(3):
        assert ask(host, key.token()[:-8] + "AAAAAAAA").status == 401
    assert ask(host, key.token()).error() == (429, "LOCKED_OUT")


# ---- remembered tokens


def test_a_remembered_token_goes_with_its_configuration(start, home, key):
    host = start(**settings_of(jwks_file=key_file(home, key)))
    token = key.token()
    assert seen(host, token)["principal"] == "ada"
    host.settings["identity"]["jwt"]["issuers"][0]["audiences"] = ["https://other.test"]
    host.write_config()
    host.plugctl("reload")
    refused(host, token, "is meant for another audience")


def test_a_remembered_token_goes_with_its_key(start, tmp_path, key):
    host = start(**settings_of(jwks_file=key_file(tmp_path, key)))
    token, other = key.token(), Key("two")
    assert seen(host, token)["principal"] == "ada"
    key_file(tmp_path, other)
    wait_until(lambda: ask(host, other.token()).status == 200, "the other key is read")
    refused(host, token, "names a key (kid) that the issuer does not have")


def test_nothing_is_remembered_where_that_is_off(start, tmp_path, key):
    host = start(**settings_of(cache=0, jwks_file=key_file(tmp_path, key)))
    token = key.token(exp=int(time.time()) + 300)
    assert [ask(host, token).status for _ in range(3)] == [200, 200, 200]


# ---- a server of keys


def test_a_rotated_key_is_fetched_when_a_token_names_it(start, serve, key):
    server = serve(key)
    host = start(**settings_of(jwks_url=server.url, refetch="1s"))
    assert seen(host, key.token())["principal"] == "ada"
    fresh = Key("two", "EdDSA")
    server.keys = [fresh]
    wait_until(lambda: ask(host, fresh.token()).status == 200, "the new key is fetched")
    refused(host, key.token(), "names a key (kid) that the issuer does not have")


def loads_libcurl(host):
    with open(f"/proc/{host.process.pid}/maps", encoding="ascii") as file:
        return "/libcurl.so" in file.read()


def test_what_fetches_is_loaded_only_where_something_is_fetched(start, serve, home, key):
    server = serve(key)
    fetches = start(**settings_of(jwks_url=server.url))
    assert seen(fetches, key.token())["principal"] and loads_libcurl(fetches)
    assert not loads_libcurl(start(**settings_of(jwks_file=key_file(home, key))))


def test_a_flood_of_unknown_keys_is_not_a_flood_of_fetches(start, serve, key):
    server = serve(key)
    host = start(**settings_of(jwks_url=server.url, refetch="1h"))
    assert seen(host, key.token())["principal"] == "ada"
    for number in range(50):
        refused(host, key.token(headers={"kid": f"unknown-{number}"}),
                "names a key (kid) that the issuer does not have")
    assert server.asked == 1


def test_requests_wait_for_the_first_keys_and_one_that_leaves_is_forgotten(start, serve, key):
    server = serve(key)
    server.may_answer.clear()
    host = start(**settings_of(jwks_url=server.url))
    assert server.was_asked.wait(30)
    answers = []
    waiting = [threading.Thread(target=lambda: answers.append(ask(host, key.token())))
               for _ in range(5)]
    for thread in waiting:
        thread.start()
    with host.connect() as leaver:
        leaver.send(b"GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                       + key.token().encode() + b"\r\n\r\n")
    assert not answers
    server.may_answer.set()
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 5
    assert server.asked == 1


@pytest.mark.parametrize("spoil, word", [
    (lambda server: server.close(), "Could not connect|Couldn't connect|Failed to connect"),
    (lambda server: setattr(server, "body", b"<html>"), "it is no JSON"),
    (lambda server: setattr(server, "body", b'{"keys": []}'), "none of its 0 keys"),
    (lambda server: setattr(server, "body", b" " * (300 << 10)), "has more than 262144 bytes"),
    (lambda server: setattr(server, "status", 500), "answered with 500"),
    (lambda server: (setattr(server, "status", 302),
                     setattr(server, "headers", {"Location": "http://localhost/"})),
     "leads elsewhere"),
])
def test_keys_hold_until_better_ones_come(start, key, spoil, word):
    server = KeyServer(key)
    host = start(**settings_of(jwks_url=server.url, refresh="1s", refetch="1s", cache=0))
    assert seen(host, key.token())["principal"] == "ada"
    spoil(server)
    record = host.wait_log("jwks.failed")
    assert any(part in record["msg"] for part in word.split("|")), record
    assert record["has_keys"] is True and record["code"] == 1151
    assert seen(host, key.token())["principal"] == "ada"
    if server.thread.is_alive():
        server.close()


def test_without_any_keys_clients_are_told_to_come_back(start, key):
    server = KeyServer(key)
    port = server.port
    server.close()
    host = start(**settings_of(jwks_url=server.url, refetch="1s"))
    host.wait_log("jwks.failed", has_keys=False)
    wait_until(lambda: ask(host, key.token()).status == 503, "there are no keys")
    answer = ask(host, key.token())
    if answer.status == 503:
        assert answer.error() == (503, "TOKEN_KEYS_AWAITED")
        assert int(dict(answer.headers)["retry-after"]) > 0
    server = KeyServer(key, port=port)
    wait_until(lambda: ask(host, key.token()).status == 200, "the keys have come")
    server.close()


def test_the_server_says_how_long_its_keys_are_good(start, serve, key):
    server = serve(key)
    server.headers = {"Cache-Control": "max-age=1"}
    start(**settings_of(jwks_url=server.url, refresh="1h", refetch="1s"))
    wait_until(lambda: server.asked >= 2, "it is asked again")


def test_a_server_is_held_against_its_authority(start, serve, ca, key):
    server = serve(key, context=server_context(ca.issue()))
    host = start(**settings_of(jwks_url=server.url, jwks_ca=str(ca.pem)))
    assert seen(host, key.token())["principal"] == "ada"
    host = start(**settings_of(jwks_url=server.url))
    assert "certificate" in host.wait_log("jwks.failed")["msg"]


def test_keys_of_a_server_outlive_a_reload(start, serve, key):
    server = serve(key)
    host = start(**settings_of(jwks_url=server.url, refetch="1h"))
    assert seen(host, key.token())["principal"] == "ada"
    host.settings["identity"]["jwt"]["issuers"][0]["leeway"] = "5s"
    host.write_config()
    host.plugctl("reload")
    assert seen(host, key.token())["principal"] == "ada"
    assert server.asked == 1


def test_a_reload_changes_how_often_a_server_is_asked(start, serve, key):
    server = serve(key)
    host = start(**settings_of(jwks_url=server.url, refetch="1h"))
    assert seen(host, key.token())["principal"] == "ada"
    host.settings["identity"]["jwt"]["issuers"][0]["refetch"] = "1s"
    host.write_config()
    host.plugctl("reload")
    server.keys = [Key("second")]
    wait_until(lambda: ask(host, server.keys[0].token()).status == 200, "the new key is fetched")


# ---- configurations that are refused


@pytest.mark.parametrize("issuer, word", [
    ({}, "nothing could be verified without keys"),
    ({"jwks_url": "https://a.test/", "jwks_file": "/x"}, "has keys from several places"),
    ({"jwks_url": "http://a.test/"}, "is not https"),
    ({"jwks_file": "/x", "jwks_ca": "/y"}, "is about a server that is not asked"),
    ({"jwks_file": "/x", "algorithms": ["HS256"]}, "are for secret_file"),
    ({"secret_file": "/x", "algorithms": ["ES256"]}, "only HS256, HS384 and HS512"),
    ({"jwks_file": "/x", "algorithms": ["none"]}, "is no algorithm of signatures"),
    ({"jwks_file": "/x", "refresh": "10s", "refetch": "20s"}, "is longer than refresh"),
    ({"jwks_file": "/x", "audiences": ["*", "a"]}, "says two things"),
    ({"jwks_file": "/x", "audiences": []}, "audiences"),
])
def test_a_configuration_that_would_let_in_nobody_or_anybody_is_refused(hosts, issuer, word):
    host = hosts(**settings_of(**issuer))
    host.write_config()
    host.write_whitelist()
    done = subprocess.run([PLUGD, "--check", "--config", str(host.config)], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode != 0 and word in done.stderr, done


def test_a_file_of_keys_that_can_not_be_used_is_refused_and_changes_nothing(start, tmp_path, key):
    path = key_file(tmp_path, key)
    host = start(**settings_of(jwks_file=path))
    (tmp_path / "other.json").write_text("{}")
    host.settings["identity"]["jwt"]["issuers"][0]["jwks_file"] = str(tmp_path / "other.json")
    host.write_config()
    host.plugctl("reload", status=1)
    assert "it is no JWK Set" in host.wait_log("reload.refused")["msg"]
    assert seen(host, key.token())["principal"] == "ada"


# ---- what plugctl makes


@pytest.mark.parametrize("algorithm", ["ES256", "ES512", "EdDSA", "RS256", "PS384", "HS384"])
def test_what_plugctl_signs_lets_in(hosts, start, tmp_path, algorithm):
    maker, file = hosts(), tmp_path / "key"
    maker.plugctl("token", "keypair", "--algorithm", algorithm, "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    token = maker.plugctl("token", "jwt", "--key", str(file), "--algorithm", algorithm, "--claim",
                          f"iss={ISSUER}", "--claim", f"aud={AUDIENCE}", "--claim", "sub=ann",
                          "--claim", 'roles=["admin"]', "--claim", "level=3").strip()
    keys = ({"secret_file": str(file)} if algorithm.startswith("HS")
            else {"jwks_file": str(file) + ".jwks.json"})
    host = start(**settings_of(algorithms=[algorithm], **keys))
    told = seen(host, token)
    assert (told["principal"], told["roles"], told["claims"]["level"]) == ("ann", ["admin"], 3)
    assert told["claims"]["exp"] - told["claims"]["iat"] == 300


def test_another_implementation_verifies_what_plugctl_signs(hosts, tmp_path):
    maker, file = hosts(), tmp_path / "key"
    told = json.loads(maker.plugctl("-o", "json", "token", "keypair", "--out", str(file)))
    assert told == {"algorithm": "ES256", "private_file": str(file),
                    "jwks_file": f"{file}.jwks.json"}
    token = maker.plugctl("token", "jwt", "--key", str(file), "--expires", "1h").strip()
    point = json.loads((tmp_path / "key.jwks.json").read_text())["keys"][0]
    x, y = (int.from_bytes(base64.urlsafe_b64decode(point[name] + "="), "big") for name in "xy")
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    claims = jwt.decode(token, public, ["ES256"])
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": point["kid"]}


def test_plugctl_never_overwrites_a_key_and_uses_none_that_others_can_read(hosts, tmp_path):
    maker, file = hosts(), tmp_path / "key"
    maker.plugctl("token", "keypair", "--out", str(file))
    before = file.read_bytes()
    maker.plugctl("token", "keypair", "--out", str(file), status=1)
    assert file.read_bytes() == before
    maker.plugctl("token", "jwt", "--key", str(file), "--algorithm", "RS256", status=1)
    maker.plugctl("token", "jwt", "--key", str(file), "--claim", "x", status=2)
    maker.plugctl("token", "jwt", "--key", str(file), "--algorithm", "none", status=2)
    maker.plugctl("token", "jwt", "--key", str(file), "--expires", "soon", status=2)
    file.chmod(0o644)
    maker.plugctl("token", "jwt", "--key", str(file), status=1)
