"""GW-22: our verdict and that of jsonschema-rs (PyPI), which shares no line with ours, on the same values.

The long form of the test, 10,000 instances an operation: GW_22_INSTANCES=10000 scripts/test gateway"""

import json
import os
import random

import jsonschema_rs
import pytest

import generate

INSTANCES = int(os.environ.get("GW_22_INSTANCES", "60"))
SCHEMAS = int(os.environ.get("GW_22_SCHEMAS", "1500"))
OPERATIONS = int(os.environ.get("GW_22_OPERATIONS", "60"))

DOCUMENTS = [("github", "generated/api.github.com.json"), ("directory", "api/kubernetes.io.json"),
             ("directory", "api/stripe.com.json"), ("directory", "api/zoom.us.json"), ("directory", "api/loket.nl.json"),
             ("directory", "api/mailchimp.com.json")]
# What only one of the two knows: OpenAPI's discriminator and directions; and formats, whose readings differ (GW-20).
LEFT_OUT = ("discriminator", "readOnly", "writeOnly", "format", "example", "examples", "xml", "externalDocs")


def instances(schemas, r):
    """Ten values, half of them near the schema's own constants."""
    made = [generate.value(r) for _ in range(6)]
    near = generate.Instances(r, schemas)
    made += [near.make(schemas) for _ in range(2)]
    return made + [near.mutated(m) for m in made[-2:]]


def test_GW_22_random_schemas_of_2020_12_have_the_same_verdicts(tool):
    r = random.Random(2020)
    wrong, valid, count = [], 0, 0
    for n in range(SCHEMAS):
        schema = generate.Schemas(r).root()
        compiled = tool.compile(schema)
        if not compiled.startswith("ok"):
            assert "back to itself" in compiled, (schema, compiled)
            continue
        theirs = jsonschema_rs.Draft202012Validator(schema)
        values = instances(schema, r)
        for v, answer in zip(values, tool.ask_many(["I " + json.dumps(v) for v in values])):
            count += 1
            valid += answer == "valid"
            if (answer == "valid") != theirs.is_valid(v):
                wrong.append((schema, v, answer))
    assert wrong == [], f"{len(wrong)} of {count}, first: {json.dumps(wrong[0])}"
    assert count > 5 * SCHEMAS and valid > count / 10 and valid < count * 9 / 10


def as_2020_12(s):
    """A schema of OpenAPI 3.0, said in 2020-12."""
    if not isinstance(s, dict):
        return s
    if "$ref" in s:
        return {"$ref": s["$ref"]}
    out = {}
    for word, v in s.items():
        if word in ("allOf", "anyOf", "oneOf"):
            out[word] = [as_2020_12(x) for x in v]
        elif word in ("not", "items", "additionalProperties"):
            out[word] = as_2020_12(v)
        elif word == "properties":
            out[word] = {k: as_2020_12(x) for k, x in v.items()}
        elif word in ("minimum", "maximum"):
            shut = "exclusive" + word.capitalize()
            out[shut if s.get(shut) is True else word] = v
        elif word in ("type", "enum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
                      "minProperties", "maxProperties", "required"):
            out[word] = v
    return {"anyOf": [out, {"type": "null"}]} if s.get("nullable") is True else out


def reachable(document, schema):
    """The schema with the components that it leads to, and no others."""
    found = {}

    def walk(s):
        if isinstance(s, dict):
            ref = s.get("$ref")
            if isinstance(ref, str):
                assert ref.startswith("#/components/schemas/"), ref
                name = ref.rsplit("/", 1)[1].replace("~1", "/").replace("~0", "~")
                if name not in found:
                    found[name] = as_2020_12(document["components"]["schemas"][name])
                    walk(found[name])
            for v in s.values():
                walk(v)
        elif isinstance(s, list):
            for v in s:
                walk(v)

    root = as_2020_12(schema)
    walk(root)
    return {"allOf": [root], "components": {"schemas": found}}


def strip_schemas(node, inside=False):
    """LEFT_OUT goes from schemas, never from the names of properties."""
    if isinstance(node, list):
        return [strip_schemas(x, inside) for x in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for k, v in node.items():
        if k in ("properties", "schemas", "patternProperties") and isinstance(v, dict):
            out[k] = {name: strip_schemas(s, True) for name, s in v.items()}
        elif k in LEFT_OUT and inside:
            continue
        else:
            out[k] = strip_schemas(v, inside or k == "schema")
    return out


def json_bodies(tool, document):
    """(operation's number, status or None, type, schema) of every JSON body that we can name."""
    n = 0
    while (line := tool.ask(f"L {n}")) != "none":
        method, path, _ = line.split(" ", 2)
        operation = document["paths"][path][method.lower()]
        places = [(None, operation.get("requestBody", {}))]
        places += [(s, x) for s, x in operation.get("responses", {}).items() if s.isdigit()]
        for status, holder in places:
            for media, content in holder.get("content", {}).items():
                if media == "application/json" and content.get("schema"):
                    yield n, status, media, content["schema"]
        n += 1


@pytest.mark.parametrize("name,file", DOCUMENTS, ids=[f.rsplit("/", 1)[1] for _, f in DOCUMENTS])
def test_GW_22_bodies_of_real_operations_have_the_same_verdicts(tool, package, tmp_path, name, file):
    document = strip_schemas(json.loads((package(name) / file).read_text()))
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(document))
    assert tool.ask(f"D {plain}").startswith("ok ")
    r = random.Random(22)
    bodies = list(json_bodies(tool, document))
    wrong, valid, count = [], 0, 0
    for n, status, media, schema in r.sample(bodies, min(OPERATIONS, len(bodies))):
        whole = reachable(document, schema)
        theirs = jsonschema_rs.Draft202012Validator(whole)
        maker = generate.Instances(r, whole)
        values = []
        for _ in range(INSTANCES // 3):
            made = maker.make(whole)
            values += [made, maker.mutated(made), maker.mutated(maker.mutated(made))]
        head = f"B {n}|{media}|" if status is None else f"A {n}|{status}|{media}|"
        answers = tool.ask_many([head + json.dumps(v) for v in values])
        for v, answer in zip(values, answers):
            count += 1
            valid += answer == "valid"
            if (answer == "valid") != theirs.is_valid(v):
                wrong.append((tool.ask(f"L {n}"), v, answer, [str(e) for e in theirs.iter_errors(v)][:2]))
    assert wrong == [], f"{len(wrong)} of {count}, first: {wrong[0]}"
    assert valid > count / 10 and valid < count * 9 / 10
