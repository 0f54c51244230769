"""limits.py: docs/limits.md has every limit of a header, with its value and a test that exists.

A limit is a constant of an enum, or a #define of a number, in a header whose name ends in _MAX, _LIMIT, _A_SOURCE or _A_MINUTE, or holds
_MAX_. It is a row of the page, or its name stands in the list at the page's end: a size that no peer and no
person runs into. Rows may name other constants of headers too (times, mostly); their values are compared as well.
"""

import pathlib
import re
import sys

ROOMS = ("lib", "broker", "relay", "connector", "client")
UNITS = {"": 1, "bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
         "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "days": 86_400_000}
LIMIT = re.compile(r"_(MAX|LIMIT|A_SOURCE|A_MINUTE)$|_MAX_")
DEFINE = re.compile(r"^#define ([A-Z][A-Z0-9_]+)[ \t]+\(?((?:U?INT\d+_C\()?\d.*?)\)?[ \t]*$", re.M)  # beyond an int, an enum is none of C17
ITEM = re.compile(r"\s*([A-Z][A-Z0-9_]+)\s*=\s*(.+?)\s*$", re.S)

text_of = {}  # name: {text of its value: header}
for room in ROOMS:
    for header in sorted(pathlib.Path(room).rglob("*.h")):
        source = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for body in re.findall(r"\benum\b[^{;()]*\{([^}]*)\}", source):
            for item in body.split(","):
                if found := ITEM.match(item):
                    text_of.setdefault(found[1], {})[found[2]] = header
        for name, text in DEFINE.findall(source):
            text_of.setdefault(name, {})[text] = header


def values(name):
    """All values of a name; a part that is no number (sizeof) makes it none."""
    out = set()
    for text in text_of.get(name, {}):
        whole = re.sub(r"U?INT\d+_C\((\d+)\)", r"\1", text)
        whole = re.sub(r"\b[A-Z][A-Z0-9_]+\b", lambda part: str(next(iter(values(part[0])), "none")), whole)
        if re.fullmatch(r"[\d\s+*/()<>-]+", whole):
            out.add(eval(whole.replace("/", "//")))
    return out


page = pathlib.Path("docs/limits.md").read_text()
rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (\d+) ?([A-Za-z]*) \| ([^|]+) \| (?:`(\w+)`|—) \|$", page, re.M)
own = set(re.findall(r"`([A-Z0-9_]+)`", page.partition("\n## Sizes of the code's own\n")[2]))
known_tests = set()
for pattern in ("*.c", "test_*.py"):
    for file in pathlib.Path("tests").rglob(pattern):
        known_tests |= {file.stem, *re.findall(r"\b(?:void|def) (\w+)\(", file.read_text(errors="ignore"))}
bad = []

lines = len(re.findall(r"^\| `", page, re.M))
if lines != len(rows):
    bad.append(f"docs/limits.md: {lines - len(rows)} of {lines} rows are not `NAME` | number unit | words | `test` or —")
for name, number, unit, _, test in rows:
    if name not in text_of:
        bad.append(f"docs/limits.md: {name} is no constant of a header")
    elif int(number) * UNITS.get(unit, 0) not in values(name):
        bad.append(f"docs/limits.md: {name} is {' or '.join(map(str, values(name)))}, not {number} {unit}")
    if test and test not in known_tests:
        bad.append(f"docs/limits.md: {name}: no test is called {test}")
named = {row[0] for row in rows}
for name, where in text_of.items():
    if LIMIT.search(name) and name not in named | own:
        bad.append(f"{next(iter(where.values()))}: {name} is not in docs/limits.md")
bad += [f"docs/limits.md: {name} has a row and is among the code's own" for name in sorted(named & own)]
bad += [f"docs/limits.md: {name}, among the code's own, is no constant of a header" for name in sorted(own - set(text_of))]
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
