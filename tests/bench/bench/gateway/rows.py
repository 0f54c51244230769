"""rows: each goal of the gateway as a function of the bench: {figure: {contender: value}}, and what is held to a goal.

The contenders take turns within a run, so that what else the machine does falls on all of them. Every
figure is the median of the runs; a goal is a ratio of medians of the same run of the program."""

import json
import socket
import time

from bench.meter import cpu_seconds, median, pss_kib
from bench.rows import turns
from harness import proc

from . import shop
from .load import percentile
from .sides import BIG

US = 1e6


def half(bench):
    """Half of the requests a second that the app with everything on can answer, or what was asked for."""
    if bench.rate:
        return bench.rate
    said = bench.load.fastest(bench.world.entry("full"), "GET", max(1, bench.seconds - 1))
    return said["requests"] / said["us"] * US / 2


def requests(bench):
    """CPU a request. The gateway's own share is what its app costs beyond the tcp app, which is a difference of two
    figures and so wants the same load for both: all answer the same number a second. ModSecurity can't: it
    answers as many as it can, which is the least that one of its requests costs."""
    rate = half(bench)

    def cost(name, pid, entry, method):
        before = cpu_seconds(pid)
        if name == "modsec":
            count = bench.load.fastest(entry, method, bench.seconds)["requests"]
        else:
            seen = bench.load.paced(entry, rate, bench.seconds, method)
            count = len(seen)
            if {status for status, _ in seen} != {200} or count < 0.9 * rate * bench.seconds:
                raise proc.Failed(f"{name}: {count} of {rate * bench.seconds:.0f} requests answered")
        return (cpu_seconds(pid) - before) / count * US

    def measure():
        got = {}
        for method in ("POST",) if bench.smoke else ("GET", "POST"):
            took = {name: cost(name, pid, entry, method) for name, pid, entry in bench.contenders()}
            got[f"{method}: CPU us a request, process"] = took
            got[f"{method}: own share, us"] = {**{n: took[n] for n in ("nginx", "modsec")},
                                               **{n: took[n] - took["tcp"] for n in ("gateway", "full", "assertion") if n in took}}
        return got
    return {"requests a second that all but ModSecurity answer": {n: rate for n, _, _ in bench.contenders() if n != "modsec"}, **turns(bench, measure)}


def fastest(bench):
    """Requests a second of 16 connections that wait for nothing; agent, relay, load and application share the machine."""
    def measure():
        return {f"{method}: requests a second at most": {
            name: said["requests"] / said["us"] * US for name, _, entry in bench.contenders()
            for said in [bench.load.fastest(entry, method, bench.seconds)]} for method in (("GET",) if bench.smoke else ("GET", "POST"))}
    return turns(bench, measure)


def latency(bench):
    """At half of what the gateway can do, the same rate for all."""
    rate = half(bench)

    def measure():
        got = {"latency at 50 % load, p50 us": {}, "latency at 50 % load, p99 us": {}}
        for name in ("tcp", "gateway", "full"):
            took = [us for status, us in bench.load.paced(bench.world.entry(name), rate, bench.seconds, connections=8) if status == 200]
            got["latency at 50 % load, p50 us"][name] = percentile(took, 0.5)
            got["latency at 50 % load, p99 us"][name] = percentile(took, 0.99)
        return got
    return turns(bench, measure)


def overload(bench):
    """One and a half times what may pass is offered: what passes, and how soon the rest knows."""
    seconds = max(bench.seconds, 2)
    most = bench.load.fastest(bench.world.entry("gateway"), "GET", 1, 8)
    limit = int(most["requests"] / most["us"] * US / 3)
    bench.world.limited(limit)

    def measure():
        seen = bench.load.paced(bench.world.entry("limited"), limit * 1.5, seconds)
        passed, refused = ([us for status, us in seen if status == wanted] for wanted in (200, 429))
        if not refused:
            raise proc.Failed("nothing was refused at one and a half times the limit")
        return {"overload 150 %: share of the limit that passes": {"gateway": len(passed) / seconds / limit},
                "overload 150 %: a refusal, p50 us": {"gateway": percentile(refused, 0.5)},
                "overload 150 %: a refusal, p99 us": {"gateway": percentile(refused, 0.99)}}
    return turns(bench, measure)


