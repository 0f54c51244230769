"""meter: processor time and memory of running programs, from /proc."""

import os
import pathlib
import statistics

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of the process and its threads so far. Resolution: sum_exec_runtime in
    nanoseconds where the kernel shows it (schedstat counts a thread), else clock ticks."""
    total = 0
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9
    except (FileNotFoundError, IndexError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


def pss_kib(pid):
    """Memory that is this process's own or its share of (KiB)."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError(f"no Pss of {pid}")


def own_kib(pid):
    """Memory that this process alone made dirty: heap, stacks, its own copies of pages (KiB). The pages of programs and libraries are
    left out: their share falls and rises with how many other processes map them at the moment."""
    lines = (line.split() for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(line[1]) for line in lines if line[0] in ("Pss_Anon:", "Pss_Shmem:"))


class Cpu:
    """Processor time of named programs between two moments."""

    def __init__(self, parts):
        self.parts = parts
        self.before = {name: cpu_seconds(pid) for name, pid in parts.items()}

    def used(self):
        return {name: cpu_seconds(pid) - self.before[name] for name, pid in self.parts.items()}


def median(values):
    return statistics.median(values)
