"""The command line against a live broker: what it prints, with which exit code, in which form."""

import json
import os
import pty
import re
import select
import subprocess
import time
import urllib.parse

import pytest

from harness import browser, cage, proc, world as worlds
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
    for words, code, said in ((["--extend"], 4, "nothing to extend"), (["--extend", "--broker", world.url], 2, "stays at the broker")):
        done = proc.command(world.client, [world.bin / "sallyport", "login", *words], user="anna", env=env, cwd=str(anna.home))
        assert done.code == code and said in done.err, done


def test_config_ssh_undo_leaves_no_trace(anna):
    ssh = anna.home / ".ssh"
    before = sorted(str(p.relative_to(anna.home)) for p in ssh.rglob("*")) if ssh.exists() else []
    assert anna.run("config", "ssh").code == 0
    assert (ssh / "config.d" / "sallyport").exists()
    assert anna.run("config", "ssh", "--undo").code == 0
    after = sorted(str(p.relative_to(anna.home)) for p in ssh.rglob("*"))
    assert [p for p in after if p not in before] == []


@pytest.mark.parametrize("words, where", [(["pac"], ".config/sallyport/proxy.pac"), (["kube", "wiki"], ".kube/sallyport-wiki.yaml")])
def test_config_pac_and_kube_write_one_file_and_take_it_back(anna, words, where):
    before = sorted(anna.home.rglob("*"))
    env = {**anna.env, "HOME": str(anna.home)}
    env.pop("XDG_CONFIG_HOME", None)

    def config(*more, code=0):
        done = anna.shell("env", "-u", "XDG_CONFIG_HOME", anna.world.bin / "sallyport", "config", *words, *more, env=env)
        assert done.code == code, done
        return done

    said = config("--listen", "127.0.0.1:1999")
    file = anna.home / where
    assert said.out.splitlines()[0] == str(file) and "--undo" in said.out and file.stat().st_mode & 0o777 == 0o600
    assert "127.0.0.1:1999" in file.read_text() and "sallyport.internal" in file.read_text()
    config("--undo")
    config("--undo")  # again is no mistake
    config("--listen", "198.18.0.1:1080", code=2)
    assert not file.exists()
    for folder in (file.parent, file.parent.parent):
        if folder not in before and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
    assert sorted(anna.home.rglob("*")) == before


def test_config_kube_writes_no_name_that_means_more(anna):
    for name in ("a: b", "../x", "", 'x"y', "a\nb", ".x"):
        assert anna.run("config", "kube", name).code == 2, name


# ---- db: the database's own client, as long as it runs ----

def test_db_runs_psql_at_the_app_and_passes_on_its_code(world, anna):
    def ask(*more):
        return anna.shell(world.bin / "sallyport", "db", "psql", "orders", "--", "-U", "report", "postgres", *more,
                          env={"PGPASSWORD": world.apps["postgres"].password})

    done = ask("-tAc", "select count(*) > 0 from orders")
    assert (done.code, done.out.strip()) == (0, "t"), done
    done = ask("-tAc", "select nonsense")
    assert done.code == 1 and "nonsense" in done.err, done
    done = ask("-c", "\\! echo at $SALLYPORT_PROXIED_ADDR")
    assert re.search(r"^at 127\.\d+\.\d+\.\d+:5432$", done.out, re.M), done


def test_db_of_an_app_that_is_closed_or_a_client_that_is_none(anna):
    done = anna.run("db", "psql", "payroll")
    assert done.code == 5 and "sallyport why payroll" in done.err, done
    assert anna.run("db", "sh", "orders").code == 2
    done = anna.run("db", "mongosh", "orders")
    assert done.code == 1 and "can't be started" in done.err, done