def bodies(bench):
    """Large answers, an event stream and a large request, beside the same as a tcp app and through nginx. nginx is as
    Debian has it: it keeps a request on its disk before it passes it on."""
    upload = bench.load.folder / "up"
    with open(upload, "wb") as f:
        f.truncate(BIG)
    upload.chmod(0o644)
    kinds = {"large answer": ("/big", None), "event stream": ("/events", None), "large request": ("/up/it", upload)}

    who = [c for c in bench.contenders() if c[0] in ("nginx", "tcp", "gateway", "full")]

    def one(pid, entry, path, body):
        before = cpu_seconds(pid)
        return bench.load.bulk(entry, path, body) / 1e6, (cpu_seconds(pid) - before) / (BIG >> 20) * US

    def measure():
        got = {}
        for what, (path, body) in kinds.items():
            took = {name: [one(pid, entry, path, body) for _ in range(1 if bench.smoke else 3)] for name, pid, entry in who}
            for at, unit in enumerate(("MB/s", "CPU us a MiB, process")):
                got[f"{what}, {unit}"] = {name: median([x[at] for x in each]) for name, each in took.items()}
        return got
    return turns(bench, measure)


def opened(address, port, count, path, read):
    """That many connections with one request each; with `read` its answer is taken, else it waits in the way."""
    open_ones = []
    for _ in range(count):
        c = socket.create_connection((address, port), 20)
        if not read:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode())
        text = c.recv(65536)
        while read and not text.endswith(b"}"):
            text += c.recv(65536)
        if not text.startswith(b"HTTP/1.1 200 "):
            raise proc.Failed(f"{path} over {address}:{port}: {text[:200]!r}")
        open_ones.append(c)
    return open_ones


def memory(bench):
    """Of the connector for each open connection: idle after one request, and with an answer that nobody takes."""
    idle, busy, settle = 20 if bench.smoke else 200, 12, 0.1 if bench.smoke else 0.5  # some thirty readers that take nothing use up their session's window
    pid = bench.world.connector

    def each(name, path, read, count):
        address, port = bench.world.anna.address_of(name)
        one = bench.world.client.run_as(bench.world.anna.uid, opened, address, port, 4, path, read)
        time.sleep(settle)
        before = pss_kib(pid)
        many = bench.world.client.run_as(bench.world.anna.uid, opened, address, port, count, path, read)
        time.sleep(2 * settle)
        used = (pss_kib(pid) - before) / count
        for c in one + many:
            c.close()
        time.sleep(settle)
        return used

    def measure():
        return {"idle connection, KiB": {n: each(n, shop.GET, True, idle) for n in ("tcp", "gateway", "full")},
                "request in flight, KiB": {n: each(n, "/big", False, busy) for n in ("tcp", "gateway", "full")}}
    return turns(bench, measure)


def parts(bench):
    """Single parts of the gateway in one program (tests/bench/tools/parts.c)."""
    folder = bench.load.folder
    files = {"document": json.dumps(shop.DOCUMENT), "request": shop.head("127.0.0.1"), "answer": shop.answer()}
    for name, text in files.items():
        (folder / name).write_text(text)

    def measure():
        done = proc.command(bench.world.client, [bench.world.bin / "parts", folder / "document", "account", folder / "request", folder / "answer",
                                                 5 if bench.smoke else 100])
        if done.code:
            raise proc.Failed(repr(done))
        return {f"{name}, ns": {"gateway": ns} for name, ns in json.loads(done.out).items()}
    return turns(bench, measure)


ROWS = {"requests": requests, "fastest": fastest, "latency": latency, "bodies": bodies, "memory": memory, "overload": overload, "parts": parts}
