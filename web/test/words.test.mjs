import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const words = await load("words.ts");
const { diffLines } = await load("parts/diff.tsx");

test("TM-22: control characters and direction marks in names become visible", () => {
  assert.equal(words.visible("a\u001b[31mb\u202ec\u0007"), "a\\u{1b}[31mb\\u{202e}c\\u{7}");
  assert.equal(words.visible("Ærøskøbing 東京"), "Ærøskøbing 東京");
});

test("a long name is cut in the middle and keeps both ends", () => {
  const cut = words.middleCut(`corp/${"x".repeat(80)}-team`);
  assert.ok(cut.startsWith("corp/") && cut.endsWith("-team") && cut.includes("…"));
  assert.equal([...cut].length, 40);
  assert.equal(words.middleCut("x".repeat(40)), "x".repeat(40));
});

test("durations, sizes and ages have one unit and thin precision", () => {
  for (const [ms, text] of [[0, "under 1 ms"], [4, "4 ms"], [10, "0.01 s"], [410, "0.41 s"], [1620, "1.6 s"], [41_000, "41 s"], [840_000, "14 min"], [12_960_000, "3 h 36 min"], [28_800_000, "8 h"], [259_200_000, "3 days"]])
    assert.equal(words.duration(ms), text);
  for (const [n, text] of [[0, "0 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [90_112, "88 KiB"], [1_288_490_189, "1.2 GiB"]])
    assert.equal(words.bytes(n), text);
  const now = Date.parse("2026-11-25T10:00:00Z");
  assert.equal(words.ago("2026-11-25T09:59:58Z", now), "now");
  assert.equal(words.ago("2026-11-25T09:46:00Z", now), "14 min ago");
  assert.equal(words.until("2026-11-25T09:59:59Z", now), "over");
  assert.equal(words.day("2026-12-27T10:00:00Z"), "27 Dec 2026"); // no order of numbers to guess
});

test("a difference of texts loses no line and names what went and came", () => {
  const before = "a\nb\nc\nd", after = "a\nc\nx\nd\ne";
  const lines = diffLines(before, after);
  assert.equal(lines.filter((l) => l.sign !== "add").map((l) => l.text).join("\n"), before);
  assert.equal(lines.filter((l) => l.sign !== "del").map((l) => l.text).join("\n"), after);
  assert.deepEqual(lines.filter((l) => l.sign !== "same").map((l) => l.sign + l.text), ["delb", "addx", "adde"]);
});
