"""The whole path: what cannot be reached directly is reached through Sallyport, byte for byte.

    client ── edge (broker, relay) ── connector ── apps        each a network namespace
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import socket
import struct
import time

import pytest

from harness import apps, cage, fieldapp, proc
from harness.wire import dial, read_all, stream_hash

APPS = {"wiki": 80, "shell": 22, "orders": 5432, "notes": 9418, "echo": 7001}


@pytest.mark.parametrize("name", APPS)
def test_ZT_6_the_app_cannot_be_reached_directly(world, name):
    assert apps.answers(world.connector_node, world.private, APPS[name]), "the app itself is down: the test would prove nothing"
    assert not apps.answers(world.client, world.private, APPS[name])
    assert not apps.answers(world.edge, world.private, APPS[name])


def test_ZT_6_the_connector_listens_on_no_port(world):
    listening = proc.command(world.connector_node, ["cat", "/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp"]).out
    states = [line.split()[3] for line in listening.splitlines() if ":" in line and line.split()[0] != "sl"]
    assert "0A" not in states, listening


def test_login_ends_at_the_agent_with_user_and_second_factor(anna):
    status = anna.json("status")
    assert status["schema"].startswith("sallyport.status/")
    assert "anna" in str(status)


def test_apps_lists_what_the_person_may_use(anna, carl):
    mine = {a["name"] for a in anna.json("apps")["apps"]}
    assert {"wiki", "shell", "orders"} <= mine
    assert "payroll" not in mine
    assert not {"wiki", "shell", "orders"} & {a["name"] for a in carl.json("apps")["apps"] if a.get("access") == "yes"}


def test_http_through_the_tunnel(world, anna):
    address, port = anna.address_of("wiki")
    done = anna.shell("curl", "-sS", "--max-time", "20", f"http://{address}:{port}/")
    assert world.apps["nginx"].greeting in done.out, done
    big = anna.shell("curl", "-sS", "--max-time", "60", f"http://{address}:{port}/big", binary=True)
    assert hashlib.sha256(big.out).hexdigest() == world.apps["nginx"].big_sha256


def test_INC_1_TM_13_http_with_another_host_name_is_refused_at_the_local_address(anna):
    address, port = anna.address_of("wiki")
    done = anna.shell("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: evil.example", f"http://{address}:{port}/")
    assert done.out == "421", done


# ---- OpenSSH ----

@pytest.fixture(scope="module")
def ssh(world, anna):
    """Options for ssh, scp and rsync: ProxyCommand, the known host key, the key of `dev`."""
    sshd = world.apps["sshd"]
    key = anna.home / "identity"
    key.write_text(sshd.identity.read_text())
    key.chmod(0o600)
    os.chown(key, anna.uid, anna.uid)
    hosts = anna.home / "known_hosts"
    hosts.write_text(f"shell {sshd.host_key}\n")
    hosts.chmod(0o644)
    return ["-i", str(key), "-o", f"UserKnownHostsFile={hosts}", "-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=shell",
            "-o", f"ProxyCommand={world.bin}/sallyport connect --stdio shell", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]


def test_ssh_by_proxy_command(world, anna, ssh):
    done = anna.shell("ssh", *ssh, "dev@shell", "id -un; exit 7")
    if done.code == 255:
        print(world.apps["sshd"].program.tail(20))
    assert (done.out.strip(), done.code) == ("dev", 7), done


def test_scp_both_ways_is_byte_exact(anna, ssh):
    there, back = anna.home / "there", anna.home / "back"
    there.write_bytes(os.urandom(16 << 20))
    os.chown(there, anna.uid, anna.uid)
    assert anna.shell("scp", "-q", *ssh, there, "dev@shell:copy").code == 0
    assert anna.shell("scp", "-q", *ssh, "dev@shell:copy", back).code == 0
    assert back.read_bytes() == there.read_bytes()


def test_rsync_of_a_tree(anna, ssh):
    tree = anna.home / "tree"
    for i in range(200):
        file = tree / f"d{i % 10}" / f"f{i}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(i * 37))
    done = anna.shell("rsync", "-a", "-e", "ssh " + " ".join(f"'{o}'" for o in ssh), f"{tree}/", "dev@shell:tree/")
    assert done.code == 0, done
    far = cage.WORK / "home" / "dev" / "tree"
    assert {p.relative_to(far): p.read_bytes() for p in far.rglob("*") if p.is_file()} == \
        {p.relative_to(tree): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


# ---- PostgreSQL, git ----

def psql(anna, world, *arguments, **more):
    address, port = anna.address_of("orders")
    return anna.shell("psql", "-h", address, "-p", str(port), "-U", "report", "postgres", "-tA", "-v", "ON_ERROR_STOP=1", *arguments,
                      env={"PGPASSWORD": world.apps["postgres"].password}, **more)


def test_postgres_speaks_first_after_startup_and_gives_all_rows(world, anna):
    done = psql(anna, world, "-c", "select count(*), max(item) from orders")
    assert done.out.strip() == "1000|item 999", done


def test_postgres_connection_survives_a_long_idle_time(world, anna):
    done = psql(anna, world, "-c", "select 1", "-c", "select pg_sleep(20)", "-c", "select 'still here'", seconds=60)
    assert "still here" in done.out, done


def test_postgres_cancel_request_meets_the_same_server(world, anna):
    """A cancel is a second connection that must reach the first one's server (C-class: one address a session)."""
    done = psql(anna, world, "-c", "set statement_timeout = 0", "-c", "select pg_sleep(0)", stdin=None)
    assert done.code == 0, done
    address, port = anna.address_of("orders")
    slow = proc.Program(world.client, ["timeout", "-s", "INT", "2", "psql", "-h", address, "-p", str(port), "-U", "report", "postgres",
                                       "-c", "select pg_sleep(30)"], world.logs / "cancel.log", user="anna",
                        env={**anna.env, "PGPASSWORD": world.apps["postgres"].password})
    started = time.monotonic()
    slow.wait_exit(15)
    assert time.monotonic() - started < 10
    assert "canceling statement due to user request" in slow.text()


