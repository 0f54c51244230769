// One app: who is in, who was refused and why, whether its connectors reach it, and its record.
import { useState } from "preact/hooks";
import type { App, AppTest, AuditRecord, Session } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Clock, Copy, Facts, Head, Name, Note, Panel, PartyLink, RefLink, State, Until, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { go, usePlace } from "../route";
import { bytes, count, duration, visible } from "../words";
import { may } from "../who";
import { AppForm } from "./appform";
import { AppState } from "./apps";
import { SessionState } from "./sessions";

const FEW = 8, COUNTED = 200, WEEK_MS = 7 * 86_400_000, HOUR_MS = 3_600_000;

export function AppPage({ id }: { id: string }) {
  const { query } = usePlace();
  const load = useLoad("appGet", { path: { id } });
  const sites = useLoad("siteList", { query: { limit: 200 } });
  const [removing, setRemoving] = useState(false);
  const test = useTest(id);
  const app = load.data;
  if (load.failed && !app) return <><Head title="App" crumbs={[["/apps", "Apps"]]} /><Failure what="This app could not be read." problem={load.failed} again={() => void load.reload()} /></>;
  if (!app) return <Head title="App" crumbs={[["/apps", "Apps"]]} />;
  const path = `/apps/${id}`;

  if (query.get("tab") === "edit") return <AppForm app={app} sites={sites.data?.items ?? [app.site as never]} close={() => go(path)}
    save={async (body, version) => {
      await call("appUpdate", { path: { id }, body, version });
      await load.reload();
      go(path);
    }} />;
  return (
    <>
      <Head title={<Name text={app.name} />} crumbs={[["/apps", "Apps"]]} acts={<>
        <button type="button" class="btn" disabled={!may("operator") || test.busy} aria-busy={test.busy ? "true" : undefined} onClick={test.run}>Test connection</button>
        <a class="btn" href={`${path}?tab=edit`} aria-disabled={may("admin") ? undefined : "true"}>Edit</a>
        {may("admin") && <button type="button" class="btn quiet danger-text" onClick={() => setRemoving(true)}>Remove</button>}</>}>
        {app.description && <><Words text={app.description} />. </>}{app.state === "reachable" ? "A connector stands ready." : app.state === "no_connector" ? "No connector of its site is online, so nobody can open it." : "No enforced policy has an allow rule for it, so nobody may ask."}
      </Head>
      {app.level === "L0" && <Note mood="warn" title="Level L0: whoever holds the broker or the relay could read what passes.">See the threat model before it carries secrets.</Note>}
      <Body app={app} test={test} />
      {removing && (
        <Confirm title={<>Remove app <Name text={app.name} />?</>} verb="Remove app" typed={app.name} close={() => setRemoving(false)}
          act={async () => {
            await call("appRemove", { path: { id }, version: app.version });
            go("/apps");
          }}>
          <p>{app.sessions_live ? `${count(app.sessions_live, "live session")} will be cut. ` : "No session is live. "}Policies that name it keep their text.</p>
        </Confirm>)}
    </>
  );
}

/** More than are read at once are not counted. */
const counted = (page: { items: unknown[]; next: string | null } | undefined) => page === undefined ? "–" : page.next ? `over ${page.items.length}` : String(page.items.length);

function Body({ app, test }: { app: App; test: Test }) {
  // By the hour, so that the query does not change with each drawing.
  const from = new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - WEEK_MS).toISOString();
  const live = useLoad("sessionList", { query: { app: app.id, limit: FEW } });
  const denied = useLoad("auditList", { query: { action: "session.deny", app: app.id, from, limit: COUNTED } });
  const opened = useLoad("auditList", { query: { action: "session.open", app: app.id, from, limit: COUNTED } });
  const record = (action: string) => `/audit?action=${action}&app=${app.id}&from=${encodeURIComponent(from)}`;
  const people = (rows: AuditRecord[] | undefined) => rows?.length ? count(new Set(rows.map((r) => r.actor.id)).size, "person", "people") : "nobody";
  return (
    <>
      <div class="stats">
        <a href={`/sessions?app=${app.id}`}><b>{live.data?.total.toLocaleString("en") ?? "–"}</b>live sessions<small>{live.data?.total ? "open now" : "nobody is in"}</small></a>
        <a href={record("session.open")}><b>{counted(opened.data)}</b>opened, last 7 days<small>{people(opened.data?.items)}</small></a>
        <a href={record("session.deny")}><b>{counted(denied.data)}</b>denied, last 7 days<small>{people(denied.data?.items)}</small></a>
      </div>
      <div class="cols wide">
        <div class="stack">
          <TestResult app={app} test={test} />
          <Table<Session> title="Live sessions" slim page={all(live.data?.items)} failed={live.failed} loading={live.loading} again={() => void live.reload()} rowKey={(s) => s.id}
            header={<><h2>Live sessions</h2><a href={`/sessions?app=${app.id}`}>All {live.data?.total.toLocaleString("en")}</a></>} empty={<p>Nobody is in.</p>}
            columns={[
              { head: "User", part: "main", cell: (s) => <RefLink to={s.user} at="users" /> },
              { head: "Device", kind: "p2", cell: (s) => <RefLink to={s.device} at="devices" /> },
              { head: "Opened", kind: "r", cell: (s) => <Clock at={s.opened} /> },
              { head: "Ends", kind: "r", cell: (s) => <Until at={s.deadline} /> },
              { head: "Sent to user", kind: "r p2", cell: (s) => bytes(s.bytes_down) },
              { head: "State", cell: (s) => <SessionState s={s} /> },
              { head: "Actions", part: "act", cell: (s) => <a class="btn small quiet" href={`/sessions/${s.id}`}>Details<span class="vh"> of the session of {visible(s.user.name)}</span></a> }]} />
          <Table<Denial> title="Denied, last 7 days" slim page={denied.data && all(byPerson(denied.data.items))} failed={denied.failed} loading={denied.loading} again={() => void denied.reload()} rowKey={(d) => d.key}
            header={<><h2>Denied, last 7 days</h2><a href={record("session.deny")}>All {counted(denied.data)}</a></>} empty={<p>Nobody was refused.</p>}
            columns={[
              { head: "User", part: "main", cell: ({ last }) => <PartyLink to={last.actor} /> },
              { head: "Reason", cell: ({ last }) => <Words text={last.text} /> },
              { head: "Times", kind: "r", cell: ({ last, times }) => last.actor.id ? <a href={`${record("session.deny")}&user=${last.actor.id}`}>{times}</a> : times },
              { head: "Last", kind: "r nowrap", cell: ({ last }) => <Ago at={last.time} /> },
              { head: "Why", part: "act", cell: ({ last }) => last.request_id && <a class="btn small" href={`/why/${last.request_id}`}>Why<span class="vh"> was {visible(last.actor.name)} denied</span></a> }]} />
        </div>
        <div class="stack">
          <AppRecord app={app} />
          <Panel title="How people connect"><Copy label="Copy the command" text={app.type === "ssh" ? `sallyport ssh ${app.name}` : `sallyport connect ${app.name}`} />
            {app.type !== "ssh" && <p class="sub">Or any program, to the address that <code>sallyport apps</code> shows while the agent runs.</p>}</Panel>
        </div>
      </div>
    </>
  );
}

