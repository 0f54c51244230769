// YAML as the broker takes it (lib/config/tree.h), read with the place of every node, so that a field of
// the form can change its own characters and no others. What this reader does not know it refuses: the
// form then stands still and the text goes on. Scalars are kept as text; the broker alone judges values.

interface Place {
  /** Offsets in the text: the node's own characters, without comments and blanks around it. */
  from: number;
  to: number;
}
export interface Scalar extends Place { kind: "scalar"; value: string; style: "plain" | "single" | "double" | "block" }
export interface Pair extends Place { key: Scalar; value: Node | null }
export interface Map extends Place { kind: "map"; flow: boolean; pairs: Pair[] }
/** An item's place begins at its dash where it has one. */
export interface Item extends Place { value: Node | null }
export interface Seq extends Place { kind: "seq"; flow: boolean; items: Item[] }
export type Node = Scalar | Map | Seq;

export class Unreadable extends Error {
  constructor(readonly line: number, what: string) {
    super(what);
  }
}

export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i >= 0 && i < at; i = text.indexOf("\n", i + 1)) line++;
  return line;
}

export function read(text: string): Node | null {
  return new Reader(text).document();
}

export function member(node: Node | null | undefined, name: string): Pair | undefined {
  return node?.kind === "map" ? node.pairs.find((p) => p.key.value === name) : undefined;
}

export function word(node: Node | null | undefined): string {
  return node?.kind === "scalar" ? node.value : "";
}

const DEPTH_MAX = 32;
const escapes: Record<string, string> = { 0: "\0", a: "\x07", b: "\b", t: "\t", "\t": "\t", n: "\n", v: "\v", f: "\f", r: "\r", e: "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", N: "\x85", _: "\xa0", L: "\u2028", P: "\u2029" };
const hexLength: Record<string, number> = { x: 2, u: 4, U: 8 };

class Reader {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  document(): Node | null {
    this.skip();
    if (this.text.startsWith("---", this.at) && this.column() === 0 && this.blankAt(this.at + 3)) {
      this.at += 3;
      this.skip();
    }
    const root = this.block(0);
    this.skip();
    if (this.at < this.text.length) this.refuse("this belongs to nothing above it");
    return root;
  }

  private refuse(what: string, at = this.at): never {
    throw new Unreadable(lineAt(this.text, at), what);
  }

  private char(ahead = 0): string {
    return this.text[this.at + ahead] ?? "";
  }

  private blankAt(at: number): boolean {
    return at >= this.text.length || /\s/.test(this.text[at]!);
  }

  private column(at = this.at): number {
    return at - (this.text.lastIndexOf("\n", at - 1) + 1);
  }

  /** Over blanks, line ends and comments. */
  private skip(): void {
    for (;;) {
      const c = this.char();
      if (c === " " || c === "\n" || c === "\r") this.at++;
      else if (c === "\t") this.skipTab();
      else if (c === "#" && (this.at === 0 || this.blankAt(this.at - 1))) this.toLineEnd();
      else return;
    }
  }

