"""Identity providers that no one here wrote, started on loopback for the relying party's tests.

    with NodeProvider(tmp, tls, redirect_uri) as idp: ...       npm oidc-provider
    with KeycloakProvider(tmp, tls, redirect_uri) as idp: ...   Keycloak's own distribution

Each gives `issuer`, `client_id`, `client_secret`, and `password(user)`. Installs are cached below ~/.cache/sallyport; where one
can't be had, `available()` says why.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
import zipfile

from harness import packages

HERE = pathlib.Path(__file__).resolve().parent
CACHE = packages.CACHE
KEYCLOAK = "26.7.3"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Provider:
    client_id = "sallyport"
    client_secret = "interop-secret-0123456789abcdef"
    start_seconds = 30  # a second or two, where nothing else runs

    def __init__(self, folder, tls, redirect_uri):
        """`tls`: folder with ca.pem, cert.pem and key.pem for "localhost"."""
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.cert, self.key = (str(tls / name) for name in ("ca.pem", "cert.pem", "key.pem"))
        self.redirect_uri = redirect_uri
        self.port = free_port()
        self.process = None

    def __enter__(self):
        return self.start()

    def start(self):
        """A provider that stands and does not answer is started once more: its own start is not what is tested."""
        for last in (False, True):
            with open(self.folder / "provider.log", "ab") as log:
                self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment(),
                                                start_new_session=True)
            try:
                self.wait()
                return self
            except RuntimeError:
                stands = self.process.poll() is None
                self.stop()
                if last or not stands:
                    raise

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(5)

    def environment(self):
        return os.environ

    def wait(self):
        trust = ssl.create_default_context(cafile=self.ca)
        until = time.monotonic() + self.start_seconds
        address = self.issuer + "/.well-known/openid-configuration"
        while True:
            try:
                with urllib.request.urlopen(address, context=trust, timeout=5) as answer:
                    assert json.load(answer)["issuer"] == self.issuer
                    return
            except (OSError, ValueError):
                if self.process.poll() is not None or time.monotonic() > until:
                    tail = (self.folder / "provider.log").read_text(errors="replace")[-2000:]
                    how = f"stands in {self.waits_in()} and does not answer" if self.process.poll() is None else f"ended with {self.process.returncode}"
                    raise RuntimeError(f"{type(self).__name__} {how}:\n{tail}") from None
                time.sleep(0.3)

    def waits_in(self):
        """What its threads wait in, in the kernel's words."""
        found = []
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/wchan"):
            try:
                found.append(thread.read_text())
            except OSError:
                pass
        return ", ".join(sorted(set(found)))


class NodeProvider(Provider):
    """npm oidc-provider; its development form takes any password for a user it knows."""

    # Each test signs in someone of its own where it can: a second code within 30 s would have to wait.
    users = {"bob": {"groups": []}, **{name: {"groups": ["staff"]} for name in ("anna", "cleo", "dora", "emil", "finn")}}

    def __init__(self, *args, algs=("RS256",), first_key=0):
        super().__init__(*args)
        self.algs, self.first_key = list(algs), first_key
        self.lie({})
        self.issuer = f"https://localhost:{self.port}"

    @staticmethod
    def install():
        """The package in the cache, installed from the lock file. Raises where it can't be had."""
        home = packages.node()
        shutil.copy(HERE / "node" / "provider.mjs", home / "provider.mjs")
        return home

    @classmethod
    def available(cls):
        try:
            cls.install()
            return None
        except (OSError, subprocess.SubprocessError) as e:
            return f"oidc-provider can't be installed: {e}"

    def command(self):
        home = self.install()
        conf = self.folder / "provider.json"
        conf.write_text(json.dumps({
            "port": self.port, "issuer": self.issuer, "cert": self.cert, "key": self.key,
            "client_id": self.client_id, "client_secret": self.client_secret,
            "redirect_uris": [self.redirect_uri], "users": self.users, "algs": self.algs,
            "first_key": self.first_key, "key_store": str(self.folder / f"keys-{self.first_key}.json"), "lie": str(self.folder / "lie.json")}))
        conf.chmod(0o600)
        return ["node", str(home / "provider.mjs"), str(conf)]

    def lie(self, claims):
        """From now on its ID tokens carry these claims instead of the true ones, well signed."""
        (self.folder / "lie.json").write_text(json.dumps(claims))

    def password(self, user):
        return "any"


class KeycloakProvider(Provider):
    """Keycloak in development mode with one imported realm; first start takes about 75 s."""

    start_seconds = 240

    def __init__(self, *args):
        super().__init__(*args)
        self.issuer = f"https://localhost:{self.port}/realms/corp"

    @staticmethod
    def install():
        home = CACHE / f"keycloak-{KEYCLOAK}"
        if not (home / "bin" / "kc.sh").is_file():
            CACHE.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                 f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:zip",
                 f"-DoutputDirectory={CACHE}"], check=True, timeout=600, cwd=CACHE)
            archive = CACHE / f"keycloak-quarkus-dist-{KEYCLOAK}.zip"
            with zipfile.ZipFile(archive) as z:
                z.extractall(CACHE)
            (home / "bin" / "kc.sh").chmod(0o755)
            archive.unlink()
        return home

    @classmethod
    def available(cls):
        if shutil.which("java") is None or shutil.which("mvn") is None:
            return "Keycloak needs java and mvn"
        try:
            cls.install()
            return None
        except (OSError, subprocess.SubprocessError) as e:
            return f"Keycloak can't be installed: {e}"

    def environment(self):
        return {**os.environ, "JAVA_OPTS_APPEND": "-Xmx512m", "KC_CACHE": "local"}

    def command(self):
        source = self.install()
        home = self.folder / "keycloak"
        if not home.exists():  # its data folder is written: every run has a copy of its own
            shutil.copytree(source, home)
        realm = (HERE / "keycloak" / "realm.json").read_text()
        (home / "data" / "import").mkdir(parents=True, exist_ok=True)
        (home / "data" / "import" / "realm.json").write_text(
            realm.replace("@CLIENT_SECRET@", self.client_secret)
            .replace("@REDIRECT_URI@", self.redirect_uri))
        return [str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", f"--http-port={free_port()}",
                f"--http-management-port={free_port()}", f"--https-port={self.port}", "--http-host=127.0.0.1",
                f"--hostname=https://localhost:{self.port}",
                f"--https-certificate-file={self.cert}", f"--https-certificate-key-file={self.key}"]

    def password(self, user):
        return f"correct horse {user}"
