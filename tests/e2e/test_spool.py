"""GATEWAY section 13: what a connector refuses is in the audit log, each time and once, whatever falls meanwhile.

    curl ── agent ══ relay ══ connector (gateway) ── recorder
                                 │ spool ═ control channel ═ broker

A refusal is a 405 of the gateway; its decision id is in the answer and in the record. Each test leaves the world whole again.
"""

import contextlib
import json
import re
import subprocess
import time

import pytest

from harness import cage, proc
from test_faults import chain_is_whole, works
from test_gateway import visible
from test_stations import failpoints

GATEWAY = "methods: [GET]\n"


@pytest.fixture(scope="module")
def base(world, anna):
    world.wait_app(world.apps["recorder"])
    record = world.console.add_app("spooled", world.site, world.private, world.apps["recorder"].port, "http", gateway=GATEWAY)
    visible(anna, "spooled")
    address, port = anna.address_of("spooled")
    yield f"http://{address}:{port}"
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def refuse(person, base, count):
    """So many refused requests; their decision ids."""
    if count == 1:
        assert person.run("up", "spooled").code == 0
    done = person.shell("curl", "-sS", "-o", "/dev/null", "-D", "-", "--max-time", "90", "-X", "DELETE", f"{base}/n[1-{count}]", seconds=120)
    assert done.code == 0, done
    assert len(re.findall(r"^HTTP/1.1 405", done.out, re.M)) == count, done.out[-500:]
    ids = re.findall(r"^sallyport-decision: ([0-9a-f]{16})", done.out, re.M | re.I)
    assert len(set(ids)) == count
    return ids


def records(world, since, person):
    """All gateway.refuse of the time that name the person, page by page."""
    who = next(u["id"] for u in world.console.call("GET", "/users")["items"] if person.name in u["name"])
    found, after = [], ""
    while True:
        page = world.console.call("GET", f"/audit?limit=200&action=gateway.refuse&user={who}{after}")
        found += page["items"]
        if not page.get("next") or not page["items"] or page["items"][-1]["time"] < since:
            return [r for r in found if r["time"] >= since]
        after = f"&after={page['next']}"


def left_out_of(record):
    """How many refusals share this record, beside its own."""
    found = re.search(r'"left_out": (\d+)', json.dumps(record))
    return int(found[1]) if found else 0


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def each_once(world, since, person, ids, seconds=60):
    """Every refusal has its record, which names its person: this one, and no second."""
    def all_there():
        text = json.dumps(records(world, since, person))
        return all(id in text for id in ids)
    proc.until(f"{len(ids)} refusals are in the audit log", seconds, all_there)
    time.sleep(1)  # what comes twice would come now
    told = [json.dumps(r) for r in records(world, since, person)]
    for id in ids:
        assert sum(id in r for r in told) == 1, f"{id} is there {sum(id in r for r in told)} times"


def status(world):
    done = proc.command(world.connector_node, [world.bin / "sallyport-connector", "status", "--json", "--config", cage.WORK / "etc" / "c1.yaml"],
                        user="connector")
    assert done.code == 0, done
    return json.loads(done.out)["audit"]


def test_refusals_while_the_broker_is_gone_are_recorded_once(world, anna, base):
    refuse(anna, base, 1)  # the session is up
    since = now()
    world.broker.kill9()
    ids = refuse(anna, base, 300)
    proc.until("they wait on the disk", 10, lambda: status(world)["waiting"] >= 300)
    waits = status(world)
    assert waits["oldest"] > 0 and waits["bytes"] > 300 * 200 and waits["disk"] == "ok" and not waits["refusing"], waits
    world.restart(world.broker)
    each_once(world, since, anna, ids)
    proc.until("nothing waits any more", 20, lambda: status(world)["waiting"] == 0)
    metrics = proc.command(world.edge, ["curl", "-sS", "http://127.0.0.1:7480/metrics"]).out
    assert 'sallyport_audit_spool_records{connector="c1"} 0' in metrics, metrics[-2000:]
    assert 'sallyport_audit_spool_dropped_total{connector="c1"} 0' in metrics
    chain_is_whole(world)


