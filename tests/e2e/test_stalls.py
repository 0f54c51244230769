"""Readers that stand still or are slow: what they hold is bounded, and the other streams of their session, and other sessions,
do not wait for them. SALLYPORT_SLOW_READERS says how many are slow (tests/long: 1000)."""

import concurrent.futures
import hashlib
import os
import pathlib
import socket
import threading
import time

import pytest

from harness import fieldapp, proc
from harness.wire import dial, p99, stream_hash

STILL = 60  # readers that stand still, of the 256 streams that a session may have
SLOW = int(os.environ.get("SALLYPORT_SLOW_READERS", 120))
SLOW_OF_A_SESSION = 200
RELEASE = "release" in os.environ.get("SALLYPORT_BUILD", "")
SLACK_MS = 10 if RELEASE else 2000  # below it is the scheduler's: sanitized programs on two busy cores
PART = 48 << 20  # what one that reads fetches: three times a session's window


def resident(program):
    """KiB of memory that is the program's own."""
    with open(f"/proc/{program.pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty:"))


def rests(program):
    """It did next to nothing for half a second."""
    used = lambda: int(open(f"/proc/{program.pid}/schedstat").read().split()[0])
    before = used()
    time.sleep(0.5)
    return used() - before < 20e6


def fetch(world, user, size):
    """What a download of the known stream gives: (seconds, whether every byte was right)."""
    began, total = time.monotonic(), hashlib.sha256()
    with dial(world, user, "source") as c:
        c.sendall(f"{size}\n".encode())
        left = size
        while left and (data := c.recv(262144)):
            total.update(data)
            left -= len(data)
    return time.monotonic() - began, left == 0 and total.hexdigest() == stream_hash(size)


@pytest.fixture
def still(world, anna):
    """Makes a reader of the endless stream stand still, in the middle of its answer, with all that fits on the way."""
    held = []

    def one():
        c = dial(world, anna, "source")
        held.append(c)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        c.sendall(b"1000000000000\n")
        return c
    yield one
    for c in held:
        c.close()


