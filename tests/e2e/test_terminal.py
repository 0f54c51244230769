"""What a person reads: the transcripts of the design, recorded on a pseudo terminal at several widths.

Columns line up at any width, colour stands on state words only and never alone, talk is on stderr, hostile text is harmless.
"""

import contextlib
import os
import re
import subprocess
import time
import unicodedata

import pexpect
import pytest

from harness import proc, world as worlds
from harness.schema import check_output

WIDTHS = (40, 80, 200)
COLOUR = re.compile(r"\x1b\[(?:32|33|31|0)m")
HOSTILE = 'Closed \x1b]0;owned\x07 \x1b[2J\u202eevil\u2066 <img src=x onerror=alert(1)> =HYPERLINK("http://evil") ' + "x" * 300


def record(user, *arguments, width=80, env=None, keys=(), seconds=30):
    """What the terminal was sent, byte for byte, and the exit code. keys: (wait for, type)."""
    command = user.world.client.command([user.world.bin / "sallyport", *arguments], user.name)
    full = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", **user.env, **(env or {})}
    program = pexpect.spawn(command[0], [str(c) for c in command[1:]], env=full, cwd=str(user.home), encoding="utf-8", dimensions=(50, width),
                            timeout=seconds)
    seen = ""
    for wanted, typed in keys:
        program.expect(wanted)
        seen += program.before + program.after
        program.sendcontrol(typed[1]) if typed.startswith("^") else program.sendline(typed)
    program.expect(pexpect.EOF)
    seen += program.before
    program.close()
    return seen.replace("\r\n", "\n"), program.exitstatus


def plain(text):
    return COLOUR.sub("", text)


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


@pytest.fixture
def policy(world):
    yield world.console.put_policy
    world.console.put_policy(worlds.POLICY)


@pytest.fixture(scope="module")
def reported(anna):
    assert anna.run("posture", "--send").code in (0, 7)


@pytest.fixture
def session(anna, reported):
    assert anna.run("up", "wiki").code == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_status(anna, session, width):
    text, code = record(anna, "status", width=width)
    assert code == 0
    lines = text.splitlines()
    assert [line.split("  ")[0] for line in lines[:1]] == ["Signed in"]
    assert all(columns(line) <= width for line in lines), text
    if width >= 80:
        assert re.match(r"Signed in  +anna until (\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d) · MFA .* \(otp\)$", lines[0]), text
        assert re.search(r"^Broker  +https://access\.example\.test:8443   connected, \d+ ms$", text, re.M), text
        assert re.search(r"^Device  +\S+, approved, key in a file$", text, re.M), text
        assert re.search(r"^Posture  +\d+ pass · \d+ fail · \d+ unknown \(\w+: ", text, re.M), text
        assert re.search(r"^(Sessions|) +wiki  127\.77\.\d+\.\d+:\d+   until ", text, re.M), text
        values = {m.start(1) for m in (re.match(r"(?:Signed in|Broker|Device|Posture|Sessions) +(\S)", line) for line in lines) if m}
        assert len(values) == 1, f"values stand in one column: {text}"


def test_status_is_watched_until_ctrl_c(anna, session):
    command = anna.world.client.command([anna.world.bin / "sallyport", "status", "--watch"], "anna")
    program = pexpect.spawn(command[0], [str(c) for c in command[1:]], env={**os.environ, "TERM": "xterm", **anna.env}, encoding="utf-8",
                            dimensions=(50, 100), timeout=10)
    program.expect(r"\x1b\[H\x1b\[2J")
    program.expect(r"wiki  127\.77")
    assert anna.run("down", "wiki").code == 0
    seen = ""

    def closed():
        nonlocal seen
        with contextlib.suppress(pexpect.TIMEOUT):
            seen += program.read_nonblocking(1 << 16, 0.2)
        last = seen.rpartition("\x1b[H\x1b[2J")[2]  # one picture in place of the one before
        assert "Posture" in last and "wiki" not in last, last
        return True
    proc.until("a picture without the app", 30, closed)
    program.sendcontrol("c")
    program.expect(pexpect.EOF)
    stream = proc.Program(anna.world.client, [anna.world.bin / "sallyport", "status", "--watch", "--json"], anna.world.logs / "watch.log",
                          user="anna", env=anna.env, cwd=str(anna.home))
    try:
        objects = lambda: [check_output(line) for line in stream.text().splitlines()]
        proc.until("the first object", 10, objects)
        assert anna.run("up", "wiki").code == 0
        proc.until("another, since something is different", 10, lambda: any(s["app"] == "wiki" for s in objects()[-1]["sessions"]))
    finally:
        stream.stop()


