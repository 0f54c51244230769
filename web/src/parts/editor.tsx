// The text is the truth, the form a view of it. The text is checked at the broker 400 ms after the last
// key; nothing is stored until it is kept as a draft or put in force. Ctrl-S saves the draft, Ctrl-Enter
// simulates, Alt-1 to Alt-3 choose form, text or both, F8 goes to the next mark.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PolicyCheck, PolicyDraft, Problem } from "../api";
import { call, problem } from "../client";
import { useAct, useLoad } from "../load";
import { go } from "../route";
import { Simulator } from "../pages/simulator";
import { apply, lines, opposite, type Edit } from "../policy/edit";
import { cardAt, policiesIn, PolicyForm } from "../policy/form";
import { TextBox } from "../policy/paint";
import { PutInForce, Replay } from "../policy/replay";
import { read, Unreadable, type Node } from "../policy/yaml";
import { count } from "../words";
import { may } from "../who";
import { Field, Note, Panel, State, Words } from "./basics";
import { ConflictPanel, isConflict, readTheirs, type Base, type Conflict } from "./conflict";
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
  /** A draft is edited: `text` is its text, `inForce` the one that decides now. */
  draft?: PolicyDraft;
  inForce?: string;
  line?: number;
  /** Where the policy begins in the whole document; of a new one it is not known. */
  first?: number;
  saved: () => void;
  /** The draft was saved again. */
  kept?: () => void;
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

const views = ["form", "text", "both"] as const;
type View = (typeof views)[number];

function useView(): [View, (v: View) => void] {
  const [view, set] = useState<View>(views.find((v) => v === localStorage.getItem("policy-view")) ?? "both");
  return [view, (v) => { localStorage.setItem("policy-view", v); set(v); }];
}

interface Read { root: Node | null; wrong?: Unreadable; of: string }

/** What the form shows: the text's nodes, or while it can't be read those of the last one that could. */
function useNodes(text: string): Read {
  const good = useRef<Read>({ root: null, of: "" });
  return useMemo(() => {
    try {
      return good.current = { root: read(text), of: text };
    } catch (e) {
      if (!(e instanceof Unreadable)) throw e;
      return { ...good.current, wrong: e };
    }
  }, [text]);
}

const signals = ["disk_encryption", "screen_lock", "firewall", "secure_boot", "agent_version", "os_version", "security_updates"];

function useKnown(): Record<string, string[]> {
  const groups = useLoad("groupList", {}), users = useLoad("userList", { query: { limit: 50 } }), apps = useLoad("appList", { query: { limit: 200 } });
  return { signals, groups: groups.data?.items.map((g) => g.name) ?? [], users: users.data?.items.map((u) => u.name) ?? [], apps: apps.data?.items.map((a) => a.name) ?? [] };
}

