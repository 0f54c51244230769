"""schema: checks a value against a JSON Schema, as far as our own schemas and openapi.yaml use it.

An unknown keyword is an error, so that a schema can't ask for something that nobody checks.
"""

import json
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[3]
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
SILENT = {"$schema", "$id", "title", "description", "default", "format", "propertyNames"}


def _is(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def check(value, schema, root=None, where="$"):
    """Raises AssertionError with the place of the first difference."""
    root = root if root is not None else schema
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        check(value, target, root, where)
    for word, wanted in schema.items():
        if word in SILENT or word == "$ref":
            continue
        elif word == "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            assert any(_is(value, k) for k in kinds), f"{where}: {value!r} is no {' or '.join(kinds)}"
        elif word == "const":
            assert value == wanted, f"{where}: {value!r} is not {wanted!r}"
        elif word == "enum":
            assert value in wanted, f"{where}: {value!r} is none of {wanted}"
        elif word == "anyOf":
            faults = []
            for one in wanted:
                try:
                    check(value, one, root, where)
                    break
                except AssertionError as fault:
                    faults.append(str(fault))
            else:
                raise AssertionError("; ".join(faults))
        elif word == "required":
            assert not isinstance(value, dict) or not set(wanted) - set(value), f"{where} lacks {set(wanted) - set(value)}"
        elif word == "properties":
            for name, one in wanted.items():
                if isinstance(value, dict) and name in value:
                    check(value[name], one, root, f"{where}.{name}")
        elif word == "additionalProperties":
            for name in set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else ():
                assert wanted is not False, f"{where}.{name} is not in the schema"
                check(value[name], wanted, root, f"{where}.{name}")
        elif word == "items":
            for i, one in enumerate(value if isinstance(value, list) else ()):
                check(one, wanted, root, f"{where}[{i}]")
        elif word == "pattern":
            assert not isinstance(value, str) or re.search(wanted, value), f"{where}: {value!r} is not {wanted}"
        elif word in ("minimum", "maximum"):
            good = not _is(value, "number") or (value >= wanted if word == "minimum" else value <= wanted)
            assert good, f"{where}: {value} is beyond the {word} {wanted}"
        elif word in ("minLength", "maxLength", "maxItems", "maxProperties"):
            good = not hasattr(value, "__len__") or (len(value) >= wanted if word == "minLength" else len(value) <= wanted)
            assert good, f"{where}: {len(value)} is beyond {word} {wanted}"
        else:
            raise AssertionError(f"{where}: nobody checks {word!r}")


def check_output(text):
    """One line of --json against docs/schemas; the object."""
    value = json.loads(text)
    name, _, version = value["schema"].partition("/")
    check(value, json.loads((TOP / f"docs/schemas/{name}.{version}.json").read_text()))
    return value
