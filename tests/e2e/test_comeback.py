"""What comes back, and how fast: a request while the broker is away, new sessions after its restart, the network's return.

Issue 4, item 5: what reconnects does so within 2 s of the network's return; nothing is left behind by the reconnects.
"""

import json
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from harness import net, proc, world as worlds
from harness.wire import dial, read_all

SLOW = 1.0  # seconds that a program may take to start and to print on this machine, beside what is measured


@pytest.fixture
def policy(world):
    yield world.console.put_policy
    world.console.put_policy(worlds.POLICY)


def half_closed(user):
    """Sockets of the agent whose peer has gone and that it never closed."""
    out = user.world.client.run(lambda: subprocess.run(["ss", "-tnpH", "state", "close-wait"], capture_output=True, text=True).stdout)
    return [line for line in out.splitlines() if f"pid={user.agent.pid}," in line]


def timed(user, *arguments):
    began = time.monotonic()
    done = user.run(*arguments)
    return done, time.monotonic() - began


def ready(world, user):
    proc.until("sessions open", 45, lambda: user.run("up", "notes").code == 0)
    user.run("down", "notes")


def test_a_request_while_the_broker_is_away_waits_for_it(world, anna):
    assert world.broker.stop(20) == 0
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(timed(anna, "--json", "apps"))) for _ in range(3)]
    for thread in asking:
        thread.start()
    time.sleep(1.5)
    world.restart(world.broker)
    for thread in asking:
        thread.join(30)
    assert [done.code for done, _ in answers] == [0, 0, 0], answers
    ready(world, anna)


def test_without_a_broker_the_refusal_is_bounded_and_says_why(world, anna):
    assert world.broker.stop(20) == 0
    try:
        done, took = timed(anna, "apps")
        assert done.code == 8, done
        assert "access.example.test" in done.err and "sallyport doctor" in done.err, done
        assert 5 < took < 7 + SLOW, took
    finally:
        world.restart(world.broker)
    ready(world, anna)


def test_an_agent_in_back_off_dials_when_a_person_asks(world, anna):
    """After half a minute without a broker the waits are long; a request does not sit them out."""
    assert world.broker.stop(20) == 0
    time.sleep(30)
    world.restart(world.broker)
    done, took = timed(anna, "--json", "apps")
    assert done.code == 0, done
    assert took < 1 + SLOW, took
    ready(world, anna)


def test_after_a_restart_of_the_broker_a_new_session_opens_at_once(world, anna):
    took = []
    for stop in (lambda: world.broker.stop(20), world.broker.kill9):
        stop()
        world.restart(world.broker)
        done, seconds = timed(anna, "--json", "up", "notes")
        assert done.code == 0, done
        anna.run("down", "notes")
        took.append(seconds)
    print("new session after a restart:", ", ".join(f"{t:.2f} s" for t in took))
    assert max(took) < 3 + SLOW, took
    assert half_closed(anna) == []


def test_the_channel_is_back_within_2_s_of_the_cables_return(world, anna):
    took = []
    for _ in range(3):
        world.access.down()
        time.sleep(4)
        world.access.up()
        net.route(world.client, f"{world.public}/32", world.access.b)
        began = time.monotonic()
        proc.until("the agent is connected", 10, lambda: anna.json("status")["broker"]["connected"] and timed(anna, "apps")[0].code == 0)
        took.append(time.monotonic() - began)
        with dial(world, anna, "echo") as c:
            c.sendall(b"alive")
            c.shutdown(1)
            assert read_all(c).startswith(b"alive|")
        took[-1] = (took[-1], time.monotonic() - began)
    print("back after the cable:", ", ".join(f"{channel:.2f} s ({stream:.2f} s with a stream)" for channel, stream in took))
    assert max(channel for channel, _ in took) < 2 + SLOW, took
    assert half_closed(anna) == []


def test_an_address_that_leads_nowhere_costs_no_try(world, anna):
    """The name has a second address where nobody listens, and it comes first: the same try goes on with the next."""
    hosts, log = pathlib.Path("/etc/hosts"), world.logs / f"agent-{anna.name}.log"  # the cage's own file
    good = hosts.read_text()
    assert anna.agent.stop(20) == 0
    try:
        hosts.write_text(f"127.0.0.9 access.example.test\n{good}")
        found = [a[4][0] for a in socket.getaddrinfo("access.example.test", 8443, type=socket.SOCK_STREAM)]
        assert found[0] == "127.0.0.9" and len(found) == 2, found
        seen = log.stat().st_size
        anna.restart_agent()
        assert anna.json("status")["broker"]["connected"]
        assert "control.lost" not in log.read_text()[seen:]
    finally:
        hosts.write_text(good)
    ready(world, anna)


def test_a_stricter_mfa_age_on_a_live_session_asks_at_once(world, anna, policy):
    anna.run("down", "notes")
    assert anna.run("up", "notes").code == 0
    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    proc.until("the session is paused", 10, lambda: any(
        s["app"] == "notes" and s["state"] == "paused" for s in anna.json("sessions")["sessions"]))
    done, took = timed(anna, "connect", "notes")
    assert done.code == 6, done
    assert took < SLOW, took
    done, took = timed(anna, "connect", "--stdio", "notes")
    assert done.code == 6 and took < SLOW, (done, took)
    policy(worlds.POLICY)
    proc.until("the session goes on", 10, lambda: any(
        s["app"] == "notes" and s["state"] == "up" for s in anna.json("sessions")["sessions"]))
    anna.run("down", "notes")
