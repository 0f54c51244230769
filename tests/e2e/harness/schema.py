"""schema: checks a value against a JSON Schema, as far as our own schemas and openapi.yaml use it.

An unknown keyword is an error, so that a schema can't ask for something that nobody checks.
"""

import functools
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
        elif word in ("minLength", "minItems", "maxLength", "maxItems", "maxProperties"):
            good = not hasattr(value, "__len__") or (len(value) >= wanted if word.startswith("min") else len(value) <= wanted)
            assert good, f"{where}: {len(value)} is beyond {word} {wanted}"
        else:
            raise AssertionError(f"{where}: nobody checks {word!r}")


def check_output(text):
    """One line of --json against docs/schemas; the object."""
    value = json.loads(text)
    name, _, version = value["schema"].partition("/")
    check(value, json.loads((TOP / f"docs/schemas/{name}.{version}.json").read_text()))
    return value


@functools.lru_cache
def _contract():
    """The broker's contract, and its operations by name."""
    import yaml  # the demo's Python may have none, and asks for nothing of the API
    whole = yaml.load((TOP / "broker/api/openapi.yaml").read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return whole, {op["operationId"]: op for path in whole["paths"].values() for op in path.values() if isinstance(op, dict) and "operationId" in op}


def check_command(arguments, out):
    """What a command printed with --json has one of the forms that docs/schemas/commands.json names for it.

    arguments: the whole command line, the program first.
    """
    program, words = pathlib.Path(arguments[0]).name, [str(a) for a in arguments[1:] if a != "--json"]
    table = json.loads((TOP / "docs/schemas/commands.json").read_text())[program]
    name = next((n for n in (" ".join(words[:2]), *words[:1]) if n in table), None)
    forms = table[name] if name else "error" if words[0] not in ("help", "version") else words[0]
    forms = [forms] if isinstance(forms, str) else forms or []
    values = [json.loads(line) for line in out.splitlines()] if forms else []
    for value in values:
        frame = value["schema"].removeprefix("sallyport.").removesuffix("/v1")
        if frame == "error" or frame in forms:
            check_output(json.dumps(value))
            assert frame != "error" or value["exit"] not in (2, 4, 8, 10) or not value["what"] or value["next"], f"{words}: {value} has no next step"
            continue
        assert frame == f"admin_{name}".replace(" ", "_").replace("-", "_"), f"{words}: {frame} is none of {forms}"
        _check_answer({k: v for k, v in value.items() if k != "schema"}, forms)
    return values


def _check_answer(value, forms):
    whole, operations = _contract()
    faults = []
    for form in forms:
        answers = operations[form.removeprefix("api ")]["responses"]
        said = next(answers[status] for status in ("200", "201", "204") if status in answers)
        try:
            return check(value, said.get("content", {}).get("application/json", {}).get("schema", {"maxProperties": 0}), whole)
        except AssertionError as fault:
            faults.append(f"{form}: {fault}")
    raise AssertionError("; ".join(faults))
