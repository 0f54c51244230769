"""What the connectors of a site tell each other of objects and of what is usual, with a key that the broker has not.

    client: curl ── agent ══ relay ══ connector c7 (gateway, site.key) ── recorder
                                          │ broker
                                      the other connector of the site: tests/evil/speak.py, which knows the key
"""

import hashlib
import os
import random
import struct
import sys
import time

import pytest

from harness import cage, proc, world as worlds

sys.path.insert(0, str(worlds.TOP / "tests" / "evil"))
import speak  # noqa: E402

KEY = os.urandom(32)


@pytest.fixture(scope="module")
def site(world):
    """(its app's record, the program of its one connector, the channel of the other)."""
    site = world.console.call("POST", "/sites", {"name": "two-of-us"})["id"]
    folder = world.folder(cage.WORK / "c7", "connector")
    world.folder(folder / "gateway", "connector")
    world.write(folder / "gateway" / "site.key", KEY.hex() + "\n", "connector")
    real = world.enrol_connector(world.console, site, "c7")
    made = world.console.call("POST", f"/sites/{site}/tokens", {"name": "c8", "life_ms": 600000})
    at = ((world.public, world.port), world.name, world.ca)
    channel, _ = world.connector_node.run(speak.enrol, at, speak.Key(os.urandom(32)), made["enrolment"], "c8")
    recorder = world.apps["recorder"]
    world.wait_app(recorder)
    record = world.console.add_app("objects", site, world.private, recorder.port, "http", gateway="detectors: {bola: monitor}\n")
    yield record, real, channel
    world.connector_node.run(channel.close)
    world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})
    real.stop()
    world.connectors.remove(real)


def under(app, what, told, key=KEY):
    return hashlib.blake2b(hashlib.sha256(what + speak.bytes64(app) + told).digest(), digest_size=32, key=key).digest()[:16]


def seal(app, objects, key=KEY):
    return under(app, b"objects", objects, key)


def siphash(key, text):
    """SipHash-2-4, as its authors give it: what endpoints are called between connectors."""
    mask = (1 << 64) - 1
    rotated = lambda x, by: (x << by | x >> 64 - by) & mask
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rounds(n):
        for _ in range(n):
            v[0], v[2] = (v[0] + v[1]) & mask, (v[2] + v[3]) & mask
            v[1], v[3] = rotated(v[1], 13) ^ v[0], rotated(v[3], 16) ^ v[2]
            v[0] = rotated(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & mask, (v[0] + v[3]) & mask
            v[1], v[3] = rotated(v[1], 17) ^ v[2], rotated(v[3], 21) ^ v[0]
            v[2] = rotated(v[2], 32)
    for (word,) in struct.iter_unpack("<Q", text + bytes(7 - len(text) % 8) + bytes([len(text) & 255])):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_GW_51_objects_are_told_the_others_of_the_site_under_its_key(world, anna, site):
    record, real, channel = site
    proc.until("anna sees the app", 20, lambda: "objects" in {a["name"] for a in anna.json("apps")["apps"]})
    address, port = anna.address_of("objects")

    def told():
        """All that was told so far: {object: tag}."""
        channel.call("why")  # refused; what came before it is in `events`
        seen = {}
        for m in (m for m in channel.events if m.get("t") == "api.objects"):
            objects = speak.bytes64(m["objects"])
            assert m["app"] == record["id"] and speak.bytes64(m["seal"]) == seal(m["app"], objects), m
            for at in range(0, len(objects), 8):
                assert objects[at:at + 6] not in seen, "said twice"
                seen[objects[at:at + 6]] = objects[at + 6:at + 8]
        return seen

    def ask(last):
        done = anna.shell("curl", "-sS", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}\\n", f"http://{address}:{port}/echo/[5001-{last}]")
        return done.out.split() == ["200"] * (last - 5000)

    def known(count):
        proc.until(f"the other connector knows {count}", 20, lambda: len(world.connector_node.run(told)) >= count)
    assert ask(5009)
    known(9)
    assert ask(5010)  # only the last is new
    known(10)
    real.stop()
    world.restart(real)
    world.wait_standing(world.console, "c7")
    proc.until("the app is served again", 60, ask, 5010)  # nothing is: it remembers
    assert ask(5011)
    known(11)
    seen = world.connector_node.run(told)
    assert len(seen) == 11 and len(set(seen.values())) == 1, seen  # one person


def test_GW_51_the_word_of_one_without_the_key_does_not_count(world, anna, site):
    record, real, channel = site
    refused = lambda: sum('"gateway.siblings"' in line for line in real.text().splitlines())

    def say(objects, code):
        channel.send("api.objects", app=record["id"], objects=speak.text64(objects), seal=speak.text64(code))
    before = refused()
    world.connector_node.run(say, bytes(range(1, 17)), seal(record["id"], bytes(range(1, 17))))
    world.connector_node.run(say, bytes(range(1, 17)), seal(record["id"], bytes(range(1, 17)), os.urandom(32)))
    proc.until("the one with another key is named", 20, lambda: refused() > before)
    assert refused() == before + 1, real.tail(5)


def test_GW_52_what_others_usually_open_is_known_and_an_incident_says_from_how_many(world, anna, site):
    record, real, channel = site
    address, port = anna.address_of("objects")

    def walk(values):
        done = anna.shell("curl", "-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}\\n", f"http://{address}:{port}/echo/{{{','.join(map(str, values))}}}")
        assert done.out.split() == ["200"] * len(values), done.out

    def say(entries, number, key=KEY):
        told = b"another one told" + struct.pack(">Q", number) + entries
        channel.send("api.usual", app=record["id"], usual=speak.text64(told), seal=speak.text64(under(record["id"], b"usual", told, key)))

    def found():
        return [i for i in world.console.call("GET", f"/incidents?app={record['id']}&detector=enumeration")["items"]
                if any("95 %" in line for line in i["evidence"])]
    walk([9001])
    before = real.text().count('"gateway.siblings"')
    # 40 people there opened two objects in ten minutes each
    endpoint = siphash(under(record["id"], b"hashes", b""), b"GET /echo/{echo_id}")
    windows = struct.pack(">HHI", 1, 2, 40)
    entry = struct.pack(">BHQ", 1, len(windows), endpoint) + windows
    now = int(time.time() * 1000)
    world.connector_node.run(say, entry, now, os.urandom(32))  # nobody's word
    walk(random.sample(range(10000, 90000), 100))
    proc.until("the one with another key is named", 20, lambda: real.text().count('"gateway.siblings"') > before)
    assert not found()  # one connector's own few people make nothing usual
    world.connector_node.run(say, entry, now)
    world.connector_node.run(say, entry, now)  # again: it counts once, and the log says so
    proc.until("what was said before is named", 20, lambda: real.text().count('"gateway.siblings"') > before + 1)
    walk(random.sample(range(10000, 90000), 100))
    incident = proc.until("the walk is found", 60, found)[0]
    assert (incident["merged"], incident["other_connectors"]) == (1, 1), incident
    assert "half of all users open at most 2" in incident["evidence"][0], incident
