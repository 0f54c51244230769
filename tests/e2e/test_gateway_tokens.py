"""Access tokens, limits and retirement at the gateway, with tokens of an authorization server that is not ours.

    client: curl ── agent ══ relay ══ connector (gateway) ── recorder
                                          └── idp.py, on the connector's own loopback: keys, introspection
"""

import base64
import collections
import concurrent.futures
import json
import sys
import time

import pytest

from harness import apps, cage, proc
from harness.tokens import Key
from test_gateway import curl

PORT = 7120
ISSUER = f"http://127.0.0.1:{PORT}"
GATEWAY = f"""\
oauth:
  require: true
  realm: api
  issuers: [ {{ iss: "{ISSUER}", jwks_uri: "{ISSUER}/jwks", aud: [api], algs: [ES256, EdDSA] }} ]
  introspection: {{ url: "{ISSUER}/introspect", client_id: gw, secret_file: introspect.secret, cache: 2s }}
  bind: subject
  scopes: explicit
operations:
  - {{ match: "POST /transfer", scopes: ["pay:write", "pay:all"] }}
  - {{ match: "/public/**", token: optional }}
rate:
  - {{ name: exports, match: "/export/**", key: [user], rate: 2/h }}
  - {{ name: megabytes, match: "/big", key: [user], rate: 4/m, burst: 4, cost: response_mib }}
retire:
  - {{ match: "/v1/**", deprecated: 2024-06-01, sunset: 2025-01-01, successor: /v2, after: block }}
  - {{ match: "/v2/**", deprecated: 2025-01-01, sunset: 2099-12-31, successor: /v3, after: block }}
input_rules: {{ mode: block, sqli: free-text, ssrf: [callback_url], path_traversal: block }}
"""


class Idp:
    def __init__(self, world):
        self.world, self.folder = world, cage.WORK / "idp"
        self.folder.mkdir()
        self.keys = [self.new_key("k1")]
        self.answers = {}
        self.mode("ok")
        self.publish()
        self.program = proc.Program(world.connector_node, [sys.executable, "-u", apps.HERE / "idp.py", "127.0.0.1", str(PORT), self.folder],
                                    world.logs / "idp.log")

    def new_key(self, kid):
        return Key(self.folder, kid, ISSUER, "api")

    def mode(self, word):
        (self.folder / "mode").write_text(word)

    def publish(self):
        keys = [k.public() for k in self.keys]
        (self.folder / "jwks.json").write_text(json.dumps({"keys": keys}))
        (self.folder / "introspect.json").write_text(json.dumps(self.answers))

    def asked(self, path):
        log = self.folder / "asked.jsonl"
        return [a for a in map(json.loads, log.read_text().splitlines() if log.exists() else []) if a["path"] == path]

    @property
    def key(self):
        return self.keys[0]


@pytest.fixture(scope="module")
def idp(world):
    made = Idp(world)
    floor = cage.WORK / "etc" / "c1.floor"
    before = floor.read_text()
    world.write(floor, before + f"issuer 127.0.0.1:{PORT}\n", "connector")
    world.folder(cage.WORK / "c1" / "gateway", "connector")
    world.write(cage.WORK / "c1" / "gateway" / "introspect.secret", "s3cret\n", "connector")
    proc.until("the idp answers", 10, lambda: apps.answers(world.connector_node, "127.0.0.1", PORT))
    yield made
    made.program.stop()
    world.write(floor, before, "connector")


@pytest.fixture(scope="module")
def recorder(world):
    app = world.apps["recorder"]
    world.wait_app(app)
    return app


@pytest.fixture(scope="module")
def base(world, anna, idp, recorder):
    world.console.add_app("tokens", world.site, world.private, recorder.port, "http", gateway=GATEWAY)
    proc.until("anna sees the app", 20, lambda: "tokens" in {a["name"] for a in anna.json("apps")["apps"]})
    address, port = anna.address_of("tokens")
    return f"http://{address}:{port}"


def get(person, url, token=None, *more, scheme="Bearer"):
    return curl(person, *(["-H", f"Authorization: {scheme} {token}"] if token else []), *more, url)


