// What happened; is the chain whole.
import { useState } from "preact/hooks";
import type { AuditRecord, Verification } from "../api";
import { call, send } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Clock, Facts, Head, Note, PartyLink, State, Words } from "../parts/basics";
import { Failure } from "../parts/failure";
import { judged } from "../parts/gateway";
import { Filters, Table } from "../parts/table";
import { narrow, usePlace } from "../route";
import { duration, exact, visible } from "../words";
import { may } from "../who";

export function RecordResult({ r }: { r: AuditRecord }) {
  if (r.result === "denied") return <State mood="bad">Denied</State>;
  if (r.result === "error") return <State mood="bad" icon="warn">Failed</State>;
  if (r.action === "session.kill" || r.action === "session.cut") return <State mood="warn" icon="stop">Cut</State>;
  return <State mood="ok">Done</State>;
}

/** "records 1 to 20": of each shard, where there are several. */
export function range(v: Pick<Verification, "shards">): string {
  const shards = v.shards.map((s) => `${v.shards.length > 1 ? `${s.shard}/` : ""}${s.from.toLocaleString("en")} to ${s.to.toLocaleString("en")}`);
  return `records ${shards.join(", ")}`;
}

export function Chain({ chain, verified }: { chain: Verification; verified: (v: Verification) => void }) {
  const act = useAct();
  const again = <button type="button" class="btn small" disabled={!may("operator") || act.busy} aria-busy={act.busy ? "true" : undefined}
    onClick={() => void act.run(async () => verified(await call("auditVerify", {})))}>Verify{chain.state === "never" ? "" : " again"}</button>;
  if (act.failed) return <Failure what="The chain could not be checked." problem={act.failed} />;
  if (chain.state === "broken") {
    const bad = chain.shards.find((s) => s.broken_at !== null)!;
    return <Note mood="bad" title={`Chain broken at record ${bad.shard}/${bad.broken_at}`} act={again}>
      Last good record {bad.shard}/{bad.to}, hash <code>{bad.hash}</code>. {bad.text} Export NDJSON before anything else.</Note>;
  }
  if (chain.state === "never") return <Note mood="warn" title="The chain was not checked since the broker started." act={again}>Each record holds the hash of the one before it.</Note>;
  return <Note mood="ok" title={`Chain verified, ${range(chain)}`} act={again}>Checked <Ago at={chain.at} />{chain.took_ms !== null && <> in {duration(chain.took_ms)}</>}.</Note>;
}

const spans = [{ value: "1", text: "last hour", ms: 3_600_000 }, { value: "24", text: "last 24 h", ms: 86_400_000 }, { value: "168", text: "last 7 days", ms: 604_800_000 }];
const actions = ["session.open", "session.deny", "session.cut", "session.kill", "login.", "device.", "posture.", "policy.", "app.", "connector.", "user.", "audit."];

