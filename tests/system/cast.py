"""A plugin and the one that stands in for it, both puppets: a test sees who is asked, and decides
what each does."""
from plugd import PLUGINS, PYTHON, route, wait_until, whitelist_entry
from puppets import Stage

INTERNAL = 13
DO = "/rpc/sin.v1.Sin/Do"
ROUTES = [route("/p/*rest", "main"), route("/do", "main", rpc="sin.v1.Sin/Do")]
NEVER = {"max_restarts": 0}
NOT_READY = (503, "PLUGIN_NOT_READY")


class Cast:
    """A host with a plugin, `main`, and the one that stands in for it, `spare`."""

    def __init__(self, host, stages):
        self.host, self.stages = host, stages
        self.main = self.spare = None

    def enter(self, name, **welcome):
        """The next instance of that plugin, ready."""
        puppet = self.stages[name].puppet(**welcome)
        setattr(self, name, puppet)
        wait_until(lambda: self.host.plugin(name)["instances_ready"] == 1, f"{name} is ready")
        return puppet

    def lose(self, name="main"):
        """Its only instance dies, and stays down."""
        getattr(self, name).end()
        self.host.wait_state(name, "failed")

    def suspend(self):
        """The plugin's only instance dies, and the next one never greets."""
        self.main.end()
        self.stages["main"].newcomer()

    def open_breaker(self):
        client = self.host.connect().ask("POST", DO, b"x")
        self.main.reply(self.main.expect("request"), code=INTERNAL)
        assert client.read().status == 500
        self.host.wait_log("breaker.open", plugin="main")

    def ask(self, method, path, body=None, rid="r"):
        return self.host.connect().ask(method, path, body, [("X-Request-Id", rid)])

    def logged(self, rid="r"):
        return self.host.wait_log("http.request", id=rid)

    def stood_in(self):
        return self.host.plugin("main")["stood_in"]

    def check_stands_in(self, rid="check", body=b"x"):
        """The next request goes to the stand-in and back."""
        client = self.ask("POST", DO, body, rid)
        frame = self.spare.expect("request")
        self.spare.reply(frame, b"from the spare")
        assert client.read().body == b"from the spare"
        record = self.logged(rid)
        assert (record["plugin"], record["stand_in"]) == ("main", "spare")
        return frame

    def check_answers(self, rid):
        """The next request is the plugin's own."""
        client = self.ask("POST", DO, b"x", rid)
        self.main.reply(self.main.expect("request"), b"from the main one")
        assert client.read().body == b"from the main one"
        assert "stand_in" not in self.logged(rid)

    def rewrite(self, **changes):
        """The file has these settings of the plugins now: {"main": {…}}; None: it is out."""
        rows = [{**row, **(changes.get(row["name"], {}) or {})}
                for row in self.host.settings["plugins"]
                if changes.get(row["name"], {}) is not None]
        self.host.settings = {**self.host.settings, "plugins": rows}
        self.host.write_config()

    def reload(self):
        with self.host.order("reload") as order:
            return order.reply()


def lend_casts(hosts, directory):
    """Lends begin(main={…}, spare={…}): a Cast whose host runs, with the plugins that are named as
    ready on their stages."""
    stages = {}
    for name in ("main", "spare", "third"):
        (directory / name).mkdir()
        stages[name] = Stage(directory / name)

    def begin(main=None, spare=None, third=None, ready=("main", "spare")):
        rows = [stages["main"].plugin(**{"name": "main", "on_unavailable": "spare",
                                         "restart": NEVER, **(main or {})}),
                stages["spare"].plugin(**{"name": "spare", "expose": False, "restart": NEVER,
                                          **(spare or {})})]
        if third is not None:
            rows.append(stages["third"].plugin(**{"name": "third", "restart": NEVER, **third}))
        host = hosts(plugins=rows, routes=ROUTES)
        host.write_whitelist([whitelist_entry(path) for path in (PLUGINS / "puppet", PYTHON)])
        host.start([])
        cast = Cast(host, stages)
        for name in ready:
            cast.enter(name)
        return cast

    yield begin
    for stage in stages.values():
        stage.close()
