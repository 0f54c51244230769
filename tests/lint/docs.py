"""docs.py BUILD: what is written about commands is what the programs say of themselves.

- docs/exit-codes.md has exactly the codes and meanings of `help exit-codes`, in every program.
- A command lists only codes of that table; help, man page and completion know every command.
- Man pages format without a warning (where groff is), completion for bash is valid bash.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

build = pathlib.Path(sys.argv[1])
PROGRAMS = {"client/sallyport": 1, "client/admin/sallyport-admin": 1, "broker/sallyport-broker": 8,
            "relay/sallyport-relay": 8, "connector/sallyport-connector": 8}
bad = []


def say(program, *words):
    return subprocess.run([build / program, *words], check=True, capture_output=True, text=True).stdout


page = pathlib.Path("docs/exit-codes.md").read_text()
written = re.findall(r"^\| (\d+) \| ([^|]+?) \|", page, re.M)
for program, section in PROGRAMS.items():
    name = pathlib.Path(program).name
    codes = re.findall(r"^(\d+)\s+(.+)$", say(program, "help", "exit-codes"), re.M)
    if codes != written:
        bad.append(f"docs/exit-codes.md and {name} help exit-codes differ: {set(codes) ^ set(written)}")
    known = {code for code, _ in codes}
    roff = build / f"docs/man/{name}.{section}"
    text = roff.read_text()
    completion = build / f"docs/man/bash/{name}.bash"
    for command in json.loads(say(program, "help", "--json"))["commands"]:
        if set(command["exits"].split()) - known:
            bad.append(f"{name} {command['name']}: exits {command['exits']} are not all in the table")
        if f'"{name} {command["name"]}'.replace("-", "\\-") not in text:
            bad.append(f"{roff.name} lacks {command['name']}")
        for word in command["name"].split():
            if not re.search(rf"[\" ]{re.escape(word)}[ \")]", completion.read_text()):
                bad.append(f"completion of {name} lacks {word}")
        if command["summary"][:1].isupper() or command["summary"].endswith("."):
            bad.append(f"{name} {command['name']}: a summary begins small and has no full stop")
    if f'" {section} "' not in text.splitlines()[0]:
        bad.append(f"{roff.name}: its title names another section")
    if shutil.which("groff"):
        warned = subprocess.run(["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", roff], capture_output=True, text=True).stderr
        if warned:
            bad.append(f"{roff.name}: {warned.splitlines()[0]}")
    syntax = subprocess.run(["bash", "-n", completion], capture_output=True, text=True).stderr
    if syntax:
        bad.append(f"{completion}: {syntax}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
