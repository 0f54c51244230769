"""kill -9 of each program in mid-transfer, restarts, a lost cable, a full disk: nothing acknowledged is lost, nobody is let in.

Each test leaves the world whole again.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time

import pytest

from harness import cage, net, proc, world as worlds
from harness.wire import dial, read_all
from test_cuts import Stream, session_of


def works(world, user, app="echo"):
    """A fresh connection carries bytes, and a new session, which needs every program, opens."""
    def once():
        with dial(world, user, app) as c:
            c.settimeout(10)
            c.sendall(b"alive")
            c.shutdown(socket.SHUT_WR)
            return read_all(c).startswith(b"alive|")

    def anew():
        user.run("down", "notes")
        return user.run("--json", "up", "notes").code == 0
    proc.until(f"{app} works for {user.name}", 45, once)
    proc.until(f"{user.name} gets a new session", 45, anew)


def chain_is_whole(world):
    done = proc.command(world.edge, [world.bin / "sallyport-broker", "audit", "verify", "--config", world.config], user="broker")
    assert done.code == 0, done
    return done


def test_FLT_01_kill_9_of_the_relay_in_mid_transfer(world, anna):
    stream = Stream(world, anna)
    world.relay.kill9()
    stream._thread.join(10)
    assert stream.ended is not None, "the transfer goes on without a relay"
    world.restart(world.relay)
    works(world, anna)


def test_FLT_01_kill_9_of_the_connector_in_mid_transfer(world, anna):
    stream = Stream(world, anna)
    world.connectors[0].kill9()
    stream._thread.join(10)
    assert stream.ended is not None
    world.restart(world.connectors[0])
    works(world, anna)


def test_FLT_01_kill_9_of_the_agent_in_mid_transfer(world, anna):
    stream = Stream(world, anna)
    anna.agent.kill9()
    stream._thread.join(10)
    assert stream.ended is not None
    proc.until("the broker sees no session", 30, lambda: not [
        s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "source" and s["state"] == "live"])
    anna.restart_agent()
    works(world, anna)


def test_FLT_01_live_sessions_survive_kill_9_of_the_broker_and_nothing_acknowledged_is_lost(world, anna):
    """A crash of the broker cuts nobody: relay and connector keep their tunnels and take orders again."""
    stream = Stream(world, anna)
    site = world.console.call("POST", "/sites", {"name": f"durable-{time.monotonic_ns()}"})
    before = stream.total
    world.broker.kill9()
    time.sleep(1)
    assert stream.ended is None and stream.total > before, "the session died with the broker"
    world.restart(world.broker)
    assert world.console.call("GET", f"/sites/{site['id']}")["name"] == site["name"]
    chain_is_whole(world)
    proc.until("the broker knows the live session again", 40, lambda: session_of(world, "anna", "source"))
    world.console.call("POST", "/sessions/kill", {"by": "app", "id": world.records["source"]["id"], "reason": "after the restart"})
    stream.cut_within(time.monotonic())
    works(world, anna)


def test_an_orderly_restart_of_the_broker_with_live_sessions(world, anna):
    stream = Stream(world, anna)
    assert world.broker.stop(20) == 0
    world.restart(world.broker)
    before = stream.total
    proc.until("bytes still flow", 5, lambda: stream.total > before)
    stream.connection.close()
    works(world, anna)


def test_FLT_01_kill_9_of_the_broker_while_it_writes_loses_nothing_acknowledged(world, anna):
    kept = []
    for _ in range(3):
        for n in range(20):
            name = f"k-{time.monotonic_ns()}"
            kept.append(world.console.call("POST", "/sites", {"name": name}))
        world.broker.kill9()
        world.restart(world.broker)
        chain_is_whole(world)
    for site in kept:
        assert world.console.call("GET", f"/sites/{site['id']}")["name"] == site["name"]
    works(world, anna)


@pytest.mark.parametrize("who", ["access", "outside"])
def test_FLT_14_a_lost_cable_and_back(world, anna, who):
    link = getattr(world, who)
    link.down()
    time.sleep(3)
    link.up()
    if who == "access":
        net.route(world.client, f"{world.public}/32", world.access.b)
    works(world, anna)


def reset_within(connection, seconds):
    """How long until it was reset; a clean end in the middle of a transfer would be a lie."""
    began = time.monotonic()
    connection.settimeout(seconds)
    with pytest.raises(ConnectionResetError):
        while connection.recv(65536):
            pass
        raise AssertionError("a clean end")
    return time.monotonic() - began


def ended(world):
    """How the app saw the last end of an echo."""
    def ask():
        with socket.create_connection((world.private, 7009), 5) as c:
            return read_all(c).decode().strip()
    return world.connector_node.run(ask)


@pytest.mark.parametrize("mode", ["auto", "off"])
@pytest.mark.parametrize("who", ["access", "outside"])
def test_FLT_14_packets_that_vanish_end_in_a_reset_at_both_ends_and_nothing_is_kept(world, anna, who, mode):
    """Half open: no FIN and no RST comes through, on either side of the relay. Each end finds out by itself."""
    record = world.console.add_app(f"vanish-{who}-{mode}", world.site, world.private, 7001, cut_through=mode)
    works(world, anna)
    before = len(os.listdir(f"/proc/{world.relay.pid}/fd"))
    with dial(world, anna, record["name"]) as c:
        c.sendall(b"x")
        assert c.recv(1) == b"x" and ended(world) == "open"
        link, began = getattr(world, who), time.monotonic()
        link.down()
        try:
            took = reset_within(c, 35)
            proc.until("the app is told", 35, lambda: ended(world) != "open")
            assert ended(world) == "reset", ended(world)
            assert max(took, time.monotonic() - began) <= 35, "found after more than 30 s"
        finally:
            link.up()
            if who == "access":
                net.route(world.client, f"{world.public}/32", world.access.b)
    works(world, anna)
    live = lambda: [s for s in world.console.call("GET", "/sessions")["items"] if s["state"] == "live" and s["app"]["name"] == record["name"]]
    proc.until("nothing of it is left at broker and relay", 90,  # spares of before and after the loss stand a while beside each other
               lambda: not live() and len(os.listdir(f"/proc/{world.relay.pid}/fd")) <= before + 8)
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def test_a_second_connector_takes_over(world, anna):
    second = net.Node("connector2")
    out = world._addresses  # a link of its own to the public side and to the applications
    to_edge = net.Link(out, second, world.edge)
    net.route(second, f"{world.public}/32", to_edge.b)
    to_apps = net.Link(out, second, world.apps_node)
    net.route(second, f"{world.private}/32", to_apps.b)
    program = world.enrol_connector(world.console, world.site, "c2", second)
    try:
        world.connectors[0].kill9()
        works(world, anna)
        names = {s["connector"]["name"] for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "echo"}
        assert names == {"c2"}, names
    finally:
        world.restart(world.connectors[0])
        program.stop()
        world.connectors.remove(program)
    works(world, anna)


def test_sigterm_drains_the_connector(world, anna):
    """A stream that is open when the connector is told to end finishes before it does."""
    with dial(world, anna, "echo") as c:
        c.sendall(b"before ")
        assert c.recv(7, socket.MSG_WAITALL) == b"before "
        world.connectors[0].signal(15)
        time.sleep(1)
        c.sendall(b"after")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c).startswith(b"after|")
    assert world.connectors[0].wait_exit(20) == 0
    world.restart(world.connectors[0])
    works(world, anna)


def test_CT_9_FLT_14_C_024_a_peer_that_says_nothing_any_more_is_found_in_both_modes(world, anna):
    """The connector stands still (its machine's kernel still acknowledges): only the PINGs inside can tell."""
    record = world.console.add_app("silent-frames", world.site, world.private, 7001, cut_through="off")
    with dial(world, anna, "echo") as bare, dial(world, anna, "silent-frames") as frames:
        for c in (bare, frames):
            c.sendall(b"x")
            assert c.recv(1) == b"x"
        world.connectors[0].signal(signal.SIGSTOP)
        try:
            began, ends = time.monotonic(), {}
            while len(ends) < 2 and time.monotonic() - began < 40:
                for c in select.select([c for c in (bare, frames) if c not in ends], [], [], 1)[0]:
                    try:
                        assert c.recv(1) == b""
                    except ConnectionResetError:
                        pass
                    ends[c] = time.monotonic() - began
        finally:
            world.connectors[0].signal(signal.SIGCONT)
    assert bare in ends and frames in ends, f"never noticed: {ends}"
    assert max(ends.values()) <= 31, f"found after {ends.values()}"
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})
    works(world, anna)


