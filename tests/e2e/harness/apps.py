"""apps: the private applications: nginx, OpenSSH, PostgreSQL, MariaDB, Redis, a git server and fieldapp, each real.

Each is a class with start(); `port`; and what a client of it needs (keys, passwords, contents).
They run on one node, on one address, with their files below one folder.
"""

import glob
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess
import sys

from . import cage, proc

HERE = pathlib.Path(__file__).resolve().parent


class App:
    def __init__(self, node, address, folder):
        self.node, self.address, self.folder = node, address, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.program = None

    says = None  # (what a client sends first, a pattern of what only this application answers)

    def seen_from(self, node):
        """True when this very application answers there: a machine's own network may have something
        that accepts a connection to any address."""
        def attempt():
            with socket.create_connection((self.address, self.port), timeout=2) as c:
                c.settimeout(2)
                c.sendall(self.says[0])
                return re.search(self.says[1], c.recv(4096)) is not None
        try:
            return node.run(attempt)
        except OSError:
            return False

    def stop(self):
        if self.program:
            self.program.stop()


class Nginx(App):
    """`/` says who it is; `/big` is 8 MiB whose sha256 is `big_sha256`."""

    port = 80
    greeting = "This is the private wiki."
    says = b"GET / HTTP/1.0\r\n\r\n", rb"200 OK[^\0]*private wiki"

    def start(self):
        root = self.folder / "www"
        root.mkdir(exist_ok=True)
        (root / "index.html").write_text(f"<!doctype html><title>Wiki</title><h1>{self.greeting}</h1>\n")
        content = hashlib.shake_256(b"wiki").digest(8 << 20)
        (root / "big").write_bytes(content)
        self.big_sha256 = hashlib.sha256(content).hexdigest()
        for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (self.folder / name).mkdir(exist_ok=True)
        conf = self.folder / "nginx.conf"
        conf.write_text(f"""
daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log {self.folder}/access.log;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  server {{ listen {self.address}:{self.port}; root {root}; default_type text/html; }}
}}
""")
        self.program = proc.Program(self.node, ["nginx", "-p", self.folder, "-c", conf, "-e", self.folder / "error.log"],
                                    self.folder / "out.log", env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
        return self

    def requests(self):
        log = self.folder / "access.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


class Sshd(App):
    """OpenSSH; the account `dev` takes the key `identity`. Serves git repositories of that home, too."""

    port = 22
    says = b"SSH-2.0-probe\r\n", rb"\ASSH-2\.0-OpenSSH"

    def start(self):
        for name in ("host_key", "identity"):
            if not (self.folder / name).exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name], check=True)
        self.identity = self.folder / "identity"
        self.host_key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        home = cage.WORK / "home" / "dev"
        (home / ".ssh").mkdir(exist_ok=True)
        (home / ".ssh" / "authorized_keys").write_text((self.folder / "identity.pub").read_text())
        for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
            os.chown(path, cage.PEOPLE["dev"], cage.PEOPLE["dev"])
        privsep = pathlib.Path("/run/sshd")
        if not privsep.exists():  # sshd insists on it; as packages do, but only for us
            privsep.mkdir(mode=0o755)
        conf = self.folder / "sshd_config"
        conf.write_text(f"""
ListenAddress {self.address}:{self.port}
HostKey {self.folder}/host_key
PidFile {self.folder}/pid
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers dev
Subsystem sftp internal-sftp
StrictModes no
PrintMotd no
MaxStartups 50
""")
        sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
        self.program = proc.Program(self.node, [sshd, "-D", "-e", "-f", conf], self.folder / "out.log")
        return self