def test_status_check_answers_by_its_code_alone(world, anna, session):
    for what in ("live", "ready"):
        done = anna.run("status", "--check", what)
        fails = anna.json("status")["posture"]["fail"]
        assert (done.code, done.out, done.err) == (7 if fails and what == "ready" else 0, "", ""), done
    assert anna.run("status", "--check", "alive").code == 2
    nobody = {**anna.env, "XDG_RUNTIME_DIR": str(anna.home / "nobody-run"), "XDG_STATE_HOME": str(anna.home / "nobody-state")}
    (anna.home / "nobody-run").mkdir(mode=0o700, exist_ok=True)
    os.chown(anna.home / "nobody-run", anna.uid, anna.uid)
    done = proc.command(world.client, [world.bin / "sallyport", "status", "--check", "ready"], user="anna", env=nobody, cwd=str(anna.home))
    assert (done.code, done.out) == (4, ""), done


def test_up_and_down_take_several_apps_or_all(anna):
    assert anna.run("down").code == 0
    done = anna.run("up", "wiki", "payroll", "notes")
    assert done.code == 5 and [line.split()[0] for line in done.out.splitlines()] == ["wiki", "notes"], done
    assert "Why in full: sallyport why payroll " in done.err, done
    assert anna.run("down", "wiki").code == 0
    assert {a["name"] for a in anna.json("apps")["apps"] if a["open"]} == {"notes"}
    assert anna.run("down").code == 0
    assert not [a for a in anna.json("apps")["apps"] if a["open"]]


def test_up_holds_an_app_once_however_often_it_is_said(anna):
    is_open = lambda: next(a["open"] for a in anna.json("apps")["apps"] if a["name"] == "wiki")
    assert anna.run("up", "wiki").code == 0
    assert anna.run("sessions", "end", "--all").code == 0
    for _ in range(2):
        assert anna.run("up", "wiki").code == 0
    assert anna.run("down", "wiki").code == 0
    assert not is_open()
    assert anna.run("down", "wiki").code == 1


def test_down_leaves_the_app_of_a_connect_that_stands(anna):
    def stands():
        return proc.Program(anna.world.client, [anna.world.bin / "sallyport", "connect", "wiki"], anna.world.logs / "stands.log", user="anna",
                            env=anna.env, cwd=str(anna.home))
    first = stands()
    try:
        first.wait_text(r"127\.77\.\d+")
        done = anna.run("down", "wiki")
        assert done.code == 1 and "sallyport connect" in done.err, done
        assert anna.run("down").code == 0
        assert anna.run("up", "wiki").code == 0 and anna.run("down", "wiki").code == 0
        assert next(a["open"] for a in anna.json("apps")["apps"] if a["name"] == "wiki")
    finally:
        first.stop()
    proc.until("nobody holds it", 10, lambda: not next(a["open"] for a in anna.json("apps")["apps"] if a["name"] == "wiki"))
    assert anna.agent.alive()
    assert anna.run("up", "wiki").code == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_apps(anna, session, width):
    text, code = record(anna, "apps", width=width)
    assert code == 0
    lines = plain(text).splitlines()
    assert all(columns(line) <= width for line in lines), text
    if "ADDRESS" not in lines[0]:  # KEY  value blocks, where columns have no room
        assert width <= 60, text
        assert re.search(r"^NAME +echo$", plain(text), re.M), text
        assert re.search(r"^ACCESS +yes$", plain(text), re.M), text
        return
    heads = lines[0]
    assert heads.split() == ["NAME", "ADDRESS", "TYPE", "ACCESS", "WHY"]
    rows = [line for line in lines[1:] if not line.startswith(" ")]
    for name in ("ADDRESS", "TYPE", "ACCESS", "WHY"):
        at = heads.index(name)
        assert all(row[at - 1] == " " and row[at] != " " for row in rows), f"{name} does not line up:\n{text}"
    assert re.search(r"^wiki +http://127\.77\.\d+\.\d+:\d+ +http +yes +private-apps/staff$", plain(text), re.M), text
    assert set(re.findall(r"\x1b\[3[123]m(.*?)\x1b\[0m", text)) <= {"yes", "no", "step-up"}, "colour stands on state words only"
    assert "\x1b[32myes\x1b[0m" in text


def test_no_colour_where_it_is_not_wanted(anna, session):
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        text, _ = record(anna, "apps", env=env)
        assert "\x1b" not in text, env
    assert "\x1b" not in anna.run("apps").out, "nor off a terminal"


def test_connect_and_ctrl_c(anna):
    text, code = record(anna, "connect", "orders", width=110, keys=[("Ctrl-C ends it", "^c")])
    assert re.search(r"^Session S-[0-9A-F]{4} · tcp · 127\.77\.\d+\.\d+:5432 · until .* · idle 30 min · relay \S+$", text.split("\nCtrl-C")[0], re.M), text
    assert code in (130, None) or code != 0, (text, code)


