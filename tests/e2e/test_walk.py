"""Every command of every program as a person sees it, on terminals of 40, 80 and 200 columns and on none.

No line is wider than its terminal, columns line up, colour stands on state words and nowhere where it is not wanted, and no
text that someone else chose (a reason for a kill, here) reaches the terminal as anything but text. The manual of every
command is read too. Then what changes something, on objects that are made for it: sallyport-admin's commands; those of the
other programs are test_cli's and test_terminal's.
"""

import concurrent.futures
import json
import os
import re
import shlex
import unicodedata

import pexpect
import pytest

from harness import cage, proc, world as worlds
from harness.schema import TOP

WIDTHS = (40, 80, 200)
TABLE = json.loads((TOP / "docs/schemas/commands.json").read_text())
COLOUR = re.compile(r"\x1b\[(?:32|33|31|0)m")
TINTED = re.compile(r"\x1b\[3[123]m(.*?)\x1b\[0m", re.S)
PROGRESS = re.compile(r"\r[^\r\n]*waiting for an answer[^\r\n]*|\r\x1b\[K")
HOSTILE = 'walk \u202eevil\u2066 \x9b2J <img src=x onerror=alert(1)> =HYPERLINK("http://evil") ' + "x" * 60
READS = {
    "sallyport": [["status"], ["apps"], ["apps", "wiki"], ["sessions"], ["why", "wiki"], ["why", "payroll"], ["posture"], ["posture", "--explain"], ["key"],
                  ["doctor"], ["get"], ["version"]],
    "sallyport-connector": [["status"], ["health"], ["floor", "show"], ["doctor"], ["key", "fingerprint"], ["version"]],
    "sallyport-relay": [["status"], ["health"], ["doctor"], ["key", "fingerprint"], ["version"]],
    "sallyport-broker": [["check"], ["health", "--verbose"], ["doctor"], ["key", "list"], ["key", "fingerprint"], ["account", "list"], ["migrate", "--dry-run"],
                         ["audit", "verify"], ["audit", "head"], ["version"]],
    "sallyport-admin": [[noun, "list"] for noun in ("provider", "user", "group", "device", "site", "connector", "relay", "app", "policy", "draft", "endpoint",
                                                    "gateway", "session", "incident", "request", "feed")]
    + [["audit", "list", "--limit", "40"], ["whoami"], ["overview"], ["health"], ["settings"], ["user", "show", "anna"], ["group", "show", "builtin/staff"],
       ["site", "show", "office"], ["connector", "show", "c1"], ["enrolment", "list", "office"], ["app", "show", "wiki"], ["app", "test", "wiki"],
       ["gateway", "hits"], ["policy", "history"], ["why", "anna", "wiki"], ["policy", "simulate", "anna", "payroll"], ["audit", "verify"],
       ["device", "list", "--posture", "unknown"], ["version"]]}


# What is copied or read by programs as one line: it is never broken.
WHOLE_LINES = {("floor", "show"), ("key", "fingerprint"), ("audit", "head")}


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


def place(text, column):
    """Where in the text a column of the screen begins."""
    seen = 0
    for i, c in enumerate(text):
        if seen >= column:
            return i
        seen += columns(c)
    return len(text)


class Walk:
    def __init__(self, world, stations):
        self.world, self.stations = world, stations

    def recorded(self, program, script, width, env=None):
        """What a terminal is sent while a shell runs `script` as the program's user."""
        node, user, own, folder, _ = self.stations[program]
        command = node.command(["sh", "-c", script], user)
        full = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), **own, **(env or {})}
        shell = pexpect.spawn(command[0], [str(c) for c in command[1:]], env=full, cwd=str(folder), encoding="utf-8", codec_errors="replace",
                              dimensions=(50, width), timeout=240)
        shell.expect(pexpect.EOF)
        text = shell.before.replace("\r\n", "\n")
        shell.close()
        return PROGRESS.sub("", text)

    def outputs(self, program, commands, width, env=None):
        """(words, text) of each command, all in one terminal."""
        more = self.stations[program][4]
        path = str(self.world.bin / program)
        line = lambda words: shlex.join([path, *words, *(str(m) for m in more if words[0] not in ("help", "version"))])
        text = self.recorded(program, "".join(f"{line(words)}; echo @@$?; " for words in commands), width, env)
        parts = re.split(r"@@(\d+)\n", text)
        assert len(parts) == 2 * len(commands) + 1, text[-2000:]
        return [(words, parts[2 * i], int(parts[2 * i + 1])) for i, words in enumerate(commands)]


@pytest.fixture
def walk(world, anna, stations):
    assert anna.run("up", "wiki").code == 0  # a session to be shown
    world.console.call("POST", "/sessions/kill", {"by": "app", "id": world.records["kept"]["id"], "reason": HOSTILE[:200].replace("\x9b", "")})
    return Walk(world, stations)


