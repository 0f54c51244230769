"""Random schemas of 2020-12, random values for a schema, and values that are nearly right. Same seed, same output."""

import copy

TEXTS = ["", "a", "ab", "foo", "bar", "baz", "é", "😀😀", "a" * 40, "2024-02-30", "0", "1", "true", "x y", "A1", "~/"]
NAMES = ["foo", "bar", "baz", "a", "b", "c1", "x-y", ""]
NUMBERS = [0, 1, -1, 2, 3, 5, 10, 100, 2**31, 2**53, 2**53 + 1, -(2**63), 0.5, -0.5, 1.5, 1e3, 2.0, 1e20, 0.1, 0.3]
PATTERNS = ["^a", "b$", "^[a-z]+$", "\\d", "^.{2,3}$", "^$", "o", "^x-", "^[^a]*$", "(foo|bar)"]


def scalar(r):
    return r.choice([None, True, False, r.choice(NUMBERS), r.choice(NUMBERS), r.choice(TEXTS), r.choice(TEXTS)])


def value(r, depth=3):
    """Any value."""
    kind = r.random()
    if depth == 0 or kind < 0.45:
        return scalar(r)
    if kind < 0.7:
        return [value(r, depth - 1) for _ in range(r.randrange(5))]
    return {r.choice(NAMES): value(r, depth - 1) for _ in range(r.randrange(5))}


class Schemas:
    """Random schemas with definitions that refer to each other (through a member or an item, so that they end)."""

    def __init__(self, r):
        self.r, self.names = r, [f"d{i}" for i in range(r.randrange(1, 4))]

    def root(self):
        s = self.schema(4)
        if not isinstance(s, dict):
            s = {"allOf": [s]}
        s["$defs"] = {n: self.schema(3) for n in self.names}
        return s

    def some(self, low, high, make):
        return [make() for _ in range(self.r.randint(low, high))]

    def schema(self, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.08:
            return r.choice([True, False, {}, {"type": r.choice(["string", "integer", "object", "array"])}])
        s = {}
        for _ in range(r.randint(1, 4)):
            s.update(r.choice(MAKERS)(self, depth - 1))
        return s

    def ref(self):
        return {"$ref": f"#/$defs/{self.r.choice(self.names)}"}

    def inner(self, depth):
        """A schema of something further in: here a reference may lead anywhere."""
        return self.ref() if self.r.random() < 0.2 else self.schema(depth)


MAKERS = [
    lambda s, d: {"type": s.r.choice(["null", "boolean", "integer", "number", "string", "array", "object", ["string", "null"], ["integer", "object"]])},
    lambda s, d: {"enum": s.some(1, 12, lambda: value(s.r, 1))},
    lambda s, d: {"const": value(s.r, 2)},
    lambda s, d: {s.r.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]): s.r.choice(NUMBERS)},
    lambda s, d: {"multipleOf": s.r.choice([1, 2, 3, 0.5, 10])},
    lambda s, d: {s.r.choice(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]): s.r.randrange(4)},
    lambda s, d: {"pattern": s.r.choice(PATTERNS)},
    lambda s, d: {"items": s.inner(d)},
    lambda s, d: {"prefixItems": s.some(1, 3, lambda: s.inner(d)), "items": s.inner(d)},
    lambda s, d: {"prefixItems": s.some(1, 3, lambda: s.inner(d))},
    lambda s, d: {"uniqueItems": True},
    lambda s, d: {"contains": s.inner(d), **({"minContains": s.r.randrange(3)} if s.r.random() < 0.4 else {}),
                  **({"maxContains": s.r.randrange(3)} if s.r.random() < 0.3 else {})},
    lambda s, d: {"properties": {s.r.choice(NAMES): s.inner(d) for _ in range(s.r.randint(1, 4))}},
    lambda s, d: {"properties": {n: s.inner(d) for n in NAMES + [f"p{i}" for i in range(12)]}},
    lambda s, d: {"patternProperties": {s.r.choice(PATTERNS): s.inner(d) for _ in range(s.r.randint(1, 2))}},
    lambda s, d: {"additionalProperties": s.inner(d)},
    lambda s, d: {"required": sorted({s.r.choice(NAMES) for _ in range(s.r.randint(1, 3))})},
    lambda s, d: {"propertyNames": s.schema(d)},
    lambda s, d: {"dependentRequired": {s.r.choice(NAMES): [s.r.choice(NAMES)] for _ in range(2)}},
    lambda s, d: {"dependentSchemas": {s.r.choice(NAMES): s.schema(d) for _ in range(2)}},
    lambda s, d: {"allOf": s.some(1, 3, lambda: s.schema(d))},
    lambda s, d: {"anyOf": s.some(1, 3, lambda: s.schema(d))},
    lambda s, d: {"oneOf": s.some(1, 3, lambda: s.schema(d))},
    lambda s, d: {"not": s.schema(d)},
    lambda s, d: {"if": s.schema(d), "then": s.schema(d), "else": s.schema(d)},
    lambda s, d: {"unevaluatedProperties": s.inner(d)},
    lambda s, d: {"unevaluatedItems": s.inner(d)},
]