def test_a_flood_of_refusals_shares_records_that_count_them(world, anna, base):
    """Beyond REFUSALS_BURST (connector/refusals.h) and ten a second; none is lost, each is in one record or counted in one."""
    refuse(anna, base, 1)
    since = now()
    ids = refuse(anna, base, 1500)

    def counted():
        told = records(world, since, anna)
        left_out = sum(left_out_of(r) for r in told)
        return len(told) + left_out >= len(ids) and (told, left_out)
    told, left_out = proc.until("all refusals are told or counted", 90, counted)
    assert left_out > 0 and len(told) + left_out <= len(ids) + 1, (len(told), left_out)  # the one before may be of that second
    assert not status(world)["refusing"]
    anna.run("down", "spooled")  # another session has a burst of its own


def test_records_of_a_session_that_is_over_name_its_person(world, anna, base):
    refuse(anna, base, 1)
    since = now()
    world.broker.kill9()
    ids = refuse(anna, base, 5)
    anna.run("down", "spooled")
    world.restart(world.broker)
    each_once(world, since, anna, ids)
    works(world, anna)


def test_FLT_01_kill_9_of_the_connector_loses_no_record_and_doubles_none(world, anna, base):
    refuse(anna, base, 1)
    since = now()
    world.broker.kill9()
    ids = refuse(anna, base, 100)
    proc.until("they wait on the disk", 10, lambda: status(world)["waiting"] >= 100 and status(world)["bytes"] > 100 * 200)
    connector = world.connectors[0]
    connector.kill9()
    torn = sorted((cage.WORK / "c1" / "audit").glob("*.log"))[-1]
    with open(torn, "ab") as f:
        f.write(b"\0\0\0\x40garbage that a crash left")
    assert torn.stat().st_mode & 0o777 == 0o600
    connector.start()
    proc.until("it found them again", 20, lambda: status(world)["waiting"] >= 100)
    assert status(world)["unread"] > 0
    world.restart(world.broker)
    each_once(world, since, anna, ids)
    world.wait_standing(world.console)
    works(world, anna)


@pytest.mark.parametrize("station", ["store:job", "store:commit", "store:committed"])
def test_FLT_01_the_broker_dies_within_a_batch(world, anna, base, station):
    """Before, at and behind the commit: the connector hears of none of them, and says the batch again."""
    with failpoints(world, world.broker) as arm:
        works(world, anna)
        refuse(anna, base, 1)
        since = now()
        arm(f"{station} exit\n")
        ids = refuse(anna, base, 60)
        assert world.broker.wait_exit(20) == -9
        arm("")
        world.restart(world.broker)
        each_once(world, since, anna, ids)
        chain_is_whole(world)
    works(world, anna)


def test_FLT_05_a_full_disk_of_the_connector_takes_no_new_session_and_says_so(world, anna, base):
    """The spool on a disk of its own, filled up: running sessions go on and their refusals reach the broker; a new one is told
    the reason; with room again all is as before."""
    folder = cage.WORK / "c1" / "audit"
    connector = world.connectors[0]
    assert connector.stop(20) == 0
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = cage.PEOPLE["connector"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,mode=700,uid={owner},gid={owner}", "small", folder], check=True)
    try:
        world.restart(connector)
        world.wait_standing(world.console)
        works(world, anna)
        refuse(anna, base, 1)
        since = now()
        with open(folder / "filler", "wb", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(b"\0" * 4096)
        ids = refuse(anna, base, 40)
        proc.until("it refuses", 10, lambda: status(world)["refusing"])
        assert status(world)["disk"] == "no space is left"
        each_once(world, since, anna, ids)
        doctor = proc.command(world.connector_node, [world.bin / "sallyport-connector", "doctor", "--json", "--config",
                                                     cage.WORK / "etc" / "c1.yaml"], user="connector")
        row = next(c for c in json.loads(doctor.out)["checks"] if c["component"] == "Audit")
        assert row["state"] == "FAIL" and "no new session" in row["action"], row
        anna.run("down", "notes")
        done = anna.run("--json", "up", "notes", seconds=90)
        assert done.code == 5 and json.loads(done.out or done.err)["code"] == "audit", done
        refused = proc.until("the refusal is recorded", 20, lambda: [
            r for r in world.console.audit(action="session.refuse") if r["time"] >= since and '"audit"' in json.dumps(r)])
        assert "notes" in json.dumps(refused[0]), refused[0]
        refuse(anna, base, 1)  # the running session goes on
        (folder / "filler").unlink()
        proc.until("it takes sessions again", 10, lambda: not status(world)["refusing"])
        works(world, anna)
    finally:
        connector.stop(20)
        subprocess.run(["umount", folder], check=True)
        world.restart(connector)
        world.wait_standing(world.console)
    works(world, anna)
