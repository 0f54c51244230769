"""soak: sessions opened and closed by the thousand, then hours of mixed load; what memory and descriptors do meanwhile.

A series is a list of (x, {program: sample}); x is hours in the soak, thousands of sessions before it."""

import concurrent.futures
import json
import os
import pathlib
import socket
import statistics
import sys
import threading
import time

from harness import apps, cage, fieldapp, proc

from .installation import Installation
from .meter import Cpu, own_kib
from .session import machine

AT_ONCE = 40  # apps, so sessions of one person, that a round opens
STREAMS = 4
PIECE = 32 << 20
SAMPLE_S = 10
STEP_KIB = 132  # what malloc takes from the kernel at once (M_TOP_PAD and a page)
READERS = 4  # walks at once: the broker's store has as many


class Soak:
    def __init__(self, build):
        self.world = world = Installation(build, ports=fieldapp.PORTS)
        world.add_apps = lambda: [world.add(name, port, "") for name, port in (("echo", 7001), ("source", 7003), ("sink", 7004))]
        world.start_app(apps.FieldApp)
        world.wait_app(world.apps["fieldapp"])
        world.furnish()
        self.errors = []

    def sample(self):
        out = {}
        for name, pid in self.world.parts.items():
            try:
                out[name] = {"own": own_kib(pid), "fds": descriptors(pid)}
            except OSError:
                raise proc.Failed(f"the {name} is gone") from None
        return out

    def as_anna(self, function, *arguments):
        return self.world.client.run_as(self.world.anna.uid, function, *arguments)

    # ---- sessions ----

    def sessions(self, count):
        """`count` sessions, AT_ONCE at a time: opened, one byte each way, ended. A sample between the rounds, when none is open."""
        world = self.world
        names = [f"s{i}" for i in range(min(count, AT_ONCE))]
        for name in names:
            world.add(name, 7001, "")
        world.anna.json("apps")
        entries = [world.anna.address_of(name) for name in names]
        world.anna.run("sessions", "end", "--all")
        series, opened = [], 0
        while opened < count:
            self.as_anna(touch_all, entries)
            opened += len(entries)
            done = world.anna.run("sessions", "end", "--all")
            if done.code:
                raise proc.Failed(repr(done))
            try:
                proc.until("the broker knows that they ended", 20, lambda: not self.live())
            except proc.Failed as failed:
                raise proc.Failed(f"{failed}: after {opened} sessions {self.live()}") from None
            series.append((opened / 1000, self.sample()))
            if len(series) % 25 == 0:
                say(f"{opened} sessions: {short(series[-1][1])}")
        for name in names:
            record = world.records.pop(name)
            world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})
        return series

    def warm(self, count):
        """What is full once and then stays: each database connection's page cache (16 MiB), which the writer fills by writing and
        readers by a walk through all records; and the spent grants that edges remember for some minutes."""
        began = time.monotonic()
        self.sessions(count)
        with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
            list(pool.map(lambda _: self.walk(), range(READERS)))
        say(f"warm after {count} sessions, {time.monotonic() - began:.0f} s: {short(self.sample())}")

    def walk(self):
        page = {"next": ""}
        while page["next"] is not None:
            page = self.world.console.call("GET", f"/audit?limit=200&after={page['next']}")

    def live(self):
        return [s for s in self.world.console.call("GET", "/sessions")["items"] if s["state"] == "live"]

    # ---- load ----

    def trial(self, seconds=10):
        """MB/s that STREAMS transfers reach when nothing holds them back."""
        total, end = Pace(None), time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            list(pool.map(lambda _: self.as_anna(self.download, total, end), range(STREAMS)))
        return total.bytes / seconds / 1e6

    def download(self, pace, end):
        """Pieces of the known stream, one connection each, compared byte by byte as they come."""
        while time.monotonic() < end:
            with socket.create_connection(self.world.anna.address_of("source"), 30) as c:
                c.settimeout(60)
                c.sendall(f"{PIECE}\n".encode())
                got = 0
                while data := c.recv(262144):
                    at = got % len(fieldapp.BLOCK)
                    if data != (fieldapp.BLOCK * 2)[at:at + len(data)]:
                        raise proc.Failed(f"another byte came behind byte {got}")
                    got += len(data)
                    pace.passed(len(data))
                if got != PIECE:
                    raise proc.Failed(f"{got} of {PIECE} bytes came")

    def upload(self, pace, end):
        want = None
        while time.monotonic() < end:
            with socket.create_connection(self.world.anna.address_of("sink"), 30) as c:
                c.settimeout(60)
                for _ in range(PIECE // len(fieldapp.BLOCK)):
                    c.sendall(fieldapp.BLOCK)
                    pace.passed(len(fieldapp.BLOCK))
                c.shutdown(socket.SHUT_WR)
                answer = b""
                while data := c.recv(200):
                    answer += data
                want = want or answer
                if answer != want or not answer.startswith(f"{PIECE} ".encode()):
                    raise proc.Failed(f"the app has seen {answer!r}")

    def exchange(self, delays, end):
        """A small question and its answer twenty times a second on a connection that stays."""
        with socket.create_connection(self.world.anna.address_of("echo"), 30) as c:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c.settimeout(30)
            while time.monotonic() < end:
                began = time.monotonic()
                c.sendall(b"x" * 1024)
                if len(c.recv(1024, socket.MSG_WAITALL)) != 1024:
                    raise proc.Failed("the exchange ended")
                delays.append((time.monotonic(), time.monotonic() - began))
                time.sleep(0.05)

    def come_and_go(self, counts, end):
        """A session of its own each second; a question to the API each five."""
        world = self.world
        world.add("guest", 7001, "")
        entry = world.anna.address_of("guest")
        while time.monotonic() < end:
            self.as_anna(touch_all, [entry])
            if world.anna.run("down", "guest").code == 0:
                world.anna._addresses.pop("guest", None)
                entry = world.anna.address_of("guest")
            counts["sessions"] += 1
            if counts["sessions"] % 5 == 0:
                world.console.call("GET", "/overview")
                world.console.audit(action="session.open")
            time.sleep(1)

    def soak(self, minutes, rate):
        pace, delays, counts = Pace(rate * 1e6), [], {"sessions": 0}
        began = time.monotonic()
        end = began + minutes * 60
        jobs = [*[lambda: self.as_anna(self.download, pace, end)] * (STREAMS - 1), lambda: self.as_anna(self.upload, pace, end),
                lambda: self.as_anna(self.exchange, delays, end), lambda: self.come_and_go(counts, end)]
        threads = [threading.Thread(target=self.guarded, args=(job,), daemon=True) for job in jobs]
        cpu, series = Cpu(self.world.parts), []
        for thread in threads:
            thread.start()
        while time.monotonic() < end and not self.errors:
            time.sleep(min(SAMPLE_S, minutes * 6))
            series.append(((time.monotonic() - began) / 3600, self.sample()))
            if len(series) % 30 == 0:
                say(f"{(time.monotonic() - began) / 60:.0f} min, {pace.bytes / 1e9:.1f} GB, {counts['sessions']} sessions: {short(series[-1][1])}")
        for thread in threads:
            thread.join(120)
        took = time.monotonic() - began
        parts = [thirds(delays, began + k * took / 3, began + (k + 1) * took / 3) for k in range(3)]
        return series, {"minutes": took / 60, "GB": pace.bytes / 1e9, "MB/s": pace.bytes / 1e6 / took, "sessions": counts["sessions"],
                        "exchanges": len(delays), "exchange ms p50, p99 by thirds": parts,
                        "CPU s/h": {name: s / took * 3600 for name, s in cpu.used().items()}}

    def guarded(self, job):
        try:
            job()
        except (OSError, AssertionError) as error:
            self.errors.append(f"{type(error).__name__}: {error}")


class Pace:
    """Bytes a second for all who share it; None: as fast as it goes."""

    def __init__(self, rate):
        self.rate, self.bytes, self._began, self._lock = rate, 0, time.monotonic(), threading.Lock()

    def passed(self, count):
        with self._lock:
            self.bytes += count
            ahead = self.bytes / self.rate - (time.monotonic() - self._began) if self.rate else 0
        if ahead > 0:
            time.sleep(min(ahead, 1))


POOL = 2 * 128  # ends of pipes: the relay keeps as many as it once needed at the same time (SPLICE_PIPES_MAX)


def descriptors(pid):
    """How many it has, of pipes those beyond the pool."""
    others = pipes = 0
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            is_pipe = os.readlink(fd).startswith("pipe:")
        except FileNotFoundError:
            continue
        pipes += is_pipe
        others += not is_pipe
    return others + max(0, pipes - POOL)


def touch_all(entries):
    def one(entry):
        with socket.create_connection(entry, 30) as c:
            c.settimeout(30)
            c.sendall(b"x")
            if c.recv(1) != b"x":
                raise proc.Failed(f"{entry} gave nothing back")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, entries))


