"""Real networks: what lies between people and the broker delays, loses, forgets, closes, renumbers, and stands still.

    client ─── middle (harness/wan.py) ─── edge

Issue 4, item 5: what reconnects does so within 2 s of the network's return and without a new login; what can't go on ends with
a reset at both ends. Every transfer here is compared to the byte.
"""

import hashlib
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from harness import cage, fieldapp, net, proc, wan, world as worlds
from harness.wire import dial, read_all, stream_hash

SLOW = 1.0  # seconds that a program may take to start and to print on this machine, beside what is measured
MTU = 1280


@pytest.fixture(scope="module")
def middle(world, anna):
    """A middle that anna's programs pass, and nobody else's."""
    m = wan.Wan(world, world.client, "middle", anna.uid).routed()
    comes_back(world, anna)
    yield m
    m.unrouted()
    m.stop()
    comes_back(world, anna)


@pytest.fixture(autouse=True)
def clear(request):
    """Each test finds a good network, and leaves one."""
    yield
    if "middle" in request.fixturenames:
        m = request.getfixturevalue("middle")
        m.delay, m.loss, m.rate, m.idle, m.hole, m.via = 0.0, 0.0, None, None, False, None


def comes_back(world, user, seconds=20):
    def alive():
        with dial(world, user, "echo") as c:
            c.settimeout(5)
            c.sendall(b"alive")
            c.shutdown(socket.SHUT_WR)
            return read_all(c).startswith(b"alive|")
    began = time.monotonic()
    proc.until("bytes pass again", seconds, alive)
    return time.monotonic() - began


class Transfer:
    """A download of the known stream that is compared as it comes: it ends whole, or by an error, and is never wrong."""

    def __init__(self, world, user, size):
        self.size, self.got, self.right, self.error, self.took = size, 0, True, None, None
        self.connection = dial(world, user, "source")
        self.connection.settimeout(60)
        self.connection.sendall(f"{size}\n".encode())
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        twice = fieldapp.BLOCK * 2
        try:
            while self.got < self.size and (data := self.connection.recv(262144)):
                at = self.got % len(fieldapp.BLOCK)
                self.right = self.right and data == twice[at:at + len(data)]
                self.got += len(data)
        except OSError as error:
            self.error = error
        self.took = time.monotonic() - self.began
        self.connection.close()

    def runs(self):
        proc.until("it runs", 20, lambda: self.got > 8 << 20 or self.took is not None)
        assert self.took is None, "it was over before anything happened to it"
        return self

    def ended(self, seconds=40):
        self.thread.join(seconds)
        assert self.took is not None, f"it neither goes on nor ends: {self.got} of {self.size}"
        assert self.right, "other bytes came than were sent"
        return self

    def whole(self, seconds=40):
        self.ended(seconds)
        assert self.error is None and self.got == self.size, (self.error, self.got)
        return self

    def reset(self, seconds=40):
        """An error, not an end: nobody may take a part for the whole."""
        self.ended(seconds)
        assert isinstance(self.error, ConnectionResetError), f"{self.got} of {self.size} came, and then a clean end"
        return self


def test_a_far_and_lossy_network_carries_every_byte(world, anna, middle):
    """300 ms there and back, one segment in fifty lost."""
    middle.delay, middle.loss = 0.15, 0.02
    anna.run("down", "source")
    anna._addresses.pop("source", None)
    began = time.monotonic()
    first = Transfer(world, anna, 1)  # a new session: decision, tunnel, both TLS layers
    first.whole()
    opened = time.monotonic() - began
    down = Transfer(world, anna, 1 << 20)
    with dial(world, anna, "echo") as c:
        c.settimeout(30)
        c.sendall(fieldapp.BLOCK[:1 << 18])
        c.shutdown(socket.SHUT_WR)
        answer = read_all(c)
    assert answer == fieldapp.BLOCK[:1 << 18] + b"|" + hashlib.sha256(fieldapp.BLOCK[:1 << 18]).hexdigest().encode()
    down.whole()
    print(f"300 ms, 2 %: a new session in {opened:.2f} s, {down.size / 1e6 / down.took:.2f} MB/s")
    assert opened < 12, opened


