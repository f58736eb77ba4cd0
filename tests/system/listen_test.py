"""Where clients connect besides ports: files, and sockets that plugd was started with."""
import fcntl
import os
import pathlib
import pwd
import socket
import stat

import pytest

from plugd import children, plugin, route, wait_until
from tls_client import TlsClient, address_of, client_context

LIVE = "/health/live"
MIRROR = {"plugins": [plugin("good")], "routes": [route("/x/mirror", "good")]}

UID, GID = pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def refusal(host):
    """The code and the words with which a start fails."""
    host.write_config()
    host.write_whitelist()
    host.launch()
    host.expected_status = 1
    assert host.wait_exit() == 1
    record = (host.log("host.failed") or [{}])[-1]
    return record.get("code"), record.get("msg", "") + b"".join(host.noise).decode()


def reload(host, status=0, **settings):
    """The reply to a reload of a configuration that has changed, as text."""
    host.settings = {**host.settings, **settings}
    host.write_config()
    with host.order("reload") as order:
        told = order.reply()
    assert told["ok"] == (status == 0), told
    return str(told)


# ---- Unix sockets


@pytest.fixture(name="path")
def path_fixture(tmp_path):
    return tmp_path / "http.sock"


def test_clients_of_a_unix_socket_are_served_and_its_file_goes_with_the_host(start, path):
    host = start(listen=[f"unix:{path}", "127.0.0.1:0"], **MIRROR)
    assert host.address == f"unix:{path}"
    facts = path.stat()
    assert stat.S_ISSOCK(facts.st_mode) and stat.S_IMODE(facts.st_mode) == 0o660
    told = host.http("GET", "/x/mirror", headers=[("X-Forwarded-For", "192.0.2.7")]).json()
    assert (told["peer"], told["scheme"]) == ("unix", "http")
    assert host.wait_log("http.request")["peer"] == "unix"
    assert f"unix:{path}" in host.admin("status")["listeners"]
    host.stop()
    assert not path.exists()


def test_clients_of_a_unix_socket_are_believed_when_unix_is_trusted(start, path):
    host = start(listen=f"unix:{path}", trusted_proxies=["unix"], **MIRROR)
    told = host.http("GET", "/x/mirror", headers=[("X-Forwarded-For", "192.0.2.7")]).json()
    assert told["peer"] == "192.0.2.7:0"


def test_mode_and_group_are_as_configured(hosts, path):
    group = os.getgid()
    if os.geteuid() == 0:
        group = 60
    hosts(listen=f"unix:{path}", unix_sockets={"mode": "0606", "group": str(group)}).start()
    facts = path.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_gid) == (0o606, group)


def test_a_group_that_is_none_and_a_mode_that_shuts_us_out_are_refused(hosts, path):
    code, said = refusal(hosts(listen=f"unix:{path}", unix_sockets={"group": "no-such-group"}))
    assert "no-such-group" in said and "[1303]" in said, (code, said)
    for mode in ("0060", "0400", "66o"):
        _, said = refusal(hosts(listen=f"unix:{path}", unix_sockets={"mode": mode}))
        assert "unix_sockets.mode" in said, said


