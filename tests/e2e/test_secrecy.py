"""What the way sees: a canary in the traffic is searched for where nobody may read it, and every secret that the tests have
made is searched for in the logs. The last file of a run (conftest.py), so that all logs are there.

SALLYPORT_CANARY_MIB says how many MiB go each way, half of them cut through and half in frames (tests/long: 512, which is the
1 GiB of E2E-T11)."""

import ipaddress
import os
import pathlib
import pwd
import re
import secrets
import socket
import threading
import time

import pytest

from harness import browser, cage, proc
from harness.wire import dial
from test_cuts import session_of

MIB = int(os.environ.get("SALLYPORT_CANARY_MIB", "48")) // 2
CANARY = ("CANARY-" + secrets.token_hex(12)).encode()
BLOCK = (CANARY + b" " + os.urandom(64 - len(CANARY) - 1)) * 1024  # 64 KiB, the canary once in 64 bytes
SHOWN = ("SHOWN-" + secrets.token_hex(12)).encode()  # sent in the clear: the search must find this one


class Capture:
    """Everything on every interface of a node, searched as it passes."""

    def __init__(self, node, words):
        self.node, self.words = node, words
        self.seen, self.bytes, self.lost, self.over = {w: 0 for w in words}, 0, 0, False
        ready = threading.Event()
        self._done = node.start(self._run, ready)
        assert ready.wait(5)

    def _run(self, ready):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
            s.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
            s.settimeout(0.2)
            room = bytearray(1 << 18)
            ready.set()
            while True:
                try:
                    n = s.recv_into(room)
                except TimeoutError:
                    if self.over:
                        self.lost = int.from_bytes(s.getsockopt(263, 6, 8)[4:], "little")  # PACKET_STATISTICS
                        return
                    continue
                self.bytes += n
                for word in self.words:
                    self.seen[word] += room.find(word, 0, n) >= 0

    def stop(self):
        self.over = True
        self._done.result(60)
        return self


def memory_holds(pid, words):
    """The words that stand anywhere in a process's own memory; what is mapped and was never touched is left out."""
    found, at = set(), None
    regions = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r\S+) ", line)
        if head:
            at = (int(head[1], 16), int(head[2], 16))
        elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            at = None
        elif line.startswith(("Rss:", "Swap:")) and at and int(line.split()[1]) > 0 and at[1] - at[0] < 1 << 30:  # sanitizers' shadow is larger
            regions.append(at)
            at = None
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in regions:
            kept = b""
            for offset in range(start, end, 1 << 22):
                try:
                    memory.seek(offset)
                    data = memory.read(min(1 << 22, end - offset))
                except OSError:
                    break
                found |= {w for w in words if w in kept + data}
                kept = data[-64:]
    return found


