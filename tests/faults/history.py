"""history: what clients asked and were told, and whether a store may have come out of it (SECURITY.md section 8).

Each operation has when it was asked, when it was answered and the answer; one that was never answered (the
broker died) may have happened or not. check() holds the history against the store that is left and returns
what is wrong, a sentence each:

  I2, I3  what was acknowledged is there, with its audit record; what was refused for want of space is not
  I4      nothing is allowed after a revocation was acknowledged
  I5      what works at most once did: neither two answers nor two traces of it, over all crashes
          and whoever was told that another came first had another before
  I7      the same questions again take no further descriptor, and no memory to speak of
  I9      no secret that was handed out stands in the store, its log or what the broker said, in any spelling
  LOG-5   the audit chain has no gap, each hash follows from the one before, the head is its end

I1 and I6 speak of sessions and their bytes, of which the desk has none: tests/e2e/test_faults.py, test_stations.py
and test_cuts.py hold each transfer against what was sent. I8 is the desk's next start.
"""

import base64
import dataclasses
import hashlib
import json
import sqlite3
import time

WON, LOST, OK, ERROR, UNKNOWN = "won", "lost", "ok", "error", "unknown"
NOT_DONE = "SP_ERR_FULL"  # store.h: nothing was written
GROWTH_MAX = 32 << 20  # what sanitizers keep of freed memory is within it


@dataclasses.dataclass
class Operation:
    word: str
    arguments: tuple
    asked: float = dataclasses.field(default_factory=time.monotonic)
    answered: float = float("inf")
    answer: str = UNKNOWN
    values: tuple = ()

    @property
    def key(self):
        """What is spent: two operations with the same key exclude each other."""
        return (self.word, *self.arguments[:{"factor": 2, "policy": 1, "answer": 1, "finish": 1}.get(self.word, 1)])

    def take(self, text):
        self.answered = time.monotonic()
        self.answer, *values = text.split()
        self.values = tuple(values)

    @property
    def may_have_happened(self):
        return self.answer in (WON, OK, UNKNOWN) or (self.answer == ERROR and self.values[:1] != (NOT_DONE,))


ONCE = {"factor", "enrol", "state", "finish", "answer", "policy"}
FORGETS = {"finish"}  # a code that waits for its device is in memory: a restart makes the person begin again


def text_id(blob):
    return base64.urlsafe_b64encode(blob).rstrip(b"=").decode()


class Store:
    """What is left, read with another program than the one that wrote it."""

    def __init__(self, path):
        db = sqlite3.connect(path)
        try:
            self.audit = [(shard, seq, bytes(h), text) for shard, seq, h, text in
                          db.execute("SELECT shard, seq, hash, rec FROM audit ORDER BY shard, seq")]
            self.heads = {shard: (seq, bytes(h)) for shard, seq, h in db.execute("SELECT shard, seq, hash FROM audit_head")}
            self.tokens = {bytes(h): (used, bytes(by)) for h, used, by in db.execute("SELECT hash, used_at, used_by FROM enrol_token")}
            self.relays = {text_id(i) for i, in db.execute("SELECT id FROM relay")}
            self.consumed = {bytes(i) for i, in db.execute("SELECT id FROM consumed")}
            self.totp = {text_id(i) for i, in db.execute("SELECT user_id FROM totp")}
            self.devices = {bytes(k)[1:].hex(): (text_id(i), state) for i, k, state in db.execute("SELECT id, key, state FROM device")}
            self.requests = {text_id(i): (text_id(app), state) for i, app, state in db.execute("SELECT id, app_id, state FROM access_request")}
            self.policies = dict(db.execute("SELECT ver, note FROM policy_version"))
        finally:
            db.close()
        self.records = [json.loads(text) for *_, text in self.audit]

    def count(self, action, **members):
        return sum(r["action"] == action and all(r.get(k) == v for k, v in members.items()) for r in self.records)


