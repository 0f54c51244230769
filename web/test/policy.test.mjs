// The form's view of a policy text: the same values as another reader of YAML sees, and edits that touch
// their own characters only. Texts are made at random from a fixed seed, so that a red run can be had again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { load } from "./load.mjs";

const yaml = await load("policy/yaml.ts");
const edit = await load("policy/edit.ts");

let state = 1;
const random = (n) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0, Math.floor((state / 2 ** 32) * n));
const one = (list) => list[random(list.length)];

const theirs = (text) => {
  const doc = parseDocument(text, { schema: "failsafe", uniqueKeys: true, version: "1.2" });
  if (doc.errors.length) throw doc.errors[0];
  return doc.toJS();
};
const ours = (node) => node === null ? "" : node.kind === "scalar" ? node.value
  : node.kind === "seq" ? node.items.map((i) => ours(i.value)) : Object.fromEntries(node.pairs.map((p) => [p.key.value, ours(p.value)]));
const nulls = (v) => v === null ? "" : Array.isArray(v) ? v.map(nulls) : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, nulls(x)])) : v;

const words = ["corp/staff", "corp/hr", "12h", "15m", "mon-fri", "Europe/Berlin", "198.18.10.0/24", "2001:db8::/32", "a b", "it's", 'say "hi"', "07:00", "x#y", "ärger", "1.0", "on", "yes", "30"];
const keys = ["groups", "users", "mfa", "device", "posture", "network", "time", "limits", "message", "name", "max_age", "zone"];
const plainWord = (w) => one([w, w, JSON.stringify(w), `'${w.replaceAll("'", "''")}'`]);
const scalar = (flow) => {
  const w = one(words);
  return flow && /[,[\]{}]|: |^[0-9:]+$/.test(w) ? JSON.stringify(w) : plainWord(w);
};
const trail = () => one(["", "", "", "  # why", " # 12: x, y"]);
const gap = (indent) => one(["", "", "", "\n", `${" ".repeat(indent)}# a note, with [brackets] and: colons\n`, "\n# left\n"]);

function flow(depth) {
  const kind = depth <= 0 ? 2 : random(3), comma = one([", ", ",", " ,  "]), edge = one(["", "", " "]);
  if (kind === 2) return scalar(true);
  const n = random(3) + (random(6) ? 1 : 0);
  if (kind === 0) return `[${edge}${Array.from({ length: n }, () => flow(depth - 1)).join(comma)}${edge}]`;
  return `{${edge}${[...new Set(Array.from({ length: n }, () => one(keys)))].map((k) => `${k}: ${flow(depth - 1)}`).join(comma)}${edge}}`;
}