def test_what_a_dead_host_left_is_replaced(hosts, path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    host = hosts(listen=f"unix:{path}").start()
    host.kill()
    host.wait_no_orphans()
    assert path.exists()
    again = hosts(listen=f"unix:{path}").start()
    assert again.http("GET", LIVE).status == 200


def test_what_lives_or_is_no_socket_stays(hosts, path):
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        code, said = refusal(hosts(listen=f"unix:{path}"))
        assert code == 1303 and "another host listens" in said
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    path.unlink()
    path.write_text("precious")
    code, said = refusal(hosts(listen=f"unix:{path}"))
    assert code == 1303 and "is not a socket" in said
    assert path.read_text() == "precious"
    assert refusal(hosts(listen=f"unix:{path.parent}/none/a.sock"))[0] == 1303


def test_tls_is_spoken_on_a_unix_socket_too(start, path, ca):
    host = start(listen=f"https://unix:{path}", tls={"certificates": [ca.issue().row()]}, **MIRROR)
    with TlsClient(address_of(host), client_context(ca.pem)) as client:
        assert client.ask("GET", "/x/mirror").read().json()["scheme"] == "https"


def test_a_reload_adds_and_removes_unix_sockets(start, path, tmp_path):
    host = start(listen=f"unix:{path}", **MIRROR)
    client = host.connect()
    assert client.ask("GET", LIVE).read().status == 200
    other = tmp_path / "other.sock"
    reload(host, listen=[f"unix:{other}", "127.0.0.1:0"])
    assert other.exists() and not path.exists()
    assert host.wait_log("listener.closed")["addr"] == f"unix:{path}"
    assert client.ask("GET", LIVE).read().status == 200, "who was there stays"
    client.close()
    host.address = f"unix:{other}"
    assert host.http("GET", LIVE).status == 200


def test_a_reload_that_fails_leaves_no_file_and_the_old_one_in_its_place(start, path, tmp_path):
    host = start(listen=f"unix:{path}")
    other = tmp_path / "other.sock"
    reload(host, status=1, listen=[f"unix:{other}", f"unix:{path}", f"unix:{tmp_path}/none/a"])
    assert path.exists() and not other.exists()
    assert host.http("GET", LIVE).status == 200


def test_pages_for_the_operator_may_be_on_a_unix_socket(start, path):
    host = start(admin={"http": f"unix:{path}"})
    host.address = f"unix:{path}"
    wait_until(path.exists, "the socket")
    assert host.http("GET", "/metrics").status == 200


@pytest.fixture(name="dropped")
def dropped_fixture(tmp_path):
    """dropped(hosts, …): a host that becomes `daemon`, in directories that it can enter."""
    for directory in [tmp_path, *list(tmp_path.parents)[:3]]:
        if directory.owner() == "root" and directory != pathlib.Path("/tmp"):
            directory.chmod(0o755)

    def make(hosts, **settings):
        host = hosts({"ASAN_OPTIONS": "detect_leaks=0"}, process={"user": "daemon"},
                     admin={"socket": "none"}, **settings)
        os.chown(host.directory, UID, GID)
        return host
    return make


@needs_root
def test_the_file_is_the_user_s_that_plugd_becomes(hosts, dropped, tmp_path):
    directory = tmp_path / "run"
    directory.mkdir()
    os.chown(directory, UID, GID)
    path = directory / "http.sock"
    host = dropped(hosts, listen=f"unix:{path}").start()
    assert (path.stat().st_uid, path.stat().st_gid) == (UID, GID)
    assert host.http("GET", LIVE).status == 200
    host.stop()
    assert not path.exists()


@needs_root
def test_a_file_that_the_user_can_not_remove_is_told(hosts, dropped, path):
    host = dropped(hosts, listen=f"unix:{path}").start()
    host.stop()
    assert host.log("listener.file_left")[0]["code"] == 1303 and path.exists()
    assert dropped(hosts, listen=f"unix:{path}").start().http("GET", LIVE).status == 200


# ---- addresses


def test_an_ipv6_address_is_ipv6_alone_and_a_port_alone_is_both(start):
    host = start(listen=["[::]:0", ":0"])
    only_v6, both = [int(row.rsplit(":", 1)[1]) for row in host.admin("status")["listeners"]]
    for address in ("::1", "127.0.0.1"):
        socket.create_connection((address, both)).close()
    socket.create_connection(("::1", only_v6)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", only_v6))


@pytest.mark.parametrize("listen", [
    ["127.0.0.1:8443", "https://127.0.0.1:8443"], ["unix:/a", "https://unix:/a"],
    ["fd:web", "proxy+http://fd:web"]])
def test_one_address_with_two_protocols_is_refused_in_words(hosts, listen):
    _, said = refusal(hosts(listen=listen, trusted_proxies=["::1"]))
    assert f"{listen[0]} and {listen[1]} are the same address; choose another" in said, said


# ---- inherited sockets


INHERIT = 'eval "exec $INHERIT"; unset INHERIT; LISTEN_PID=$$ exec "$@"'


def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen()
    return sock


def give(host, *socks, names=None):
    """The host is started with these sockets, as systemd would."""
    high = [fcntl.fcntl(sock, fcntl.F_DUPFD, 100) for sock in socks]
    host.pass_fds = tuple(high)
    host.under = ["/bin/bash", "-c", INHERIT, "start"]
    moves = [f"{3 + i}<&{fd}-" for i, fd in enumerate(high)]
    host.environment["INHERIT"] = " ".join(moves or ["3<&-"])
    host.environment["LISTEN_FDS"] = str(len(socks))
    if names is not None:
        host.environment["LISTEN_FDNAMES"] = names
    host.given = high
    return host


def launched(host, ready=None):
    """Started, with what was handed over in its hands alone."""
    try:
        return host.start(ready)
    finally:
        for fd in host.given:
            os.close(fd)


def refused(host):
    try:
        return refusal(host)
    finally:
        for fd in host.given:
            os.close(fd)


def inode_of(sock):
    return os.fstat(sock.fileno()).st_ino


def has_socket(pid, inode):
    links = []
    for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(file))
        except FileNotFoundError:
            continue
    return f"socket:[{inode}]" in links


def is_close_on_exec(pid, inode):
    """Of every descriptor of that socket."""
    flags = [pathlib.Path(f"/proc/{pid}/fdinfo/{file.name}").read_text()
             for file in pathlib.Path(f"/proc/{pid}/fd").iterdir()
             if os.readlink(file) == f"socket:[{inode}]"]
    return all(int(text.split("flags:")[1].split()[0], 8) & os.O_CLOEXEC for text in flags)


def address_text(sock):
    return "%s:%d" % sock.getsockname()


@pytest.mark.parametrize("name", ["web", "4"])
def test_an_inherited_socket_is_found_by_name_or_number(hosts, name):
    with listening() as other, listening() as sock:
        host = launched(give(hosts(listen=[f"fd:{name}", "fd:other"], **MIRROR), other, sock,
                             names="other:web"))
        assert host.address == f"fd:{name}"
        host.address = address_text(sock)
        assert host.http("GET", "/x/mirror").json()["peer"].startswith("127.0.0.1:")


def test_nobody_else_gets_inherited_sockets_or_hears_of_them(hosts):
    with listening() as sock:
        host = launched(give(hosts(listen="fd:web", **MIRROR), sock, names="web"))
        pids = [host.spawner(), *children(host.spawner()), host.pid("good")]
        assert has_socket(host.process.pid, inode_of(sock))
        assert len(pids) >= 3 and not any(has_socket(pid, inode_of(sock)) for pid in pids)
        assert is_close_on_exec(host.process.pid, inode_of(sock))
        host.address = address_text(sock)
        assert host.http("GET", LIVE).status == 200


@pytest.mark.parametrize("name", ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
def test_the_variables_are_gone_when_a_secret_asks_for_them(hosts, name):
    with listening() as sock:
        nosy = plugin("good", secrets={"it": {"env": name}})
        host = launched(give(hosts(listen="fd:web", plugins=[nosy]), sock, names="web"), ready=[])
        assert name in host.wait_log("plugin.refused", code=1870)["msg"]


def test_what_is_not_listened_on_is_closed_and_told(hosts):
    with listening() as sock, listening() as unused:
        host = launched(give(hosts(listen="fd:web"), sock, unused, names="web:more"))
        told = host.wait_log("listener.inherited_closed")
        assert (told["level"], told["name"], told["descriptor"]) == ("warn", "more", 4)
        assert not has_socket(host.process.pid, inode_of(unused))
        assert len(host.log("listener.inherited_closed")) == 1


def test_clients_wait_through_a_restart(hosts):
    with listening() as sock:
        first = launched(give(hosts(listen="fd:web"), sock, names="web"))
        first.stop()
        with socket.create_connection(sock.getsockname()) as client:
            client.settimeout(60)
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n")
            launched(give(hosts(listen="fd:web"), sock, names="web"))
            assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_an_inherited_unix_socket_keeps_its_file(hosts, path):
    with listening(socket.AF_UNIX, str(path)) as sock:
        host = launched(give(hosts(listen="fd:3", **MIRROR), sock))
        host.address = f"unix:{path}"
        assert host.http("GET", "/x/mirror").json()["peer"] == "unix"
        host.stop()
    assert path.exists()


def test_tls_is_spoken_on_an_inherited_socket(hosts, ca):
    with listening() as sock:
        launched(give(hosts(listen="https://fd:web", tls={"certificates": [ca.issue().row()]}),
                      sock, names="web"))
        with TlsClient(address_text(sock), client_context(ca.pem)) as client:
            assert client.ask("GET", LIVE).read().status == 200


def test_a_reload_can_give_an_inherited_socket_up_but_not_take_it_back(hosts):
    with listening() as sock:
        host = launched(give(hosts(listen=["fd:web", "127.0.0.1:0"]), sock, names="web"))
        reload(host, status=1, listen=["127.0.0.1:0", "fd:other"])
        assert has_socket(host.process.pid, inode_of(sock)), "nothing has changed"
        reload(host, listen=["127.0.0.1:0"])
        host.wait_log("listener.inherited_closed", name="web")
        assert not has_socket(host.process.pid, inode_of(sock))
        assert "restart plugd" in reload(host, status=1, listen=["fd:web", "127.0.0.1:0"])


@needs_root
def test_inherited_sockets_stay_when_plugd_becomes_another_user(hosts, dropped):
    with listening() as sock:
        host = launched(give(dropped(hosts, listen="fd:web"), sock, names="web"))
        host.wait_log("privileges.dropped")
        host.address = address_text(sock)
        assert host.http("GET", LIVE).status == 200


def connected():
    with listening() as sock:
        return socket.create_connection(sock.getsockname())


def datagrams():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


@pytest.mark.parametrize("make, name, names, words", [
    (listening, "web", "other", 'no socket with the name "web"'),
    (listening, "9", "web", 'no socket with the name "9"'),
    (connected, "web", "web", "no socket that listens for streams"),
    (datagrams, "web", "web", "no socket that listens for streams"),
    (listening, "web", "web:web", "LISTEN_FDNAMES"),
])
def test_what_can_not_be_listened_on_is_refused_in_words(hosts, make, name, names, words):
    with make() as sock:
        code, said = refused(give(hosts(listen=f"fd:{name}"), sock, names=names))
    assert words in said and (code == 1304 or "[1304]" in said), (code, said)


def test_systemd_s_own_program_hands_them_over(hosts, tmp_path):
    path = tmp_path / "handed.sock"
    host = hosts(listen="fd:web", **MIRROR)
    host.under = ["systemd-socket-activate", f"--listen={path}", "--fdname=web",
                  f"--setenv=PLUGD_CONFIG={host.config}"]
    host.write_config()
    host.write_whitelist()
    host.launch()
    wait_until(path.exists, "the socket")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(path))
        host.wait_log("instance.ready")
        client.sendall(b"GET /x/mirror HTTP/1.1\r\nHost: test\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    host.noise = [line for line in host.noise if path.name.encode() not in line and
                  b"Communication attempt" not in line and b"Execing" not in line]


def test_two_sockets_of_one_name_are_told_apart_by_number_only(hosts):
    with listening() as one, listening() as two:
        code, said = refused(give(hosts(listen="fd:web"), one, two, names="web:web"))
        assert code == 1304 and "2 inherited sockets have the name" in said
        launched(give(hosts(listen=["fd:3", "fd:4"]), one, two, names="web:web"))


def test_sockets_for_another_process_are_not_ours(hosts):
    host = hosts({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, listen="fd:3")
    code, said = refusal(host)
    assert code == 1304 and "LISTEN_PID" in said
    hosts({"LISTEN_PID": "1", "LISTEN_FDS": "1"}).start()


def test_a_descriptor_that_was_not_handed_over_is_missed(hosts):
    host = give(hosts(listen="fd:3"))
    host.environment["LISTEN_FDS"] = "1"
    _, said = refused(host)
    assert "descriptor 3 was not handed over" in said and "[1304]" in said
