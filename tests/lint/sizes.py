"""STYLE numbers: a .c file has at most 600 lines, a function at most 100 lines and 6 parameters.

Prints the medians and functions with many parameters for people; fails above the limits of lines. A function is what stands between
a '{' and a '}' in the first column (.clang-format puts them there)."""

import re
import statistics
import sys

import sources

FILE_LINES, FUNCTION_LINES, PARAMETERS = 600, 100, 6

bad, file_lines, function_lines = [], [], []
for file in sources.files(".c"):
    text = file.read_text()
    lines = sources.bare(text).splitlines()
    file_lines.append(len(lines))
    if len(lines) > FILE_LINES:
        bad.append(f"{file}: {len(lines)} lines, more than {FILE_LINES}: it holds two ideas")
    start = None
    for n, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = n
        elif line.rstrip() == "}" and start:
            function_lines.append(n - start - 1)
            if function_lines[-1] > FUNCTION_LINES:
                bad.append(f"{file}:{start}: a function of {function_lines[-1]} lines, more than {FUNCTION_LINES}")
            start = None
    for head in re.finditer(r"^[a-z][\w\s*]*?\b(\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)\n\{", "\n".join(lines), re.M):
        count = len(re.sub(r"\([^()]*\)", "", head[2]).split(","))
        if count > PARAMETERS:
            print(f"{file}: {head[1]} has {count} parameters, more than {PARAMETERS}")

if file_lines and function_lines:
    tenths = statistics.quantiles(function_lines, n=10) if len(function_lines) > 1 else function_lines * 9
    print(f"{len(file_lines)} files, median {statistics.median(file_lines):.0f} lines; "
          f"{len(function_lines)} functions, median {statistics.median(function_lines):.0f}, nine of ten <= {tenths[8]:.0f}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
