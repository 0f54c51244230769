"""GW-24, GW-25: schemathesis reads an app's OpenAPI document and is its client, through the whole path.

What the document allows, the gateway lets pass, all of it; what it forbids never reaches the application."""

import json
import pathlib
import re
import sys

import pytest

from harness import cage, proc
from test_gateway import visible

JUDGE = pathlib.Path(sys.executable).parent / "schemathesis"
TEXT = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,19}$"}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 10**9}}
ORDER = {
    "type": "object", "required": ["item", "count", "to"], "additionalProperties": False,
    "properties": {
        "number": {"type": "integer", "readOnly": True},
        "item": {"type": "string", "minLength": 1, "maxLength": 40}, "count": {"type": "integer", "minimum": 1, "maximum": 99},
        "price": {"type": ["number", "null"], "exclusiveMinimum": 0, "multipleOf": 0.5}, "when": {"type": "string", "format": "date-time"},
        "to": {"oneOf": [{"$ref": "#/components/schemas/Place"}, {"$ref": "#/components/schemas/Pickup"}],
               "discriminator": {"propertyName": "kind", "mapping": {"place": "#/components/schemas/Place", "pickup": "#/components/schemas/Pickup"}}},
        "tags": {"type": "array", "items": TEXT, "uniqueItems": True, "maxItems": 5}}}
SAID = {"200": {"description": "as it came", "content": {"application/json": {"schema": {"type": "object"}}}}}
DOCUMENT = {
    "openapi": "3.1.0", "info": {"title": "orders", "version": "1"},
    "paths": {
        "/v1/orders": {
            "get": {"operationId": "list", "responses": SAID, "parameters": [
                {"name": "state", "in": "query", "schema": {"enum": ["open", "sent", "paid"]}},
                {"name": "ids", "in": "query", "style": "form", "explode": False, "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 4}},
                {"name": "tag", "in": "query", "style": "form", "explode": True, "schema": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 4}},
                {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string", "pattern": "^[0-9a-f]{8}$"}}]},
            "post": {"operationId": "order", "responses": SAID, "requestBody": {
                "required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}}},
        "/v1/orders/{id}": {
            "parameters": [ID],
            "get": {"operationId": "read", "responses": SAID},
            "patch": {"operationId": "change", "responses": SAID, "requestBody": {"required": True, "content": {"application/json": {"schema": {
                "type": "object", "minProperties": 1, "additionalProperties": False, "properties": {"count": {"type": "integer", "minimum": 1}, "item": TEXT}}}}}}},
        "/v1/people/{name}/note": {
            "put": {"operationId": "note", "responses": SAID, "parameters": [{"name": "name", "in": "path", "required": True, "schema": TEXT}],
                    "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
                        "type": "object", "required": ["note"], "additionalProperties": False,
                        "properties": {"note": {**TEXT}, "level": {"type": "integer", "minimum": 0, "maximum": 9}}}}}}}}},
    "components": {"schemas": {
        "Order": ORDER,
        "Place": {"type": "object", "required": ["kind", "city"], "additionalProperties": False,
                  "properties": {"kind": {"const": "place"}, "city": TEXT, "code": {"type": "string", "pattern": "^[0-9]{4}$"}}},
        "Pickup": {"type": "object", "required": ["kind", "shop"], "additionalProperties": False,
                   "properties": {"kind": {"const": "pickup"}, "shop": {"type": "string", "format": "uuid"}}}}},
}
# Accepted is what the recorder answered; refused is the gateway's word.
CONFIG = """\
[generation]
allow-x00 = false

[checks.positive_data_acceptance]
expected-statuses = [200]

[checks.negative_data_rejection]
expected-statuses = [400, 404, 405, 413, 414, 415, 422, 431]
"""


@pytest.fixture(scope="module")
def orders(world, anna):
    recorder = world.apps["recorder"]
    world.wait_app(recorder)
    files = world.folder(cage.WORK / "c1" / "gateway", "connector")
    world.write(files / "orders.json", json.dumps(DOCUMENT), "connector")
    world.console.add_app("validated", world.site, world.private, recorder.port, "http", gateway=(
        "openapi: {file: orders.json, request: block, response: block, unknown_endpoint: block}\n"))
    visible(anna, "validated")
    address, port = anna.address_of("validated")
    folder = cage.WORK / "judge"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    (folder / "orders.json").write_text(json.dumps(DOCUMENT))
    (folder / "config.toml").write_text(CONFIG)
    return recorder, folder, f"http://{address}:{port}"


def judged(world, orders, mode, check, examples):
    """schemathesis as anna, who may read its packages, too: (its report, what reached the application)."""
    recorder, folder, url = orders
    before = len(recorder.seen())
    done = proc.command(world.client, [
        "setpriv", "--reuid=anna", "--regid=anna", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
        JUDGE, "--config-file", folder / "config.toml", "run", folder / "orders.json", "--url", url, "--mode", mode, "--checks", check,
        "--phases", "fuzzing", "-n", str(examples), "--seed", "1", "--no-color", "--continue-on-failure", "--generation-database", "none",
        "--suppress-health-check", "all", "--request-timeout", "10"], env={"HOME": str(folder)}, cwd=str(folder), seconds=100)
    tested = re.search(r"Tested: (\d+)", done.out)
    assert tested and int(tested[1]) == 5, done.out[-3000:] + done.err[-3000:]
    assert done.code == 0, done.out.split("= WARNINGS =")[0][-6000:]
    return done.out, recorder.seen()[before:]


def test_GW_24_GW_25_no_honest_client_of_the_document_is_refused(world, orders):
    out, seen = judged(world, orders, "positive", "positive_data_acceptance,not_a_server_error", 40)
    generated = int(re.search(r"(\d+) generated", out)[1])
    assert generated >= 150, out[-1500:]
    assert len(seen) >= generated, f"{len(seen)} of {generated} reached the application"
    assert {s["method"] for s in seen} == {"GET", "POST", "PATCH", "PUT"}


def test_GW_24_GW_25_what_the_document_forbids_reaches_nobody(world, orders):
    out, seen = judged(world, orders, "negative", "negative_data_rejection,not_a_server_error", 40)
    assert int(re.search(r"(\d+) generated", out)[1]) >= 150, out[-1500:]
    assert seen == [], [f"{s['method']} {s['target']} {s['body'][:200]}" for s in seen[:5]]