class Instances:
    """Values for a schema of an API document (OpenAPI 3.0 read as 2020-12): mostly right ones."""

    def __init__(self, r, root):
        self.r, self.root = r, root

    def follow(self, schema):
        for _ in range(20):
            if not isinstance(schema, dict) or "$ref" not in schema:
                return schema
            at = self.root
            for part in schema["$ref"][2:].split("/"):
                at = at[part.replace("~1", "/").replace("~0", "~")]
            schema = at
        return {}

    def make(self, schema, depth=0):
        r, schema = self.r, self.follow(schema)
        if not isinstance(schema, dict) or depth > 8:
            return scalar(r)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return r.choice(schema["enum"])
        for word in ("oneOf", "anyOf"):
            if schema.get(word):
                return self.make(r.choice(schema[word]), depth + 1)
        if schema.get("allOf"):
            parts = [self.make(s, depth + 1) for s in schema["allOf"]]
            if all(isinstance(p, dict) for p in parts):
                whole = {}
                for p in parts:
                    whole.update(p)
                whole.update(self.members(schema, depth))
                return whole
            return parts[0]
        kind = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kind, list):
            kind = r.choice(kind)
        if kind == "object":
            return self.members(schema, depth)
        if kind == "array":
            low = min(schema.get("minItems", 0), 5)
            return [self.make(schema.get("items", {}), depth + 1) for _ in range(r.randint(low, low + (2 if depth < 4 else 0)))]
        return self.scalar(kind, schema)

    def members(self, schema, depth):
        out, required = {}, set(schema.get("required", []))
        for name, inner in schema.get("properties", {}).items():
            if name in required or self.r.random() < (0.4 if depth < 3 else 0.05):
                out[name] = self.make(inner, depth + 1)
        if isinstance(schema.get("additionalProperties"), dict) and self.r.random() < 0.5:
            out["more"] = self.make(schema["additionalProperties"], depth + 1)
        return out

    def scalar(self, kind, schema):
        r = self.r
        if kind == "string":
            low = schema.get("minLength", 0)
            return r.choice([r.choice(TEXTS), "a" * low, "b" * min(schema.get("maxLength", 12), 200)])
        if kind in ("integer", "number"):
            low, high = schema.get("minimum"), schema.get("maximum")
            return r.choice([n for n in (low, high, 0, 1, 7, 100) if n is not None])
        return {"boolean": r.random() < 0.5, "null": None}.get(kind, scalar(r))

    def mutated(self, v):
        """`v` with one place changed."""
        v = copy.deepcopy(v)
        places = []

        def walk(at):
            for key in (at if isinstance(at, dict) else range(len(at)) if isinstance(at, list) else ()):
                places.append((at, key))
                walk(at[key])

        walk(v)
        r = self.r
        if not places:
            return value(r, 2)
        at, key = r.choice(places)
        choice = r.randrange(5)
        if choice == 0:
            del at[key]
        elif choice == 1 and isinstance(at, dict):
            at[r.choice(NAMES)] = scalar(r)
        elif choice == 2 and isinstance(at, list):
            at.append(copy.deepcopy(at[key]))
        elif choice == 3 and isinstance(at[key], str):
            at[key] = at[key] + r.choice(["x", " ", "é"]) if r.random() < 0.5 else at[key][1:]
        else:
            at[key] = value(r, 1)
        return v
