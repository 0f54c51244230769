"""GW-04: a canary in request and answer, while the reasons of a refusal fire: the relay's memory, the broker's, the wire
at the edge, the logs and the audit log never hold it.

What needs weeks or many people (bola, function, flow, enumeration against others) fires at the connector's own rig
in the unit tests; every reason here is brought about through the whole path."""

import json
import socket
import time

import pytest

from harness import cage, proc
from harness.tokens import Key
from test_gateway import dial, open_raw, visible
from test_secrecy import CANARY, SHOWN, Capture, memory_holds

WORD = CANARY.decode()
GATEWAY = """\
methods: [GET, HEAD, POST, PUT]
limits: {body: 4KiB, inspect: 4KiB, header_time: 2s, response_time: 2s}
operations:
  - {match: "/denied/**", deny: on}
  - {match: "POST /login", login: on, account: /username, password: /password}
  - {match: "/admin/**", groups: [builtin/admins]}
rate:
  - {name: one, match: "/rate/**", key: [user], rate: 1/h, burst: 1}
  - {name: two, match: "/slow", key: [user], in_flight: 1}
owner:
  - {match: "POST /owned/{id}", from: {response: /body}, equals: "${user.email}", mode: block}
  - {match: "PUT /pre/{id}", from: {preflight: "GET /raw/nothing", pointer: /owner}, equals: "${user.email}", mode: block}
input_rules: {mode: block, ssrf: [callback_url], sqli: free-text}
detectors: {credential: block, exposure: block, inventory: on, learning: 0s,
            budget: [{match: "GET /big", bytes: 1KiB, window: 1h, mode: block}]}
openapi: {file: canary.yaml, request: block}
retire: [{match: "/v0/**", deprecated: 2024-01-01, sunset: 2025-01-01, successor: /v1, after: block}]
"""
DOCUMENT = """\
openapi: 3.1.0
info: {title: canary, version: "1"}
paths:
  /strict:
    post:
      requestBody: {required: true, content: {application/json: {schema: {type: object, properties: {n: {type: integer}}}}}}
      responses: {"200": {description: as it came}}
"""
TOKENS = """\
oauth:
  require: true
  issuers: [ {iss: "https://idp.example", jwks_file: canary-keys.json, aud: [api], algs: [ES256]} ]
  bind: subject
  scopes: explicit
operations: [{match: "/pay/**", scopes: [pay]}]
"""


def text(method, path, host, fields=(), body=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"X-Canary: {WORD}", *fields]
    if body is not None and not any(f.startswith(("Content-Length", "Transfer")) for f in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body or ""]).encode()


@pytest.fixture(scope="module")
def apps(world, anna):
    """{name: (address, port)} of an app with rules, one with tokens, and one whose application speaks no TLS."""
    recorder = world.apps["recorder"]
    world.wait_app(recorder)
    files = world.folder(cage.WORK / "c1" / "gateway", "connector")
    world.write(files / "canary.yaml", DOCUMENT, "connector")
    keys = cage.WORK / "canary-keys"
    keys.mkdir()
    world.issuer = Key(keys, "k1", "https://idp.example", "api")
    world.write(files / "canary-keys.json", json.dumps({"keys": [world.issuer.public()]}), "connector")
    floor = cage.WORK / "etc" / "c1.floor"
    before = floor.read_text()
    world.write(floor, before + "issuer idp.example:443\n", "connector")
    for name, gateway in (("canary", GATEWAY), ("canary-tokens", TOKENS),
                          ("canary-tls", 'upstream: {url: "https://plain.internal:22", tls: {pin: "sha256/' + "A" * 43 + '="}}\n')):
        port = 22 if name == "canary-tls" else recorder.port
        world.console.add_app(name, world.site, world.private, port, "http", gateway=gateway)
        visible(anna, name)
    way = lambda name: proc.until(f"a way to {name}", 20, anna.address_of, name)  # the floor has just been read again
    yield {name: way(name) for name in ("canary", "canary-tokens", "canary-tls")}
    world.write(floor, before, "connector")


def asked(world, anna, app, request, seconds=6):
    """The reason of the refusal that the first answer to these bytes is, or its status."""
    got = b""
    with open_raw(world, anna, app) if app == "canary" else dial(world, anna, app) as c:  # the agent reads the first head, too
        c.settimeout(seconds)
        try:
            c.sendall(request)
            while b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < length(got):
                piece = c.recv(65536)
                if not piece:
                    break
                got += piece
        except (TimeoutError, ConnectionError):
            pass
    head, _, body = got.partition(b"\r\n\r\n")
    try:
        return json.loads(body)["type"].rpartition(":")[2]
    except (ValueError, KeyError):
        return head[9:12].decode()


def length(got):
    for line in got.partition(b"\r\n\r\n")[0].lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 1 << 30


