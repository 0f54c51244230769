"""Every command of every program as a person sees it, on terminals of 40, 80 and 200 columns and on none.

No line is wider than its terminal, columns line up, colour stands on state words and nowhere where it is not wanted, and no
text that someone else chose (a reason for a kill, here) reaches the terminal as anything but text. The manual of every
command is read too. What changes something is test_cli's and test_terminal's; here is what only reads.
"""

import concurrent.futures
import json
import os
import re
import shlex
import unicodedata

import pexpect
import pytest

from harness import cage, proc
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
