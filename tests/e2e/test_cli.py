"""The command line against a live broker: what it prints, with which exit code, in which form."""

import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from harness import cage, proc, world as worlds
from harness.schema import TOP, check, check_output


def admin(user, *words, expect=0, stdin=None):
    done = proc.command(user.world.client, [user.world.bin / "sallyport-admin", *words], user=user.name, env=user.env,
                        cwd=str(user.home), stdin=stdin)
    assert done.code == expect, done
    return done


@pytest.fixture(scope="module")
def contract(world):
    return world.console.web.api(world.url, "GET", "/api/openapi.json").json()


# ---- every --json of `sallyport` has the form of docs/schemas ----

@pytest.mark.parametrize("words, code", [
    (["status"], 0), (["apps"], 0), (["apps", "wiki"], 0), (["sessions"], 0), (["why", "wiki"], 0), (["why", "nosuch"], 5),
    (["key"], 0), (["posture", "--explain"], 0), (["doctor"], 0), (["up", "wiki"], 0), (["down", "wiki"], 0),
    (["sessions", "end", "--all"], 0), (["config", "ssh"], 0), (["config", "ssh", "--undo"], 0), (["version"], 0), (["help"], 0),
    (["connect", "nosuch"], 5), (["connect", "payroll"], 5), (["sessions", "end", "nosuch"], 9), (["down", "nosuch"], 1),
    (["connect"], 2), (["nosuch"], 2), (["wait", "--app", "wiki"], 0)])
def test_json_has_its_schema_and_the_exit_code_of_the_table(anna, words, code):
    done = anna.run("--json", *words)
    assert done.code == code, done
    for line in done.out.splitlines():
        value = check_output(line)
        if code:
            assert value["schema"] == "sallyport.error/v1" or words[0] == "why", value
            assert value.get("exit", code) == code


def test_posture_says_what_it_does_not_know(anna):
    done = anna.run("--json", "posture", "--send")
    assert done.code == 0, done
    for signal in check_output(done.out)["signals"]:
        assert signal["state"] != "unknown" or signal["reason"], signal
        assert signal["state"] in ("pass", "fail", "unknown") or signal["value"] is not None, signal
        assert signal["source"] and signal["observed"] > 0, signal


def test_nobody_signed_in_is_exit_4_without_asking_the_broker(world, anna):
    env = {**anna.env, "XDG_RUNTIME_DIR": str(anna.home / "other-run"), "XDG_STATE_HOME": str(anna.home / "other-state")}
    (anna.home / "other-run").mkdir(mode=0o700, exist_ok=True)
    os.chown(anna.home / "other-run", anna.uid, anna.uid)
    done = proc.command(world.client, [world.bin / "sallyport", "--json", "apps"], user="anna", env=env, cwd=str(anna.home))
    assert done.code == 4, done
    assert "sallyport login" in done.err
    check_output(done.out)


def test_config_ssh_undo_leaves_no_trace(anna):
    ssh = anna.home / ".ssh"
    before = sorted(str(p.relative_to(anna.home)) for p in ssh.rglob("*")) if ssh.exists() else []
    assert anna.run("config", "ssh").code == 0
    assert (ssh / "config.d" / "sallyport").exists()
    assert anna.run("config", "ssh", "--undo").code == 0
    after = sorted(str(p.relative_to(anna.home)) for p in ssh.rglob("*"))
    assert [p for p in after if p not in before] == []


def test_doctor_names_the_step_that_fails(world, anna):
    done = anna.run("doctor")
    assert done.code == 0 and "FAIL" not in done.out, done
    blind = proc.command(world.client, [world.bin / "sallyport", "doctor"], user="anna", cwd=str(anna.home),
                         env={**anna.env, "https_proxy": "http://198.18.255.254:9"})
    assert blind.code == 1, blind
    assert re.search(r"^FAIL  TCP +198\.18\.255\.254:9", blind.out, re.M), blind


