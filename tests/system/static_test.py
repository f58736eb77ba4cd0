"""Files for clients: which are served, how much of them, and that nothing else ever is. Each test
fails when its setting is ignored.
"""
import email.utils
import gzip
import os
import socket
import threading

import pytest

import h2_client
from client import Client
from h2_client import H2
from plugd import wait_until
from tls_client import TlsClient, address_of, client_context

LONG_AGO = 1_000_000_000
LARGE = 64 << 20
ROOM = 16 << 20  # for buffers and the sanitizers' own
TEXT = bytes(range(256)) * 4  # 1 KiB


def write(path, data=TEXT, when=LONG_AGO):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (when, when))
    return path


def files(directory, path="/*rest", **settings):
    return {"path": path, "static": {"directory": str(directory), **settings}}


@pytest.fixture(name="www")
def www_fixture(tmp_path):
    """A directory with a secret beside it."""
    www = tmp_path / "www"
    write(www / "a.txt")
    write(www / "index.html", b"<html>top")
    write(www / "docs/index.html", b"<html>docs")
    write(www / "bare/b.txt")
    write(www / ".hidden", b"secret")
    write(www / ".git/config", b"secret")
    write(tmp_path / "secret.txt", b"secret")
    return www


def served(start, *routes, **settings):
    return start(routes=list(routes), **settings)


def asks(host, path, method="GET", **headers):
    """Names of headers have _ in place of -."""
    return host.http(method, path, headers=[(name.replace("_", "-"), value)
                                            for name, value in headers.items()])


def large_file(www, size=LARGE):
    """Sparse, but for what is at its ends."""
    path = www / "large.bin"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(size - 3)
        file.seek(0, os.SEEK_END)
        file.write(b"end")
    return path


# ---- what is served


def test_a_file_is_served_with_what_is_known_of_it(start, www):
    host = served(start, files(www, cache_control="public, max-age=60"))
    whole = asks(host, "/a.txt")
    assert (whole.status, whole.body) == (200, TEXT)
    assert whole.header("content-type") == "text/plain; charset=utf-8"
    assert whole.header("last-modified") == email.utils.formatdate(LONG_AGO, usegmt=True)
    assert whole.header("accept-ranges") == "bytes"
    assert whole.header("cache-control") == "public, max-age=60"
    assert whole.header("etag").startswith('"')
    assert whole.header("vary") is None
    assert whole.header("x-content-type-options") == "nosniff"
    assert whole.header("x-request-id")
    head = asks(host, "/a.txt", "HEAD")
    assert (head.status, head.header("content-length"), head.body) == (200, "1024", b"")
    write(www / "empty", b"")
    assert asks(host, "/empty").header("content-length") == "0"
    seen = host.wait_log("http.request", target="/a.txt", method="GET")
    assert (seen["plugin"], seen["status"], seen["out_bytes"]) == ("-", 200, 1024)


def test_files_are_only_read(start, www):
    host = served(start, files(www))
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = asks(host, "/a.txt", method)
        assert refused.error() == (405, "METHOD_NOT_ALLOWED")
        assert refused.header("allow") == "GET, HEAD, OPTIONS"
    options = asks(host, "/a.txt", "OPTIONS")
    assert (options.status, options.header("allow")) == (204, "GET, HEAD, OPTIONS")


def test_a_connection_goes_on_after_files_of_any_size(start, www):
    host = served(start, files(www))
    write(www / "middle", b"m" * (100 << 10))
    with host.connect() as client:
        for name, size in (("a.txt", 1024), ("middle", 100 << 10), ("a.txt", 1024)) * 3:
            client.ask("GET", "/" + name)
            assert len(client.read().body) == size
        # And when they are asked for all at once.
        for name in ("middle", "a.txt", "middle"):
            client.ask("GET", "/" + name)
        assert [len(client.read().body) for _ in range(3)] == [100 << 10, 1024, 100 << 10]


def test_a_directory_answers_with_its_index(start, www):
    write(www / "docs/start.htm", b"start")
    host = served(start, files(www), files(www, "/two/*rest", index=["none", "start.htm"]),
                  files(www, "/none/*rest", index=[]))
    assert asks(host, "/").body == b"<html>top"
    assert asks(host, "/docs/").body == b"<html>docs"
    assert asks(host, "/docs/").header("content-type") == "text/html; charset=utf-8"
    assert asks(host, "/two/docs/").body == b"start"
    for path in ("/bare/", "/bare", "/none/", "/none/docs/", "/two/", "/a.txt/"):
        assert asks(host, path).error() == (404, "NOT_FOUND"), path