def test_version_says_what_a_report_of_a_weakness_needs(world, anna):
    for program in ("sallyport", "sallyport-admin", "sallyport-broker", "sallyport-connector", "sallyport-relay"):
        value = check_output(anna.shell(world.bin / program, "version", "--json").out)
        assert value["program"] == program and re.fullmatch(r"wolfSSL \d+\.\d+\.\d+, static", value["tls"]), value
        assert re.match(r"libsodium \d", value["crypto"]) and re.match(r"(gcc \d|.*[Cc]lang)", value["build"]), value
        assert re.search(r"^sandbox +memory ", anna.shell(world.bin / program, "--version").out, re.M)


def test_doctor_names_the_step_that_fails(world, anna):
    done = anna.run("doctor")
    assert re.search(r"^PASS  Disk +/\S+ +\d+ MiB are free", done.out, re.M) and re.search(r"^(PASS|WARN)  Split DNS +sallyport\.internal", done.out, re.M), done
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


# ---- settings ----

def test_what_is_set_holds_for_commands_until_a_flag_says_else(world, anna):
    config = anna.home / "settings" / "sallyport" / "config.yaml"
    env = {**anna.env, "XDG_CONFIG_HOME": str(config.parents[1])}

    def run(*words, code=0, **more):
        done = proc.command(world.client, [world.bin / "sallyport", *words], user="anna", env={**env, **more}, cwd=str(anna.home))
        assert done.code == code, done
        return done

    config.parents[1].mkdir(mode=0o700, exist_ok=True)
    os.chown(config.parents[1], anna.uid, anna.uid)
    run("set", "listen=127.0.0.1:1998", "browser=off")
    assert config.stat().st_mode & 0o777 == 0o600
    assert re.search(rf"^listen +127\.0\.0\.1:1998 +{re.escape(str(config))}$", run("get", "listen").out, re.M)
    assert "PROXY 127.0.0.1:1998" in run("proxy", "pac").out or "127.0.0.1:1998" in run("proxy", "pac").out
    assert "127.0.0.1:1997" in run("proxy", "pac", SALLYPORT_LISTEN="127.0.0.1:1997").out
    assert "127.0.0.1:1996" in run("proxy", "--listen", "127.0.0.1:1996", "pac", SALLYPORT_LISTEN="127.0.0.1:1997").out
    values = {s["key"]: s for s in check_output(run("--json", "get").out)["settings"]}
    assert values["browser"] == {"key": "browser", "value": "off", "from": str(config)} and values["broker"]["value"] is None
    for wrong in ("listen=0.0.0.0:1", "front=l8", "nosuch=1", "listen", "broker=http://x"):
        run("set", wrong, code=2)
    config.write_text(config.read_text() + "\nbrowsr: on\n")
    done = run("proxy", "pac", code=2)
    assert re.search(rf"{re.escape(str(config))}:\d+:1: browsr", done.err) and 'did you mean "browser"' in done.err, done
    config.unlink()


# ---- a login without a browser ----

def test_login_by_device_code_needs_nothing_typed_here(world, anna):
    program = anna.login_by_code()
    assert program.wait_exit(20) == 0, program.text()
    text = program.text()
    assert re.search(r"^To sign in, open  https://\S+/d/([B-Z]{4}-[B-Z]{4})  on another device\nEnter this code there: \1 · waiting, ", text, re.M), text
    assert re.search(r"^Signed in as anna \(OpenID Connect \+ TOTP\) until ", text, re.M), text
    assert anna.run("apps").code == 0


def test_a_device_code_that_is_not_mine_ends_the_login(world, anna):
    program = anna.login_by_code(walk=False)
    url = program.wait_text(r"https://\S+/d/\S+")[0]
    web = browser.Browser(world.edge, [world.ca])
    page = anna.person.walk(web, url, lambda page: "Is this your device?" in page.text)
    assert "another address" in page.text and "only if you started this sign-in on it yourself" in page.text, page
    page = web.submit(page.forms[0], button=1)
    assert "The device was refused" in page.text, page
    assert program.wait_exit(10) == 5, program.text()
    assert "The sign-in was refused." in program.text()
    assert anna.run("status", "--check", "live").code == 0


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


