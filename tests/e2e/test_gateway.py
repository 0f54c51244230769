"""The gateway in the connector: each request of an http app is verified, and what reaches the application
is what was verified.

    client: curl, raw sockets ── agent ══ relay ══ connector (gateway) ── recorder, nginx
"""

import base64
import collections
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import subprocess
import time

import pytest

from harness import apps, browser, cage, proc
from harness.wire import dial

LARGE_MIB = int(os.environ.get("SALLYPORT_LARGE_MIB", 96))  # of GW-71; tests/long: 2048
GATEWAY = """\
identity: {headers: on, assertion: on, audience: api}
websocket: on
methods: [GET, HEAD, POST, PUT, PATCH, OPTIONS]
limits: {body: 3GiB, header_time: 2s, response_time: 4s}
cors_origins: ["https://spa.example"]
"""


@pytest.fixture(scope="module")
def recorder(world):
    app = world.apps["recorder"]
    world.wait_app(app)
    return app


@pytest.fixture(scope="module")
def api(world, recorder):
    """The record of an app with a gateway."""
    return world.console.add_app("api", world.site, world.private, recorder.port, "http", gateway=GATEWAY)


def visible(person, name):
    proc.until(f"{person.name} sees {name}", 20, lambda: name in {a["name"] for a in person.json("apps")["apps"]})


@pytest.fixture(scope="module")
def base(anna, api):
    visible(anna, "api")
    address, port = anna.address_of("api")
    return f"http://{address}:{port}"


