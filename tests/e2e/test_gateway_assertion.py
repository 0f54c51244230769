"""GW-07: the samples of docs/assertion.md, taken from the page, before an assertion that came through the whole path.

Python with PyJWT, Node.js with jose: libraries that share no line with ours; a signature of RFC 9421 with cryptography. Each sample takes the caller that the page says it
takes, and refuses another audience, another connector, another request, a changed claim, and what is no token."""

import base64
import hashlib
import json
import pathlib
import re
import subprocess

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from harness import cage, packages
from test_gateway import curl, visible

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGE = (TOP / "docs" / "assertion.md").read_text()
KEYS = "/etc/myapp/gateway-jwks.json"
NODE = """
import { sallyport } from "./sample.mjs";

for await (const line of (await import("node:readline")).createInterface({ input: process.stdin })) {
  const { assertion, method, path } = JSON.parse(line);
  const req = { headers: assertion === null ? {} : { "sallyport-assertion": assertion }, method, path };
  let status = 0;
  const res = { status(n) { status = n; return this; }, end() {} };
  await sallyport(req, res, () => { status = 200; });
  console.log(JSON.stringify({ status, caller: req.caller ?? null }));
}
"""


def sample(language):
    """The one block of that language on the page."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
    assert len(found) == 1, f"{len(found)} samples in {language}"
    assert KEYS in found[0], "the sample reads the key set from another place than the page says"
    return found[0]


def connector_of(world):
    return next(c["id"] for c in world.console.call("GET", "/connectors")["items"] if c["name"] == "c1")


@pytest.fixture(scope="module")
def given(world, anna):
    """(assertion for payments, assertion for another audience, URL, the key set's file, the connector's id)."""
    recorder = world.apps["recorder"]
    world.wait_app(recorder)
    got = {}
    for name in ("payments", "elsewhere"):
        world.console.add_app(name, world.site, world.private, recorder.port, "http",
                              gateway=f"identity: {{headers: on, assertion: on, audience: {name}}}\n")
        visible(anna, name)
        address, port = anna.address_of(name)
        url = f"http://{address}:{port}/v1/pay"
        status, _, body = curl(anna, f"{url}?amount=1")
        assert status == 200, body
        got[name] = json.loads(body)["fields"]["sallyport-assertion"], url
    keys = cage.WORK / "samples" / "gateway-jwks.json"
    keys.parent.mkdir()
    keys.write_text((cage.WORK / "c1" / "gateway-jwks.json").read_text())
    return got["payments"][0], got["elsewhere"][0], got["payments"][1], keys, connector_of(world)


def changed(assertion):
    """The same with another person in it; the signature as it was."""
    head, claims, signature = assertion.split(".")
    said = {**json.loads(base64.urlsafe_b64decode(claims + "==")), "name": "root"}
    return ".".join([head, base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("="), signature])


def of_another_key(assertion):
    """The same claims, signed by a key that is not the connector's, under its kid."""
    claims = jwt.decode(assertion, options={"verify_signature": False})
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", {"kid": jwt.get_unverified_header(assertion)["kid"]})


def test_GW_07_the_sample_for_python_takes_the_caller_and_nobody_else(given):
    right, elsewhere, url, keys, connector = given

    def module(who):
        names = {}
        exec(compile(sample("python").replace(KEYS, str(keys)).replace("the connector's id", who), "docs/assertion.md", "exec"), names)
        return names["caller"]
    caller = module(connector)
    said = caller(right, "GET", url)
    assert (said["name"], said["htu"], said["aud"]) == ("anna", url, "payments")
    for token, method, asked in ((elsewhere, "GET", url), (changed(right), "GET", url), (of_another_key(right), "GET", url),
                                 (right, "POST", url), (right, "GET", url + "/2"), ("", "GET", url), ("e30.e30.e30", "GET", url)):
        with pytest.raises((jwt.InvalidTokenError, KeyError)):
            caller(token, method, asked)
    with pytest.raises(jwt.InvalidIssuerError):
        module("another")(right, "GET", url)


def test_GW_07_the_sample_for_node_takes_the_caller_and_nobody_else(given):
    right, elsewhere, _, keys, connector = given
    folder = keys.parent
    (folder / "sample.mjs").write_text(sample("js").replace(KEYS, str(keys)))
    (folder / "run.mjs").write_text(NODE)
    (folder / "node_modules").symlink_to(packages.node() / "node_modules")
    rows = [(right, "GET", "/v1/pay", 200), (elsewhere, "GET", "/v1/pay", 401), (changed(right), "GET", "/v1/pay", 401),
            (of_another_key(right), "GET", "/v1/pay", 401), (right, "POST", "/v1/pay", 401), (right, "GET", "/v1/other", 401),
            (None, "GET", "/v1/pay", 401), ("e30.e30.e30", "GET", "/v1/pay", 401)]
    lines = "".join(json.dumps({"assertion": t, "method": m, "path": p}) + "\n" for t, m, p, _ in rows)

    def run(who):
        done = subprocess.run(["node", "run.mjs"], cwd=folder, input=lines, capture_output=True, text=True, timeout=30,
                              env={"CONNECTOR_ID": who, "PATH": "/usr/local/bin:/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
    answers = run(connector)
    assert [a["status"] for a in answers] == [status for *_, status in rows]
    assert answers[0]["caller"]["name"] == "anna"
    assert {a["status"] for a in run("another")} == {401}


def signed(anna, url, body):
    """What the application got of one POST: (method, URI, its fields)."""
    status, _, answer = curl(anna, "-X", "POST", "-H", "content-type: application/json", "-H", "Signature: sallyport=:AA==:",
                             "-H", "Content-Digest: sha-256=:AA==:", "--data-binary", body, url)
    assert status == 200, answer
    seen = json.loads(answer)
    return seen["method"], f"http://{seen['fields']['host']}{seen['target']}", seen["fields"]


def test_GW_07_a_request_signed_by_RFC_9421_is_verified_by_its_reader(world, anna, given):
    recorder = world.apps["recorder"]
    world.console.add_app("signed", world.site, world.private, recorder.port, "http",
                          gateway="identity: {headers: on, signature: rfc9421}\n")
    visible(anna, "signed")
    address, port = anna.address_of("signed")
    method, uri, fields = signed(anna, f"http://{address}:{port}/echo?amount=1", '{"amount": 7}')
    label, _, parameters = fields["signature-input"].partition("=")
    components = re.match(r"\((.*?)\)", parameters).group(1).replace('"', "").split()
    assert (label, components) == ("sallyport", ["@method", "@target-uri", "content-digest", "sallyport-user"])
    assert fields["content-digest"] == "sha-256=:" + base64.b64encode(hashlib.sha256(b'{"amount": 7}').digest()).decode() + ":"
    assert fields["sallyport-user"] == "anna"
    said = dict(p.split("=", 1) for p in parameters.split(";")[1:])
    assert int(said["expires"]) - int(said["created"]) == 60
    key = next(k for k in jwt.PyJWKSet.from_dict(json.loads(given[3].read_text())).keys if k.key_id == said["keyid"].strip('"')).key
    raw = base64.b64decode(fields["signature"].partition("=")[2].strip(":"))
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))

    def verify(uri):
        values = {"@method": method, "@target-uri": uri, **fields}
        lines = [f'"{c}": {values[c]}' for c in components] + [f'"@signature-params": {parameters}']
        key.verify(der, "\n".join(lines).encode(), ec.ECDSA(hashes.SHA256()))
    verify(uri)
    with pytest.raises(InvalidSignature):
        verify(uri + "&amount=2")
