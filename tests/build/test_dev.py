"""`sallyport-broker dev`: the evaluation mode as a new user meets it, started for real."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build-release"))
BROKER = BUILD / "broker" / "sallyport-broker"
sys.path.insert(0, str(TOP / "tests" / "e2e"))
from harness import browser  # noqa: E402 - the path is set above


class Here:
    """This machine, where the harness's browser expects a node of a cage."""

    def run_as(self, uid, function, *arguments):
        return function(*arguments)

    run = staticmethod(lambda function, *arguments: function(*arguments))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Dev:
    def __init__(self, *arguments):
        self.port = free_port()
        self.program = subprocess.Popen([BROKER, "dev", "--listen", f"127.0.0.1:{self.port}", *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.text = ""
        for line in self.program.stdout:
            self.text += line
            if line.startswith("==> ready"):
                break

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def found(self, pattern):
        match = re.search(pattern, self.text)
        assert match, self.text
        return match[1]

    def stop(self, signo=signal.SIGTERM):
        self.program.send_signal(signo)
        return self.program.wait(20)


@pytest.fixture
def dev():
    started = []

    def start(*arguments):
        started.append(Dev(*arguments))
        return started[-1]
    yield start
    for one in started:
        if one.program.poll() is None:
            one.program.kill()
            one.program.wait()


def sign_in(one, person):
    web = browser.Browser(Here(), [one.found(r"CA\s+(\S+)")])
    page = web.get(one.url + "/login?return_to=/")
    assert "valuation" in page.text, page
    go = next(link for link in page.links if "/login/go" in link)
    page = person.walk(web, urllib.parse.urljoin(one.url, go), lambda p: p.url.rstrip("/") == one.url)
    assert page.status == 200, page
    return web


def test_the_printed_account_signs_in_and_is_an_administrator(dev):
    one = dev()
    web = sign_in(one, browser.Person("alice", one.found(r"\(shown once\) (\S+)")))
    me = web.api(one.url, "GET", "/api/v1/me").json()
    assert me["role"] == "admin" and me["broker"]["evaluation"] is True, me
    for _ in range(100):  # the relay enrols by itself
        relays = web.api(one.url, "GET", "/api/v1/relays").json()["items"]
        if relays and relays[0].get("connected", True):
            break
        time.sleep(0.1)
    assert relays, "no relay enrolled"


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_the_end(dev, signo):
    one = dev()
    folder = pathlib.Path(one.found(r"State\s+([^,]+),"))
    relays = children(one.program.pid)
    assert folder.is_dir() and len(relays) == 1, (folder, relays)
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    assert one.stop(signo) == 0
    assert not folder.exists()
    assert not pathlib.Path(f"/proc/{relays[0]}").exists()


def test_a_kept_folder_stays_and_starts_again_with_the_same_account(dev, tmp_path):
    first = dev("--keep", tmp_path / "state")
    person = browser.Person("alice", first.found(r"\(shown once\) (\S+)"))
    sign_in(first, person)
    assert first.stop() == 0 and (tmp_path / "state" / "broker.yaml").is_file()
    again = dev("--keep", tmp_path / "state")
    assert "with the password of the first start" in again.text
    assert again.stop() == 0


def test_the_evaluation_ends_when_its_relay_does(dev):
    one = dev()
    os.kill(children(one.program.pid)[0], signal.SIGKILL)
    assert one.program.wait(20) == 1


def test_an_address_in_use_is_said_and_nothing_is_left(dev, tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        before = set(pathlib.Path("/tmp").glob("sallyport-dev.*"))
        done = subprocess.run([BROKER, "dev", "--listen", f"127.0.0.1:{busy.getsockname()[1]}"], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "in use" in done.stderr, done
        assert set(pathlib.Path("/tmp").glob("sallyport-dev.*")) <= before


def says_evaluation(page):
    return 'aria-label="Evaluation"' in page.html and "Evaluation mode: not for production." in page.text


def pages_of(url, ca, person):
    """The pages that a person meets, in their order: sign-in, factor, own page, what is not there, and signed out."""
    web, met = browser.Browser(Here(), [ca]), []
    met.append(web.get(url + "/login?return_to=/home"))
    go = next(link for link in met[0].links if "/login/go" in link)

    def arrived(page):
        met.append(page)
        return page.url.startswith(url + "/home")
    person.walk(web, urllib.parse.urljoin(url, go), arrived)
    return met + [web.get(url + "/home"), web.get(url + "/login?return_to=/")]


def test_every_page_says_that_it_is_an_evaluation_and_none_of_a_broker_that_runs_does(dev, tmp_path):
    one = dev("--keep", tmp_path / "state")
    assert one.text.startswith("==> sallyport-broker dev: EVALUATION ONLY, built-in identity provider enabled\n")
    assert re.search(r"^    Next +sallyport login --broker " + re.escape(one.url) + " --ca ", one.text, re.M)
    person, ca = browser.Person("alice", one.found(r"\(shown once\) (\S+)")), one.found(r"CA\s+(\S+)")
    met = pages_of(one.url, ca, person)
    assert len(met) >= 5 and all(says_evaluation(page) for page in met), [(page.url, says_evaluation(page)) for page in met]
    assert one.stop() == 0
    assert (tmp_path / "state" / "broker.yaml").read_text().startswith("# made by sallyport-broker dev: for evaluation only\n")
    # the same store as an ordinary broker: no page of it says so
    log = open(tmp_path / "log", "w")
    program = subprocess.Popen([BROKER, "run", "--config", tmp_path / "state" / "broker.yaml"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            if "broker.ready" in (tmp_path / "log").read_text():
                break
            time.sleep(0.05)
        web = browser.Browser(Here(), [ca])
        met = pages_of(one.url, ca, person)
        assert len(met) >= 4 and not [page.url for page in met if says_evaluation(page)]
        assert web.get(one.url + "/d").status in (200, 404) and not says_evaluation(web.page)
    finally:
        program.terminate()
        assert program.wait(20) == 0
