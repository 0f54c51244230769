"""session: one run of the benchmark: the machines, the rows in turn, the medians, the table."""

import json
import os
import pathlib
import shutil
import sys

from harness import cage, proc

from . import promises, rows, table
from .chain import Chain, TlsChain
from .installation import PORTS, Installation
from .load import Load

TOOLS = ("forward", "echod", "load", "stall", "grants")


class Bench:
    """What the rows work with."""

    def __init__(self, asked, build):
        self.build, self.smoke = build, asked.smoke
        self.runs = 1 if asked.smoke else asked.runs
        self.seconds = 1 if asked.smoke else asked.seconds
        self.paths = set(asked.paths.split(",")) if asked.paths else set(table.PATHS)
        if not self.paths <= set(table.PATHS):
            raise SystemExit(f"run: the paths are {', '.join(table.PATHS)}")
        self.world = Installation(build)
        for tool in TOOLS:
            shutil.copy(build / "tests" / "bench" / tool, self.world.bin / tool)
        node, logs = self.world.client, self.world.logs
        self.servers = [proc.Program(node, ["iperf3", "-s", "-B", "127.0.0.1", "-p", PORTS["bulk"]], logs / "iperf3.log"),
                        proc.Program(node, [self.world.bin / "echod", f"127.0.0.1:{PORTS['echo']}"], logs / "echod.log")]
        self.plain = Chain(node, self.world.bin / "forward", logs)
        self.tls = TlsChain(node, self.world.ca.parent, self.world.name, logs)
        self.world.furnish()
        self.load = Load(node, self.world.bin, "anna", self.world.anna.env)

    def stop(self):
        self.plain.stop()
        self.tls.stop()
        for server in self.servers:
            server.stop()
        self.world.stop()

    def logs(self):
        return "".join(f"== {p.name}\n{p.tail(15)}\n" for p in self.world.programs())


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release}


def run(asked, build):
    bench = Bench(asked, build)
    wanted = asked.rows.split(",") if asked.rows else list(rows.ROWS)
    figures = {}
    try:
        for name in wanted:
            print(f"bench: {name}", file=sys.stderr, flush=True)
            figures[name] = rows.ROWS[name](bench)
    except proc.Failed:
        print(bench.logs(), file=sys.stderr)
        raise
    finally:
        bench.stop()
    result = {"machine": machine(), "runs": bench.runs, "smoke": bench.smoke, "figures": figures}
    bad = promises.broken(figures, not bench.smoke)
    for sentence in bad:
        print(f"bench: {sentence}", file=sys.stderr)
    if asked.json == "-":
        print(json.dumps(result, indent=1))
        return 1 if bad else 0
    if asked.json:  # written by the harness: the folder is the caller's, outside of the cage's tmpfs
        pathlib.Path(asked.json).write_text(json.dumps(result, indent=1) + "\n")
    print(table.text(result))
    return 1 if bad else 0
