"""demo.py [--once] --build FOLDER: what scripts/demo runs once everything is built.

    this machine                      connector              applications
    broker · relay · agent ────────── dials out only ─────── wiki, shell, orders, bank
    198.18.x.1                        198.18.x.2             198.18.x.6: no route from here

In front of the bank, a careless API, the connector is a gateway: it reads each request and each answer.

One line a station; with --once the login is driven over HTTP, as a browser would.
"""

import argparse
import hashlib
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
import traceback

from harness import apps, cage, probe, proc, tokens, world as worlds

NAMES = {"nginx": "wiki", "sshd": "shell", "postgres": "orders", "vulnapi": "bank"}
KINDS = {"nginx": "http", "vulnapi": "http"}  # the others are plain TCP

# What the connector holds each request to the bank to. The bank itself checks none of it: see vulnapi/vulnapi.py.
ISSUER = "https://login.bank.example"
BANK = f"""\
oauth:
  require: on
  issuers: [{{iss: "{ISSUER}", jwks_file: issuer.json, aud: [bank], algs: [ES256]}}]
  bind: subject
openapi: {{file: bank.json, request: block, unknown_endpoint: monitor}}
owner:
  - {{match: "GET /v1/accounts/{{id}}", from: {{response: /owner}}, equals: "${{user.email}}", mode: block}}
rate:
  - {{name: tickets, match: "POST /v1/tickets", key: [user], rate: 3/m, burst: 3}}
"""

# Ctrl-C at the prompt ends the demo; during a command it ends that command, as in every shell. At the
# prompt it is therefore a key and no signal: bash, which waits in readline, runs no trap for SIGINT.
PROMPT = r"""
PS1='anna@demo $ '
PS0='$(stty intr ^C </dev/tty)'
PROMPT_COMMAND='stty intr undef'
bind '"\C-c": "\C-a\C-kexit\n"'
"""

# Stands alone: anna may read neither this file's folder nor every interpreter of the machine.
CODE_TOOL = """\
#!{python}
import base64, hmac, struct, sys, time
secret = {secrets}.get((sys.argv + [""])[1])
if secret is None:
    sys.exit("code root | code anna")
digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
print(f"{{(struct.unpack_from('>I', digest, digest[-1] & 15)[0] & 0x7FFFFFFF) % 1000000:06}}")
"""


def interpreter():
    """A Python that every user of this machine may run."""
    system = pathlib.Path("/usr/bin/python3")
    return system if system.exists() else sys.executable


class Stations:
    """Prints one line a station and counts."""

    def __init__(self):
        self.ok = self.failed = 0

    def run(self, step, *arguments):
        """`step` returns the line of its station, or several; what it raises is the reason of a failure."""
        try:
            lines = step(*arguments)
            for line in [lines] if isinstance(lines, str) else lines:
                print(f"ok {line}", flush=True)
                self.ok += 1
            return True
        except Exception as error:  # noqa: BLE001 - whatever it was, the station failed and the reader sees why
            self.failed += 1
            print(f"FAILED {step.__name__.replace('_', ' ')}: {error}", flush=True)
            if not isinstance(error, (proc.Failed, AssertionError)):
                traceback.print_exc()
            return False


