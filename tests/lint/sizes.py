"""STYLE numbers: a .c file has at most 600 lines, a function at most 100 lines and 6 parameters; the same lines for tests.

Prints the medians for people. sizes.txt names what is over a number, and by how much: what stands there may only shrink. A
function is what stands between a '{' and a '}' in the first column (.clang-format puts them there)."""

import pathlib
import re
import statistics
import sys

import sources

FILE_LINES, FUNCTION_LINES, PARAMETERS = 600, 100, 6
HEAD = re.compile(r"^[a-z][\w\s*]*?\b(\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)\n\{", re.M)

over = {}  # (file, function or "", what): number
file_lines, function_lines = [], []
for file in sources.files(".c", roots=(*sources.PRODUCT, "tests")):
    lines = sources.bare(file.read_text()).splitlines()
    product = file.parts[0] != "tests"
    if product:
        file_lines.append(len(lines))
    if len(lines) > FILE_LINES:
        over[str(file), "", "lines"] = len(lines)
    start = None
    for n, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = n
        elif line.rstrip() == "}" and start:
            size = n - start - 1
            if product:
                function_lines.append(size)
            if size > FUNCTION_LINES:
                name = re.search(r"\b(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)$", "\n".join(lines[max(0, start - 6):start - 1]).rstrip())
                over[str(file), name[1] if name else f"line {start}", "lines"] = size
            start = None
    for head in HEAD.finditer("\n".join(lines)) if product else ():
        count = len(re.sub(r"\([^()]*\)", "", head[2]).split(","))
        if count > PARAMETERS:
            over[str(file), head[1], "parameters"] = count

allowed = {}
for line in pathlib.Path("tests/lint/sizes.txt").read_text().splitlines():
    if line and not line.startswith("#"):
        file, *function, number, what = line.partition(" #")[0].split()
        allowed[file, "".join(function), what] = int(number)

bad = []
for key, number in sorted(over.items()):
    file, function, what = key
    limit = PARAMETERS if what == "parameters" else FUNCTION_LINES if function else FILE_LINES
    if number > allowed.get(key, limit):
        bad.append(f"{file}: {function or 'the file'} has {number} {what}, more than {allowed.get(key, limit)}")
for key, number in sorted(allowed.items()):
    if over.get(key, 0) < number:
        bad.append(f"tests/lint/sizes.txt: {' '.join(filter(None, key[:2]))} has {over.get(key, 'no longer too many')} {key[2]}, not {number}")

tenths = statistics.quantiles(function_lines, n=10)
print(f"{len(file_lines)} files, median {statistics.median(file_lines):.0f} lines; "
      f"{len(function_lines)} functions, median {statistics.median(function_lines):.0f}, nine of ten <= {tenths[8]:.0f}; "
      f"{len(over)} over a number (sizes.txt)")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
