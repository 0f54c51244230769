"""FLT-03, FLT-04, FLT-06, FLT-07: a locked, full, read-only, slow, failing or damaged disk under load, and after it.

Each time: what could not be written is refused with the right word, nobody is told that they won, and the
history checks out once the disk is well (I8: recovers alone, or after the restart that FLT-06 asks for).
"""

import os
import random
import sqlite3
import time

import pytest

import history
import rounds
from test_rounds import BUILD


class Load(rounds.Epoch):
    """People at one desk, and the check at its end."""

    def __init__(self, folder):
        super().__init__(BUILD, random.Random("disk"), folder)
        self.desk = self.start()

    def arm(self, rules):
        self.desk.arms.write_text(rules)

    def ask(self, *what):
        operations = [self.new(*w) for w in what]
        assert self.desk.ask(operations), (self.folder / "desk.log").read_text()[-2000:]
        return operations

    def states(self, first, count):
        return [("state", f"x{first + n}") for n in range(count)]

    def wrong(self):
        self.desk.kill()
        return self.judge()


@pytest.fixture
def load(tmp_path):
    it = Load(tmp_path)
    yield it
    it.desk.kill()


def words(operations):
    return {" ".join((o.answer, *o.values)) for o in operations}


def test_FLT_03_a_locked_store_makes_writers_wait_and_loses_none(load):
    with sqlite3.connect(load.folder / "store.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        waiting = [load.new(*w) for w in load.states(0, 20)]
        assert not load.desk.ask(waiting, kill_after=1)  # nobody is answered while it is locked
        assert load.desk.process.poll() is None and words(waiting) == {"unknown"}
        db.execute("ROLLBACK")
        assert load.desk.ask([])
        assert words(waiting) == {"won"}
    db.close()
    assert load.wrong() == []


@pytest.mark.parametrize("place", ["wal:write", "wal:short"])
def test_FLT_04_a_full_disk_refuses_under_load_and_recovers_with_space(load, place):
    load.arm(f"{place} {'errno ENOSPC' if place == 'wal:write' else 'short 100'}\n")
    refused = load.ask(*load.states(0, 30), ("note", "n1"), ("policy", "0", "p"))
    assert words(refused) == {"error SP_ERR_FULL"}
    load.arm("")
    again = load.ask(*load.states(0, 30), ("note", "n1"), ("policy", "0", "p"))
    assert words(again) == {"won"}  # nothing of the refused was spent
    assert load.wrong() == []


def test_FLT_04_a_disk_that_became_read_only_refuses_and_recovers(load):
    load.arm("wal:write errno EROFS\n")
    refused = load.ask(*load.states(0, 10), ("note", "n1"))
    assert words(refused) == {"error SP_ERR_IO"}
    load.arm("")
    assert words(load.ask(*load.states(20, 10), ("note", "n2"))) == {"won"}
    assert load.wrong() == []


def test_FLT_06_after_a_failed_sync_nothing_is_granted_until_a_restart(load):
    load.ask(*load.states(0, 5))
    load.arm("wal:sync errno EIO times 1\n")
    assert words(load.ask(("state", "y"))) == {"error SP_ERR_IO"}
    load.arm("")
    assert words(load.ask(*load.states(10, 10))) == {"error SP_ERR_IO"}  # never retried and called good
    load.desk.kill()
    load.desk = load.start()
    assert words(load.ask(*load.states(20, 10))) == {"won"}
    assert words(load.ask(*load.states(0, 5))) == {"lost"}
    assert load.wrong() == []


def test_a_slow_disk_is_slow_and_right(load):
    """A sync takes 100 ms: the lane puts all that wait into one, so forty of four workers take ten."""
    load.arm("wal:sync delay 100\n")
    began = time.monotonic()
    made = load.ask(*load.states(0, 40))
    took = time.monotonic() - began
    assert words(made) == {"won"}
    assert 0.1 <= took < 3, f"{took:.1f} s"
    assert load.wrong() == []


def test_FLT_07_damaged_pages_under_load_are_never_a_grant(load):
    load.ask(*load.states(0, 300), ("note", "n1"))
    load.desk.kill()
    path = load.folder / "store.db"
    with sqlite3.connect(path) as db:  # all into the file, so that what is damaged is what is read
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'consumed'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    whole = path.read_bytes()
    load.desk = load.start()
    with open(path, "r+b") as f:  # the root is in place already: it is read again, as the cache is small or new
        for page in range(root, pages + 1):
            f.seek((page - 1) * size)
            f.write(os.urandom(size))
    answers = load.ask(*load.states(0, 40))
    assert not any(o.answer == history.WON for o in answers), words(answers)
    load.desk.kill()
    dead = rounds.Desk(BUILD, load.folder, "")  # and it does not start on it: it says what to do
    assert dead.ready is None
    dead.kill()
    assert "damaged" in (load.folder / "desk.log").read_text() or "CORRUPT" in (load.folder / "desk.log").read_text()
    for end in ("-wal", "-shm"):
        (load.folder / f"store.db{end}").unlink(missing_ok=True)
    path.write_bytes(whole)
    load.desk = load.start()
    assert words(load.ask(*load.states(0, 40))) == {"lost"}
    assert load.wrong() == []
