"""docs.py BUILD: what is written about commands is what the programs say of themselves.

- docs/exit-codes.md has exactly the codes and meanings of `help exit-codes`, in every program.
- A command lists only codes of that table; help, man page and completion know every command.
- docs/schemas/commands.json names, for every command of every program, the forms of its --json: a file of docs/schemas
  ("status"), an answer of the broker's contract ("api userList"), or null where what is printed is not the command's own
  (ssh, the records of an export, a daemon's log).
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


FORMS = json.loads(pathlib.Path("docs/schemas/commands.json").read_text())
OPERATIONS = set(re.findall(r"^ +operationId: (\w+)$", pathlib.Path("broker/api/openapi.yaml").read_text(), re.M))
files = {p.name.removeprefix("sallyport.").removesuffix(".v1.json") for p in pathlib.Path("docs/schemas").glob("sallyport.*.v1.json")}
named = {"error", "help", "version"}
page = pathlib.Path("docs/exit-codes.md").read_text()
written = re.findall(r"^\| (\d+) \| ([^|]+?) \|", page, re.M)
for program, section in PROGRAMS.items():
    name = pathlib.Path(program).name
    codes = re.findall(r"^(\d+)\s+(.+)$", say(program, "help", "exit-codes"), re.M)
    if codes != written:
        bad.append(f"docs/exit-codes.md and {name} help exit-codes differ: {set(codes) ^ set(written)}")
    known = {code for code, _ in codes}
    table = {command["name"] for command in json.loads(say(program, "help", "--json"))["commands"]}
    if table != set(FORMS[name]):
        bad.append(f"docs/schemas/commands.json and the commands of {name} differ: {sorted(table ^ set(FORMS[name]))}")
    for command, forms in FORMS[name].items():
        for form in [forms] if isinstance(forms, str) else forms or []:
            named.add(form)
            if form.removeprefix("api ") not in OPERATIONS if form.startswith("api ") else form not in files:
                bad.append(f"{name} {command}: there is no {form}")
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
if files - named:
    bad.append(f"docs/schemas: no command has {sorted(files - named)}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
