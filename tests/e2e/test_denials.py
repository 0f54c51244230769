"""Who may not, does not: each denial with its code, its reason for people and its audit record.

Exit codes: 4 login needed, 5 denied by policy, 6 step-up, 7 posture, 9 session revoked (ECOSYSTEM's table;
docs/exit-codes.md of the product).
"""

import json
import os
import pathlib
import socket
import time

import pytest

from harness import apps, browser, probe, proc, world as worlds
from harness.wire import dial, read_all

PASSWORD = "correct horse battery"


def audit_has(world, since, action, result, app=None):
    """The newest record of this kind since `since` (RFC 3339); fails when there is none."""
    for record in world.console.audit(action=action):
        if record["time"] >= since and record["result"] == result and (app is None or app in str(record)):
            return record
    raise AssertionError(f"no audit record {action}/{result} for {app} since {since}")


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


@pytest.fixture
def policy(world):
    """Puts a policy document in force for one test."""
    def put(text):
        world.console.put_policy(text)
    yield put
    world.console.put_policy(worlds.POLICY)


def denied(world, user, app, code, word):
    """`connect` of that app ends with the code, says why, and the decision is in the audit log."""
    since = now()
    done = user.run("connect", app)
    assert done.code == code, done
    assert word.lower() in done.err.lower(), done
    record = audit_has(world, since, "session.deny", "denied", app)
    assert record["text"]
    return done


def test_wrong_group_is_denied_with_exit_5(world, carl):
    denied(world, carl, "wiki", 5, "denied")


def sockets(user):
    """Of the user's agent; it dials its relay while the broker decides."""
    return sum(os.readlink(fd).startswith("socket:") for fd in pathlib.Path(f"/proc/{user.agent.pid}/fd").iterdir())


def test_a_denial_leaves_no_connection_to_the_relay_behind(world, anna):
    assert anna.run("up", "wiki").code == 0  # from here on its relay is known
    before = sockets(anna)
    for _ in range(20):
        assert anna.run("up", "payroll").code == 5
    proc.until("what was dialled for nothing is closed", 10, lambda: sockets(anna) <= before)
    assert anna.run("up", "notes").code == 0


def test_an_app_that_no_policy_names_is_denied(world, anna):
    denied(world, anna, "payroll", 5, "denied")


def test_nobody_without_login_gets_anything(world):
    stranger = worlds.User(world, "dev", "none", []) if "dev" not in world.users else world.users["dev"]
    world.users["dev"] = stranger
    stranger.start_agent()
    done = stranger.run("connect", "wiki")
    assert done.code == 4, done


def test_stale_second_factor_asks_for_a_new_one_with_exit_6(world, anna, policy):
    world.console.add_app("stale", world.site, world.private, 7001)  # no session of an earlier test stands there
    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    since = now()
    done = anna.run("connect", "stale")
    assert done.code == 6, done
    assert audit_has(world, since, "session.step_up", "denied", "stale")["text"]


def test_a_grant_that_nobody_opened_is_withdrawn_when_a_newer_code_is_needed(world, anna, policy):
    grant = probe.take_grant(world, anna, "echo")
    listed = lambda: {s["id"]: s["state"] for s in world.console.call("GET", "/sessions")["items"]}
    assert listed()[grant.claims["session"]] == "granted"
    policy(worlds.POLICY.replace("mfa: {max_age: 12h}", "mfa: {max_age: 1ms}"))
    proc.until("the grant is withdrawn", 10, lambda: listed().get(grant.claims["session"], "gone") in ("cutting", "gone"))
    assert probe.present(world, grant) == (401, None)
    policy(worlds.POLICY)  # a pause would end here, and leave a live session that nobody has
    assert listed().get(grant.claims["session"], "gone") in ("cutting", "gone")


def test_a_deny_rule_beats_the_allow_rule_and_its_message_is_shown(world, anna, policy):
    policy(worlds.POLICY + '    deny:\n      - {name: closed, when: {groups: [builtin/staff]}, message: "Closed for inventory."}\n')
    denied(world, anna, "wiki", 5, "Closed for inventory.")