export function AuditPage() {
  const { query } = usePlace();
  const span = spans.find((s) => s.value === query.get("span"));
  // Rounded, so that the query does not change with each drawing.
  const since = query.get("from") ?? "", known = !Number.isNaN(Date.parse(since)); // a figure's link names the moment that it counts from
  const end = query.get("to") ?? "", to = Number.isNaN(Date.parse(end)) ? "" : end;
  const from = span ? new Date(Math.floor(Date.now() / 60_000) * 60_000 - span.ms).toISOString() : known ? since : "";
  const filter = { from, to, action: query.get("action") ?? "", result: (query.get("result") ?? "") as AuditRecord["result"], user: query.get("user") ?? "", app: query.get("app") ?? "", q: query.get("q") ?? "", after: query.get("after") ?? "" };
  const load = useLoad("auditList", { query: filter });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const [fresh, setFresh] = useState<Verification | undefined>();
  const page = load.data;
  const picked = query.get("record") ?? "";
  const key = (r: AuditRecord) => `${r.shard}.${r.seq}`;
  const record = page?.items.find((r) => key(r) === picked);
  const filtered = ["span", "from", "to", "action", "result", "user", "app", "q"].some((k) => query.get(k));

  return (
    <>
      <Head title="Audit" acts={may("operator") && <><Export format="csv" filter={filter} /><Export format="ndjson" filter={filter} /><Export format="ocsf" filter={filter} /></>}>
        Each record is chained to the one before it, and is durable before what it tells of takes effect.</Head>
      {page && <Chain chain={fresh ?? page.chain} verified={setFresh} />}
      <Filters views="audit" find="Filter audit records" chips={[
        { name: "span", label: "Time", choices: spans },
        ...(known && !span ? [{ name: "from", label: "Since", choices: [{ value: since, text: exact(since) }] }] : []),
        ...(to ? [{ name: "to", label: "Until", choices: [{ value: end, text: exact(end) }] }] : []),
        { name: "action", label: "Action", choices: actions.map((a) => ({ value: a, text: a.endsWith(".") ? `${a}*` : a })) },
        { name: "result", label: "Result", choices: ["ok", "denied", "error"].map((value) => ({ value, text: value })) },
        { name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.id, text: a.name })) ?? [] },
        ...(query.get("user") ? [{ name: "user", label: "User", choices: [] }] : [])]} />
      <div class={record ? "cols edit" : "stack"}>
        <Table<AuditRecord> title="Audit records" page={page && { ...page, total: page.items.length, total_exact: true }} failed={load.failed} loading={load.loading} again={() => void load.reload()}
          rowKey={key} on={(r) => key(r) === picked} filtered={filtered ? "No record matches." : undefined} empty={<p>No record yet.</p>}
          columns={[
            { head: "Action", part: "main", cell: (r) => <a class="mono" href={`?${new URLSearchParams([...[...query].filter(([k]) => k !== "record"), ["record", key(r)]])}`}
              onClick={(e) => { e.preventDefault(); narrow({ record: key(r), after: query.get("after") ?? "" }); }}>{visible(r.action)}</a> },
            { head: "Time", kind: "num nowrap", cell: (r) => <Clock at={r.time} /> },
            { head: "Actor", kind: "p2", cell: (r) => <span class="nowrap"><PartyLink to={r.actor} /></span> },
            { head: "Object", cell: (r) => <PartyLink to={r.object} /> },
            { head: "Detail", kind: "p3", cell: (r) => <Words text={r.text} /> },
            { head: "Result", cell: (r) => <RecordResult r={r} /> },
            { head: "Record", kind: "r p2", cell: (r) => r.seq.toLocaleString("en") },
            { head: "Why", part: "act", cell: (r) => r.request_id && r.action.startsWith("session.") && <a class="btn small quiet" href={`/why/${r.request_id}`}>Why<span class="vh"> record {r.seq}</span></a> }]} />
        {record && <Whole r={record} />}
      </div>
    </>
  );
}

function Whole({ r }: { r: AuditRecord }) {
  const lines = JSON.stringify(r, null, 2).split("\n");
  const said = r.details.connector as Record<string, unknown> | undefined;
  const rows = r.action.startsWith("gateway.") && said ? judged(said) : [];
  return (
    <aside class="stack" aria-label="Selected record">
      <section class="panel" aria-label={`Record ${r.seq}`}><header><h2>Record {r.shard}/{r.seq.toLocaleString("en")}</h2>
        {r.request_id && <a class="btn small" href={`/why/${r.request_id}`}>Why</a>}</header>
        <div class="body"><p><Words text={r.text || r.action} /></p></div>
        {rows.length > 0 && <Facts rows={rows} />}
        <div class="code wrap"><pre tabIndex={0} aria-label="Record as JSON" role="region">{lines.map((l) => <span>{visible(l)}</span>)}</pre></div></section>
    </aside>
  );
}

/** Fetched with our header and saved from memory, so that a link from elsewhere can't start it. */
function Export({ format, filter }: { format: "csv" | "ndjson" | "ocsf"; filter: Record<string, string> }) {
  const act = useAct();
  const save = () => act.run(async () => {
    const { q: _, ...query } = filter;
    const answer = await send("auditExport", { query: { ...query, after: "", format } } as never);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `audit.${format}${format === "ocsf" ? ".ndjson" : ""}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return <button type="button" class="btn" disabled={act.busy} aria-busy={act.busy ? "true" : undefined} title={act.failed?.detail} onClick={() => void save()}>
    {act.failed ? `${format.toUpperCase()} failed, try again` : `Export ${format.toUpperCase()}`}</button>;
}