def test_CT_8_FLT_17_many_readers_that_stand_still_hold_up_nobody(world, anna, still):
    """Each of them is one of the session's streams and in the middle of a large answer."""
    fetch(world, anna, 1 << 20)  # the session is there
    before = [resident(p) for p in (anna.agent, world.relay, world.connectors[0])]
    readers = [still() for _ in range(STILL)]
    for c in readers:
        assert c.recv(1000, socket.MSG_WAITALL)
    proc.until("whatever can come has come", 30, rests, world.connectors[0])
    grown = [resident(p) - b for p, b in zip((anna.agent, world.relay, world.connectors[0]), before)]
    took, right = fetch(world, anna, PART)
    print(f"{STILL} stand still: agent, relay, connector hold {grown} KiB more; {PART >> 20} MiB beside them in {took:.2f} s")
    assert right, "the download beside them is not what was sent"
    assert took < 20, took
    if RELEASE:  # AddressSanitizer keeps 256 MiB that were freed
        assert grown[0] < 20 * 1024, grown  # first windows and what is lent: 12 MiB; piles double as they grow
        assert grown[1] < 4 * 1024 and grown[2] < 8 * 1024, grown
    # and who reads again gets what is next, to the byte
    for c in readers[::25]:
        c.settimeout(20)
        got = bytearray()
        while len(got) < 8 << 20:
            got += c.recv(262144)
        sent = fieldapp.BLOCK * ((1000 + len(got)) // len(fieldapp.BLOCK) + 1)
        assert sent[1000:1000 + len(got)] == got, "a gap in what a stalled reader gets later"


def sip(readers, got, done):
    """1 KiB a second from each reader, until `done`; what each got."""
    while not done():
        began = time.monotonic()
        for i, c in enumerate(readers):
            got[i] += c.recv(1024)
        time.sleep(max(0.0, began + 1 - time.monotonic()))


def send_all(world, user, size):
    """A fast writer: what the app says of `size` bytes that it got."""
    with dial(world, user, "sink") as c:
        c.settimeout(60)
        for _ in range(size // len(fieldapp.BLOCK)):
            c.sendall(fieldapp.BLOCK)
        c.shutdown(socket.SHUT_WR)
        return c.recv(200).decode().split()


class Beside:
    """A fast writer and a fast reader, PART each, and the p99 of somebody's exchange meanwhile."""

    def __init__(self, world, user, mine):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            writing, fetching = pool.submit(send_all, world, user, PART), pool.submit(fetch, world, user, PART)
            both = pool.submit(lambda: concurrent.futures.wait((writing, fetching)))
            self.p99 = p99(mine, until=both)
        size, digest = writing.result()
        assert fetching.result()[1] and (int(size), digest) == (PART, stream_hash(PART)), "another stream got something else"


@pytest.fixture
def small_buffers(world):
    """At most 256 KiB of the kernel for a socket and direction. Each slow reader has full buffers at four sockets of this one
    machine, of up to 6 MiB: a thousand of them are more than a kernel gives to TCP in all."""
    names, before = ("rmem", "wmem"), {}
    for node in (world.edge, world.client, world.connector_node, world.apps_node):
        for name in names:
            path = pathlib.Path(f"/proc/sys/net/ipv4/tcp_{name}")
            before[node, path] = node.run(path.read_text)
            node.run(path.write_text, " ".join([*before[node, path].split()[:2], "262144"]))
    yield
    for (node, path), text in before.items():
        node.run(path.write_text, text)


@pytest.fixture
def slow(world, anna, small_buffers):
    """SLOW connections to the endless stream, over as many sessions as they need; and what each gets, 1 KiB a second."""
    names = [f"slow-{i}" for i in range((SLOW + SLOW_OF_A_SESSION - 1) // SLOW_OF_A_SESSION)]
    apps = [world.console.add_app(name, world.site, world.private, 7003) for name in names]
    readers, got, over = [], [b""] * SLOW, threading.Event()

    def begin():
        for i in range(SLOW):
            c = dial(world, anna, names[i // SLOW_OF_A_SESSION])
            readers.append(c)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            c.settimeout(60)
            c.sendall(b"1000000000000\n")
            got[i] = c.recv(1024)  # one after the other: it is not the app's accept that is tried here
        sipping.start()
        return got
    sipping = threading.Thread(target=sip, args=(readers, got, over.is_set), daemon=True)
    yield begin
    over.set()
    if sipping.ident:
        sipping.join(90)
    for c in readers:
        c.close()
    for app in apps:
        world.console.call("DELETE", f"/apps/{app['id']}", headers={"If-Match": f'"{app["version"]}"'})


def test_FLT_17_slow_readers_of_1_KiB_a_second_hold_what_is_bounded_and_leave_others_their_time(world, anna, slow):
    """"Beside" is measured without them and with them: what two transfers do to two cores is not theirs."""
    parts = (anna.agent, world.relay, world.connectors[0])
    with dial(world, anna, "echo") as mine:
        mine.settimeout(60)
        calm = Beside(world, anna, mine).p99
        before = [resident(p) for p in parts]
        got = slow()
        proc.until("whatever can come has come", 60, lambda: rests(world.connectors[0]) or len(got[0]) > 20000)
        grown = [resident(p) - b for p, b in zip(parts, before)]
        meanwhile = Beside(world, anna, mine).p99
    print(f"{SLOW} slow readers: agent, relay, connector hold {grown} KiB more; p99 {calm:.1f} ms without, {meanwhile:.1f} ms beside them")
    assert meanwhile <= max(2 * calm, SLACK_MS), f"p99 was {calm:.1f} ms, {meanwhile:.1f} ms beside {SLOW} slow readers"
    for i, text in enumerate(got):
        assert len(text) >= 1024 and fieldapp.BLOCK.startswith(text[:len(fieldapp.BLOCK)]), f"a gap in what reader {i} gets"
    if RELEASE:  # AddressSanitizer keeps 256 MiB that were freed
        assert max(grown) < SLOW * 256, grown