def test_a_browser_reads_why_its_app_is_closed_and_a_script_gets_a_problem(world, anna, policy):
    """At the app's local address; nothing is shown of it, and it opens again by itself."""
    address, port = anna.address_of("wiki")
    browser_says, script_says = "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Accept: application/json"

    def get(accept, *more):
        done = anna.shell("curl", "-sS", "--max-time", "20", "-i", "-H", accept, *more, f"http://{address}:{port}/")
        assert done.code == 0, done
        head, _, body = done.out.replace("\r", "").partition("\n\n")
        return int(head.split()[1]), head.lower(), body

    proc.until("it is open", 20, lambda: get(browser_says)[0] == 200)
    policy(worlds.POLICY + '    deny:\n      - {name: closed, when: {groups: [builtin/staff]}, message: "Closed <b>for</b> inventory."}\n')
    proc.until("it is closed", 20, lambda: get(browser_says)[0] == 403)
    status, head, page = get(browser_says)
    assert status == 403 and "content-type: text/html" in head and "no-store" in head, head
    assert "<h1>wiki is closed for now</h1>" in page and "Closed &lt;b&gt;for&lt;/b&gt; inventory." in page and "<script" not in page, page
    assert f"{world.url}/denied?app=wiki" in page, page
    status, head, body = get(script_says)
    problem = json.loads(body)
    assert status == problem["status"] == 403 and "application/problem+json" in head, (head, body)
    assert problem["detail"] == "Closed <b>for</b> inventory." and problem["request_id"].startswith("R-"), problem
    assert get(browser_says, "--data", "x" * 20000)[0] == 403, "what was sent does not take the answer away"
    policy(worlds.POLICY)
    proc.until("it is open again", 20, lambda: get(browser_says)[0] == 200)


def test_unknown_posture_satisfies_nothing(world, anna, policy):
    """The test machine has no desktop session: screen_lock is unknown, and unknown is not a pass."""
    policy(worlds.POLICY + "    require:\n      - {posture: [{signal: screen_lock, max_age: 1h}]}\n")
    denied(world, anna, "wiki", 7, "screen")


def test_failing_posture_is_denied_with_exit_7(world, anna, policy):
    policy(worlds.POLICY + '    require:\n      - {posture: [{signal: agent_version, at_least: "99.0", max_age: 24h}]}\n')
    denied(world, anna, "wiki", 7, "version")


def test_a_target_outside_the_connectors_floor_is_refused_although_policy_allows_it(world, anna):
    done = anna.run("connect", "--stdio", "off-floor", stdin=b"")
    assert done.code == 5, done
    assert "floor" in done.err.lower(), done
    connections = int(world.connector_node.run(lambda: read_all(socket.create_connection((world.private, 7008)))).split()[1])
    again = int(world.connector_node.run(lambda: read_all(socket.create_connection((world.private, 7008)))).split()[1])
    assert again == connections + 1, "the connector dialled a target outside its floor"


def test_TM_14_another_user_of_the_machine_gets_no_byte_from_the_local_address(world, anna, carl):
    address, port = anna.address_of("echo")

    def attempt():
        try:
            with socket.create_connection((address, port), timeout=10) as c:
                c.sendall(b"let me in")
                c.shutdown(socket.SHUT_WR)
                return read_all(c)
        except OSError:
            return b""
    assert world.client.run_as(carl.uid, attempt) == b""
    assert world.client.run_as(anna.uid, attempt).startswith(b"let me in|")


def test_TM_14_another_user_cannot_use_the_agents_socket(world, anna, carl):
    done = proc.command(world.client, [world.bin / "sallyport", "status"], user="carl",
                        env={**carl.env, "XDG_RUNTIME_DIR": anna.env["XDG_RUNTIME_DIR"]})
    assert done.code != 0 and "anna" not in done.out, done


# ---- the API ----

def test_the_api_without_proof_is_401_and_with_the_wrong_role_403(world):
    nobody = browser.Browser(world.client, [world.ca])
    page = nobody.api(world.url, "GET", "/api/v1/users")
    assert page.status == 401 and page.json()["code"], page
    assert page.headers["Content-Type"].startswith("application/problem+json")
    visitor = worlds.Console(world, "carl", PASSWORD)
    visitor.person.secret = world.users["carl"].person.secret if "carl" in world.users else None
    visitor.person._last_code = world.users["carl"].person._last_code if "carl" in world.users else None
    visitor.sign_in()
    page = visitor.web.api(world.url, "GET", "/api/v1/users")
    assert page.status == 403, page


