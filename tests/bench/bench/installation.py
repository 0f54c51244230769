"""installation: broker, relay, connector and agent on loopback, signed in, with the apps of the benchmark.

One network namespace holds all of it, so that every hop of Sallyport and of the plain chains costs the
same. Each app exists twice: `NAME` may cut through, `NAME-frames` stays in websocket frames."""

import os
import pathlib

from harness import cage, net, proc, world as worlds

PASSWORD = "correct horse battery"
PORTS = {"bulk": 5201, "echo": 7001, "stall": 7002}
MODES = {"cut-through": "", "frames": "-frames"}


class Installation(worlds.World):
    """A World of one machine. `ports` are those that its connector may dial."""

    def __init__(self, build, ports=tuple(PORTS.values())):
        self.bin = worlds.find_programs(pathlib.Path(build))
        self.logs = cage.WORK / "logs"
        self.logs.mkdir(exist_ok=True)
        self.cut_through = "auto"
        self.edge = self.client = self.connector_node = self.apps_node = net.Node("host", host=True)
        self.public = "127.0.0.1"
        self.name = "access.example.test"
        cage.add_host(self.public, self.name)
        self.url = f"https://{self.name}:{worlds.PORT}"
        worlds.make_certificates(cage.WORK / "tls", [self.name])
        self.ca = cage.WORK / "tls" / "ca.pem"
        self.apps, self.users, self.connectors = {}, {}, []
        self.floor_ports = sorted(ports)
        self.broker = self.relay = None
        self.records = {}

    @property
    def private(self):
        return "127.0.0.1"

    def furnish(self):
        """Everything runs and anna is signed in."""
        self.start_broker([("root", PASSWORD, ["admins"]), ("anna", PASSWORD, ["staff"])])
        self.start_relay()
        self.console = worlds.Console(self, "root", PASSWORD).sign_in()
        self.site = self.console.call("POST", "/sites", {"name": "bench"})["id"]
        self.add_apps()
        self.console.put_policy(worlds.POLICY)
        self.enrol_connector(self.console, self.site)
        self.anna = self.user("anna", PASSWORD, ["staff"]).start_agent()
        self.anna.login()
        proc.until("the connector stands at the relay", 20, self.entry, next(iter(self.records)))
        return self

    def add_apps(self):
        for name, port in PORTS.items():
            for suffix in MODES.values():
                self.add(name + suffix, port, suffix)

    def add(self, name, port, suffix):
        """An app at that port whose tunnels are of the mode with that suffix."""
        self.records[name] = self.console.add_app(name, self.site, self.private, port,
                                                  cut_through="off" if suffix == MODES["frames"] else "auto")

    @property
    def parts(self):
        """What a figure is measured of: name -> pid."""
        return {"agent": self.anna.agent.pid, "relay": self.relay.pid, "connector": self.connectors[0].pid,
                "broker": self.broker.pid}

    def entry(self, app):
        """ADDRESS:PORT where anna's own programs reach the app."""
        address, port = self.anna.address_of(app)
        return f"{address}:{port}"

    def end_sessions(self, app):
        """As an administrator ends them; anna may open a new one at once."""
        self.console.call("POST", "/sessions/kill", {"by": "app", "id": self.records[app]["id"], "reason": "benchmark"})
