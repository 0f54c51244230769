"""Sites as they are in companies: connectors behind an HTTP proxy, and two connectors that share a site.

    edge ─── proxy ─── branch ─── apps          the branch reaches nothing public but its proxy
"""

import hashlib
import socket
import sys
import time

import pytest

from harness import cage, net, proc, world as worlds
from harness.wire import dial, read_all, stream_hash

LOGIN = "branch:s3cret p@ss"


class Branch:
    """A machine with a way to the applications and, but for the proxy, none to the public side."""

    def __init__(self, world, name, login=None):
        self.node, self.gate = net.Node(name), net.Node(f"{name}-gate")
        out = net.Link(world._addresses, self.gate, world.edge)
        net.route(self.gate, f"{world.public}/32", out.b)
        inner = net.Link(world._addresses, self.node, self.gate)
        apps = net.Link(world._addresses, self.node, world.apps_node)
        net.route(self.node, f"{world.private}/32", apps.b)
        self.url = f"http://{inner.b}:3128"
        proxy = [sys.executable, "-u", worlds.TOP / "tests/e2e/harness/connectproxy.py", inner.b, "3128", *([login] if login else [])]
        self.proxy = proc.Program(self.gate, proxy, world.logs / f"{name}-proxy.log")
        proc.until("the proxy listens", 10, self.node.run, self._listens, inner.b)

    @staticmethod
    def _listens(address):
        socket.create_connection((address, 3128), timeout=1).close()
        return True

    def served(self):
        """The requests, but for our own look whether it listens."""
        return [line.split() for line in self.proxy.text().splitlines() if line.startswith("CONNECT") and "?" not in line]


@pytest.fixture
def stay(world):
    """Connectors and apps of one test, which are gone after it."""
    programs, records = [], []
    yield programs, records
    for program in programs:
        program.stop()
        if program in world.connectors:
            world.connectors.remove(program)
    for record in records:
        world.console.call("DELETE", f"/apps/{record['id']}", headers={"If-Match": f'"{record["version"]}"'})


def add_app(world, stay, name, site, port):
    record = world.console.add_app(name, site, world.private, port)
    stay[1].append(record)
    return record


def echoes(world, user, app):
    with dial(world, user, app) as c:
        c.sendall(b"through it")
        c.shutdown(socket.SHUT_WR)
        return read_all(c).startswith(b"through it|")


@pytest.mark.parametrize("login", [None, LOGIN], ids=["open", "with a login"])
def test_a_connector_behind_a_proxy_serves_its_site(world, anna, stay, login):
    name = "branch" if login is None else "locked"
    branch = Branch(world, name, login)
    stay[0].append(branch.proxy)
    more = {"proxy": branch.url}
    if login is not None:
        more["proxy_login"] = world.write(cage.WORK / "etc" / f"{name}.login", login + "\n", "connector")
    site = world.console.call("POST", "/sites", {"name": name})["id"]
    stay[0].append(world.enrol_connector(world.console, site, name, branch.node, **more))
    add_app(world, stay, f"{name}-echo", site, 7001)
    add_app(world, stay, f"{name}-source", site, 7003)
    proc.until("the app answers", 15, echoes, world, anna, f"{name}-echo")
    with dial(world, anna, f"{name}-source") as c:  # a bulk transfer, and what came is what was sent
        c.sendall(b"20000000\n")
        c.shutdown(socket.SHUT_WR)
        assert hashlib.sha256(read_all(c)).hexdigest() == stream_hash(20000000)
    requests = branch.served()
    assert {target for _, target, _ in requests} == {f"{world.name}:{worlds.PORT}"}, requests
    assert {status for *_, status in requests} == {"200"}, requests
    assert len(requests) >= 4, "enrolment, control channel, standing channel and spares all take the proxy"
    assert not world_reaches(world, branch), "the branch has a way around its proxy"


def world_reaches(world, branch):
    def attempt():
        socket.create_connection((world.public, worlds.PORT), timeout=1).close()
        return True
    try:
        return branch.node.run(attempt)
    except OSError:
        return False


def test_a_wrong_login_at_the_proxy_is_said_and_not_tried_in_a_loop(world, stay):
    branch = Branch(world, "guess", LOGIN)
    stay[0].append(branch.proxy)
    site = world.console.call("POST", "/sites", {"name": "guess"})["id"]
    login = world.write(cage.WORK / "etc" / "guess.login", "branch:wrong\n", "connector")
    with pytest.raises(proc.Failed) as failed:
        world.enrol_connector(world.console, site, "guess", branch.node, proxy=branch.url, proxy_login=login)
    assert "-> 8" in str(failed.value) and "proxy" in str(failed.value).lower(), failed.value
    assert "wrong" not in str(failed.value), "the password is shown"
    time.sleep(1)
    assert [status for *_, status in branch.served()] == ["407"], branch.served()


def test_two_connectors_share_a_site_and_a_users_app_stays_with_one(world, anna, stay):
    site = world.console.call("POST", "/sites", {"name": "pair"})["id"]
    second = net.Node("pair2")
    out = net.Link(world._addresses, second, world.edge)
    net.route(second, f"{world.public}/32", out.b)
    apps = net.Link(world._addresses, second, world.apps_node)
    net.route(second, f"{world.private}/32", apps.b)
    stay[0].append(world.enrol_connector(world.console, site, "pair1"))
    stay[0].append(world.enrol_connector(world.console, site, "pair2", second))
    names = [f"pair-{n}" for n in range(10)]
    for name in names:
        add_app(world, stay, name, site, 7001)

    def where():
        """Which connector each of anna's sessions on the site's apps runs over."""
        items = world.console.call("GET", "/sessions")["items"]
        return {s["app"]["name"]: s["connector"]["name"] for s in items if s["app"]["name"] in names}

    for name in names:
        proc.until(f"{name} answers", 15, echoes, world, anna, name)
    first = proc.until("all are reported", 10, lambda: (w := where()) and len(w) == len(names) and w)
    assert set(first.values()) == {"pair1", "pair2"}, f"one connector has it all: {first}"
    for name in names:  # the same again: a new session of the same user and app goes to the same one
        world.console.call("POST", "/sessions/kill", {"by": "app", "id": next(r["id"] for r in stay[1] if r["name"] == name),
                                                      "reason": "again"})
        proc.until(f"{name} answers again", 15, echoes, world, anna, name)
    again = proc.until("all are reported again", 10, lambda: (w := where()) and len(w) == len(names) and w)
    assert again == first
