"""session: one run of tests/bench/gateway: the contenders, the rows in turn, the medians, the table."""

import json
import pathlib
import shutil
import subprocess
import sys
import time

from bench import session as machines
from harness import apps, proc

from . import rows, shop, sides, table
from .load import Load


class Bench:
    """What the rows work with."""

    def __init__(self, asked, build):
        self.smoke = asked.smoke
        self.runs = 1 if asked.smoke else asked.runs
        self.seconds = 1 if asked.smoke else asked.seconds
        self.rate = asked.rate
        self.world = sides.Shop(build)
        shutil.copy(build / "tests" / "bench" / "parts", self.world.bin / "parts")
        node, logs = self.world.client, self.world.logs
        self.origin, self.plain, self.modsec = (make(node, logs) for make in (sides.origin, sides.plain, sides.modsecurity))
        with open(self.origin.folder / "big", "wb") as f:
            f.write(bytes(sides.BIG))
        shutil.copy(self.origin.folder / "big", self.origin.folder / "events")
        (self.origin.folder / "up").mkdir()
        self.world.furnish()
        self.load = Load(self.world)
        for port in (sides.ORIGIN, sides.NGINX, sides.MODSEC):
            proc.until(f"port {port} answers", 20, apps.answers, node, "127.0.0.1", port)
        for name in self.world.APPS:  # the first request of each: its tunnel stands, its files are read
            proc.until(f"{name} answers", 10, self.load.bulk, self.world.entry(name), shop.GET)

    def contenders(self):
        """(name, the process whose time counts, where to ask)."""
        yield "nginx", self.plain.pid, f"127.0.0.1:{sides.NGINX}"
        yield "modsec", self.modsec.pid, f"127.0.0.1:{sides.MODSEC}"
        for name in ("tcp", "full") if self.smoke else self.world.APPS:
            yield name, self.world.connector, self.world.entry(name)

    def stop(self):
        for nginx in (self.origin, self.plain, self.modsec):
            nginx.stop()
        self.world.stop()


def machine():
    version = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True).stderr.strip().rpartition(": ")[2]
    return {**machines.machine(), "nginx": version}


def run(asked, build):
    bench = Bench(asked, build)
    figures = {}
    try:
        for name in asked.rows.split(",") if asked.rows else rows.ROWS:
            began = time.monotonic()
            figures[name] = rows.ROWS[name](bench)
            print(f"bench: {name} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    except proc.Failed:
        for program in bench.world.programs():
            print(f"== {program.name}\n{program.tail(15)}", file=sys.stderr)
        raise
    finally:
        bench.stop()
    result = {"machine": machine(), "runs": bench.runs, "smoke": bench.smoke, "figures": figures}
    if asked.json == "-":
        print(json.dumps(result, indent=1))
        return 0
    if asked.json:
        pathlib.Path(asked.json).write_text(json.dumps(result, indent=1) + "\n")
    print(table.text(result))
    return 0
