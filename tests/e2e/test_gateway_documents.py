"""An administrator uploads an app's OpenAPI document: the broker checks and keeps it, the connector fetches it by its
hash and holds requests to it, and an earlier one is put in force again."""

import hashlib
import json

import pytest

from harness import cage, proc

DOCUMENT = """\
openapi: 3.1.0
info: {title: letters, version: '%s'}
paths:
  /%s: {get: {responses: {'200': {description: ok}}}}
%s"""
FIRST = DOCUMENT % ("1", "first", "")
# more than one piece of 32 KiB
SECOND = DOCUMENT % ("2", "second", "".join(f"  /more/{n}: {{get: {{responses: {{'200': {{description: '{'x' * 80}'}}}}}}}}\n"
                                            for n in range(600)))
BROKEN = DOCUMENT % ("3", "third", "  /bad: {get: {responses: {}, parameters: [{name: a, in: query, schema: {type: textt}}]}}\n")


@pytest.fixture(scope="module")
def letters(world):
    """An app of type http with a gateway that asks for documented paths."""
    recorder = world.apps["recorder"]
    world.wait_app(recorder)
    return world.console.add_app("letters", world.site, world.private, recorder.port, "http",
                                 gateway="openapi: {unknown_endpoint: block}\n")


def etag(world, app):
    return {"If-Match": f'"{world.console.call("GET", "/apps/" + app["id"])["version"]}"'}


def upload(world, app, text, **more):
    return world.console.call("PUT", f"/apps/{app['id']}/document", {"text": text, "note": "from the team"}, etag(world, app), **more)


def status(person, path):
    address, port = person.address_of("letters")
    done = person.shell("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", f"http://{address}:{port}{path}")
    return done.out.strip()


def holds(person, known, unknown):
    proc.until(f"{known} is documented, {unknown} is not", 20,
               lambda: (status(person, known), status(person, unknown)) == ("200", "404"))


def test_an_uploaded_document_is_in_force_and_an_earlier_one_again(world, anna, letters):
    proc.until("anna sees letters", 20, lambda: "letters" in {a["name"] for a in anna.json("apps")["apps"]})
    assert status(anna, "/anything") == "200"
    first = upload(world, letters, FIRST)
    assert first["document"] == "sha256:" + hashlib.sha256(FIRST.encode()).hexdigest()
    holds(anna, "/first", "/second")
    second = upload(world, letters, SECOND)
    holds(anna, "/second", "/first")

    listed = world.console.call("GET", f"/apps/{letters['id']}/documents")["items"]
    assert [(d["document_version"], d["in_force"], d["operations"]) for d in listed] == [("2", True, 601), ("1", False, 1)]
    assert listed[0]["sha256"] == second["document"].removeprefix("sha256:")
    kept = world.console.call("GET", f"/apps/{letters['id']}/documents/{listed[1]['sha256']}")
    assert kept["text"] == FIRST

    world.console.call("POST", f"/apps/{letters['id']}/documents/{listed[1]['sha256']}/restore", {"reason": "too early"}, etag(world, letters))
    holds(anna, "/first", "/second")
    acts = world.console.audit(event="app.update")
    assert any("too early" in json.dumps(a) for a in acts), acts


def test_a_document_with_a_fault_changes_nothing(world, anna, letters):
    upload(world, letters, FIRST)
    before = world.console.call("GET", "/apps/" + letters["id"])
    refused = upload(world, letters, BROKEN, expect=(400,))
    assert refused["code"] == "document"
    assert refused["faults"][0]["pointer"].startswith("/paths/~1bad/get/parameters/0/schema"), refused
    assert world.console.call("GET", "/apps/" + letters["id"]) == before
    assert [d["document_version"] for d in world.console.call("GET", f"/apps/{letters['id']}/documents")["items"]][0] == "1"
    # nor may a text name one that nobody uploaded
    body = {k: before[k] for k in ("name", "description", "type", "host", "port", "labels", "limits", "cut_through")}
    body |= {"site": before["site"]["id"], "gateway": f"openapi: {{document: 'sha256:{'0' * 64}'}}\n"}
    refused = world.console.call("PUT", "/apps/" + letters["id"], body, etag(world, letters), expect=(400,))
    assert "nobody uploaded" in json.dumps(refused)
    holds(anna, "/first", "/third")


def test_a_large_document_comes_in_parts(world, anna, ada, letters):
    """More than one call holds: by the command, and what the API says of parts that do not fit."""
    words = "ä" * 700_000  # two bytes each
    path = ada.home / "large.yaml"
    path.write_text(DOCUMENT % ("4", "fourth", f"  /wordy: {{get: {{description: '{words}', responses: {{}}}}}}\n"))
    path.chmod(0o644)
    done = ada.shell(world.bin / "sallyport-admin", "gateway", "upload", "letters", path, "--note", "many words")
    assert done.code == 0, done
    holds(anna, "/fourth", "/first")
    listed = world.console.call("GET", f"/apps/{letters['id']}/documents")["items"]
    assert listed[0]["size"] == path.stat().st_size > 1400_000 and listed[0]["note"] == "many words"

    put = lambda at, size, expect: world.console.call("PUT", f"/apps/{letters['id']}/document", {
        "text": "openapi: ", "note": "parts", "at": at, "size": size}, etag(world, letters), expect=expect)
    before = world.console.call("GET", "/apps/" + letters["id"])
    assert put(0, 100, (200,))["received"] == 9
    assert "9 bytes came before it" in put(91, 100, (409,))["detail"]
    assert put(18, 100, (409,))["code"] == "conflict"  # not where the one before ended
    assert put(95, 100, (400,))["field"] == "text"
    assert put(0, 16 * 1024 * 1024 + 1, (400,))["field"] == "size"
    assert world.console.call("GET", "/apps/" + letters["id"]) == before


def test_the_first_session_does_not_wait_for_its_document(world, letters):
    """A record that names a document brings it to the connector, whether somebody uses the app or not."""
    unused = world.console.add_app("unused", world.site, world.private, world.apps["recorder"].port, "http", gateway="openapi: {}\n")
    named = upload(world, unused, DOCUMENT % ("5", "fifth", ""))["document"].removeprefix("sha256:")
    kept = cage.WORK / "c1" / "documents" / named
    proc.until("the connector has it", 20, kept.exists)
    assert kept.read_text() == DOCUMENT % ("5", "fifth", "")


def test_the_gateway_is_set_from_a_file_by_the_command(world, ada, letters):
    path = ada.home / "gateway.yaml"
    path.write_text("# of the team\nopenapi: {unknown_endpoint: blok}\n")
    path.chmod(0o644)
    admin = lambda *words: ada.shell(world.bin / "sallyport-admin", *words)
    kept = world.console.call("GET", "/apps/" + letters["id"])["gateway"]
    done = admin("app", "set", "letters", "--gateway", path)
    assert done.code != 0 and "gateway:2:" in done.err, done
    assert world.console.call("GET", "/apps/" + letters["id"])["gateway"] == kept
    path.write_text(kept + "# from a file\n")
    done = admin("app", "set", "letters", "--gateway", path)
    assert done.code == 0, done
    assert world.console.call("GET", "/apps/" + letters["id"])["gateway"] == kept + "# from a file\n"
    assert admin("app", "set", "unused", "--gateway", "none").code == 0
    assert [a["gateway"] for a in world.console.call("GET", "/apps?q=unused")["items"]] == [None]