def harmless(text):
    bad = [c for c in COLOUR.sub("", text) if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert not bad, f"{bad!r}"


def fits(text, width):
    for line in COLOUR.sub("", text).splitlines():
        assert columns(line) <= width, f"{columns(line)} columns: {line}"
        assert line == line.rstrip(), f"blanks at the end: {line!r}"


def lines_up(text):
    """Below a head in capitals every cell begins where its head does."""
    heads = None
    for line in COLOUR.sub("", text).splitlines():
        if re.fullmatch(r"[A-Z][A-Z ]*(  +[A-Z][A-Z ]*)+", line):
            heads = [m.start() for m in re.finditer(r"(?<!\S )\b[A-Z]", line) if m.start() == 0 or line[m.start() - 2:m.start()] == "  "]
        elif not line:
            heads = None
        elif heads and not line.startswith(" "):
            for at in heads[1:-1]:
                i = place(line, at)
                assert i >= len(line) or line[max(0, i - 2):i].strip() == "", f"column {at} of: {line}"


STATES = re.compile(r"[\w-]+( [\w-]+)?")


def coloured(text):
    for word in TINTED.findall(text):
        assert STATES.fullmatch(word), f"{word!r} is coloured, and no state"


def faults(program, outputs, *checks):
    """Of all commands at once: what each check says, below the text that it read."""
    found = []
    for words, text, code in outputs:
        for check in checks:
            try:
                check(text, code, words)
            except AssertionError as e:
                found.append(f"{program} {' '.join(words)}: {e}\n{text}")
    return found


def all_programs(walk, commands, width):
    with concurrent.futures.ThreadPoolExecutor(len(READS)) as pool:
        return list(pool.map(lambda program: (program, walk.outputs(program, commands(program), width)), READS))


def says_something(text, code, words):
    assert code in (0, 5, 7) or words == ["doctor"], f"exit {code}"
    assert text.strip(), "nothing"


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_read_fits_its_terminal(walk, width):
    bad = []
    for program, outputs in all_programs(walk, READS.get, width):
        bad += faults(program, outputs, says_something, lambda text, *_: harmless(text), lambda text, _, words: tuple(words) in WHOLE_LINES or fits(text, width),
                      lambda text, *_: lines_up(text), lambda text, *_: coloured(text))
        if program == "sallyport-admin":
            assert "u{202e}" in re.sub(r"\s", "", next(text for words, text, _ in outputs if words[0] == "audit")), "it is shown, and visible"
    assert not bad, "\n".join(bad)


def test_no_colour_where_it_is_not_wanted(walk, stations):
    for program, commands in READS.items():
        for words, text, _ in walk.outputs(program, commands[:8], 100, {"NO_COLOR": "1"}):
            assert "\x1b" not in text, (program, words)
        node, user, env, folder, more = stations[program]
        for words in commands[:3]:
            done = proc.command(node, [walk.world.bin / program, *words, *(more if words[0] != "version" else ())], user=user, env=env, cwd=str(folder))
            assert "\x1b" not in done.out + done.err, done
            lines_up(done.out)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_manual_fits_its_terminal(walk, width):
    def pages(program):
        nouns = sorted({name.split()[0] for name in TABLE[program] if " " in name})
        return [["help"], ["help", "exit-codes"], *(["help", noun] for noun in nouns), *(["help", *name.split()] for name in TABLE[program])]

    def of_its_own(text, code, words):
        assert code == 0 and "\x1b" not in text, code
        assert len(words) < 2 or words[1] == "exit-codes" or words[1] in text

    bad = []
    for program, outputs in all_programs(walk, pages, width):
        bad += faults(program, outputs, of_its_own, lambda text, *_: harmless(text), lambda text, *_: fits(text, width))
    assert not bad, "\n".join(bad)


# ---- what changes something ----

NEXT = re.compile(r"Next: sallyport\S* .*")  # a command to copy: it is never broken
OBJECTS = {("site", "add"), ("app", "add"), ("app", "set"), ("device", "approve")}  # they show the object as it is now


class Changes:
    """The commands of sallyport-admin that change something, in an order in which each finds what it needs, and for each what its
    answer says. All on objects that are called after `tag`, and on carl and his device."""

    def __init__(self, world, ada, carl, tag):
        self.world, self.ada, self.tag = world, ada, tag
        call = world.console.call
        self.kept = call("POST", "/sites", {"name": f"kept-{tag}"})
        token = call("POST", f"/sites/{self.kept['id']}/tokens", {"name": tag, "life_ms": 600000})
        self.enrol(tag)
        version = call("GET", "/policy/versions?limit=1")["items"][0]["version"]
        device, name = next((d["id"], d["name"]) for d in call("GET", "/devices?limit=200")["items"] if d["user"] and d["user"]["name"] == carl.name and d["state"] == "approved")
        one = f"name: {tag}\napps: {{names: [{tag}]}}\nallow:\n  - {{name: staff, when: {{groups: [builtin/staff]}}}}\n"
        self.files = [world.write(ada.home / f"{tag}.one", one, "ada"), world.write(ada.home / f"{tag}.all", worlds.POLICY + "# walked\n", "ada")]
        draft = self.admin("draft", "save", self.files[1], "--note", "to be discarded")["id"]
        why = ("--reason", "walked")
        self.steps = [
            (("site", "add", tag), tag),
            (("app", "add", tag, "--site", tag, "--host", "198.18.200.9", "--port", "81", "--labels", "tier=none"), tag),
            (("app", "set", tag, "--port", "82"), tag),
            (("enrolment", "revoke", token["id"]), f"Revoked: {token['id']}."),
            (("connector", "token", tag, "--name", tag, "--out", f"{tag}.connector"), f"{tag}.connector"),
            (("relay", "token", "--name", tag, "--out", f"{tag}.relay"), f"{tag}.relay"),
            (("connector", "revoke", tag, *why), f"Revoked: {tag}. No session was live."),
            (("policy", "apply", self.files[0], "--policy", tag, "--note", "walked"), f"Version {version + 1} is in force."),
            (("policy", "remove", tag), f"Removed: {tag}."),
            (("policy", "rollback", str(version), *why), f"Version {version + 3} is in force."),
            (("draft", "save", self.files[1], "--note", "walked"), "is kept."),
            (("draft", "discard", draft), f"Discarded: {draft}."),
            (("user", "logout", carl.name, *why), f"Signed out: {carl.name}. No session was live."),
            (("user", "disable", carl.name, *why), f"Disabled: {carl.name}. No session was live."),
            (("user", "enable", carl.name), f"Unlocked: {carl.name}."),
            (("device", "block", device, *why), f"Blocked: {device}. No session was live."),
            (("device", "approve", device), name),
            (("session", "kill", "--app", tag, *why), "No session was live."),
            (("app", "remove", tag), f"Removed: {tag}."),
            (("site", "remove", tag), f"Removed: {tag}.")]

    def admin(self, *words):
        done = proc.command(self.world.client, [self.world.bin / "sallyport-admin", "--json", *words], user="ada", env=self.ada.env, cwd=str(self.ada.home))
        assert done.code == 0, done
        return json.loads(done.out)

    def enrol(self, name):
        """A connector that never runs, of the site that is kept."""
        made = self.world.console.call("POST", f"/sites/{self.kept['id']}/tokens", {"name": name, "life_ms": 600000})
        token = self.world.write(cage.WORK / "etc" / f"{name}.token", made["enrolment"] + "\n", "connector")
        done = proc.command(self.world.connector_node, [self.world.bin / "sallyport-connector", "enrol", "--token-file", token, "--name", name, "--state",
                                                        self.world.folder(cage.WORK / name, "connector")], user="connector")
        assert done.code == 0, done

    def undo(self):
        """What a command that failed has left."""
        call = self.world.console.call
        self.world.console.put_policy(worlds.POLICY)
        for draft in call("GET", "/policy/drafts")["items"]:
            call("DELETE", f"/policy/drafts/{draft['id']}")
        for file in (*self.files, self.ada.home / f"{self.tag}.connector", self.ada.home / f"{self.tag}.relay"):
            file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def proved(ada, carl):
    ada.login()  # some of them want a code that is at most 5 minutes old
    yield
    carl.login()  # he was signed out


@pytest.fixture
def changes(world, ada, carl, proved):
    made = []

    def make(tag):
        made.append(Changes(world, ada, carl, tag))
        return made[-1]
    yield make
    for one in made:
        one.undo()


@pytest.mark.parametrize("width", WIDTHS)
def test_what_changes_something_says_so_in_a_line_that_fits(walk, changes, width):
    one = changes(f"walk-{width}")
    outputs = walk.outputs("sallyport-admin", [[str(w) for w in words] for words, _ in one.steps], width)
    said = {tuple(str(w) for w in words): wanted for words, wanted in one.steps}

    def tells(text, code, words):
        assert code == 0, f"exit {code}"
        assert said[tuple(words)] in re.sub(r"\s+", " ", COLOUR.sub("", text)), said[tuple(words)]

    def is_short(text, _, words):
        """A line where it has room, and a command that may follow."""
        lines = [line for line in text.splitlines() if not NEXT.fullmatch(line)]
        assert width < 80 or tuple(words[:2]) in OBJECTS or len(lines) <= 1, lines

    bad = faults("sallyport-admin", outputs, tells, is_short, lambda text, *_: harmless(text), lambda text, *_: fits(NEXT.sub("", text), width),
                 lambda text, *_: lines_up(text), lambda text, *_: coloured(text))
    assert not bad, "\n".join(bad)


def test_what_changes_something_has_its_form_of_json(changes):
    one = changes("walk-json")
    for words, _ in one.steps:
        value = one.admin(*words)
        assert value["schema"] == "sallyport.admin_" + "_".join(words[:2]).replace("-", "_") + "/v1", value
