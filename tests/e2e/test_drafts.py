"""Drafts of policies: they decide nothing, are their author's to change, and with `second_approval` nobody puts an own one in force."""

import pytest

from harness import world as worlds

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def other(world, ada):
    """A second admin: the person whose authenticator is ada's."""
    console = worlds.Console(world, "ada", PASSWORD)
    console.person = ada.person
    return console.sign_in()


def as_version(n):
    return {"If-Match": f'"{n}"'}


def draft(console, text, base, note="tighter"):
    return console.call("POST", "/policy/drafts", {"policy": None, "text": text, "note": note, "base": base}, expect=(201,))


def due(console):
    return [n["title"] for n in console.call("GET", "/overview")["needs"] if n["code"] == "draft_waiting"]


def test_a_draft_decides_nothing_until_it_is_approved_and_names_both_people(world, other):
    root, now = world.console, world.console.call("GET", "/policy")
    made = draft(root, now["text"] + "# drafted by root\n", now["version"])
    try:
        assert root.call("GET", "/policy")["version"] == now["version"]
        assert due(other) == ["1 draft waits for approval"] and due(root) == []
        # another's draft is read, not changed
        changed = {"text": now["text"], "note": "mine now", "base": now["version"]}
        assert other.call("PUT", f"/policy/drafts/{made['id']}", changed, as_version(made["version"]), expect=(403,))["code"] == "denied"
        again = root.call("PUT", f"/policy/drafts/{made['id']}", {**changed, "text": made["text"] + "# twice\n"}, as_version(made["version"]))
        # what was looked at is not what stands there now: nothing is approved unseen
        assert other.call("POST", f"/policy/drafts/{made['id']}/approve", {}, as_version(made["version"]), expect=(409, 412))
        assert root.call("GET", "/policy")["version"] == now["version"]
        other.call("POST", f"/policy/drafts/{made['id']}/approve", {}, as_version(again["version"]))
        after = root.call("GET", "/policy")
        assert after["text"].endswith("# twice\n") and after["version"] == now["version"] + 1
        assert after["by"]["name"] == "root" and "approved by ada" in after["note"], after
        assert root.call("GET", "/policy/drafts")["items"] == [] and due(other) == []
    finally:
        root.put_policy(worlds.POLICY)


def test_a_draft_of_an_older_version_is_not_approved(world, other):
    root, now = world.console, world.console.call("GET", "/policy")
    made = draft(root, now["text"] + "# old\n", now["version"])
    newer = other.put_policy(now["text"] + "# newer\n")
    try:
        assert other.call("POST", f"/policy/drafts/{made['id']}/approve", {}, as_version(made["version"]), expect=(409,))
        assert root.call("GET", "/policy")["version"] == newer["version"]
    finally:
        root.call("DELETE", f"/policy/drafts/{made['id']}", None, as_version(made["version"]))
        root.put_policy(worlds.POLICY)


def test_with_second_approval_nobody_changes_a_policy_alone(world, other):
    root = world.console
    same = {"proxies": '["127.0.0.9"]'}  # what conftest.py gave it
    assert world.broker.stop(20) == 0
    world.broker_config(**same, second_approval="true")
    world.restart(world.broker)
    try:
        now = root.call("GET", "/policy")
        made = draft(root, now["text"] + "# by two\n", now["version"])
        alone = [("PUT", "/policy", {"text": now["text"], "note": ""}, now["version"]),
                 ("POST", "/policy/versions/1/rollback", {"reason": "alone"}, now["version"]),
                 ("POST", f"/policy/drafts/{made['id']}/approve", {}, made["version"])]
        for method, path, body, version in alone:
            assert root.call(method, path, body, as_version(version), expect=(403,))["code"] == "second_approval", path
        assert root.call("GET", "/policy")["version"] == now["version"]
        assert other.call("GET", f"/policy/drafts/{made['id']}")["may_approve"] and not root.call("GET", f"/policy/drafts/{made['id']}")["may_approve"]
        other.call("POST", f"/policy/drafts/{made['id']}/approve", {}, as_version(made["version"]))
        assert root.call("GET", "/policy")["text"].endswith("# by two\n")
    finally:
        world.broker.stop(20)
        world.broker_config(**same)
        world.restart(world.broker)
        root.put_policy(worlds.POLICY)
        world.wait_standing(root)  # what comes after expects a connector that stands