@pytest.mark.parametrize("mode", ["auto", "off"])
def test_ZT_2_TM_07_E2E_T11_a_canary_is_nowhere_between_the_ends(world, anna, mode):
    """Packets of both legs, all memory of relay and broker while it moves (what a core would hold, and what was swapped), their
    files, all logs: 0 hits. The same search finds the canary in memory of the agent, and a word in the clear on the cable."""
    name = f"canary-{mode}"
    world.console.add_app(name, world.site, world.private, 7001, cut_through=mode)
    anna.address_of(name)
    captures = [Capture(node, [CANARY, SHOWN]) for node in (world.edge, world.client, world.connector_node)]
    got, held = 0, {}
    with dial(world, anna, name) as c:
        c.settimeout(60)

        def send():
            for _ in range(MIB * 16):
                c.sendall(BLOCK)
            c.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        while data := c.recv(1 << 20):
            got += len(data)
            if not held and got > MIB << 19:  # in the middle
                session_of(world, "anna", name)
                held = {part: memory_holds(pid, [CANARY]) for part, pid in
                        (("broker", world.broker.pid), ("relay", world.relay.pid), ("agent", anna.agent.pid))}
        sender.join()
    assert got >= MIB << 20

    def shout(node, address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(SHOWN, (address, 9))
    world.client.run(shout, world.client, world.public)
    world.connector_node.run(shout, world.connector_node, world.public)
    time.sleep(0.3)
    edge, client, connector = [c.stop() for c in captures]
    assert edge.seen[SHOWN] >= 2 and client.seen[SHOWN] and connector.seen[SHOWN], "the search itself is broken"
    assert edge.lost * 100 <= edge.bytes // 1000, f"{edge.lost} packets were not looked at"
    assert edge.bytes > MIB << 21, f"only {edge.bytes} bytes passed the edge"
    assert edge.seen[CANARY] == 0, "the canary is on the cable at the edge"
    # the agent's machine carries it on loopback and the connector's towards the application, nowhere else
    assert held["relay"] == set() and held["broker"] == set(), held
    assert held["agent"] == {CANARY}, "the search in memory finds nothing anywhere"
    for file in (f for folder in ("logs", "broker", "relay") for f in (cage.WORK / folder).rglob("*") if f.is_file()):
        assert CANARY not in file.read_bytes(), file
    for pid in (world.broker.pid, world.relay.pid):
        assert memory_holds(pid, [CANARY]) == set()


# ---- HRD-12: what a program that serves has given up ----

def look_into(world, pid, user):
    """What another process of the same user meets that opens its memory."""
    return proc.command(world.edge, ["head", "-c0", f"/proc/{pid}/mem"], user=user).err


@pytest.mark.parametrize("part", ["broker", "relay", "connector", "agent"])
def test_HRD_12_the_memory_of_a_program_at_work_is_closed_and_in_no_core(world, anna, part):
    pid = {"broker": world.broker, "relay": world.relay, "connector": world.connectors[0], "agent": anna.agent}[part].pid
    status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    core = next(line for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    uid = int(status["Uid"].split()[0])
    assert uid != 0
    user = pwd.getpwuid(uid).pw_name
    assert "Permission denied" in look_into(world, pid, user)
    assert look_into(world, "self", user) == "", "the look itself is broken"
    # the agent starts the sign-in's browser, which may have a set-uid helper
    assert status["NoNewPrivs"] == ("0" if part == "agent" else "1")
    assert int(status["CapAmb"], 16) == 0
    if part != "agent":
        assert status["Seccomp"] == "2"


# ---- INC-12: what the whole run has left ----

def secrets_of(world):
    """name -> text: what no log may hold."""
    found = {}
    for name, user in world.users.items():
        found[f"{name}'s seed"] = user.person.secret
        found[f"{name}'s password"] = user.person.password if len(getattr(user.person, "password", "")) > 6 else None
        key = user.home / ".local/state/sallyport/device.key"
        if key.exists():
            found[f"{name}'s device key"] = key.read_text().split()[2]
    for n, value in enumerate(v for (_, name), v in world.console.web._cookies.items() if len(v) > 20):
        found[f"cookie {n} of the console"] = value
    found["root's seed"] = world.console.person.secret
    for path in (cage.WORK / "etc").glob("*.token"):
        # sallyport-… tokens: the last part is the secret
        found[f"token {path.name}"] = max(re.split(r"[\s.]", path.read_text()), key=len)[:40]
    for path in [*cage.WORK.glob("*/connector.key"), *cage.WORK.glob("*/relay.key"), *cage.WORK.glob("*/*.key")]:
        text = path.read_text(errors="replace")
        if text.startswith("sallyport-secret-key"):
            found[f"key {path}"] = text.split()[2]
        elif "PRIVATE KEY" in text:
            found[f"key {path}"] = text.splitlines()[1]
    return {name: text for name, text in found.items() if text and len(text) >= 12}


def test_INC_12_LOG_3_no_secret_of_this_run_stands_in_any_log(world, anna):
    wanted = secrets_of(world)
    assert {"anna's seed", "anna's device key", "root's seed"} <= set(wanted) and len(wanted) >= 8, sorted(wanted)
    logs = sorted((cage.WORK / "logs").glob("*.log"))
    assert len(logs) >= 4
    for log in logs:
        text = log.read_text(errors="replace")
        for name, secret in wanted.items():
            assert secret not in text, f"{name} stands in {log.name}"
        # and of what nobody remembers: nothing that has the shape of one
        for shape in (r"v4\.(public|local)\.[A-Za-z0-9_-]{60,}", r"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.", r"BEGIN [A-Z ]*PRIVATE KEY",
                      r"sallyport-secret-key-1", r"[?&](code|state|token|code_verifier)=[A-Za-z0-9_-]{16,}", r"(?i)\bbearer [A-Za-z0-9._-]{20,}"):
            hit = re.search(shape, text)
            if hit and log.name.startswith("login-") and "http" in text[max(0, hit.start() - 200):hit.start()]:
                continue  # the terminal of a person, who is shown the address to open
            assert not hit, f"{log.name}: {text[max(0, hit.start() - 80):hit.end() + 20]!r}"


def whole_audit(world):
    """Every record of the run as it is exported, one JSON object a line."""
    page = world.console.web.api(world.url, "GET", "/api/v1/audit/export?format=ndjson")
    if page.status == 401:
        world.console.call("POST", "/me/factor", {"code": world.console.person.code()})
        page = world.console.web.api(world.url, "GET", "/api/v1/audit/export?format=ndjson")
    assert page.status == 200, page
    return page.body.decode()


def test_LOG_3_no_secret_of_this_run_stands_in_the_audit_log(world, anna):
    text = whole_audit(world)
    assert text.count("\n") > 20, "the export holds nothing to be searched"
    for name, secret in secrets_of(world).items():
        assert secret not in text, f"{name} stands in the audit log"
    for shape in (r"v4\.(public|local)\.[A-Za-z0-9_-]{60,}", r"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.", r"BEGIN [A-Z ]*PRIVATE KEY",
                  r"[?&](code|state|token|code_verifier)=[A-Za-z0-9_-]{16,}", r"(?i)\bbearer [A-Za-z0-9._-]{20,}", CANARY.decode()):
        hit = re.search(shape, text)
        assert not hit, text[max(0, hit.start() - 80):hit.end() + 20]


def test_LOG_4_ASVS_16_3_logins_factors_decisions_bypasses_and_failures_behind_are_recorded(world, anna):
    """Each is done here once, and found with who, from where, what and why."""
    for live in world.console.call("GET", "/sessions")["items"]:  # of an earlier test: it would be used, and none opened
        world.console.call("POST", f"/sessions/{live['id']}/kill", {"reason": "a new one is to be recorded"})
    proc.until("no session lives", 10, lambda: not world.console.call("GET", "/sessions")["items"])
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    # 16.3.1: a login with password and factor, a wrong password, a wrong code
    web = browser.Browser(world.client, [world.ca])
    page = web.get(f"{world.url}/login")
    page = web.get(f"{world.url}{page.links[0]}" if page.links[0].startswith("/") else page.links[0])
    form = next(f for f in page.forms if f.method == "post")
    web.submit(form, {"username": "anna", "password": "no password of hers"})
    wrong = world.console.web.api(world.url, "POST", "/api/v1/me/factor", {"code": "000000"})
    assert wrong.status in (401, 403, 422), wrong
    world.console.call("POST", "/me/factor", {"code": world.console.person.code()})
    # 16.3.2: a decision each way; 16.3.3: a way round: the console's API with the ticket of somebody without the role
    assert anna.run("connect", "--stdio", "payroll", stdin=b"").code == 5
    with dial(world, anna, "echo") as c:
        c.sendall(b"x")
        c.shutdown(socket.SHUT_WR)
        assert c.recv(100)
    visitor = browser.Browser(world.client, [world.ca], uid=anna.uid)
    anna.person.walk(visitor, f"{world.url}/login", lambda p: visitor.cookie("__Host-sallyport") is not None and not p.forms)
    assert visitor.api(world.url, "GET", "/api/v1/users").status == 403
    # 16.3.4: an application that is not there
    world.console.add_app("nobody-home", world.site, world.private, 7104)
    anna.run("connect", "--stdio", "nobody-home", stdin=b"")

    def found(action, result, *words):
        return [r for r in world.console.audit(action=action) if r["time"] >= since and r["result"] == result and
                all(w in str(r) for w in words) and (not words or who in str(r) or "anna" in str(r))]
    who = next(u["id"] for u in world.console.call("GET", "/users")["items"] if u["name"] == "anna")
    for action, result, words in (("login.fail", "denied", ("anna",)), ("mfa.fail", "denied", ()), ("mfa.ok", "ok", ()), ("login.ok", "ok", (who,)),
                                  ("session.deny", "denied", ("payroll",)), ("session.open", "ok", ("echo",)),
                                  ("api.refuse", "denied", ("/users",))):
        record = proc.until(f"{action} is recorded", 5, lambda: found(action, result, *words))[0]
        assert record["time"] and record["code"], record
        if action in ("login.fail", "login.ok", "mfa.fail", "api.refuse"):
            assert ipaddress.ip_address(record["address"]) in ipaddress.ip_network("198.18.0.0/15"), f"from where? {record}"
    assert found("session.deny", "denied", "payroll")[0]["text"]
    proc.until("what could not be reached is told", 5, lambda: any("app.dial" in (p.text() or "") for p in world.connectors))


# One hash is there on purpose: of nobody's password, so that a name that is not known costs the same time; its salt says so.
NOBODY = rb"\$argon2id\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$(?!c2FsbHlwb3J0LW5vYm9keQ)"


@pytest.mark.parametrize("program", ["sallyport-broker", "sallyport-relay", "sallyport-connector", "sallyport", "sallyport-admin"])
def test_INC_12_no_program_has_a_secret_built_in(world, program):
    """No key, no token, no account: neither ours nor one of a library's self-tests."""
    data = (world.bin / program).read_bytes()
    for shape in (rb"BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{32}", rb"sallyport-secret-key-1 [a-z0-9]+ [A-Za-z0-9_-]{40}",
                  rb"v4\.(public|local)\.[A-Za-z0-9_-]{60,}", rb"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.",
                  rb"(ed25519|p256):[A-Za-z0-9_-]{43}", NOBODY + rb"[^\0]{20}", rb"\b(AKIA|ghp_|xox[bp]-)[A-Za-z0-9]{12,}"):
        hit = re.search(shape, data)
        assert not hit, hit[0][:100]
