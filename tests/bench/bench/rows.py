"""rows: each measures one thing over every path, several times in turn, and gives medians.

bulk is LOAD-2, loaded LOAD-3: promises.py judges them. A row is a function of the bench that returns {figure: {path: value}}; the paths are `raw`, `plain`,
`tls`, `cut-through` and `frames`. The paths take turns within a run, so that what else the machine does
falls on all of them."""

import concurrent.futures
import os
import pathlib
import socket
import tempfile
import time

from harness import proc

from .installation import MODES, PORTS
from .meter import Cpu, median, pss_kib


def paths(bench, app):
    """path -> (entry, parts)."""
    found = {"raw": (f"127.0.0.1:{PORTS[app]}", {}), "plain": (bench.plain.entry(app), bench.plain.parts(app)),
             "tls": (bench.tls.entry(app), bench.tls.parts(app))}
    for mode, suffix in MODES.items():
        found[mode] = (bench.world.entry(app + suffix), bench.world.parts)
    return {path: there for path, there in found.items() if path in bench.paths}


def medians(runs):
    """Of a list of {figure: {path: value}} the median of each value."""
    return {figure: {path: median([run[figure][path] for run in runs if path in run[figure]]) for path in each}
            for figure, each in runs[0].items()}


def bulk(bench):
    runs = []
    for _ in range(bench.runs):
        got = {}
        for streams in (1, 16):
            for path, (entry, parts) in paths(bench, "bulk").items():
                cpu = Cpu(parts)
                rate, size = bench.load.iperf(entry, streams, bench.seconds)
                got.setdefault(f"bulk, {streams} streams, MB/s", {})[path] = rate / 1e6
                for part, seconds in cpu.used().items():
                    if part != "broker":
                        got.setdefault(f"bulk, {streams} streams, {part} CPU s/GB", {})[path] = seconds / (size / 1e9)
        runs.append(got)
    must_be_in_mode(bench, "bulk")
    return medians(runs)


def turns(bench, measure):
    """medians of bench.runs times measure(), which gives {figure: {path: value}}."""
    return medians([measure() for _ in range(bench.runs)])


def must_be_in_mode(bench, app):
    """The figures are worth nothing when the tunnels were not what the table says they are."""
    for mode, suffix in MODES.items():
        if mode not in bench.paths:
            continue
        answer = bench.world.anna.json("up", app + suffix)
        if answer["cut_through"] != (mode == "cut-through"):
            raise proc.Failed(f"the tunnel of {app + suffix} is not in the mode {mode}: {answer}")


def echo(bench):
    def measure():
        got = {"echo 1 KiB, p50 us": {}, "echo 1 KiB, p99 us": {}}
        for path, (entry, _) in paths(bench, "echo").items():
            said = bench.load.run("load", "rtt", entry, 400 if bench.smoke else 8000, 1024)
            got["echo 1 KiB, p50 us"][path] = said["p50_us"]
            got["echo 1 KiB, p99 us"][path] = said["p99_us"]
        return got
    result = turns(bench, measure)
    must_be_in_mode(bench, "echo")
    return result


def loaded_echo(bench):
    """The same while one stream of bulk carries half of what the path can, at most half of what cut-through can: beside raw as well,
    so that what the path adds is told from what the load does to the machine."""
    entries = {app: {path: entry for path, (entry, _) in paths(bench, app).items()} for app in ("bulk", "echo")}
    can = {path: bench.load.iperf(entry, 1, bench.seconds)[0] for path, entry in entries["bulk"].items()}
    half = {path: min(rate, can.get("cut-through", rate)) / 2 for path, rate in can.items()}

    def measure():
        got = {"echo at half load, p50 us": {}, "echo at half load, p99 us": {}}
        for path, entry in entries["echo"].items():
            with concurrent.futures.ThreadPoolExecutor() as beside:
                bulk = beside.submit(bench.load.iperf, entries["bulk"][path], 1, bench.seconds, False, half[path])
                time.sleep(0.2)
                said = bench.load.run("load", "rtt", entry, 200 if bench.smoke else 2000, 1024)
                bulk.result()
            got["echo at half load, p50 us"][path] = said["p50_us"]
            got["echo at half load, p99 us"][path] = said["p99_us"]
        return got
    return turns(bench, measure)


def further_stream(bench):
    """connect() at the local address to the first echoed byte, the session being open."""
    def measure():
        got = {"further stream, first byte, p50 us": {}, "further stream, first byte, p99 us": {}}
        for path, (entry, _) in paths(bench, "echo").items():
            bench.load.run("load", "connect", entry, 5)
            said = bench.load.run("load", "connect", entry, 40 if bench.smoke else 1000)
            if said["failed"]:
                raise proc.Failed(f"{said['failed']} connections over {path} failed")
            got["further stream, first byte, p50 us"][path] = said["p50_us"]
            got["further stream, first byte, p99 us"][path] = said["p99_us"]
        return got
    return turns(bench, measure)


def new_session(bench):
    """The same where the connection has to open its session first: decision, durable record, grant,
    tunnel over a waiting spare, dial. An administrator ends it in between."""
    counts = 2 if bench.smoke else 10

    def measure():
        got = {}
        for mode, suffix in MODES.items():
            took = []
            for _ in range(counts):
                bench.world.end_sessions("echo" + suffix)
                time.sleep(0.3)  # a spare takes the place of the one that the last session used
                took.append(bench.load.run("load", "connect", bench.world.entry("echo" + suffix), 1)["p50_us"])
            got[mode] = median(took)
        return {"new session, first byte, us": got}
    return turns(bench, measure)


