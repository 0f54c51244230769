"""A real broker on loopback with one provider that no one here wrote. No namespaces, no root."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from harness import browser, proc, world  # noqa: E402

import providers  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", HERE.parents[1] / "build-release"))


class Here:
    """The machine itself, as the harness's nodes are."""

    def run_as(self, _uid, call, *arguments):
        return call(*arguments)

    def command(self, arguments, _user=None):
        return arguments


class Person(browser.Person):
    """Someone whose authenticator is oathtool: a generator that shares no line with ours."""

    def code(self):
        made = subprocess.run(["oathtool", "--totp", "-b", "-"], input=self.secret, capture_output=True, text=True, check=True)
        if made.stdout.strip() == self._last_code:  # a second use in the same 30 s would be a replay
            proc.until("the next code", 40, lambda: self._totp_now() != self._last_code)
            return self.code()
        self._last_code = made.stdout.strip()
        return self._last_code

    def _totp_now(self):
        return browser.totp(self.secret)


class Broker:
    """sallyport-broker with the provider "corp"; whoever is in corp/staff may see everything."""

    def __init__(self, folder, tls):
        self.folder, self.tls = folder, tls
        self.port, operations = providers.free_port(), providers.free_port()
        self.url = f"https://localhost:{self.port}"
        self.callback = f"{self.url}/login/callback/corp"
        self.operations, self.program = operations, None

    def start(self, idp, **more):
        state = self.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        secret = self.folder / "secret"
        secret.write_text(idp.client_secret + "\n")
        secret.chmod(0o600)
        config = self.folder / "broker.yaml"
        config.write_text(f"""\
organisation: Interop
public_url: {self.url}
listen: ["127.0.0.1:{self.port}"]
certificate: {self.tls}/cert.pem
key: {self.tls}/key.pem
ca_file: {self.tls}/ca.pem
state: {state}
front_socket: {self.folder}/front.sock
operations: "127.0.0.1:{self.operations}"
admin_group: corp/staff
approve_devices: true
providers:
  - name: corp
    issuer: {idp.issuer}
    client_id: {idp.client_id}
    client_secret_file: {secret}
    ca_file: {self.tls}/ca.pem
""" + "".join(f"    {k}: {v}\n" for k, v in more.items()))
        self.program = proc.Program(Here(), [BUILD / "broker" / "sallyport-broker", "run", "--config", config],
                                    self.folder / "broker.log", notify=True).wait_ready()
        return self

    def stop(self):
        if self.program:
            self.program.stop()

    def browser(self):
        return browser.Browser(Here(), [self.tls / "ca.pem"])

    def sign_in(self, person, web=None):
        """The whole login with a browser; the browser, which then has a ticket."""
        web = web or self.browser()
        person.walk(web, f"{self.url}/login", lambda page: self.has_ticket(web) and not page.forms)
        return web

    def attempt(self, person, web=None):
        """A login that must fail: the last page, and no ticket."""
        web = web or self.browser()
        page = person.walk(web, f"{self.url}/login", lambda page: page.status >= 400)
        assert not self.has_ticket(web), page
        return page

    def has_ticket(self, web):
        return web.cookie("__Host-sallyport") is not None

    def me(self, web):
        return web.api(self.url, "GET", "/api/v1/me")


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interop") / "tls"
    world.make_certificates(folder, ["localhost"])
    (folder / "key.pem").chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def broker(tls, tmp_path_factory):
    b = Broker(tmp_path_factory.mktemp("broker"), tls)
    yield b
    b.stop()
    for mark in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
        assert b.program is None or mark not in b.program.text(), b.program.tail(60)