@pytest.mark.parametrize("path,location", [
    ("/docs", "./docs/"),
    ("/docs?a=b", "./docs/?a=b"),
    ("/bare/../docs", "./docs/"),
    ("/a%20:b", "./a%20%3Ab/"),
    ("/100%25", "./100%25/"),
])
def test_a_directory_without_its_slash_is_led_there(start, www, path, location):
    for name in ("a :b", "100%"):
        write(www / name / "index.html")
    led = asks(served(start, files(www)), path)
    assert (led.status, led.header("location"), led.body) == (308, location, b"")


def test_nobody_is_led_to_another_host(start, www):
    write(www / "evil.example/index.html")
    host = served(start, files(www))
    assert asks(host, "//evil.example").error() == (404, "NOT_FOUND")
    led = asks(host, "/evil.example")
    assert led.header("location") == "./evil.example/"


def test_an_application_answers_for_its_pages(start, www):
    host = served(start, files(www, fallback="/index.html"), files(www, "/plain/*rest"))
    for path in ("/users/7", "/users/", "/v1.2/users"):
        page = asks(host, path)
        assert (page.status, page.body) == (200, b"<html>top"), path
        assert page.header("content-type") == "text/html; charset=utf-8"
    for path in ("/app.js", "/users/app.12.css", "/.git/config", "/plain/users", "/a%2Fb"):
        assert asks(host, path).error() == (404, "NOT_FOUND"), path
    assert asks(host, "/users/7", "POST").status == 405


# ---- what is not


@pytest.mark.parametrize("path", [
    "/../secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt",
    "/docs/%2e%2e/%2e%2e/secret.txt", "/..%2fsecret.txt", "/..%2Fsecret.txt",
    "/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/..%255csecret.txt", "/%252e%252e/secret.txt",
    "//secret.txt", "/docs//index.html", "/%2Fetc/passwd", "//etc/passwd", "/a.txt%00", "/%00",
    "/%c0%ae%c0%ae/secret.txt", "/.hidden", "/%2ehidden", "/.git/config", "/docs/../.git/config",
    "/./.hidden", "/a.txt/", "/a.txt/.", "/out", "/out/secret.txt", "/up/secret.txt", "/absolute",
    "/magic", "/pipe", "/socket", "/device", "/loop", "/" + "x" * 300, "/" + "d/" * 2000 + "x",
])
def test_nothing_else_is_served(start, www, tmp_path, path):
    (www / "out").symlink_to("../secret.txt")
    (www / "up").symlink_to("..")
    (www / "absolute").symlink_to(tmp_path / "secret.txt")
    (www / "magic").symlink_to("/proc/self/environ")
    (www / "loop").symlink_to("loop")
    (www / "device").symlink_to("/dev/zero")
    os.mkfifo(www / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(www / "socket"))
        host = served(start, files(www))
        refused = asks(host, path)
    assert refused.status in (400, 404), path
    assert b"secret" not in refused.body.replace(b"secret.txt", b"")
    assert refused.error()


def test_a_link_that_leads_out_is_told_to_the_operator(start, www):
    (www / "out").symlink_to("../secret.txt")
    host = served(start, files(www))
    assert asks(host, "/out").error() == (404, "NOT_FOUND")
    assert host.wait_log("static.escape", file="out")["code"] == 1332


def test_links_within_are_followed_unless_that_is_refused(start, www):
    (www / "docs/same").symlink_to("../a.txt")
    (www / "there").symlink_to("bare")
    host = served(start, files(www), files(www, "/strict/*rest", symlinks="refuse"))
    assert asks(host, "/docs/same").body == TEXT
    assert asks(host, "/there/b.txt").body == TEXT
    assert asks(host, "/strict/bare/b.txt").body == TEXT
    for path in ("/strict/docs/same", "/strict/there/b.txt"):
        assert asks(host, path).error() == (404, "NOT_FOUND"), path


def test_a_directory_that_is_turned_into_a_link_leads_nowhere(start, www, tmp_path):
    """Somebody who may write there exchanges a directory for a link to the secret, again and
    again, while clients ask."""
    host = served(start, files(www))
    write(www / "turning/secret.txt", b"public")
    (tmp_path / "link").symlink_to("..")
    over = threading.Event()

    def turn():
        while not over.is_set():
            os.rename(www / "turning", tmp_path / "real")
            os.rename(tmp_path / "link", www / "turning")
            os.rename(www / "turning", tmp_path / "link")
            os.rename(tmp_path / "real", www / "turning")

    thread = threading.Thread(target=turn)
    thread.start()
    seen = set()
    with host.connect() as client:
        for _ in range(2000):
            client.ask("GET", "/turning/secret.txt")
            answer = client.read()
            seen.add(answer.status)
            assert answer.status != 200 or answer.body == b"public"
    over.set()
    thread.join()
    assert 200 in seen and seen <= {200, 404, 503}