def test_GW_10_no_token_is_a_plain_challenge_and_reaches_nobody(anna, base, recorder):
    before = len(recorder.seen())
    status, fields, body = get(anna, f"{base}/echo")
    assert (status, fields["www-authenticate"]) == (401, 'Bearer realm="api"'), body
    assert json.loads(body)["type"].endswith("token_missing")
    assert len(recorder.seen()) == before
    assert get(anna, f"{base}/public/x")[0] == 200
    assert get(anna, f"{base}/public/x", "nonsense")[0] == 401  # optional is not unchecked


def test_GW_10_a_good_token_goes_to_the_application_unchanged(anna, base, idp):
    token = idp.key.token("anna")
    status, _, body = get(anna, f"{base}/echo", token)
    assert status == 200, body
    assert json.loads(body)["fields"]["authorization"] == f"Bearer {token}"


@pytest.mark.parametrize("says,change", [
    ("critical", None), ("signed with none", None), ("signed with HS256", None), ("signature does not match", None),
    ("typ", {"typ": "JWT+x"}), ("has no key", {"kid": "unknown"}), ("not active", {"iss": "https://evil"}),  # so it was introspected
    ("not active", {"iss": None}), ("another audience", {"aud": "wiki"}), ("aud is missing", {"aud": None}),
    ("has expired", {"exp": 1000000000}), ("exp is missing", {"exp": None}), ("iat is missing", {"iat": None}),
    ("not valid yet", {"nbf": 4000000000}), ("in the future", {"iat": 4000000000}), ("sub is missing", {"sub": ""}),
    ("exp is not a time", {"exp": "tomorrow"}), ("not known here", {"cnf": {"kid": "x"}}),
    ("scope is not a string", {"scope": 7}), ("something else than strings", {"aud": ["api", 7]}),
])
def test_GW_10_each_fault_has_its_own_words(anna, base, idp, says, change):
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "api", "sub": "anna", "iat": now, "exp": now + 300}
    if change is not None:
        token = idp.key.token(**{"sub": "anna", **change})
    elif says == "critical":
        token = idp.key.sign({"alg": "ES256", "typ": "at+jwt", "kid": "k1", "crit": ["x"]}, claims)
    elif says == "signature does not match":
        token = idp.key.token("anna")
        token = token[:-8] + ("A" * 8 if token[-8:] != "A" * 8 else "B" * 8)
    else:
        token = idp.key.sign({"alg": says.rpartition(" ")[2], "typ": "at+jwt", "kid": "k1"}, claims)
    status, fields, body = get(anna, f"{base}/echo", token)
    assert status == 401, body
    assert 'error="invalid_token"' in fields["www-authenticate"]
    assert says in fields["www-authenticate"], fields["www-authenticate"]
    assert token not in body


def test_GW_11_another_persons_token_in_my_session_is_403(anna, base, idp, recorder):
    before = len(recorder.seen())
    status, fields, body = get(anna, f"{base}/echo", idp.key.token("carl"))
    assert (status, json.loads(body)["type"]) == (403, "urn:sallyport:problem:token_subject")
    assert "www-authenticate" not in fields
    assert len(recorder.seen()) == before


def test_GW_10_scopes_are_named_when_they_are_missing(anna, base, idp):
    status, fields, _ = get(anna, f"{base}/transfer", idp.key.token("anna", scope="pay:read pay:all"), "-X", "POST", "-d", "a=b")
    assert status == 403
    assert 'error="insufficient_scope"' in fields["www-authenticate"] and 'scope="pay:write pay:all"' in fields["www-authenticate"]
    assert get(anna, f"{base}/transfer", idp.key.token("anna", scope="pay:all pay:write"), "-X", "POST", "-d", "a=b")[0] == 200


