"""lists: a broker over a large store, and every list request of its API from several clients at once."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import shutil
import ssl
import subprocess
import sys
import time
import urllib.parse

from harness import cage, proc, world as worlds

from .installation import Installation, PASSWORD
from .session import machine

AIM_MS = 150
APPS = 50
FOLDER = cage.WORK / "broker"  # the broker's state


class Large:
    """A broker alone, over a store that was filled."""

    def __init__(self, asked, build):
        self.asked, self.world = asked, Installation(build)
        shutil.copy(build / "tests" / "bench" / "seed", self.world.bin / "seed")
        self.size = [asked.users, asked.devices, asked.records, asked.days]
        self.notes = FOLDER / "bench.json"  # how large the cached store is, and its admin's second factor
        self.root = None
        self.took = {}

    def start(self):
        if self.asked.cache:
            cache = pathlib.Path(self.asked.cache).resolve()
            cache.mkdir(parents=True, exist_ok=True)
            self.world.folder(FOLDER, "broker")
            subprocess.run(["mount", "--bind", cache, FOLDER], check=True)
        kept = json.loads(self.notes.read_text()) if self.notes.exists() else {}
        if kept.get("size") != self.size:
            kept = self.fill()
        began = time.monotonic()
        self.world.start_broker()
        self.took["start of the broker, s"] = time.monotonic() - began
        self.seeded = kept["seeded"]
        if self.root is None:
            self.root = worlds.Console(self.world, "root", PASSWORD)
            self.root.person.secret = kept["totp"]
            self.root.sign_in()
        return self

    def fill(self):
        for old in FOLDER.glob("*") if FOLDER.is_dir() else ():
            old.unlink() if old.is_file() else shutil.rmtree(old)
        world = self.world
        world.start_broker([("root", PASSWORD, ["admins"])])
        root = self.root = worlds.Console(world, "root", PASSWORD).sign_in()
        site = root.call("POST", "/sites", {"name": "bench"})["id"]
        for i in range(APPS):
            root.add_app(f"app-{i:02}", site, "127.0.0.1", 1024 + i)
        root.put_policy(worlds.POLICY)
        world.broker.stop()
        began = time.monotonic()
        done = proc.command(world.edge, [world.bin / "seed", FOLDER / "store.db", *self.size], user="broker", seconds=3000)
        if done.code:
            raise proc.Failed(repr(done))
        self.took["filling the store, s"] = time.monotonic() - began
        kept = {"size": self.size, "totp": root.person.secret, "seeded": json.loads(done.out)}
        self.notes.write_text(json.dumps(kept))
        return kept


def url(path, **query):
    return f"/api/v1{path}?{urllib.parse.urlencode({k: v for k, v in query.items() if v != ''})}"


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def deep(root, path, **query):
    """The cursor of a page far into a list: a few large pages are skipped."""
    after = ""
    for _ in range(4):
        page = root.call("GET", url(path, limit=200, after=after, **query).removeprefix("/api/v1"))
        if not page["next"]:
            break
        after = page["next"]
    return after


def routes(large):
    """Name -> a function that gives the next address to ask for."""
    s, root, days = large.seeded, large.root, large.asked.days
    r = random.Random(1)
    users = root.call("GET", "/users?limit=200")["items"]
    devices = root.call("GET", "/devices?limit=200")["items"]
    apps = root.call("GET", "/apps?limit=200")["items"]
    now = time.time()
    someone = lambda: r.choice(users)
    an_app = lambda: r.choice(apps)
    day = lambda: r.uniform(1, days - 1) * 86400
    fixed = lambda path, **query: (lambda: url(path, **query))
    found = {
        "overview": fixed("/overview"),
        "health": fixed("/health"),
        "users": fixed("/users"),
        "users, deep": fixed("/users", after=deep(root, "/users")),
        "users, 200 a page": fixed("/users", limit=200),
        "users, q common": fixed("/users", q="anna"),
        "users, q rare": lambda: url("/users", q=f"{someone()['name'][-5:]}"),
        "users, q nobody": fixed("/users", q="zzzz"),
        "users, group of a team": lambda: url("/users", group=f"corp/team-{r.randrange(40):02}"),
        "users, group of all": fixed("/users", group="corp/staff"),
        "users, locked": fixed("/users", state="locked"),
        "users, sort by sign-in": fixed("/users", sort="-seen"),
        "users, sort by name down": fixed("/users", sort="-name"),
        "groups": fixed("/groups", limit=200),
        "devices": fixed("/devices"),
        "devices, deep": fixed("/devices", after=deep(root, "/devices")),
        "devices, q common": fixed("/devices", q="laptop-0"),
        "devices, q serial": lambda: url("/devices", q=f"SN{r.randrange(large.asked.devices) * 7919 % 100000000:08}"),
        "devices, q nothing": fixed("/devices", q="zzzz"),
        "devices, pending": fixed("/devices", state="pending"),
        "devices, blocked": fixed("/devices", state="blocked"),
        "devices, posture fails": fixed("/devices", posture="fail"),
        "devices, posture passes": fixed("/devices", posture="pass"),
        "devices, posture unknown": fixed("/devices", posture="unknown"),
        "devices, posture unknown, deep": fixed("/devices", posture="unknown", after=deep(root, "/devices", posture="unknown")),
        "devices, posture fails, q": fixed("/devices", posture="fail", state="approved", q="laptop-0"),
        "devices of a user": lambda: url("/devices", user=someone()["id"]),
        "devices, sort by last seen": fixed("/devices", sort="-seen"),
        "one device": lambda: url(f"/devices/{r.choice(devices)['id']}"),
        "one user": lambda: url(f"/users/{someone()['id']}"),
        "sessions": fixed("/sessions"),
        "sessions, q": fixed("/sessions", q="anna"),
        "apps": fixed("/apps", limit=200),
        "requests": fixed("/requests"),
        "requests, waiting": fixed("/requests", state="waiting"),
        "requests of a user": lambda: url("/requests", user=someone()["id"]),
        "requests for an app": lambda: url("/requests", app=an_app()["id"]),
        "incidents": fixed("/incidents"),
        "incidents, one detector": fixed("/incidents", detector="bola"),
        "incidents of a user": lambda: url("/incidents", user=someone()["id"]),
        "incidents of an app": lambda: url("/incidents", app=an_app()["id"]),
        "audit": fixed("/audit"),
        "audit, deep": fixed("/audit", after=deep(root, "/audit")),
        "audit, one hour long ago": lambda: (lambda at: url("/audit", **{"from": iso(at - 3600), "to": iso(at)}))(now - day()),
        "audit, denials": fixed("/audit", action="session.deny"),
        "audit, denials of one hour": lambda: (lambda at: url("/audit", action="session.deny", to=iso(at),
                                                              **{"from": iso(at - 3600)}))(now - day()),
        "audit, rare action": fixed("/audit", action="policy.update"),
        "audit, no such record": fixed("/audit", action="app.remove"),
        "audit, a family": fixed("/audit", action="session."),
        "audit, result denied": fixed("/audit", result="denied"),
        "audit, result error": fixed("/audit", result="error"),
        "audit of a user": lambda: url("/audit", user=someone()["id"]),
        "audit of a user, denials": lambda: url("/audit", user=someone()["id"], action="session.deny"),
        "audit of an app": lambda: url("/audit", app=an_app()["id"]),
        "audit of an app, denials": lambda: url("/audit", app=an_app()["id"], action="session.deny"),
        "audit of a user at an app": lambda: url("/audit", user=someone()["id"], app=an_app()["id"]),
        "audit, q common": fixed("/audit", q="anna"),
        "audit, q a person": lambda: url("/audit", q=someone()["name"]),
        "audit, q a device": lambda: url("/audit", q=r.choice(devices)["name"]),
        "audit, q a request id": lambda: url("/audit", q=f"R-{r.randrange(large.asked.records):07X}"),
        "audit, q a sentence": fixed("/audit", q="left the comp"),
        "audit, q nothing": fixed("/audit", q="zzzz"),
        "audit, q and denials": fixed("/audit", q="disk_encryption", action="session.deny"),
        "one audit record": lambda: url(f"/audit/records/0/{r.randrange(1, large.asked.records)}"),
        "why": lambda: url(f"/audit", q=f"R-{r.randrange(large.asked.records):07X}", limit=1),
    }
    return {name: make for name, make in found.items() if large.asked.only in name}


class Client:
    """One keep-alive connection with the administrator's ticket."""

    def __init__(self, large):
        world = large.world
        trust = ssl.create_default_context(cafile=str(world.ca))
        self.http = http.client.HTTPSConnection(world.name, worlds.PORT, context=trust, timeout=20)
        ticket = large.root.web.cookie("__Host-sallyport")
        self.headers = {"Sallyport-Console": "1", "Cookie": f"__Host-sallyport={ticket}", "Origin": world.url}

    def ask(self, path):
        """Milliseconds, and what came."""
        began = time.monotonic()
        self.http.request("GET", path, headers=self.headers)
        answer = self.http.getresponse()
        body = answer.read()
        took = (time.monotonic() - began) * 1000
        if answer.status not in (200, 404):
            raise proc.Failed(f"{path}: {answer.status} {body[:400]!r}")
        return took, answer.status, body


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def measure(large, name, make):
    asked = large.asked
    if asked.json == "debug":
        print(name, file=sys.stderr, flush=True)
    paths = [make() for _ in range(asked.requests)]
    clients = [Client(large) for _ in range(asked.clients)]

    def walk(i):
        return [clients[i].ask(path) for path in paths[i::asked.clients]]
    with concurrent.futures.ThreadPoolExecutor(asked.clients) as pool:
        answers = [a for part in pool.map(walk, range(asked.clients)) for a in part]
    for client in clients:
        client.http.close()
    took = sorted(a[0] for a in answers)
    sample = json.loads(answers[0][2])
    if asked.json == "debug":
        print(name, len(sample.get("items", [])), sample.get("total"), sample.get("next"), file=sys.stderr)
    return {"rows": len(sample["items"]) if "items" in sample else 1, "p50": percentile(took, 0.5), "p95": percentile(took, 0.95),
            "max": took[-1], "bytes": max(len(a[2]) for a in answers)}


