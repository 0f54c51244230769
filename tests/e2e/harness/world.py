"""world: a whole installation of Sallyport, each part a real program on a machine of its own.

                      edge (public)
    client ───────── broker · relay ───────── connector ───────── apps
    anna, carl         PUBLIC:8443            dials out only      nginx, sshd, postgres, ...

Nothing forwards between the machines: what the client reaches behind the edge, it reaches through
Sallyport. A second connector of the same site is made on demand. With `client=edge=host` (scripts/demo)
broker and agent run in the harness's own network and only connector and applications are elsewhere.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from . import apps, browser, cage, net, proc

TOP = pathlib.Path(__file__).resolve().parents[3]
PORT = 8443
PROGRAMS = {"sallyport-broker": "broker", "sallyport-relay": "relay", "sallyport-connector": "connector",
            "sallyport": "client", "sallyport-admin": "client/admin"}

POLICY = """\
version: 1
limits: {session_max: 12h, idle: 30m}
policies:
  - name: private-apps
    apps: {labels: {tier: internal}}
    allow:
      - {name: staff, when: {groups: [builtin/staff], mfa: {max_age: 12h}}}
"""


def find_programs(build):
    """Copies the programs of a build folder to where every user of the cage may run them."""
    bin_folder = cage.WORK / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, room in PROGRAMS.items():
        found = next((p for p in (build / room / name, build / name) if p.is_file()), None)
        if found is None:
            found = next((p for p in build.rglob(name) if p.is_file() and os.access(p, os.X_OK)), None)
        if found is None:
            raise proc.Failed(f"{name} is not part of the build in {build}")
        (bin_folder / name).unlink(missing_ok=True)  # a program of an earlier world may still run from there
        shutil.copy(found, bin_folder / name)
    return bin_folder


def make_certificates(folder, names):
    """A CA of this world and a certificate of the public name, as an administrator would bring them."""
    folder.mkdir()
    run = lambda *a: subprocess.run(["openssl", *map(str, a)], check=True, capture_output=True, cwd=folder)
    alt = ",".join(("IP:" if re.fullmatch(r"[\d.]+", n) else "DNS:") + n for n in names)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
        "-days", "2", "-subj", "/CN=Sallyport test CA", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "csr.pem",
        "-subj", f"/CN={names[0]}")
    (folder / "ext").write_text(f"subjectAltName={alt}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
    run("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "2",
        "-extfile", "ext")
    (folder / "ca.pem").chmod(0o644)


class User:
    """A person at the client machine: a uid, a home, an agent, a browser, a second factor."""

    def __init__(self, world, name, password, groups):
        self.world, self.name, self.uid, self.groups = world, name, cage.PEOPLE[name], groups
        self.person = browser.Person(name, password)
        self.home = cage.WORK / "home" / name
        self.runtime = cage.WORK / "run" / name
        self.runtime.mkdir(parents=True, mode=0o700)
        os.chown(self.runtime, self.uid, self.uid)
        self.env = {"HOME": str(self.home), "USER": name, "XDG_RUNTIME_DIR": str(self.runtime),
                    "PATH": f"{world.bin}:{os.environ['PATH']}"}
        self.agent, self._addresses = None, {}

    def start_agent(self):
        self.agent = proc.Program(self.world.client, [self.world.bin / "sallyport", "agent"], self.world.logs / f"agent-{self.name}.log",
                                  user=self.name, env=self.env, cwd=str(self.home), notify=True).wait_ready()
        return self

    def restart_agent(self):
        """Again, after it ended. Not before it is ready may a command be run: it would start an agent of its own."""
        self.agent.start().wait_ready()
        self._addresses = {}
        proc.until(f"{self.name}'s agent is connected", 20, lambda: self.run("apps").code == 0)

    def run(self, *arguments, **more):
        """`sallyport ...` as this person, to its end."""
        if "down" in arguments:
            self._addresses = {}  # whatever is closed, address_of opens it again
        return proc.command(self.world.client, [self.world.bin / "sallyport", *arguments], user=self.name, env=self.env,
                            cwd=str(self.home), **more)

    def shell(self, *arguments, env=None, **more):
        """Any other program as this person on the client machine."""
        return proc.command(self.world.client, arguments, user=self.name, env={**self.env, **(env or {})}, cwd=str(self.home), **more)

    def json(self, *arguments):
        done = self.run("--json", *arguments)
        if done.code:
            raise proc.Failed(repr(done))
        return json.loads(done.out)

    def login(self, web=None, more=()):
        """The whole login: `sallyport login` waits, a browser on the same machine does the rest. `more` are further flags."""
        program = proc.Program(self.world.client, [self.world.bin / "sallyport", "login", "--broker", self.world.url, "--ca",
                                                   self.world.ca, "--no-browser", *more],
                               self.world.logs / f"login-{self.name}-{time.monotonic_ns()}.log", user=self.name, env=self.env,
                               cwd=str(self.home))
        try:
            url = program.wait_text(r"https://\S+")[0]
            web = web or browser.Browser(self.world.client, [self.world.ca], uid=self.uid)
            self.person.walk(web, url, lambda page: page.url.startswith(("http://127.0.0.1:", "http://[::1]:")))
            code = program.wait_exit(20)
        except BaseException:
            program.stop()  # nobody comes back to it
            raise
        if code:
            raise proc.Failed(f"login of {self.name} ended with {code}:\n{program.text()}")
        return program.text()

    def login_by_code(self, walk=True):
        """`sallyport login --device-code` at a machine without a browser; the code is entered on another node."""
        program = proc.Program(self.world.client, [self.world.bin / "sallyport", "login", "--broker", self.world.url, "--ca",
                                                   self.world.ca, "--device-code"],
                               self.world.logs / f"code-{self.name}-{time.monotonic_ns()}.log", user=self.name, env=self.env,
                               cwd=str(self.home))
        url = program.wait_text(r"https://\S+/d/[B-Z]{4}-[B-Z]{4}")[0]
        if walk:
            web = browser.Browser(self.world.edge, [self.world.ca])
            self.person.walk(web, url, lambda page: "is signed in" in page.text)
        return program

    def address_of(self, app):
        """Opens the local address of an app, which the agent then keeps: (address, port)."""
        if app not in self._addresses:
            answer = self.json("up", app)
            self._addresses[app] = answer["address"], int(answer["port"])
        return self._addresses[app]


class Console:
    """An administrator at the console: signed in by the same OIDC and TOTP, then the REST API."""

    def __init__(self, world, name, password):
        self.world, self.person = world, browser.Person(name, password)
        self.web = browser.Browser(world.client, [world.ca])

    def sign_in(self):
        base = self.world.url
        self.person.walk(self.web, f"{base}/login", lambda page: self.web.cookie("__Host-sallyport") is not None and
                         not page.forms)
        return self

    def call(self, method, path, value=None, headers=None, expect=(200, 201, 204)):
        """One call; a step-up that the broker asks for is answered with a new code."""
        page = self.web.api(self.world.url, method, f"/api/v1{path}", value, headers)
        if page.status == 401 and page.body and page.json().get("code") == "step_up":
            factor = self.web.api(self.world.url, "POST", "/api/v1/me/factor", {"code": self.person.code()})
            if factor.status != 200:
                raise proc.Failed(f"step-up: {factor}")
            page = self.web.api(self.world.url, method, f"/api/v1{path}", value, headers)
        if page.status not in expect:
            raise proc.Failed(f"{method} {path}: {page.status} {page.body[:800]!r}")
        return page.json() if page.body else None

    def put_policy(self, text, note="test"):
        now = self.call("GET", "/policy")
        return self.call("PUT", "/policy", {"text": text, "note": note}, {"If-Match": f'"{now["version"]}"'})

    def add_app(self, name, site, host, port, kind="tcp", labels=None, limits=None, cut_through="auto", **more):
        return self.call("POST", "/apps", {"name": name, "description": "", "site": site, "type": kind, "host": host, "port": port,
                                           "labels": labels or {"tier": "internal"}, "limits": limits or {}, "cut_through": cut_through, **more})

    def audit(self, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        return self.call("GET", f"/audit?limit=200&{text}")["items"]


class World:
    def __init__(self, build, host=False, cut_through="auto", tag=""):
        """`tag` begins the names of its machines, where there is another world in the same cage."""
        self.bin = find_programs(pathlib.Path(build))
        self.logs = cage.WORK / "logs"
        self.logs.mkdir(exist_ok=True)
        self.cut_through = cut_through
        self._addresses = net.Addresses()
        self.edge = net.Node("host", host=True) if host else net.Node(f"{tag}edge")
        self.client = self.edge if host else net.Node(f"{tag}client")
        self.apps_node = net.Node(f"{tag}apps")
        self.connector_node = net.Node(f"{tag}connector")
        self.outside = net.Link(self._addresses, self.edge, self.connector_node)
        self.inside = net.Link(self._addresses, self.connector_node, self.apps_node)
        self.public = self.outside.a
        if not host:
            self.access = net.Link(self._addresses, self.client, self.edge)
            net.route(self.client, f"{self.public}/32", self.access.b)
        # Browsers take every name below .localhost to this machine, where the demo's broker listens.
        self.name = "sallyport.localhost" if host else f"{tag}access.example.test"
        cage.add_host(self.public, self.name)
        self.port = PORT
        self.url = f"https://{self.name}:{PORT}"
        make_certificates(cage.WORK / "tls", [self.name])
        self.ca = cage.WORK / "tls" / "ca.pem"
        self.apps, self.users, self.connectors = {}, {}, []
        self.floor_ports = [22, 80, 5432]
        self.broker = self.relay = None

    # ---- the private side ----

    @property
    def private(self):
        """The address of the applications, on their own network."""
        return self.inside.b

    def start_app(self, kind):
        name = kind.__name__.lower()
        self.apps[name] = kind(self.apps_node, self.private, cage.WORK / "apps" / name).start()
        return self.apps[name]

    def wait_app(self, app):
        proc.until(f"{type(app).__name__} answers to its connector", 20, apps.answers, self.connector_node, self.private, app.port)

    # ---- the public side ----

    def write(self, path, text, owner, mode=0o600):
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, cage.PEOPLE[owner], cage.PEOPLE[owner])
        return path

    def folder(self, path, owner):
        path = pathlib.Path(path)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chown(path, cage.PEOPLE[owner], cage.PEOPLE[owner])
        return path

    def broker_config(self, **more):
        """broker.yaml of this world; `more` are further top-level lines."""
        state, run = self.folder(cage.WORK / "broker", "broker"), self.folder(cage.WORK / "run" / "front", "broker")
        key = self.write(cage.WORK / "tls" / "broker.key", (cage.WORK / "tls" / "key.pem").read_text(), "broker")
        text = f"""\