def split(text):
    """(status, fields in lower case, body) of one HTTP answer as text."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\n\n")
    lines = head.split("\n")
    return int(lines[0].split()[1]), {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:])}, body


def curl(person, *arguments):
    done = person.shell("curl", "-sS", "-i", "--max-time", "20", *arguments)
    assert done.code == 0, done
    return split(done.out)


def reason_of(body):
    return json.loads(body)["type"].rpartition(":")[2]


def open_raw(world, person, app="api"):
    """A connection whose first request was answered: the agent looks at no other, and the gateway at each."""
    c = dial(world, person, app)
    address, port = person.address_of(app)
    c.settimeout(10)
    c.sendall(f"HEAD /first HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += c.recv(65536)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return c


def send_raw(world, person, request, app="api", seconds=5):
    """All that comes back for these bytes."""
    with open_raw(world, person, app) as c:
        c.settimeout(seconds)
        c.sendall(request)
        answer = b""
        try:
            while data := c.recv(65536):
                answer += data
        except (TimeoutError, ConnectionError):
            pass
        return answer


def session_of(world, user, app):
    found = [s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == app and user in s["user"]["name"]]
    assert found, f"no session of {user} with {app}"
    return found[0]


# ---- what reaches the application ----

def test_a_request_reaches_the_application_with_the_callers_identity(world, anna, base, recorder):
    status, fields, body = curl(anna, f"{base}/echo?a=1")
    assert status == 200, body
    assert re.fullmatch("[0-9a-f]{16}", fields["sallyport-decision"])
    seen = json.loads(body)
    assert (seen["method"], seen["target"], seen["version"]) == ("GET", "/echo?a=1", "HTTP/1.1")
    assert seen["fields"]["sallyport-user"] == "anna"
    assert "builtin/staff" in seen["fields"]["sallyport-groups"]
    assert seen["fields"]["sallyport-decision"] == fields["sallyport-decision"]


def test_a_refused_request_reaches_nobody_and_is_in_the_audit_log(world, anna, base, recorder):
    before = len(recorder.seen())
    status, fields, body = curl(anna, "-X", "DELETE", f"{base}/echo")
    problem = json.loads(body)
    assert (status, problem["type"]) == (405, "urn:sallyport:problem:method")
    assert fields["allow"] == "GET, HEAD, POST, PUT, PATCH, OPTIONS"
    assert problem["decision"] == fields["sallyport-decision"]
    assert len(recorder.seen()) == before
    records = proc.until("the refusal is in the audit log", 10, lambda: [
        r for r in world.console.audit(action="gateway.refuse") if problem["decision"] in json.dumps(r)])
    said = records[0]["details"]["connector"]
    assert (said["mode"], said["blocked"], said["status"], said["method"]) == ("block", True, 405, "DELETE")
    assert said["policy_version"] > 0 and said["app_version"] > 0 and said["latency_us"] > 0
    assert (said["request_bytes"], said["response_bytes"]) == (0, 0)
    assert "detector" not in said and "document" not in said  # an exact rule, and no document


SPOOFS = ["Sallyport-User: root", "sallyport-user: root", "SALLYPORT-USER: root", "Sallyport_User: root", "X-Sallyport-User: root",
          "Sallyport-Groups: builtin/admins", "Sallyport-Assertion: e30.e30.e30", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-User: root",
          "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "sallyport_session: x"]


@pytest.mark.parametrize("spoof", SPOOFS)
def test_GW_06_TM_16_a_spoofed_identity_never_arrives(anna, base, spoof):
    name, _, value = spoof.partition(": ")
    status, _, body = curl(anna, "-H", spoof, "-H", f"Connection: keep-alive, Sallyport-User, {name}", f"{base}/echo")
    seen = json.loads(body)["fields"]
    assert status == 200
    assert seen["sallyport-user"] == "anna", "ours was stripped"
    assert value not in seen.values()
    assert not [n for n in seen if n.replace("_", "-").startswith(("x-sallyport", "x-forwarded", "forwarded", "x-real"))]


def openssl(*arguments, cwd=None, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=cwd, input=data).stdout


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der_integer(number):
    number = number.lstrip(b"\0") or b"\0"
    number = b"\0" + number if number[0] & 0x80 else number
    return b"\x02" + bytes([len(number)]) + number


def test_GW_07_the_assertion_is_verified_by_openssl_and_ends_within_a_minute(world, anna, base, tmp_path):
    _, _, body = curl(anna, f"{base}/echo?secret=1")
    token = json.loads(body)["fields"]["sallyport-assertion"]
    head, claims, signature = token.split(".")
    own = json.loads((cage.WORK / "c1" / "gateway-jwks.json").read_text())
    connector = next(c["id"] for c in world.console.call("GET", "/connectors")["items"] if c["name"] == "c1")
    # What anybody gets from the broker, without signing in, is what lies at the connector.
    nobody = browser.Browser(world.client, [world.ca])
    public = nobody.api(world.url, "GET", f"/api/v1/connectors/{connector}/jwks.json").json()
    assert public == own
    key = public["keys"][0]
    assert json.loads(unpadded(head)) == {"alg": "ES256", "kid": key["kid"], "typ": "JWT"}
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + unpadded(key["x"]) + unpadded(key["y"])
    (tmp_path / "key.der").write_bytes(spki)
    raw = unpadded(signature)
    inner = der_integer(raw[:32]) + der_integer(raw[32:])
    (tmp_path / "sig").write_bytes(b"\x30" + bytes([len(inner)]) + inner)
    verify = ("dgst", "-sha256", "-verify", tmp_path / "key.der", "-keyform", "DER", "-signature", tmp_path / "sig")
    assert b"OK" in openssl(*verify, data=f"{head}.{claims}".encode())
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*verify, data=f"{head}.{claims}x".encode())
    said = json.loads(unpadded(claims))
    assert (said["aud"], said["name"], said["htm"]) == ("api", "anna", "GET")
    assert said["htu"] == f"{base}/echo" and "secret" not in json.dumps(said)
    assert said["exp"] - said["iat"] == 60 and abs(said["iat"] - time.time()) < 30
    again = json.loads(curl(anna, f"{base}/echo")[2])["fields"]["sallyport-assertion"]
    assert json.loads(unpadded(again.split(".")[1]))["jti"] != said["jti"]


# ---- framing: zero or one request, and the same meaning ----

def vectors(host):
    h = f"Host: {host}\r\n"
    post, get, chunked = f"POST /v HTTP/1.1\r\n{h}", f"GET /v HTTP/1.1\r\n{h}", f"POST /v HTTP/1.1\r\n{h}Transfer-Encoding: chunked\r\n\r\n"
    inner = f"GET /smuggled HTTP/1.1\r\n{h}\r\n"
    return {
        "SMG-01 CL and TE": (400, f"{post}Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-02 empty coding": (400, f"{post}Transfer-Encoding: ,chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-03 two TE": (400, f"{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-04 xchunked": (400, f"{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-05 TE in 1.0": (400, f"POST /v HTTP/1.0\r\n{h}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-06 two CL": (400, f"{post}Content-Length: 0\r\nContent-Length: {len(inner)}\r\n\r\n{inner}"),
        "SMG-07 +5": (400, f"{post}Content-Length: +5\r\n\r\nhello{inner}"),
        "SMG-08 0x": (400, f"{chunked}0x5\r\nhello\r\n0\r\n\r\n{inner}"),
        "SMG-09 LF in an extension": (400, f"{chunked}5;a\nb\r\nhello\r\n0\r\n\r\n{inner}"),
        "SMG-10 data ended by LF": (400, f"{chunked}5\r\nhello\n0\r\n\r\n{inner}"),
        "SMG-11 surplus line": (400, f"{chunked}5\r\nhello\r\n\r\n0\r\n\r\n{inner}"),
        "SMG-13 bare LF": (400, f"GET /v HTTP/1.1\nHost: {host}\n\n{inner}"),
        "SMG-13 obs-fold": (400, f"{get}X: a\r\n b\r\n\r\n{inner}"),
        "SMG-14 blank before the colon": (400, f"{post}Content-Length : 5\r\n\r\nhello{inner}"),
        "SMG-15 NUL": (400, f"{get}X: a\0b\r\n\r\n{inner}"),
        "SMG-16 two spaces": (400, f"GET  /v HTTP/1.1\r\n{h}\r\n{inner}"),
        "SMG-16 version": (400, f"GET /v HTTP/1.32\r\n{h}\r\n{inner}"),
        "SMG-17 absolute form of another host": (400, f"GET http://evil/v HTTP/1.1\r\n{h}\r\n{inner}"),
        "SMG-17 CONNECT": (405, f"CONNECT {host} HTTP/1.1\r\n{h}\r\n{inner}"),
        "SMG-17 TRACE": (405, f"TRACE /v HTTP/1.1\r\n{h}\r\n{inner}"),
        "SMG-18 dots": (400, f"GET /a/%2e%2e/v HTTP/1.1\r\n{h}\r\n"),
        "SMG-18 encoded slash": (400, f"GET /a%2fv HTTP/1.1\r\n{h}\r\n"),
        "SMG-18 NUL": (400, f"GET /a%00 HTTP/1.1\r\n{h}\r\n"),
        "SMG-19 odd Expect": (417, f"{get}Expect: 200-maybe\r\n\r\n{inner}"),
        "SMG-25 long line": (414, f"GET /{'v' * 9000} HTTP/1.1\r\n{h}\r\n"),
        "SMG-25 many fields": (431, get + "".join(f"X-{i}: 1\r\n" for i in range(101)) + "\r\n"),
    }


@pytest.mark.parametrize("name", vectors("x"))
def test_GW_01_SMG_26_a_doubtful_request_reaches_nobody(world, anna, base, recorder, name):
    status, request = vectors(base.removeprefix("http://"))[name]
    before = len(recorder.seen())
    answer = send_raw(world, anna, request.encode("latin-1"))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, "a second answer: something of it was read as a request"
    assert [r["path"] for r in recorder.seen()[before:]] == ["/first"]


FIRST = {
    "a long path": ("target_size", 414, lambda h: f"GET /{'v' * 9000} HTTP/1.1\r\n{h}\r\n"),
    "a large field": ("header_size", 431, lambda h: f"GET /v HTTP/1.1\r\n{h}X: {'v' * 80000}\r\n\r\n"),
    "NUL in the path": ("framing", 400, lambda h: f"GET /a\0b HTTP/1.1\r\n{h}\r\n"),
    "TRACE": ("method", 405, lambda h: f"TRACE /v HTTP/1.1\r\n{h}\r\n"),
}


@pytest.mark.parametrize("what", FIRST)
def test_SMG_25_also_a_first_request_is_refused_in_words_and_with_a_record(world, anna, base, what):
    """The agent looks at the first request of a connection: what it need not refuse is the gateway's."""
    reason, status, request = FIRST[what]
    with dial(world, anna, "api") as c:
        c.settimeout(10)
        c.sendall(request(f"Host: {base.removeprefix('http://')}\r\n").encode())
        answer = b""
        while not answer.rstrip().endswith(b"}"):
            piece = c.recv(65536)
            assert piece, answer
            answer += piece
    got, fields, body = split(answer.decode())
    problem = json.loads(body)
    assert (got, fields["content-type"], problem["type"]) == (status, "application/problem+json", f"urn:sallyport:problem:{reason}")
    proc.until("the refusal is in the audit log", 10, lambda: any(
        problem["decision"] in json.dumps(r) for r in world.console.audit(action="gateway.refuse")))