def test_git_clone(world, anna):
    address, port = anna.address_of("notes")
    done = anna.shell("git", "clone", "-q", f"git://{address}:{port}/notes.git", anna.home / "notes")
    assert done.code == 0, done
    head = anna.shell("git", "-C", anna.home / "notes", "rev-parse", "HEAD")
    assert head.out.strip() == world.apps["gitdaemon"].head


# ---- habits of TCP ----

def test_C_022_half_close_of_the_client_arrives_and_the_answer_still_comes(world, anna):
    with dial(world, anna, "echo") as c:
        c.sendall(b"abc" * 1000)
        c.shutdown(socket.SHUT_WR)
        answer = read_all(c)
    body, _, digest = answer.rpartition(b"|")
    assert body == b"abc" * 1000
    assert digest.decode() == hashlib.sha256(body).hexdigest()


def test_C_022_half_close_of_the_server_arrives_and_the_client_still_sends(world, anna):
    data = os.urandom(1 << 20)
    with dial(world, anna, "ends") as c:
        assert c.recv(5, socket.MSG_WAITALL) == b"hello"
        assert c.recv(1) == b"", "the server's end did not arrive"
        c.sendall(data)
        c.shutdown(socket.SHUT_WR)

    def kept():
        with dial(world, anna, "kept") as k:
            k.sendall(b"LAST\n")
            return read_all(k).decode().strip() == hashlib.sha256(data).hexdigest()
    proc.until("the server has all that was sent after its own end", 10, kept)


def test_C_022_reset_of_the_app_is_a_reset_at_the_client(world, anna):
    with dial(world, anna, "reset") as c:
        c.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            c.recv(1)