def test_GW_12_a_token_of_another_certificate_reaches_nobody(world, anna, idp, recorder):
    """The right one is in tests/unit/connector/gateway/test_guard_token.c: the certificate of the inner TLS is shown to the connector alone."""
    rules = GATEWAY[:GATEWAY.index("operations:")].replace("bind: subject", "bind: mtls")
    world.console.add_app("bound", world.site, world.private, recorder.port, "http", gateway=rules)
    proc.until("anna sees the app", 20, lambda: "bound" in {a["name"] for a in anna.json("apps")["apps"]})
    url = "http://{}:{}/echo".format(*anna.address_of("bound"))
    before = len(recorder.seen())
    for cnf in ({"x5t#S256": idp.key.thumbprint}, None):
        status, fields, body = get(anna, url, idp.key.token("anna", cnf=cnf))
        assert (status, json.loads(body)["type"]) == (401, "urn:sallyport:problem:invalid_token"), body
        assert "not bound to this device's certificate" in fields["www-authenticate"]
    assert len(recorder.seen()) == before


def test_GW_13_a_bound_token_and_its_proof(anna, base, idp):
    holder = idp.new_key("holder")
    token = idp.key.token("anna", cnf={"jkt": holder.thumbprint})
    url = f"{base}/echo"
    ask = lambda proof, scheme="DPoP": get(anna, url, token, *(["-H", f"DPoP: {proof}"] if proof else []), scheme=scheme)
    proof = holder.proof(url, token)
    status, _, body = ask(proof)
    assert status == 200, body
    assert json.loads(body)["fields"]["dpop"] == proof
    for fault, wrong in {"used before": proof, "htm": holder.proof(url, token, "POST"), "htu": holder.proof(f"{url}/x", token),
                         "ath": holder.proof(url, token + "x"), "iat": holder.proof(url, token, iat=int(time.time()) - 90),
                         "another key": idp.key.proof(url, token), "expected": None}.items():
        status, fields, _ = ask(wrong)
        assert (status, fault in fields["www-authenticate"]) == (401, True), (fault, fields)
    status, fields, _ = ask(holder.proof(url, token), "Bearer")
    assert status == 401 and "send it with DPoP" in fields["www-authenticate"]


def test_GW_14_introspection_and_what_happens_when_it_lies_or_is_down(anna, base, idp):
    soon = int(time.time()) + 600
    idp.answers = {"opaque-anna": {"active": True, "sub": "anna", "exp": soon}, "opaque-carl": {"active": True, "sub": "carl", "exp": soon}}
    idp.publish()
    assert get(anna, f"{base}/echo", "opaque-anna")[0] == 200
    assert get(anna, f"{base}/echo", "opaque-anna")[0] == 200
    asked = idp.asked("/introspect")
    assert collections.Counter(a["token"] for a in asked)["opaque-anna"] == 1  # the second came from what was seen
    assert base64.b64decode(asked[0]["authorization"].removeprefix("Basic ")) == b"gw:s3cret"
    assert get(anna, f"{base}/echo", "opaque-carl")[0] == 403
    status, fields, _ = get(anna, f"{base}/echo", "opaque-nobody")
    assert status == 401 and "not active" in fields["www-authenticate"]
    time.sleep(2.1)  # what was seen is forgotten
    try:
        for mode in ("html", "down", "slow"):
            idp.mode(mode)
            began = time.monotonic()
            status, fields, body = get(anna, f"{base}/echo", f"opaque-{mode}")
            assert status == 503 and int(fields["retry-after"]) > 0, body
            assert time.monotonic() - began < 8
    finally:
        idp.mode("ok")
    idp.answers["opaque-later"] = {"active": True, "sub": "anna"}
    idp.publish()
    proc.until("the source is asked again", 15, lambda: get(anna, f"{base}/echo", "opaque-later")[0] == 200)