def test_a_long_delay_alone_does_not_hold_a_transfer_to_one_window_a_round_trip(world, anna, middle):
    middle.delay = 0.15
    down = Transfer(world, anna, 24 << 20).whole()
    print(f"300 ms: {down.size / 1e6 / down.took:.1f} MB/s")
    assert down.size / down.took > 1.5e6, "the window does not grow with the delay"


def test_C_024_FLT_14_a_nat_that_forgets_costs_the_transfer_and_not_the_login(world, anna, middle):
    """The table is lost in mid-transfer: neither side hears anything. Both ends see a reset, new connections work at once."""
    down = Transfer(world, anna, 1 << 30).runs()
    middle.forget()
    began = time.monotonic()
    down.reset(35)
    noticed = time.monotonic() - began
    back = comes_back(world, anna)
    print(f"a NAT that forgot was noticed after {noticed:.1f} s, and {back:.2f} s later bytes pass")
    assert noticed <= 31, noticed
    assert back < 2 + SLOW, back


def test_a_nat_that_forgets_while_nothing_happens_costs_the_next_session_two_seconds(world, anna, middle):
    anna.run("sessions", "end", "--all")
    time.sleep(11)
    middle.forget()
    back = comes_back(world, anna)
    print(f"after a silent loss the next session has its bytes after {back:.2f} s")
    assert back < 3 + SLOW, back


def test_resets_in_mid_transfer_are_a_reset_at_the_program_and_at_the_app(world, anna, middle):
    down = Transfer(world, anna, 1 << 30).runs()
    middle.reset_all()
    began = time.monotonic()
    down.reset(10)
    comes_back(world, anna)
    back = time.monotonic() - began
    print(f"after resets bytes pass within {back:.2f} s")
    assert back < 2 + SLOW, back
    assert world.connectors[0].text().count('"event":"session.closed"')


def test_an_address_that_changes_in_mid_transfer(world, anna, middle):
    """Another network: the old address is gone, so is the way back of everything that was under way."""
    down = Transfer(world, anna, 1 << 30).runs()
    old, new = middle.near.a, worlds.net.Link(world._addresses, world.client, middle.node)
    interface = interface_of(world.client, old)
    began = time.monotonic()
    net.ip("-n", world.client.name, "addr", "del", f"{old}/30", "dev", interface)
    net.ip("-n", world.client.name, "route", "replace", f"{world.public}/32", "via", new.b, "table", anna.uid)
    try:
        down.reset(10)
        comes_back(world, anna)
        back = time.monotonic() - began
        print(f"on another address bytes pass after {back:.2f} s")
        assert back < 2 + SLOW, back
    finally:
        net.ip("-n", world.client.name, "addr", "add", f"{old}/30", "dev", interface)
        net.ip("-n", world.client.name, "route", "replace", f"{world.public}/32", "via", middle.near.b, "table", anna.uid)
    comes_back(world, anna)


def test_IPv6_alone_with_the_smallest_mtu(world, anna):
    """No IPv4 leads to the broker, and a link carries 1,280 bytes a packet, the least that IPv6 allows."""
    hosts = pathlib.Path("/etc/hosts")  # the cage's own file
    good, (here, there) = hosts.read_text(), ("fd5a::1", "fd5a::2")
    ends = [(world.client, interface_of(world.client, world.access.a), here), (world.edge, interface_of(world.edge, world.access.b), there)]
    for node, interface, address in ends:
        net.ip("-n", node.name, "addr", "add", f"{address}/64", "dev", interface, "nodad")
        net.ip("-n", node.name, "link", "set", interface, "mtu", MTU)
    net.ip("-n", world.client.name, "rule", "add", "pref", "99", "uidrange", f"{anna.uid}-{anna.uid}", "to", f"{world.public}/32", "unreachable")
    hosts.write_text("".join(f"{line}\n" for line in good.splitlines() if world.name not in line) + f"{there} {world.name}\n")
    try:
        assert anna.agent.stop(20) == 0
        anna.restart_agent()
        with dial(world, anna, "sink") as c:
            c.sendall(fieldapp.BLOCK * 16)
            c.shutdown(socket.SHUT_WR)
            assert read_all(c).decode().split() == [str(16 << 20), stream_hash(16 << 20)]
        Transfer(world, anna, 32 << 20).whole()
        peers = proc.command(world.client, ["ss", "-tnpH", "state", "established", f"dport = :{world.port}"]).out
        mine = [line for line in peers.splitlines() if f"pid={anna.agent.pid}," in line]
        assert len(mine) >= 2 and all(f"[{there}]" in line for line in mine), peers
    finally:
        hosts.write_text(good)
        net.ip("-n", world.client.name, "rule", "del", "pref", "99")
        for node, interface, address in ends:
            net.ip("-n", node.name, "addr", "del", f"{address}/64", "dev", interface)
            net.ip("-n", node.name, "link", "set", interface, "mtu", 1500)
        anna.agent.stop(20)
        anna.restart_agent()
    comes_back(world, anna)