def test_what_nobody_may_ask_for_is_one_line_and_leads_to_exactly_these(world):
    unasked = lambda: [n for n in world.console.call("GET", "/overview")["needs"] if n["code"] == "app_without_policy"]
    before = {a["name"] for a in world.console.call("GET", "/apps?asked=nobody")["items"]}
    site = world.console.call("GET", "/sites")["items"][0]["id"]
    names = [f"unasked-{i}" for i in range(4)]
    added = [world.console.add_app(name, site, "198.18.0.9", 80, labels={"tier": "nobodys"}) for name in names]
    found = world.console.call("GET", "/apps?limit=200&asked=nobody")["items"]
    assert {a["name"] for a in found} == before | set(names) and not any(a["policies"] for a in found), found
    assert [(n["title"], n["link"]) for n in unasked()] == [(f"Nobody may ask for {len(found)} apps", "/apps?asked=nobody")]
    for app in added[:2 + len(before)]:
        world.console.call("DELETE", f"/apps/{app['id']}", headers={"If-Match": f'"{app["version"]}"'})
    left = sorted(before | set(names[2 + len(before):]))
    assert sorted(n["title"] for n in unasked()) == [f"Nobody may ask for {name}" for name in left]
    for app in added[2 + len(before):]:
        world.console.call("DELETE", f"/apps/{app['id']}", headers={"If-Match": f'"{app["version"]}"'})


def test_an_administrator_asks_a_device_for_its_posture(world, anna, ada):
    assert anna.run("posture", "--send").code in (0, 7)
    devices = world.console.call("GET", "/devices?limit=200")["items"]
    mine = next(d for d in devices if d["online"] and d["user"] and d["user"]["name"] == "anna")
    assert f"It is asked: {mine['id']}." in admin(ada, "device", "ask", mine["id"]).out
    proc.until("a newer report", 30, lambda: world.console.call("GET", f"/devices/{mine['id']}")["device"]["posture"]["reported_at"] > mine["posture"]["reported_at"])
    record = world.console.audit(action="device.ask")[0]
    assert record["object"] == {"kind": "device", "id": mine["id"], "name": mine["name"]} and (record["user"], record["device"]) == (mine["user"]["id"], mine["id"]), record
    anna.agent.stop()
    proc.until("its agent is gone", 10, lambda: not world.console.call("GET", f"/devices/{mine['id']}")["device"]["online"])
    assert "not connected" in admin(ada, "device", "ask", mine["id"], expect=1).err
    anna.start_agent()
    proc.until("its agent is back", 10, lambda: world.console.call("GET", f"/devices/{mine['id']}")["device"]["online"])


def test_devices_are_found_by_how_they_stand(world, anna, ada):
    assert anna.run("posture", "--send").code in (0, 7)

    def stands(device):
        return "fail" if device["posture"]["fail"] else "unknown" if device["posture"]["unknown"] or not device["posture"]["pass"] else "pass"

    def pages(query):
        found, after = [], ""
        while after is not None:
            page = world.console.call("GET", f"/devices?limit=1&after={urllib.parse.quote(after)}&{query}")
            found, after = found + page["items"], page["next"]
            assert page["total_exact"] and page["total"] >= len(found), page
        assert page["total"] == len(found), page
        return [d["id"] for d in found]

    def same():
        for order in ("name", "-name", "seen", "-seen"):
            everyone = [(d["id"], stands(d)) for d in world.console.call("GET", f"/devices?limit=200&sort={order}")["items"]]
            for how in ("pass", "fail", "unknown"):
                assert pages(f"posture={how}&sort={order}") == [i for i, so in everyone if so == how], (order, how, everyone)
        return True
    proc.until("the lists agree while nobody reports", 30, same)
    assert len(pages("posture=pass") + pages("posture=fail") + pages("posture=unknown")) >= 2
    assert pages("posture=unknown&state=blocked") == [] == pages("posture=fail&state=lost&q=zzzz")
    listed = lambda *words: [d["id"] for d in json.loads(admin(ada, "--json", "device", "list", *words).out)["items"]]
    assert sorted(i for how in ("pass", "fail", "unknown") for i in listed("--posture", how)) == sorted(listed())
    assert "posture is pass, fail or unknown" in admin(ada, "device", "list", "--posture", "fine", expect=2).err
    for query, said in (("/devices?state=gone", "state is pending, approved, blocked or lost"), ("/users?state=gone", "state is active or locked")):
        with pytest.raises(proc.Failed, match=said):
            world.console.call("GET", query)


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