def requests(apps, issuer):
    """[(app, reason that must come, bytes)], in the order of a list: what fires after others stands behind them."""
    host = lambda app: "{}:{}".format(*apps[app])
    h, t = host("canary"), host("canary-tokens")
    form, kind = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json"
    bearer = lambda *a, **k: f"Authorization: Bearer {issuer.token(*a, **k)}"
    note = json.dumps({"note": WORD})
    rows = [
        ("canary", "policy", text("POST", "/denied/x", h, [kind], note)),
        ("canary", "policy", text("GET", f"/admin/x?c={WORD}", h)),
        ("canary", "framing", text("POST", "/x", h, ["Content-Length: 5", "Transfer-Encoding: chunked"], WORD)),
        ("canary", "method", text("PATCH", "/x", h, [kind], note)),
        ("canary", "gone", text("GET", f"/v0/{WORD}", h)),
        ("canary", "200", text("GET", f"/rate/{WORD}", h)),
        ("canary", "rate", text("GET", f"/rate/{WORD}", h)),
        ("canary", "body_size", text("POST", "/x", h, [form], (WORD + "=") * 200)),
        ("canary", "target_size", text("GET", "/" + WORD * 300, h)),
        ("canary", "header_size", text("GET", "/x", h, [f"X-{i}: {WORD}" for i in range(101)])),
        ("canary", "expectation", text("GET", "/x", h, [f"Expect: {WORD}"])),
        ("canary", "media_type", text("POST", "/strict", h, ["Content-Type: text/plain"], WORD)),
        ("canary", "schema", text("POST", "/strict", h, [kind], json.dumps({"n": WORD}))),
        ("canary", "duplicate_parameter", text("POST", "/strict", h, [kind], f'{{"n":1,"n":"{WORD}"}}')),
        ("canary", "input", text("POST", "/x", h, [kind], json.dumps({"callback_url": f"http://127.0.0.1/{WORD}"}))),
        ("canary", "input", text("POST", "/x", h, [kind], json.dumps({"note": f"{WORD}' or '1'='1"}))),
        ("canary", "owner", text("POST", "/owned/1", h, [kind], note)),
        ("canary", "upstream_down", text("PUT", "/pre/1", h, [kind], note)),
        ("canary", "exposure", text("POST", "/mirror", h, [kind, "X-Card: 4111111111111111"], note)),
        ("canary", "upstream_framing", text("GET", "/raw/cl-te", h)),
        ("canary", "upstream_down", text("GET", "/raw/nothing", h)),
        ("canary", "upstream_timeout", text("POST", "/slow?5", h, [kind], note)),
        ("canary", "slow", text("POST", "/x", h, [kind])[:-2] + b"X-Late: "),
        ("canary", "200", text("GET", "/big?100000", h)),
        ("canary", "volume", text("GET", "/big?100000", h)),
        *[("canary", "401", text("POST", "/login", h, [kind], json.dumps({"username": WORD, "password": f"{WORD}{i}"}))) for i in range(10)],
        ("canary", "credential", text("POST", "/login", h, [kind], json.dumps({"username": WORD, "password": WORD}))),
        ("canary-tokens", "token_missing", text("GET", f"/x?c={WORD}", t)),
        ("canary-tokens", "invalid_token", text("GET", "/x", t, [f"Authorization: Bearer e30.{WORD}.x"])),
        ("canary-tokens", "invalid_request", text("GET", f"/x?access_token={WORD}", t)),
        ("canary-tokens", "token_subject", text("GET", "/x", t, [bearer("carl", note=WORD)])),
        ("canary-tokens", "insufficient_scope", text("GET", f"/pay/{WORD}", t, [bearer("anna", scope="read")])),
        ("canary-tokens", "200", text("POST", "/x", t, [bearer("anna"), kind], note)),
        ("canary-tls", "upstream_tls", text("POST", "/x", host("canary-tls"), [kind], note)),
    ]
    return rows


def test_GW_04_a_canary_is_nowhere_between_while_every_reason_fires(world, anna, apps):
    captures = [Capture(node, [CANARY, SHOWN]) for node in (world.edge, world.client, world.connector_node)]
    held, wrong = set(), []
    for app, reason, request in requests(apps, world.issuer):
        got = asked(world, anna, app, request)
        if got != reason:
            wrong.append(f"{request[:60]!r}: {got}, not {reason}")
    held |= memory_holds(world.relay.pid, [CANARY]) | memory_holds(world.broker.pid, [CANARY])

    def shout(address):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(SHOWN, (address, 9))
    world.client.run(shout, world.public)
    world.connector_node.run(shout, world.public)
    time.sleep(0.3)
    edge, client, connector = [c.stop() for c in captures]
    assert not wrong, "\n".join(wrong)
    assert edge.seen[SHOWN] >= 2, "the search on the cable is broken"
    assert client.seen[CANARY] and connector.seen[CANARY], "the canary never was on its way"
    assert edge.seen[CANARY] == 0, "the canary is on the cable at the edge"
    assert held == set(), "the relay or the broker holds what the connector refused"
    assert memory_holds(world.connectors[0].pid, [CANARY]) or memory_holds(anna.agent.pid, [CANARY]), "the search in memory is broken"
    records = json.dumps([world.console.audit(action=f"gateway.{a}") for a in ("refuse", "incident")])
    assert WORD not in records, "the audit log holds what a request said"
    for log in (cage.WORK / "logs").glob("*.log"):
        assert CANARY not in log.read_bytes(), log
