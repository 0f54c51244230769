// Lines of two texts: what went, what came. Longest common subsequence over lines.
const LINES_MAX = 4000;

type Line = { sign: "same" | "add" | "del"; text: string };

export function diffLines(before: string, after: string): Line[] {
  const a = before.split("\n"), b = after.split("\n");
  if (a.length > LINES_MAX || b.length > LINES_MAX) return b.map((text) => ({ sign: "same", text }));
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const x = a.slice(head, a.length - tail), y = b.slice(head, b.length - tail);
  const width = y.length + 1;
  const longest = new Uint16Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      longest[i * width + j] = x[i] === y[j] ? longest[(i + 1) * width + j + 1]! + 1
        : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
  const out: Line[] = a.slice(0, head).map((text) => ({ sign: "same", text }));
  for (let i = 0, j = 0; i < x.length || j < y.length;) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      out.push({ sign: "same", text: x[i++]! });
      j++;
    } else if (j >= y.length || (i < x.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) out.push({ sign: "del", text: x[i++]! });
    else out.push({ sign: "add", text: y[j++]! });
  }
  return out.concat(a.slice(a.length - tail).map((text) => ({ sign: "same", text })));
}

export function Diff({ before, after, label = "Differences" }: { before: string; after: string; label?: string }) {
  const lines = diffLines(before, after);
  const signs = { same: " ", add: "+", del: "−" };
  return (
    <div class="code"><div class="ln" aria-hidden="true">{lines.map((l) => signs[l.sign]).join("\n")}</div>
      <pre tabIndex={0} role="region" aria-label={label}>{lines.map((l) => <span class={l.sign === "same" ? undefined : l.sign}>
        {l.sign !== "same" && <span class="vh">{l.sign === "add" ? "added: " : "removed: "}</span>}{l.text}</span>)}</pre></div>
  );
}
