"""A proxy's login that stands in the environment: every program says so, once, with the file that would keep it, and without the login."""

import contextlib
import json
import subprocess
import time

import pytest

from test_dev import BROKER, BUILD, Dev, browser, sign_in
from test_health import doctor

# an address where nobody is: what these programs reach is on loopback, which never goes through a proxy
PROXY, LOGIN = "http://office:s3cret@192.0.2.1:3128", "s3cret"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An evaluation, its administrator's browser, and a site."""
    folder = tmp_path_factory.mktemp("proxy-login")
    one = Dev("--keep", folder / "dev")
    try:
        one.web = sign_in(one, browser.Person("alice", one.found(r"\(shown once\) (\S+)")))
        one.folder, one.site = folder, one.web.api(one.url, "POST", "/api/v1/sites", {"name": "office"}).json()
        yield one
    finally:
        if one.program.poll() is None:
            one.stop()


def told(text, event, variable, file):
    """The one warning of this program's log."""
    assert LOGIN not in text, text
    lines = [json.loads(line) for line in text.splitlines() if f'"{event}"' in line]
    assert len(lines) == 1, text
    assert lines[0]["level"] == "warn" and lines[0]["variable"] == variable and variable in lines[0]["text"] and file in lines[0]["text"], lines


@contextlib.contextmanager
def running(path, *command, **env):
    """A program, and what it has written until now."""
    with open(path, "w") as log:
        program = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", **env})
    try:
        yield path.read_text
    finally:
        program.terminate()
        program.wait(20)


def until(text, word):
    for _ in range(200):
        if word in text():
            return text()
        time.sleep(0.05)
    raise AssertionError(text())


def test_the_broker_warns_and_so_does_its_doctor(tmp_path):
    config = tmp_path / "state" / "broker.yaml"
    assert Dev("--keep", config.parent).stop() == 0
    with running(tmp_path / "log", BROKER, "run", "--config", config, https_proxy=PROXY) as text:
        told(until(text, "broker.proxy"), "broker.proxy", "https_proxy", "broker.yaml")
    done = subprocess.run([BROKER, "doctor", "--json", "--config", config], capture_output=True, text=True, env={"https_proxy": PROXY}, timeout=60)
    row, = [r for r in json.loads(done.stdout)["checks"] if r["component"] == "Way out"]
    assert row["state"] == "WARN" and row["details"] == "https_proxy" and "proxy_login" in row["action"] and LOGIN not in done.stdout, row


