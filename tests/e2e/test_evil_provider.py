"""A hostile identity provider (tests/evil/provider.py): it lies at every field, order, length and time.

    browser (this file) ── broker ── e00 … e14 on evil.example.test:9443

Nobody comes in by a lie, each is a refusal with a record, the broker keeps its memory, and others sign in and work meanwhile."""

import concurrent.futures
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

import pytest

from harness import browser, cage, proc, world as worlds
from harness.wire import dial

sys.path.insert(0, str(worlds.TOP / "tests" / "evil"))
import provider  # noqa: E402

NAME, PORT = "evil.example.test", 9443
NAMES = [f"e{n:02}" for n in range(15)]  # and the built-in one: OIDC_PROVIDERS_MAX
RELEASE = "release" in os.environ.get("SALLYPORT_BUILD", "")
BOUND_MIB = 64 if RELEASE else 320  # AddressSanitizer keeps 256 MiB that were freed
PATIENT = 10  # seconds for a page: twice the 5 s that a provider has


class Liar:
    def __init__(self, world):
        self.world, self.folder = world, cage.WORK / "evil"
        worlds.make_certificates(self.folder, [NAME])
        wrong = self.folder / "wrong"
        worlds.make_certificates(wrong, ["other.example.test"])
        for made, name in (("cert.pem", "other.pem"), ("key.pem", "other.key")):
            (wrong / made).rename(self.folder / name)
        with open(self.folder / "ca.pem", "a") as trusted:  # a name that is wrong, not a CA that nobody knows
            trusted.write((wrong / "ca.pem").read_text())
        self.lie({})
        cage.add_host(world.public, NAME)
        self.secret = world.write(cage.WORK / "etc" / "evil.secret", provider.SECRET, "broker")
        self.program = proc.Program(world.edge, [sys.executable, worlds.TOP / "tests/evil/provider.py", world.public, PORT, self.folder, NAME],
                                    world.logs / "evil-provider.log")
        proc.until("the liar listens", 20, lambda: world.edge.run(self._listens))

    def _listens(self):
        return all(socket.create_connection((self.world.public, PORT + n), 2).close() is None for n in (0, 1))

    def config(self):
        ones = [f"{{name: {n}, issuer: \"https://{NAME}:{PORT}/{n}\", client_id: {provider.CLIENT}, client_secret_file: {self.secret}, "
                f"ca_file: {self.folder}/ca.pem}}" for n in NAMES]
        return f"[{', '.join(ones)}]"

    def lie(self, lies):
        """From the next request on: {"e00": {"token": "closed at once"}}."""
        new = self.folder / "lies.new"
        new.write_text(json.dumps(lies))
        new.rename(self.folder / "lies.json")
        (self.folder / "asked.jsonl").write_text("")

    def told(self):
        """What was asked since, as (who, at, lie)."""
        return {(a["who"], a["at"], a["lie"]) for a in map(json.loads, (self.folder / "asked.jsonl").read_text().splitlines())}


@pytest.fixture(scope="module")
def liar(world, anna):
    one = Liar(world)
    with dial(world, anna, "echo") as live:  # somebody's session, from before to behind all of it
        live.settimeout(20)
        world.broker_config(proxies='["127.0.0.9"]', providers=one.config())
        restart(world)
        try:
            one.live = live
            yield one
        finally:
            world.broker_config(proxies='["127.0.0.9"]')
            restart(world)
            one.program.stop()


@pytest.fixture(autouse=True)
def nobody_else_notices(world, liar):
    yield
    assert all(p.alive() for p in world.programs())
    liar.live.sendall(b"x")
    assert liar.live.recv(1) == b"x"
    assert attempt(world, "builtin").url.startswith(world.url)  # its own sign-in page: other providers serve on


def restart(world):
    """What a provider said is kept for a minute; a new broker knows nothing yet."""
    assert world.broker.stop(20) == 0
    world.restart(world.broker)


def rss(program):
    return int(next(line.split()[1] for line in open(f"/proc/{program.pid}/status") if line.startswith("VmRSS"))) / 1024