def test_C_023_a_server_that_speaks_first_is_heard_by_a_client_that_says_nothing(world, anna):
    """The greeting through the local address, and through connect --stdio, where nothing else stands on standard output."""
    dial(world, anna, "shell").close()  # the session is there: what is measured is the stream
    began = time.monotonic()
    with dial(world, anna, "shell") as c:
        c.settimeout(5)
        banner = c.recv(8)
    took = time.monotonic() - began
    assert banner == b"SSH-2.0-" and took < 1, f"{banner} after {took:.2f} s"
    done = anna.run("connect", "--stdio", "shell", stdin=b"")  # its input has ended before a byte was said
    assert done.out.startswith("SSH-2.0-") and done.out.count("\n") == 1, done
    with dial(world, anna, "ends") as c:
        assert c.recv(5, socket.MSG_WAITALL) == b"hello"


def test_websocket_app(world, anna):
    with dial(world, anna, "websocket") as c:
        key = base64.b64encode(os.urandom(16)).decode()
        c.sendall(f"GET / HTTP/1.1\r\nHost: ws\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += c.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        for size in (0, 1, 125, 126, 65535, 65536, 300000):
            data, mask = os.urandom(size), os.urandom(4)
            length = bytes([128 | size]) if size < 126 else struct.pack(">BH", 254, size) if size < 65536 else struct.pack(">BQ", 255, size)
            pad = (mask * (size // 4 + 1))[:size]
            masked = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")
            c.sendall(b"\x82" + length + mask + masked)
            expected = (bytes([size]) if size < 126 else struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size)) + data
            got = c.recv(1, socket.MSG_WAITALL)
            while len(got) < 1 + len(expected):
                got += c.recv(1 + len(expected) - len(got))
            assert got == b"\x82" + expected


GIB = 1 << 30


def test_one_gib_from_the_app_with_a_hash_at_both_ends(world, anna):
    with dial(world, anna, "source") as c:
        c.sendall(f"{GIB}\n".encode())
        total, size = hashlib.sha256(), 0
        while data := c.recv(1 << 20):
            total.update(data)
            size += len(data)
    assert size == GIB
    assert total.hexdigest() == stream_hash(GIB)


def test_one_gib_to_the_app_with_a_hash_at_both_ends(world, anna):
    with dial(world, anna, "sink") as c:
        for _ in range(GIB // len(fieldapp.BLOCK)):
            c.sendall(fieldapp.BLOCK)
        c.shutdown(socket.SHUT_WR)
        answer = read_all(c).decode().split()
    assert answer == [str(GIB), stream_hash(GIB)]


def test_many_sessions_opened_at_once_wait_for_no_ticket(world, anna):
    """More than a connector holds spares: each one that comes is the next session's, whichever ticket it shows. And more ends
    at once than a channel has calls without an answer: what is asked next waits for its turn."""
    names = [f"many-{i}" for i in range(80)]
    records = [world.console.add_app(name, world.site, world.private, 7001) for name in names]
    before = len(anna.agent.text())
    entries = [anna.address_of(name) for name in names]
    anna.run("sessions", "end", "--all")

    def one(entry):
        try:
            with socket.create_connection(entry, 30) as c:
                c.sendall(b"x")
                return c.recv(1)
        except OSError as error:
            return str(error)

    def at_once():
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            return dict(zip(names, pool.map(one, entries)))
    told = world.client.run_as(anna.uid, at_once)
    assert {name: said for name, said in told.items() if said != b"x"} == {}, anna.agent.text()[before:]
    assert "connector_busy" not in anna.agent.text()[before:]
    for record in records:
        world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def test_a_hundred_streams_at_once_in_one_session(world, anna):
    connections = [dial(world, anna, "echo") for _ in range(100)]
    for n, c in enumerate(connections):
        c.sendall(f"stream {n}".encode())
        c.shutdown(socket.SHUT_WR)
    for n, c in enumerate(connections):
        with c:
            assert read_all(c).startswith(f"stream {n}|".encode())
    mine = anna.json("up", "echo")["session"]

    def one_session():
        listed = [s for s in world.console.call("GET", "/sessions")["items"] if s["app"]["name"] == "echo" and s["state"] != "granted"]
        device = next(s["device"] for s in listed if s["id"] == mine)
        of_this_device = [s for s in listed if s["device"] == device]
        assert len(of_this_device) == 1, json.dumps(of_this_device)
        return True
    proc.until("one session carries them all, and of earlier ones the broker knows that they ended", 20, one_session)