def test_FLT_04_a_full_disk_lets_nobody_in_and_is_survived(world, anna):
    """The broker's state on a disk of its own, filled up: no decision is durable, so no grant leaves."""
    assert world.broker.stop(20) == 0
    state, small = cage.WORK / "broker", cage.WORK / "broker.whole"
    state.rename(small)
    state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700,uid=20010,gid=20010", "small", state], check=True)
    subprocess.run(["cp", "-a", f"{small}/.", state], check=True)
    try:
        world.restart(world.broker)
        works(world, anna)
        filler = state / "filler"
        with open(filler, "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"\0" * 4096)
        world.console.call("POST", "/sessions/kill", {"by": "app", "id": world.records["kept"]["id"], "reason": "full"}, expect=range(200, 600))
        done = anna.run("connect", "--stdio", "kept", stdin=b"LAST\n", seconds=90)
        assert done.code != 0 and done.out == "", f"somebody was let in without a durable record: {done}"
        filler.unlink()
        works(world, anna)
        chain_is_whole(world)
    finally:
        world.broker.stop(20)
        whole = subprocess.run(["cp", "-a", f"{state}/.", small], check=True)
        assert whole.returncode == 0
        subprocess.run(["umount", state], check=True)
        state.rmdir()
        small.rename(state)
        world.restart(world.broker)
    works(world, anna)


def test_a_key_rotation_keeps_what_runs_and_moves_every_pin(world, anna):
    """Stop, rotate, start: tunnels are the relay's, edges come back and take the new keys."""
    def broker(*words):
        return proc.command(world.edge, [world.bin / "sallyport-broker", *words, "--config", world.config], user="broker")
    assert broker("key", "rotate", "grant").code != 0  # not under a running broker
    before = broker("key", "fingerprint").out.strip()
    held = dial(world, anna, "echo")
    with held:
        held.settimeout(20)
        world.broker.stop()
        for name in ("identity", "grant", "record", "cookie"):
            done = broker("key", "rotate", name)
            assert done.code == 0 and "until" in done.out, done
        world.restart(world.broker)
        world.wait_standing(world.console)
        works(world, anna)
        held.sendall(b"still here")
        held.shutdown(socket.SHUT_WR)
        assert read_all(held).startswith(b"still here|")
    after = broker("key", "fingerprint").out.strip()
    assert before != after
    assert anna.json("key")["broker_identity"] == after  # the agent moved its pin by itself
    rotated = [r["object"]["name"] for r in world.console.audit(action="key.rotate")]
    assert sorted(rotated[:4]) == ["cookie", "grant", "identity", "record"]
    chain_is_whole(world)