def test_a_denial_is_what_why_next_and_a_request(anna):
    text, code = record(anna, "connect", "payroll", width=132)
    assert code == 5
    lines = plain(text).strip().splitlines()
    assert lines[0].startswith("Denied: payroll."), text
    assert re.match(r"^Why in full: sallyport why payroll      Request R-[0-9A-Z]{6,}$", lines[-1]), text


def test_step_up_prompts_at_once_and_says_what_happens_next(world, anna, policy):
    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    anna.run("down", "notes")
    began = time.monotonic()
    text, code = record(anna, "connect", "notes", keys=[("Code from your authenticator: ", "^c")])
    assert time.monotonic() - began < 5 and code == 130, (text, code)
    assert text.startswith("notes needs a newer proof."), text


def test_what_takes_longer_shows_progress_on_stderr_and_leaves_no_trace(world, anna):
    world.broker.signal(19)
    try:
        command = world.client.command([world.bin / "sallyport", "apps"], "anna")
        program = pexpect.spawn(command[0], [str(c) for c in command[1:]], env={**os.environ, "TERM": "xterm", **anna.env}, encoding="utf-8",
                                dimensions=(50, 80), timeout=10)
        program.expect("apps: waiting for an answer")
        program.expect("2 s")
        world.broker.signal(18)
        program.expect(r"\r\x1b\[K")
        program.expect("NAME +ADDRESS")
        program.expect(pexpect.EOF)
        off = subprocess.run(command, env={**os.environ, "TERM": "xterm", **anna.env}, capture_output=True, text=True)
        assert off.stderr == "", "no progress off a terminal"
    finally:
        world.broker.signal(18)


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_text_is_harmless_in_every_line(world, anna, policy, width):
    with pytest.raises(proc.Failed, match="control characters"):  # the broker takes no such text at all
        policy(worlds.POLICY + '    deny:\n      - {name: closed, when: {groups: [builtin/staff]}, message: "a\\eb"}\n')
    message = re.sub("[\x00-\x1f]", "", HOSTILE).encode()[:256].decode().replace('"', '\\"')  # as long as the broker takes it
    policy(worlds.POLICY + f'    deny:\n      - {{name: closed, when: {{groups: [builtin/staff]}}, message: "{message}"}}\n')
    shown = ""
    for arguments in (["apps"], ["why", "wiki"], ["connect", "wiki"], ["up", "wiki"]):
        text = record(anna, *arguments, width=width)[0]
        harmless(text)
        shown += text
    assert "u{202e}" in re.sub(r"\s", "", shown), "it is shown, and visible"
    policy(worlds.POLICY)
    for arguments in (["connect", HOSTILE], ["why", HOSTILE], ["apps", HOSTILE], ["up", HOSTILE], [HOSTILE], ["ssh", HOSTILE]):
        harmless(record(anna, *arguments, width=width)[0])
    kill_reason(world, anna, width)
    assert "proto.write" not in anna.agent.text(), "a name that no app can have is refused before it is written"


def harmless(text):
    rest = plain(text).replace("\r\x1b[K", "")
    rest = re.sub(r"\r\w+: waiting for an answer(, \d+ s)?", "", rest)
    bad = [c for c in rest if (unicodedata.category(c) in ("Cc", "Cf") and c != "\n")]
    assert not bad, (bad, text)


def kill_reason(world, anna, width):
    assert anna.run("up", "kept").code == 0
    command = world.client.command([world.bin / "sallyport", "connect", "kept"], "anna")
    program = pexpect.spawn(command[0], [str(c) for c in command[1:]], env={**os.environ, "TERM": "xterm", **anna.env}, encoding="utf-8",
                            dimensions=(50, width), timeout=20)
    program.expect("Ctrl-C ends it")
    world.console.call("POST", "/sessions/kill", {"by": "app", "id": world.records["kept"]["id"], "reason": re.sub("[\x00-\x1f]", "", HOSTILE)[:200]})
    program.expect(pexpect.EOF)
    assert "administrator" in program.before
    harmless(program.before.replace("\r\n", "\n"))


def test_wait_prints_nothing_and_tells_by_its_code(world, anna, policy):
    done = anna.run("wait", "--app", "wiki")
    assert (done.code, done.out, done.err) == (0, "", ""), done
    began = time.monotonic()
    done = anna.run("wait", "--app", "payroll", "--timeout", "2s")
    assert done.code == 5 and done.out == "" and 1 < time.monotonic() - began < 5, done
    assert done.err.startswith("payroll did not open in time."), done
    done = anna.run("--json", "wait", "--app", "payroll", "--timeout", "1s")
    assert done.code == 5 and check_output(done.out)["exit"] == 5, done
    assert anna.run("wait", "--app", "wiki", "--timeout", "soon").code == 2