def test_admin_makes_recovery_codes_that_work_once_and_records_why(world, anna, ada):
    ada.login()  # a fresh proof
    file = ada.home / "codes"
    file.unlink(missing_ok=True)
    admin(ada, "user", "recovery-codes", "anna", "--out", file, expect=2)
    done = admin(ada, "--json", "user", "recovery-codes", "anna", "--reason", "the phone is at the lake", "--out", file)
    assert json.loads(done.out)["file"] == str(file) and "codes" not in json.loads(done.out), done
    codes = file.read_text().split()
    assert file.stat().st_mode & 0o777 == 0o600 and len(codes) == len(set(codes)) == 10
    assert all(re.fullmatch(r"(\w{4}-){5}\w{4}", code) for code in codes), codes
    record = json.loads(admin(ada, "--json", "audit", "list", "--action", "mfa.enrol", "--limit", "1").out)["items"][0]
    assert record["actor"]["name"] == "ada" and record["text"].endswith("void: the phone is at the lake"), record
    assert codes[0] not in world.broker.text()
    shown = admin(ada, "user", "recovery-codes", "anna", "--reason", "once more").out.split()
    assert len(shown) == 10 and not set(shown) & set(codes)


# ---- configuration as code ----

def test_what_is_exported_is_what_is_there_and_apply_makes_it_so_once(world, ada):
    file = ada.home / "code.yaml"
    admin(ada, "export", "--out", file)
    assert admin(ada, "diff", file).out == "Nothing to change.\n"
    whole = file.read_text()
    assert "- name: wiki\n" in whole and whole.startswith("version: 1\nsites:\n") and "policy: |\n" in whole
    apps = "version: 1\nsites: [{name: coded}]\napps:\n  - {name: coded-app, site: coded, host: 198.18.200.9, port: 81, limits: {idle: 300s}, labels: {env: test}}\n"
    world.write(file, apps, "ada")
    try:
        done = admin(ada, "apply", file, "--dry-run")
        assert re.search(r"^add +site +coded", done.out, re.M) and "2 changes; nothing was changed." in done.out, done
        admin(ada, "app", "show", "coded-app", expect=1)
        assert "2 changes made." in admin(ada, "apply", file).out
        assert json.loads(admin(ada, "--json", "app", "show", "coded-app").out)["limits"] == {"idle": "300s"}
        assert admin(ada, "apply", file).out == "Nothing to change.\n"
        world.write(file, apps.replace("300s", "5m"), "ada")  # the same time in another unit
        assert admin(ada, "diff", file).out == "Nothing to change.\n"
        world.write(file, apps.replace("port: 81", "port: 82").replace("env: test", "env: prod"), "ada")
        value = check_output(admin(ada, "--json", "diff", file).out)
        assert value["changes"] == [{"object": "app", "name": "coded-app", "change": "change", "fields": ["port", "labels"]}], value
        value = check_output(admin(ada, "--json", "apply", file).out)
        assert value["applied"] and json.loads(admin(ada, "--json", "app", "show", "coded-app").out)["port"] == 82
        world.write(file, apps + "    colour: red\n", "ada")
        assert re.search(r"code\.yaml:\d+:\d+: ", admin(ada, "apply", file, expect=2).err)
        world.write(file, apps.replace("site: coded", "site: nowhere").replace("port: 81", "port: 83"), "ada")
        assert "there is none" in admin(ada, "apply", file, expect=2).err
        # A policy that the broker would refuse changes nothing, the apps before it neither.
        bad = worlds.POLICY.replace("groups:", "group:")
        folder = ada.home / "code"
        folder.mkdir(exist_ok=True)
        world.write(folder / "sallyport.yaml", apps.replace("port: 81", "port: 84"), "ada")
        world.write(folder / "policy.yaml", bad, "ada")
        done = admin(ada, "apply", folder, expect=2)
        assert "nothing was changed" in done.err and re.search(r"error +\d+", done.out), done
        assert json.loads(admin(ada, "--json", "app", "show", "coded-app").out)["port"] == 82
        # What a section lacks goes with --prune only.
        world.write(file, whole, "ada")
        assert admin(ada, "diff", file).out == "Nothing to change.\n"
        assert re.search(r"^remove +app +coded-app", admin(ada, "diff", file, "--prune").out, re.M)
        assert "2 changes made." in admin(ada, "apply", file, "--prune").out
        admin(ada, "app", "show", "coded-app", expect=1)
    finally:
        world.console.put_policy(worlds.POLICY)


