"""A hostile client within its tunnel (tests/evil/agent.c, inside.py): honest to the pairing, then it lies under the inner TLS.

The session that lies ends or is refused, with a record; connector, relay and everybody else's sessions stand, in bounded memory."""

import json
import os
import pathlib
import time

import pytest

from harness import cage, proc, world as worlds
from harness.wire import dial
from test_evil_peers import nobody_else_notices

import inside  # of tests/evil, whose folder test_evil_peers has put on the path

FLIPS = int(os.environ.get("SALLYPORT_EVIL_FLIPS", 5))  # of the bytes that open a session; tests/long: 300
OPENING = 1500  # bytes of the inner TLS before the first stream, about: hello, certificate, finished, bind
POLICY = worlds.POLICY.replace("groups: [builtin/staff]", "groups: [builtin/staff, builtin/visitors]")


class Mallory:
    """Somebody who may use an application, with an agent of his own making."""

    def __init__(self, world, user):
        from conftest import BUILD
        self.world, self.user = world, user
        self.folder = world.folder(cage.WORK / "evil-client", user.name)
        program = world.bin / "evil-agent"
        program.write_bytes(pathlib.Path(BUILD, "tests/evil/agent").read_bytes())
        program.chmod(0o755)
        user.agent.stop()
        user.agent = proc.Program(world.client, [program, "agent"], world.logs / "agent-evil.log", user=user.name,
                                  env={**user.env, "SALLYPORT_EVIL": str(self.folder)}, cwd=str(user.home), notify=True).wait_ready()
        user._addresses = {}
        proc.until("the liar is connected", 20, lambda: user.run("apps").code == 0)

    def lie(self, **files):
        """Of the next session: the contents of `plain`, `bind` or `flip`."""
        for name in ("plain", "bind", "flip", "heard"):
            (self.folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            self.world.write(self.folder / name, "", self.user.name).write_bytes(content)

    def heard(self):
        try:
            return inside.heard((self.folder / "heard").read_bytes())
        except FileNotFoundError:
            return []

    def session(self, until, seconds=30):
        """A new session with these lies: "ended", or what `until(self, bytes of the application)` gave first; "lives" when it did neither."""
        self.user.run("down", "echo")
        self.user._addresses.clear()
        try:
            with dial(self.world, self.user, "echo") as c:
                c.settimeout(0.1)
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    c.sendall(b"x")
                    try:
                        if not (data := c.recv(64)):
                            return "ended"
                    except TimeoutError:
                        data = b""
                    if got := until(self, data):
                        return got
        except (ConnectionError, proc.Failed):
            return "ended"
        return "lives"


@pytest.fixture(scope="module")
def mallory(world, anna, carl):
    world.console.put_policy(POLICY)
    try:
        one = Mallory(world, carl)
        yield one
        one.user.agent.stop()
    finally:
        world.console.put_policy(worlds.POLICY)
        carl.agent.arguments[0] = str(world.bin / "sallyport")
        del carl.agent._env["SALLYPORT_EVIL"]
        carl.restart_agent()


@pytest.fixture(autouse=True)
def honest_again(world, mallory):
    yield
    mallory.lie()
    assert mallory.session(lambda m, data: data.startswith(b"x")) is True, "the truth opens no session: what a test saw may have been that"
    assert all(p.alive() for p in world.programs())


def app_of(world):
    return world.records["echo"]["id"]


def refusals(world, since):
    """Of sessions whose other end lied: how many the log tells."""
    told = [r["details"] for r in world.console.audit(action="session.refuse") if r["time"] >= since and r["details"].get("why") == "protocol"]
    return sum(1 + detail.get("lost", 0) for detail in told)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def answered(m, data):
    """The other end has said what it thinks of a stream of ours, or of all."""
    return next((f for f in m.heard() if f[0] == inside.GOAWAY or f[1] >= inside.OURS and f[0] in (inside.RST, inside.HEADERS)), None)


def test_WS_06_TM_03_frames_that_lie_inside_a_tunnel_end_it_and_nothing_else(world, anna, mallory):
    since = now()

    def attack():
        got = {}
        for name, plain in inside.lies(app_of(world)).items():
            mallory.lie(plain=plain)
            got[name] = mallory.session(lambda m, data: None)
        return got
    got = nobody_else_notices(world, anna, attack)
    lived = {name for name, end in got.items() if end != "ended"}
    assert not lived, lived
    proc.until("each is in the log", 10, lambda: refusals(world, since) >= len(got))


def test_ZT_1_ZT_3_a_stream_to_anything_else_is_refused_alone(world, mallory):
    for name, plain in inside.refused(app_of(world)).items():
        mallory.lie(plain=plain)
        got = mallory.session(answered)
        assert got == "ended" or not (got[0] == inside.HEADERS and got[3][:1] == b"\x88"), f"{name}: the connector said 200"
        assert not any(f[0] == inside.HEADERS and f[3][:1] == b"\x88" for f in mallory.heard()), name


def test_TM_03_floods_inside_a_tunnel_are_bounded(world, anna, mallory):
    """What one session may ask for is bounded; the others keep their time (nobody_else_notices), connector and relay their memory."""
    def attack():
        got = {}
        for name, plain in inside.floods(app_of(world)).items():
            mallory.lie(plain=plain)
            got[name] = mallory.session(lambda m, data, sent=len(plain): told_all(m, sent))
        return got
    got = nobody_else_notices(world, anna, attack)
    assert set(got.values()) <= {"ended", "told"}, got


def told_all(m, size):
    """All of `plain` has gone out: the agent has read its file to the end (and closed it)."""
    fds = pathlib.Path(f"/proc/{m.user.agent.pid}/fd")
    open_files = {os.readlink(fd) for fd in fds.iterdir() if fd.exists()}
    return None if str(m.folder / "plain") in open_files else "told"


def test_LOAD_8_one_session_has_256_streams_at_a_time_however_many_it_asks_for(world, mallory):
    app = app_of(world)
    mallory.lie(plain=inside.floods(app)["10,000 streams"])
    got = mallory.session(lambda m, data: told_all(m, 0) and (len({f[1] for f in m.heard()}) > 5000 or None))
    opened = {f[1] for f in mallory.heard() if f[0] == inside.HEADERS and f[3][:1] == b"\x88"}
    assert len(opened) <= 256, len(opened)
    assert got == "ended" or len(opened) > 0, got


BINDS = {"4 GiB": b"\xff\xff\xff\xff", "an empty object": b"\0\0\0\2{}", "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100,
         "a value of nobody": (lambda j: len(j).to_bytes(4, "big") + j)(json.dumps({"v": 1, "bind": "A" * 43, "device_sig": "A" * 86}).encode()),
         "depth 9,000": (lambda j: len(j).to_bytes(4, "big") + j)(b'{"v":1,"bind":' + b"[" * 9000 + b"]" * 9000 + b"}"),
         "40,000 bytes": (40_000).to_bytes(4, "big") + b" " * 40_000}


def test_E2E_4_E2E_T10_a_bind_that_lies_opens_no_session(world, anna, mallory):
    for name, said in BINDS.items():
        mallory.lie(bind=said)
        assert mallory.session(lambda m, data: data or None) == "ended", name


def test_E2E_T9_a_byte_of_the_opening_that_is_another_opens_no_session(world, anna, mallory):
    step = max(1, OPENING // FLIPS)
    for at in range(0, OPENING, step):
        mallory.lie(flip=str(at).encode())
        got = mallory.session(lambda m, data: data or None)
        assert got == "ended", f"byte {at}: {got!r}"