# ---- as the client has it already


def test_what_a_client_has_is_not_sent_again(start, www):
    host = served(start, files(www, cache_control="no-cache"))
    whole = asks(host, "/a.txt")
    etag, date = whole.header("etag"), whole.header("last-modified")
    for headers in ({"If_None_Match": etag}, {"If_None_Match": "W/" + etag},
                    {"If_Modified_Since": date}):
        same = asks(host, "/a.txt", **headers)
        assert (same.status, same.body, same.header("etag")) == (304, b"", etag)
        assert same.header("cache-control") == "no-cache"
        assert same.header("content-type") is None
    assert asks(host, "/a.txt", If_None_Match='"other"', If_Modified_Since=date).status == 200
    assert asks(host, "/a.txt", If_Match='"other"').error() == (412, "PRECONDITION_FAILED")
    assert asks(host, "/a.txt", If_Match=etag).status == 200
    assert asks(host, "/a.txt", "HEAD", If_None_Match=etag).status == 304


def test_each_content_has_an_etag_of_its_own(start, www):
    host = served(start, files(www))
    etags = [asks(host, "/a.txt").header("etag")]
    (www / "a.txt").write_bytes(TEXT[::-1])  # of the same size
    etags.append(asks(host, "/a.txt").header("etag"))
    write(www / "new", TEXT).rename(www / "a.txt")  # of the same size and time as the first
    etags.append(asks(host, "/a.txt").header("etag"))
    assert len(set(etags)) == 3


def test_a_part_is_served(start, www):
    host = served(start, files(www))
    etag = asks(host, "/a.txt").header("etag")
    for asked, body, told in (("bytes=0-9", TEXT[:10], "bytes 0-9/1024"),
                              ("bytes=1000-", TEXT[1000:], "bytes 1000-1023/1024"),
                              ("bytes=-4", TEXT[-4:], "bytes 1020-1023/1024")):
        part = asks(host, "/a.txt", Range=asked)
        assert (part.status, part.body) == (206, body)
        assert part.header("content-range") == told
        assert part.header("etag") == etag
    assert asks(host, "/a.txt", Range="bytes=0-1,5-6").body == TEXT
    assert asks(host, "/a.txt", Range="bytes=0-9", If_Range=etag).status == 206
    assert asks(host, "/a.txt", Range="bytes=0-9", If_Range='"other"').status == 200
    assert asks(host, "/a.txt", "HEAD", Range="bytes=0-9").status == 200
    none = asks(host, "/a.txt", Range="bytes=1024-")
    assert none.error() == (416, "RANGE_NOT_SATISFIABLE")
    assert none.header("content-range") == "bytes */1024"


