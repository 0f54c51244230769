import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { generate } from "../scripts/api.mjs";

const contract = readFileSync(new URL("../../broker/api/openapi.yaml", import.meta.url), "utf8");
const doc = parse(contract);

test("src/api.ts is what the contract says", () => {
  assert.equal(readFileSync(new URL("../src/api.ts", import.meta.url), "utf8"), generate(contract));
});

test("INC-13: every operation of the contract has an auth class, a role and an audit event", () => {
  const classes = ["open", "ticket", "browser"], roles = ["public", "person", "viewer", "operator", "admin"];
  let seen = 0;
  for (const [path, item] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(item)) {
      if (method === "parameters") continue;
      seen++;
      const where = `${method} ${path}`;
      assert.ok(classes.includes(op["x-auth"]?.class), where);
      assert.ok(roles.includes(op["x-auth"]?.role), where);
      assert.equal(typeof op["x-audit"], "string", where);
      assert.ok(method === "get" || op["x-audit"] !== "-" || /\/(check|simulate|replay)$/.test(path), `${where} changes something unrecorded`);
      assert.equal(op["x-auth"].class === "open", op["x-auth"].role === "public", where);
      assert.ok(op.responses.default, `${where} names no problem`);
    }
  assert.ok(seen > 50);
});

test("every object that a client sends refuses unknown members", () => {
  const open = [];
  const walk = (schema, where) => {
    const s = schema.$ref ? doc.components.schemas[schema.$ref.split("/").at(-1)] : schema;
    if (s.type === "object" && s.properties && s.additionalProperties !== false) open.push(where);
    for (const [name, p] of Object.entries(s.properties ?? {})) walk(p, `${where}.${name}`);
    for (const p of s.anyOf ?? []) walk(p, where);
    if (s.items) walk(s.items, where);
  };
  for (const [path, item] of Object.entries(doc.paths))
    for (const op of Object.values(item))
      if (op.requestBody) walk(op.requestBody.content["application/json"].schema, path);
  assert.deepEqual(open, []);
});