def test_policy_diff_names_the_policies_and_export_is_the_text(world, ada):
    file = ada.home / "code-policy.yaml"
    text = admin(ada, "policy", "export").out
    assert text.strip() == worlds.POLICY.strip()
    world.write(file, text + "# a remark\n", "ada")
    done = admin(ada, "policy", "diff", file)
    assert done.out == "Nothing to change.\n" and "Only comments" in done.err, done
    world.write(file, text + "  - {name: added, apps: {names: [wiki]}, mode: shadow}\n", "ada")
    value = check_output(admin(ada, "--json", "policy", "diff", file).out)
    assert [(c["object"], c["name"], c["change"]) for c in value["changes"]] == [("policy", "added", "add")], value


def test_why_at_a_time_is_the_decision_made_last_until_then(world, anna, ada):
    assert anna.run("connect", "payroll").code == 5
    first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(2.1)
    assert anna.run("connect", "payroll").code == 5
    ids = [json.loads(admin(ada, "--json", "why", "anna", "payroll", "--at", at).out)["request_id"]
           for at in (first, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))]
    assert ids[0] != ids[1] and all(re.fullmatch(r"R-[0-9A-Z]{6,}", i) for i in ids), ids
    assert ids[0] in admin(ada, "why", "anna", "payroll", "--at", first).out
    admin(ada, "why", "anna", "payroll", "--at", "2020-01-01T00:00:00Z", expect=1)
    admin(ada, "why", "anna", "payroll", "--at", "soon", expect=2)
    admin(ada, "why", "anna", "--at", first, expect=2)


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
    assert any('"login.ok"' in line and '"ada"' in line for line in csv), "a sign-in names the person"
    ocsf = [json.loads(line) for line in admin(ada, "audit", "export", "--format", "ocsf", "--action", "login.ok").out.splitlines()]
    assert "ada" in {o["actor"]["user"]["name"] for o in ocsf} and all("name" not in o["unmapped"]["actor"] for o in ocsf)
    assert csv[0].startswith("shard,seq,time") and sum(line.startswith("shard,seq") for line in csv) == 1


def test_admin_is_refused_by_role_and_without_a_login(world, anna, ada):
    done = admin(anna, "--json", "user", "list", expect=5)
    check_output(done.out)
    token = world.write(cage.WORK / "etc" / "wrong.token", "sas_not-a-session\n", "ada")
    admin(ada, "user", "list", "--token-file", token, "--broker", world.url, "--ca", world.ca, expect=4)
    token.chmod(0o644)
    assert "chmod" in admin(ada, "user", "list", "--token-file", token, "--broker", world.url, expect=2).err


def test_every_schema_is_valid_for_our_checker(world):
    for path in (TOP / "docs/schemas").glob("sallyport.*.json"):
        schema = json.loads(path.read_text())
        assert schema["$id"].replace("/", ".") + ".json" == path.name
        with pytest.raises(AssertionError):
            check({}, schema)
