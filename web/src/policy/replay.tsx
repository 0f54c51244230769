// What a draft would have made of the last days' decisions, and of the sessions that live now. The numbers
// stand here before it is put in force and again in the question; nobody widens access without having
// read that.
import { useEffect, useState } from "preact/hooks";
import type { PolicyCheck, PolicyReplay } from "../api";
import { call } from "../client";
import { useAct } from "../load";
import { Clock, Name, Note, Panel, RefLink, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count, duration, exact, visible } from "../words";

const DAYS = [1, 7, 30];

function ask(text: string, policy: string | null, days: number, signal?: AbortSignal): Promise<PolicyReplay> {
  return call("policyReplay", { body: { text, days, ...(policy !== null && { policy }) } }, signal);
}

export function Numbers({ r }: { r: PolicyReplay }) {
  const of = (c: { decisions: number; people: number }) => c.decisions ? <><b class="num">{c.decisions.toLocaleString("en")}</b> of {count(c.people, "person", "people")}</> : <span class="num">0</span>;
  return (
    <dl class="kv">
      <dt>Same result</dt><dd class="num">{r.same.toLocaleString("en")}</dd>
      <dt>Newly denied</dt><dd>{of(r.newly_denied)}</dd>
      <dt>Newly allowed</dt><dd>{of(r.newly_allowed)}</dd>
      {r.newly_step_up.decisions > 0 && <><dt>Newly asked for a code</dt><dd>{of(r.newly_step_up)}</dd></>}
      <dt>Undecidable</dt><dd class="num">{r.undecidable.toLocaleString("en")}{r.undecidable > 0 && <span class="dim"> their facts were not kept</span>}</dd>
      <dt>Cut when in force</dt><dd>{r.live.cut ? <a href="/sessions">{r.live.cut} of {count(r.live.total, "live session")}</a> : <span class="num">0 of {r.live.total}</span>}</dd>
    </dl>
  );
}

export function Replay({ text, policy, readable }: { text: string; policy: string | null; readable: boolean }) {
  const [days, setDays] = useState(7);
  const [got, set] = useState<{ r: PolicyReplay; of: string; ms: number } | undefined>();
  const act = useAct();
  const run = () => act.run(async () => {
    const began = performance.now();
    set({ r: await ask(text, policy, days), of: text, ms: performance.now() - began });
  });
  const old = got && got.of !== text;
  return (
    <>
      <Panel title="Replay" end={got && <span class="dim num">{duration(got.ms)}</span>}>
        <div class="filters">
          <select class="sel cell" aria-label="Days to replay" value={days} onChange={(e) => setDays(Number(e.currentTarget.value))}>{DAYS.map((d) => <option value={d}>{count(d, "day")}</option>)}</select>
          <button type="button" class="btn" disabled={!readable || act.busy} aria-busy={act.busy ? "true" : undefined} onClick={() => void run()}>Replay{got ? " again" : ""}</button></div>
        {act.failed && <Failure what="The replay did not run." problem={act.failed} />}
        {!got && <p class="sub">The logged decisions of the last days, decided again by this text with the facts of their moment. Nothing is stored.</p>}
        {got && <>
          {old && <p class="sub" role="status">Of an earlier text. Replay again for this one.</p>}
          <p class="sub">{count(got.r.decisions, "logged decision")} since {exact(got.r.since)}{!got.r.complete && ", newest first: it did not reach back that far"}.</p>
          <Numbers r={got.r} /></>}
      </Panel>
      {got && got.r.people.length > 0 && (
        <Table<PolicyReplay["people"][number]> title="What changes, by person" slim page={all(got.r.people)} rowKey={(p) => `${p.change} ${p.user?.id}`} empty={null} header={<h2>What changes, by person</h2>}
          columns={[{ head: "User", part: "main", cell: (p) => <span class="who"><RefLink to={p.user} at="users" /></span> },
            { head: "Would be", cell: (p) => words[p.change] }, { head: "Times", kind: "r", cell: (p) => p.decisions.toLocaleString("en") },
            { head: "First reason", cell: (p) => <Words text={p.reason} /> },
            { head: "Newest", kind: "p2", cell: (p) => p.request_id ? <a href={`/why/${p.request_id}`}><Clock at={p.time} /></a> : <Clock at={p.time} /> }]} />)}
      {got && got.r.live.sessions.length > 0 && (
        <Table<PolicyReplay["live"]["sessions"][number]> title="Live sessions that would be cut" slim page={all(got.r.live.sessions)} rowKey={(s) => s.id} empty={null} header={<h2>Live sessions that would be cut</h2>}
          columns={[{ head: "User", part: "main", cell: (s) => <RefLink to={s.user} at="users" /> }, { head: "App", cell: (s) => <RefLink to={s.app} at="apps" /> }, { head: "Reason", cell: (s) => <Words text={s.reason} /> }]} />)}
    </>
  );
}

const words: Record<string, string> = { denied: "denied", allowed: "allowed", step_up: "asked for a code" };

/** The question before a text decides: the four numbers of the last 7 days, read anew for this text. */
export function PutInForce({ text, policy, check, act, close }: { text: string; policy: string | null; check: PolicyCheck | undefined; act: () => Promise<void>; close: () => void }) {
  const [r, set] = useState<PolicyReplay | undefined>();
  const [known, setKnown] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const control = new AbortController();
    ask(text, policy, 7, control.signal).then(set, () => !control.signal.aborted && setFailed(true));
    return () => control.abort();
  }, []);
  const widens = failed || (r !== undefined && (r.newly_allowed.decisions > 0 || r.undecidable > 0));
  return (
    <Confirm title={policy === null ? "Put this text in force?" : <>Put <Name text={policy} /> in force?</>} verb="Put in force" danger={false} ready={(r !== undefined || failed) && (!widens || known)} close={close} act={act}>
      <div class="stack tight">
        <p>It decides from the moment that it is saved. Live sessions that it no longer allows are cut.</p>
        {check && check.findings.length > 0 && <Note mood="warn" title={`The lint found ${count(check.findings.length, "thing")}.`}>{visible(check.findings[0]!.text)}</Note>}
        <p class="sub">{r ? `Replay of 7 days, ${count(r.decisions, "decision")}:` : failed ? "The replay did not run, so what it would change is not known." : "Replaying the last 7 days."}</p>
        {r && <Numbers r={r} />}
        {widens && <label class="pick"><input type="checkbox" checked={known} onChange={(e) => setKnown(e.currentTarget.checked)} /><span>I have read this<small>{r?.newly_allowed.decisions ? `It newly lets in ${count(r.newly_allowed.people, "person", "people")}.` : "What it changes is not known in full."}</small></span></label>}
      </div>
    </Confirm>
  );
}