  private skipTab(): void {
    const indent = this.text.slice(this.text.lastIndexOf("\n", this.at - 1) + 1, this.at).trim() === "";
    const rest = /^[ \t]*(#|\r?\n|$)/.test(this.text.slice(this.at));
    if (indent && !rest) this.refuse("a tab can't indent");
    this.at++;
  }

  private toLineEnd(): void {
    const end = this.text.indexOf("\n", this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  /** Whether nothing but a comment follows on this line; moves over blanks only. */
  private lineIsOver(): boolean {
    while (this.char() === " " || this.char() === "\t") this.at++;
    const c = this.char();
    return c === "" || c === "\n" || c === "\r" || (c === "#" && this.blankAt(this.at - 1));
  }

  /** A node that begins on a line of its own at column `least` or more; null: there is none. */
  private block(least: number): Node | null {
    this.skip();
    if (this.at >= this.text.length || this.column() < least) return null;
    return this.node(this.column());
  }

  /** The node that begins here, at column `own`. */
  private node(own: number): Node {
    if (++this.depth > DEPTH_MAX) this.refuse("too deep");
    const c = this.char();
    let node: Node;
    if (c === "-" && this.blankAt(this.at + 1)) node = this.sequence(own);
    else if (this.keyFollows()) node = this.mapping(own);
    else node = this.inline(own - 1);
    this.depth--;
    return node;
  }

  /** A quoted or plain scalar with its colon on this line. */
  private keyFollows(): boolean {
    if (/[[{|>]/.test(this.char())) return false;
    const kept = this.at;
    const key = /["']/.test(this.char()) ? this.quoted() : this.plainOnLine(false);
    const line = this.text.slice(kept, this.at);
    while (this.char() === " ") this.at++;
    const found = this.char() === ":" && this.blankAt(this.at + 1) && !line.includes("\n") && key.value !== "";
    this.at = kept;
    return found;
  }

  private sequence(own: number): Seq {
    const seq: Seq = { kind: "seq", flow: false, items: [], from: this.at, to: this.at };
    while (this.char() === "-" && this.blankAt(this.at + 1) && this.column() === own) {
      const from = this.at++;
      const value = this.lineIsOver() ? this.block(own + 1) : this.node(this.column());
      seq.to = value ? value.to : from + 1;
      seq.items.push({ from, to: seq.to, value });
      this.skip();
    }
    if (this.at < this.text.length && this.column() > own) this.refuse("indented otherwise than the item above");
    return seq;
  }

  private mapping(own: number): Map {
    const map: Map = { kind: "map", flow: false, pairs: [], from: this.at, to: this.at };
    while (this.at < this.text.length && this.column() === own && this.keyFollows()) {
      const from = this.at;
      const key = /["']/.test(this.char()) ? this.quoted() : this.plainOnLine(false);
      if (map.pairs.some((p) => p.key.value === key.value)) this.refuse(`${key.value} stands here twice`, from);
      while (this.char() !== ":") this.at++;
      const colon = ++this.at;
      const value = this.lineIsOver() ? this.valueBelow(own) : this.inline(own);
      map.to = value ? value.to : colon;
      map.pairs.push({ from, to: map.to, key, value });
      this.skip();
    }
    if (this.at < this.text.length && this.column() > own) this.refuse("indented otherwise than the key above");
    return map;
  }

  /** The items of a list may stand in the column of their key. */
  private valueBelow(own: number): Node | null {
    this.skip();
    const dash = this.column() === own && this.char() === "-" && this.blankAt(this.at + 1);
    return this.block(dash ? own : own + 1);
  }

  /** A value that begins behind something on its line; lines that go on are deeper than `outer`. */
  private inline(outer: number): Node {
    const c = this.char();
    if (c === "{" || c === "[") return this.ended(this.flow());
    if (c === '"' || c === "'") return this.ended(this.quoted());
    if (c === "|" || c === ">") return this.blockScalar(outer);
    return this.plain(outer);
  }

  private ended<N extends Node>(node: N): N {
    const at = this.at;
    if (!this.lineIsOver()) this.refuse("more than one value on this line");
    this.at = at;
    return node;
  }

  private plainOnLine(inFlow: boolean): Scalar {
    const from = this.at, first = this.char();
    const bad = /[\][{},#&*!|>'"%@`]/.test(first) || (/[-?:]/.test(first) && (this.blankAt(from + 1) || (inFlow && /[,\]}[{]/.test(this.char(1)))));
    if (first === "" || bad) this.refuse(first ? `${first} begins nothing that the form knows` : "a value is missing");
    let to = from;
    for (let i = from; i < this.text.length; i++) {
      const c = this.text[i]!;
      if (c === "\n" || c === "\r" || (c === "#" && this.blankAt(i - 1))) break;
      if (c === ":" && (this.blankAt(i + 1) || (inFlow && /[,\]}[{]/.test(this.text[i + 1] ?? "")))) break;
      if (inFlow && /[,\][{}]/.test(c)) break;
      if (c !== " " && c !== "\t") to = i + 1;
    }
    this.at = to;
    return { kind: "scalar", style: "plain", value: this.text.slice(from, to), from, to };
  }

  private plain(outer: number): Scalar {
    const first = this.plainOnLine(false), parts = [first.value];
    let { to } = first;
    for (;;) {
      if (!this.lineIsOver()) this.refuse("a colon and a blank need quotes here");
      if (this.char() === "#") break;
      const kept = this.at;
      const breaks = this.text.slice(kept).match(/^(?:[ \t]*\r?\n)+ */)?.[0] ?? "";
      this.at = kept + breaks.length;
      const deeper = breaks !== "" && this.at < this.text.length && this.column() > outer && this.char() !== "#" && !/\s/.test(this.char());
      if (!deeper) {
        this.at = kept;
        break;
      }
      const more = this.followingPlain();
      const lines = breaks.split("\n").length - 1;
      parts.push(lines > 1 ? "\n".repeat(lines - 1) : " ", more.value);
      to = more.to;
    }
    this.at = to;
    return { ...first, value: parts.join(""), to };
  }

  /** A further line of a plain scalar may begin with what a first one may not. */
  private followingPlain(): { value: string; to: number } {
    const from = this.at;
    let to = from;
    for (let i = from; i < this.text.length && !/[\r\n]/.test(this.text[i]!); i++) {
      const c = this.text[i]!;
      if (c === "#" && this.blankAt(i - 1)) break;
      if (c === ":" && this.blankAt(i + 1)) this.refuse("a key in the middle of a text");
      if (c !== " " && c !== "\t") to = i + 1;
    }
    this.at = to;
    return { value: this.text.slice(from, to), to };
  }

  private quoted(): Scalar {
    const from = this.at, quote = this.char();
    let value = "";
    for (this.at++; this.char() !== quote || (quote === "'" && this.char(1) === "'"); ) {
      const c = this.char();
      if (c === "") this.refuse("the quote is not closed", from);
      if (c === quote) {
        value += "'";
        this.at += 2;
      } else if (c === "\\" && quote === '"') value += this.escape();
      else if (c === "\n" || c === "\r") {
        value = value.replace(/[ \t]+$/, "");
        value += this.fold();
      } else {
        value += c;
        this.at++;
      }
    }
    this.at++;
    return { kind: "scalar", style: quote === "'" ? "single" : "double", value, from, to: this.at };
  }

  /** A line end in a quoted text is a blank; each empty line behind it is one line end. */
  private fold(): string {
    const run = this.text.slice(this.at).match(/^(?:[ \t]*\r?\n)+[ \t]*/)![0];
    this.at += run.length;
    const lines = run.split("\n").length - 1;
    return lines > 1 ? "\n".repeat(lines - 1) : " ";
  }

  private escape(): string {
    const kind = this.char(1), length = hexLength[kind];
    if (kind === "\n" || kind === "\r") {
      this.at++;
      this.at += this.text.slice(this.at).match(/^\r?\n[ \t]*/)![0].length;
      return "";
    }
    if (length) {
      const digits = this.text.slice(this.at + 2, this.at + 2 + length);
      const code = /^[0-9a-fA-F]+$/.test(digits) && digits.length === length ? parseInt(digits, 16) : NaN;
      if (!(code <= 0x10ffff)) this.refuse("no such character");
      this.at += 2 + length;
      return String.fromCodePoint(code);
    }
    const plain = escapes[kind];
    if (plain === undefined) this.refuse(`\\${kind} stands for nothing`);
    this.at += 2;
    return plain!;
  }

  /** Only its extent matters to the form, which shows it and does not change it. */
  private blockScalar(outer: number): Scalar {
    const from = this.at;
    this.at++;
    while (/[-+0-9]/.test(this.char())) this.at++;
    if (!this.lineIsOver()) this.refuse("more than one value on this line");
    this.toLineEnd();
    let to = this.at;
    const lines: string[] = [];
    while (this.at < this.text.length) {
      const start = this.at + 1, end = this.text.indexOf("\n", start);
      const line = this.text.slice(start, end < 0 ? this.text.length : end);
      const indent = line.length - line.trimStart().length;
      if (line.trim() !== "" && indent <= outer) break;
      lines.push(line);
      this.at = end < 0 ? this.text.length : end;
      if (line.trim() !== "") to = this.at;
    }
    this.at = to;
    return { kind: "scalar", style: "block", value: lines.map((l) => l.trim()).join("\n").trim(), from, to };
  }

  private flow(): Map | Seq {
    if (++this.depth > DEPTH_MAX) this.refuse("too deep");
    const node = this.char() === "{" ? this.flowMap() : this.flowSeq();
    this.depth--;
    return node;
  }

  private flowValue(): Node {
    const c = this.char();
    if (c === "{" || c === "[") return this.flow();
    return c === '"' || c === "'" ? this.quoted() : this.plainOnLine(true);
  }

  /** After a value: a comma, or the end. */
  private flowGoesOn(close: string, from: number): boolean {
    this.skip();
    if (this.char() === ",") {
      this.at++;
      this.skip();
      return this.char() !== close;
    }
    if (this.char() !== close) this.refuse(this.at < this.text.length ? `expected , or ${close}` : `${close} is missing`, this.at < this.text.length ? this.at : from);
    return false;
  }

  private flowSeq(): Seq {
    const seq: Seq = { kind: "seq", flow: true, items: [], from: this.at++, to: 0 };
    this.skip();
    for (let more = this.char() !== "]"; more; more = this.flowGoesOn("]", seq.from)) {
      const value = this.flowValue();
      seq.items.push({ from: value.from, to: value.to, value });
    }
    seq.to = ++this.at;
    return seq;
  }

  private flowMap(): Map {
    const map: Map = { kind: "map", flow: true, pairs: [], from: this.at++, to: 0 };
    this.skip();
    for (let more = this.char() !== "}"; more; more = this.flowGoesOn("}", map.from)) {
      const key = /["']/.test(this.char()) ? this.quoted() : this.plainOnLine(true);
      if (map.pairs.some((p) => p.key.value === key.value)) this.refuse(`${key.value} stands here twice`, key.from);
      this.skip();
      if (this.char() !== ":") this.refuse(`expected : behind ${key.value}`);
      const colon = ++this.at;
      this.skip();
      const value = /[,}]/.test(this.char()) ? null : this.flowValue();
      map.pairs.push({ from: key.from, to: value ? value.to : colon, key, value });
    }
    map.to = ++this.at;
    return map;
  }
}
