"""tidy.py [--analyzer] [CACHE]: clang-tidy over the product; every finding that tidy.txt does not excuse is red, and so is
an excuse that nothing needs any more.

A file is read again when it, a header of ours that it includes, or the list of checks changed since it was read; CACHE is
the folder that remembers. Cold it takes two minutes of CPU, warm three seconds. --analyzer takes the path-sensitive checks (clang-analyzer-*)
instead of the others: half an hour cold, so they stand in tests/long. Wants the build folder beside CACHE, or build-release,
for what is generated."""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import sources

ANALYZER = "--analyzer" in sys.argv
folder = [a for a in sys.argv[1:] if not a.startswith("-")]
CACHE = pathlib.Path(folder[0] if folder else "build-release/.tidy")
GROUPS = ("clang-analyzer-",) if ANALYZER else ("bugprone-", "cert-")
FINDING = re.compile(r"^(?:%s/)?([^:\s]+):(\d+):\d+: (?:warning|error): (.*) \[([\w.,-]+)\]$" % re.escape(os.getcwd()), re.M)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)

if not shutil.which("clang-tidy"):
    sys.exit("clang-tidy is missing: run scripts/packages test")

everywhere, here = {}, {}  # check: reason; (file, check): reason
for line in pathlib.Path("tests/lint/tidy.txt").read_text().splitlines():
    if line and not line.startswith("#"):
        what, _, why = line.partition(" # ")
        assert why, f"tests/lint/tidy.txt: without a reason: {line}"
        file, _, check = what.rpartition(" ")
        if check.startswith(GROUPS):
            (here if file else everywhere)[(file, check) if file else check] = why

prefix = subprocess.run(["scripts/deps", "--prefix"], capture_output=True, text=True, check=True).stdout.strip()
version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
checks = ",".join(["-*", *(g + "*" for g in GROUPS), *("-" + c for c in everywhere)])
flags = ["-std=c17", "-D_GNU_SOURCE", '-DSP_VERSION="0"', "-w", "-I.", f"-I{CACHE.parent}", "-isystem", f"{prefix}/include"]
texts = {}


def text_of(path):
    if path not in texts:
        file = pathlib.Path(path)
        texts[path] = file.read_bytes() if file.is_file() else b""
    return texts[path]


def key_of(path):
    """Of the file, every header of ours behind it, and how it is read."""
    seen, waiting = {path}, [path]
    digest = hashlib.sha256(repr((version, checks, flags)).encode())
    while waiting:
        text = text_of(waiting.pop())
        digest.update(text)
        for name in sorted(set(INCLUDE.findall(text.decode(errors="replace"))) - seen):
            seen.add(name)
            waiting.append(name)
    return digest.hexdigest()


def read(path):
    """Its findings, one a line; from the cache where it was read before."""
    kept = CACHE / key_of(path)
    if kept.exists():
        return kept.read_text()
    done = subprocess.run(["clang-tidy", "--quiet", f"-checks={checks}", path, "--", *flags], capture_output=True, text=True)
    found = "".join(f"{f} {line} {check} {words}\n" for f, line, words, check in FINDING.findall(done.stdout))
    if done.returncode and not found:
        return f"{path} 0 failed {done.stderr.strip()[-200:]}\n"
    kept.write_text(found)
    return found


CACHE.mkdir(parents=True, exist_ok=True)
files = [str(f) for f in sources.files(".c")]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = sorted({line for out in pool.map(read, files) for line in out.splitlines()})

needed, bad = set(), 0
for line in found:
    file, number, names, words = line.split(" ", 3)
    excuse = next((c for c in names.split(",") if (file, c) in here), None)
    if excuse:
        needed.add((file, excuse))
        continue
    bad = 1
    print(f"{file}:{number}: {words} [{names}]")
for file, check in sorted(set(here) - needed):
    print(f"tests/lint/tidy.txt: nothing is found any more: {file} {check}")
    bad |= "version 14." in version  # another version sees other things
sys.exit(bad)
