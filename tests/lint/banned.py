"""HRD-4: no file of ours calls a function that cannot be used safely, or that we have better."""

import re
import sys

import sources

WHY = {
    "strcpy strcat strncpy strncat stpcpy stpncpy sprintf vsprintf gets": "unbounded or unterminated; use lib/base/buf.h",
    "strtok scanf fscanf sscanf vsscanf": "use lib/base/view.h",
    "atoi atol atoll atof strtol strtoll strtoul strtoull strtoimax strtoumax": "accepts junk; use lib/base/num.h",
    "alloca": "stack by attacker's length",
    "system popen": "a shell; use lib/os/child.h",
    "rand srand random drand48": "not random; use lib/crypto",
    "gmtime localtime ctime asctime": "static buffer; use lib/base/clock.h",
}
why = {name: text for names, text in WHY.items() for name in names.split()}
call = re.compile(r"(?<![\w.>])(" + "|".join(why) + r")\s*\(")

bad = []
for file in sources.files(".c", ".h"):
    for n, line in enumerate(sources.bare(file.read_text()).splitlines(), 1):
        bad += [f"{file}:{n}: {m[1]}: {why[m[1]]}" for m in call.finditer(line)]
print("\n".join(bad))
sys.exit(bool(bad))
