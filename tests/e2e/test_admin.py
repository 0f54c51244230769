"""Administration at a live broker: its first token."""

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
