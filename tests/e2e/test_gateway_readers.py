"""GW-01, SMG-26: the smuggling corpus through the whole path, with nginx and HAProxy as the applications that read it next.

    client: raw sockets ── agent ══ relay ══ connector (gateway) ─┬─ nginx ───┐
                                                                  └─ haproxy ─┴─ echo.py, which tells what reached it

What the gateway refuses reaches neither of them; what it takes, each reads as we do, and never as one request more."""

import collections
import concurrent.futures
import os
import pathlib
import socket
import sys

import pytest

from conftest import BUILD
from harness import proc, readers as others
from test_gateway import GATEWAY, open_raw, vectors, visible

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "gateway"))
import requests_made  # noqa: E402
from readers import judge, ours, seen_in  # noqa: E402

COUNT = int(os.environ.get("SALLYPORT_SECOND_E2E", 600))
SEED = int(os.environ.get("SALLYPORT_SECOND_SEED", 20261126))


@pytest.fixture(scope="module", params=[others.NginxReader, others.HaproxyReader], ids=["nginx", "haproxy"])
def reader(world, anna, request):
    app = world.start_app(request.param)
    world.wait_app(app)
    world.console.add_app(app.name, world.site, world.private, app.port, "http",
                          gateway=GATEWAY.replace("POST, PUT,", "POST, PUT, DELETE,"))
    visible(anna, app.name)
    anna.address_of(app.name)
    yield app
    app.stop()
    world.apps.pop(type(app).__name__.lower())


def sent(world, anna, app, data):
    """What comes back for these bytes, the sender's end being over."""
    got = b""
    with open_raw(world, anna, app.name) as c:
        c.settimeout(8)
        try:
            c.sendall(data)
            c.shutdown(socket.SHUT_WR)
            while piece := c.recv(65536):
                got += piece
        except (ConnectionError, BrokenPipeError):
            pass
    return got


def firsts(app):
    return sum("/first" in line for line in app.lines())


def settled(app, n):
    """The lines of what the application has read, `n` first requests of connections among them."""
    proc.until("the log is written", 10, lambda: firsts(app) >= n)
    return [line for line in app.lines() if "/first" not in line]


def test_GW_01_SMG_01_to_19_reach_neither_nginx_nor_haproxy(world, anna, reader):
    address, port = anna.address_of(reader.name)
    known, before = vectors(f"{address}:{port}"), firsts(reader)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = dict(zip(known, pool.map(lambda v: sent(world, anna, reader, v[1].encode("latin-1")), known.values())))
    for name, (status, _) in known.items():
        assert answers[name].startswith(f"HTTP/1.1 {status} ".encode()), (name, answers[name][:200])
        assert len(seen_in(answers[name])) == 1, f"{name}: a second answer"
    read = settled(reader, before + len(known))
    assert not [line for line in read if "smuggled" in line], read


def test_GW_01_SMG_26_what_passes_has_one_meaning_for_both(world, anna, reader):
    connections = [requests_made.make(SEED + i) for i in range(COUNT)]
    verdicts = ours(BUILD, connections)
    before, already = firsts(reader), len(settled(reader, firsts(reader)))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda data: seen_in(sent(world, anna, reader, data)), connections))
    tally, wrong, most, passed = collections.Counter(), [], 0, 0
    for i, (data, said, seen) in enumerate(zip(connections, verdicts, answers)):
        most += len(said["requests"])
        ask = [plain(s) for s in seen]
        try:
            taken, reached = sum(r["whole"] for r in said["requests"]), sum(not isinstance(s, int) for s in seen)
            tally[judge(data, honest(said), ask) if taken else "refused"] += 1
            assert reached <= taken, f"{taken} taken, {seen} seen"
            passed += reached
        except AssertionError as e:
            wrong.append(f"seed {SEED + i}: {str(e)[:900]}\n    {data!r}")
    print(f"{reader.name}: {COUNT} connections: {dict(tally)}")
    assert not wrong, f"{len(wrong)} are read in two ways\n" + "\n".join(wrong[:8])
    read = settled(reader, before + COUNT)
    assert len(read) - already <= most, f"the application has read more requests than the gateway: {collections.Counter(read[already:]).most_common(40)}"
    assert passed > COUNT / 3, f"only {passed} requests of {COUNT} connections passed: this shows nothing"


def mine(name):
    """What only one side of the gateway has: its own word, and what it takes away or writes anew."""
    return name.replace("_", "-").startswith(("sallyport-", "x-sallyport", "x-forwarded", "x-real-ip")) or name in ("via", "keep-alive")


def plain(seen):
    return seen if isinstance(seen, int) else {**seen, "fields": [f for f in seen["fields"] if not mine(f[0])]}


def honest(said):
    keep = lambda f: not mine(bytes.fromhex(f["name"]).decode("latin-1").lower())
    return {**said, "requests": [{**r, "fields": [f for f in r["fields"] if keep(f)]} for r in said["requests"]]}