def test_proxy_serves_names_of_apps_to_its_owner_alone(world, anna):
    proxy = proc.Program(world.client, [world.bin / "sallyport", "--json", "proxy", "--listen", "127.0.0.1:10801"],
                         world.logs / "proxy.log", user="anna", env=anna.env, cwd=str(anna.home))
    try:
        check_output(proxy.wait_text(r"\{.*\}")[0])
        curl = ["curl", "-sS", "--max-time", "10", "--noproxy", "", "--proxytunnel", "-x"]
        for way in ("socks5h://127.0.0.1:10801", "http://127.0.0.1:10801"):
            done = anna.shell(*curl, way, "http://wiki.sallyport.internal/")
            assert world.apps["nginx"].greeting in done.out, done
            assert anna.shell(*curl, way, "http://payroll.sallyport.internal/").code != 0
            assert anna.shell(*curl, way, f"http://{world.private}/").code != 0  # an app is a name
        stranger = proc.command(world.client, [*curl, "socks5h://127.0.0.1:10801", "http://wiki.sallyport.internal/"], user="carl")
        assert stranger.code != 0 and not stranger.out, stranger
    finally:
        proxy.stop()


# ---- a terminal ----

def test_login_at_a_terminal_shows_address_code_and_qr(world, anna):
    master, slave = pty.openpty()
    env = {**anna.env, "TERM": "xterm", "COLUMNS": "120", "LANG": "C.UTF-8"}
    command = world.client.command([str(world.bin / "sallyport"), "login", "--no-browser"], "anna")
    program = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=str(anna.home), start_new_session=True)
    os.close(slave)
    seen, end = b"", time.monotonic() + 15
    while time.monotonic() < end and b"Code from the last page" not in seen:
        if select.select([master], [], [], 0.2)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                break
    program.terminate()
    program.wait(10)
    os.close(master)
    text = seen.decode(errors="replace")
    assert "To sign in, open" in text and f"{world.url}/" in text, text
    assert re.search(r"Compare this code there: [A-Z0-9]{4}-[A-Z0-9]{4}", text), text
    assert sum(text.count(c) for c in "▀▄█") > 100, "no QR code"


def test_names_that_steer_a_terminal_are_shown_harmless(world, ada, anna):
    evil = "\x1b]0;owned\x07\x1b[2J\u202etxt"
    record = world.console.add_app("odd-name", world.site, world.private, 7001)
    try:
        fields = ("name", "type", "host", "port", "labels", "limits", "cut_through")
        body = {**{k: record[k] for k in fields}, "site": record["site"]["id"], "description": evil}
        world.console.call("PUT", f"/apps/{record['id']}", body, {"If-Match": f'"{record["version"]}"'}, expect=(200, 400, 422))
        out = admin(ada, "app", "show", "odd-name").out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", out), repr(out)
    finally:
        record = world.console.call("GET", f"/apps/{record['id']}")
        world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


# ---- sallyport-admin ----

READS = {"whoami": "me", "overview": "overview", "health": "health", "settings": "settings", "provider list": "providerList",
         "user list": "userList", "group list": "groupList", "device list": "deviceList", "site list": "siteList",
         "connector list": "connectorList", "relay list": "relayList", "app list": "appList", "policy list": "policyList",
         "policy history": "policyHistory", "policy show": "policyDocument", "session list": "sessionList",
         "audit list": "auditList", "audit verify": "auditVerification", "user show anna": "userGet", "app show wiki": "appGet",
         "site show office": "siteGet", "connector show c1": "connectorGet", "enrolment list office": "siteTokenList",
         "why anna wiki": "whyNow", "policy simulate anna wiki": "policySimulate"}


@pytest.mark.parametrize("words", READS)
def test_admin_json_is_the_answer_of_the_contract(anna, ada, contract, words):
    value = json.loads(admin(ada, "--json", *words.split()).out)
    assert value.pop("schema").startswith("sallyport.admin_")
    operation = next(op for path in contract["paths"].values() for op in path.values()
                     if isinstance(op, dict) and op.get("operationId") == READS[words])
    check(value, operation["responses"]["200"]["content"]["application/json"]["schema"], contract)


