// What the API gateways found, as their connectors told it: who, where, with which numbers.
import { useState } from "preact/hooks";
import type { AuditRecord, Incident } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Clock, Facts, Head, Name, Note, Panel, State, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { Expect, GatewayTabs, judged } from "../parts/gateway";
import { all, Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count, day } from "../words";
import { may } from "../who";

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
/** What decides about requests that a detector would refuse: the reason and rule of its refusals. An owner rule, a budget: all of them. */
const deciders: Record<string, [reason: string, rule: string]> = {
  owner: ["owner", ""], bola: ["bola", ""], enumeration: ["enumeration", ""], credential: ["credential", ""], exfiltration: ["volume", "exfiltration"], budget: ["volume", "budget"],
  exposure: ["exposure", ""], function: ["function", ""], flow: ["flow", ""], scanner: ["scanner", ""],
};
/** What judges one request by itself needs no peers; all others learn from many. */
const exact = ["owner", "exposure", "budget", "inventory"];
const title = (i: Incident) => detectors[i.detector] ?? i.detector;

function Outcome({ i }: { i: Incident }) {
  if (i.blocked) return <State mood="bad" icon="stop">{count(i.blocked, "request")} refused</State>;
  if (i.mode === "block") return <State mood="bad">Blocks</State>;
  if (i.would_have_blocked) return <State mood="warn" icon="warn">Would refuse {count(i.would_have_blocked, "request")}</State>;
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
      <Head title="Incidents" crumbs={[["/apis", "APIs"]]}>{load.data && <>{load.data.total ? count(load.data.total, "incident") : "No incident"}{filtered ? " of this kind" : ""}; words and numbers are the connectors' own.</>}</Head>
      <GatewayTabs on="incidents" />
      <Filters views="incidents" chips={[
        { name: "detector", label: "Kind", choices: Object.entries(detectors).map(([value, text]) => ({ value, text })) },
        { name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.id, text: a.name })) ?? [] },
        ...(query.get("user") ? [{ name: "user", label: "User", choices: [] }] : [])]} />
      <Table<Incident> title="Incidents" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()}
        rowKey={(i) => i.id} filtered={filtered ? "No incident matches." : undefined}
        empty={<p>No incident yet. An app has them once its record has a <code>gateway</code> part with detectors.</p>}
        columns={[
          { head: "Incident", part: "main", cell: (i) => <><a href={`/incidents/${i.id}`}>{title(i)}</a><span class="two mono"><Words text={i.endpoint || "several endpoints"} /></span></> },
          { head: "Last", kind: "num nowrap", cell: (i) => <Clock at={i.last} /> },
          { head: "User", cell: (i) => i.user ? <a href={`/users/${i.user.id}`}><Name text={i.user.name} /></a> : <span class="dim">not known</span> },
          { head: "App", kind: "p2", cell: (i) => <a href={`/apps/${i.app.id}`}><Name text={i.app.name} /></a> },
          { head: "Evidence", kind: "p3", cell: (i) => <Words text={i.evidence?.[0] ?? ""} /> },
          { head: "Times", kind: "r p2", cell: (i) => (i.count ?? 1).toLocaleString("en") },
          { head: "Outcome", cell: (i) => <Outcome i={i} /> }]} />
    </>
  );
}

/** What the person did, besides: their records of a day around it. */
function Around({ i }: { i: Incident }) {
  const from = new Date(Date.parse(i.first) - 3_600_000).toISOString(), to = new Date(Date.parse(i.last) + 3_600_000).toISOString();
  const load = useLoad("auditList", { query: { user: i.user?.id ?? "", from, to, limit: 20 } }, i.user !== null);
  if (!i.user) return null;
  return <Table<AuditRecord> title="What they did around it" slim page={all(load.data?.items)} failed={load.failed} loading={load.loading} rowKey={(r) => `${r.shard}/${r.seq}`}
    header={<><h2>What they did around it</h2><a href={`/audit?user=${i.user.id}`}>All</a></>} empty={<p>Nothing else is in the audit log an hour before and after.</p>}
    columns={[
      { head: "Time", kind: "num nowrap", cell: (r) => <Clock at={r.time} /> },
      { head: "Action", part: "main", cell: (r) => <a href={`/audit?user=${i.user!.id}&record=${r.shard}/${r.seq}`}>{r.action}</a> },
      { head: "Object", kind: "p2", cell: (r) => <Name text={r.object?.name ?? ""} /> },
      { head: "What", cell: (r) => <Words text={r.text} /> }]} />;
}

