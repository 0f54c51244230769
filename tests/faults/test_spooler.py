"""FLT-01, FLT-04: the connector's audit spool dies at each of its failpoints, and its disk fills: each record is told once.

    spooler (connector/spool.c, killed) ── orders, answers ── this file, which plays courier and broker

What was "kept" is durable: after any death it is told, once. What was not answered may be told, once. The broker knows a
record by the name of its numbering and its number (PROTOCOL section 5, audit.batch), and so does this one.
"""

import collections
import contextlib
import random
import signal
import subprocess

import pytest

from test_rounds import BUILD, TOP

ROUNDS = 60
DEATHS = {  # rules of lib/base/failpoint.h; each leaves something else on the disk
    "before a byte": "spool:write exit skip {n}\n",
    "behind a part of the bytes": "spool:short short {bytes} times 1 skip {n}\nspool:short exit skip {after}\n",
    "when all of it is kept and nobody knows": "spool:kept exit skip {n}\n",
}


class Spooler:
    """The program, the records that it was given, and the broker that hears of them."""

    def __init__(self, folder):
        self.folder, self.arms = folder, folder / "failpoints"
        self.process = None
        self.given, self.kept, self.recorded = [], [], []
        self.known = {}  # name of a numbering: its last number that is recorded

    def start(self, rules=""):
        self.arms.write_text(rules)
        self.process = subprocess.Popen([BUILD / "tests/faults/spooler", self.folder / "audit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=open(self.folder / "log", "a"), env={"SALLYPORT_FAILPOINTS": str(self.arms)})
        assert self.process.stdout.readline() == "ready\n", (self.folder / "log").read_text()[-2000:]

    def ask(self, *words):
        """The answer's words; none: it died."""
        try:
            self.process.stdin.write(" ".join(words) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return []
        return self.process.stdout.readline().split()

    def put(self, count):
        texts = [f"record-{len(self.given) + i}-{'x' * 200}" for i in range(count)]
        self.given += texts
        answer = self.ask("put", *texts)
        if answer[:1] == ["kept"]:
            self.kept += texts
        return answer

    def tell(self):
        """One batch to the broker. False: there is none, or it died."""
        answer = self.ask("read")
        if answer[:1] != ["batch"]:
            assert answer in ([], ["empty"]), answer
            return False
        name, first, texts = answer[1], int(answer[2]), answer[3:]
        for number, text in enumerate(texts, first):
            if number > self.known.get(name, 0):
                self.recorded.append(text)
                self.known[name] = number
        self.acknowledge(name)
        return True

    def acknowledge(self, name):
        self.ask("told", name, str(self.known[name]))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.died()

    def died(self):
        code = self.process.wait(20)
        with contextlib.suppress(BrokenPipeError):  # what it was told and never read
            self.process.stdin.close()
        self.process.stdout.close()
        return code

    def wrong(self):
        """After a start without faults that tells all there is."""
        self.start()
        while self.tell():
            pass
        times = collections.Counter(self.recorded)
        found = [f"{text[:20]} is recorded {n} times" for text, n in times.items() if n > 1]
        found += [f"{text[:20]} was never given" for text in times if text not in set(self.given)]
        found += [f"{text[:20]} was kept and is lost" for text in self.kept if text not in times]
        if self.recorded != sorted(self.recorded, key=self.given.index):
            found.append("they are out of order")
        return found


@pytest.fixture
def spooler(tmp_path):
    it = Spooler(tmp_path)
    yield it
    if it.process.poll() is None:
        it.kill()


@pytest.mark.parametrize("where", DEATHS)
def test_FLT_01_a_death_at_each_failpoint_loses_no_record_and_doubles_none(spooler, where):
    chance = random.Random(where)
    deaths = 0
    for _ in range(ROUNDS):
        n = chance.randrange(4)
        spooler.start(DEATHS[where].format(n=n, after=n + 1, bytes=chance.randrange(1, 4000)))
        for _ in range(8):
            if not spooler.put(chance.randrange(1, 30)):
                break
            if chance.random() < 0.4:
                spooler.tell()
        if spooler.process.poll() is None and not spooler.ask("read"):
            spooler.process.wait(20)
        if spooler.process.poll() is None:
            spooler.kill()
        elif spooler.died() == -signal.SIGKILL:
            deaths += 1
    assert deaths > ROUNDS // 2, f"only {deaths} deaths"
    assert spooler.wrong() == []
    assert len(spooler.kept) > 500


def test_FLT_04_a_full_disk_keeps_nothing_by_halves_and_recovers_with_space(spooler):
    spooler.start()
    assert spooler.put(5)[0] == "kept"
    spooler.arms.write_text("spool:short short 100 times 1\nspool:write errno ENOSPC skip 1\n")
    answers = [spooler.put(5) for _ in range(4)]
    assert answers[0][0] == "kept" and answers[1:] == [["error", "SP_ERR_FULL"]] * 3, answers
    spooler.arms.write_text("")
    assert spooler.put(5)[0] == "kept"
    spooler.kill()
    assert spooler.wrong() == []
    assert len(spooler.recorded) == 15


def test_FLT_06_after_a_failed_write_the_records_before_it_are_whole(spooler):
    spooler.start()
    assert spooler.put(5)[0] == "kept"
    spooler.arms.write_text("spool:write errno EIO times 1\n")
    assert spooler.put(5) == ["error", "SP_ERR_IO"]
    assert spooler.put(5)[0] == "kept"  # in a file of its own
    assert len(list((spooler.folder / "audit").glob("*.log"))) == 2
    spooler.kill()
    assert spooler.wrong() == []
    assert len(spooler.recorded) == 10


def test_the_places_to_die_at_are_all_that_the_spool_has():
    there = set()
    for file in TOP.glob("connector/spool*.c"):
        there |= {line.split('("')[1].split('"')[0] for line in file.read_text().splitlines() if "FAILPOINT" in line and '("' in line}
    assert {rule.split()[0] for rules in DEATHS.values() for rule in rules.splitlines()} == there
