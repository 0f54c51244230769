"""A hostile relay (tests/evil/relay.c): it changes, drops, doubles, swaps, shortens and replays the frames that it forwards.

The two ends must notice: what arrives is a prefix of what was sent and then a reset, never other bytes and never a clean end."""

import pathlib
import time

import pytest

from harness import cage, fieldapp, proc
from harness.wire import dial

LISTEN, SIZE = 8445, 3 << 20
MODE = cage.WORK / "etc" / "evil.mode"


def mode(text):
    """In force with the next frame."""
    new = MODE.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o644)
    new.rename(MODE)


@pytest.fixture(scope="module")
def evil(world):
    """Enrolled as any relay is, and the only one while these tests run."""
    from conftest import BUILD
    program = world.bin / "evil-relay"
    program.write_bytes(pathlib.Path(BUILD, "tests/evil/relay").read_bytes())
    program.chmod(0o755)
    mode("honest 0")
    world.wait_standing(world.console)  # a broker that was just started knows the live sessions once the relay has told them
    for session in world.console.call("GET", "/sessions")["items"]:
        world.console.call("POST", f"/sessions/{session['id']}/kill", {"reason": "its relay stops"})
    world.relay.stop(20)  # what began meanwhile ends with it
    config = world.enrol_relay("evil", LISTEN, "off", program)
    running = proc.Program(world.edge, [program, "run", "--config", config], world.logs / "evil.log", user="broker",
                           env={"SALLYPORT_EVIL": str(MODE)}, notify=True).wait_ready()
    known = lambda: next((r for r in world.console.call("GET", "/relays")["items"] if r["name"] == "evil"), None)
    try:
        relay = proc.until("it is known", 20, known)
        proc.until("the connector stands at it", 45, lambda: any(relay["id"] in str(c["relays"])
                                                                  for c in world.console.call("GET", "/connectors")["items"]))
        yield running
    finally:
        running.stop()
        world.restart(world.relay)
        if known():
            world.console.call("POST", f"/relays/{known()['id']}/revoke", {"reason": "it lies"})
        world.wait_standing(world.console)


def fetch(world, user):
    """What came of SIZE bytes of the known stream, and whether it ended cleanly."""
    got = bytearray()
    try:
        with dial(world, user, "source") as c:
            c.settimeout(15)
            c.sendall(f"{SIZE}\n".encode())
            while data := c.recv(262144):
                got += data
            return got, True
    except (ConnectionError, proc.Failed):
        return got, False


def whole(n):
    return (fieldapp.BLOCK * (n // len(fieldapp.BLOCK) + 1))[:n]


def anew(world, user):
    user.run("down", "source")
    user._addresses.pop("source", None)


@pytest.mark.parametrize("lie, after", [("flip", 0), ("replay", 1), ("flip", 12), ("drop", 12), ("double", 12), ("swap", 12), ("cut", 12),
                                        ("replay", 12)])
def test_TM_07_E2E_T9_a_relay_that_lies_about_bytes_is_a_reset_and_no_other_byte_arrives(world, anna, evil, lie, after):
    anew(world, anna)
    mode(f"{lie} {after}")
    try:
        began = time.monotonic()
        got, clean = fetch(world, anna)
    finally:
        mode("honest 0")
    assert got == whole(len(got)), "other bytes than those that were sent"
    assert len(got) < SIZE, "the lie was not told"
    assert not clean, "a silent cut"
    assert time.monotonic() - began < 30 and evil.alive()


def test_TM_07_an_honest_day_of_the_same_relay(world, anna, evil):
    """Or the tests above would prove nothing."""
    anew(world, anna)

    def again():
        got, clean = fetch(world, anna)
        return clean and got == whole(SIZE)
    proc.until("the transfer is whole", 30, again)
