// The text is the truth. It is checked at the broker 400 ms after the last key; nothing is stored until
// it is put in force. Ctrl-S puts in force, F8 goes to the next mark.
import { useEffect, useRef, useState } from "preact/hooks";
import type { PolicyCheck, Problem } from "../api";
import { call, problem } from "../client";
import { Simulator } from "../pages/simulator";
import { count } from "../words";
import { may } from "../who";
import { Field, Note, Panel, State } from "./basics";
import { ConflictPanel, isConflict, readTheirs, type Base, type Conflict } from "./conflict";
import { Confirm } from "./dialog";
import { Diff } from "./diff";
import { Failure } from "./failure";
import { Findings } from "./findings";

interface Props {
  operation: "policy" | "document";
  /** The policy's name, or null for the whole document. */
  name: string | null;
  text: string;
  version: number;
  adding?: boolean;
  line?: number;
  saved: () => void;
}

const PAUSE_MS = 400;

/** `check` is the last answer; it is of this very text only when `fresh`. */
function useCheck(text: string, name: string | null): { check: PolicyCheck | undefined; fresh: boolean; failed: Problem | undefined } {
  const [check, set] = useState<(PolicyCheck & { of: string }) | undefined>();
  const [failed, setFailed] = useState<Problem | undefined>();
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      call("policyCheck", { body: { text, policy: name } }, control.signal).then(
        (found) => { set({ ...found, of: text }); setFailed(undefined); },
        (e) => !control.signal.aborted && setFailed(problem(e)));
    }, check ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [text, name]);
  return { check, fresh: check?.of === text, failed };
}

export function Editor(p: Props) {
  const [text, setText] = useState(p.text);
  const [note, setNote] = useState("");
  const [asking, setAsking] = useState(false);
  const [comparing, setComparing] = useState(false);
  const [base, setBase] = useState<Base>({ text: p.text, version: p.version, gone: !!p.adding });
  const [conflict, setConflict] = useState<Conflict | undefined>();
  const { check, fresh, failed } = useCheck(text, p.name);
  const area = useRef<HTMLTextAreaElement>(null);
  const changed = base.gone || text !== base.text;
  const mine = may("admin");
  const ready = changed && mine && fresh && check?.ok === true;

  useEffect(() => {
    if (!changed) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);
  useEffect(() => {
    if (p.line && p.line > 0) moveTo(p.line);
  }, [p.line]);

  function moveTo(line: number) {
    const box = area.current;
    if (!box) return;
    const from = text.split("\n").slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    box.focus();
    box.setSelectionRange(from, from + (text.split("\n")[line - 1]?.length ?? 0));
  }

  function onKey(event: KeyboardEvent) {
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (ready) setAsking(true);
    } else if (event.key === "F8") {
      const at = text.slice(0, area.current?.selectionStart ?? 0).split("\n").length;
      const marks = [...new Set(check?.findings.map((f) => f.line).filter(Boolean))].sort((a, b) => a - b);
      const next = marks.find((l) => l > at) ?? marks[0];
      if (next) moveTo(next);
    }
  }

  async function putInForce() {
    const body = { text, note };
    try {
      if (p.operation === "document") await call("policyDocumentPut", { body, version: base.version });
      else if (base.gone) await call("policyPut", { path: { name: p.name! }, body, adding: true });
      else await call("policyPut", { path: { name: p.name! }, body, version: base.version });
    } catch (e) {
      if (!isConflict(e)) throw e;
      return setConflict(await readTheirs(p.name));
    }
    p.saved();
  }

  /** From here on what is typed is measured against what is in force now. */
  function goOn(from: Conflict, theirs: boolean) {
    setBase(from.theirs);
    if (theirs) setText(from.theirs.text);
    setConflict(undefined);
  }

  return (
    <div class="cols edit">
      <div class="stack">
        <TextBox area={area} text={text} check={check} readOnly={!mine} set={setText} onKey={onKey} label={p.name ? `Text of policy ${p.name}` : "Text of the whole document"} />
        <Checked check={check} failed={failed} />
        <div class="fields"><Field id="note" label="Note" hint="What changes and why; kept with the version."><input class="in" maxLength={500} value={note} readOnly={!mine} onInput={(e) => setNote(e.currentTarget.value)} /></Field></div>
        <div class="filters">
          <button type="button" class="btn main" disabled={!ready || !!conflict} onClick={() => setAsking(true)}>Put in force</button>
          <button type="button" class="btn" disabled={!changed || !!base.gone} aria-pressed={comparing} onClick={() => setComparing(!comparing)}>Compare</button>
          <button type="button" class="btn quiet" disabled={!changed || !!base.gone} onClick={() => setText(base.text)}>Discard changes</button>
          {!mine && <span class="dim">Needs role admin</span>}
        </div>
        {conflict && <ConflictPanel conflict={conflict} base={base.text} mine={text} keep={() => goOn(conflict, false)} take={() => goOn(conflict, true)} />}
        {comparing && <Diff before={base.text} after={text} />}
        {asking && (
          <Confirm title="Put this text in force?" verb="Put in force" danger={false} close={() => setAsking(false)} act={putInForce}>
            <p>It decides from the moment that it is saved. Live sessions that it no longer allows are cut.</p>
            {check && check.findings.length > 0 && <Note mood="warn" title={`The lint found ${count(check.findings.length, "thing")}.`}>{check.findings[0]!.text}</Note>}
          </Confirm>)}
      </div>
      <aside aria-label="Simulator"><Simulator {...(changed ? { draft: text, policy: p.name } : {})} narrowPlace /></aside>
    </div>
  );
}

function TextBox({ area, text, check, readOnly, set, onKey, label }: { area: { current: HTMLTextAreaElement | null }; text: string; check: PolicyCheck | undefined; readOnly: boolean; set: (t: string) => void; onKey: (e: KeyboardEvent) => void; label: string }) {
  const lines = text.split("\n").length;
  const marks = new Map<number, "error" | "warn">();
  for (const f of check?.findings ?? [])
    if (f.line && marks.get(f.line) !== "error") marks.set(f.line, f.severity);
  return (
    <div class="editor">
      <pre class="ln" aria-hidden="true">{Array.from({ length: lines }, (_, i) => {
        const mark = marks.get(i + 1);
        return <>{mark ? <span class={mark}>● </span> : "  "}{i + 1}{"\n"}</>;
      })}</pre>
      <textarea ref={area} aria-label={label} aria-describedby="checked" spellcheck={false} autocapitalize="off" autocomplete="off" wrap="off" rows={Math.max(12, lines)}
        readOnly={readOnly} value={text} onInput={(e) => set(e.currentTarget.value)} onKeyDown={onKey} />
    </div>
  );
}

function Checked({ check, failed }: { check: PolicyCheck | undefined; failed: Problem | undefined }) {
  if (failed) return <Failure what="The text could not be checked." problem={failed} />;
  if (!check) return <p class="dim" id="checked">Checking.</p>;
  const tests = check.tests.failed ? `${check.tests.failed} of ${count(check.tests.passed + check.tests.failed, "test")} fail` : `${count(check.tests.passed, "test")} pass`;
  return (
    <div id="checked" role="status" class="stack tight">
      {check.ok ? <State mood="ok">Valid, {tests}</State> : <State mood="bad">It can't be put in force: {check.findings.some((f) => f.severity === "error") ? "see below" : tests}</State>}
      {check.findings.length > 0 && <Panel title="Found"><Findings findings={check.findings} /></Panel>}
    </div>
  );
}
