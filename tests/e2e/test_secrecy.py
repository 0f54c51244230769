"""What the way sees: a canary in the traffic is searched for where nobody may read it, and every secret that the tests have
made is searched for in the logs. The last file of a run (conftest.py), so that all logs are there.

SALLYPORT_CANARY_MIB says how many MiB go each way (tests/long: 512, which is the 1 GiB of E2E-T11)."""

import os
import pathlib
import re
import secrets
import socket
import threading
import time

import pytest

from harness import cage, proc
from harness.wire import dial
from test_cuts import session_of

MIB = int(os.environ.get("SALLYPORT_CANARY_MIB", "48"))
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
        elif line.startswith("Rss:") and at and int(line.split()[1]) > 0 and at[1] - at[0] < 1 << 30:  # sanitizers' shadow is larger
            regions.append(at)
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


def test_ZT_2_TM_07_E2E_T11_a_canary_is_nowhere_between_the_ends(world, anna):
    """Packets of both legs, memory of relay and broker while it moves, all logs: 0 hits. The same search finds the canary in
    memory of the agent, and a word in the clear on the cable."""
    captures = [Capture(node, [CANARY, SHOWN]) for node in (world.edge, world.client, world.connector_node)]
    got, held = 0, {}
    with dial(world, anna, "echo") as c:
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
                session_of(world, "anna", "echo")
                held = {name: memory_holds(pid, [CANARY]) for name, pid in
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
    for log in (cage.WORK / "logs").glob("*.log"):
        assert CANARY not in log.read_bytes(), log
    for pid in (world.broker.pid, world.relay.pid):
        assert memory_holds(pid, [CANARY]) == set()


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


def test_INC_12_no_secret_of_this_run_stands_in_any_log(world, anna):
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
