"""The HTTP servers that are measured: plugd with its echo plugin, nginx alone, nginx with a FastCGI
process, and whatever lies in a folder of peers. Each answers a GET with "hello world", keeps
connections alive and writes no access log. With TLS all show the same certificate."""

import json
import pathlib
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from benchmark import processes

HERE = pathlib.Path(__file__).parent
START_PATIENCE_S = 20

# All load comes from one address.
ONE_CLIENT = {"rate_limit": {"per_second": 0}, "max_connections_per_address": 0}

# Whose certificate it is doesn't matter here.
ANYBODY = ssl._create_unverified_context()

# Peers of the same job that are worth their time; others are asked for by name.
PEERS = ["go-plugin-grpc", "go-plugin-netrpc"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server, from start() or `with` to its end."""

    def __init__(self, name, directory, path, command, scheme="http"):
        """`command` gets directory and port, and returns what to run."""
        self.name = name
        self.directory = directory / name
        self.path = path
        self.command = command
        self.scheme = scheme
        self.headers = {}  # of each request, once it is started
        self.process = None
        self.port = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    @property
    def url(self):
        return self.url_of(self.path)

    def url_of(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        command = self.command(self.directory, self.port)
        with open(self.directory / "output", "wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=output, stderr=subprocess.STDOUT
            )
        self.wait_ready()

    def wait_ready(self):
        until = time.monotonic() + START_PATIENCE_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                said = (self.directory / "output").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"{self.name} does not answer; it says: {said[-500:]}")
            time.sleep(0.05)

    def answers(self):
        try:
            asked = urllib.request.Request(self.url, headers=self.headers)
            with urllib.request.urlopen(asked, timeout=1, context=ANYBODY) as answer:
                return answer.read() == b"hello world\n"
        except (urllib.error.URLError, OSError):
            return False

    def pids(self):
        return processes.tree(self.process.pid)

    def stop(self):
        pids = self.pids()
        self.process.terminate()
        try:
            self.process.wait(processes.END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
        processes.end(pids)
        self.process.wait()


def make_certificate(home):
    """A key on P-256 with its certificate: tls.key and tls.pem."""
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30".split()
    place = ["-keyout", home / "tls.key", "-out", home / "tls.pem", "-subj", "/CN=bench"]
    subprocess.run([*new, *place], check=True, stderr=subprocess.DEVNULL)


# Whose tokens are good, for `identity`; the key is made when the host is started.
ISSUER = {
    "issuer": "https://login.example.com/",
    "audiences": ["bench"],
    "jwks_file": "issuer.key.jwks.json",
}


def make_token(plugctl, home):
    """A key of ISSUER, and a token for the length of any benchmark."""
    token = [plugctl, "token"]
    key = home / "issuer.key"
    for file in home.glob("issuer.key*"):
        file.unlink()
    subprocess.run([*token, "keypair", "--out", key], check=True, capture_output=True)
    claims = {"iss": ISSUER["issuer"], "aud": "bench", "sub": "bench"}
    words = [word for claim in claims.items() for word in ("--claim", "=".join(claim))]
    line = [*token, "jwt", "--key", key, "--expires", "24h", *words]
    return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def plugd_settings(echo, http=None, plugin=None, more_routes=(), **others):
    """What plugd.yaml says but for its addresses."""
    return {
        "http": {**ONE_CLIENT, **(http or {})},
        "log": {"access": False, "level": "warn"},
        "admin": {"socket": "admin.sock"},
        "whitelist": {"file": "whitelist.yaml"},
        "routes": [
            {"path": "/echo", "plugin": "echo", "body_limit": "1GiB"},
            {"path": "/say", "plugin": "echo", "rpc": "echo.v1.Echo/Say"},
            *more_routes,
        ],
        "plugins": [{"name": "echo", "executable": str(echo), **(plugin or {})}],
        **others,
    }


def plugd(build, directory, name="plugd", scheme="http", **settings):
    """A host of the echo plugin; `settings` are others than the defaults: `http`, `plugin`
    and `more_routes` are added to what is there, everything else stands in its place."""

    def command(home, port):
        echo = build / "plugins-examples/echo/echo"
        text = plugd_settings(echo, **settings)
        text["listen"] = f"{scheme}://127.0.0.1:{port}"
        if scheme == "https":
            make_certificate(home)
            text["tls"] = {"certificates": [{"certificate": "tls.pem", "key": "tls.key"}]}
        (home / "plugd.yaml").write_text(json.dumps(text))  # JSON is YAML
        (home / "whitelist.yaml").unlink(missing_ok=True)
        plugctl = build / "tools/plugctl/plugctl"
        if "identity" in settings:
            server.headers["Authorization"] = f"Bearer {make_token(plugctl, home)}"
        pin = [plugctl, "whitelist", "add", "--file", home / "whitelist.yaml", "--name", "echo"]
        subprocess.run([*pin, echo], check=True, stdout=subprocess.DEVNULL)
        return [build / "host/plugd", "--config", home / "plugd.yaml"]

    server = Server(name, directory, "/echo", command, scheme)
    return server


def nginx_command(template, home, port):
    text = (HERE / template).read_text().replace("@HOME@", str(home)).replace("@PORT@", str(port))
    (home / "nginx.conf").write_text(text)
    return ["nginx", "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"]


def nginx_200(directory):
    def command(home, port):
        return nginx_command("nginx-200.conf", home, port)

    return Server("nginx-200", directory, "/", command)


def nginx_tls(directory):
    """Over TLS, with HTTP/2 for those who agree."""

    def command(home, port):
        make_certificate(home)
        return nginx_command("nginx-tls.conf", home, port)

    return Server("nginx-tls", directory, "/", command, "https")


def nginx_fcgi(build, directory):
    """One tree: the shell starts the responder and becomes nginx."""

    def command(home, port):
        responder = build / "tools/benchmark/bench-fcgi"
        nginx = nginx_command("nginx-fcgi.conf", home, port)
        script = '"$0" "$1" 64 & shift; exec "$@"'
        return ["sh", "-c", script, responder, home / "socket", *nginx]

    return Server("nginx-fcgi", directory, "/", command)


def peer(folder, name, directory):
    def command(home, port):
        return [folder / "peers" / name / "run.sh", port]

    return Server(name, directory, "/", command)


def all_of(build, directory, peers_folder):
    servers = [plugd(build, directory), nginx_200(directory), nginx_fcgi(build, directory)]
    for name in PEERS if peers_folder else []:
        if (peers_folder / "peers" / name / "run.sh").exists():
            servers.append(peer(peers_folder, name, directory))
    return servers
