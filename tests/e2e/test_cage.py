"""The harness itself: its private applications are real and private, and kill -9 leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from harness import apps, browser, cage, net, proc

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def private():
    """A connector's machine, an applications' machine behind it, and one with a cable to the connector only."""
    addresses = net.Addresses()
    client, connector, far = (net.Node(f"cage-{name}") for name in ("client", "connector", "apps"))
    access, inside = net.Link(addresses, client, connector), net.Link(addresses, connector, far)
    net.route(client, f"{inside.b}/32", access.b)  # the best that a client could try
    started = [kind(far, inside.b, cage.WORK / "cage" / kind.__name__).start()
               for kind in (apps.Nginx, apps.Sshd, apps.Postgres, apps.GitDaemon, apps.FieldApp)]
    yield client, connector, inside.b, started
    for app in started:
        app.stop()


def test_each_application_answers_beside_it_and_not_from_the_client(private):
    client, connector, address, started = private
    for app in started:
        proc.until(f"{type(app).__name__} answers", 20, apps.answers, connector, address, app.port)
        assert not apps.answers(client, address, app.port), type(app).__name__


def test_the_applications_are_the_real_ones(private):
    _, connector, address, started = private
    nginx, sshd, postgres, *_ = started
    for app in started:
        proc.until(f"{type(app).__name__} answers", 20, apps.answers, connector, address, app.port)
    page = browser.Browser(connector).get(f"http://{address}/")
    assert page.status == 200 and nginx.greeting in page.text
    postgres.fill()
    rows = proc.command(connector, ["psql", "-h", address, "-U", "report", "postgres", "-tAc", "select count(*) from orders"],
                        env={"PGPASSWORD": postgres.password})
    assert rows.out.strip() == "1000", rows
    who = proc.command(connector, ["ssh", "-i", sshd.identity, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                                   f"dev@{address}", "id -un"])
    assert who.out.strip() == "dev", who


def test_a_command_runs_as_the_person_that_is_named(private):
    client, *_ = private
    done = proc.command(client, ["sh", "-c", "id -u; grep CapEff /proc/self/status"], user="anna")
    assert done.out.split() == [str(cage.PEOPLE["anna"]), "CapEff:", "0000000000000000"], done


def test_codes_are_those_of_rfc_6238():
    """Appendix B, SHA-1, eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at, code in ((59, "94287082"), (1111111109, "07081804"), (20000000000, "65353130")):
        assert browser.totp(secret, at, digits=8) == code


INNER = """
import subprocess, sys, time
sys.path.insert(0, {here!r})
from harness import cage, net, proc
cage.enter(network=False)
a, host, far = net.Addresses(), net.Node("host", host=True), net.Node("far")
link = net.Link(a, host, far)
proc.Program(far, ["sleep", "4711"], cage.WORK / "sleep.log")
print(link._at[1], flush=True)
time.sleep(600)
"""


def sleepers():
    return subprocess.run(["pgrep", "-fx", "sleep 4711"], capture_output=True, text=True).stdout.split()


def test_kill_9_of_the_harness_leaves_no_process_and_no_link():
    env = {k: v for k, v in os.environ.items() if k != cage.MARK}
    with subprocess.Popen([sys.executable, "-c", INNER.format(here=str(HERE))], stdout=subprocess.PIPE, text=True, env=env) as run:
        link = run.stdout.readline().strip()
        assert pathlib.Path("/sys/class/net", link).exists() or link in subprocess.run(["ip", "link"], capture_output=True, text=True).stdout
        proc.until("the inner program runs", 5, sleepers)
        os.kill(run.pid, signal.SIGKILL)
    proc.until("the inner program is gone", 5, lambda: not sleepers())
    proc.until("the link is gone", 5, lambda: link not in subprocess.run(["ip", "link"], capture_output=True, text=True).stdout)
