"""`sallyport doctor` and `bugreport` in each fault of the way: every failed row says what is wrong and what to do.

The faults stand on the client machine itself: a server that answers in the broker's place, at an address that dev's agent
believes to be its broker.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import time

import pytest

from harness import cage, proc, world as worlds


PLACE = "place.example.test"  # the client machine itself, where another than the broker answers


def rows(done):
    """{component: (state, target, details, action)} of the JSON."""
    return {c["component"]: (c["state"], c["target"], c["details"], c["action"]) for c in json.loads(done.out)["checks"]}


def doctor(user, **env):
    return proc.command(user.world.client, [user.world.bin / "sallyport", "--json", "doctor"], user=user.name, cwd=str(user.home),
                        env={**user.env, **env})


@pytest.fixture
def stranger(world):
    """dev, who has no login; his agent believes what `login --broker` says."""
    user = worlds.User(world, "dev", "none", []) if "dev" not in world.users else world.users["dev"]
    world.users["dev"] = user
    if PLACE not in pathlib.Path("/etc/hosts").read_text():
        cage.add_host("127.0.0.1", PLACE)
    if user.agent is None or not user.agent.alive():
        user.start_agent()
    return user


def believe(user, port):
    done = user.run("login", "--broker", f"https://{PLACE}:{port}", "--ca", user.world.ca, "--no-browser")
    assert done.code in (8, 10), done


def certificate(world, name, ca="ca", subject="place.example.test", days=("20200101000000Z", "20491231000000Z")):
    """A certificate for this machine: by the world's CA, or by one that nobody trusts."""
    folder = cage.WORK / "tls"
    run = lambda *a: subprocess.run(["openssl", *map(str, a)], check=True, capture_output=True, cwd=folder)
    if ca != "ca" and not (folder / f"{ca}.pem").exists():
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
            "-days", "2", "-subj", "/CN=ACME Inspect CA")
    (folder / f"{name}.cnf").write_text(textwrap.dedent(f"""\
        [ca]
        default_ca = d
        [d]
        database = {folder}/{name}.index
        new_certs_dir = {folder}
        serial = {folder}/{name}.serial
        default_md = sha256
        policy = p
        x509_extensions = e
        [p]
        commonName = supplied
        [e]
        subjectAltName = DNS:{subject}
        extendedKeyUsage = serverAuth
        basicConstraints = critical,CA:FALSE
        """))
    (folder / f"{name}.index").write_text("")
    (folder / f"{name}.serial").write_text("1000\n")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
    run("ca", "-batch", "-config", f"{name}.cnf", "-cert", f"{ca}.pem", "-keyfile", f"{ca}.key", "-in", f"{name}.csr", "-out", f"{name}.pem",
        "-startdate", days[0], "-enddate", days[1], "-notext")
    return folder / f"{name}.pem", folder / f"{name}.key"


ANSWER = """\
import http.server, json, ssl, sys, time
port, shift, kind, *pair = sys.argv[1:]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        portal = kind == "portal"
        self.send_response(302 if portal else 200)
        self.send_header("Location" if portal else "Content-Type", "http://portal.example/login?from=here" if portal else "application/json")
        self.send_header("Content-Length", "0" if portal else "2")
        self.end_headers()
        self.wfile.write(b"" if portal else b"{}")

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + int(shift) if timestamp is None else timestamp)

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
if pair:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
"""


@pytest.fixture
def serve(world):
    """What stands in the broker's place on the client machine: a `broker` or a `portal`."""
    started = []
    script = cage.WORK / "answer.py"
    script.write_text(ANSWER)

    def start(port, kind, pair=(), shift=0, node=None):
        program = proc.Program(node or world.client, [sys.executable, script, port, shift, kind, *pair], world.logs / f"answer-{port}-{time.monotonic_ns()}.log")
        started.append(program)
        program.wait_text("listening")
    yield start
    for program in started:
        program.kill9()


def test_all_is_well(anna):
    assert anna.run("up", "wiki").code == 0
    assert anna.run("posture", "--send").code in (0, 7)
    done = doctor(anna)
    assert done.code == 0, done
    seen = rows(done)
    assert {name: row[0] for name, row in seen.items() if row[0] not in ("PASS", "WARN")} == {}, done
    for name in ("Agent", "Proxy", "DNS", "TCP", "TLS", "HTTP", "Clock", "WebSocket", "Login", "Relay", "Posture"):
        assert name in seen, name


def test_a_proxy_that_does_not_answer(anna):
    done = doctor(anna, https_proxy="http://198.18.255.254:9")
    assert done.code == 1
    state, target, _, action = rows(done)["TCP"]
    assert state == "FAIL" and target == "198.18.255.254:9" and "proxy" in action


def test_TM_08_C_026_a_proxy_that_intercepts_tls_is_refused_and_named_by_its_issuer(world, stranger, serve):
    serve(9443, "broker", certificate(world, "inspect", ca="acme"))
    believe(stranger, 9443)
    state, _, details, action = rows(doctor(stranger))["TLS"]
    assert state == "FAIL" and "ACME Inspect CA" in details and "exempt" in action, details


def test_a_captive_portal_is_named(world, stranger, serve):
    serve(80, "portal")
    believe(stranger, 9444)  # nothing listens there: the portal lets plain HTTP through only
    seen = rows(doctor(stranger))
    assert seen["TCP"][0] == "FAIL"
    state, target, details, action = seen["Portal"]
    assert (state, target) == ("FAIL", "portal.example") and "captive portal" in details and "browser" in action


