"""What an admin does with one endpoint that the inventory learned: words that were merged are kept apart.

    client: curl ── agent ══ relay ══ connector (gateway, inventory) ── recorder
    broker: endpoints, the app's gateway text          client: sallyport-admin
"""

import http.client

import pytest

from harness import proc

WORDS = [f"kind{a}" for a in "abcdefghijklmnopqrst"]  # more than 16
SWEEP = 5000  # calls after which the inventory looks what belongs together (inventory.h); without them it is a minute


def ask(host, port, paths):
    connection = http.client.HTTPConnection(host, port, timeout=20)
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
    connection.close()


@pytest.fixture(scope="module")
def sheets(world, anna):
    app = world.apps["recorder"]
    world.wait_app(app)
    made = world.console.add_app("sheets", world.site, world.private, app.port, "http", gateway="# the team's\nmethods: [GET]\n")
    proc.until("anna sees the sheets", 20, lambda: "sheets" in {a["name"] for a in anna.json("apps")["apps"]})
    return made


@pytest.fixture(scope="module")
def use(world, anna, sheets):
    address, port = anna.address_of("sheets")
    return lambda *paths: world.client.run_as(anna.uid, ask, address, port, paths)


def endpoints(world, app):
    return {e["path"]: e for e in world.console.call("GET", f"/endpoints?app={app['id']}&limit=200")["items"]}


def test_words_that_were_merged_are_kept_apart_and_join_again(world, anna, ada, sheets, use):
    paths = [f"/echo/{word}" for word in WORDS]
    use(*paths * (SWEEP // len(paths) + 1))
    merged = proc.until("the words are one parameter", 90, lambda: endpoints(world, sheets).get("/echo/{echo_id}"))
    detail = proc.until("it says what it merged", 60, lambda: [
        p for p in world.console.call("GET", f"/endpoints/{merged['id']}")["parts"] if p.get("merged") == ["/echo"]])
    assert detail[0]["split"] == []

    admin = lambda *words: ada.shell(world.bin / "sallyport-admin", *words)
    wrong = admin("endpoint", "split", merged["id"], "/other")
    assert wrong.code == 4 or wrong.code == 2 or "below" in wrong.err, wrong
    done = admin("endpoint", "split", merged["id"], "/echo")
    assert done.code == 0, done
    text = "split: ['/echo']\nmethods: [GET]\n"
    now = world.console.call("GET", "/apps/" + sheets["id"])
    assert now["gateway"] == "# the team's\n" + text
    assert admin("endpoint", "split", merged["id"], "/echo").code == 0  # again: nothing to do
    assert world.console.call("GET", "/apps/" + sheets["id"])["version"] == now["version"]
    assert [r["text"] for r in world.console.audit(action="app.update") if (r["object"] or {}).get("id") == sheets["id"]]

    def apart():
        use(*paths)
        known = endpoints(world, sheets)
        return set(paths) <= set(known) and known["/echo/kinda"]

    one = proc.until("each word has an endpoint", 60, apart)
    proc.until("the merged one is gone", 90, lambda: "/echo/{echo_id}" not in endpoints(world, sheets))
    assert world.console.call("GET", f"/endpoints/{one['id']}")["parts"][0]["split"] == ["/echo"]

    done = admin("endpoint", "merge", one["id"], "/echo")
    assert done.code == 0, done
    assert world.console.call("GET", "/apps/" + sheets["id"])["gateway"] == "# the team's\nsplit: []\nmethods: [GET]\n"
    assert admin("endpoint", "merge", one["id"], "/echo").code != 0  # there is none any more
    use(*paths * (SWEEP // len(paths) + 1))
    proc.until("they are one again", 90, lambda: endpoints(world, sheets).get("/echo/{echo_id}"))


def test_a_limit_from_an_endpoint_is_in_force(world, ada, sheets, use):
    use("/echo/7")
    one = proc.until("the endpoint is known", 60, lambda: next((e for p, e in endpoints(world, sheets).items() if p.startswith("/echo/")), None))
    admin = lambda *words: ada.shell(world.bin / "sallyport-admin", *words)
    assert admin("endpoint", "limit", one["id"], "0").code != 0
    done = admin("endpoint", "limit", one["id"], "100000", "--mode", "block")
    assert done.code == 0, done
    text = world.console.call("GET", "/apps/" + sheets["id"])["gateway"]
    assert text.startswith("# the team's\n") and "key: [user], rate: 100000/m, burst: 100000, mode: block" in text
    assert f"match: 'GET {one['path']}'" in text
    again = admin("endpoint", "limit", one["id"], "5")
    assert again.code != 0 and "already" in again.err, again
    use("/echo/7")
