// The text as it is typed, in colours, with the marks of the check. The textarea lies over it with its own
// letters unseen; both have the same font and the same lines, so the caret stands where the letter is.
import { useRef } from "preact/hooks";
import type { Finding } from "../api";
import { visible } from "../words";

type Kind = "k" | "c" | "v" | undefined;
const pattern = /(?<c>(?<=^|\s)#.*)|(?<v>"(?:[^"\\]|\\.)*"?|(?<=^|[\s[{,:-])'(?:[^']|'')*'?)|(?<k>[A-Za-z_][\w.-]*(?=:(?:\s|$)))/g;

/** Runs of one line; a colour never changes what is read. */
export function runs(line: string): Array<[Kind, string]> {
  const out: Array<[Kind, string]> = [];
  let at = 0;
  for (const found of line.matchAll(pattern)) {
    if (found.index > at) out.push([undefined, line.slice(at, found.index)]);
    out.push([found.groups!.c ? "c" : found.groups!.v ? "v" : "k", found[0]]);
    at = found.index + found[0].length;
  }
  if (at < line.length || !line) out.push([undefined, line.slice(at)]);
  return out;
}

interface Props {
  area: { current: HTMLTextAreaElement | null };
  text: string;
  findings: Finding[];
  /** Lines to mark, from and to. */
  hit: [number, number] | undefined;
  readOnly: boolean;
  label: string;
  set: (text: string) => void;
  onKey: (e: KeyboardEvent) => void;
  caret: (at: number) => void;
}

export function TextBox({ area, text, findings, hit, readOnly, label, set, onKey, caret }: Props) {
  const paint = useRef<HTMLPreElement>(null);
  const all = text.split("\n");
  const marks = new Map<number, "error" | "warn">(), words = new Map<number, string>();
  for (const f of findings)
    if (f.line && marks.get(f.line) !== "error") {
      marks.set(f.line, f.severity);
      words.set(f.line, f.text);
    }
  const mark = (n: number) => [hit && n >= hit[0] && n <= hit[1] && "hit", marks.get(n) === "error" ? "wrong" : marks.get(n) && "lint"].filter(Boolean).join(" ") || undefined;
  const told = () => area.current && caret(area.current.selectionStart);
  return (
    <div class="editor">
      <pre class="ln" aria-hidden="true">{all.map((_, i) => {
        const kind = marks.get(i + 1);
        return <>{kind ? <span class={kind}>● </span> : "  "}{i + 1}{"\n"}</>;
      })}</pre>
      <div class="over">
        <pre class="paint" aria-hidden="true" ref={paint}>{all.map((line, i) => <span class={mark(i + 1)}>{runs(line).map(([kind, part]) => kind ? <i class={kind}>{part}</i> : part)}{words.has(i + 1) && <b>{"  "}{visible(words.get(i + 1)!)}</b>}{"\n"}</span>)}</pre>
        <textarea ref={area} aria-label={label} aria-describedby="checked" spellcheck={false} autocapitalize="off" autocomplete="off" wrap="off" rows={Math.max(12, all.length)}
          readOnly={readOnly} value={text} onInput={(e) => set(e.currentTarget.value)} onKeyDown={onKey} onKeyUp={told} onClick={told}
          onScroll={(e) => { if (paint.current) paint.current.scrollLeft = e.currentTarget.scrollLeft; }} />
      </div>
    </div>
  );
}