function block(indent, depth) {
  const pad = " ".repeat(indent);
  if (depth <= 0 || !random(5)) return null;
  const rows = [];
  if (random(2)) {
    for (const k of new Set(Array.from({ length: 1 + random(4) }, () => one(keys)))) {
      const below = block(indent + 2, depth - 1), same = below?.startsWith(`${" ".repeat(indent + 2)}- `) && !random(2);
      rows.push(gap(indent) + pad + k + ":" + (below === null ? ` ${random(3) ? flow(2) : scalar(false)}${trail()}\n`
        : `${trail()}\n${same ? below.replace(/^ {2}/gm, "") : below}`));
    }
  } else
    for (let i = 0; i < 1 + random(4); i++) {
      const below = block(indent + 2, depth - 1);
      const inline = below !== null && !/^\s*(#|\n)/.test(below);
      rows.push((i ? gap(indent) : "") + pad + "- " + (below === null ? `${random(3) ? flow(2) : scalar(false)}${trail()}\n` : inline ? below.slice(indent + 2) : `${trail().trim() ? "# x" : ""}\n${below}`));
    }
  return rows.join("");
}

function randomText() {
  const text = one(["", "# Top.\n\n", "---\n"]) + (block(0, 4) ?? "name: x\n");
  return random(4) ? text : text.replace(/\n$/, "");
}

/** Every node of a text with what holds it. */
function walk(node, told) {
  if (node?.kind === "map") node.pairs.forEach((p, n) => { told(p.value, node, n); walk(p.value, told); });
  if (node?.kind === "seq") node.items.forEach((i, n) => { told(i.value, node, n); walk(i.value, told); });
}

test("500 made texts are read as the package yaml reads them", () => {
  let read = 0;
  for (let i = 0; i < 500; i++) {
    const text = randomText();
    let want;
    try { want = nulls(theirs(text)); } catch { continue; } // what we made is no YAML
    let got;
    try { got = ours(yaml.read(text)); } catch (e) { assert.fail(`line ${e.line}: ${e.message}\n${text}`); }
    assert.deepEqual(got, want, text);
    read++;
  }
  assert.ok(read > 450, `only ${read} of 500 were YAML`);
});

test("what both readers take after a character was changed, they take alike", () => {
  let both = 0;
  for (let i = 0; i < 800; i++) {
    const text = randomText(), at = random(text.length);
    const broken = text.slice(0, at) + one(["", ":", " ", "\n", "#", "-", "[", "}", '"', "'", ",", "\t"]) + text.slice(at + random(2));
    let got;
    try { got = yaml.read(broken); } catch (e) { assert.ok(e instanceof yaml.Unreadable, e.stack); continue; }
    let want;
    try { want = nulls(theirs(broken)); } catch { continue; } // the broker's check refuses it and says why
    assert.deepEqual(ours(got), want === "" ? "" : want, broken);
    both++;
  }
  assert.ok(both > 200, `${both}`);
});

test("a form edit changes its own characters only, the text means what the field says, and undo gives equal bytes", () => {
  let edits = 0;
  for (let i = 0; i < 60; i++) {
    const text = randomText();
    let root, value;
    try { root = yaml.read(text); value = nulls(theirs(text)); } catch { continue; }
    const comments = (t) => t.split("\n").filter((l) => /^\s*#/.test(l)).join("\n");
    const at = (v, path) => path.reduce((x, k) => x[k], v);
    const check = (e, change, kept = true) => {
      if (!e) return;
      const after = edit.apply(text, e);
      edits++;
      assert.ok(after.startsWith(text.slice(0, e.from)) && after.endsWith(text.slice(e.to)));
      if (kept) assert.equal(comments(after), comments(text), text);
      const wanted = structuredClone(value);
      change(wanted);
      assert.deepEqual(nulls(theirs(after)), wanted, `${text}\n=> ${JSON.stringify(e)}\n${after}`);
      assert.equal(edit.apply(after, edit.opposite(text, e)), text);
      return after;
    };
    const paths = [];
    const collect = (node, path) => {
      paths.push([node, path]);
      if (node?.kind === "map") node.pairs.forEach((p) => collect(p.value, [...path, p.key.value]));
      if (node?.kind === "seq") node.items.forEach((x, n) => collect(x.value, [...path, n]));
    };
    collect(root, []);
    for (const [node, path] of paths) {
      if (!node) continue;
      if (node.kind === "scalar" && path.length) {
        const to = one([...words, "", "# no", "{x}", "- a", "a: b", "null", "1e3", "~", "\u202e", "two\nlines"]);
        check(edit.setScalar(node, to), (v) => { at(v, path.slice(0, -1))[path.at(-1)] = to; });
      } else if (node.kind === "seq") {
        const after = check(edit.addItem(text, node, "corp/new"), (v) => at(v, path).push("corp/new"));
        const again = path.reduce((n, k) => (typeof k === "number" ? n.items[k].value : yaml.member(n, k).value), yaml.read(after));
        const back = edit.removeItem(after, again, again.items.length - 1);
        assert.equal(edit.apply(after, back), text, "what was added and taken away leaves nothing behind");
        const n = random(node.items.length);
        // A comment on the lines of what goes, goes with it; none of another line does.
        if (node.items.length) check(edit.removeItem(text, node, n), (v) => at(v, path).splice(n, 1), node.flow || node.items[n].value?.kind === "scalar");
      } else if (node.kind === "map") {
        const after = check(edit.addPair(text, node, "fresh", "{max_age: 1h}"), (v) => { at(v, path).fresh = { max_age: "1h" }; });
        const again = path.reduce((n, k) => (typeof k === "number" ? n.items[k].value : yaml.member(n, k).value), yaml.read(after));
        assert.equal(edit.apply(after, edit.removePair(after, again, again.pairs.length - 1)), text);
      }
    }
  }
  assert.ok(edits > 500, `${edits}`);
});

test("texts that the form does not show are refused with their line", () => {
  for (const [text, line] of [["a: &x 1\n", 1], ["a: 1\nb: *x\n", 2], ["a: !t 1\n", 1], ["a: 1\n\tb: 2\n", 2], ["a:\n  - [1\n", 2], ["a: 1\na: 2\n", 2], ["a: b: c\n", 1], ["? a\n: b\n", 1], ["a: 1\n b: 2\n", 2]])
    assert.throws(() => yaml.read(text), (e) => e instanceof yaml.Unreadable && e.line === line, text);
});
