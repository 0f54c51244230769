"""Behind something else: a load balancer that passes TCP through and says who comes in a PROXY v2 header (HAProxy).

    client ── 9443 ── haproxy ── 127.0.0.1:8443 ── broker · relay
"""

import socket
import struct
import types

import pytest

from harness import cage, net, probe, proc

PORT = 9443
BALANCER = "127.0.0.9"  # the only address in `proxies` (conftest.py)
CONFIG = f"""\
global
    log stderr format raw local0
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend public
    bind 0.0.0.0:{PORT}
    default_backend broker
backend broker
    server broker 127.0.0.1:8443 send-proxy-v2 source {BALANCER}
"""


@pytest.fixture(scope="module")
def balancer(world):
    config = world.write(cage.WORK / "etc" / "haproxy.cfg", CONFIG, "broker", mode=0o644)
    program = proc.Program(world.edge, ["haproxy", "-db", "-f", config], world.logs / "haproxy.log", user="broker")
    proc.until("haproxy answers", 20, lambda: world.client.run(socket.create_connection, (world.public, PORT), 2).close() is None)
    yield types.SimpleNamespace(public=world.public, port=PORT, name=world.name, client=world.client)
    program.stop()


def test_INC_9_the_peer_behind_a_load_balancer_is_in_the_audit(world, balancer, ada):
    made = cage.WORK / "broker" / "behind.token"
    done = proc.command(world.edge, [world.bin / "sallyport-broker", "bootstrap", "--config", world.config, "--token-out", made], user="broker")
    assert done.code == 0, done
    token = world.write(cage.WORK / "etc" / "behind.token", made.read_text(), "ada")
    made.unlink()
    home = world.folder(ada.home / "behind", "ada")
    env = {**ada.env, "XDG_CONFIG_HOME": str(home)}
    url = f"https://{world.name}:{PORT}"
    for words in (["login", "--broker", url, "--ca", world.ca, "--token-file", token], ["logout"]):
        done = proc.command(world.client, [world.bin / "sallyport-admin", *words], user="ada", env=env, cwd=str(home))
        assert done.code == 0, done
    spent = next(r for r in world.console.audit(action="bootstrap") if r["text"] == "the bootstrap token was spent")
    assert spent["address"] == world.access.a, spent


def test_a_tunnel_passes_the_load_balancer(world, balancer, anna):
    grant = probe.take_grant(world, anna, "echo")
    assert probe.present(balancer, grant)[0] == 101  # steered by the hello behind the header, to the relay
    assert probe.present(world, grant)[0] == 401  # where it is spent now


def test_INC_9_who_is_not_listed_speaks_for_nobody(world):
    header = b"\r\n\r\n\0\r\nQUIT\n" + struct.pack(">BBH4s4sHH", 0x21, 0x11, 12, socket.inet_aton("203.0.113.9"),
                                                    socket.inet_aton(world.public), 4711, 443)

    def lie():
        with socket.create_connection((world.public, world.port), 5) as c:
            c.sendall(header + bytes.fromhex("16030100"))
            c.settimeout(5)
            try:
                return c.recv(100)
            except ConnectionResetError:
                return b""
    assert world.client.run(lie) == b""
