"""Requests for access: someone asks, someone else answers, and the answer has an end."""

import json
import time

import pytest

from harness import proc


POLICY = """\
version: 1
limits: {session_max: 12h, idle: 30m}
policies:
  - name: private-apps
    apps: {labels: {tier: internal}}
    allow:
      - {name: staff, when: {groups: [builtin/staff], mfa: {max_age: 12h}}}
  - name: payroll
    apps: {names: [payroll]}
    allow:
      - {name: at-night, when: {groups: [builtin/staff], network: {in: [203.0.113.0/24]}}}
"""


def admin(user, *words, expect=0):
    done = proc.command(user.world.client, [user.world.bin / "sallyport-admin", *words], user=user.name, env=user.env,
                        cwd=str(user.home))
    assert done.code == expect, done
    return done.out


@pytest.fixture(scope="module")
def policy(world, ada):
    world.console.put_policy(POLICY)
    ada.login()  # who approves needs a code that is at most 5 minutes old
    yield
    from harness import world as worlds
    world.console.put_policy(worlds.POLICY)


def test_a_request_lets_in_until_its_end_and_its_end_cuts(world, policy, anna, ada):
    assert anna.run("up", "payroll").code == 5
    done = anna.run("request", "payroll", "--reason", "payday")
    assert done.code == 0 and "builtin/admins" in done.out and "waiting" in done.out, done
    again = json.loads(anna.run("--json", "request", "payroll", "--reason", "payday").out)
    assert again["state"] == "waiting"
    waiting = json.loads(admin(ada, "--json", "request", "list", "--state", "waiting"))["items"]
    assert [(r["user"]["name"], r["app"]["name"], r["reason"]) for r in waiting] == [("anna", "payroll", "payday")]
    assert any(n["code"] == "request_waiting" for n in world.console.call("GET", "/overview")["needs"])
    assert anna.run("up", "payroll").code == 5  # asking opens nothing
    approved = json.loads(admin(ada, "--json", "request", "approve", waiting[0]["id"], "--for", "1m"))
    assert approved["state"] == "approved" and approved["decided_by"]["name"] == "ada"
    opened = anna.run("--json", "up", "payroll")
    assert opened.code == 0, opened
    session = next(s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "payroll")
    assert session["rule"] == f"request {again['ref']}", session
    assert "request" in anna.run("why", "payroll").out
    # its deadline is the request's end, not the twelve hours of the document
    from datetime import datetime
    assert abs((datetime.fromisoformat(session["deadline"]) - datetime.fromisoformat(approved["until"])).total_seconds()) < 1
    began = time.monotonic()
    admin(ada, "request", "end", approved["id"], "--reason", "paid")
    proc.until("the session is cut", 5, lambda: not any(s["app"]["name"] == "payroll" for s in world.console.call("GET", "/sessions")["items"]))
    assert time.monotonic() - began < 3
    assert anna.run("up", "payroll").code == 5
    states = {r["ref"]: r["state"] for r in json.loads(anna.run("--json", "request").out)["items"]}
    assert states[again["ref"]] == "ended"
    actions = [r["action"] for r in world.console.audit(action="access.")]
    assert actions[:3] == ["access.end", "access.approve", "access.ask"], actions


def test_TM_05_an_app_that_is_not_visible_is_asked_for_as_one_that_is_not_there(world, policy, carl):
    answers = [json.loads(carl.run("--json", "request", app, "--reason", "please").out) for app in ("payroll", "nosuch")]
    for a in answers:
        a.pop("request", None)
    assert answers[0] == answers[1], answers


def test_a_request_that_would_not_help_is_not_filed(world, policy, anna):
    done = anna.run("request", "wiki", "--reason", "bored")
    assert done.code == 5 and "open to you" in done.err, done


def test_a_request_is_for_a_minute_to_thirty_days(world, policy, anna, ada):
    for asked in ("59s", "721h", "31d"):
        done = anna.run("request", "payroll", "--reason", "audit", "--for", asked)
        assert done.code != 0 and "30 days" in done.err, (asked, done)
    done = anna.run("--json", "request", "payroll", "--reason", "audit", "--for", "30d")
    mine = json.loads(done.out)
    assert mine["for_ms"] == 30 * 24 * 3600 * 1000
    assert admin(ada, "request", "deny", mine["id"], "--reason", "too long")


def test_nobody_approves_a_request_of_their_own(world, policy, anna, ada):
    made = world.console.call("POST", "/me/requests", {"app": "payroll", "reason": "mine"}, expect=(201, 404))
    assert made.get("code") == "not_found"  # root is no staff: payroll is not even visible to them
    done = anna.run("--json", "request", "payroll", "--reason", "again", "--for", "2h")
    mine = json.loads(done.out)
    assert mine["for_ms"] == 2 * 3600 * 1000
    assert admin(ada, "request", "deny", mine["id"], "--reason", "not today")
    shown = anna.run("request").out
    assert "refused" in shown and "not today" in shown
    admin(ada, "request", "approve", mine["id"], expect=1)  # it has its answer