organisation: Example
public_url: {self.url}
listen: ["0.0.0.0:{PORT}", "[::]:{PORT}"]
certificate: {cage.WORK}/tls/cert.pem
key: {key}
ca_file: {self.ca}
state: {state}
front_socket: {run}/front.sock
operations: "127.0.0.1:7480"
admin_group: builtin/admins
approve_devices: true
device_code: true
idp: {{enabled: true}}
tunnel: {{cut_through: "{self.cut_through}"}}
""" + "".join(f"{name}: {value}\n" for name, value in more.items())
        return self.write(cage.WORK / "etc" / "broker.yaml", text, "broker")

    def add_account(self, name, password, groups):
        secret = self.write(cage.WORK / "etc" / f"{name}.password", password, "broker")
        done = proc.command(self.edge, [self.bin / "sallyport-broker", "account", "add", name, "--config", self.config,
                                        "--password-file", secret, "--groups", ",".join(groups), "--email", f"{name}@example.test"],
                            user="broker")
        secret.unlink()
        if done.code:
            raise proc.Failed(repr(done))

    def start_broker(self, accounts=(), **more):
        """`accounts`: (name, password, groups) of the built-in provider, which only a stopped broker's store takes."""
        self.config = self.broker_config(**more)
        for account in accounts:
            self.add_account(*account)
        self.broker = proc.Program(self.edge, [self.bin / "sallyport-broker", "run", "--config", self.config],
                                   self.logs / "broker.log", user="broker", notify=True).wait_ready()

    def start_relay(self, **more):
        """`more` are further top-level lines of its configuration."""
        run = cage.WORK / "run" / "front"
        config = self.write(cage.WORK / "etc" / "relay.yaml", f"""\
state: {self.folder(cage.WORK / "relay", "broker")}
front_socket: {run}/front.sock
addresses: ["{self.name}:{PORT}"]
cut_through: "{self.cut_through}"
""" + "".join(f"{name}: {value}\n" for name, value in more.items()), "broker")
        self.relay = proc.Program(self.edge, [self.bin / "sallyport-relay", "run", "--config", config], self.logs / "relay.log",
                                  user="broker", notify=True).wait_ready()

    def restart(self, program):
        """The same program again, after it ended or was killed."""
        program.start()
        program.wait_ready()

    # ---- the connector ----

    def floor(self, ports):
        """The connector's own last word: the applications' address, and these ports of it."""
        lines = [f"allow {self.private}:{','.join(map(str, ports[i:i + 16]))}\n" for i in range(0, len(ports), 16)]  # 16 a line
        return "".join(lines) + "max-deadline 12h\n"

    def enrol_connector(self, console, site, name="c1", node=None, ports=None, **more):
        """`more` are further top-level lines of its configuration, such as the proxy before it."""
        node = node or self.connector_node
        made = console.call("POST", f"/sites/{site}/tokens", {"name": name, "life_ms": 600000})
        state = self.folder(cage.WORK / name, "connector")
        token = self.write(cage.WORK / "etc" / f"{name}.token", made["enrolment"] + "\n", "connector")
        floor = self.write(cage.WORK / "etc" / f"{name}.floor", self.floor(ports or self.floor_ports), "connector")
        config = self.write(cage.WORK / "etc" / f"{name}.yaml",
                            f"state: {state}\nfloor: {floor}\ntunnel: {{cut_through: {self.cut_through}}}\n" +
                            "".join(f"{key}: {value}\n" for key, value in more.items()), "connector")
        done = proc.command(node, [self.bin / "sallyport-connector", "enrol", "--token-file", token, "--name", name,
                                   "--config", config], user="connector")
        if done.code:
            raise proc.Failed(repr(done))
        connector = proc.Program(node, [self.bin / "sallyport-connector", "run", "--config", config], self.logs / f"{name}.log",
                                 user="connector", notify=True).wait_ready()
        self.wait_standing(console, name)
        self.connectors.append(connector)
        return connector

    def enrol_relay(self, name, port, cut_through="auto", program=None):
        """A relay with a listener of its own, enrolled by a token; not started. Its configuration."""
        made = self.console.call("POST", "/relays/tokens", {"name": name, "life_ms": 600000})
        token = self.write(cage.WORK / "etc" / f"{name}.token", made["enrolment"] + "\n", "broker")
        config = self.write(cage.WORK / "etc" / f"{name}.yaml", f"""\
name: {name}
state: {self.folder(cage.WORK / name, "broker")}
listen: "0.0.0.0:{port}"
addresses: ["{self.name}:{port}"]
cut_through: "{cut_through}"
drain_max: 2s
""", "broker")
        done = proc.command(self.edge, [program or self.bin / "sallyport-relay", "enrol", token, "--config", config], user="broker")
        assert done.code == 0, done
        return config

    def wait_standing(self, console, name="c1"):
        """Until the broker knows a relay at which that connector stands: new sessions find their way."""
        proc.until(f"{name} stands at a relay", 45, lambda: any(
            c["name"] == name and c["relays"] for c in console.call("GET", "/connectors")["items"]))

    # ---- people ----

    def user(self, name, password, groups):
        if name not in self.users:
            self.users[name] = User(self, name, password, groups)
        return self.users[name]

    def programs(self):
        running = [self.broker, self.relay, *self.connectors, *(u.agent for u in self.users.values())]
        return [p for p in running if p is not None]

    def stop(self):
        for program in reversed(self.programs()):
            program.stop()
        for app in self.apps.values():
            app.stop()
