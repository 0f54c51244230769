"""format.py [STAMP]: C files are as clang-format leaves them. With a stamp file, only files that
changed since the last green run are read again."""

import os
import pathlib
import shutil
import subprocess
import sys

import sources

if not shutil.which("clang-format"):
    print("clang-format is missing: run scripts/packages test")
    sys.exit(1)
stamp = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
since = stamp.stat().st_mtime if stamp and stamp.exists() else 0
if os.stat(".clang-format").st_mtime > since:
    since = 0
files = [f for f in sources.files(".c", ".h", roots=(*sources.PRODUCT, "tests")) if f.stat().st_mtime >= since]
bad = False
for at in range(0, len(files), 50):
    run = subprocess.run(["clang-format", "-n", "-Werror", *map(str, files[at:at + 50])],
                         capture_output=True, text=True)
    names = {line.split(":")[0] for line in run.stderr.splitlines() if "error:" in line}
    bad |= run.returncode != 0
    print("".join(f"{name}: not formatted; run clang-format -i {name}\n" for name in sorted(names)), end="")
if not bad and stamp:
    stamp.touch()
sys.exit(bad)