# ---- what closes who is silent; who sleeps ----

POLICY_WITH_ADMINS = worlds.POLICY + "      - {name: admins, when: {groups: [builtin/admins], mfa: {max_age: 12h}}}\n"
IDLE = 27  # seconds of the middlebox; those in the field have 60: what passes here passes there
ASLEEP = 36  # longer than the 30 s after which its peers give a silent agent up


def test_C_021_a_middlebox_that_closes_the_silent_and_an_agent_that_sleeps(world, anna, ada):
    """ada's and a connector's connections are silent behind middleboxes that close what hears nothing from the server for 27 s:
    none is closed, since no silence is longer than a ping's 25 s. Meanwhile anna's agent stands still, as in a suspended machine, in
    the middle of a transfer. When it runs again it is connected within 2 s with its old login, and the transfer ends with a reset.

    A suspend of 10 minutes is more of the same: by 30 s every peer has dropped it. What the clocks say differs there (the boot clock goes
    on, the monotonic one stands), and that is in tests/unit/client/agent/test_wake.c."""
    world.console.put_policy(POLICY_WITH_ADMINS)
    branch = net.Node("quiet")
    apps = net.Link(world._addresses, branch, world.apps_node)
    net.route(branch, f"{world.private}/32", apps.b)
    boxes = [wan.Wan(world, branch, "box").routed(), wan.Wan(world, world.client, "box", ada.uid).routed()]
    site = world.console.call("POST", "/sites", {"name": "quiet"})["id"]
    connector = world.enrol_connector(world.console, site, "quiet", branch)
    record = world.console.add_app("quiet-echo", site, world.private, 7001)
    try:
        proc.until("ada is connected through her box", 20, lambda: boxes[1].passing and ada.run("apps").code == 0)
        with dial(world, ada, "quiet-echo") as held:
            held.settimeout(10)
            held.sendall(b"x")
            assert held.recv(1) == b"x"
            down = Transfer(world, anna, 1 << 30).runs()
            for box in boxes:
                box.idle = IDLE
            watched = [(box, p) for box in boxes for p in box.passing]
            said = [len(p.text()) for p in (ada.agent, connector)]
            login = anna.json("status")["login"]
            anna.agent.signal(signal.SIGSTOP)
            time.sleep(ASLEEP)
            anna.agent.signal(signal.SIGCONT)
            began = time.monotonic()
            down.reset(5)
            back = comes_back(world, anna)
            woke = time.monotonic() - began
            silences = {way: max(p.longest(way) for _, p in watched) for way in ("up", "down")}
            print(f"awake after {woke:.2f} s; longest silences of {len(watched)} connections: " +
                  ", ".join(f"{way} {s:.1f} s" for way, s in silences.items()))
            assert woke < 2 + SLOW, (woke, back)
            assert anna.json("status")["login"]["user"] == login["user"]
            assert not [p for _, p in watched if p.closed_idle], silences
            assert silences["down"] <= 26 and silences["up"] <= 26, silences
            for program, before in zip((ada.agent, connector), said):
                assert "lost" not in "".join(line for line in program.text()[before:].splitlines() if '"event":"control.' in line or '"event":"stand.' in line)
            held.sendall(b"still")
            assert held.recv(5, socket.MSG_WAITALL) == b"still"
    finally:
        anna.agent.signal(signal.SIGCONT)
        boxes[1].unrouted()
        connector.stop()
        world.connectors.remove(connector)
        world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})
        for box in boxes:
            box.stop()
        world.console.put_policy(worlds.POLICY)