def test_a_request_from_another_site_is_refused(world):
    page = world.console.web.request("POST", f"{world.url}/api/v1/sites", b'{"name":"evil"}',
                                     {"Content-Type": "application/json", "Sallyport-Console": "1"}, origin="https://evil.example",
                                     follow=False, navigate=False)
    assert page.status == 403, page


def test_every_api_answer_has_a_strict_content_security_policy_or_no_html(world):
    page = world.console.web.get(f"{world.url}/")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "default-src" in policy


# ---- proofs ----

def test_a_wrong_code_is_refused_and_a_code_counts_once(world):
    console = worlds.Console(world, "root", PASSWORD)
    used = world.console.person._last_code
    page = world.console.web.api(world.url, "POST", "/api/v1/me/factor", {"code": used})
    assert page.status in (401, 403, 422), page
    assert console.web.cookie("__Host-sallyport") is None


def test_a_connector_enrolment_token_counts_once(world):
    made = world.console.call("POST", f"/sites/{world.site}/tokens", {"name": "twice", "life_ms": 600000})
    token = world.write("/mnt/etc/twice.token", made["enrolment"] + "\n", "connector")
    codes = []
    for n in (1, 2):
        state = world.folder(f"/mnt/twice{n}", "connector")
        codes.append(proc.command(world.connector_node, [world.bin / "sallyport-connector", "enrol", "--token-file", token, "--name",
                                                         "twice", "--state", state], user="connector").code)
    assert codes[0] == 0 and codes[1] == 5, codes


# ---- grants in the wrong hands ----

def refused_by_relay(world, since, word):
    """The relay says no more than 401 on the wire; its log says why."""
    lines = world.relay.text()[since:]
    assert word in lines, lines


def test_a_grant_counts_once(world, anna):
    grant = probe.take_grant(world, anna, "echo")
    before = len(world.relay.text())
    first, second = probe.present_often(world, grant, 2)  # the session lives while the copy is shown
    assert (first[0], second) == (101, (401, None))
    refused_by_relay(world, before, "it was used before")


def test_E2E_T7_a_grant_that_was_changed_is_no_grant(world, anna):
    grant = probe.take_grant(world, anna, "echo")
    for change in ({"open_until": grant.claims["open_until"] + 1}, {"app": grant.claims["session"]}, {}):
        text = grant.changed(**change) if change else grant.text[:-1] + ("A" if grant.text[-1] != "A" else "B")
        assert probe.present(world, text)[0] in (400, 401), change
    assert probe.present(world, grant)[0] == 101, "a refused copy must not spend the real one"


def test_an_expired_grant_is_refused(world, anna):
    grant = probe.take_grant(world, anna, "echo")
    grant.wait_expired()
    before = len(world.relay.text())
    assert probe.present(world, grant) == (401, None)
    refused_by_relay(world, before, "its time is over")


def test_a_grant_for_another_connector_does_not_reach_the_one_that_is_there(world, anna):
    """Minted for a connector that is gone by the time the grant is shown; the site's other one stands by."""
    site = world.console.call("POST", "/sites", {"name": "annex"})["id"]
    away = world.enrol_connector(world.console, site, "away")
    record = world.console.add_app("annex", site, world.private, 7001)
    grant = proc.until("the annex can be used", 15, lambda: probe.take_grant(world, anna, "annex"))
    away.kill9()
    world.connectors.remove(away)
    proc.until("the relay knows that it is gone", 10, lambda: probe.present(world, grant) == (503, "connector_absent"))
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def test_a_grant_of_an_earlier_start_of_the_relay_is_refused(world, anna):
    grant = probe.take_grant(world, anna, "echo")
    world.relay.stop()
    world.restart(world.relay)
    assert proc.until("the relay answers", 15, lambda: probe.present(world, grant)) == (503, "relay_restarted")
    proc.until("the connector stands at the relay again", 30, lambda: anna.run("up", "source").code == 0)


def test_apps_ports_of_the_edge_are_the_public_one_only(world):
    assert apps.answers(world.client, world.public, worlds.PORT)
    for port in (7480, 5432, 22, 80):
        assert not apps.answers(world.client, world.public, port)
