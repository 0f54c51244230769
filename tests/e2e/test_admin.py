"""Administration at a live broker: its first token, the chain, copies of the store."""

import csv
import io
import os
import shutil

from harness import cage, proc


def broker(world, *words, **more):
    return proc.command(world.edge, [world.bin / "sallyport-broker", *words, "--config", world.config], user="broker", **more)


def test_INC_15_the_bootstrap_token_buys_one_session_and_nothing_else(world, ada):
    made = cage.WORK / "broker" / "first.token"
    done = broker(world, "bootstrap", "--token-out", made)  # beside the running broker
    assert done.code == 0, done
    token = world.write(cage.WORK / "etc" / "first.token", made.read_text(), "ada")
    made.unlink()
    fresh = world.folder(ada.home / "fresh", "ada")  # an administrator who never signed in
    env = {**ada.env, "XDG_CONFIG_HOME": str(fresh), "XDG_RUNTIME_DIR": str(fresh)}

    def admin(*words, expect=0):
        done = proc.command(world.client, [world.bin / "sallyport-admin", *words], user="ada", env=env, cwd=str(fresh))
        assert done.code == expect, done
        return done.out + done.err

    def at(*words, **more):
        return admin(*words, "--broker", world.url, "--ca", world.ca, "--token-file", token, **more)

    assert "login --token-file" in at("site", "list", expect=4)  # not a proof by itself
    assert "admin" in at("login")
    assert "office" in admin("site", "list")
    session = fresh / "sallyport" / "admin.session"
    assert session.stat().st_mode & 0o777 == 0o600 and session.stat().st_uid == ada.uid
    kept = session.read_bytes()
    at("login", expect=4)  # spent
    world.write(session, kept.decode(), "ada")  # a second try of the same person costs the file, not the session
    assert "office" in admin("site", "list")
    admin("logout")
    assert not session.exists()
    world.write(session, kept.decode(), "ada")  # what was copied from it is worth nothing
    admin("site", "list", "--broker", world.url, "--ca", world.ca, "--token-file", session, expect=4)
    records = world.console.audit(action="bootstrap")
    assert [(r["result"], r["text"]) for r in records[:3]] == [
        ("ok", "the bootstrap session was ended"), ("denied", "a bootstrap token that is spent was shown again"),
        ("ok", "the bootstrap token was spent")], records
    assert records[2]["address"] and records[2]["actor"]["name"] == "bootstrap"
    assert broker(world, "bootstrap", "--end").code != 0  # nothing is left
    shutil.rmtree(fresh)
    assert not os.path.exists(cage.WORK / "broker" / "bootstrap")


def test_the_chain_is_held_to_a_head_that_was_kept_elsewhere(world):
    kept = world.write(cage.WORK / "etc" / "heads", broker(world, "audit", "head").out, "broker")
    good = broker(world, "audit", "verify", "--head", kept)
    assert good.code == 0, good
    shard, seq, mark = kept.read_text().split()
    for wrong in (f"{shard} {seq} {'0' * 64}\n", f"{shard} {int(seq) + 100000} {mark}\n"):
        world.write(kept, wrong, "broker")
        assert broker(world, "audit", "verify", "--head", kept).code == 10
    for bad in ("", f"{shard} {seq}\n", "x 1 00\n"):
        world.write(kept, bad, "broker")
        assert broker(world, "audit", "verify", "--head", kept).code == 2


def test_C_035_an_export_is_cut_by_time_and_no_cell_is_a_formula(world, ada):
    world.console.call("POST", "/devices/" + world.console.call("GET", "/devices")["items"][0]["id"] + "/approve")
    done = proc.command(world.client, [world.bin / "sallyport-admin", "session", "kill", "--user", "ada", "--reason", "=HYPERLINK(\"http://evil\")"],
                        user="ada", env=ada.env, cwd=str(ada.home))
    assert done.code == 0, done
    whole = broker(world, "audit", "export").out.splitlines()
    assert len(broker(world, "audit", "export", "--since", "1h").out.splitlines()) >= len(whole)
    assert broker(world, "audit", "export", "--until", "2020-01-01T00:00:00Z").out == ""
    assert broker(world, "audit", "export", "--since", "yesterday").code == 2
    rows = list(csv.reader(io.StringIO(broker(world, "audit", "export", "--format", "csv").out)))
    assert len(rows) >= len(whole) + 1 and all(len(r) == len(rows[0]) for r in rows)
    signed_in = [dict(zip(rows[0], row)) for row in rows[1:] if row[3] == "login.ok"]
    assert {row["actor"] for row in signed_in if row["user"]} >= {"ada"} and all(row["actor"] for row in signed_in if row["user"]), signed_in
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
    assert any("HYPERLINK" in cell for cell in cells)