/** Its detector refuses from now on, everywhere in the app: whom that would have touched stands in the question. */
function BlockNow({ i, close, done }: { i: Incident; close: () => void; done: (said: string) => void }) {
  const [reason, rule] = deciders[i.detector]!;
  const hits = useLoad("gatewayHits", { query: { app: i.app.id } });
  const app = useLoad("appGet", { path: { id: i.app.id } });
  const touched = hits.data?.items.filter((h) => h.reason === reason && (!rule || h.rule === rule)) ?? [];
  const sum = (f: (h: typeof touched[number]) => number) => touched.reduce((n, h) => n + f(h), 0);
  return (
    <Confirm title={`Block: ${title(i)}?`} verb="Switch to block" danger ready={app.data !== undefined && hits.data !== undefined} close={close}
      act={async () => {
        await call("gatewayMode", { path: { id: i.app.id }, body: { reason, rule, mode: "block" }, version: app.data!.version });
        done(`${title(i)}: ${i.app.name} refuses it now.`);
      }}>
      <p>{touched.length ? <>In the last 7 days it would have refused <b>{count(sum((h) => h.monitor), "request")}</b> of <b>{count(Math.max(...touched.map((h) => h.people)), "person", "people")}</b>. From now on it does, at every endpoint of <Name text={i.app.name} />.</>
        : <>It would have refused nothing in the last 7 days. From now on it does, at every endpoint of <Name text={i.app.name} />.</>}</p>
      <p>Only the word of its mode changes in the app's gateway text.</p>
    </Confirm>
  );
}

/* Whose part is in the numbers, where the site has other connectors. */
function known(i: Incident): string {
  const others = count(i.other_connectors, "other connector");
  if (!i.merged) return `One connector alone judged this: what ${others} of the site saw is not in these numbers.`;
  if (i.merged < i.other_connectors) return `What is usual is known from ${i.merged} of ${others} of the site too, as of the last hour; what the rest saw is not in these numbers.`;
  return `What is usual is known from ${others} too, as of the last hour.`;
}

export function IncidentPage({ id }: { id: string }) {
  const load = useLoad("incidentGet", { path: { id } });
  const [asking, setAsking] = useState<"expect" | "kill" | "block" | undefined>();
  const [until, setUntil] = useState("");
  const [killed, setKilled] = useState("");
  const [blocking, setBlocking] = useState("");
  const i = load.data;
  const crumbs: [string, string][] = [["/apis", "APIs"], ["/incidents", "Incidents"]];
  if (!i) return <><Head title="Incident" crumbs={crumbs} />{load.failed && <Failure what="This incident could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  const rows = judged({ ...i });
  const acts = may("operator") ? <>
    <button type="button" class="btn" onClick={() => setAsking("expect")}>Expected</button>
    {i.mode === "monitor" && deciders[i.detector] && !blocking && <button type="button" class="btn danger" disabled={!may("admin")} title={may("admin") ? undefined : "Needs role admin"} onClick={() => setAsking("block")}>Block now</button>}
    <a class="btn" href={`/apis?tab=block&app=${i.app.id}`}>What would block</a>
    {i.user && <button type="button" class="btn danger" onClick={() => setAsking("kill")}>End sessions</button>}</> : undefined;
  return (
    <>
      <Head title={title(i)} crumbs={crumbs} acts={acts}>Found {count(i.count ?? 1, "time")}, last <Ago at={i.last} />.</Head>
      {until && <Note mood="info" icon="check" title={`Expected until ${day(until)}.`}>The connectors of <Name text={i.app.name} /> know it: no more incidents and no blocks of this kind here.</Note>}
      {blocking && <Note mood="ok" title={blocking}>The connectors of the app have it in force in a moment; live sessions go on. <a href={`/apis/${i.app.id}/gateway`}>Look at the app's gateway</a>.</Note>}
      {killed && <Note mood="ok" title={killed} />}
      {i.mode === "monitor" && <Note mood="warn" title="Nothing was refused.">This detector is in <code>monitor</code>. {i.would_have_blocked ? `In block it would have refused ${count(i.would_have_blocked, "request")}.` : "In block no later request would have been refused so far."}</Note>}
      <div class="cols wide"><div class="stack">
        <Panel title="Evidence"><ul class="body">{(i.evidence ?? []).map((line) => <li><Words text={line} /></li>)}
          {i.other_connectors > 0 && !exact.includes(i.detector) && <li class="dim">{known(i)}</li>}</ul></Panel>
        <Around i={i} />
      </div><div class="stack">
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
        {rows.length > 0 && <Panel title="Latest request"><Facts rows={rows} /></Panel>}
      </div></div>
      {asking === "expect" && <Expect title="Are such incidents right as they are?" group close={() => setAsking(undefined)}
        act={async (to, reason, group) => { setUntil((await call("incidentExpect", { path: { id }, body: { until: to, reason, ...(group && { group }) } })).until); }}>
        <p>No more incidents and no blocks of this kind at this endpoint, for {i.user ? <Name text={i.user.name} /> : "this person"} or for a group.</p></Expect>}
      {asking === "block" && <BlockNow i={i} close={() => setAsking(undefined)} done={setBlocking} />}
      {asking === "kill" && i.user && <Confirm title={<>End all sessions of <Name text={i.user.name} />?</>} verb="End sessions" reason close={() => setAsking(undefined)}
        act={async (reason) => {
          const cut = await call("sessionKillMany", { body: { by: "user", id: i.user!.id, reason } });
          setKilled(`${count(cut.sessions.length, "session")} cut.`);
        }}>
        <p>All live sessions of this person, at every app, end at relay and connector. They may open it again while the policies allow it.</p></Confirm>}
    </>
  );
}
