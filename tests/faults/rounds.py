"""rounds: clients at tests/faults/desk while it is killed, its disk fills, tears and fails; then the check.

  python rounds.py BUILD ROUNDS [SEED]     the same seed asks the same things and fails in the same places

An epoch of rounds shares one store. Each round starts the desk with one fault armed, asks for things that
work at most once (new ones, each by several at once, and old ones again), and ends with its death.
"""

import contextlib
import hashlib
import hmac
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import history

EPOCH, WAIT = 25, 20
LEFT = ("store.db", "store.db-wal", "desk.log")
NOW = 1764043200000
ANNA = "CQAAAAAAAAAAAAAAAAAAAA"  # the user whom the desk makes
AT = ("store:job store:seal store:commit store:committed totp:checked totp:spent recovery:checked recovery:spent login:state "
      "login:state_spent login:code_consumed login:bind login:bound enrol:asked enrol:consumed enrol:done access:asked access:done "
      "policy:asked policy:done device:asked device:done audit:asked audit:done wal:write wal:sync db:write db:sync").split()


def faults(rng):
    """The rules of one round, and after how many seconds it is killed from outside (None: not before the end)."""
    kind = rng.random()
    if kind < 0.55:
        return f"{rng.choice(AT)} exit skip {rng.choice((0, 0, 0, 1, 1, 2, 5))}\n", None
    if kind < 0.65:
        return f"wal:short short {rng.randrange(4120)} skip {rng.randrange(30)} times 1\nstore:torn exit\n", None
    if kind < 0.75:
        return f"wal:write errno ENOSPC skip {rng.randrange(20)} times {rng.randrange(1, 40)}\n", None
    if kind < 0.80:
        return f"wal:sync errno EIO skip {rng.randrange(8)} times 1\n", None
    if kind < 0.83:
        return "wal:sync delay 4\n", 0.02
    return "", rng.random() * 0.03


