// Changes of a text through its nodes. An edit replaces one run of characters; what stands around it,
// comments and blank lines too, stays byte for byte. Its opposite gives the old bytes back.
import { lineAt, type Item, type Map, type Pair, type Scalar, type Seq } from "./yaml";

export interface Edit { from: number; to: number; put: string }

export function apply(text: string, e: Edit): string {
  return text.slice(0, e.from) + e.put + text.slice(e.to);
}

export function opposite(text: string, e: Edit): Edit {
  return { from: e.from, to: e.from + e.put.length, put: text.slice(e.from, e.to) };
}

/** Bare where nobody can read it as anything else, quoted where they could. */
export function spell(value: string): string {
  const bare = /^[A-Za-z0-9_./+:@-]*[A-Za-z0-9_./+@-]$/.test(value) && !/^(~|null|true|false|[-+.]?[0-9][0-9._eExXoOa-fA-F+-]*|[-.:@?].*)$/i.test(value);
  const number = /^(0|[1-9][0-9]{0,8})$/.test(value);
  return bare || number ? value : JSON.stringify(value);
}

/** The value in the quotes that it had. */
export function setScalar(node: Scalar, value: string): Edit {
  const { from, to } = node;
  if (node.style === "single" && !/[\u0000-\u001f]/.test(value)) return { from, to, put: `'${value.replaceAll("'", "''")}'` };
  if (node.style === "double") return { from, to, put: JSON.stringify(value) };
  return { from, to, put: spell(value) };
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

const onlyBlank = (text: string, from: number, to: number) => text.slice(from, to).trim() === "";

/** A comma behind `at`, over blanks, line ends and comments; -1: there is none. */
function commaBehind(text: string, at: number): number {
  const found = text.slice(at).match(/^(?:\s|(?<=\s)#[^\n]*)*,/);
  return found ? at + found[0].length - 1 : -1;
}

function removeFlow(text: string, parts: Array<Item | Pair>, n: number): Edit {
  const one = parts[n]!, before = parts[n - 1], next = parts[n + 1];
  if (before) {
    const comma = commaBehind(text, before.to);
    return { from: comma, to: one.to, put: "" };
  }
  return { from: one.from, to: next ? next.from : one.to, put: "" };
}

/** With its own line, or lines; a first member that shares the line of a dash gives its place to the next. */
function removeBlock(text: string, parts: Array<Item | Pair>, n: number): Edit | undefined {
  const one = parts[n]!, start = lineStart(text, one.from);
  if (onlyBlank(text, start, one.from)) {
    const end = lineEnd(text, one.to);
    return end < text.length ? { from: start, to: end + 1, put: "" } : { from: Math.max(0, start - 1), to: end, put: "" };
  }
  const next = parts[n + 1];
  if (!next || text.slice(one.to, next.from).includes("#")) return undefined;
  return { from: one.from, to: next.from, put: "" };
}

/** undefined: it can't be taken away alone (it is the last one, or a comment hangs on it). */
export function removeItem(text: string, seq: Seq, n: number): Edit | undefined {
  return seq.flow ? removeFlow(text, seq.items, n) : seq.items.length > 1 ? removeBlock(text, seq.items, n) : undefined;
}

export function removePair(text: string, map: Map, n: number): Edit | undefined {
  return map.flow ? removeFlow(text, map.pairs, n) : map.pairs.length > 1 ? removeBlock(text, map.pairs, n) : undefined;
}

function addFlow(node: Map | Seq, parts: Array<Item | Pair>, put: string): Edit {
  const last = parts.at(-1);
  return last ? { from: last.to, to: last.to, put: `, ${put}` } : { from: node.from + 1, to: node.from + 1, put };
}

/** On lines of its own behind the last part, in its column; `put` may have several lines. */
function addBlock(text: string, node: Map | Seq, last: Item | Pair, put: string): Edit {
  const at = lineEnd(text, last.to), indent = " ".repeat(node.from - lineStart(text, node.from));
  return { from: at, to: at, put: `\n${put.split("\n").map((l) => indent + l).join("\n")}` };
}

export function addItem(text: string, seq: Seq, put: string): Edit {
  return seq.flow ? addFlow(seq, seq.items, put) : addBlock(text, seq, seq.items.at(-1)!, `- ${put.replaceAll("\n", "\n  ")}`);
}

/** `put` is the value as text, in flow form where it is no scalar; `item`: it becomes the first of a list. */
export function addPair(text: string, map: Map, key: string, put: string, item = false): Edit {
  if (map.flow) return addFlow(map, map.pairs, `${key}: ${item ? `[${put}]` : put}`);
  return addBlock(text, map, map.pairs.at(-1)!, item ? `${key}:\n  - ${put}` : `${key}: ${put}`);
}

export function lines(text: string, part: { from: number; to: number }): [number, number] {
  const first = lineAt(text, part.from);
  return [first, first + text.slice(part.from, part.to).split("\n").length - 1];
}