def test_a_part_of_a_large_file(start, www):
    large_file(www)
    host = served(start, files(www))
    assert asks(host, "/large.bin", Range="bytes=-3").body == b"end"
    part = asks(host, "/large.bin", Range=f"bytes=0-{LARGE // 2 - 1}")
    assert (len(part.body), part.body[:5]) == (LARGE // 2, b"begin")


# ---- siblings


def test_a_sibling_is_sent_to_who_takes_its_coding(start, www):
    write(www / "app.js", b"plain")
    packed = gzip.compress(b"plain")
    write(www / "app.js.gz", packed)
    write(www / "app.js.br", b"brotli")
    host = served(start, files(www, precompressed=["br", "gzip"]), files(www, "/off/*rest"))
    etags = set()
    for accepted, coding, body in (
            ("gzip, br", "br", b"brotli"), ("gzip;q=1, br;q=0", "gzip", packed),
            ("zstd", None, b"plain"), ("identity", None, b"plain")):
        answer = asks(host, "/app.js", Accept_Encoding=accepted)
        assert (answer.header("content-encoding"), answer.body) == (coding, body), accepted
        assert answer.header("content-type") == "text/javascript; charset=utf-8"
        assert answer.header("vary") == "Accept-Encoding"
        etags.add(answer.header("etag"))
        again = asks(host, "/app.js", Accept_Encoding=accepted,
                     If_None_Match=answer.header("etag"))
        assert (again.status, again.header("vary")) == (304, "Accept-Encoding")
    assert len(etags) == 3
    part = asks(host, "/app.js", Accept_Encoding="br", Range="bytes=0-1")
    assert (part.status, part.body, part.header("content-range")) == (206, b"br", "bytes 0-1/6")
    off = asks(host, "/off/app.js", Accept_Encoding="gzip, br")
    assert (off.body, off.header("vary")) == (b"plain", None)


def test_a_sibling_must_be_a_file_as_new_as_its_own(start, www, tmp_path):
    write(www / "app.js", b"plain", LONG_AGO + 1)
    write(www / "app.js.br", b"stale")
    (www / "app.js.gz").symlink_to("../secret.txt")
    host = served(start, files(www, precompressed=["br", "gzip"]))
    assert asks(host, "/app.js", Accept_Encoding="br, gzip").body == b"plain"
    write(www / "app.js.br", b"fresh", LONG_AGO + 1)
    assert asks(host, "/app.js", Accept_Encoding="br, gzip").body == b"fresh"
    write(www / "only.js.br", b"brotli")
    assert asks(host, "/only.js", Accept_Encoding="br").status == 404


# ---- how it goes out


def read_slowly(client, length):
    """The body of an answer whose head was read, as (first, last, count)."""
    first, last, count = b"", b"", 0
    while count < length:
        if not client.buffer:
            assert client.fill(), f"cut off after {count}"
        data = client.take(len(client.buffer))
        first, last, count = (first + data)[:5], (last + data)[-3:], count + len(data)
    return first, last, count


def check_slow_reader(host, client):
    """Others are served meanwhile, and the file is not in memory."""
    before = host.rss()
    client.ask("GET", "/large.bin")
    assert client.read_head().header("content-length") == str(LARGE)
    return before


def test_a_slow_reader_costs_no_memory(start, www):
    large_file(www)
    host = served(start, files(www))
    with Client(host.address, receive_buffer=64 << 10) as client:
        before = check_slow_reader(host, client)
        for _ in range(50):
            assert asks(host, "/a.txt").status == 200
        assert host.rss() < before + ROOM
        assert read_slowly(client, LARGE) == (b"begin", b"end", LARGE)
        client.ask("GET", "/a.txt")
        assert client.read().body == TEXT
    assert host.rss() < before + ROOM


def test_files_over_tls(start, www, ca):
    large_file(www)
    pair = ca.issue("localhost")
    host = served(start, files(www), listen="https://127.0.0.1:0",
                  tls={"certificates": [pair.row()]})
    with TlsClient(address_of(host), client_context(ca.pem), receive_buffer=64 << 10) as client:
        before = check_slow_reader(host, client)
        with TlsClient(address_of(host), client_context(ca.pem)) as other:
            assert other.ask("GET", "/a.txt").read().body == TEXT
        assert host.rss() < before + ROOM
        assert read_slowly(client, LARGE) == (b"begin", b"end", LARGE)
        for path, body in (("/a.txt", TEXT), ("/docs/", b"<html>docs")):
            client.ask("GET", path)
            assert client.read().body == body


def test_files_over_http2(start, www):
    large_file(www, LARGE // 4)
    host = served(start, files(www))
    with H2(host.address) as client:
        streams = [client.ask("GET", path) for path in ("/large.bin", "/a.txt", "/.git/config")]
        large, text, hidden = [client.answer(stream) for stream in streams]
        assert (large.status, len(large.body), large.body[-3:]) == (200, LARGE // 4, b"end")
        assert (text.body, hidden.status) == (TEXT, 404)
        head = client.answer(client.ask("HEAD", "/large.bin"))
        assert head.header("content-length") == str(LARGE // 4)


def test_a_shut_window_holds_only_its_own_file_back(start, www):
    large_file(www)
    host = served(start, files(www))
    before = host.rss()
    with H2(host.address, settings=[(h2_client.INITIAL_WINDOW_SIZE, 1000)],
            is_greedy=False) as client:
        held = client.ask("GET", "/large.bin")
        assert asks(host, "/a.txt").body == TEXT
        client.window(held, 24)
        client.read_until(lambda: len(client.streams[held].body) == 1024, "the window is used up")
        assert host.rss() < before + ROOM


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_file_that_becomes_shorter_cuts_the_answer_off(start, www, ca, over_tls):
    """Never is less sent than was told, and the end looks like one."""
    path = large_file(www)
    pair = ca.issue("localhost")
    host = served(start, files(www), tls={"certificates": [pair.row()]},
                  listen="https://127.0.0.1:0" if over_tls else "127.0.0.1:0")
    client = (TlsClient(address_of(host), client_context(ca.pem), receive_buffer=64 << 10)
              if over_tls else Client(host.address, receive_buffer=64 << 10))
    with client:
        client.ask("GET", "/large.bin")
        client.read_head()
        os.truncate(path, 1 << 20)
        count = len(client.take(len(client.buffer)))
        while client.fill():
            count += len(client.take(len(client.buffer)))
        assert count < LARGE
    assert host.wait_log("static.cut", path="/large.bin")["code"] == 1333


def test_descriptors_are_closed_however_a_transfer_ends(start, www):
    path = large_file(www)
    host = served(start, files(www, precompressed=["gzip"], fallback="/index.html"))
    asks(host, "/a.txt")
    before = host.descriptors_at_rest()
    etag = asks(host, "/a.txt").header("etag")
    for _ in range(3):
        asks(host, "/large.bin")
        asks(host, "/large.bin", "HEAD")
        asks(host, "/docs")
        asks(host, "/users")
        asks(host, "/bare/")
        asks(host, "/a.txt", If_None_Match=etag)
        asks(host, "/a.txt", If_Match='"x"')
        asks(host, "/a.txt", Range="bytes=5000-")
        with host.connect() as client:  # leaves in the middle
            client.ask("GET", "/large.bin").read_head()
        with H2(host.address) as client:
            stream = client.ask("GET", "/large.bin")
            client.read_until(lambda c=client, s=stream: c.streams[s].headers, "the head")
            client.reset(stream)
            client.ask("GET", "/large.bin")
    with host.connect() as client:
        client.ask("GET", "/large.bin").read_head()
        os.truncate(path, 1000)
        while client.fill():
            client.buffer.clear()
    wait_until(lambda: host.descriptors_at_rest() == before, "descriptors are closed")


# ---- what an operator does


def test_a_reload_changes_the_directory_and_keeps_transfers(start, www, tmp_path):
    large_file(www)
    other = tmp_path / "other"
    write(other / "a.txt", b"other")
    host = served(start, files(www))
    with Client(host.address, receive_buffer=64 << 10) as client:
        client.ask("GET", "/large.bin").read_head()
        host.settings["routes"] = [files(other)]
        host.write_config()
        host.plugctl("reload")
        assert asks(host, "/a.txt").body == b"other"
        assert read_slowly(client, LARGE) == (b"begin", b"end", LARGE)
    host.settings["routes"] = [files(tmp_path / "missing")]
    host.write_config()
    host.plugctl("reload", status=1)
    assert host.wait_log("reload.refused")["code"] == 1330
    assert asks(host, "/a.txt").body == b"other"


def test_a_directory_that_is_put_in_place_counts_after_a_reload(start, www, tmp_path):
    (tmp_path / "current").symlink_to(www)
    host = served(start, files(tmp_path / "current"))
    write(tmp_path / "next/a.txt", b"next")
    (tmp_path / "turned").symlink_to("next")
    (tmp_path / "turned").rename(tmp_path / "current")
    assert asks(host, "/a.txt").body == TEXT
    host.plugctl("reload")
    assert asks(host, "/a.txt").body == b"next"


def test_a_host_does_not_start_without_its_directory(hosts, tmp_path):
    host = hosts(routes=[files(tmp_path / "missing")])
    host.write_config()
    host.write_whitelist([])
    host.expected_status = 1
    host.launch()
    failed = host.wait_log("host.failed")
    assert failed["code"] == 1330 and "missing" in failed["msg"]
    assert host.wait_exit() == 1


def test_limits_and_lists_hold_for_files(start, www):
    host = served(start, {**files(www, "/shut/*rest"), "deny": ["127.0.0.0/8"]},
                  {**files(www, "/few/*rest"), "rate_limit": {"per_second": 1}},
                  {**files(www, "/cors/*rest"), "cors": {"origins": ["https://a.example"]}})
    assert asks(host, "/shut/a.txt").error() == (403, "ADDRESS_FORBIDDEN")
    statuses = [asks(host, "/few/a.txt").status for _ in range(20)]
    assert statuses[0] == 200 and 429 in statuses
    shared = asks(host, "/cors/a.txt", Origin="https://a.example")
    assert shared.header("access-control-allow-origin") == "https://a.example"


def test_routes_show_where_files_lie(start, www):
    host = served(start, files(www, "/assets/*file"))
    row = host.admin("routes")[0]
    assert (row["plugin"], row["target"], row["resolved"]) == (None, str(www), True)
    assert str(www) in host.plugctl("routes")
