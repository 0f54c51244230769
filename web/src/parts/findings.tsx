import type { Finding } from "../api";
import { State, Words } from "./basics";

export function Findings({ findings }: { findings: Finding[] }) {
  return (
    <ul class="findings">{findings.map((f) => (
      <li><State mood={f.severity === "error" ? "bad" : "warn"} icon={f.severity === "error" ? "cross" : "warn"}>{f.line ? `Line ${f.line}` : "Document"}</State>
        <span><Words text={f.text} />{f.field && <span class="dim"> ({f.field})</span>}</span></li>))}</ul>
  );
}