def test_a_captive_portal_before_a_connector_is_named(world, serve, tmp_path):
    serve(80, "portal", node=world.connector_node)
    state = tmp_path / "state"  # of a connector whose broker is beyond the portal
    shutil.copytree(cage.WORK / "c1", state, ignore=shutil.ignore_patterns("*.sock"))
    told = json.loads((state / "state.json").read_text())
    (state / "state.json").write_text(json.dumps({**told, "broker": "localhost", "port": 9444}))
    seen = rows(proc.command(world.connector_node, [world.bin / "sallyport-connector", "doctor", "--json", "--state", state,
                                                    "--config", cage.WORK / "etc" / "c1.yaml"], seconds=40))
    assert seen["TCP"][0] == "FAIL" and seen["TLS"][0] == "SKIP", seen
    state, target, details, action = seen["Portal"]
    assert (state, target) == ("FAIL", "portal.example") and "captive portal" in details and "exempted" in action


def test_another_server_in_the_brokers_place(world, stranger, serve):
    serve(9445, "portal", certificate(world, "other"))
    believe(stranger, 9445)
    state, _, details, action = rows(doctor(stranger))["HTTP"]
    assert state == "FAIL" and "302" in details and "captive portal" in action


@pytest.mark.parametrize("shift, word", [(-3600, "ahead of"), (3600, "behind")])
def test_a_clock_that_is_off_by_an_hour(world, stranger, serve, shift, word):
    serve(9446, "broker", certificate(world, "clock"), shift)
    believe(stranger, 9446)
    state, _, details, action = rows(doctor(stranger))["Clock"]
    assert state == "FAIL" and word in details and re.search(r"1 h|59 min|60 min", details) and "timedatectl" in action, details


@pytest.mark.parametrize("days", [("20200101000000Z", "20200201000000Z"), ("20480101000000Z", "20480201000000Z")])
def test_a_certificate_that_does_not_hold_now_names_its_dates_and_the_clock(world, stranger, serve, days):
    serve(9447, "broker", certificate(world, f"dates-{days[0][:4]}", days=days))
    believe(stranger, 9447)
    state, _, details, action = rows(doctor(stranger))["TLS"]
    assert state == "FAIL" and days[0][:4] + "-01-01" in details and "clock says" in details and "set this machine's clock" in action, details


def test_a_login_that_is_over(carl):
    assert carl.run("logout").code == 0
    try:
        done = doctor(carl)
        state, _, details, action = rows(done)["Login"]
        assert done.code == 1 and state == "FAIL" and "expired" in details and action == "sallyport login"
    finally:
        carl.login()


def test_a_relay_that_is_gone(world, anna):
    assert anna.run("up", "wiki").code == 0
    world.relay.kill9()
    try:
        done = doctor(anna)
        state, target, details, action = rows(done)["Relay"]
        assert done.code == 1 and state == "FAIL" and target == f"{world.name}:{world.port}" and "relay" in action, details
        assert rows(done)["HTTP"][0] == "PASS"
    finally:
        world.restart(world.relay)
    proc.until("sessions open", 45, lambda: anna.run("down", "wiki").code in (0, 1) and anna.run("up", "wiki").code == 0)


def test_doctor_again_and_again_until_it_is_stopped(world, anna):
    program = proc.Program(world.client, [world.bin / "sallyport", "doctor", "--every", "1s"], world.logs / "doctor.log", user="anna", env=anna.env,
                           cwd=str(anna.home))
    try:
        proc.until("it looked twice", 15, lambda: program.text().count("Nothing was changed.") >= 2)
    finally:
        program.stop()


# ---- bugreport ----

SECRETS = ("hunter2", "spt_0123456789", "v4.public.aaaa")


def unpack(path):
    with tarfile.open(path) as tar:
        return {m.name.split("/")[1]: tar.extractfile(m).read().decode() for m in tar.getmembers()}


def test_a_bug_report_lists_its_contents_and_holds_no_secret(world, anna):
    path = anna.home / "report.tar.gz"
    done = proc.command(world.client, [world.bin / "sallyport", "bugreport", "--output", path], user="anna", cwd=str(anna.home),
                        env={**anna.env, "https_proxy": "http://me:hunter2@198.18.255.254:9", "SALLYPORT_TOKEN": SECRETS[1],
                             "XDG_NOTE": f"grant {SECRETS[2]}"})
    assert done.code == 0 and done.out.strip() == str(path), done
    assert path.stat().st_mode & 0o777 == 0o600
    files = unpack(path)
    for name in ("system.txt", "status.json", "apps.json", "posture.json", "doctor.json"):
        assert name in files and name in done.err, (name, done)
    whole = "".join(files.values())
    assert [s for s in SECRETS if s in whole] == []
    assert "[redacted]@198.18.255.254:9" in files["system.txt"]
    assert json.loads(files["status.json"])["login"]["user"] == "anna"
    assert any(c["component"] == "TCP" for c in json.loads(files["doctor.json"])["checks"])
    again = anna.run("bugreport", "--output", str(path))
    assert again.code == 2 and "is there" in again.err, again


def test_an_anonymized_report_names_nobody(world, anna):
    path = anna.home / "anonymous.tar.gz"
    done = anna.run("--json", "bugreport", "--anonymize", "--output", str(path))
    assert done.code == 0 and json.loads(done.out)["anonymized"] is True, done
    whole = "".join(unpack(path).values())
    for name in (world.name, "anna", "payroll-nobody", "wiki"):
        assert not re.search(rf"\b{re.escape(name)}\b", whole), name
    assert "<broker>" in whole and "<app>" in whole


def test_without_an_agent_there_is_still_a_report(world, anna):
    path = anna.home / "alone.tar.gz"
    done = proc.command(world.client, [world.bin / "sallyport", "bugreport", "--output", path], user="anna", cwd=str(anna.home),
                        env={**anna.env, "SALLYPORT_SOCKET": str(anna.home / "nobody.sock")})
    assert done.code == 0, done
    assert list(unpack(path)) == ["system.txt"]