def thirds(delays, since, until):
    mine = sorted(d for t, d in delays if since <= t < until)
    return [round(mine[int(len(mine) * q)] * 1000, 2) for q in (0.5, 0.99)] if mine else None


def settled(series):
    """The second half: until then caches fill and a heap finds its shape (docs/performance.md has the series of an hour)."""
    return series[len(series) // 2:]


def slopes(series):
    """{program: {what: (gain by 1 of x, mean)}} by least squares."""
    late = settled(series)
    xs, out = [x for x, _ in late], {}
    for name in late[0][1]:
        for what in ("own", "fds"):
            ys = [sample[name][what] for _, sample in late]
            slope = statistics.linear_regression(xs, ys).slope if len(set(xs)) > 1 else 0.0
            out.setdefault(name, {})[what] = (slope, statistics.fmean(ys))
    return out


def short(sample):
    return ", ".join(f"{name} {s['own'] / 1024:.1f} MiB {s['fds']} fds" for name, s in sample.items())


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


def judge(title, series, per, grown):
    """Prints the slopes; the sentences about what grew: memory by more than grown(mean KiB), and by more than one step of malloc
    over what was measured; descriptors by half a one."""
    bad, late = [], settled(series)
    span = late[-1][0] - late[0][0]
    for name, of in slopes(series).items():
        (own, mean), (fds, many) = of["own"], of["fds"]
        print(f"{title}: {name:9} {mean / 1024:8.1f} MiB {own:+9.1f} KiB {per}, {many:6.1f} descriptors {fds:+7.2f} {per}")
        if own > grown(mean) and own * span > STEP_KIB:
            bad.append(f"{title}: {name} gains {own:.1f} KiB {per}")
        if fds > max(0.5, many * 0.01):
            bad.append(f"{title}: {name} gains {fds:.2f} descriptors {per}")
    return bad


def run(asked, build):
    soak, bad, said = Soak(build), [], {"machine": machine()}
    try:
        if asked.warm:
            soak.warm(asked.warm)
        if asked.sessions:
            began = time.monotonic()
            series = soak.sessions(asked.sessions)
            print(f"sessions: {asked.sessions} opened and closed in {time.monotonic() - began:.0f} s")
            bad += judge("sessions", series, "by 1,000", lambda mean: 1000 * 64 / 1024)
            said["sessions"] = series
        if asked.minutes:
            rate = asked.rate or soak.trial() * asked.share
            say(f"{rate:.0f} MB/s for {asked.minutes} min")
            series, what = soak.soak(asked.minutes, rate)
            print("soak: " + ", ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in what.items()))
            bad += judge("soak", series, "an hour", lambda mean: mean * 0.01)
            said["soak"] = {"series": series, **what}
        done = proc.command(soak.world.edge, [soak.world.bin / "sallyport-broker", "audit", "verify", "--config", soak.world.config],
                            user="broker", seconds=300)
        print(f"audit: {done.out.strip() or done.err.strip()}")
        bad += soak.errors + ([] if done.code == 0 else ["the audit chain is broken"])
    except proc.Failed as failed:
        bad.append(str(failed))
    finally:
        if bad:
            for program in soak.world.programs():
                print(f"== {program.name}\n{program.tail(60)}", file=sys.stderr)
        soak.world.stop()
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(said) + "\n")
    for sentence in bad:
        print(f"soak: {sentence}")
    return 1 if bad else 0