class Demo:
    def __init__(self, build):
        self.world = worlds.World(build, host=True)
        self.password = "-".join(secrets.token_hex(3) for _ in range(4))
        self.console = self.anna = self.carl = None
        self.records = {}
        self.world.floor_ports = [22, 80, 5432, apps.Vulnapi.port]

    # ---- stations, in the order of the path ----

    def private_network(self):
        for kind in (apps.Nginx, apps.Sshd, apps.Postgres, apps.Vulnapi):
            self.world.start_app(kind)
        for app in self.world.apps.values():
            self.world.wait_app(app)
        self.world.apps["postgres"].fill()
        return f"private network with wiki, shell, orders and bank on {self.world.private}, seen by the connector only"

    def direct_access_refused(self):
        for app in self.world.apps.values():
            if not app.seen_from(self.world.connector_node):
                raise AssertionError(f"{type(app).__name__} does not answer its connector either")
            if app.seen_from(self.world.client):
                raise AssertionError(f"{self.world.private}:{app.port} can be reached without Sallyport")
        return [f"direct access to {NAMES[name]} refused" for name in self.world.apps]

    def broker_and_relay(self):
        self.world.start_broker([("root", self.password, ["admins"]), ("anna", self.password, ["staff"]),
                                 ("carl", self.password, ["visitors"])])
        self.world.start_relay()
        return f"broker and relay at {self.world.url}"

    def administrator(self):
        self.console = worlds.Console(self.world, "root", self.password).sign_in()
        site = self.console.call("POST", "/sites", {"name": "office"})["id"]
        for name, app in self.world.apps.items():
            gateway = {"gateway": BANK} if name == "vulnapi" else {}
            self.records[NAMES[name]] = self.console.add_app(NAMES[name], site, self.world.private, app.port, KINDS.get(name, "tcp"), **gateway)
        self.console.add_app("payroll", site, self.world.private, 80, "http", labels={"tier": "payroll"})
        self.console.put_policy(worlds.POLICY, "first policy")
        self.site = site
        return "administrator signed in at the console; site, five apps and a policy made over the API"

    def gateway_files(self):
        """What the record of the bank names, as its administrator puts it beside the connector."""
        folder = self.world.folder(cage.WORK / "c1" / "gateway", "connector")
        self.key = tokens.Key(self.world.folder(cage.WORK / "issuer", "broker"), "2026", ISSUER, "bank")
        self.world.write(folder / "issuer.json", json.dumps({"keys": [self.key.public()]}), "connector")
        self.world.write(folder / "bank.json", (pathlib.Path(__file__).parent / "vulnapi" / "bank.json").read_text(), "connector")

    def connector(self):
        self.world.folder(cage.WORK / "c1", "connector")
        self.gateway_files()
        self.world.enrol_connector(self.console, self.site)
        listening = proc.command(self.world.connector_node, ["cat", "/proc/net/tcp", "/proc/net/tcp6"]).out
        if any(line.split()[3] == "0A" for line in listening.splitlines()[1:] if len(line.split()) > 3):
            raise AssertionError("the connector listens on a port")
        return "connector enrolled with a single-use token; it listens on no port"

    def login(self):
        self.anna = self.world.user("anna", self.password, ["staff"]).start_agent()
        self.anna.login()
        return "login oidc+totp"

    def posture(self):
        signals = self.anna.json("posture")["signals"]
        known = sum(s.get("state", s.get("value")) not in (None, "unknown") for s in signals)
        return f"posture {len(signals)} signals reported, {known} known"

    def session(self):
        answer = self.anna.json("up", "wiki")
        self.wiki = answer["address"], int(answer["port"])
        done = self.anna.shell("curl", "-sS", "-w", "\n%{http_code}", "--max-time", "20", f"http://{self.wiki[0]}:{self.wiki[1]}/")
        body, _, code = done.out.rpartition("\n")
        if code != "200" or apps.Nginx.greeting not in body:
            raise AssertionError(repr(done))
        live = next(s for s in self.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "wiki")
        return [f"session {live['id']} wiki allow", "200 from wiki through the tunnel"]

    def bytes_are_the_same(self):
        done = self.anna.shell("curl", "-sS", "--max-time", "20", f"http://{self.wiki[0]}:{self.wiki[1]}/big", binary=True)
        if hashlib.sha256(done.out).hexdigest() != self.world.apps["nginx"].big_sha256:
            raise AssertionError(f"{len(done.out)} bytes came, and they are not those of the wiki: {done.err}")
        return "8 MiB from wiki, sha256 equal at both ends"

    def ssh(self):
        self.write_ssh_config()
        done = self.anna.shell("ssh", "-F", self.anna.home / "ssh_config", "shell", "id -un")
        if done.out.strip() != "dev":
            raise AssertionError(repr(done))
        return "ssh shell as dev, by ProxyCommand, host key known"

    def postgres(self):
        address, port = self.anna.address_of("orders")
        done = self.anna.shell("psql", "-h", address, "-p", str(port), "-U", "report", "postgres", "-tAc", "select count(*) from orders",
                               env={"PGPASSWORD": apps.Postgres.password})
        if done.out.strip() != "1000":
            raise AssertionError(repr(done))
        return "1000 rows from orders (PostgreSQL)"

    # ---- the gateway ----

    def ask_bank(self, path, *more, token=True):
        """(status, JSON of the answer) of one request of anna's own curl."""
        address, port = self.anna.address_of("bank")
        bearer = ("-H", f"Authorization: Bearer {self.key.token('anna')}") if token else ()
        done = self.anna.shell("curl", "-sS", "-w", "\n%{http_code}", "--max-time", "20", *bearer, *more, f"http://{address}:{port}{path}")
        body, _, status = done.out.rpartition("\n")
        return int(status or 0), json.loads(body or "{}")

    def expect(self, got, status, reason=None):
        if got[0] != status or (reason and got[1].get("type") != f"urn:sallyport:problem:{reason}"):
            raise AssertionError(f"expected {status} {reason or ''}, got {got}")
        return got[1]

    def bank_answers_its_owner(self):
        mine = self.expect(self.ask_bank("/v1/accounts/1000"), 200)
        if mine["owner"] != "anna@example.test":
            raise AssertionError(f"the bank says {mine}")
        return "200 from bank through the gateway: anna's own account, with her token"

    def bank_refusals(self):
        """The bank would serve all of these: nobody asks there whose account it is."""
        foreign = self.expect(self.ask_bank("/v1/accounts/1001"), 403, "owner")
        if "carl" in json.dumps(foreign):
            raise AssertionError(f"carl's account went out: {foreign}")
        self.expect(self.ask_bank("/v1/accounts/1000", token=False), 401, "token_missing")
        buy = lambda: self.ask_bank("/v1/tickets", "-H", "Content-Type: application/json", "-d", '{"event": 7}')
        for _ in range(3):
            self.expect(buy(), 201)
        slower = self.expect(buy(), 429, "rate")
        return [f"403 somebody else's account is withheld (decision {foreign['decision']})",
                "401 a request without a token never reaches the bank",
                f"429 the fourth ticket within a minute is refused, retry after {slower['retry_after']} s"]

    def shadow_endpoint(self):
        """It works, and the bank's own document does not know it."""
        self.expect(self.ask_bank("/debug/env"), 200)
        app = next(a["id"] for a in self.console.call("GET", "/apps")["items"] if a["name"] == "bank")
        proc.until("the broker knows of it", 15, lambda: any(
            e["path"] == "/debug/env" for e in self.console.call("GET", f"/endpoints?app={app}&state=shadow")["items"]))
        return "shadow endpoint found: GET /debug/env answers and is in no document"

    def denials(self):
        lines = []
        done = self.anna.run("connect", "payroll")
        if done.code != 5:
            raise AssertionError(f"payroll: {done}")
        lines.append("payroll denied to anna with exit 5 and a reason")
        self.carl = self.world.user("carl", self.password, ["visitors"]).start_agent()
        self.carl.login()
        done = self.carl.run("connect", "wiki")
        if done.code != 5:
            raise AssertionError(f"carl: {done}")
        lines.append("wiki denied to carl, who is in no group that may")
        return lines

    def replay(self):
        grant = probe.take_grant(self.world, self.anna, "wiki")
        first, second = probe.present(self.world, grant), probe.present(self.world, grant)
        if first[0] != 101 or second[0] != 401:
            raise AssertionError(f"a grant was answered {first}, the same again {second}")
        return "replayed grant refused"

    def kill(self):
        address, port = self.anna.address_of("orders")
        waiting = proc.Program(self.world.client, ["psql", "-h", address, "-p", str(port), "-U", "report", "postgres", "-c",
                                                   "select pg_sleep(60)"], self.world.logs / "killed.log", user="anna",
                               env={**self.anna.env, "PGPASSWORD": apps.Postgres.password})
        live = proc.until("the session is live", 10, lambda: [
            s for s in self.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "orders" and s["state"] == "live"])
        time.sleep(0.5)
        answer = self.console.call("POST", f"/sessions/{live[0]['id']}/kill", {"reason": "demo"})
        started = time.monotonic()
        waiting.wait_exit(5)
        if time.monotonic() - started > 2:
            raise AssertionError("the killed session lived longer than 2 s")
        return f"session killed, last byte after {answer['took_ms']} ms"

    def audit(self):
        done = proc.command(self.world.edge, [self.world.bin / "sallyport-broker", "audit", "verify", "--config", self.world.config],
                            user="broker")
        if done.code:
            raise AssertionError(repr(done))
        return f"audit chain verified: {done.out.strip().splitlines()[0]}"

    # ---- for a person ----

    def write_ssh_config(self):
        sshd = self.world.apps["sshd"]
        key, hosts, config = (self.anna.home / n for n in ("identity", "known_hosts", "ssh_config"))
        key.write_text(sshd.identity.read_text())
        hosts.write_text(f"shell {sshd.host_key}\n")
        config.write_text(f"Host shell\n  User dev\n  IdentityFile {key}\n  UserKnownHostsFile {hosts}\n  HostKeyAlias shell\n"
                          f"  ProxyCommand {self.world.bin}/sallyport connect --stdio %h\n  LogLevel ERROR\n")
        for path in (key, hosts, config):
            path.chmod(0o600)
            os.chown(path, self.anna.uid, self.anna.uid)

    def prompt(self):
        """A shell as anna, with four commands to try."""
        w, address, bank = self.world, self.anna.address_of("orders"), self.anna.address_of("bank")
        w.write(self.anna.home / "token", f"Authorization: Bearer {self.key.token('anna', exp=int(time.time()) + 8 * 3600)}\n", "anna")
        print(f"""
You are anna, signed in. The applications are on {w.private}; this machine has no route to them.

  curl http://{self.wiki[0]}:{self.wiki[1]}/                 the wiki
  ssh -F ~/ssh_config shell                   a shell on the private SSH server
  psql -h {address[0]} -p {address[1]} -U report postgres   orders (password {apps.Postgres.password})
  curl -H @token http://{bank[0]}:{bank[1]}/v1/accounts/1000   your account at the bank, an API behind the gateway
                                              (1001 is carl's, without -H @token nothing is yours, /debug/env is in no document)

Also: sallyport status · sallyport apps · sallyport why payroll
Console   {w.url}/   user root, password {self.password}
          code of the second factor: run  code root   (CA: {w.ca})
Ctrl-C at the prompt, or Ctrl-D, ends the demo and removes every trace.
""", flush=True)
        tool = w.bin / "code"
        tool.write_text(CODE_TOOL.format(python=interpreter(), secrets={"root": self.console.person.secret,
                                                                       "anna": self.anna.person.secret}))
        tool.chmod(0o755)
        if not sys.stdin.isatty():
            print("No terminal here: the demo runs until it is interrupted.", flush=True)
            signal.pause()
        rc = self.world.write(w.bin.parent / "etc" / "demo.rc", PROMPT, "anna", 0o644)
        shell = self.world.client.command(["/bin/bash", "--rcfile", rc, "-i"], "anna")
        env = {**self.anna.env, "TERM": os.environ.get("TERM", "dumb"), "PGPASSWORD": apps.Postgres.password}
        # The shell ends by it, and then the demo. Not SIG_IGN, which the shell and its commands would inherit.
        signal.signal(signal.SIGINT, lambda *_: None)
        subprocess.run(shell, env=env, cwd=self.anna.home)
        print("demo: ending; every trace is removed", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    cage.enter(network=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    try:
        demo, stations = Demo(options.build), Stations()
    except proc.Failed as missing:
        print(f"demo: {missing}", file=sys.stderr)
        return 1
    try:
        path = [demo.private_network, demo.direct_access_refused, demo.broker_and_relay, demo.administrator, demo.connector, demo.login,
                demo.posture, demo.session]
        rest = [demo.bytes_are_the_same, demo.ssh, demo.postgres, demo.bank_answers_its_owner, demo.bank_refusals, demo.shadow_endpoint,
                demo.denials, demo.replay, demo.kill, demo.audit]
        for step in path:  # each needs those before it
            if not stations.run(step):
                break
        else:
            if not options.once:
                demo.write_ssh_config()
                demo.prompt()
                return 0
            for step in rest:
                stations.run(step)
        if stations.failed:
            for program in demo.world.programs():
                print(f"--- {program.name} ({program.log.name})\n{program.tail(12)}")
        print(f"demo: {stations.ok} ok, {stations.failed} failed")
        return stations.failed > 0
    except KeyboardInterrupt:
        return 130
    finally:
        demo.world.stop()


if __name__ == "__main__":
    sys.exit(main())
