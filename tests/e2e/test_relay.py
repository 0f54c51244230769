"""A relay on a machine of its own: it listens itself, is enrolled by a token, and stands in for the one of the
broker's machine when that goes, and the other way round."""

import socket

import pytest

from harness import proc
from harness.wire import dial, read_all

LISTEN = 8444


@pytest.fixture(scope="module")
def second(world):
    """An enrolled relay with a listener of its own, at which the connector stands too."""
    config = world.enrol_relay("r2", LISTEN)
    program = proc.Program(world.edge, [world.bin / "sallyport-relay", "run", "--config", config], world.logs / "r2.log",
                           user="broker", notify=True).wait_ready()
    stands_at(world, 2)
    yield program
    program.stop()
    if known(world)["state"] != "revoked":
        revoke(world)


def known(world):
    return next(r for r in world.console.call("GET", "/relays")["items"] if r["name"] == "r2")


def revoke(world):
    world.console.call("POST", f"/relays/{known(world)['id']}/revoke", {"reason": "its machine goes"})
    stands_at(world, 1)


def stop(world, relay):
    """In good order; one that drains waits for its sessions, also those of tests before."""
    for session in world.console.call("GET", "/sessions")["items"]:
        world.console.call("POST", f"/sessions/{session['id']}/kill", {"reason": "its relay stops"})
    assert relay.stop(20) == 0


def stands_at(world, count):
    proc.until(f"the connector stands at {count} relays", 45, lambda: any(
        c["name"] == "c1" and len(c["relays"]) == count for c in world.console.call("GET", "/connectors")["items"]))


def anew(world, user, app="echo"):
    """A new session carries bytes; which relay has it."""
    user.run("down", app)
    user._addresses.pop(app, None)
    with dial(world, user, app) as c:
        c.settimeout(20)
        c.sendall(b"hello")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c).startswith(b"hello|")
    return user.json("up", app)["relay"]


def test_a_relay_that_listens_itself_takes_over_and_gives_back(world, anna, second):
    first = next(r["name"] for r in world.console.call("GET", "/relays")["items"] if r["name"] != "r2" and r["state"] == "online")
    stop(world, world.relay)
    stands_at(world, 1)
    try:
        assert anew(world, anna) == "r2"
    finally:
        world.restart(world.relay)
    stands_at(world, 2)
    stop(world, second)  # drains: the broker sends nobody there any more
    stands_at(world, 1)
    try:
        assert anew(world, anna) == first
    finally:
        world.restart(second)
    stands_at(world, 2)


def test_a_kill_9_of_the_relay_ends_its_sessions_and_the_other_goes_on(world, anna, second):
    world.relay.kill9()
    try:
        assert anew(world, anna) == "r2"
    finally:
        world.restart(world.relay)
    stands_at(world, 2)


def test_a_revoked_relay_loses_its_sessions_and_gets_no_more(world, anna, second):
    stop(world, world.relay)
    try:
        stands_at(world, 1)
        assert anew(world, anna) == "r2"
        open_one = dial(world, anna, "echo")
        open_one.sendall(b"x")
        assert open_one.recv(1) == b"x"
    finally:
        world.restart(world.relay)
    stands_at(world, 2)
    revoke(world)
    with open_one:
        open_one.settimeout(5)
        assert not read_all_or_reset(open_one)
    assert anew(world, anna) != "r2"
    assert known(world)["state"] == "revoked"


def read_all_or_reset(connection):
    try:
        return read_all(connection)
    except ConnectionResetError:
        return b""
