"""FLT-01, FLT-04, FLT-06, FLT-08: two hundred rounds of kills and failing disks over what works at most once.

`python tests/faults/rounds.py BUILD ROUNDS SEED` gives a round again; tests/long runs ten thousand.
"""

import os
import pathlib
import random
import re
import sqlite3

import pytest

import history
import rounds

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-sanitized")).resolve()


def test_FLT_01_two_hundred_kills_spend_nothing_twice_and_lose_nothing_acknowledged():
    seed = os.environ.get("SALLYPORT_SEED", str(random.randrange(1 << 32)))
    print(f"seed {seed}")
    operations, deaths, wrong = rounds.run(BUILD, 200, seed)
    assert not wrong, f"seed {seed}:\n" + "\n".join(wrong[:20])
    assert operations > 3000 and deaths > 60, f"the rounds did too little: {operations} operations, {deaths} deaths"


def test_the_places_to_die_at_are_in_the_sources():
    """A rule that names no place would never be met, and its round prove nothing."""
    there = set()
    for file in [*TOP.glob("lib/**/*.c"), *TOP.glob("broker/**/*.c")]:
        there |= set(re.findall(r'FAILPOINT(?:_ERRNO|_SHORT)?\("([^"]+)"', file.read_text()))
    assert set(rounds.AT) | {"wal:short", "store:torn"} <= there


# ---- the checker sees what it is there for ----------------------------------------------------


class Recorded:
    """A short history without faults, its store, and what was spent."""

    def __init__(self, folder):
        self.epoch = rounds.Epoch(BUILD, random.Random("recorded"), folder)
        self.path = folder / "store.db"
        self.desk = self.epoch.start()
        made = [self.new(w, *([rounds.ANNA] if w in ("device", "approve") else [])) for w in ("person", "token", "ask", "device", "approve")]
        self.ask(made)
        self.epoch.learn(made)
        self.device, self.key = self.epoch.devices[0]
        self.ask([self.new(*what, *(["yes"] if what[0] == "answer" else [])) for what in self.epoch.spendable])
        self.ask([self.new("state", "s1"), self.new("note", "n1"), self.new("policy", "0", "p1"), self.new("revoke", self.device, self.key)])

    def new(self, *words):
        return self.epoch.new(*words)

    def ask(self, operations):
        assert self.desk.ask(operations)
        assert all(o.answer in (history.WON, history.OK) for o in operations), operations

    def tamper(self, *statements):
        """While the broker is down, somebody else's hand in the store."""
        self.desk.kill()
        with sqlite3.connect(self.path) as db:
            for s in statements:
                assert db.execute(s).rowcount > 0, s
        db.close()

    def wrong(self):
        self.desk.kill()
        return self.epoch.judge()


@pytest.fixture
def recorded(tmp_path):
    r = Recorded(tmp_path)
    yield r
    r.desk.kill()


def test_the_checker_finds_nothing_where_nothing_is(recorded):
    assert recorded.wrong() == []


@pytest.mark.parametrize("again, statement", [
    (("state", "s1"), "DELETE FROM consumed"),
    (("enrol",), "UPDATE enrol_token SET used_at = 0, used_by = x''"),
    (("factor",), "UPDATE totp SET last_step = 0"),
])
def test_I5_the_checker_sees_a_planted_double_spend(recorded, again, statement):
    what = next((s for s in recorded.epoch.spendable if s[0] == again[0]), again)
    recorded.tamper(statement)
    recorded.desk = recorded.epoch.start()
    recorded.ask([recorded.new(*what)])
    assert any(w.startswith("double spend") for w in recorded.wrong()), recorded.wrong()


@pytest.mark.parametrize("statement", [
    "DELETE FROM consumed WHERE kind = 1",
    "UPDATE access_request SET state = 3",
    "UPDATE policy_version SET note = 'other'",
    "DELETE FROM totp",
    "UPDATE device SET state = 2",
])
def test_I3_the_checker_sees_a_lost_acknowledgement(recorded, statement):
    recorded.tamper(statement)
    assert any(w.startswith("lost acknowledgement") for w in recorded.wrong()), recorded.wrong()


def test_I3_the_checker_sees_a_store_that_went_back(recorded, tmp_path):
    """An older copy is whole in itself: only the history knows that something was acknowledged since."""
    recorded.desk.kill()
    with sqlite3.connect(recorded.path) as db, sqlite3.connect(tmp_path / "older.db") as copy:
        db.backup(copy)
    db.close(), copy.close()
    recorded.desk = recorded.epoch.start()
    recorded.ask([recorded.new("note", "n2"), recorded.new("state", "s2")])
    recorded.desk.kill()
    assert recorded.wrong() == []
    store = history.Store(tmp_path / "older.db")
    assert not list(history.chain_faults(store))
    assert len([w for w in history.check(recorded.epoch.operations, store) if w.startswith("lost acknowledgement")]) == 2


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET rec = replace(rec, 'ok', 'no') WHERE seq = 2",
    "DELETE FROM audit WHERE seq = 3",
    "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
])
def test_LOG_5_the_checker_sees_a_broken_chain(recorded, statement):
    recorded.tamper(statement)
    assert any(w.startswith("audit chain") for w in recorded.wrong())


def test_I4_the_checker_sees_what_is_allowed_after_a_revocation(recorded):
    recorded.tamper("UPDATE device SET state = 2")
    recorded.desk = recorded.epoch.start()
    recorded.ask([recorded.new("admit", recorded.key, rounds.ANNA)])
    assert any(w.startswith("allowed after a revocation") for w in recorded.wrong())


@pytest.mark.parametrize("word, what", [("person", 1), ("person", 2), ("token", 0), ("approve", 0)])
@pytest.mark.parametrize("where", ["desk.log", "store.db-wal"])
def test_I9_the_checker_sees_a_secret_that_was_told(recorded, word, what, where):
    recorded.desk.kill()
    secret = next(o for o in recorded.epoch.operations if o.word == word).values[what]
    with open(recorded.path.parent / where, "ab") as f:
        f.write(b"\nunknown value " + secret.upper().encode())
    assert any(w.startswith("told: ") and w.endswith(where) for w in recorded.wrong())


def test_I9_the_checker_sees_a_secret_kept_as_it_is(recorded):
    person = next(o for o in recorded.epoch.operations if o.word == "person")
    recorded.tamper(f"UPDATE totp SET last_step = last_step, seed = x'{person.values[1]}'")
    assert "told: a TOTP secret stands in store.db" in recorded.wrong()


def test_I7_the_checker_sees_growth():
    flat = list(history.growth_faults((20, 50 << 20), (20, 60 << 20)))
    grown = list(history.growth_faults((20, 50 << 20), (21, 90 << 20)))
    assert flat == [] and len(grown) == 2