# ---- a proxy that reads along ----

def test_TM_08_a_proxy_whose_ca_is_trusted_gets_neither_a_channel_nor_a_session(world, anna, middle):
    """It has the world's own CA, so each outer TLS is complete. A tunnel is refused for its key; a channel is bound to the TLS
    that it is proven on, so none opens through it; and when it is gone, nothing is left of it."""
    tls = cage.WORK / "tls"
    inspector = wan.Inspector(middle, tls / "cert.pem", tls / "key.pem")
    try:
        comes_back(world, anna)
        anna.run("down", "echo")
        middle.via = inspector.address  # the channel stands already: what is new meets the proxy
        refused = anna.run("--json", "up", "echo")
        assert refused.code == 10 and '"integrity"' in refused.out, refused
        assert not inspector.read["up"], "the agent spoke to a relay whose key the grant does not name"
        lines = len(anna.agent.text().splitlines())
        middle.reset_all()
        proc.until("the agent says why it has no channel", 30,
                   lambda: "something between ends TLS" in "".join(anna.agent.text().splitlines()[lines:]))
        assert b"/control" in inspector.read["up"] and b"hello" in inspector.read["down"], "the proxy read nothing: the test is blind"
        assert "control.open" not in "".join(anna.agent.text().splitlines()[lines:])
    finally:
        middle.via = None
        middle.reset_all()
        comes_back(world, anna, 40)
        inspector.stop()


# ---- clocks ----

SHIFT = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) /* seconds, from a file that a test changes while we run */
{
    static volatile long *at;
    if (at == NULL) {
        const char *path = getenv("CLOCK_SHIFT");
        int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *at, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            return 0;
        at = map;
    }
    return *at;
}

int clock_gettime(clockid_t which, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(which, t);
    if (r == 0 && which == CLOCK_REALTIME)
        t->tv_sec += shift();
    return r;
}

time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL)
        *out = t.tv_sec;
    return t.tv_sec;
}

int gettimeofday(struct timeval *tv, void *zone)
{
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    tv->tv_sec = t.tv_sec;
    tv->tv_usec = t.tv_nsec / 1000;
    return 0;
}
"""


@pytest.fixture
def clock(world, anna):
    """The wall clock of anna's agent, as a test sets it: seconds off, at any moment."""
    source, library, offset = cage.WORK / "shift.c", cage.WORK / "shift.so", cage.WORK / "shift"
    source.write_text(SHIFT)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    offset.write_bytes(struct.pack("l", 0))
    offset.chmod(0o644)

    def step(seconds):
        with open(offset, "r+b") as f:
            f.write(struct.pack("l", seconds))
    plain = dict(anna.agent._env)
    anna.agent.stop(20)
    anna.agent._env.update(LD_PRELOAD=str(library), CLOCK_SHIFT=str(offset))
    anna.restart_agent()
    yield step
    anna.agent.stop(20)
    anna.agent._env = plain
    anna.restart_agent()


YEAR = 31556952


def test_C_038_FLT_09_a_wall_clock_that_steps_hours_and_years_ends_and_prolongs_nothing(world, anna, clock):
    comes_back(world, anna)
    before = anna.json("up", "echo")
    with dial(world, anna, "echo") as held:
        held.settimeout(10)
        for step in (3600, -3600, YEAR, -YEAR, 10 * YEAR, 0):
            clock(step)
            stamp = time.strftime('"t":"%Y-%m-%dT%H', time.gmtime(time.time() + step))
            held.sendall(b"tick")
            assert held.recv(4, socket.MSG_WAITALL) == b"tick"
            anna.run("down", "notes")
            assert anna.run("--json", "up", "notes").code == 0, "a new session needs no right clock"
            Transfer(world, anna, 4 << 20).whole()
            assert stamp in anna.agent.tail(3), "the agent's clock was not changed at all"
            now = anna.json("up", "echo")
            assert now["session"] == before["session"], "the session ended with the clock"
    deadline = lambda s: next(x["deadline"] for x in s["sessions"] if x["app"] == "echo")
    assert deadline(anna.json("sessions")) is not None


def interface_of(node, address):
    return proc.command(node, ["ip", "-o", "addr", "show", "to", address]).out.split()[1]
