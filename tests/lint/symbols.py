"""symbols.py BUILD: what the compiler really made of our rules, read with nm and ldd.

- HRD-4: no object of ours refers to a banned function (macros and inlines cannot hide one).
- Who does not decide cannot: relay, connector and agent hold no store_, policy_ or minting code.
- Failpoints: a build without them holds none of their names; one with them holds each, so the search finds what there is.
- One TLS library: no program is linked to libssl, libcrypto or another one.
- HRD-1: programs are position independent, with read-only relocations and a stack that is no code.
"""

import pathlib
import re
import subprocess
import sys

import sources

BANNED = set("strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof "
             "alloca system popen rand srand random".split())
PROGRAMS = {  # program : what it must not hold
    "sallyport-broker": r"^relay_run$",
    "sallyport-relay": r"^(store_|policy_|grant_mint|mint_)",
    "sallyport-connector": r"^(store_|policy_|grant_mint|mint_)",
    "sallyport": r"^(store_|policy_|grant_mint|mint_)",
    "sallyport-admin": r"^(store_|policy_|grant_mint|mint_)",
}
OTHER_TLS = re.compile(r"lib(ssl|crypto|gnutls|nss3|mbedtls|wolfssl)\b")


def out(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def holds(text, string):
    """Does a program hold this string as a whole? find() is a hundred times as fast as a pattern with a look behind."""
    at = text.find(string)
    while at > 0 and re.match(rb"[\w.:]", text[at - 1:at]):
        at = text.find(string, at + 1)
    return at >= 0


build = pathlib.Path(sys.argv[1])
bad = []
objects = [o for o in sources.files(".o", roots=[build / r for r in sources.PRODUCT])]
if objects:
    for line in out("nm", "-A", "-u", *map(str, objects)).splitlines():
        file, _, rest = line.rpartition(":")
        name = re.sub(r"^__(.*)_chk$", r"\1", rest.split()[-1].split("@")[0])
        if name in BANNED:
            bad.append(f"{pathlib.Path(file).relative_to(build)}: calls {name}")
points = {m for f in sources.files(".c") for m in re.findall(r'FAILPOINT(?:_ERRNO|_SHORT)?\("([^"]+)"', f.read_text())}
debug = "-DSP_FAILPOINTS" in (build / "Makefile").read_text() if (build / "Makefile").exists() else False
held_points = set()
programs = [p for p in build.rglob("sallyport*") if p.name in PROGRAMS and p.is_file()]
for program in programs:
    held = re.compile(PROGRAMS[program.name])
    for line in out("nm", "--defined-only", str(program)).splitlines():
        if held.match(line.split()[-1]):
            bad.append(f"{program.name}: holds {line.split()[-1]}")
    for line in out("ldd", str(program)).splitlines():
        if OTHER_TLS.search(line.split()[0]):
            bad.append(f"{program.name}: linked to {line.strip()}")
    text = program.read_bytes()
    here = {n for n in points if holds(text, n.encode() + b"\0")}
    held_points |= here
    if here and not debug:
        bad.append(f"{program.name}: holds the failpoints {' '.join(sorted(here))}")
    headers = out("readelf", "-W", "-h", "-l", "-d", str(program))
    for want, meaning in ((r"Type:\s+DYN", "not position independent"), ("GNU_RELRO", "relocations stay writable"),
                          (r"BIND_NOW|FLAGS.*NOW", "symbols are bound late"), (r"GNU_STACK.* RW ", "the stack can be executed")):
        if not re.search(want, headers):
            bad.append(f"{program.name}: {meaning}")
if debug and programs and held_points != points:
    bad.append(f"no program holds the failpoints {' '.join(sorted(points - held_points))}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