def test_GW_15_keys_rotate_under_load_without_a_failure(anna, base, idp):
    """The new key is published, then used; the old one signs on for a while, then goes."""
    fresh = idp.new_key(f"k{time.time_ns()}")
    for _ in range(20):  # until a new kid may be asked for (30 s); each try is a refusal that the audit log gets
        if get(anna, f"{base}/echo", idp.key.token("anna", kid="nobody"))[0] == 401 and len(idp.asked("/jwks")) > 1:
            break
        time.sleep(2)
    else:
        raise AssertionError("an unknown kid is never asked for")
    old = [idp.key.token("anna", n=n) for n in range(4)]
    idp.keys.insert(0, fresh)
    idp.publish()
    new = [fresh.token("anna", n=n) for n in range(4)]
    time.sleep(31)  # the last question was about "nobody"
    before = len(idp.asked("/jwks"))
    burst = anna.shell("sh", "-c", "for i in 1 2 3; do curl -sS --max-time 20 -Z --parallel-max 8 " + " ".join(
        f"--next -o /dev/null -w '%{{http_code}}\\n' -H 'Authorization: Bearer {t}' '{base}/echo?n={i}'" for i in range(10) for t in (*old, *new)
    ).removeprefix("--next ") + "; done")
    codes = burst.out.split()
    assert len(codes) == 240 and set(codes) == {"200"}, collections.Counter(codes)
    assert len(idp.asked("/jwks")) == before + 1  # 240 requests, one fetch


def test_GW_16_a_token_in_the_query_is_400_and_in_no_log(world, anna, base, idp):
    secret = idp.key.token("anna")
    status, fields, body = get(anna, f"{base}/echo?access_token={secret}")
    assert status == 400 and 'error="invalid_request"' in fields["www-authenticate"]
    decision = fields["sallyport-decision"]
    proc.until("the refusal is in the audit log", 10, lambda: any(decision in json.dumps(r) for r in world.console.audit(event="gateway.refuse")))
    assert secret not in json.dumps(world.console.audit(event="gateway.refuse")) + body
    for log in world.logs.glob("*.log"):
        assert secret not in log.read_text(errors="replace"), log


def test_GW_31_a_429_says_when_to_come_back(anna, base, idp):
    token = idp.key.token("anna")
    codes = [get(anna, f"{base}/export/{n}", token) for n in range(3)]
    assert [c[0] for c in codes] == [200, 200, 429]
    fields = codes[2][1]
    assert 1 <= int(fields["retry-after"]) <= 1800
    name, remaining, reset = fields["ratelimit"].split(";")
    assert (name, remaining) == ('"exports"', "r=0") and reset.removeprefix("t=") == fields["retry-after"]
    assert fields["ratelimit-policy"] == '"exports";q=2;w=3600'
    assert get(anna, f"{base}/other", token)[0] == 200


def test_GW_34_answers_cost_what_they_weigh(anna, base, idp):
    token = idp.key.token("anna")
    status = [anna.shell("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-H", f"Authorization: Bearer {token}",
                         f"{base}/big?{8 << 20}").out.split() for _ in range(2)]
    assert status[0][0] == "200" and int(status[0][1]) > 1 << 20, status
    assert status[1][0] == "429", status


def test_GW_43_deprecation_sunset_and_gone(anna, base, idp):
    token = idp.key.token("anna")
    status, _, body = get(anna, f"{base}/v1/accounts", token)
    assert (status, json.loads(body)["type"]) == (410, "urn:sallyport:problem:gone")
    status, fields, _ = get(anna, f"{base}/v2/accounts", token)
    assert status == 200
    assert fields["deprecation"] == "@1735689600"
    assert fields["sunset"] == "Thu, 31 Dec 2099 00:00:00 GMT"
    assert fields["link"] == '</v3>; rel="successor-version"'


def test_GW_60_and_61_input_rules_on_the_way(anna, base, idp, recorder):
    token = idp.key.token("anna")
    post = lambda value: get(anna, f"{base}/notes", token, "-H", "Content-Type: application/json", "-d", json.dumps(value))
    before = len(recorder.seen())
    for value, rule in (({"callback_url": "http://2852039166/latest/meta-data"}, "ssrf"), ({"note": "x' or '1'='1"}, "sqli"),
                        ({"file": "../../etc/passwd"}, "path_traversal")):
        status, _, body = post(value)
        assert (status, json.loads(body)["errors"][0]["rule"]) == (403, rule), body
        assert list(value.values())[0] not in body
    assert len(recorder.seen()) == before
    assert post({"callback_url": "https://hooks.example.com/x", "note": "O'Brien & sons"})[0] == 200
