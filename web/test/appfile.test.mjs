import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { appsOf, APPS_MAX } = await load("appfile.ts");
const sites = new Map([["fra", "site-fra"], ["lab", "site-lab"]]);
const wiki = { name: "wiki", description: "", site: "site-fra", type: "tcp", host: "10.0.0.1", port: 80, labels: {}, limits: {}, cut_through: "auto" };

test("apps from CSV: quotes, commas and line ends within a cell, labels, limits", () => {
  const [one, two] = appsOf('name,site,host,port,description,labels,idle\r\nwiki,fra,10.0.0.1,80,"one, ""two""\nthree",tier=internal;env=prod,30m\r\ndb,lab,db.lab,5432,,,\n', sites);
  assert.deepEqual(one, { line: 2, name: "wiki", app: { ...wiki, description: 'one, "two"\nthree', labels: { tier: "internal", env: "prod" }, limits: { idle: "30m" } } });
  assert.equal(two.app.site, "site-lab");
  assert.equal(two.line, 4, "a line within a cell is counted");
});

test("apps from JSON, a list or a record a line, and as the API lists them", () => {
  const record = { id: "x", version: 3, name: "wiki", site: { id: "elsewhere", name: "fra" }, host: "10.0.0.1", port: 80, state: "reachable" };
  assert.deepEqual(appsOf(JSON.stringify([record]), sites), [{ line: 1, name: "wiki", app: wiki }]);
  assert.deepEqual(appsOf(`${JSON.stringify(record)}\n\n${JSON.stringify({ ...record, gateway: "identity: {}" })}\n`, sites).map((l) => [l.line, l.app.gateway]), [[1, undefined], [3, "identity: {}"]]);
});

test("what can't be added says why, and the rest stays", () => {
  const lines = appsOf("name,site,host,port\nwiki,cellar,h,80\n,fra,h,80\nbig,fra,h,70000\nodd,,h,80\ngood,fra,h,80\n", sites);
  assert.deepEqual(lines.map((l) => l.why), ['names the site "cellar", which is not here', "has no name", "needs a port from 1 to 65535", "names no site", undefined]);
  for (const [text, why] of [["nam,host\na,b\n", /"nam" is no column/], ["", /names no app/], ['{"name": 1\n', /Line 1 is not JSON/], ["[1", /JSON/]])
    assert.throws(() => appsOf(text, sites), why);
  assert.deepEqual(appsOf("[null, 7]", sites).map((l) => l.why), ["is not a record", "is not a record"]);
  const many = `name,site,host,port\n${Array.from({ length: APPS_MAX + 1 }, (_, i) => `a${i},fra,h,80`).join("\n")}`;
  assert.throws(() => appsOf(many, sites), /at most 500/);
  assert.throws(() => appsOf("x".repeat(1024 * 1024 + 1), sites), /larger than 1 MiB/);
});
