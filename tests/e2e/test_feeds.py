"""Posture feeds: what a vendor says of a device decides, ages when the vendor is silent, and is never a guess.

    agent (serial PF-ANNA-1) ── broker ── vendor.example.test:9553 (tests/evil/vendor.py)
"""

import datetime
import json
import socket
import subprocess
import sys
import time

import pytest

from harness import cage, proc, world as worlds
from harness.wire import dial

NAME, PORT, SECRET = "vendor.example.test", 9553, "client-secret-Zx81-0123456789"
SERIAL = "PF-ANNA-1"

POLICY = """\
version: 1
limits: {{session_max: 12h, idle: 30m}}
policies:
  - name: private-apps
    apps: {{labels: {{tier: internal}}}}
    allow:
      - name: staff
        when:
          groups: [builtin/staff]
          mfa: {{max_age: 12h}}
          {more}
"""
SCORE = "score: {feed: falcon, field: overall, at_least: 70, max_age: 24h}"
COMPLIANT = "posture: [{signal: intune:compliance, one_of: [compliant, inGracePeriod], assurance: vendor}]"


def ago(seconds):
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assessment(serial, overall, age=60, aid=1):
    return {"aid": f"{aid:032x}", "cid": "c", "system_serial_number": serial, "modified_time": ago(age), "sensor_file_status": "deployed",
            "assessment": {"os": 90, "overall": overall, "sensor_config": 80, "version": "3.1.0"}}


def managed(serial, state, n=1, **more):
    return {"id": f"d{n}", "serialNumber": serial, "complianceState": state, "lastSyncDateTime": ago(60), "osVersion": "24.04", **more}