def test_GW_01_what_is_taken_means_the_same_to_the_application(world, anna, base, recorder):
    host = base.removeprefix("http://")
    request = (f"\r\nPOST /v?x=%61 HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: Chunked\r\nX-Kept: 1\r\nConnection: close\r\n\r\n"
               "5;note=\"a b\"\r\nhello\r\n6\r\n world\r\n0\r\nContent-MD5: x\r\n\r\n")
    answer = send_raw(world, anna, request.encode())
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    seen = recorder.seen()[-1]
    assert (seen["target"], seen["body"], seen["fields"]["x-kept"]) == ("/v?x=%61", "hello world", "1")
    assert "content-md5" not in seen["fields"]


# ---- sessions, users, time ----

def test_GW_05_a_cut_ends_a_running_answer_within_two_seconds(world, anna, base):
    host = base.removeprefix("http://")
    with dial(world, anna, "api") as c:
        c.sendall(f"GET /drip HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert c.recv(65536).startswith(b"HTTP/1.1 200")
        session = session_of(world, "anna", "api")
        world.console.call("POST", f"/sessions/{session['id']}/kill", {"reason": "test"})
        cut = last = time.monotonic()
        c.settimeout(5)
        try:
            while c.recv(65536):
                last = time.monotonic()
        except ConnectionError:
            pass
        assert last - cut <= 2
    proc.until("anna can open the api again", 20, lambda: curl(anna, f"{base}/echo")[0] == 200)


def test_GW_77_a_refusal_is_json_that_the_apps_own_script_can_read(anna, base):
    status, fields, body = curl(anna, "-X", "DELETE", "-H", "Origin: https://spa.example", f"{base}/echo")
    assert (status, fields["access-control-allow-origin"]) == (405, "https://spa.example")
    assert fields["content-type"] == "application/problem+json"
    _, fields, _ = curl(anna, "-X", "DELETE", "-H", "Origin: https://evil.example", f"{base}/echo")
    assert "access-control-allow-origin" not in fields
    _, fields, body = curl(anna, "-X", "DELETE", "-H", "Accept: text/html", f"{base}/echo")
    assert fields["content-type"].startswith("text/html") and "<h1>" in body


def test_GW_74_a_slow_head_is_408_and_disturbs_nobody(world, anna, base):
    host = base.removeprefix("http://")
    with open_raw(world, anna) as c:
        c.sendall(f"GET /v HTTP/1.1\r\nHost: {host}\r\nX-".encode())
        assert curl(anna, f"{base}/echo")[0] == 200
        assert c.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_GW_74_a_late_application_is_504(anna, base):
    status, _, body = curl(anna, f"{base}/slow?8")
    assert (status, reason_of(body)) == (504, "upstream_timeout")


# ---- streams ----

def test_GW_70_events_come_as_they_are_said(world, anna, base):
    host = base.removeprefix("http://")
    late = []
    with dial(world, anna, "api") as c:
        c.sendall(f"GET /sse HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        held = b""
        while len(late) < 20 and (data := c.recv(65536)):
            now = time.time_ns()
            held += data
            for said in re.findall(rb"data: \d+ (\d+)\n", held):
                late.append((now - int(said)) / 1e6)
            held = b""
    assert len(late) == 20
    assert sorted(late)[10] < 20, f"median {sorted(late)[10]:.1f} ms"


def memory_of(program):
    """Resident KiB of a program and what it became by exec."""
    status = open(f"/proc/{program.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def test_GW_71_large_bodies_pass_in_constant_memory(world, anna, base):
    connector = world.connectors[0]
    curl(anna, f"{base}/echo")
    path = anna.home / "large"

    def both_ways(size):
        with open(path, "wb") as f:
            f.truncate(size)
        began = time.monotonic()
        done = anna.shell("curl", "-sS", "--max-time", "300", "-T", str(path), f"{base}/up", seconds=320)
        up = time.monotonic()
        assert json.loads(done.out)["length"] == size, done
        done = anna.shell("sh", "-c", f"curl -sS --max-time 300 '{base}/big?{size}' | wc -c", seconds=320)
        assert int(done.out) == size
        return f"{size / 2**20 / (up - began):.0f} MiB/s up, {size / 2**20 / (time.monotonic() - up):.0f} MiB/s down"
    for _ in range(2):
        both_ways(96 << 20)  # AddressSanitizer keeps the last 256 MiB that were freed: its quarantine is full after this
    most = 1024 if LARGE_MIB >= 2048 else 8 * 1024
    for _ in range(4):  # what held on to bodies would grow each time; an allocator that settles does not
        before = memory_of(connector)
        rates = both_ways(LARGE_MIB << 20)
        grown = memory_of(connector) - before
        print(f"GW-71: {LARGE_MIB} MiB each way: {rates}; the connector grew by {grown} KiB to {before + grown} KiB")
        if grown <= most:
            break
    path.unlink()
    assert grown <= most


def test_GW_72_a_websocket_echoes_and_is_cut_with_its_session(world, anna, base):
    host = base.removeprefix("http://")
    with dial(world, anna, "api") as c:
        c.settimeout(10)
        c.sendall(f"GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        head = c.recv(65536)
        assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        for _ in range(3):
            c.sendall(b"\x82\x05hello")
            assert c.recv(65536) == b"\x82\x05hello"
        session = session_of(world, "anna", "api")
        world.console.call("POST", f"/sessions/{session['id']}/kill", {"reason": "test"})
        try:
            assert c.recv(65536) == b""
        except ConnectionError:
            pass
    proc.until("anna can open the api again", 20, lambda: curl(anna, f"{base}/echo")[0] == 200)


# ---- an application that lies ----

@pytest.mark.parametrize("what", ["cl-te", "two-cl", "ssh", "long-head", "interim", "switch", "nothing"])
def test_GW_75_SMG_23_garbage_of_the_application_is_502(anna, base, what):
    status, _, body = curl(anna, f"{base}/raw/{what}")
    assert status == 502, body
    assert reason_of(body) in ("upstream_framing", "upstream_down")


@pytest.mark.parametrize("what", ["surplus", "spoof", "few-interim", "no-content"])
def test_GW_75_what_can_be_read_passes_and_poisons_nothing(anna, base, what):
    status, fields, body = curl(anna, f"{base}/raw/{what}")
    assert status in (200, 204) and "poison" not in body and "link" not in fields
    assert fields["sallyport-decision"] != "forged"
    done = anna.shell("curl", "-sS", "--max-time", "20", f"{base}/raw/{what}", f"{base}/echo")
    assert "poison" not in done.out and '"path": "/echo"' in done.out


def test_GW_75_an_answer_that_stops_in_the_middle_is_no_whole_one(anna, base):
    done = anna.shell("curl", "-sS", "--max-time", "20", f"{base}/raw/short")
    assert done.code != 0, "curl took half of an answer for a whole one"


# ---- TLS to the application ----

class Pki:
    """Two CAs, server and client certificates of them, as an administrator would bring them."""

    def __init__(self, folder, address):
        self.folder, self.address = folder, address
        folder.mkdir(exist_ok=True)
        for ca in ("good", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{ca}.key", "-out",
                    f"{ca}.pem", "-days", "2", "-subj", f"/CN={ca}", "-addext", "basicConstraints=critical,CA:TRUE", cwd=folder)
        for name, ca, days in (("server", "good", "2"), ("client", "good", "2"), ("stranger", "other", "2"), ("expired", "good", "-1")):
            self.make(name, ca, days)

    def make(self, name, ca, days):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}", cwd=self.folder)
        (self.folder / "ext").write_text("subjectAltName=DNS:api.internal\nbasicConstraints=critical,CA:FALSE\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-out", f"{name}.pem",
                "-days", days, "-extfile", "ext", cwd=self.folder)

    def pin(self, name):
        key = openssl("x509", "-in", f"{name}.pem", "-pubkey", "-noout", cwd=self.folder)
        der = openssl("pkey", "-pubin", "-outform", "DER", data=key)
        return "sha256/" + base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture(scope="module")
def pki(world):
    made = Pki(cage.WORK / "gateway-pki", world.private)
    files = world.folder(cage.WORK / "c1" / "gateway", "connector")
    for path in made.folder.glob("*.*"):
        world.write(files / path.name, path.read_text(), "connector")
    return made


@pytest.fixture(scope="module")
def secured(world, pki):
    class Secured(apps.Recorder):
        port = 7104
        tls = (pki.folder / "server.pem", pki.folder / "server.key", pki.folder / "good.pem")
    app = world.start_app(Secured)
    world.wait_app(app)
    yield app
    app.stop()


TLS = {
    "right": ("{ca: good.pem, client_cert: client.pem, client_key: client.key}", 200),
    "right pin instead of a CA": ("{pin: \"PIN\", client_cert: client.pem, client_key: client.key}", 200),
    "no client certificate": ("{ca: good.pem}", 502),
    "a client certificate of an unknown CA": ("{ca: good.pem, client_cert: stranger.pem, client_key: stranger.key}", 502),
    "an expired client certificate": ("{ca: good.pem, client_cert: expired.pem, client_key: expired.key}", 502),
    "a server of an unknown CA": ("{ca: other.pem, client_cert: client.pem, client_key: client.key}", 502),
    "another pin": ("{pin: \"OTHER\", client_cert: client.pem, client_key: client.key}", 502),
    "another name": ("{ca: good.pem, server_name: other.internal, client_cert: client.pem, client_key: client.key}", 502),
}


@pytest.mark.parametrize("case", TLS)
def test_GW_09_tls_to_the_application_both_ways(world, anna, pki, secured, case):
    tls, status = TLS[case]
    tls = tls.replace("PIN", pki.pin("server")).replace("OTHER", pki.pin("client"))
    name = f"tls-{list(TLS).index(case)}"
    world.console.add_app(name, world.site, world.private, secured.port, "http",
                          gateway=f"upstream: {{url: \"https://api.internal:7104/base\", tls: {tls}}}\n")
    visible(anna, name)
    address, port = anna.address_of(name)
    got, _, body = curl(anna, f"http://{address}:{port}/echo")
    assert got == status, body
    if status == 200:
        assert json.loads(body)["target"] == "/base/echo"
    else:
        assert reason_of(body) in ("upstream_tls", "upstream_down"), body


def test_a_frontend_of_TLS_ends_at_the_connector(world, anna, pki, recorder):
    world.console.add_app("fronted", world.site, world.private, recorder.port, "http",
                          gateway="frontend: tls\ntls: {cert: server.pem, key: server.key}\n")
    visible(anna, "fronted")
    address, port = anna.address_of("fronted")
    ca = anna.home / "good.pem"
    ca.write_text((pki.folder / "good.pem").read_text())
    ca.chmod(0o644)
    where = ("--cacert", str(ca), "--connect-to", f"api.internal:{port}:{address}:{port}")
    status, _, body = curl(anna, *where, f"https://api.internal:{port}/echo")
    assert status == 200 and json.loads(body)["fields"]["sallyport-user"] == "anna"
    done = anna.shell("sh", "-c", f"curl -sS --max-time 60 {' '.join(where)} 'https://api.internal:{port}/big?5000000' | sha256sum")
    assert done.out.split()[0] == hashlib.sha256(bytes(5000000)).hexdigest()
    done = anna.shell("curl", "-sS", "--max-time", "20", f"http://{address}:{port}/echo")
    assert "application" not in done.out and '"path"' not in done.out


def serials(host, port, seconds, ca):
    """Asks over new connections, one after the other, until the time is over: how many failed, and the certificates seen."""
    import socket
    import ssl

    context = ssl.create_default_context(cafile=ca)
    failed, seen, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection((host, port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="api.internal") as tls:
                seen.append(tls.getpeercert()["serialNumber"])
                tls.sendall(b"GET /echo HTTP/1.1\r\nHost: api.internal\r\nConnection: close\r\n\r\n")
                answer = b""
                while more := tls.recv(65536):
                    answer += more
                if not answer.startswith(b"HTTP/1.1 200"):
                    failed.append(answer[:100])
        except OSError as error:
            failed.append(repr(error))
    return failed, seen


def test_GW_09_certificates_are_renewed_under_load_and_no_connection_fails(world, anna, pki, recorder):
    files = cage.WORK / "c1" / "gateway"

    def place(name):
        for kind in ("pem", "key"):  # one after the other, as who renews them does
            world.write(files / f"renewed.{kind}", (pki.folder / f"{name}.{kind}").read_text(), "connector")
            time.sleep(0.5)

    place("server")
    world.console.add_app("renewed", world.site, world.private, recorder.port, "http",
                          gateway="frontend: tls\ntls: {cert: renewed.pem, key: renewed.key}\n")
    visible(anna, "renewed")
    address, port = anna.address_of("renewed")
    ca = anna.home / "good.pem"
    ca.write_text((pki.folder / "good.pem").read_text())
    ca.chmod(0o644)
    pki.make("server2", "good", "2")
    before = openssl("x509", "-in", "server.pem", "-serial", "-noout", cwd=pki.folder).decode().strip().partition("=")[2]
    after = openssl("x509", "-in", "server2.pem", "-serial", "-noout", cwd=pki.folder).decode().strip().partition("=")[2]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = [pool.submit(world.client.run_as, anna.uid, serials, address, int(port), 20, str(ca)) for _ in range(3)]
        time.sleep(3)
        place("server2")
        results = [job.result() for job in load]
    assert [failed for failed, _ in results] == [[], [], []]
    for _, seen in results:
        assert len(seen) > 20 and set(seen) == {before, after}, (len(seen), set(seen))
        assert seen == sorted(seen, key=[before, after].index)  # no way back


def shown(host, port, seconds):
    """Asks over kept and new connections until the time is over: what failed, and the certificates that the application was shown."""
    failed, seen, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(host, port, timeout=10)
        try:
            for _ in range(3):
                connection.request("GET", "/echo")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    seen.append(json.loads(body)["certificate"])
                else:
                    failed.append((answer.status, body[:200]))
        except OSError as error:
            failed.append(repr(error))
        finally:
            connection.close()
    return failed, seen


def test_GW_09_the_certificate_that_the_application_sees_is_renewed_under_load(world, anna, pki, secured):
    files = cage.WORK / "c1" / "gateway"

    def place(name):
        for kind in ("pem", "key"):
            world.write(files / f"mine.{kind}", (pki.folder / f"{name}.{kind}").read_text(), "connector")
            time.sleep(0.5)

    place("client")
    world.console.add_app("mutual", world.site, world.private, secured.port, "http",
                          gateway='upstream: {url: "https://api.internal:7104", tls: {ca: good.pem, client_cert: mine.pem, client_key: mine.key}}\n')
    visible(anna, "mutual")
    address, port = anna.address_of("mutual")
    pki.make("client2", "good", "2")
    before, after = (openssl("x509", "-in", f"{name}.pem", "-serial", "-noout", cwd=pki.folder).decode().strip().partition("=")[2]
                     for name in ("client", "client2"))
    assert json.loads(curl(anna, f"http://{address}:{port}/echo")[2])["certificate"] == before
    with concurrent.futures.ThreadPoolExecutor() as pool:
        load = [pool.submit(world.client.run_as, anna.uid, shown, address, int(port), 20) for _ in range(3)]
        long = pool.submit(anna.shell, "sh", "-c", f"curl -sS --limit-rate 1M --max-time 60 'http://{address}:{port}/big?20000000' | wc -c", seconds=90)
        time.sleep(3)
        place("client2")
        results = [job.result() for job in load]
        assert long.result().out.strip() == "20000000"
    assert [failed for failed, _ in results] == [[], [], []]
    for _, seen in results:
        assert len(seen) > 20 and set(seen) == {before, after}, (len(seen), set(seen))
    assert json.loads(curl(anna, f"http://{address}:{port}/echo")[2])["certificate"] == after


@pytest.mark.parametrize("http2,agreed", [("on", "2"), ("off", "1.1")])
def test_a_frontend_of_TLS_agrees_on_h2_where_the_app_has_it(world, anna, pki, recorder, http2, agreed):
    name = f"alpn-{http2}"
    world.console.add_app(name, world.site, world.private, recorder.port, "http",
                          gateway=f"frontend: tls\nhttp2: {http2}\ntls: {{cert: server.pem, key: server.key}}\n")
    visible(anna, name)
    address, port = anna.address_of(name)
    ca = anna.home / "good.pem"
    ca.write_text((pki.folder / "good.pem").read_text())
    ca.chmod(0o644)
    done = anna.shell("curl", "-sS", "--http2", "--max-time", "20", "--cacert", str(ca), "-o", str(anna.home / "alpn"), "-w",
                      "%{http_version} %{http_code}", "--connect-to", f"api.internal:{port}:{address}:{port}",
                      f"https://api.internal:{port}/echo")
    assert done.out == f"{agreed} 200", done


# ---- limits that the connectors of a site keep together ----

def test_GW_33_the_only_connector_of_a_site_has_the_whole_of_a_shared_limit(world, anna, recorder):
    """It begins with a quarter; more than that passes only with the broker's word."""
    world.console.add_app("shared", world.site, world.private, recorder.port, "http",
                          gateway="rate: [{name: all, key: [app], rate: 1/h, burst: 200}]\n")
    visible(anna, "shared")
    address, port = anna.address_of("shared")
    assert curl(anna, f"http://{address}:{port}/echo")[0] == 200  # the connector knows the limit now
    age = time.time() - os.stat(f"/proc/{world.broker.process.pid}").st_ctime
    time.sleep(max(0, 11 - age))  # a broker that has just begun lets no part grow
    curl(anna, f"http://{address}:{port}/echo")  # what is asked for is told within a second
    time.sleep(2)
    done = anna.shell("curl", "-sS", "--max-time", "30", "-o", "/dev/null", "-w", "%{http_code}\\n", f"http://{address}:{port}/echo?[1-220]")
    codes = done.out.split()
    assert 190 <= codes.count("200") < 200 and codes.count("200") + codes.count("429") == 220, done


# ---- what was recorded, played again offline ----

REPLAYED = """\
methods: [GET, PUT]
owner: [{match: "GET /echo/{name}", from: {path: name}, equals: "${user.name}", mode: block}]
operations: [{match: "GET /closed/**", deny: on}]
rate: [{name: few, match: {path: "/few/**"}, key: [user], rate: 1/h, burst: 2}]
input_rules: {path_traversal: block}
"""


def test_a_record_played_offline_is_refused_where_the_connector_refused(world, anna, ada, recorder):
    """GATEWAY section 3: the same rules, the same requests; each refusal has its place in the other."""
    app = world.console.add_app("replayed", world.site, world.private, recorder.port, "http", gateway=REPLAYED)
    visible(anna, "replayed")
    base = "http://{}:{}".format(*anna.address_of("replayed"))
    asked = [("GET", "/echo/anna"), ("GET", "/echo/carl"), ("GET", "/closed/door"), ("GET", "/few/1"), ("GET", "/few/2"), ("GET", "/few/3"),
             ("PUT", "/echo"), ("PATCH", "/echo"), ("GET", "/echo?file=../../etc/passwd"), ("GET", "/echo?q=plain")]
    entries, live = [], collections.Counter()
    for n, (method, path) in enumerate(asked):
        status, fields, body = curl(anna, "--path-as-is", "-X", method, base + path)
        if status >= 400:
            live[reason_of(body), status] += 1
        entries.append({"startedDateTime": f"2026-11-25T12:00:{n:02}.000Z", "time": 1, "cache": {}, "timings": {"send": 0, "wait": 1, "receive": 0},
                        "request": {"method": method, "url": base + path, "httpVersion": "HTTP/1.1", "headers": [], "queryString": [], "cookies": [],
                                    "headersSize": -1, "bodySize": 0},
                        "response": {"status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [], "redirectURL": "",
                                     "headersSize": -1, "bodySize": len(body),
                                     "content": {"size": len(body), "mimeType": fields["content-type"], "text": body}}})
    assert len(live) >= 4 and sum(live.values()) < len(asked), live
    rules, record = ada.home / "replayed.yaml", ada.home / "replayed.har"
    rules.write_text(world.console.call("GET", "/apps/" + app["id"])["gateway"])
    record.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}}))
    for file in (rules, record):
        file.chmod(0o644)
    done = ada.shell(world.bin / "sallyport-admin", "--json", "gateway", "check", rules, "--har", record, "--user", "anna")
    assert done.code == 0, done
    said = json.loads(done.out)
    played = collections.Counter({(f["reason"], f["status"]): f["count"] for f in said["findings"] if f["mode"] == "block"})
    assert played == live, (played, live)
    assert (said["requests"], said["refused"], said["passed"]) == (len(asked), sum(live.values()), len(asked) - sum(live.values())), said
    record.write_text(json.dumps({"log": {}}))
    wrong = ada.shell(world.bin / "sallyport-admin", "gateway", "check", rules, "--har", record)
    assert wrong.code != 0 and "record" in wrong.err, wrong


