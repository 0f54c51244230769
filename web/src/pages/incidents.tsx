// What the API gateways found, as their connectors told it: who, where, with which numbers.
import type { Incident } from "../api";
import { useLoad } from "../load";
import { Ago, Clock, Facts, Head, Name, Note, Panel, State, Words } from "../parts/basics";
import { Failure } from "../parts/failure";
import { Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count } from "../words";

/** A detector's word, and what it says of somebody. */
const detectors: Record<string, string> = {
  owner: "Somebody else's object",
  bola: "Objects of other people",
  enumeration: "Walking through objects",
  credential: "Guessing at logins",
  exfiltration: "Unusually much data",
  budget: "Over a budget",
  exposure: "Sensitive data in an answer",
  function: "A function of another group",
  flow: "Steps left out",
  scanner: "Looking for paths",
  inventory: "The inventory is full",
};
const title = (i: Incident) => detectors[i.detector] ?? i.detector;

function Outcome({ i }: { i: Incident }) {
  if (i.blocked) return <State mood="bad" icon="stop">{count(i.blocked, "request")} refused</State>;
  if (i.mode === "block") return <State mood="bad">Blocks</State>;
  if (i.would_have_blocked) return <State mood="warn" icon="warn">{count(i.would_have_blocked, "request")} would have been refused</State>;
  return <State mood="warn" icon="warn">Monitor only</State>;
}

export function IncidentsPage() {
  const { query } = usePlace();
  const filter = { detector: query.get("detector") ?? "", user: query.get("user") ?? "", app: query.get("app") ?? "", after: query.get("after") ?? "" };
  const load = useLoad("incidentList", { query: filter });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const filtered = ["detector", "user", "app"].some((k) => query.get(k));

  return (
    <>
      <Head title="Incidents">What the gateways of HTTP apps found. Words and numbers are the connectors' own.</Head>
      <Filters chips={[
        { name: "detector", label: "Kind", choices: Object.entries(detectors).map(([value, text]) => ({ value, text })) },
        { name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.id, text: a.name })) ?? [] },
        ...(query.get("user") ? [{ name: "user", label: "User", choices: [] }] : [])]} />
      <Table<Incident> title="Incidents" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()}
        rowKey={(i) => i.id} filtered={filtered ? "No incident matches." : undefined}
        empty={<p>No incident yet. An app has them once its record has a <code>gateway</code> part with detectors.</p>}
        columns={[
          { head: "Incident", part: "main", cell: (i) => <a href={`/incidents/${i.id}`}>{title(i)}</a> },
          { head: "Last", kind: "num nowrap", cell: (i) => <Clock at={i.last} /> },
          { head: "User", cell: (i) => i.user ? <a href={`/users/${i.user.id}`}><Name text={i.user.name} /></a> : <span class="dim">not known</span> },
          { head: "App", kind: "p2", cell: (i) => <a href={`/apps/${i.app.id}`}><Name text={i.app.name} /></a> },
          { head: "Endpoint", kind: "p3", cell: (i) => <span class="mono"><Words text={i.endpoint || "several"} /></span> },
          { head: "Times", kind: "r p2", cell: (i) => (i.count ?? 1).toLocaleString("en") },
          { head: "Outcome", cell: (i) => <Outcome i={i} /> }]} />
    </>
  );
}

export function IncidentPage({ id }: { id: string }) {
  const load = useLoad("incidentGet", { path: { id } });
  const i = load.data;
  const crumbs: [string, string][] = [["/incidents", "Incidents"]];
  if (!i) return <><Head title="Incident" crumbs={crumbs} />{load.failed && <Failure what="This incident could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  return (
    <>
      <Head title={title(i)} crumbs={crumbs}>Found {count(i.count ?? 1, "time")}, last <Ago at={i.last} />.</Head>
      {i.mode === "monitor" && <Note mood="warn" title="Nothing was refused.">This detector is in <code>monitor</code>. {i.would_have_blocked ? `In block it would have refused ${count(i.would_have_blocked, "request")}.` : "In block no later request would have been refused so far."}</Note>}
      <Panel title="Evidence"><ul class="body">{(i.evidence ?? []).map((line) => <li><Words text={line} /></li>)}</ul></Panel>
      <Panel title="Incident"><Facts rows={[
        ["User", i.user ? <a href={`/users/${i.user.id}`}><Name text={i.user.name} /></a> : "not known"],
        ["App", <a href={`/apps/${i.app.id}`}><Name text={i.app.name} /></a>],
        ["Endpoint", <span class="mono"><Words text={i.endpoint || "several"} /></span>],
        ["Outcome", <Outcome i={i} />],
        ["Score", i.score === undefined ? "none" : `${i.score.toLocaleString("en")}, threshold ${(i.threshold ?? 0).toLocaleString("en")}`],
        ["First", <Clock at={i.first} />],
        ["Last", <Clock at={i.last} />],
        ["Live sessions", i.user ? <a href={`/sessions?user=${i.user.id}&app=${i.app.id}`}>of this user at this app</a> : "not known"],
        ["Audit", <a href={`/audit?action=gateway.incident&app=${i.app.id}`}>records of this app</a>]]} /></Panel>
    </>
  );
}