def chain_faults(store):
    last = {shard: (0, bytes(32)) for shard in store.heads}
    for shard, seq, digest, text in store.audit:
        before, previous = last.get(shard, (0, bytes(32)))
        right = hashlib.blake2b(previous + shard.to_bytes(4, "big") + seq.to_bytes(8, "big") + text.encode(), digest_size=32).digest()
        if seq != before + 1:
            yield f"audit chain: {before} is followed by {seq}"
        elif right != digest:
            yield f"audit chain: the hash of {seq} does not follow from the one before"
        last[shard] = (seq, digest)
    for shard, head in store.heads.items():
        if last[shard] != head:
            yield f"audit chain: the head says {head[0]}, the last record is {last[shard][0]}"


def traces(store, word, arguments):
    """How often the store shows that this happened."""
    if word == "factor":
        user, typed = arguments
        return store.count("mfa.ok", user=user) if len(typed) == 6 else None
    if word == "enrol":
        used, by = store.tokens.get(hashlib.sha256(bytes.fromhex(arguments[0])).digest(), (0, b""))
        return store.count("relay.enrol", relay=text_id(by)) if used else 0
    if word == "state":
        return int(hashlib.sha256(b"state\0" + arguments[0].encode()).digest() in store.consumed)
    if word == "finish":
        device = store.devices.get(arguments[1], ("none", 0))[0]
        return store.count("login.ok", device=device)
    if word == "answer":
        app = store.requests.get(arguments[0], ("none", 0))[0]
        return store.count("access.approve", app=app) + store.count("access.refuse", app=app)
    if word == "policy":
        version = int(arguments[0]) + 1
        return sum((r.get("text") or "").startswith(f"version {version} put in force") for r in store.records)
    return store.count("policy.update", text=arguments[0])  # note


def locked(groups, o):
    """Five wrong codes lock a factor for a while, whichever codes they were (AAL-4)."""
    return o.word == "factor" and sum(x.answer in (LOST, UNKNOWN, ERROR) and x.asked < o.answered for key, group in groups.items()
                                      if key[:2] == o.key[:2] for x in group if x is not o) >= 5


def spent_faults(store, groups):
    for key, group in groups.items():
        word, wins = key[0], [o for o in group if o.answer == WON]
        maybe = [o for o in group if o.may_have_happened]
        if len(wins) > 1:
            yield f"double spend: {' '.join(key)} was won {len(wins)} times"
        found = traces(store, word, group[0].arguments)
        if found is None:
            continue
        if wins and not found:
            yield f"lost acknowledgement: {' '.join(key)} was won and left no trace"
        if found > 1:
            yield f"double spend: {' '.join(key)} left {found} traces"
        if found and not maybe:
            yield f"{' '.join(key)} happened though nobody was told so"
        for o in group:
            others = [x for x in maybe if x is not o and x.asked < o.answered]
            if o.answer == LOST and not others and word not in FORGETS and not locked(groups, o):
                yield f"refused without reason: {' '.join(key)} was lost and nobody else had asked"


def recovery_faults(store, groups):
    """One record says that a recovery code of a user was used, not which."""
    users = {}
    for key, group in groups.items():
        if key[0] == "factor" and len(key[2]) > 6:
            won, maybe = users.get(key[1], (0, 0))
            users[key[1]] = won + any(o.answer == WON for o in group), maybe + any(o.may_have_happened for o in group)
    for user, (won, maybe) in users.items():
        found = store.count("recovery.use", user=user)
        if found < won:
            yield f"lost acknowledgement: {won} recovery codes of {user} were taken, {found} records say so"
        if found > maybe:
            yield f"double spend: {found} records of recovery codes of {user}, at most {maybe} were taken"


def winner_faults(store, groups):
    """What the winner wanted is what stands there."""
    for key, group in groups.items():
        for o in (o for o in group if o.answer == WON):
            if o.word == "policy" and store.policies.get(int(o.arguments[0]) + 1) != o.arguments[1]:
                yield f"lost acknowledgement: policy version {int(o.arguments[0]) + 1} is not the one that was put"
            if o.word == "answer" and store.requests.get(o.arguments[0], ("", 0))[1] != (2 if o.arguments[1] == "yes" else 3):
                yield f"lost acknowledgement: request {o.arguments[0]} does not stand as it was answered"


