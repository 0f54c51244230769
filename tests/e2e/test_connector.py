"""The connector's own part: it tests apps for the console, reads its floor again when the file changes, says why."""

import socket
import time

import pytest

from harness import cage, proc
from harness.wire import dial, read_all


def dial_of(world, app, connector="c1"):
    results = world.console.call("POST", f"/apps/{world.records[app]['id']}/test")["results"]
    return next(r for r in results if r["connector"]["name"] == connector)


def test_the_console_tests_an_app_from_its_connector(world):
    answer = dial_of(world, "echo")
    assert answer["result"] == "ok", answer
    assert answer["address"] == f"{world.private}:7001" and answer["took_ms"] >= 0, answer


def test_a_target_that_the_floor_refuses_is_said_with_its_reason(world):
    answer = dial_of(world, "off-floor")
    assert answer["result"] == "floor", answer
    assert "floor" in answer["text"] and answer["address"] == f"{world.private}:7008", answer


def test_a_target_where_nobody_listens_is_refused(world):
    record = world.console.add_app("nobody", world.site, world.private, 7007)
    world.records["nobody"] = record
    program = world.apps["fieldapp"].program
    program.stop()
    try:
        assert dial_of(world, "nobody")["result"] == "refused"
        assert dial_of(world, "echo")["result"] == "refused"
    finally:
        program.start()
        world.wait_app(world.apps["fieldapp"])
        world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})
    assert dial_of(world, "echo")["result"] == "ok"


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def audit_of(world, since, action, app):
    return next((r for r in world.console.audit(action=action) if r["time"] >= since and app in str(r)), None)


@pytest.fixture
def floor(world):
    """Writes the connector's floor file, as an administrator of that machine would: no signal, no restart."""
    path = cage.WORK / "etc" / "c1.floor"
    before = path.read_text()

    def put(text):
        new = path.with_suffix(".new")
        world.write(new, text, "connector")
        new.rename(path)
    yield put
    put(before)
    proc.until("the floor is as before", 10, lambda: dial_of(world, "echo")["result"] == "ok")


def test_the_floor_is_in_force_when_its_file_changes(world, anna, floor):
    with dial(world, anna, "echo") as c:
        c.sendall(b"x")
        assert c.recv(1) == b"x"
        floor(f"allow {world.private}:22\n")
        c.settimeout(5)
        try:
            assert c.recv(1) == b"", "a session outlived the floor that allowed it"
        except ConnectionResetError:
            pass
    assert dial_of(world, "echo")["result"] == "floor"
    done = anna.run("connect", "--stdio", "echo", stdin=b"x")
    assert done.code == 5 and "floor" in done.err.lower(), done


def test_a_floor_refusal_is_in_the_audit_log_with_who_and_why(world, anna):
    since = now()
    assert anna.run("connect", "--stdio", "off-floor", stdin=b"x").code == 5
    record = proc.until("the connector's refusal is in the audit log", 10, audit_of, world, since, "session.refuse", "off-floor")
    assert record["result"] == "denied" and "floor" in record["text"], record
    assert record["actor"]["kind"] == "connector" and record["actor"]["name"] == "c1", record
    who = next(u["id"] for u in world.console.call("GET", "/users")["items"] if "anna" in u["name"])
    assert record in world.console.audit(action="session.refuse", user=who), "the record names the session's user"
    detail = record["details"]
    assert detail["why"] == "floor" and detail["connector"]["address"] == f"{world.private}:7008", record


def test_a_floor_with_a_mistake_changes_nothing(world, anna, floor):
    floor("allow everything please\n")
    proc.until("the mistake is said", 10, lambda: "please" in world.connectors[0].text() or
               "floor.load" in world.connectors[0].tail(5))
    assert dial_of(world, "echo")["result"] == "ok"
    with dial(world, anna, "echo") as c:
        c.sendall(b"still here")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c).startswith(b"still here|")
