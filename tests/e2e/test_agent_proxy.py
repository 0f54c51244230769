"""The agent on a machine whose only way out is an HTTP CONNECT proxy that asks for a login.

    office ── gate (proxy:3128) ── edge
"""

import contextlib
import json
import os
import socket
import sys
import time

import pytest

from harness import net, proc, world as worlds

USER, PASSWORD, IN_URL = "office", "s3cret p@ss", "s3cret%20p%40ss"


class Office:
    def __init__(self, world):
        self.world, self.node, gate = world, net.Node("office"), net.Node("office-gate")
        out = net.Link(world._addresses, gate, world.edge)
        net.route(gate, f"{world.public}/32", out.b)
        self.address = net.Link(world._addresses, self.node, gate).b
        self.proxy = proc.Program(gate, [sys.executable, "-u", worlds.TOP / "tests/e2e/harness/connectproxy.py", self.address, "3128",
                                         f"{USER}:{PASSWORD}"], world.logs / "office-proxy.log")
        proc.until("the proxy listens", 10, lambda: self.node.run(socket.create_connection, (self.address, 3128), 1).close() is None)

    def served(self):
        """The requests, but for our own look whether it listens: (target, status)."""
        return [tuple(line.split()[1:]) for line in self.proxy.text().splitlines() if line.startswith("CONNECT") and "?" not in line]

    @contextlib.contextmanager
    def agent_of(self, user, **env):
        """The person's agent on this machine, with this in its environment besides."""
        before = len(self.served())
        user.agent.stop()
        agent = proc.Program(self.node, [self.world.bin / "sallyport", "agent"], self.world.logs / f"agent-office-{time.monotonic_ns()}.log", user=user.name,
                             env={**user.env, **env}, cwd=str(user.home), notify=True).wait_ready()
        try:
            yield lambda: self.served()[before:], agent
        finally:
            agent.stop()
            assert user.run("set", "proxy=", "proxy_login=").code == 0
            user.restart_agent()
        assert PASSWORD not in agent.text() and IN_URL not in agent.text(), "the agent's log holds the proxy's password"

    def in_environment(self, password):
        return {"https_proxy": f"http://{USER}:{password}@{self.address}:3128"}


@pytest.fixture(scope="module")
def office(world):
    one = Office(world)
    yield one
    one.proxy.stop()


@pytest.fixture
def login(anna):
    """The file of setting proxy_login."""
    file = anna.home / "proxy-login"
    file.write_text(f"{USER}:{PASSWORD}\n")
    file.chmod(0o600)
    os.chown(file, anna.uid, anna.uid)
    yield file
    file.unlink()


def carries(world, anna, office, served):
    """Channel and tunnel are connections of their own, and both come through the proxy."""
    proc.until("the channel stands", 20, lambda: anna.run("apps").code == 0)
    told = anna.json("up", "echo")

    def echo():
        with socket.create_connection((told["address"], int(told["port"])), 20) as c:
            c.settimeout(20)
            c.sendall(b"through it")
            return c.recv(10)
    assert office.node.run_as(anna.uid, echo) == b"through it"
    assert len(served()) >= 2
    assert set(served()) == {(f"{world.name}:{world.port}", "200")}
    anna.run("down", "echo")


def doctor_says(anna, office, **env):
    """Its row on the proxy: (state, details, action)."""
    done = proc.command(office.node, [anna.world.bin / "sallyport", "--json", "doctor"], user=anna.name, cwd=str(anna.home), env={**anna.env, **env})
    assert PASSWORD not in done.out + done.err and IN_URL not in done.out + done.err
    return next((c["state"], c["details"] or "", c["action"] or "") for c in json.loads(done.out)["checks"] if c["component"] == "Proxy")


def test_HRD_16_the_agent_has_the_proxy_s_login_from_a_file_and_nothing_in_its_environment(world, anna, office, login):
    assert anna.run("set", f"proxy=http://{office.address}:3128", f"proxy_login={login}").code == 0
    with office.agent_of(anna) as (served, agent):
        carries(world, anna, office, served)
        assert "agent.proxy" not in agent.text()
        state, details, action = doctor_says(anna, office)
        assert state == "PASS" and details == "from configuration" and action == "", (state, details, action)
    refused = anna.run("set", f"proxy=http://{USER}:{IN_URL}@{office.address}:3128")
    assert refused.code == 2 and "proxy_login" in refused.err and IN_URL not in refused.err, refused


def test_HRD_16_a_login_file_that_others_may_read_is_not_used_and_doctor_says_so(world, anna, office, login):
    login.chmod(0o644)
    assert anna.run("set", f"proxy=http://{office.address}:3128", f"proxy_login={login}").code == 0
    with office.agent_of(anna) as (served, agent):
        assert anna.run("apps").code == 8
        assert {status for _, status in served()} == {"407"}, "without the login, and not past the proxy"
        assert '"agent.proxy"' in agent.text() and str(login) in agent.text()
        state, details, _ = doctor_says(anna, office)
        assert state == "FAIL" and str(login) in details, (state, details)


def test_C_027_the_agent_passes_a_proxy_with_a_login_of_the_environment_and_warns(world, anna, office):
    with office.agent_of(anna, **office.in_environment(IN_URL)) as (served, agent):
        carries(world, anna, office, served)
        warned = [line for line in agent.text().splitlines() if '"agent.proxy"' in line]
        assert len(warned) == 1 and "https_proxy" in warned[0] and "proxy_login=FILE" in warned[0], warned
        state, _, action = doctor_says(anna, office, **office.in_environment(IN_URL))
        assert state == "WARN" and "proxy_login=FILE" in action, (state, action)


@pytest.mark.parametrize("password", ["guess", None], ids=["a wrong login", "no proxy"])
def test_C_027_without_the_proxy_s_yes_the_agent_is_not_connected_and_says_so(world, anna, office, password):
    with office.agent_of(anna, **(office.in_environment(password) if password else {})) as (served, _):
        done = anna.run("apps")
        assert done.code == 8 and "sallyport doctor" in done.err, done
        statuses = {status for _, status in served()}
        assert statuses == ({"407"} if password else set()), served()
