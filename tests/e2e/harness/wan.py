"""wan: a machine in the middle, through which TCP connections pass as a bad network would have them.

    client ─── middle ─── edge          the middle has the edge's public address on its own loopback, so it is
                                        transparent: it takes each connection and makes the second half itself

What it does to them is set while it runs: `delay` seconds each way, `loss` of segments (TCP's own answer to it, since two
TCPs meet here: the lost piece and all behind it come a round trip later), `rate` bytes a second each way, `idle` seconds
without a byte from the server after which a connection is closed, `hole` (nothing passes and nobody is told), `via` (new
connections go to this address of the middle, where an Inspector may stand). `routed` sends one person's connections of the
client machine this way, and nobody else's.
"""

import asyncio
import random
import secrets
import socket
import ssl
import struct
import threading
import time

from . import net

MSS = 1448


class Passing:
    """One connection: when bytes passed, and the longest silences of each side."""

    def __init__(self, writers, peer):
        self.writers, self.peer, self.began, self.ended = writers, peer, time.monotonic(), None
        self.last = {"up": self.began, "down": self.began}
        self.gap = {"up": 0.0, "down": 0.0}
        self.bytes = {"up": 0, "down": 0}
        self.closed_idle = False

    def passed(self, way, size):
        now = time.monotonic()
        self.gap[way] = max(self.gap[way], now - self.last[way])
        self.last[way], self.bytes[way] = now, self.bytes[way] + size

    def longest(self, way):
        """The longest silence so far, the one that lasts included."""
        return max(self.gap[way], (self.ended or time.monotonic()) - self.last[way])

    def reset(self):
        for writer in self.writers:
            with_linger(writer)
            writer.transport.abort()


def with_linger(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Wan:
    def __init__(self, world, left, name="middle", uid=None):
        self.world, self.left, self.uid = world, left, uid
        self.delay = self.loss = 0.0
        self.rate = self.idle = self.via = None
        self.hole, self.deaf = False, False
        self.passing, self.all = set(), []
        self.node = net.Node(f"{name}{secrets.token_hex(2)}")
        self.far = net.Link(world._addresses, self.node, world.edge)
        self.near = net.Link(world._addresses, left, self.node)
        net.ip("-n", self.node.name, "addr", "add", f"{world.public}/32", "dev", "lo")
        self._up, self._loop, self._stop = threading.Event(), None, None
        self._thread = self.node.start(self._run)
        self._up.wait(10)

    # ---- who comes this way ----

    def _rule(self, verb):
        table = str(self.uid or 20999)
        who = ["uidrange", f"{self.uid}-{self.uid}"] if self.uid else []
        net.ip("-n", self.left.name, "rule", verb, "pref", "100", *who, "lookup", table)

    def routed(self):
        net.ip("-n", self.left.name, "route", "replace", f"{self.world.public}/32", "via", self.near.b, "table", self.uid or 20999)
        self._rule("add")
        return self

    def unrouted(self):
        self._rule("del")

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.result(10)

    # ---- what happens to all that pass now ----

    def reset_all(self):
        self._call(lambda: [p.reset() for p in set(self.passing)])

    def forget(self):
        """As a NAT that lost its table: what passes now never hears of anything again, new connections do."""
        def lose():
            for p in self.passing:
                p.lost = True
        self._call(lose)

    def _call(self, function):
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (function(), done.set()))
        done.wait(10)

    # ---- the middle ----

    def _run(self):
        asyncio.run(self._main())

    async def _main(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, self.world.public, self.world.port)
        self._up.set()
        async with server:
            await self._stop.wait()
        for p in set(self.passing):
            p.reset()

    async def _serve(self, reader, writer):
        while self.hole:
            await asyncio.sleep(0.05)
        try:
            far_reader, far_writer = await asyncio.open_connection(*(self.via or (self.far.b, self.world.port)))
        except OSError:
            writer.transport.abort()
            return
        p = Passing((writer, far_writer), writer.get_extra_info("peername"))
        p.lost = False
        self.passing.add(p)
        self.all.append(p)
        jobs = [asyncio.create_task(self._pass(p, "up", reader, far_writer)), asyncio.create_task(self._pass(p, "down", far_reader, writer)),
                asyncio.create_task(self._watch(p))]
        try:
            await asyncio.gather(*jobs[:2], return_exceptions=True)
        except asyncio.CancelledError:  # the middle stops
            pass
        finally:
            for job in jobs:
                job.cancel()
            p.ended = time.monotonic()
            self.passing.discard(p)
            for w in p.writers:
                w.close()

    async def _watch(self, p):
        while True:
            await asyncio.sleep(0.2)
            if self.idle is not None and time.monotonic() - p.last["down"] > self.idle:
                p.closed_idle = True
                for w in p.writers:
                    w.close()
                return

    async def _pass(self, p, way, reader, writer):
        queue = asyncio.Queue(maxsize=64)
        feeding = asyncio.create_task(self._feed(reader, queue))
        try:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while self.hole or p.lost:
                    await asyncio.sleep(0.05)
                if data is None:
                    writer.write_eof()
                    return
                if not data:
                    p.reset()
                    return
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                writer.write(data)
                p.passed(way, len(data))
                await writer.drain()
        except (ConnectionError, OSError, RuntimeError):
            p.reset()
        finally:
            feeding.cancel()

    async def _feed(self, reader, queue):
        """Reads ahead, so that a delay costs no throughput but what TCP would lose to it."""
        behind = 0.0
        while True:
            try:
                data = await reader.read(16384)
            except (ConnectionError, OSError):
                await queue.put((time.monotonic() + self.delay, b""))
                return
            due = time.monotonic() + self.delay
            if self.loss and random.random() < 1 - (1 - self.loss) ** max(1, len(data) // MSS):
                behind = due + 2 * self.delay
            await queue.put((max(due, behind), data or None))
            if not data:
                return


class Inspector:
    """A proxy in the middle that ends TLS with a certificate which the machine trusts, begins it anew and keeps all it reads."""

    def __init__(self, middle, certificate, key):
        self.met, self.read = 0, {"up": bytearray(), "down": bytearray()}
        self._near, self._far = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._near.load_cert_chain(certificate, key)
        self._far.check_hostname, self._far.verify_mode = False, ssl.CERT_NONE
        self._middle, self.address, self._up = middle, None, threading.Event()
        self._thread = middle.node.start(lambda: asyncio.run(self._main()))
        self._up.wait(10)

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.result(10)

    async def _main(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._near)
        self.address = server.sockets[0].getsockname()
        self._up.set()
        async with server:
            await self._stop.wait()

    async def _serve(self, reader, writer):
        self.met += 1  # its TLS to the client is complete
        m = self._middle
        far = await asyncio.open_connection(m.far.b, m.world.port, ssl=self._far, server_hostname=m.world.name)
        try:
            await asyncio.wait([asyncio.create_task(self._pass("up", reader, far[1])), asyncio.create_task(self._pass("down", far[0], writer))],
                               return_when=asyncio.FIRST_COMPLETED)
        finally:
            for w in (writer, far[1]):
                w.transport.abort()

    async def _pass(self, way, reader, writer):
        try:
            while data := await reader.read(65536):
                self.read[way] += data
                writer.write(data)
                await writer.drain()
        except OSError:  # of TLS as well: what is not TLS any more can't be read along
            pass