def attempt(world, name, answer=None, patient=PATIENT):
    """A sign-in at provider `name` by a browser of its own: the page where it ends. `answer` makes the query of the way back from state and
    nonce."""
    web = browser.Browser(world.client, [world.ca], timeout=patient)
    page = web.get(f"{world.url}/login")
    link = next(link for link in page.links if link.endswith(f"idp={name}"))
    page = web.request("GET", urllib.parse.urljoin(page.url, link), follow=name == "builtin")
    if page.status == 303 and name != "builtin":
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.headers["Location"]).query))
        query = answer(asked) if answer else urllib.parse.urlencode({"code": asked["nonce"], "state": asked["state"]})
        page = web.get(f"{world.url}/login/callback/{name}?{query}")
    page.ticket = web.cookie("__Host-sallyport")
    return page


def came_in(page):
    """As far as a provider can bring someone: to the question for a code."""
    return page.status == 200 and "/login/code" in page.url


def refusals(world, since):
    """The records of refused sign-ins, by provider."""
    found = {}
    for record in world.console.audit(action="login.fail"):
        if record["time"] >= since:
            found.setdefault(record["object"]["name"], []).append(record)
    return found


def judge(world, liar, lies, expected=lambda lie: False):
    """Tells all these lies, one a provider and at once; what went wrong, by lie. `lies`: {name: (place, lie)}."""
    liar.lie({name: {place: lie} for name, (place, lie) in lies.items()})
    since, wrong = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()), {}
    with concurrent.futures.ThreadPoolExecutor(len(NAMES)) as pool:
        pages = dict(zip(lies, pool.map(lambda name: attempt(world, name), lies)))
    told, records = liar.told(), refusals(world, since)
    for name, (place, lie) in lies.items():
        page = pages[name]
        if (name, place, lie) not in told:
            wrong[place, lie] = "was not told"
        elif page.ticket or came_in(page) != expected(lie) or (not came_in(page) and page.status not in (400, 403, 502, 503)):
            wrong[place, lie] = page
        elif "<script>alert" in page.html or "\x1b" in page.html or "eyJ" in page.html:
            wrong[place, lie] = page
        elif not came_in(page) and not (records.get(name) and records[name][-1]["text"]):
            wrong[place, lie] = "no record"
    return wrong


def in_rounds(rows):
    """Rows of (place, lie), as many at once as there are providers."""
    for at in range(0, len(rows), len(NAMES)):
        yield dict(zip(NAMES, rows[at:at + len(NAMES)]))


def all_of(world, liar, rows, anew=False, **more):
    wrong = {}
    for lies in in_rounds(rows):
        if anew:
            restart(world)
        wrong |= judge(world, liar, lies, **more)
    assert not wrong, "\n".join(f"{place}, {lie}: {what!r}" for (place, lie), what in wrong.items())


def test_RP_01_the_same_provider_is_believed_when_it_tells_the_truth(world, liar):
    """Or what is below would prove nothing."""
    all_of(world, liar, [("token", None)] * len(NAMES), expected=lambda lie: True)


def test_FLT_10_IDT_22_what_no_http_may_be_is_refused_in_bounded_memory(world, liar):
    before = rss(world.broker)
    all_of(world, liar, [("token", lie) for lie in provider.TRANSPORT])
    grown = rss(world.broker) - before
    assert grown <= BOUND_MIB, f"the broker grew by {grown:.0f} MiB"


@pytest.mark.parametrize("place", ["discovery", "jwks", "token"])
def test_FLT_10_a_slow_provider_ends_at_its_deadline(world, liar, place):
    restart(world)
    all_of(world, liar, [(place, lie) for lie in provider.SLOW])


@pytest.mark.parametrize("place", ["discovery", "token"])
def test_FLT_10_a_provider_that_has_stopped_to_answer_holds_up_no_other(world, liar, place):
    """More sign-ins there than the broker has workers, again and again; at another provider each is done before that one's deadline."""
    restart(world)
    liar.lie({"e00": {place: "silence"}})
    assert attempt(world, "e00").status in (403, 503)  # known to be late from here on
    over, took = threading.Event(), []

    def insist():
        while not over.is_set():
            assert attempt(world, "e00", patient=60).status in (403, 503)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        insisting = [pool.submit(insist) for _ in range(8)]
        try:
            for _ in range(6):
                began = time.monotonic()
                assert attempt(world, "builtin").forms
                took.append(time.monotonic() - began)
        finally:
            over.set()
        for one in insisting:
            one.result()
    assert max(took) < 5, took