def test_the_broker_has_its_proxy_s_login_from_a_file_that_nobody_else_reads(tmp_path):
    config, login = tmp_path / "state" / "broker.yaml", tmp_path / "login"
    assert Dev("--keep", config.parent).stop() == 0
    login.write_text(f"office:{LOGIN}\n")
    login.chmod(0o600)
    config.write_text(config.read_text() + f"proxy: http://192.0.2.1:3128\nproxy_login: {login}\n")
    rows, _ = doctor(config)
    assert rows["Way out"]["state"] == "PASS" and rows["Way out"]["details"] == "configuration", rows
    login.chmod(0o644)
    rows, _ = doctor(config)
    assert rows["Way out"]["state"] == "FAIL" and str(login) in rows["Way out"]["details"], rows
    done = subprocess.run([BROKER, "run", "--config", config], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and str(login) in done.stderr and LOGIN not in done.stderr, done


def test_a_connector_warns_when_it_enrols_and_when_it_runs(world):
    state, token = world.folder / "c1", world.folder / "c1.token"
    line = world.web.api(world.url, "POST", f"/api/v1/sites/{world.site['id']}/tokens", {"name": "c1", "life_ms": 600000}).json()
    token.write_text(line["enrolment"])
    token.chmod(0o600)
    program = BUILD / "connector" / "sallyport-connector"
    done = subprocess.run([program, "enrol", "--token-file", token, "--state", state], capture_output=True, text=True, env={"https_proxy": PROXY}, timeout=40)
    assert done.returncode == 0, done
    told(done.stderr, "connector.proxy", "https_proxy", "connector.yaml")
    floor, config = world.folder / "floor", world.folder / "connector.yaml"
    floor.write_text("allow 127.0.0.1:1\n")
    config.write_text(f"state: {state}\nfloor: {floor}\n")
    for variable in ("ALL_PROXY", "SALLYPORT_CONNECTOR_PROXY"):
        with running(world.folder / "c1.log", program, "run", "--config", config, **{variable: PROXY}) as text:
            told(until(text, "floor.load"), "connector.proxy", variable, "connector.yaml")
    done = subprocess.run([program, "doctor", "--json", "--config", config], capture_output=True, text=True, env={"https_proxy": PROXY}, timeout=60)
    row, = [r for r in json.loads(done.stdout)["checks"] if r["component"] == "Proxy"]
    assert row["state"] == "WARN" and "proxy_login" in row["action"] and LOGIN not in done.stdout, row


def test_a_relay_warns_that_dials_a_broker_itself(world):
    config, token = world.folder / "relay.yaml", world.folder / "relay.token"
    line = world.web.api(world.url, "POST", "/api/v1/relays/tokens", {"name": "r1", "life_ms": 600000}).json()
    token.write_text(line["enrolment"])
    token.chmod(0o600)
    config.write_text(f"state: {world.folder}/r1\nlisten: 127.0.0.1:{world.port + 1}\naddresses: ['127.0.0.1:{world.port + 1}']\n")
    program = BUILD / "relay" / "sallyport-relay"
    done = subprocess.run([program, "enrol", "--config", config, token], capture_output=True, text=True, timeout=40)
    assert done.returncode == 0, done
    for variable in ("https_proxy", "SALLYPORT_RELAY_PROXY"):
        with running(world.folder / "r1.log", program, "run", "--config", config, **{variable: PROXY}) as text:
            told(until(text, "relay.proxy"), "relay.proxy", variable, "relay.yaml")
    login = world.folder / "relay.login"
    login.write_text(f"office:{LOGIN}\n")
    login.chmod(0o600)
    config.write_text(config.read_text() + f"proxy: http://192.0.2.1:3128\nproxy_login: {login}\n")
    with running(world.folder / "r1.log", program, "run", "--config", config) as text:
        until(text, "relay.keys")
        assert "relay.proxy" not in text() and LOGIN not in text()


def test_sallyport_admin_warns_on_standard_error_and_goes_as_the_person_s_settings_say(world):
    program, home = BUILD / "client" / "admin" / "sallyport-admin", world.folder / "home"
    token = world.folder / "admin.token"
    (home / "sallyport").mkdir(parents=True)
    subprocess.run([BROKER, "bootstrap", "--config", world.folder / "dev" / "broker.yaml", "--token-out", token], check=True, capture_output=True, timeout=30)

    def run(*command, **env):
        done = subprocess.run([program, "--json", *(command or ("site", "list"))], capture_output=True, text=True, env={"HOME": str(home), "XDG_CONFIG_HOME": str(home), **env}, timeout=30)
        assert LOGIN not in done.stdout + done.stderr, done
        return done
    done = run("login", "--broker", world.url, "--ca", world.found(r"CA\s+(\S+)"), "--token-file", token)
    assert done.returncode == 0 and "Warning" not in done.stderr, done
    done = run(https_proxy=PROXY)
    assert done.returncode == 0 and json.loads(done.stdout), done
    assert done.stderr.startswith("Warning: ") and "https_proxy" in done.stderr and "proxy_login=FILE" in done.stderr, done
    (home / "sallyport" / "config.yaml").write_text("proxy: http://192.0.2.1:3128\n")
    done = run(https_proxy=PROXY)
    assert done.returncode == 0 and done.stderr == "", done
    (home / "sallyport" / "config.yaml").write_text("nonsense: 1\n")
    done = run()
    assert done.returncode == 2 and "nonsense" in done.stderr, done