@pytest.mark.parametrize("words", READS)
def test_admin_prints_for_people_what_it_read(anna, ada, words):
    assert admin(ada, *words.split()).out.strip()


def test_admin_makes_changes_and_removes_an_app(ada):
    made = json.loads(admin(ada, "--json", "app", "add", "made-here", "--site", "office", "--host", "198.18.200.9", "--port", "81",
                            "--labels", "tier=none,env=test", "--idle", "5m").out)
    assert (made["port"], made["labels"], made["limits"]) == (81, {"tier": "none", "env": "test"}, {"idle": "5m"})
    admin(ada, "app", "add", "made-here", "--site", "office", "--host", "h", "--port", "1", expect=1)
    changed = json.loads(admin(ada, "--json", "app", "set", "made-here", "--idle", "none", "--step-up", "otp:15m", "--port", "82").out)
    assert (changed["port"], changed["limits"]) == (82, {"step_up": {"kind": "otp", "every": "15m"}})
    admin(ada, "app", "remove", "made-here")
    admin(ada, "app", "show", "made-here", expect=1)


def test_admin_refuses_a_policy_that_is_wrong_with_its_line(ada):
    bad = worlds.POLICY.replace("builtin/staff", "builtin/staff").replace("groups:", "group:")
    done = admin(ada, "policy", "check", "-", stdin=bad.encode(), expect=2)
    assert re.search(r"error +\d+", done.out), done
    admin(ada, "policy", "apply", "-", stdin=bad.encode(), expect=2)


def test_admin_kill_ends_the_session_and_the_person_reads_why(world, anna, ada):
    log = world.logs / "cli-killed.log"
    waiting = proc.Program(world.client, [world.bin / "sallyport", "connect", "--stdio", "kept"], log, user="anna", env=anna.env,
                           cwd=str(anna.home), stdin=subprocess.PIPE)
    proc.until("the session is live", 10, lambda: any(
        s["app"]["name"] == "kept" for s in json.loads(admin(ada, "--json", "session", "list", "--user", "anna").out)["items"]))
    answer = json.loads(admin(ada, "--json", "session", "kill", "--app", "kept", "--reason", "maintenance of kept").out)
    assert answer["killed"] == 1
    assert waiting.wait_exit(5) == 9
    assert "maintenance of kept" in waiting.text()
    admin(ada, "session", "kill", "--app", "kept", "--reason", "again")  # idempotent
    admin(ada, "session", "kill", "--app", "kept", expect=2)             # a reason belongs to it


def test_admin_audit_verifies_and_exports_whole_records(ada):
    assert admin(ada, "audit", "verify").out.startswith("verified")
    lines = admin(ada, "audit", "export", "--action", "login.").out.splitlines()
    assert lines and all(json.loads(line) for line in lines)
    csv = admin(ada, "audit", "export", "--format", "csv").out.splitlines()
    assert csv[0].startswith("shard,seq,time") and sum(line.startswith("shard,seq") for line in csv) == 1


def test_admin_is_refused_by_role_and_without_a_login(world, anna, ada):
    done = admin(anna, "--json", "user", "list", expect=5)
    check_output(done.out)
    token = world.write(cage.WORK / "etc" / "wrong.token", "sas_not-a-session\n", "ada")
    admin(ada, "user", "list", "--token-file", token, "--broker", world.url, "--ca", world.ca, expect=4)
    token.chmod(0o644)
    assert "chmod" in admin(ada, "user", "list", "--token-file", token, "--broker", world.url, expect=2).err


def test_every_schema_is_valid_for_our_checker(world):
    for path in (TOP / "docs/schemas").glob("*.json"):
        schema = json.loads(path.read_text())
        assert schema["$id"].replace("/", ".") + ".json" == path.name
        with pytest.raises(AssertionError):
            check({}, schema)
