"""`front: l7`: an HTTP proxy (nginx) ends TLS before the broker and the relay's own port.

    client ─── nginx ─── edge: broker 8443 · relay 8444          the connector reaches the edge itself, without the proxy
                8443     /tunnel goes to the relay's port, all else to the broker's

A world of its own, since the whole of it is told that there is a proxy: the proofs of control channels are bound to the broker's
key instead of to TLS, tunnels stay in frames."""

import os
import pathlib
import socket
import types

import pytest
from conftest import BUILD, PASSWORD

from harness import apps, cage, net, probe, proc, world as worlds
from harness.wire import dial, read_all
from test_networks import Transfer, comes_back

OWN_PORT = 8444
PAGE = (worlds.TOP / "docs" / "operations.md").read_text()


def nginx_config(world, edge, folder):
    """The page's own servers, at this world's names and places."""
    block = PAGE.partition("```nginx\n")[2].partition("```")[0]
    for old, new in (("access.example.org", world.name), ("listen 443", f"listen {world.port}"), ("relay.internal:8443", f"{edge}:{OWN_PORT}"),
                     ("broker.internal:443", f"{edge}:{world.port}"), ("/etc/nginx/cert.pem", f"{cage.WORK}/tls/cert.pem"),
                     ("/etc/nginx/key.pem", f"{folder}/key.pem"), ("/etc/nginx/ca.pem", world.ca)):
        assert old in block, old
        block = block.replace(old, str(new))
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{block}}}\n"


@pytest.fixture(scope="module")
def far():
    """The world, its proxy, and anna, who signs in through it."""
    before = cage.WORK
    cage.WORK = before / "l7"
    (cage.WORK / "home").mkdir(parents=True)
    home = cage.WORK / "home" / "anna"
    home.mkdir(mode=0o700)
    os.chown(home, cage.PEOPLE["anna"], cage.PEOPLE["anna"])
    (cage.WORK / "run").mkdir()
    world = proxy = None
    try:
        world = worlds.World(BUILD, tag="l7")
        middle = net.Node("l7middle")
        inner = net.Link(world._addresses, middle, world.edge)
        outer = net.Link(world._addresses, world.client, middle)
        net.ip("-n", middle.name, "addr", "add", f"{world.public}/32", "dev", "lo")
        net.ip("-n", world.client.name, "route", "replace", f"{world.public}/32", "via", outer.b)
        folder = world.folder(cage.WORK / "nginx", "broker")
        world.write(folder / "key.pem", (cage.WORK / "tls" / "key.pem").read_text(), "broker")
        config = world.write(folder / "nginx.conf", nginx_config(world, inner.b, folder), "broker")
        proxy = proc.Program(middle, ["nginx", "-e", "stderr", "-c", config], world.logs / "nginx.log", user="broker",
                             env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
        world.start_app(apps.FieldApp)
        world.wait_app(world.apps["fieldapp"])
        world.start_broker([("root", PASSWORD, ["admins"]), ("anna", PASSWORD, ["staff"])], front="l7", proxies=f'["{inner.a}"]')
        world.start_relay(listen=f'"0.0.0.0:{OWN_PORT}"', front="l7", proxies=f'["{inner.a}"]')
        world.console = worlds.Console(world, "root", PASSWORD).sign_in()
        world.site = world.console.call("POST", "/sites", {"name": "office"})["id"]
        for name, port in (("echo", 7001), ("source", 7003)):
            world.console.add_app(name, world.site, world.private, port)
        world.console.put_policy(worlds.POLICY)
        world.floor_ports = [7001, 7003]
        world.enrol_connector(world.console, world.site)
        anna = world.user("anna", PASSWORD, ["staff"]).start_agent()
        anna.login(more=("--front", "l7"))
        yield types.SimpleNamespace(world=world, anna=anna, proxy=proxy, middle=middle, client=outer.a, proxy_address=inner.a)
    finally:
        for program in [proxy, world] if world else []:
            if program:
                program.stop()
        cage.WORK = before


def test_CT_3_tunnels_pass_an_http_proxy_that_ends_tls(far):
    assert far.anna.json("status")["broker"]["front"] == "l7"
    with dial(far.world, far.anna, "echo") as c:
        c.settimeout(20)
        c.sendall(b"through nginx")
        c.shutdown(socket.SHUT_WR)
        assert read_all(c).startswith(b"through nginx|")
    Transfer(far.world, far.anna, 32 << 20).whole()


def test_INC_9_the_audit_names_who_is_behind_the_proxy(far):
    seen = {r["address"] for r in far.world.console.audit() if r.get("address")}
    assert far.client in seen and far.proxy_address not in seen, seen


def test_INC_9_only_the_proxy_may_come_without_our_alpn(far):
    """Anybody else who speaks plain TLS to the relay's port is closed before it answers."""
    def knock():
        with pytest.raises(ConnectionError):
            probe.Tls((far.world.public, OWN_PORT), far.world.name)
        return True
    assert far.world.connector_node.run(knock)


def test_a_proxy_that_dies_is_a_reset_and_its_return_needs_no_login(far):
    down = Transfer(far.world, far.anna, 1 << 30).runs()
    for pid in pathlib.Path(f"/proc/{far.proxy.pid}/task/{far.proxy.pid}/children").read_text().split():
        os.kill(int(pid), 9)  # the worker, and with it every connection; the master starts another one
    down.reset(15)
    comes_back(far.world, far.anna)
