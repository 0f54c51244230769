"""scripts/demo as a person meets it: stations, a prompt, the four commands, and an end that leaves nothing behind.

Driven over a pseudo terminal (pexpect). SALLYPORT_BUILD names the programs; build-release goes through scripts/demo itself.
"""

import os
import pathlib
import re
import subprocess
import time

import pexpect
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-release"))
PROMPT = r"anna@demo \$ "

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the demo makes network namespaces: root only")


def command():
    return [str(TOP / "scripts/demo")] if BUILD.resolve() == TOP / "build-release" else \
        ["python3", str(TOP / "tests/e2e/demo.py"), "--build", str(BUILD)]


def traces():
    """Whatever the demo makes on this machine, as it is now."""
    run = lambda *a: subprocess.run(a, capture_output=True, text=True).stdout
    ours = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith((b"/mnt/bin/", b"/mnt/etc/")) or word.endswith(b"e2e/demo.py") for word in line):
            ours.add(b" ".join(line).decode(errors="replace"))
    return {"processes": ours, "links": set(re.findall(r"^\S+", run("ip", "-br", "link"), re.M)), "names": run("ip", "netns"),
            "routes": run("ip", "route"), "hosts": pathlib.Path("/etc/hosts").read_text(),
            "mounts": {line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()},
            "work": set(os.listdir("/mnt"))}


@pytest.fixture
def before():
    return traces()


def spawn():
    program = command()
    return pexpect.spawn(program[0], program[1:], cwd=str(TOP), encoding="utf-8", timeout=30, dimensions=(40, 110))


def ended(demo, before, seconds=20):
    began = time.monotonic()
    demo.expect(pexpect.EOF, timeout=seconds)
    demo.close()
    for _ in range(50):  # the kernel takes links down a moment after the last process of their namespace
        now = traces()
        if now == before:
            break
        time.sleep(0.1)
    assert now == before
    return time.monotonic() - began


@pytest.fixture
def demo(before):
    """At its prompt, with what was said until then."""
    demo = spawn()
    demo.expect(PROMPT, timeout=300)
    demo.said = demo.before
    yield demo
    demo.close(force=True)


def type_in(demo, line):
    demo.sendline(line)
    demo.expect(PROMPT)
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\r", "", demo.before)


def test_the_prompt_offers_four_commands_and_they_work(demo, before):
    stations = re.findall(r"^ok (.*?)\r?$", demo.said, re.M)
    assert len(stations) == 12 and "FAILED" not in demo.said, demo.said
    curl, bank = (line.split("   ")[0].strip() for line in demo.said.replace("\r", "").splitlines() if line.lstrip().startswith("curl "))
    psql = re.search(r"psql -h \S+ -p \d+ -U report postgres", demo.said).group()
    assert "private wiki" in type_in(demo, f"{curl} -sS")
    assert "dev" in type_in(demo, "ssh -F ~/ssh_config shell id -un").splitlines()
    assert "1000" in type_in(demo, f"{psql} -tAc 'select count(*) from orders'")
    assert '"owner": "anna@example.test"' in type_in(demo, f"{bank} -sS")
    refused = type_in(demo, bank.replace("1000", "1001") + " -sS")
    assert '"status":403' in refused and "carl" not in refused, refused
    assert re.search(r"^\d{6}$", type_in(demo, "code root"), re.M), "the second factor of the console's admin"
    status = type_in(demo, "sallyport status")
    assert re.search("^Signed in +anna until", status, re.M) and "connected" in status, status
    assert "There is no app of this name for you" in type_in(demo, "sallyport why payroll")
    demo.sendline("exit")
    ended(demo, before)
    assert demo.exitstatus == 0


def test_ctrl_c_at_the_prompt_removes_every_trace(demo, before):
    demo.send("half a line")
    demo.sendintr()
    demo.expect("every trace is removed", timeout=5)
    assert ended(demo, before) < 15
    assert demo.exitstatus == 0


def test_ctrl_c_during_a_command_ends_only_the_command_and_ctrl_d_the_demo(demo, before):
    demo.sendline("sallyport connect orders")
    demo.expect("Ctrl-C ends it", timeout=20)
    demo.sendintr()
    demo.expect(PROMPT)
    assert "yes" in type_in(demo, "sallyport apps")
    demo.sendeof()
    ended(demo, before)
    assert demo.exitstatus == 0


def test_ctrl_c_before_the_prompt_removes_every_trace(before):
    demo = spawn()
    demo.expect("ok broker and relay at", timeout=300)
    demo.sendintr()
    ended(demo, before)
    assert demo.exitstatus != 0
