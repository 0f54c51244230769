#!/usr/bin/env python3
"""GW-40, GW-44: the inventory learns the GitHub API from 200,000 synthetic calls.

Usage: inventory_github.py REPLAY [CACHE]
REPLAY is build/tests/gateway/replay_calls. The document comes from the npm package
@octokit/openapi (pinned; fetched with `npm pack` into CACHE, one file of it unpacked).
A path parameter whose document lists at most 16 values ("npm", "docker") may stay words: more than
16 alike make a parameter. Without the document at least 98 % of the calls must be in the right template and at most two words
of the API may be taken for values; with it 100 % and none. The exported draft must satisfy
openapi-spec-validator when that is installed (scripts/test installs it).
"""
import json, os, random, subprocess, sys, tarfile

PACKAGE, MEMBER = "@octokit/openapi@23.0.2", "package/generated/api.github.com.json"
CALLS, SEED = 200_000, 20261125


def document(cache):
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(cache, "api.github.com.json")
    if not os.path.exists(path):
        name = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=cache, check=True,
                              capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(os.path.join(cache, name)) as tar, open(path + ".part", "wb") as out:
            out.write(tar.extractfile(MEMBER).read())
        os.rename(path + ".part", path)
        os.remove(os.path.join(cache, name))
    return json.load(open(path))


def resolve(doc, node):
    for _ in range(20):
        if not isinstance(node, dict) or "$ref" not in node:
            return node if isinstance(node, dict) else {}
        target = doc
        for part in node["$ref"][2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return {}


def names_of(doc, schema, depth=0):
    """Shape and top-level names of an answer: ('o'|'a'|'-', [names])."""
    schema = resolve(doc, schema)
    if depth > 6:
        return "-", []
    if schema.get("type") == "array" or "items" in schema:
        _, names = names_of(doc, schema.get("items", {}), depth + 1)
        return "a", names
    names = list(schema.get("properties", {}))
    for part in schema.get("allOf", []) + (schema.get("anyOf", []) + schema.get("oneOf", []))[:1]:
        names += names_of(doc, part, depth + 1)[1]
    return ("o" if names else "-"), list(dict.fromkeys(names))[:48]


def answer(doc, operation):
    for status, response in operation.get("responses", {}).items():
        if status[:1] == "2":
            for media, body in resolve(doc, response).get("content", {}).items():
                if "json" in media:
                    return names_of(doc, body.get("schema", {}))
    return "-", []


def values(rng):
    """People name things: words, not numbers. A value's rank is its popularity (Zipf)."""
    syllables = ["ka", "lo", "mi", "ter", "ran", "do", "vel", "su", "nor", "pe", "gra", "zi", "bon"]
    word = lambda n: "".join(rng.choice(syllables) for _ in range(n))
    return {
        "owner": [word(3) + rng.choice(["", "-hub", "-labs"]) for _ in range(300)],
        "repo": [word(2) + "-" + word(2) for _ in range(600)],
        "org": [word(3) + rng.choice(["", "corp", "-inc"]) for _ in range(200)],
        "word": [word(3) + rng.choice(["", "-" + word(1)]) for _ in range(400)],
    }


def zipf(rng, items):
    return items[min(int(len(items) ** rng.random()) - 1, len(items) - 1)]


def fill(rng, doc, pools, name, parameter):
    schema = resolve(doc, parameter.get("schema", {}))
    if schema.get("enum"):
        return str(rng.choice(schema["enum"]))
    if schema.get("type") in ("integer", "number"):
        return str(rng.randint(1, 10 ** rng.randint(1, 8)))
    if "sha" in name or name in ("commit_id", "basehead"):
        return "%040x" % rng.getrandbits(160)
    if name in ("ghsa_id", "delivery_id", "uuid"):
        return "%08x-%04x-4%03x-8%03x-%012x" % tuple(rng.getrandbits(b) for b in (32, 16, 12, 12, 48))
    if name in ("owner", "username", "account", "assignee", "user"):
        return zipf(rng, pools["owner"])
    if name == "repo":
        return zipf(rng, pools["repo"])
    return zipf(rng, pools["org"] if name in ("org", "enterprise") else pools["word"])


def calls(doc):
    rng = random.Random(SEED)
    pools, operations = values(rng), []
    for path, item in doc["paths"].items():
        shared = [resolve(doc, p) for p in item.get("parameters", [])]
        for method, operation in item.items():
            if method in ("get", "put", "post", "patch", "delete"):
                parameters = {p["name"]: p for p in shared +
                              [resolve(doc, p) for p in operation.get("parameters", [])]}
                operations.append((method.upper(), path, parameters, answer(doc, operation)))
    rng.shuffle(operations)
    weights = [1 / (rank + 20) for rank in range(len(operations))]
    few = lambda p: 0 < len(resolve(doc, p.get("schema", {})).get("enum", [])) <= 16
    for method, path, parameters, (shape, names) in rng.choices(operations, weights, k=CALLS):
        filled = "/".join(fill(rng, doc, pools, part[1:-1], parameters.get(part[1:-1], {}))
                          if part.startswith("{") and part.endswith("}") else part
                          for part in path.split("/"))
        wanted = "/".join("?" + part[1:-1] if few(parameters.get(part[1:-1], {})) else part
                          for part in path.split("/"))
        yield method, wanted, filled, shape, names


def run(replay, lines, *options):
    done = subprocess.run([replay, *options], input=lines, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"inventory_github: {replay} ended with {done.returncode}: {done.stderr[-400:]}")
    return json.loads(done.stdout), done.stderr


def main():
    replay = sys.argv[1]
    cache = sys.argv[2] if len(sys.argv) > 2 else os.path.expanduser("~/.cache/sallyport-tests")
    doc = document(cache)
    paths = [p for p in doc["paths"]]
    lines = "".join(f"T\t{m.upper()}\t{p}\n" for p, item in doc["paths"].items() for m in item
                    if m in ("get", "put", "post", "patch", "delete"))
    lines += "".join("C\t%s\t%s\t%s\t%s\t%s\n" % (m, t, p, s, ",".join(n))
                     for m, t, p, s, n in calls(doc))
    failed = 0
    for name, options, least, most in (("without the document", ["--learn", "--draft"], 0.98, 2),
                                       ("with the document", ["--document"], 1.0, 0)):
        got, draft = run(replay, lines, *options)
        share = got["right"] / got["calls"]
        ok = (share >= least and len(got["merged_templates"]) <= most and not got["full"]
              and got["bytes"] <= 8 << 20)
        failed += not ok
        print(f"{'ok' if ok else 'FAILED'} GW-40 {name}: {100 * share:.2f} % of {got['calls']} calls"
              f" over {len(paths)} paths right, {len(got['merged_templates'])} words merged"
              f" {got['merged_templates'][:5]}, {got['nodes']} nodes, {got['endpoints']} endpoints,"
              f" {got['bytes'] >> 10} KiB, {got['ns_a_call']:.0f} ns a call")
        if "--draft" in options:
            failed += not validate(json.loads(draft))
    sys.exit(1 if failed else 0)


def validate(draft):
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError:
        print("absent GW-44: openapi-spec-validator (PyPI) is not installed")
        return os.environ.get("SP_TEST_STRICT") is None
    errors = list(OpenAPIV31SpecValidator(draft).iter_errors())
    for e in errors[:3]:
        print("   ", str(e)[:300])
    print(f"{'ok' if not errors else 'FAILED'} GW-44 the draft of {len(draft['paths'])} paths"
          f" is a valid OpenAPI 3.1 document")
    return not errors


if __name__ == "__main__":
    main()
