"""rows: each measures one thing over every path, several times in turn, and gives medians.

A row is a function of the bench that returns {figure: {path: value}}; the paths are `raw`, `plain`,
`cut-through` and `frames`. The paths take turns within a run, so that what else the machine does
falls on all of them."""

from .installation import MODES, PORTS
from .meter import Cpu, median


def paths(bench, app):
    """path -> (entry, parts)."""
    found = {"raw": (f"127.0.0.1:{PORTS[app]}", {}), "plain": (bench.plain.entry(app), bench.plain.parts(app))}
    for mode, suffix in MODES.items():
        found[mode] = (bench.world.entry(app + suffix), bench.world.parts)
    return found


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
    return medians(runs)


ROWS = {"bulk": bulk}