def otp(secret, at):
    digest = hmac.new(bytes.fromhex(secret), (at // 30000).to_bytes(8, "big"), hashlib.sha1).digest()
    i = digest[-1] & 15
    return f"{(int.from_bytes(digest[i:i + 4], 'big') & 0x7fffffff) % 1000000:06d}"


class Desk:
    """One life of the desk."""

    def __init__(self, build, folder, rules):
        self.arms = folder / "failpoints"
        self.arms.write_text(rules)
        self.process = subprocess.Popen([build / "tests/faults/desk", folder / "store.db", str(NOW)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=open(folder / "desk.log", "ab"), bufsize=0,
                                        env={"SALLYPORT_FAILPOINTS": str(self.arms)})
        self._rest, self._waiting, self._number = b"", {}, 0
        self.ready = self._line(time.monotonic() + WAIT)

    def _line(self, until):
        """The next line; None: the desk is gone, or `until` is over."""
        while b"\n" not in self._rest:
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                return None
            data = self.process.stdout.read(65536)
            if not data:
                return None
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode()

    def ask(self, operations, kill_after=None):
        """Asks all at once and takes what answers come. False: the desk is gone."""
        until = time.monotonic() + (WAIT if kill_after is None else kill_after)
        lines = []
        for o in operations:
            self._number += 1
            self._waiting[str(self._number)] = o
            o.asked = time.monotonic()
            lines.append(f"{self._number} {o.word} {' '.join(o.arguments)}\n")
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("".join(lines).encode())
        while self._waiting:
            line = self._line(until)
            if line is None:
                if kill_after is None and self.process.poll() is None and time.monotonic() > until:
                    raise AssertionError(f"the desk hangs: {len(self._waiting)} are unanswered")
                return False
            number, answer = line.split(" ", 1)
            self._waiting.pop(number).take(answer)
        return True

    def size(self):
        """(descriptors, resident bytes) of the process, for history.growth_faults."""
        proc = pathlib.Path("/proc") / str(self.process.pid)
        return len(list((proc / "fd").iterdir())), int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self):
        if self.process.stdout.closed:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        # what was written before is still answered: a client would have read it
        for line in iter(lambda: self._line(time.monotonic() + 5), None):
            number, answer = line.split(" ", 1)
            if number in self._waiting:
                self._waiting.pop(number).take(answer)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Epoch:
    def __init__(self, build, rng, folder):
        self.build, self.rng, self.folder = build, rng, folder
        self.operations, self.spendable, self.devices = [], [], []
        self.version, self.deaths, self.serial = 0, 0, 0

    def new(self, word, *arguments):
        o = history.Operation(word, arguments)
        self.operations.append(o)
        return o

    def start(self, rules=""):
        desk = Desk(self.build, self.folder, rules)
        if desk.ready is None:  # the fault came while it started: as a real one, it is started again
            desk.kill()
            self.deaths += 1
            desk = Desk(self.build, self.folder, "")
        assert desk.ready is not None and desk.ready.startswith("ready 0 "), \
            f"the desk does not start again: {desk.ready}\n{(self.folder / 'desk.log').read_text()[-2000:]}"
        return desk

    def make(self):
        words = ["person", "token", "ask", "device", "approve"]
        return [self.new(w, *([ANNA] if w in ("device", "approve") else [])) for w in self.rng.sample(words, 3)]

    def learn(self, made):
        """What the new things can be spent with."""
        for o in made:
            if o.answer != history.OK:
                continue
            v = o.values
            if o.word == "person":
                self.spendable += [("factor", v[0], otp(v[1], NOW + 30000)), ("factor", v[0], v[2]), ("factor", v[0], v[3])]
            elif o.word == "token":
                self.spendable.append(("enrol", v[0]))
            elif o.word == "ask":
                self.spendable.append(("answer", v[0]))
            elif o.word == "approve":
                self.spendable.append(("finish", v[0], v[1]))
            else:
                self.devices.append((v[0], v[1]))

    def spend(self):
        rng, out = self.rng, []
        self.serial += 1
        fresh = self.spendable[-4:] + [("state", f"s{self.serial}"), ("note", f"n{self.serial}")]
        old = rng.sample(self.spendable, min(3, len(self.spendable)))
        for what in rng.sample(fresh, min(4, len(fresh))) + old:
            for _ in range(1 if what[0] == "note" else rng.choice((1, 2, 2, 3))):
                out.append(self.new(*what, *([rng.choice(("yes", "no"))] if what[0] == "answer" else [])))
        for n in range(2):
            out.append(self.new("policy", str(self.version), f"p{self.serial}.{n}"))
        if self.devices:
            device, key = rng.choice(self.devices)
            out += [self.new("admit", key, ANNA) for _ in range(2)]
            if rng.random() < 0.3:
                out.append(self.new("revoke", device, key))
        rng.shuffle(out)
        return out

    def round(self):
        rules, after = faults(self.rng)
        desk = self.start(rules)
        try:
            made = self.make()
            alive = desk.ask(made)
            self.learn(made)
            if alive:
                alive = desk.ask(self.spend(), after)
            self.deaths += not alive
        finally:
            desk.kill()
        won = [int(o.arguments[0]) for o in self.operations if o.word == "policy" and o.answer == history.WON]
        self.version = max([self.version, *(v + 1 for v in won)])

    def end(self):
        """Everything again, with nothing armed: what was won stays won. Then what is left is checked."""
        desk, sizes = self.start(), []
        try:
            for _ in range(2):
                again = [self.new(*what, *(["yes"] if what[0] == "answer" else [])) for what in self.spendable]
                again += [self.new("admit", key, ANNA) for _, key in self.devices]
                assert desk.ask(again), "the desk died with nothing armed"
                errors = [o for o in again if o.answer == history.ERROR]
                assert not errors, f"not whole again after its faults (I8): {errors[:3]}"
                sizes.append(desk.size())
        finally:
            desk.kill()
        return self.judge() + list(history.growth_faults(*sizes))

    def judge(self):
        """What is wrong with the history and what is left of it. The desk is dead."""
        told = list(history.told_faults(self.operations, [self.folder / name for name in LEFT]))
        return history.check(self.operations, history.Store(self.folder / "store.db")) + told

    def settle_version(self):
        """A policy whose answer was lost may have been put: ask the store, as an admin would."""
        self.version = max(history.Store(self.folder / "store.db").policies, default=0)


def run(build, rounds, seed, say=print):
    """Returns (operations, deaths, wrong). `wrong` is empty, or sentences with the seed that gives them again."""
    operations = deaths = 0
    wrong = []
    for first in range(0, rounds, EPOCH):
        name = f"{seed}/{first}"
        folder = pathlib.Path(tempfile.mkdtemp(prefix="sp-rounds-"))
        epoch = Epoch(build, random.Random(name), folder)
        try:
            for _ in range(min(EPOCH, rounds - first)):
                epoch.round()
                epoch.settle_version()
            found = epoch.end()
        except AssertionError as error:
            found = [str(error)]
        operations, deaths = operations + len(epoch.operations), deaths + epoch.deaths
        wrong += [f"seed {name}: {f}" for f in found]
        if found:
            say(f"rounds: kept for looking at: {folder}")
        else:
            shutil.rmtree(folder)
        if first // EPOCH % 40 == 39:
            say(f"rounds: {first + EPOCH} of {rounds}, {operations} operations, {deaths} deaths, {len(wrong)} wrong")
    return operations, deaths, wrong


def main():
    build, rounds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    seed = sys.argv[3] if len(sys.argv) > 3 else str(random.randrange(1 << 32))
    print(f"rounds: seed {seed}", flush=True)
    began = time.monotonic()
    operations, deaths, wrong = run(build, rounds, seed, lambda text: print(text, flush=True))
    print("\n".join(wrong), end="\n" if wrong else "")
    double = sum("double spend" in w for w in wrong)
    lost = sum("lost acknowledgement" in w for w in wrong)
    print(f"rounds: {rounds} rounds, {operations} operations, {deaths} deaths in {time.monotonic() - began:.0f} s: "
          f"{double} double spends, {lost} lost acknowledgements, {len(wrong) - double - lost} other faults")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