class Vendor:
    def __init__(self, world):
        self.world, self.folder = world, cage.WORK / "vendor"
        self.folder.mkdir()
        self._certificate(cage.WORK / "tls")
        self.url = f"https://{NAME}:{PORT}"
        self.said = {"secret": SECRET}
        self.says()
        cage.add_host(world.public, NAME)
        self.program = proc.Program(world.edge, [sys.executable, worlds.TOP / "tests/evil/vendor.py", world.public, PORT, self.folder],
                                    world.logs / "vendor.log")
        proc.until("the vendor listens", 20, lambda: world.edge.run(lambda: socket.create_connection((world.public, PORT), 2).close() is None))

    def _certificate(self, ca):
        """Of its name, by the CA that the broker's configuration has as its ca_file."""
        run = lambda *a: subprocess.run(["openssl", *map(str, a)], check=True, capture_output=True, cwd=self.folder)
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj", f"/CN={NAME}")
        (self.folder / "ext").write_text(f"subjectAltName=DNS:{NAME}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
        run("x509", "-req", "-in", "csr.pem", "-CA", ca / "ca.pem", "-CAkey", ca / "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "2",
            "-extfile", "ext")

    def says(self, **what):
        """From the next request on. `mode` as vendor.py has it."""
        self.said = {**self.said, "mode": {}, **what}
        new = self.folder / "says.new"
        new.write_text(json.dumps(self.said))
        new.rename(self.folder / "says.json")
        (self.folder / "asked.jsonl").write_text("")

    def asked(self):
        return [json.loads(line) for line in (self.folder / "asked.jsonl").read_text().splitlines()]


class Feed:
    """One feed as its administrator has it."""

    def __init__(self, world, vendor, name):
        self.world, self.vendor, self.name = world, vendor, name
        self.account = {"base_url": vendor.url, "login_url": vendor.url, "client_id": "client-1", "interval_ms": 300000}
        if name == "intune":
            self.account["tenant"] = "example.test"

    def put(self, expect=(200,), **more):
        return self.world.console.call("PUT", f"/feeds/{self.name}", {**self.account, "secret": SECRET, **more}, expect=expect)

    def get(self):
        return self.world.console.call("GET", f"/feeds/{self.name}")

    def sync(self, state="ok"):
        """Asks now, and waits for what comes of it."""
        before = self.get()
        self.world.console.call("POST", f"/feeds/{self.name}/sync")
        proc.until(f"{self.name} was asked", 60, lambda: (self.get()["tried_at"] or "") > (before["tried_at"] or "") and not self.get()["busy"])
        now = self.get()
        assert now["state"] == state, now
        return now

    def says(self, state="ok", **what):
        self.vendor.says(**what)
        return self.sync(state)

    def not_joined(self):
        return {(u["serial"], u["why"]) for u in self.world.console.call("GET", f"/feeds/{self.name}/not-joined")["items"]}

    def remove(self):
        self.world.console.call("DELETE", f"/feeds/{self.name}", expect=(204, 404))


def with_serial(user, serial):
    """The same person's agent on a machine that says `serial`; it is said at a login."""
    root = cage.WORK / f"machine-{user.name}"
    dmi = root / "sys/class/dmi/id"
    dmi.mkdir(parents=True, exist_ok=True)
    (dmi / "product_serial").write_text(serial + "\n")
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    user.agent._env["SALLYPORT_POSTURE_ROOT"] = str(root)
    user.agent.stop()
    user.restart_agent()
    user.login()


@pytest.fixture(scope="module")
def vendor(world, anna):
    one = Vendor(world)
    with_serial(anna, SERIAL)
    yield one
    for name in ("crowdstrike", "intune"):
        world.console.call("DELETE", f"/feeds/{name}", expect=(204, 404))
    world.console.put_policy(worlds.POLICY)
    del anna.agent._env["SALLYPORT_POSTURE_ROOT"]
    anna.agent.stop()
    anna.restart_agent()
    anna.login()
    one.program.stop()


def restart(world):
    assert world.broker.stop(30) == 0
    world.restart(world.broker)
    world.wait_standing(world.console)


@pytest.fixture
def falcon(world, vendor):
    feed = Feed(world, vendor, "crowdstrike")
    vendor.says(falcon=[assessment(SERIAL, 82)])
    feed.put()
    proc.until("it was asked", 60, lambda: feed.get()["state"] == "ok" and not feed.get()["busy"])
    world.console.put_policy(POLICY.format(more=SCORE))
    yield feed
    world.console.put_policy(worlds.POLICY)
    feed.remove()


@pytest.fixture
def intune(world, vendor):
    feed = Feed(world, vendor, "intune")
    vendor.says(intune=[managed(SERIAL, "compliant")])
    feed.put()
    proc.until("it was asked", 60, lambda: feed.get()["state"] == "ok" and not feed.get()["busy"])
    yield feed
    world.console.put_policy(worlds.POLICY)
    feed.remove()


def signals(world, user):
    device = proc.until(f"{user.name}'s device is connected", 30, lambda: next((
        d for d in world.console.call("GET", "/devices?limit=200")["items"] if d["user"] and d["user"]["name"] == user.name and d["online"]), None))
    return {s["signal"]: s for s in world.console.call("GET", f"/devices/{device['id']}")["signals"]}


def ends(live, seconds):
    """The connection ends within so long; what it still brings is thrown away."""
    live.settimeout(seconds)
    try:
        while live.recv(4096):
            pass
    except ConnectionError:
        pass


# ---- the account ----

def test_an_account_is_kept_only_after_it_worked(world, vendor):
    feed = Feed(world, vendor, "crowdstrike")
    vendor.says(falcon=[assessment(SERIAL, 82)])
    refused = feed.put(expect=(422,), secret="wrong")
    assert refused["code"] == "feed_test" and refused["detail"] == (
        "Feed crowdstrike answered 401: the secret is wrong or revoked. Enter a new one, then test."), refused
    world.console.call("GET", "/feeds/crowdstrike", expect=(404,))
    kept = feed.put(secret="wrong", untested="the vendor has its day off")
    assert kept["state"] == "not_asked" and "wrong" not in json.dumps(kept)
    proc.until("it fails", 30, lambda: feed.get()["state"] == "failing")
    assert any("day off" in r["text"] for r in world.console.audit(action="feed.change"))
    assert any("answered 401" in r["text"] for r in world.console.audit(action="feed.state"))
    checks = {c["name"]: c["ok"] for c in world.console.call("GET", "/health")["checks"]}
    assert checks["feed crowdstrike"] is False, checks
    # rotate: a wrong one changes nothing, the right one mends it at once
    world.console.call("POST", "/feeds/crowdstrike/secret", {"secret": "wrong too"}, expect=(422,))
    world.console.call("POST", "/feeds/crowdstrike/secret", {"secret": SECRET})
    proc.until("it works", 30, lambda: feed.get()["state"] == "ok")
    assert world.console.call("POST", "/feeds/crowdstrike/test")["ok"] is True
    # the secret goes where it was given for, and nowhere else
    elsewhere = {**feed.account, "base_url": "https://elsewhere.example.test"}
    refused = world.console.call("PUT", "/feeds/crowdstrike", elsewhere, expect=(400,))
    assert refused["field"] == "secret", refused
    vendor.says(mode={"queries": "403"})
    tested = world.console.call("POST", "/feeds/crowdstrike/test")
    assert not tested["ok"] and tested["status"] == 403 and "Zero Trust Assessment: Read" in tested["text"], tested
    feed.remove()
    assert world.console.call("GET", "/feeds")["items"] == []
    store = b"".join(p.read_bytes() for p in (cage.WORK / "broker").glob("store.db*"))
    assert SECRET.encode() not in store and SECRET not in world.broker.text()


@pytest.mark.parametrize("wrong, field", [
    ({"base_url": "http://vendor.example.test"}, "base_url"), ({"base_url": "https://vendor.example.test/path"}, "base_url"),
    ({"base_url": "https://a:b@vendor.example.test"}, "base_url"), ({"region": "us-1"}, "region"), ({"client_id": "a b"}, "client_id"),
    ({"tenant": "x"}, "tenant"), ({"interval_ms": 299999}, "interval_ms"), ({"interval_ms": 86400001}, "interval_ms"),
    ({"ttl_ms": 299999}, "ttl_ms"), ({"secret": ""}, "secret")])
def test_a_field_that_is_wrong_is_named(world, vendor, wrong, field):
    answer = Feed(world, vendor, "crowdstrike").put(expect=(400,), **wrong)
    assert answer["field"] == field, answer


def test_the_command_line_takes_the_secret_from_a_file_only(world, vendor, ada):
    def admin(*words, expect=0):
        done = proc.command(world.client, [world.bin / "sallyport-admin", *words], user=ada.name, env=ada.env, cwd=str(ada.home))
        assert done.code == expect, done
        return done.out

    vendor.says(falcon=[assessment(SERIAL, 82)])
    ada.login()  # who changes it needs a code that is at most 5 minutes old
    file = world.write(cage.WORK / "etc" / "feed.secret", SECRET + "\n", "ada")
    out = admin("feed", "add", "crowdstrike", "--client-id", "client-1", "--base-url", vendor.url, "--secret-file", str(file), "--interval", "5m")
    assert "kept" in out and SECRET not in out
    proc.until("it works", 30, lambda: json.loads(admin("--json", "feed", "show", "crowdstrike"))["state"] == "ok")
    assert "crowdstrike" in admin("feed", "list") and "1 device on the first page" in admin("feed", "test", "crowdstrike")
    assert json.loads(admin("--json", "feed", "set", "crowdstrike", "--ttl", "1h"))["ttl_ms"] == 3600000
    assert json.loads(admin("--json", "feed", "secret", "crowdstrike", "--secret-file", str(file)))["client_id"] == "client-1"
    assert json.loads(admin("--json", "feed", "test", "crowdstrike"))["ok"] is True
    admin("--json", "feed", "sync", "crowdstrike")
    assert json.loads(admin("--json", "feed", "unjoined", "crowdstrike"))["total"] == 0
    file.chmod(0o644)
    admin("feed", "secret", "crowdstrike", "--secret-file", str(file), expect=2)
    assert SECRET not in admin("--json", "feed", "add", "crowdstrike", "--client-id", "client-1", "--base-url", vendor.url, "--untested", "a second time",
                               "--secret-file", str(world.write(file, SECRET, "ada")))
    admin("--json", "feed", "remove", "crowdstrike")
    assert json.loads(admin("--json", "feed", "list"))["items"] == []


# ---- decisions ----

def test_FLT_12_a_low_score_denies_and_a_better_one_lets_in(world, vendor, falcon, anna):
    anna.run("down", "echo")
    assert anna.run("up", "echo").code == 0
    seen = signals(world, anna)["falcon:overall"]
    assert seen["value"] == 82 and seen["source"] == "falcon" and seen["assurance"] == "vendor", seen
    anna.run("down", "echo")
    falcon.says(falcon=[assessment(SERIAL, 40)])
    done = anna.run("up", "echo")
    assert done.code == 7 and "CrowdStrike score" in done.err and "40" in done.err, done
    falcon.says(falcon=[assessment(SERIAL, 71)])
    assert anna.run("up", "echo").code == 0


def test_FLT_12_a_score_that_falls_cuts_the_live_session(world, vendor, falcon, anna):
    with dial(world, anna, "echo") as live:
        live.settimeout(20)
        live.sendall(b"x")
        assert live.recv(1) == b"x"
        vendor.says(falcon=[assessment(SERIAL, 12)])
        world.console.call("POST", "/feeds/crowdstrike/sync")
        ends(live, 30)
    proc.until("the record of the cut", 10, lambda: "policy" in [r["text"] for r in world.console.audit(action="session.cut")[:5]])
    done = anna.run("up", "echo")
    assert done.code == 7 and "CrowdStrike score: 12" in done.err, done


def test_FLT_12_a_value_of_yesterday_is_unknown_and_says_its_age(world, vendor, falcon, anna):
    falcon.says(falcon=[assessment(SERIAL, 82, age=25 * 3600 + 60)])
    anna.run("down", "echo")
    done = anna.run("up", "echo")
    assert done.code == 7 and "CrowdStrike score: unknown, last value 25 h ago." in done.err, done
    assert "Check that the sensor runs" in done.err, done


def test_FLT_12_an_outage_lets_values_age_and_then_denies(world, vendor, falcon, anna):
    world.console.put_policy(POLICY.format(more=SCORE.replace("24h", "40s")))
    falcon.says(falcon=[assessment(SERIAL, 82, age=0)])
    began = time.monotonic()
    anna.run("down", "echo")
    with dial(world, anna, "echo") as live:
        vendor.says(mode={"": "503"})
        now = falcon.sync("failing")
        assert "answered 503" in now["text"] and now["failing_since"] and now["ok_at"], now
        if time.monotonic() - began < 25:  # an outage alone ends nothing
            live.settimeout(20)
            live.sendall(b"x")
            assert live.recv(1) == b"x"
        ends(live, 60)
    done = anna.run("up", "echo")
    assert done.code == 7 and "CrowdStrike score: unknown, last value" in done.err, done
    falcon.says(falcon=[assessment(SERIAL, 82, age=0)])
    assert anna.run("up", "echo").code == 0


def test_FLT_12_retry_after_is_obeyed(world, vendor, falcon):
    now = falcon.says("failing", mode={"": "429"})
    wait = (datetime.datetime.fromisoformat(now["next_at"]) - datetime.datetime.now(datetime.UTC)).total_seconds()
    assert 3500 < wait < 4000 and "asked too often" in now["text"], now
    asked = len(vendor.asked())
    world.console.call("POST", "/feeds/crowdstrike/sync")
    restart(world)
    time.sleep(2)  # the wait is what is proved: nobody asked
    assert len(vendor.asked()) == asked
    vendor.says()
    assert world.console.call("POST", "/feeds/crowdstrike/secret", {"secret": SECRET})["state"] == "failing"
    proc.until("it works", 30, lambda: falcon.get()["state"] == "ok")


def test_FLT_12_values_outlive_a_restart_and_a_removal_with_their_age(world, vendor, falcon, anna):
    world.console.put_policy(worlds.POLICY)
    falcon.remove()
    restart(world)
    seen = signals(world, anna)["falcon:overall"]
    assert seen["value"] == 82 and not seen["stale"], seen


# ---- bad days ----

@pytest.mark.parametrize("where, mode, words", [
    ("token", "401", "answered 401"), ("token", "500", "answered 500"), ("token", "redirect", "answered 308"), ("token", "broken", "bearer token"),
    ("token", "10 MiB", "not read"), ("queries", "403", "lacks the permission"), ("queries", "404", "answered 404"), ("queries", "cut", "not read"),
    ("queries", "10 MiB", "not read"), ("queries", "broken", "no JSON"), ("queries", "html", "no JSON"), ("queries", "deep", "too deep"),
    ("entities", "no list", "no list"), ("entities", "hang", "not read"), ("entities", "500", "answered 500")])
def test_FLT_12_a_bad_answer_changes_nothing(world, vendor, falcon, anna, where, mode, words):
    now = falcon.says("failing", falcon=[assessment(SERIAL, 3)], mode={where: mode})
    assert words in now["text"], now
    seen = signals(world, anna)["falcon:overall"]
    assert seen["value"] == 82 and not seen["stale"], seen
    assert world.broker.alive()


@pytest.mark.parametrize("mode, words", [("elsewhere", "another host"), ("plain http", "another host"), ("circle", "leads to itself")])
def test_FLT_12_the_next_page_leads_nowhere_else(world, vendor, intune, mode, words):
    vendor.says(mode={"managedDevices": mode})
    now = intune.sync("failing")
    assert words in now["text"], now


# ---- whose it is ----

def test_FLT_12_what_could_be_two_devices_is_none(world, vendor, falcon, anna, carl):
    now = falcon.says(falcon=[assessment(SERIAL, 90, aid=1), assessment("NOBODY-7", 90, aid=2), assessment("To be filled by O.E.M.", 90, aid=3),
                              assessment("", 90, aid=4), assessment("TWICE-1", 90, aid=5), assessment("twice-1", 90, aid=6)])
    assert now["devices"] == {"told": 6, "joined": 1, "not_joined": 5}, now
    assert falcon.not_joined() == {("NOBODY-7", "no_device"), ("To be filled by O.E.M.", "placeholder"), (None, "no_serial"),
                                   ("TWICE-1", "two_records"), ("twice-1", "two_records")}
    assert signals(world, anna)["falcon:overall"]["value"] == 90
    with_serial(carl, SERIAL.lower())
    try:
        assert falcon.says(falcon=[assessment(SERIAL, 12)])["devices"]["joined"] == 0
        assert falcon.not_joined() == {(SERIAL, "two_devices")}
        assert signals(world, anna)["falcon:overall"]["value"] == 90
    finally:
        with_serial(carl, "PF-CARL-2")
        del carl.agent._env["SALLYPORT_POSTURE_ROOT"]
        carl.agent.stop()
        carl.restart_agent()


# ---- Intune ----

def test_FLT_12_compliance_decides_and_words_that_nobody_knows_do_not(world, vendor, intune, anna):
    world.console.put_policy(POLICY.format(more=COMPLIANT))
    for state, code in (("compliant", 0), ("noncompliant", 7), ("inGracePeriod", 0), ("unknownFutureValue", 7), ("compliant", 0), (None, 7)):
        others = [managed(f"OTHER-{n}", "compliant", n) for n in (11, 12, 13, 14)]
        now = intune.says(intune=[*others, managed(SERIAL, state)])
        assert now["devices"] == {"told": 5, "joined": 1, "not_joined": 4}, now
        anna.run("down", "echo")
        done = anna.run("up", "echo")
        assert done.code == code, (state, done)
        assert code == 0 or "ompliance with the device management" in done.err, (state, done)


def test_TM_11_the_device_management_outvotes_the_agent(world, vendor, intune, anna):
    world.console.put_policy(POLICY.format(more="posture: [{signal: disk_encryption, assurance: self}]"))
    intune.says(intune=[managed(SERIAL, "compliant", isEncrypted=False)])
    anna.run("down", "echo")
    done = anna.run("up", "echo")
    assert done.code == 7 and "Disk encryption: off, says the device management" in done.err, done
    seen = signals(world, anna)["disk_encryption"]
    assert seen["source"] == "intune" and seen["verdict"] == "fail", seen
