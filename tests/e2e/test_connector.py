"""The connector's own part: it tests apps for the console, reads its floor again when the file changes, says why."""

import json
import socket
import tarfile
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


@pytest.fixture
def config(world):
    path = cage.WORK / "etc" / "c1.yaml"
    before = path.read_text()

    def put(text):
        new = path.with_suffix(".new")
        world.write(new, text, "connector")
        new.rename(path)
    yield put, before
    put(before)


def test_the_configuration_is_read_again_when_its_file_changes(world, config):
    put, before = config
    log = lambda: [json.loads(line) for line in world.connectors[0].text().splitlines() if "config.load" in line]
    seen = len(log())
    put(before + "nonsense: 1\n")
    proc.until("the mistake is said", 10, lambda: len(log()) == seen + 1)
    assert log()[-1]["level"] == "error" and "nonsense" in log()[-1]["text"], log()[-1]
    put(before + "log: debug\n")
    proc.until("the new one is in force", 10, lambda: len(log()) == seen + 2)
    assert log()[-1]["level"] == "info", log()[-1]
    assert dial_of(world, "echo")["result"] == "ok"


# ---- what the programs on the two machines say ----

def connector(world, *arguments):
    return proc.command(world.connector_node, [world.bin / "sallyport-connector", *arguments, "--config", cage.WORK / "etc" / "c1.yaml"],
                        user="connector", cwd=str(cage.WORK / "c1"), seconds=40)


def relay(world, *arguments):
    return proc.command(world.edge, [world.bin / "sallyport-relay", *arguments, "--config", cage.WORK / "etc" / "relay.yaml"],
                        user="broker", cwd=str(cage.WORK / "relay"), seconds=40)


def rows(done):
    return [(c["state"], c["component"], c["target"], c["details"]) for c in json.loads(done.out)["checks"]]


def test_the_connectors_doctor_dials_every_app_and_names_what_fails(world):
    done = connector(world, "doctor", "--json")
    assert done.code == 1, done  # off-floor is an app that this floor refuses
    found = rows(done)
    assert [r for r in found if r[0] == "FAIL"] == [("FAIL", "App", "off-floor", "floor")], found
    assert ("PASS", "App", "echo", "connected") in found
    for component in ("Config", "State", "Floor", "Proxy", "DNS", "TCP", "TLS", "HTTP", "Program", "Control", "Relay"):
        assert any(r[:2] == ("PASS", component) for r in found), (component, found)


def test_the_relays_doctor_status_and_health(world):
    done = relay(world, "doctor", "--json")
    assert done.code == 0, done
    assert {r[1] for r in rows(done)} >= {"Config", "State", "Program", "Control", "Port", "Connectors"}, done
    said = json.loads(relay(world, "status", "--json").out)
    assert said["schema"] == "sallyport.relay.status/v1" and said["control"] == "connected" and said["connectors"] >= 1, said
    assert relay(world, "health").code == 0


@pytest.mark.parametrize("which", ["connector", "relay"])
def test_a_bug_report_holds_no_secret_and_is_listed_first(world, which):
    ask, folder = (connector, cage.WORK / "c1") if which == "connector" else (relay, cage.WORK / "relay")
    path = folder / "report.tar.gz"
    done = ask(world, "bugreport", "--output", path)
    assert done.code == 0 and "doctor.json" in done.err, done
    with tarfile.open(path) as tar:
        texts = {m.name.rsplit("/")[-1]: tar.extractfile(m).read().decode() for m in tar.getmembers()}
    assert {"about.json", "doctor.json", "status.json"} <= set(texts), texts.keys()
    everything = "".join(texts.values())
    assert "v4.public." not in everything and "spe_" not in everything and "PRIVATE KEY" not in everything
    assert ask(world, "bugreport", "--output", path).code == 1, "an old report is replaced"
    path.unlink()


def test_a_relay_that_is_told_to_drain_ends_with_its_last_session(world, anna):
    with dial(world, anna, "echo") as c:
        c.sendall(b"x")
        assert c.recv(1) == b"x"
        done = relay(world, "drain", "--json")
        assert done.code == 0 and json.loads(done.out)["sessions"] >= 1, done
        assert relay(world, "health").code == 8
        time.sleep(0.5)
        assert world.relay.alive(), "a drain cuts nobody"
        c.sendall(b"y")
        assert c.recv(1) == b"y"
        world.console.call("POST", "/sessions/kill", {"by": "user", "id": next(
            u["id"] for u in world.console.call("GET", "/users")["items"] if "anna" in u["name"]), "reason": "drain"})
    assert world.relay.wait_exit(20) == 0
    assert relay(world, "status").code == 8
    world.restart(world.relay)
    proc.until("the app answers again", 30, lambda: anna.run("up", "echo").code == 0 and dial_of(world, "echo")["result"] == "ok")