class Postgres(App):
    """PostgreSQL with the database `orders`, a user `report` with the password `password`."""

    port = 5432
    password = "swordfish-1234"
    says = struct.pack(">II", 8, 80877103), rb"\A[NS]\Z"  # SSLRequest: one letter

    def start(self):
        bins = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4]))[-1]
        account = pwd.getpwnam("postgres")
        data, sockets = self.folder / "data", self.folder / "sockets"
        sockets.mkdir(exist_ok=True)
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        os.chown(sockets, account.pw_uid, account.pw_gid)
        if not data.exists():
            secret = self.folder / "secret"
            secret.write_text(self.password)
            os.chown(secret, account.pw_uid, account.pw_gid)
            made = proc.command(self.node, [f"{bins}/initdb", "-D", data, "-U", "report", "-A", "scram-sha-256",
                                            f"--pwfile={secret}", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8"],
                                user="postgres", cwd=self.folder)
            if made.code:
                raise proc.Failed(repr(made))
            with open(data / "pg_hba.conf", "a") as f:
                f.write("host all all 0.0.0.0/0 scram-sha-256\n")
        self.program = proc.Program(self.node, [f"{bins}/postgres", "-D", data, "-h", self.address, "-p", str(self.port),
                                                "-k", sockets, "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                                    self.folder / "out.log", user="postgres", cwd=self.folder)
        return self

    def fill(self):
        """A table with known rows; call when it answers."""
        done = proc.command(self.node, ["psql", "-h", self.address, "-U", "report", "postgres", "-v", "ON_ERROR_STOP=1", "-c",
                                        "create table orders(id int primary key, item text);"
                                        "insert into orders select n, 'item ' || n from generate_series(1, 1000) n"],
                            env={"PGPASSWORD": self.password})
        if done.code:
            raise proc.Failed(repr(done))


class Mariadb(App):
    """MariaDB with the database `stock`, a user `report` with the password `password`."""

    port = 3306
    password = "swordfish-5678"

    def start(self):
        account = pwd.getpwnam("mysql")
        data, self.socket = self.folder / "data", self.folder / "socket"
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        if not data.exists():
            made = proc.command(self.node, ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                                            "--skip-test-db", "--skip-log-bin"], user="mysql", cwd=self.folder, seconds=120)
            if made.code:
                raise proc.Failed(repr(made))
        server = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
        self.program = proc.Program(self.node, [server, "--no-defaults", f"--datadir={data}", f"--socket={self.socket}", f"--pid-file={self.folder}/pid",
                                                f"--bind-address={self.address}", f"--port={self.port}", "--skip-name-resolve", "--skip-log-bin",
                                                "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--max-allowed-packet=32M"],
                                    self.folder / "out.log", user="mysql", cwd=self.folder)
        return self

    def fill(self):
        """A table with known rows; call when it answers."""
        done = proc.command(self.node, ["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-e",
                                        f"create database stock; create user report@'%' identified by '{self.password}';"
                                        "grant all on stock.* to report@'%'; use stock; create table items(id int primary key, name text, bytes longblob);"
                                        "insert into items(id, name) select seq, concat('item ', seq) from seq_1_to_1000"])
        if done.code:
            raise proc.Failed(repr(done))


class Redis(App):
    """Redis; `password` opens it."""

    port = 6379
    password = "swordfish-9012"

    def start(self):
        conf = self.folder / "redis.conf"
        conf.write_text(f'bind {self.address}\nport {self.port}\nrequirepass {self.password}\nsave ""\nappendonly no\ndir {self.folder}\n')
        self.program = proc.Program(self.node, ["redis-server", conf], self.folder / "out.log")
        return self


class GitDaemon(App):
    """git:// with one repository, `notes.git`, whose head is `head`."""

    port = 9418

    def start(self):
        repository, home = self.folder / "notes.git", {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        if not repository.exists():
            work = self.folder / "work"
            run = lambda *a: subprocess.run(["git", "-c", "init.defaultBranch=main", "-c", "user.name=dev",
                                             "-c", "user.email=dev@example.test", *map(str, a)], check=True,
                                            capture_output=True, env=home)
            run("init", work)
            (work / "readme").write_text("private notes\n")
            (work / "blob").write_bytes(hashlib.shake_256(b"git").digest(4 << 20))
            run("-C", work, "add", ".")
            run("-C", work, "commit", "-m", "first")
            run("clone", "--bare", work, repository)
            (repository / "git-daemon-export-ok").touch()
            self.head = subprocess.run(["git", "-C", work, "rev-parse", "HEAD"], check=True, capture_output=True, text=True,
                                       env=home).stdout.strip()
        subprocess.run(["git", "config", "--global", "--replace-all", "safe.directory", "*"], check=True, env=home)
        self.program = proc.Program(self.node, ["git", "daemon", "--reuseaddr", f"--listen={self.address}", f"--port={self.port}",
                                                f"--base-path={self.folder}", str(self.folder)], self.folder / "out.log", env=home)
        return self


class FieldApp(App):
    """See fieldapp.py: a port for each habit of TCP."""

    port = 7001

    def start(self):
        self.program = proc.Program(self.node, [sys.executable, "-u", HERE / "fieldapp.py", self.address], self.folder / "out.log")
        return self


class Recorder(App):
    """See recorder.py: an HTTP application that writes down each request that reaches it."""

    port = 7101
    tls = ()  # certificate, key, and the CA of clients

    def start(self):
        self.log = self.folder / f"requests-{self.port}.jsonl"
        self.log.touch()
        self.program = proc.Program(self.node, [sys.executable, "-u", HERE / "recorder.py", self.address, str(self.port), self.log,
                                                *map(str, self.tls)], self.folder / f"out-{self.port}.log")
        return self

    def seen(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]


class Vulnapi(App):
    """See vulnapi/vulnapi.py: an API with one flaw for each item of the OWASP Top 10."""

    port = 7102
    says = b"GET /v1/state HTTP/1.0\r\n\r\n", rb"200 OK[^\0]*\"sold\""

    def start(self):
        program = HERE.parent / "vulnapi" / "vulnapi.py"
        self.program = proc.Program(self.node, [sys.executable, "-u", program, self.address, str(self.port)], self.folder / "out.log")
        return self


def answers(node, address, port):
    """True when something accepts on that address, seen from that node."""
    def attempt():
        with socket.create_connection((address, port), timeout=2):
            return True
    try:
        return node.run(attempt)
    except OSError:
        return False