interface Denial { key: string; times: number; last: AuditRecord }

/** One row a person and reason, newest first; how old a fact was is no other reason. */
function byPerson(records: AuditRecord[]): Denial[] {
  const found = new Map<string, Denial>();
  for (const r of records) {
    const key = `${r.actor.id} ${r.text.replace(/ \([^()]* ago\)/g, "")}`, old = found.get(key);
    if (old) old.times++;
    else found.set(key, { key, times: 1, last: r });
  }
  return [...found.values()].slice(0, FEW);
}

const limit = (text: string | undefined) => text ?? "as the policies say";

function AppRecord({ app }: { app: App }) {
  return (
    <Panel title="App record"><Facts rows={[
      ["State", <AppState app={app} />],
      ["Type", app.type],
      ["Target", <span class="mono"><Name text={`${app.host}:${app.port}`} /></span>],
      ["Level", app.level],
      ["Site", <a href={`/sites?site=${app.site.id}`}><Name text={app.site.name} /></a>],
      ["Policies", app.policies.length ? <>{app.policies.map((p, i) => <>{i > 0 && ", "}<a href={`/policies/${p}`}>{p}</a></>)}</> : "none with an allow rule"],
      ["Labels", Object.entries(app.labels).length ? <span class="tokens">{Object.entries(app.labels).map(([k, v]) => <span class="token">{k}: <Name text={v} /></span>)}</span> : "none"],
      ["Session at most", limit(app.limits.session_max)],
      ["Idle at most", limit(app.limits.idle)],
      ["Decided again", limit(app.limits.reverify)],
      ["Cut-through", app.cut_through === "auto" ? "where both ends can" : "off for this app"],
      ["Record", <>version {app.version}, <Ago at={app.changed_at} /></>],
      ["History", <a href={`/audit?action=app.&app=${app.id}`}>who changed it</a>]]} /></Panel>
  );
}

const said: Record<AppTest["result"], string> = {
  ok: "Connected", refused: "Refused: the port is closed", no_answer: "No answer in 5 s: filtered or down", name: "The name was not found",
  floor: "The floor file refuses it", record: "The connector has no record of it yet", unreachable: "No route to it", no_connector_answer: "The connector did not answer",
};

function useTest(id: string) {
  const act = useAct();
  const [results, set] = useState<AppTest[] | undefined>();
  const run = () => void act.run(async () => set((await call("appTest", { path: { id } })).results));
  return { results, run, busy: act.busy, failed: act.failed };
}
type Test = ReturnType<typeof useTest>;

function TestResult({ app, test }: { app: App; test: Test }) {
  const { results, failed, run } = test;
  if (failed) return <Failure what="The test did not run." problem={failed} again={run} />;
  if (results?.length === 0) return <Note mood="bad" title="No connector of this site is online.">Nothing was dialled.</Note>;
  return (
    <Table<AppTest> title="Connection from each connector" slim page={all(results ?? [])} rowKey={(r) => r.connector.id} header={<h2>Connection from each connector</h2>}
      empty={<p>Not tested on this page. Each connector of site <Name text={app.site.name} /> that is online dials <code>{visible(app.host)}:{app.port}</code> once, through its own floor file, and closes.</p>}
      columns={[
        { head: "Connector", part: "main", cell: (r) => <RefLink to={r.connector} at="connectors" /> },
        { head: "Result", cell: (r) => r.result === "ok" ? <State mood="ok">{said.ok}</State> : <State mood="bad">{said[r.result]}</State> },
        { head: "Address", cell: (r) => r.address ? <span class="mono">{visible(r.address)}</span> : <span class="dim">none</span> },
        { head: "Detail", kind: "p2", cell: (r) => <Words text={r.text} /> },
        { head: "Took", kind: "r", cell: (r) => r.took_ms === null ? <span class="dim">unknown</span> : duration(r.took_ms) }]} />
  );
}