# ---- the record ----

def test_a_gateway_that_nobody_understands_is_not_signed(world, recorder):
    with pytest.raises(Exception, match="gateway:2:"):
        world.console.add_app("broken", world.site, world.private, recorder.port, "http", gateway="websocket: on\nmethodz: [GET]\n")


def test_a_changed_gateway_is_in_force_for_the_next_request_of_a_running_connection(world, anna, base, api, recorder):
    host = base.removeprefix("http://")
    ask = f"PATCH /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode()
    with dial(world, anna, "api") as c:
        c.settimeout(10)
        c.sendall(ask)
        assert c.recv(65536).startswith(b"HTTP/1.1 200 ")
        now = world.console.call("GET", f"/apps/{api['id']}")
        body = {k: now[k] for k in ("name", "description", "type", "host", "port", "labels", "limits", "cut_through")}
        world.console.call("PUT", f"/apps/{api['id']}", {**body, "site": world.site, "gateway": GATEWAY.replace("PATCH, ", "")},
                           {"If-Match": f'"{now["version"]}"'})

        def refused():
            c.sendall(ask)
            return c.recv(65536).startswith(b"HTTP/1.1 405 ")
        proc.until("PATCH is refused on the same connection", 10, refused)
    kept = world.console.call("GET", f"/apps/{api['id']}")
    world.console.call("PUT", f"/apps/{api['id']}", {**body, "site": world.site}, {"If-Match": f'"{kept["version"]}"'})
    assert "PATCH" not in world.console.call("GET", f"/apps/{api['id']}")["gateway"], "a PUT without it changed it"
