"""The header is the manual: each header says in its first lines what it is, and has a guard."""

import re
import sys

import sources

bad = []
for file in sources.files(".h"):
    text = file.read_text()
    head = "\n".join(text.splitlines()[:12])
    if "/*" not in head:
        bad.append(f"{file}: does not say what it is in its first lines")
    guard = re.search(r"^#ifndef (SP_\w+_H)\n#define (\S+)\n", text, re.M)
    if not guard or guard[1] != guard[2]:
        bad.append(f"{file}: no include guard SP_..._H")
print("\n".join(bad))
sys.exit(bool(bad))