def revoked_faults(store, operations):
    revoked = {}  # device key: when the first acknowledgement came
    for o in operations:
        if o.word == "revoke" and o.answer == WON:
            revoked[o.arguments[1]] = min(o.answered, revoked.get(o.arguments[1], float("inf")))
    for o in operations:
        if o.word == "admit" and o.answer == WON and o.asked > revoked.get(o.arguments[0], float("inf")):
            yield f"allowed after a revocation: device {o.arguments[0]}"
        if o.word == "admit" and o.answer == LOST and not any(
                r.word == "revoke" and r.arguments[1] == o.arguments[0] and r.asked < o.answered for r in operations):
            yield f"refused without reason: device {o.arguments[0]}"
    for key in revoked:
        if store.devices.get(key, ("", 0))[1] != 4:
            yield f"lost acknowledgement: device {key} is not revoked any more"


def made_faults(store, operations):
    approvals = 0
    for o in operations:
        if o.answer != OK:
            continue
        there = {"person": lambda: o.values[0] in store.totp,
                 "token": lambda: hashlib.sha256(bytes.fromhex(o.values[0])).digest() in store.tokens,
                 "device": lambda: store.devices.get(o.values[1], ("", 0))[0] == o.values[0],
                 "ask": lambda: o.values[0] in store.requests,
                 "approve": lambda: True}[o.word]
        approvals += o.word == "approve"
        if not there():
            yield f"lost acknowledgement: {o.word} {o.values[0]} is not there"
    if sum("says that the device which asks" in (r.get("text") or "") for r in store.records) < approvals:
        yield "lost acknowledgement: an approved login has no record"
    used = {text_id(by) for at, by in store.tokens.values() if at}
    if used != store.relays:
        yield f"{len(used)} tokens were used, {len(store.relays)} relays are there"


def secrets_of(operations):
    """{what it is: its spellings}: of everything that must be known to its owner alone."""
    for o in (o for o in operations if o.answer == OK):
        if o.word == "person":
            raw = bytes.fromhex(o.values[1])
            yield "a TOTP secret", (raw, o.values[1], base64.b32encode(raw).rstrip(b"=").decode())
            for code in o.values[2:]:
                yield "a recovery code", (code, code.replace("-", ""))
        elif o.word == "token":
            raw = bytes.fromhex(o.values[0])
            yield "an enrolment token", (raw, o.values[0], text_id(raw), base64.b64encode(raw).decode())
        elif o.word == "approve":
            yield "a login's code", (o.values[0],)


def told_faults(operations, files):
    """I9 over every byte that is left: `files` are the store with its log, and what the programs wrote."""
    texts = {path.name: path.read_bytes().lower() for path in files if path.exists()}
    for what, spellings in secrets_of(operations):
        for s in spellings:
            s = (s.encode() if isinstance(s, str) else s).lower()
            yield from (f"told: {what} stands in {name}" for name, text in texts.items() if s in text)


def growth_faults(before, after):
    """I7: (descriptors, resident bytes) of one process before and after the same questions were asked once more."""
    if after[0] > before[0]:
        yield f"unbounded: {before[0]} descriptors became {after[0]}"
    if after[1] > before[1] + GROWTH_MAX:
        yield f"unbounded: {before[1] >> 20} MiB became {after[1] >> 20}"


def check(operations, store):
    groups = {}
    for o in operations:
        if o.word in ONCE or o.word == "note":
            groups.setdefault(o.key, []).append(o)
    return [*chain_faults(store), *spent_faults(store, groups), *recovery_faults(store, groups),
            *winner_faults(store, groups), *revoked_faults(store, operations), *made_faults(store, operations)]