def answered(entries):
    """Each entry is dialled and gives one byte back; sixteen at a time."""
    def one(entry):
        address, port = entry.rsplit(":", 1)
        with socket.create_connection((address, int(port)), 30) as c:
            c.sendall(b"x")
            if c.recv(1) != b"x":
                raise proc.Failed(f"{entry} gave nothing back")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(one, entries))


def sessions(bench):
    """New sessions a second over the whole path, sixteen being opened at a time, each to its first byte."""
    count = 4 if bench.smoke else 48
    world = bench.world
    user = world.console.call("GET", "/users?name=anna")["items"][0]["id"]
    for suffix in MODES.values():
        for i in range(count):
            world.add(f"many-{i}{suffix}", PORTS["echo"], suffix)
    world.anna.json("apps")

    def measure():
        got = {}
        for mode, suffix in MODES.items():
            entries = [world.entry(f"many-{i}{suffix}") for i in range(count)]
            world.console.call("POST", "/sessions/kill", {"by": "user", "id": user, "reason": "benchmark"})
            time.sleep(1)
            began = time.monotonic()
            world.client.run_as(world.anna.uid, answered, entries)
            got[mode] = count / (time.monotonic() - began)
        return {"sessions opened a second, 16 at a time": got}
    return turns(bench, measure)


def stall(bench):
    def measure():
        got = {}
        base, still = (1, 1) if bench.smoke else (2, 3)
        for path, (entry, _) in paths(bench, "stall").items():
            if path == "raw":
                continue
            said = bench.load.run("stall", "down", entry, f"127.0.0.1:{PORTS['stall']}", 8, base, still)
            if said["broken"]:
                raise proc.Failed(f"{said['broken']} streams over {path} broke")
            for figure, key in (("one of 8 stalled: share that the others keep", "kept_late"),
                                ("one of 8 stalled: KiB between its ends", "piled_KiB"),
                                ("one of 8 stalled: MB/s of the others before", "others_base_MBs")):
                got.setdefault(figure, {})[path] = said[key]
        return got
    return turns(bench, measure)


def sockets(pid):
    """How many TCP and other sockets a process holds."""
    count = 0
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += os.readlink(fd).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def idle_tunnels(bench):
    """Memory of the relay for each leg of tunnels that are open and silent; a session has two legs.
    Ten sessions come first: by then as many spares wait at the relay as it lets wait."""
    warm, count = (2, 4) if bench.smoke else (10, 60)
    pid = bench.world.relay.pid
    got = {"idle tunnel leg at the relay, KiB": {}}
    for mode, suffix in MODES.items():
        names = [f"idle-{i}{suffix}" for i in range(warm + count)]
        for name in names:
            bench.world.add(name, PORTS["echo"], suffix)
        bench.world.anna.json("apps")
        open_all(bench, names[:warm])
        memory, legs = pss_kib(pid), sockets(pid)
        open_all(bench, names[warm:])
        legs = sockets(pid) - legs
        if legs < count:  # two a session, less the spares that waited before and went
            raise proc.Failed(f"{count} sessions have {legs} legs at the relay")
        got["idle tunnel leg at the relay, KiB"][mode] = (pss_kib(pid) - memory) / legs
    return got


def open_all(bench, names):
    for name in names:
        bench.load.run("load", "connect", bench.world.entry(name), 1)
    time.sleep(1)


def control_connections(bench):
    """Memory of the broker for each further standing channel (connectors of a site of their own)."""
    count = 2 if bench.smoke else 30
    world = bench.world
    site = world.console.call("POST", "/sites", {"name": "idle"})["id"]
    warm = world.enrol_connector(world.console, site, "idle-warm")
    memory = pss_kib(world.broker.pid)
    for i in range(count):
        world.enrol_connector(world.console, site, f"idle-{i}")
    time.sleep(2)
    grown = pss_kib(world.broker.pid) - memory
    for program in world.connectors[world.connectors.index(warm):]:
        program.stop()
    return {"control connection at the broker, KiB": {"broker": grown / count}}


def grants(bench):
    """session_open() as the broker's workers call it, on the file system of the build folder: the
    installation of the other rows lies on a tmpfs, where a sync costs nothing."""
    def measure():
        got = {}
        for threads in (1, 64):
            with tempfile.TemporaryDirectory(dir=bench.build, prefix="bench-store-") as folder:
                said = bench.load.run("grants", folder, threads, 1 if bench.smoke else 4, user=None)
            if said["failed"]:
                raise proc.Failed(f"{said['failed']} sessions were not granted")
            for figure, key in ((f"grants a second, {threads} waiting", "grants_per_s"),
                                (f"grants a CPU second, {threads} waiting", "grants_per_cpu_s")):
                got[figure] = {"broker": said[key]}
        got["decisions a CPU second (forty policies)"] = {"broker": 1e6 / said["decide_us"]}
        return got
    return turns(bench, measure)


ROWS = {"bulk": bulk, "echo": echo, "loaded": loaded_echo, "further": further_stream, "new": new_session, "sessions": sessions, "stall": stall, "idle": idle_tunnels,
        "control": control_connections, "grants": grants}