def text(result):
    m = result["machine"]
    lines = [f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}; {result['size'][0]:,} users, {result['size'][1]:,} devices, "
             f"{result['size'][2]:,} audit records; {result['clients']} clients, {result['requests']} requests each list", ""]
    lines += [f"{what}: {value:,.1f}" for what, value in result["took"].items()]
    width = max(len(name) for name in result["lists"])
    lines.append(f"\n{'':{width}}  {'rows':>5}  {'p50 ms':>7}  {'p95 ms':>7}  {'max ms':>7}")
    for name, row in result["lists"].items():
        late = "  over" if row["p95"] > AIM_MS else ""
        lines.append(f"{name:{width}}  {row['rows']:>5}  {row['p50']:>7.1f}  {row['p95']:>7.1f}  {row['max']:>7.1f}{late}")
    return "\n".join(lines)


def run(asked, build):
    large = Large(asked, build)
    try:
        large.start()
        store = FOLDER / "store.db"
        large.took["store, GB"] = store.stat().st_size / 1e9
        lists = {name: measure(large, name, make) for name, make in routes(large).items()}
    except proc.Failed:
        if large.world.broker is not None:
            print(large.world.broker.tail(15), file=sys.stderr)
        raise
    finally:
        if large.world.broker is not None:
            large.world.broker.stop()
    result = {"machine": machine(), "size": large.size, "clients": asked.clients, "requests": asked.requests, "took": large.took,
              "lists": lists}
    if asked.json and asked.json != "debug":
        pathlib.Path(asked.json).write_text(json.dumps(result, indent=1) + "\n")
    print(text(result))
    return 0 if asked.smoke or all(row["p95"] <= AIM_MS for row in lists.values()) else 1
