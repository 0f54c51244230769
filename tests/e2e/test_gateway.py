"""The gateway in the connector: each request of an http app is verified, and what reaches the application
is what was verified.

    client: curl, raw sockets ── agent ══ relay ══ connector (gateway) ── recorder, nginx
"""

import json
import re
import socket
import time

import pytest

from harness import proc

GATEWAY = """\
identity: {headers: true, assertion: true, audience: api}
websocket: on
limits: {body: 4MiB, header_time: 2s, response_time: 4s}
cors_origins: ["https://spa.example"]
methods: [GET, HEAD, POST, PUT, PATCH, OPTIONS]
"""


@pytest.fixture(scope="module")
def recorder(world):
    app = world.apps["recorder"]
    world.wait_app(app)
    return app


@pytest.fixture(scope="module")
def api(world, recorder):
    """The record of an app with a gateway; every test below goes through it."""
    return world.console.add_app("api", world.site, world.private, recorder.port, "http", gateway=GATEWAY)


@pytest.fixture(scope="module")
def base(anna, api):
    proc.until("anna sees the api", 20, lambda: "api" in {a["name"] for a in anna.json("apps")["apps"]})
    address, port = anna.address_of("api")
    return f"http://{address}:{port}"


def curl(person, *arguments):
    """(status, headers in lower case, body) of one request."""
    done = person.shell("curl", "-sS", "-i", "--max-time", "20", *arguments)
    assert done.code == 0, done
    head, _, body = done.out.replace("\r\n", "\n").rpartition("\n\n") if done.out.endswith("\n\n") else done.out.replace("\r\n", "\n").partition("\n\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\n\n")
    lines = head.split("\n")
    return int(lines[0].split()[1]), {n.lower(): v for n, _, v in (l.partition(": ") for l in lines[1:])}, body


def test_a_request_reaches_the_application_with_the_callers_identity(world, anna, base, recorder):
    status, fields, body = curl(anna, f"{base}/echo?a=1")
    assert status == 200, body
    assert re.fullmatch("[0-9a-f]{16}", fields["sallyport-decision"])
    seen = json.loads(body)
    assert (seen["method"], seen["target"], seen["version"]) == ("GET", "/echo?a=1", "HTTP/1.1")
    assert seen["fields"]["sallyport-user"] == "anna"
    assert "builtin/staff" in seen["fields"]["sallyport-groups"]
    assert seen["fields"]["sallyport-decision"] == fields["sallyport-decision"]


def test_a_refused_request_reaches_nobody_and_is_in_the_audit_log(world, anna, base, recorder):
    before = len(recorder.seen())
    status, fields, body = curl(anna, "-X", "DELETE", f"{base}/echo")
    problem = json.loads(body)
    assert (status, problem["type"]) == (405, "urn:sallyport:problem:method")
    assert problem["decision"] == fields["sallyport-decision"]
    assert len(recorder.seen()) == before
    proc.until("the refusal is in the audit log", 10, lambda: any(
        problem["decision"] in json.dumps(r) for r in world.console.audit(event="session.refuse")))
