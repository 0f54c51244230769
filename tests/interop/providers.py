"""Identity providers that no one here wrote, started on loopback for the relying party's tests.

    with NodeProvider(tmp, cert, key, redirect_uri) as idp: ...       npm oidc-provider
    with KeycloakProvider(tmp, cert, key, redirect_uri) as idp: ...   Keycloak's own distribution

Each gives `issuer`, `client_id`, `client_secret`, `users` and `fill(form, user)`: what a person
would type into the provider's login form. Installs are cached below ~/.cache/sallyport; where one
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

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sallyport"
KEYCLOAK = "26.7.3"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Provider:
    client_id = "sallyport"
    client_secret = "interop-secret-0123456789abcdef"
    start_seconds = 20

    def __init__(self, folder, cert, key, redirect_uri):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key, self.redirect_uri = str(cert), str(key), redirect_uri
        self.port = free_port()
        self.process = None

    def __enter__(self):
        log = open(self.folder / "provider.log", "wb")
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self.environment(),
                                        start_new_session=True)
        self.wait()
        return self

    def __exit__(self, *_):
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
        trust = ssl.create_default_context(cafile=self.cert)
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
                    raise RuntimeError(f"{type(self).__name__} did not start:\n{tail}") from None
                time.sleep(0.3)


class NodeProvider(Provider):
    """npm oidc-provider; its development form takes any password for a user it knows."""

    users = {"anna": {"groups": ["staff"]}, "bob": {"groups": []}}

    def __init__(self, *args, algs=("RS256",)):
        super().__init__(*args)
        self.algs = list(algs)
        self.issuer = f"https://localhost:{self.port}"

    @staticmethod
    def install():
        """The package in the cache, installed from the lock file. Raises where it can't be had."""
        home = CACHE / "interop-node"
        if not (home / "node_modules" / "oidc-provider").is_dir():
            home.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / "node" / name, home / name)
            subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"], cwd=home,
                           check=True, timeout=180)
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
            "redirect_uris": [self.redirect_uri], "users": self.users, "algs": self.algs}))
        conf.chmod(0o600)
        return ["node", str(home / "provider.mjs"), str(conf)]

    def fill(self, form, user):
        if "login" in form:
            form.update(login=user, password="any")
        return form


class KeycloakProvider(Provider):
    """Keycloak in development mode with one imported realm; first start takes about 75 s."""

    users = {"anna": {"groups": ["staff"]}, "bob": {"groups": []}}
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
        return [str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", "--http-enabled=false",
                f"--https-port={self.port}", "--http-host=127.0.0.1",
                f"--hostname=https://localhost:{self.port}",
                f"--https-certificate-file={self.cert}", f"--https-certificate-key-file={self.key}"]

    def fill(self, form, user):
        form.update(username=user, password=f"correct horse {user}")
        return form
