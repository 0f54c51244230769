"""FLT-01 at its stations: a program dies at a named place (lib/base/failpoint.h), where a moment chosen by luck seldom falls. And FLT-03.

Needs programs with failpoints, as scripts/test runs these tests on. Each leaves the world whole again. What works at most once,
and the store below it, dies at its own stations in tests/faults.
"""

import contextlib
import http.client
import sqlite3
import time

import pytest

from harness import cage, proc
from harness.wire import dial
from test_cuts import Stream, session_of
from test_faults import chain_is_whole, works


STATE = {"sallyport-broker": "broker", "sallyport-relay": "relay", "sallyport-connector": "c1", "sallyport": "home/anna"}  # what each may read
LOST = (OSError, AssertionError, http.client.HTTPException)  # how whoever asks a broker learns that it died


@contextlib.contextmanager
def failpoints(world, program):
    """The program started again so that `arm` decides where it dies; and without that in the end."""
    if b"SALLYPORT_FAILPOINTS" not in (world.bin / program.name).read_bytes():
        pytest.skip("a build without failpoints (configure --enable-failpoints)")
    path = cage.WORK / STATE[program.name] / "failpoints"
    path.write_text("")
    path.chmod(0o644)
    program.kill9()
    program._env["SALLYPORT_FAILPOINTS"] = str(path)
    try:
        world.restart(program)
        yield path.write_text
    finally:
        del program._env["SALLYPORT_FAILPOINTS"]
        if program.alive():
            program.kill9()
        world.restart(program)
        path.unlink()


def test_FLT_01_the_broker_dies_at_each_station_of_an_opening(world, anna):
    """Decision made, audit written, grant signed, sent, and around the commit: a grant that left was written down (I2)."""
    with failpoints(world, world.broker) as arm:
        for station in ("session:decided", "store:commit", "store:committed", "session:recorded", "session:minted", "channel:send"):
            works(world, anna)
            anna.run("down", "notes")
            arm(f"{station} exit\n")
            anna.run("--json", "up", "notes", seconds=60)
            died = world.broker.wait_exit(20)
            assert died == -9, f"{station}: {died}"
            assert f"failpoint: {station} exit" in world.broker.text()
            arm("")
            world.restart(world.broker)
            chain_is_whole(world)
    works(world, anna)


@pytest.mark.parametrize("who, station", [("relay", "grant:spent"), ("relay", "tunnel:send"), ("relay", "channel:send"), ("connector", "grant:spent"),
                                          ("connector", "tunnel:send"), ("connector", "pump:send"), ("connector", "channel:send")])
def test_FLT_01_an_edge_dies_at_a_station_of_the_path(world, anna, who, station):
    program = world.relay if who == "relay" else world.connectors[0]
    with failpoints(world, program) as arm:
        works(world, anna)
        anna.run("down", "echo")
        arm(f"{station} exit\n")
        with contextlib.suppress(OSError, AssertionError), dial(world, anna, "echo") as c:
            c.settimeout(20)
            c.sendall(b"x")
            c.recv(1)
        assert program.wait_exit(20) == -9
        assert f"failpoint: {station} exit" in program.text()
        arm("")
        world.restart(program)
        works(world, anna)
    works(world, anna)


@pytest.mark.parametrize("station", ["session:kill", "session:killed", "session:end", "session:ended"])
def test_FLT_01_the_broker_dies_at_a_station_of_a_kill(world, anna, station):
    """Before the record of it nothing is cut; a kill whose answer did not come is ordered again; what was cut stays cut."""
    with failpoints(world, world.broker) as arm:
        works(world, anna)
        stream = Stream(world, anna)
        session, before = session_of(world, "anna", "source")["id"], stream.total
        arm(f"{station} exit\n")
        with contextlib.suppress(*LOST):
            world.console.call("POST", f"/sessions/{session}/kill", {"reason": station})
        assert world.broker.wait_exit(20) == -9
        assert f"failpoint: {station} exit" in world.broker.text()
        if station.startswith("session:kill"):
            proc.until("bytes flow without a broker", 20, lambda: stream.total > before + (1 << 20))
        arm("")
        world.restart(world.broker)
        chain_is_whole(world)
        if station.startswith("session:kill"):
            proc.until("the broker knows the live session again", 40, lambda: session_of(world, "anna", "source"))
            world.console.call("POST", f"/sessions/{session}/kill", {"reason": "once more"})
        stream._thread.join(20)
        assert stream.ended is not None, "what was killed still runs"
        proc.until("it is not listed", 40, lambda: session not in {s["id"] for s in world.console.call("GET", "/sessions")["items"]})
        killed = [r for r in world.console.audit(action="session.kill") if r["text"] == station]
        assert len(killed) == (station != "session:kill"), "the record stands before the first order leaves"
    works(world, anna)


def test_FLT_01_the_broker_dies_at_each_station_of_a_login_and_nobody_is_half_signed_in(world, carl):
    """Those of the second factor and of the device's key come in tests/faults, where a code is not wanted every 30 s."""
    def signed_in():
        answer = lambda: {0: "yes", 4: "login needed"}.get(carl.run("apps").code)
        return proc.until("carl's agent is connected", 60, answer) == "yes"
    assert not signed_in() or carl.run("logout").code == 0
    with failpoints(world, world.broker) as arm:
        for station in ("http:answer", "login:state", "login:state_spent", "idp:code", "idp:code_spent"):
            arm(f"{station} exit\n")
            with pytest.raises(LOST):
                carl.login()
            assert world.broker.wait_exit(20) == -9, station
            assert f"failpoint: {station} exit" in world.broker.text()
            arm("")
            world.restart(world.broker)
            chain_is_whole(world)
            assert not signed_in(), station
    assert not signed_in()
    carl.login()
    assert signed_in()


def test_FLT_03_a_locked_store_refuses_writes_and_holds_up_no_session(world, anna):
    stream = Stream(world, anna)
    with sqlite3.connect(next((cage.WORK / "broker").glob("*.db")), isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        began, before = time.monotonic(), stream.total
        with pytest.raises((proc.Failed, OSError)):
            world.console.call("POST", "/sites", {"name": "never"})
        assert time.monotonic() - began < 20
        assert stream.ended is None and stream.total > before, "a session hung on the store"
        db.execute("ROLLBACK")
    db.close()
    assert world.console.call("POST", "/sites", {"name": f"after-{time.monotonic_ns()}"})
    assert "never" not in {s["name"] for s in world.console.call("GET", "/sites")["items"]}
    stream.connection.close()
    chain_is_whole(world)