export function Editor(p: Props) {
  const [text, setText] = useState(p.text);
  const [note, setNote] = useState(p.draft?.note ?? "");
  const [view, setView] = useView();
  const [picked, pick] = useState<string | undefined>();
  const [caret, setCaret] = useState(0);
  const [undo, setUndo] = useState<Edit[]>([]);
  const [asking, setAsking] = useState(false);
  const [comparing, setComparing] = useState(false);
  const [base, setBase] = useState<Base>({ text: p.inForce ?? p.text, version: p.version, gone: !!p.adding });
  const [conflict, setConflict] = useState<Conflict | undefined>();
  const { check, fresh, failed } = useCheck(text, p.name);
  const nodes = useNodes(text);
  const known = useKnown();
  const area = useRef<HTMLTextAreaElement>(null);
  const changed = base.gone || text !== base.text;
  const mine = may("admin");
  const drafts = useLoad("draftList", {});
  const keeping = useAct();
  const second = drafts.data?.second_approval === true;
  /** What is approved is what was saved, and nothing that was typed since. */
  const asSaved = p.draft !== undefined && text === p.draft.text;
  const unsaved = p.draft ? !asSaved : changed;
  const ready = changed && mine && fresh && check?.ok === true && (p.draft ? asSaved && p.draft.may_approve : !second);
  const card = nodes.wrong ? undefined : policiesIn(nodes.root).flatMap((x) => x.cards).find((c) => c.key === picked && c.effect !== "policy");

  useEffect(() => {
    if (!unsaved) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);
  useEffect(() => {
    if (p.line && p.line > 0) moveTo(p.line);
  }, [p.line]);

  function type(next: string) {
    setText(next);
    setUndo([]);
  }

  /** Never over a text that the form does not show. */
  function make(e: Edit | undefined) {
    if (!e || nodes.wrong) return;
    setText(apply(text, e));
    setUndo([...undo, opposite(text, e)]);
  }

  function takeBack() {
    const last = undo.at(-1);
    if (!last) return;
    setText(apply(text, last));
    setUndo(undo.slice(0, -1));
  }

  function moveTo(line: number) {
    const box = area.current;
    if (!box) return;
    const from = text.split("\n").slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
    box.focus();
    box.setSelectionRange(from, from + (text.split("\n")[line - 1]?.length ?? 0));
    pick(cardAt(nodes.root, from));
  }

  function onKey(event: KeyboardEvent) {
    const ctrl = event.ctrlKey || event.metaKey;
    if (event.key === "s" && ctrl) {
      event.preventDefault();
      if (mine && unsaved && !keeping.busy) void saveDraft();
    } else if (event.key === "Enter" && ctrl) {
      document.getElementById("simulate")?.click();
    } else if (event.altKey && /^Digit[123]$/.test(event.code)) {
      event.preventDefault();
      setView(views[Number(event.code[5]) - 1]!);
    } else if (event.key === "F8") {
      const at = text.slice(0, area.current?.selectionStart ?? 0).split("\n").length;
      const marks = [...new Set(check?.findings.map((f) => f.line).filter(Boolean))].sort((a, b) => a - b);
      const next = marks.find((l) => l > at) ?? marks[0];
      if (next) moveTo(next);
    }
  }

  async function saveDraft() {
    await keeping.run(async () => {
      const body = { text, note, base: base.version };
      const kept = p.draft?.mine ? await call("draftUpdate", { path: { id: p.draft.id }, body, version: p.draft.version })
        : await call("draftCreate", { body: { ...body, policy: p.name } });
      setNote(kept.note);
      go(`/policies?draft=${kept.id}`, p.draft?.id === kept.id);
      if (p.draft?.id === kept.id) p.kept?.();
    });
  }

  async function putInForce() {
    const body = { text, note };
    try {
      if (p.draft) {
        await call("draftApprove", { path: { id: p.draft.id }, body: {}, version: p.draft.version });
        return p.saved();
      }
      if (p.operation === "document") await call("policyDocumentPut", { body, version: base.version });
      else if (base.gone) await call("policyPut", { path: { name: p.name! }, body, adding: true });
      else await call("policyPut", { path: { name: p.name! }, body, version: base.version });
    } catch (e) {
      if (p.draft || !isConflict(e)) throw e;
      return setConflict(await readTheirs(p.name));
    }
    p.saved();
  }

  /** From here on what is typed is measured against what is in force now. */
  function goOn(from: Conflict, theirs: boolean) {
    setBase(from.theirs);
    if (theirs) type(from.theirs.text);
    setConflict(undefined);
  }

  return (
    <div class="cols edit" onKeyDown={onKey}>
      <div class="stack">
        <div class="filters">
          <div class="seg" role="group" aria-label="View">{views.map((v, n) => <button type="button" aria-pressed={v === view} title={`Alt ${n + 1}`} onClick={() => setView(v)}>{v[0]!.toUpperCase() + v.slice(1)}</button>)}</div>
          {undo.length > 0 && <button type="button" class="btn small quiet" onClick={takeBack}>Undo form change</button>}
        </div>
        {view !== "text" && <FormView nodes={nodes} known={known} readOnly={!mine} make={make} picked={picked} pick={pick} />}
        {view !== "form" && <TextBox area={area} text={text} findings={fresh ? check?.findings ?? [] : []} hit={card && lines(text, card)} readOnly={!mine} set={type}
          onKey={() => undefined} caret={(at) => { setCaret(at); if (!nodes.wrong) pick(cardAt(nodes.root, at)); }} label={p.name ? `Text of policy ${p.name}` : "Text of the whole document"} />}
        {view !== "form" && fresh && <RuleAt check={check} text={text} caret={caret} />}
        <Checked check={check} failed={failed} />
        <div class="fields"><Field id="note" label="Note" hint="What changes and why; kept with the version."><input class="in" maxLength={500} value={note} readOnly={!mine} onInput={(e) => setNote(e.currentTarget.value)} /></Field></div>
        <div class="filters">
          <button type="button" class="btn main" disabled={!ready || !!conflict} onClick={() => setAsking(true)}>{p.draft ? "Approve and put in force" : "Put in force"}</button>
          <button type="button" class="btn" disabled={!mine || !unsaved} aria-busy={keeping.busy ? "true" : undefined} title="Ctrl S" onClick={() => void saveDraft()}>Save draft</button>
          <button type="button" class="btn" disabled={!changed || !!base.gone} aria-pressed={comparing} onClick={() => setComparing(!comparing)}>Compare</button>
          <button type="button" class="btn quiet" disabled={!changed || !!base.gone} onClick={() => type(p.draft?.text ?? base.text)}>Discard changes</button>
          {!mine && <span class="dim">Needs role admin</span>}
          {mine && second && <span class="dim">{p.draft?.mine ? "Another admin puts it in force." : !p.draft ? "Save it as a draft; another admin puts it in force." : ""}</span>}
        </div>
        {keeping.failed && <Failure what="The draft was not saved." problem={keeping.failed} />}
        {conflict && <ConflictPanel conflict={conflict} base={base.text} mine={text} keep={() => goOn(conflict, false)} take={() => goOn(conflict, true)} />}
        {comparing && <Diff before={base.text} after={text} />}
        {changed && <Replay text={text} policy={p.name} readable={check?.ok === true || check?.findings.every((f) => f.severity !== "error") === true} />}
        {asking && <PutInForce text={text} policy={p.name} check={check} act={putInForce} close={() => setAsking(false)} />}
      </div>
      <aside aria-label="Simulator"><Simulator {...(changed ? { draft: text, policy: p.name } : {})} beside={p.name === null ? undefined : { policy: p.name, first: p.first ?? 0 }} broken={!!nodes.wrong} narrowPlace /></aside>
    </div>
  );
}

function FormView({ nodes, known, readOnly, make, picked, pick }: { nodes: Read; known: Record<string, string[]>; readOnly: boolean; make: (e: Edit | undefined) => void; picked: string | undefined; pick: (key: string) => void }) {
  return (
    <div class="stack tight" aria-label="Form" role="group">
      {nodes.wrong && <Note mood="warn" title={`Line ${nodes.wrong.line}: ${nodes.wrong.message}.`}>The form stands still until the text can be read again; below is the last text that could.</Note>}
      <PolicyForm root={nodes.root} tools={{ text: nodes.of, readOnly: readOnly || !!nodes.wrong, make, known }} picked={picked} pick={pick} />
      {Object.entries(known).map(([kind, names]) => <datalist id={`known-${kind}`}>{names.map((n) => <option value={n} />)}</datalist>)}
    </div>
  );
}

/** The rule where the caret stands, or that began last above it, in the words of the broker. */
function RuleAt({ check, text, caret }: { check: PolicyCheck | undefined; text: string; caret: number }) {
  const line = text.slice(0, caret).split("\n").length;
  const rule = check?.rules.filter((r) => r.line <= line).sort((a, b) => b.line - a.line)[0];
  if (!rule) return null;
  return <p class="sub" role="note" aria-label="The rule at the cursor"><b><Words text={rule.rule} /></b>, line {rule.line}: <Words text={rule.text} />.</p>;
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