def test_RP_16_IDT_22_metadata_that_lies_is_refused(world, liar):
    all_of(world, liar, [("discovery", lie) for lie in (*provider.DISCOVERY, "TLS closed mid-way", "garbage", "1 GiB with its length", "moved to plain HTTP",
                                                        "depth 100,000", "a bomb of gzip", "a head without end", "30,000 members")], anew=True)


def test_RP_10_IDT_07_keys_that_lie_verify_nothing(world, liar):
    all_of(world, liar, [("jwks", lie) for lie in (*provider.KEYS, "TLS closed mid-way", "1 GiB with its length", "moved to another host", "null")] +
           [("discovery", lie) for lie in provider.LEADING], anew=True)


def test_RP_09_RP_10_JWT_6_IDT_01_to_16_an_id_token_with_one_lie_is_refused(world, liar):
    restart(world)
    all_of(world, liar, [("token", lie) for lie in (*provider.TOKENS, *provider.ID)])


def test_RP_11_userinfo_of_another_gives_nobody_anything(world, liar):
    restart(world)
    all_of(world, liar, [("token", None)] * len(NAMES), expected=lambda lie: True)
    all_of(world, liar, [("userinfo", lie) for lie in (*provider.USERINFO, "TLS closed mid-way", "garbage", "1 GiB with its length", "null", "moved to a file")],
           expected=lambda lie: True)
    assert groups(world) == {f"{name}/staff" for name in NAMES}  # the ID token's, not "admins"


def groups(world):
    """Of every person that the liar brought in."""
    people = [u for u in world.console.call("GET", "/users?limit=200")["items"] if u["name"].startswith("mallory")]
    assert len(people) >= 1
    return {g for u in people for g in world.console.call("GET", f"/users/{u['id']}")["groups"]}


def test_TM_19_INC_3_claims_of_odd_shape_put_nobody_into_a_group_of_others(world, liar):
    all_of(world, liar, [("token", lie) for lie in provider.ODD], expected=lambda lie: lie != "groups with lines")  # NUL: no token at all
    assert all(g.startswith(tuple(f"{n}/" for n in NAMES)) for g in groups(world)), groups(world)


ANSWERS = {
    "code and error": lambda a: f"code={a['nonce']}&error=access_denied&state={a['state']}",
    "two codes": lambda a: f"code={a['nonce']}&code=x&state={a['state']}",
    "two states": lambda a: f"code={a['nonce']}&state={a['state']}&state=x",
    "no code": lambda a: f"state={a['state']}",
    "a code of 5,000": lambda a: f"code={'c' * 5000}&state={a['state']}",
    "iss of a sibling": lambda a: f"code={a['nonce']}&state={a['state']}&iss=https%3A%2F%2F{NAME}%3A{PORT}%2Fe14",
    "an error that is a script": lambda a: f"error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&error_description=%1B%5B2J%0D%0AX%3A%20y&state={a['state']}",
}


def test_IDT_20_IDT_21_the_way_back_with_a_lie_is_refused(world, liar):
    restart(world)
    liar.lie({})
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    for lie, answer in ANSWERS.items():
        page = attempt(world, "e00", answer)
        assert page.status >= 400 and not page.ticket and "<script>alert" not in page.html, (lie, page)
    for state in ("", "A" * 43, "A" * 5000):
        page = attempt(world, "e00", lambda a, state=state: f"code=x&state={state}")
        assert page.status >= 400 and not page.ticket, (state, page)
    assert not any(at == "token" for _, at, _ in liar.told()), "a code was sent on behind a lie"
    assert len(refusals(world, since)["e00"]) >= 4  # those whose state was a sign-in of this browser