def test_a_dry_run_changes_nothing(world):
    state = cage.WORK / "broker"
    before = sorted(p.name for p in state.iterdir() if "copy-" not in p.name)
    assert "nothing to do" in broker(world, "migrate", "--dry-run").out
    copy = cage.WORK / "broker" / "try.db"
    done = broker(world, "backup", "--dry-run", "--file", copy)
    assert done.code == 0 and "whole, schema" in done.out and not copy.exists(), done
    assert broker(world, "backup", "--file", copy).code == 0
    assert broker(world, "backup", "--dry-run", "--file", copy).code != 0  # it is there
    busy = broker(world, "restore", "--dry-run", "--file", copy)
    assert busy.code != 0 and "broker" in busy.err, busy  # one runs on the store
    copy.write_bytes(copy.read_bytes()[:5000])
    assert broker(world, "restore", "--dry-run", "--file", copy).code == 10
    copy.unlink()
    assert sorted(p.name for p in state.iterdir() if "copy-" not in p.name) == before


def test_a_draft_is_replayed_over_the_decisions_of_the_last_days(world, anna, carl, ada):
    assert anna.run("up", "wiki").code == 0 and anna.run("down", "wiki").code == 0
    assert carl.run("up", "wiki").code == 5
    now = world.console.call("GET", "/policy")["text"]
    same = world.console.call("POST", "/policy/replay", {"text": now, "days": 1})
    assert same["decisions"] >= 2 and same["complete"], same
    assert not [c for c in same["changes"] if c["app"]["name"] == "wiki"], same
    assert same["same"] + same["undecidable"] + sum(same[k]["decisions"] for k in ("newly_denied", "newly_allowed", "newly_step_up")) == same["decisions"]
    tighter = world.console.call("POST", "/policy/replay", {"text": now.replace("builtin/staff", "builtin/nobody")})
    denied = [c for c in tighter["changes"] if c["change"] == "denied" and c["app"]["name"] == "wiki"]
    assert any(c["user"]["name"] == "anna" and c["was"].startswith("allow via private-apps/staff") for c in denied), tighter
    assert tighter["newly_denied"]["people"] >= 1 and tighter["newly_allowed"]["decisions"] == 0
    person = next(p for p in tighter["people"] if p["user"]["name"] == "anna")
    assert person["change"] == "denied" and person["decisions"] >= 1 and person["reason"].endswith("."), person
    assert tighter["live"]["looked"] == tighter["live"]["total"] and tighter["live"]["cut"] <= tighter["live"]["total"], tighter["live"]
    wider = world.console.call("POST", "/policy/replay", {"text": now.replace("groups: [builtin/staff]", "groups: [builtin/staff, builtin/visitors]")})
    assert any(c["change"] == "allowed" and c["user"]["name"] == "carl" for c in wider["changes"]), wider
    draft = world.write(ada.home / "draft.yaml", now.replace("builtin/staff", "builtin/nobody"), "ada")
    done = proc.command(world.client, [world.bin / "sallyport-admin", "policy", "replay", draft, "--days", "1"], user="ada", env=ada.env, cwd=str(ada.home))
    assert done.code == 0 and "would newly deny" in done.out and "would cut " in done.out and "anna" in done.out, done
    assert world.console.call("POST", "/policy/replay", {"text": "version: 2"}, expect=(422,))["code"] == "invalid"
    assert world.console.call("GET", "/policy")["text"] == now  # nothing was stored


def test_views_are_their_owner_s_to_change_and_shared_when_they_say_so(world):
    call = world.console.call
    mine = call("POST", "/views", {"page": "audit", "name": "denials", "query": "result=denied&action=session."})
    assert mine["mine"] and not mine["shared"] and mine["owner"]["name"] == "root"
    assert call("POST", "/views", {"page": "audit", "name": "denials", "query": ""}, expect=(409,))["code"] == "exists"
    for bad in ({"page": "nosuch", "name": "x", "query": ""}, {"page": "audit", "name": "x", "query": "a b"},
                {"page": "audit", "name": "x", "query": "#<img>"}, {"page": "audit", "name": "", "query": ""}):
        assert call("POST", "/views", bad, expect=(400,))
    changed = call("PUT", f"/views/{mine['id']}", {"name": "denials", "query": "result=denied", "shared": True},
                   {"If-Match": f'"{mine["version"]}"'})
    assert changed["query"] == "result=denied" and changed["shared"]
    assert call("PUT", f"/views/{mine['id']}", {"name": "denials", "query": ""}, {"If-Match": f'"{mine["version"]}"'}, expect=(409,))
    assert [v["name"] for v in call("GET", "/views?page=audit")["items"]] == ["denials"]
    assert call("GET", "/views?page=devices")["items"] == []
    call("DELETE", f"/views/{mine['id']}")
    assert call("GET", "/views")["items"] == []
