"""The daemon under test: started with a configuration, asked, watched, and stopped with proofs.

Nothing here waits for a time to pass. It waits for a line of the log, for a state that the host
shows, or for the end of a process, and gives up only when no healthy run could take so long.
"""
import collections
import ctypes
import hashlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

from client import Client, request

# A safety net for a test that hangs, not a limit that a healthy run comes near.
PATIENCE_S = 60

PLUGD = os.environ["PLUGD"]
PLUGCTL = os.environ["PLUGCTL"]
PLUGINS = pathlib.Path(os.environ["PLUGIN_DIR"])
PYTHON = "/usr/bin/python3"

# Sanitizers speak up at the first undefined behaviour, and keep little, so that RSS means
# something.
SANITIZERS = {
    "ASAN_OPTIONS": "quarantine_size_mb=4:malloc_context_size=8",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

# What the examples run in. LeakSanitizer looks at a process that ends through another's eyes.
STRICT = {"profile": "strict", "allow_calls": ["ptrace"]}

PR_SET_CHILD_SUBREAPER = 36
PORTS_OF_KERNEL = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
TCP_LISTEN = "0A"  # in /proc/net/tcp


def adopt_orphans():
    """Whatever process is left behind becomes our child, where orphans() finds it."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def children(pid):
    found = []
    for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += map(int, file.read_text().split())
    return found


def wait_until(condition, what, patience_s=PATIENCE_S):
    """For states that nobody announces: looks again and again."""
    give_up = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < give_up, f"not in {patience_s} s: {what}"
        time.sleep(0.005)
    return value


def freeze(pid):
    """Stops a process; from then on none of its threads reads anything."""
    os.kill(pid, signal.SIGSTOP)
    tasks = pathlib.Path(f"/proc/{pid}/task")
    wait_until(lambda: all("State:\tT" in (task / "status").read_text()
                           for task in tasks.iterdir()), "a frozen process")


def free_port():
    """One below those that the kernel hands out, so nobody gets it before the test does."""
    first_of_kernel = int(PORTS_OF_KERNEL.read_text().split()[0])
    while True:
        try:
            port = random.randrange(1024, first_of_kernel)
            socket.create_server(("127.0.0.1", port)).close()
            return port
        except OSError:
            pass


def plugctl(*args, status=0, under=()):
    """What plugctl prints without a host, after its exit status was as expected; run by `under`."""
    done = subprocess.run([*under, PLUGCTL, *map(str, args)], capture_output=True, check=False,
                          text=True)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def process_field(pid, name):
    """A line of /proc/<pid>/status."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(line.split(":", 1)[1].strip() for line in file if line.startswith(name + ":"))


def describe(pid):
    """A process in words, for messages."""
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return f"{pid} {process_field(pid, 'State')} {file.read().split(bytes(1))}"


def parent_of(pid):
    return int(process_field(pid, "PPid"))


def is_alive(pid):
    try:
        return process_field(pid, "State")[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- configuration


def plugin(kind, *args, name=None, executable=None, **settings):
    """A row of `plugins`: the executable given, or that kind of tests/plugins."""
    return {"name": name or kind, "executable": str(executable or PLUGINS / kind),
            "args": list(args), "expose": True, **settings}


def route(path, name, **settings):
    return {"path": path, "plugin": name, **settings}


def whitelist_entry(path, **changes):
    real = os.path.realpath(path)
    with open(real, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"path": real, "hash": f"sha256:{digest}", **changes}


class Order:
    """A command on the admin socket, from its first byte to its reply."""

    def __init__(self, host, line):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(host.socket))
        self.sock.sendall(line.encode() + b"\n")
        self.news = []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.sock.close()

    def reply(self):
        """The reply; news that came before it are kept."""
        with self.sock.makefile("rb") as file:
            while "progress" in (told := json.loads(file.readline())):
                self.news.append(told["progress"])
        return told


class Host:
    running = set()  # pids of hosts that were started here and not waited for

    def __init__(self, directory, settings, environment=None):
        self.directory = pathlib.Path(directory)
        self.settings = settings
        self.config = self.directory / "plugd.yaml"
        self.socket = self.directory / "admin.sock"
        self.whitelist = self.directory / "whitelist.yaml"
        self.environment = {**SANITIZERS, **(environment or {})}
        self.under = []  # a command that runs plugd, before its name
        self.pass_fds = ()  # that it gets, with their numbers
        self.program = PLUGD
        self.process = None
        self.address = None
        self.records = []  # of the log, as dicts
        self.by_event = collections.defaultdict(list)  # the same
        self.awaited = collections.Counter()  # events that somebody waits for
        self.noise = []  # lines on stderr that are no record
        self.news = threading.Condition()
        self.may_read = threading.Event()
        self.may_read.set()
        self.reader = None
        self.expected_status = 0

    # ---- files

    def write_config(self):
        """What the test has set, over what every test wants. JSON is YAML too. Most tests commit
        the same sin again and again, so there is no quarantine unless a test sets it; and all
        clients have one address, so it has no limits."""
        common = {
            "listen": "127.0.0.1:0",
            "log": {"level": "debug", "format": "json"},
            "admin": {"socket": str(self.socket)},
            "whitelist": {"file": str(self.whitelist)},
            "http": {"rate_limit": {"per_second": 0}, "max_connections_per_address": 0},
        }
        merged = {**common, **self.settings}
        for key in ("log", "admin", "whitelist", "http"):
            merged[key] = {**common[key], **self.settings.get(key, {})}
        if "plugins" in merged:
            merged["plugins"] = [{"quarantine": "0s", **row} for row in merged["plugins"]]
        self.config.write_text(json.dumps(merged, indent=1))

    def write_whitelist(self, entries=None):
        """The entries given; without, all that the configuration names and the interpreter."""
        if entries is None:
            paths = {row["executable"] for row in self.settings.get("plugins", [])} | {PYTHON}
            entries = [whitelist_entry(path) for path in sorted(paths) if os.path.exists(path)]
        self.whitelist.write_text(json.dumps({"version": 1, "plugins": entries}, indent=1))

    # ---- life

    def launch(self):
        """Starts the process; waits for nothing."""
        self.process = subprocess.Popen(
            [*self.under, self.program], env={"PLUGD_CONFIG": str(self.config), **self.environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=self.pass_fds)
        Host.running.add(self.process.pid)
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        return self

    def read_log(self):
        for line in self.process.stderr:
            self.may_read.wait()
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            with self.news:
                self.take_line(line, record)
        with self.news:
            self.news.notify_all()

    def take_line(self, line, record):
        """Under load nearly all are requests: nobody is woken for what he doesn't wait for, or the
        host's log would be read more slowly than it is written, and lose lines."""
        if not isinstance(record, dict):
            self.noise.append(line)
            return
        self.records.append(record)
        self.by_event[record.get("event")].append(record)
        if self.awaited[record.get("event")]:
            self.news.notify_all()

    def pause_reading(self):
        """The log is not read any more, until resume_reading()."""
        self.may_read.clear()

    def resume_reading(self):
        self.may_read.set()

    def start(self, ready=None):
        """Until it listens, and the plugins named (by default all that are enabled) are ready."""
        if not self.config.exists():
            self.write_config()
        if not self.whitelist.exists():
            self.write_whitelist()
        self.launch()
        self.address = self.wait_log("listener.ready")["addr"]
        rows = [row for row in self.settings.get("plugins", []) if row.get("enabled", True)]
        for row in rows:
            if ready is None or row["name"] in ready:
                self.wait_ready(row["name"], row.get("instances", 1))
        return self

    def wait_ready(self, name, count=1):
        self.wait_log("instance.ready", count=count, plugin=name)

    def wait_exit(self):
        """Its exit status, when it ends; the log is complete then."""
        self.may_read.set()
        status = self.process.wait(PATIENCE_S)
        Host.running.discard(self.process.pid)
        self.reader.join(PATIENCE_S)
        self.process.stderr.close()
        self.process.stdout.close()
        return status

    def stop(self):
        """Ends it in good order and proves that it was: status 0, no process left, nothing on
        stderr that isn't a record of the log (a sanitizer's report, say)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.wait_exit()
        assert not self.noise, b"".join(self.noise).decode(errors="replace")
        assert status == self.expected_status, (status, self.records[-5:])
        orphans = self.orphans()
        assert orphans == [], [describe(pid) for pid in orphans]

    def kill(self):
        """SIGKILL, as the kernel would when memory runs out."""
        self.expected_status = -signal.SIGKILL
        self.process.kill()
        self.wait_exit()

    def wait_no_orphans(self):
        """A host that was killed leaves its spawner, and that ends after all that is below it."""
        wait_until(lambda: not self.orphans(), "the end of what the host had started")

    def discard(self):
        """After a test, however it went."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            self.wait_exit()
        try:
            self.wait_no_orphans()
        finally:
            for pid in self.orphans():
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def orphans(self):
        """Processes that a host left behind and that still run; those that ended are reaped."""
        left = []
        for pid in children(os.getpid()):
            if pid in Host.running:
                continue
            if is_alive(pid):
                left.append(pid)
            else:
                os.waitpid(pid, 0)
        return left

    # ---- what it says

    def log(self, event, **fields):
        """The records of that event whose fields have those values; a callable value is asked."""
        def fits(record):
            return all(want(record.get(name)) if callable(want) else record.get(name) == want
                       for name, want in fields.items())
        return [record for record in self.by_event.get(event, ()) if fits(record)]

    def wait_log(self, event, count=1, **fields):
        """The count-th such record, as soon as it is there."""
        def look():
            return len(self.log(event, **fields)) >= count or not self.reader.is_alive()
        with self.news:
            self.awaited[event] += 1
            self.news.wait_for(look, PATIENCE_S)
            self.awaited[event] -= 1
            found = self.log(event, **fields)
        assert len(found) >= count, (
            f"{event} {fields} came {len(found)} times, not {count}; the last records:\n"
            + "\n".join(map(str, self.last_records(event))) + b"".join(self.noise).decode())
        return found[count - 1]

    def last_records(self, event):
        """Requests say nothing of what became of something else."""
        return [record for record in self.records
                if event == "http.request" or record.get("event") != "http.request"][-15:]

    def forget_log(self):
        """What it said until now."""
        with self.news:
            self.records.clear()
            self.by_event.clear()

    def admin(self, command, **args):
        """The result of a command on the admin socket."""
        reply = self.admin_raw(json.dumps({"command": command, **({"args": args} if args else {})}))
        assert reply["ok"], reply
        return reply["result"]

    def admin_raw(self, line):
        with Order(self, line) as order:
            return order.reply()

    def order(self, command, **args):
        """A command that is under way; for `with`."""
        return Order(self, json.dumps({"command": command, "args": args}))

    def plugctl(self, *args, stdin=b"", status=0):
        """What plugctl prints on stdout, after its exit status was as expected."""
        done = subprocess.run([PLUGCTL, "--socket", str(self.socket), *args], input=stdin,
                              capture_output=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout.decode()

    def plugin(self, name):
        """What the host shows of a plugin."""
        return next(row for row in self.admin("plugins") if row["name"] == name)

    def instances(self, name):
        return [row for row in self.admin("instances") if row["plugin"] == name]

    def wait_state(self, name, state):
        wait_until(lambda: self.plugin(name)["state"] == state, f"{name} is {state}")

    def pid(self, name, index=0):
        return self.instances(name)[index]["pid"]

    def spawner(self):
        """The pid of the process that starts the plugins."""
        return next(pid for pid in children(self.process.pid)
                    if process_field(pid, "Name") == "plugd-spawner")

    # ---- what it does

    def kill_instance(self, name, index=0, number=signal.SIGKILL):
        """Sends the signal to an instance's process; returns its pid."""
        pid = self.pid(name, index)
        os.kill(pid, number)
        return pid

    def connect(self):
        """A connection with every byte in the test's hands."""
        return Client(self.address)

    def http(self, method, path, body=b"", headers=()):
        """One request on a connection of its own."""
        return request(self.address, method, path, body, headers)

    def rpc(self, method, payload=b"", headers=()):
        """POST /rpc/<service>/<method>."""
        return self.http("POST", "/rpc/" + method, payload, headers)

    # ---- what it costs

    def rss(self):
        return int(process_field(self.process.pid, "VmRSS").split()[0]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def descriptors_at_rest(self):
        """Their number when no client is connected any more: one that has left is not gone at
        once."""
        wait_until(lambda: not self.client_sockets(), "no client is connected")
        return self.descriptors()

    def client_sockets(self):
        """The inodes of its TCP connections."""
        links = []
        for file in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                links.append(os.readlink(file))
            except FileNotFoundError:
                continue
        rows = [line.split() for name in ("tcp", "tcp6")
                for line in open(f"/proc/{self.process.pid}/net/{name}", encoding="ascii")]
        return [row[9] for row in rows[1:] if row[3] not in ("st", TCP_LISTEN) and
                f"socket:[{row[9]}]" in links]
