// Which apps are reachable, who may ask; one app with its test, add, edit and remove.
import { useState } from "preact/hooks";
import type { App, AppInput, AppTest } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Badge, Copy, Facts, Head, Name, Note, Panel, RefLink, State, Tabs, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Filters, Table } from "../parts/table";
import { go, narrow, usePlace } from "../route";
import { count, duration, visible } from "../words";
import { may } from "../who";
import { AppForm } from "./appform";

export function AppState({ app }: { app: App }) {
  if (app.state === "no_connector") return <State mood="bad">No connector</State>;
  if (app.state === "no_policy") return <State mood="warn">Nobody may ask</State>;
  return <State mood="ok">Reachable</State>;
}

export function inputOf(app: App): AppInput {
  const { name, description, type, host, port, labels, limits, cut_through } = app;
  return { name, description, site: app.site.id, type, host, port, labels, limits, cut_through };
}

const types = ["tcp", "http", "ssh"].map((value) => ({ value, text: value }));

export function AppsPage() {
  const { query } = usePlace();
  const filter = { q: query.get("q") ?? "", site: query.get("site") ?? "", type: (query.get("type") ?? "") as App["type"], after: query.get("after") ?? "" };
  const load = useLoad("appList", { query: filter });
  const sites = useLoad("siteList", { query: { limit: 200 } });
  const apps = load.data?.items ?? [];
  const down = apps.filter((a) => a.state === "no_connector").length;
  const unasked = apps.filter((a) => a.state === "no_policy").length;
  const add = <button type="button" class="btn main" disabled={!may("admin")} onClick={() => narrow({ add: "1" }, false)}>Add app</button>;

  if (query.get("add") && may("admin") && sites.data) return <AppForm sites={sites.data.items} close={() => go("/apps", true)}
    save={async (body) => go(`/apps/${(await call("appCreate", { body })).id}`)} />;
  return (
    <>
      <Head title="Apps" acts={<>{add}{!may("admin") && <span class="dim">Needs role admin</span>}</>}>
        {load.data && <>{count(load.data.total, "app")}. Each is reached alone; no network is shared.
          {down > 0 && ` ${down === 1 ? "One has" : `${down} have`} no connector.`}{unasked > 0 && ` ${unasked === 1 ? "One is" : `${unasked} are`} named by no policy.`}</>}
      </Head>
      <Filters views="apps" find="Filter apps" chips={[
        { name: "type", label: "Type", choices: types },
        { name: "site", label: "Site", choices: sites.data?.items.map((s) => ({ value: s.id, text: s.name })) ?? [] }]} />
      <Table<App> title="Apps" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(a) => a.id}
        filtered={query.size ? "No app matches." : undefined}
        empty={<><p>No app yet. An app is one address behind a connector: a name, a site, a host and a port. People reach it and nothing beside it.</p>{may("admin") && add}</>}
        columns={[
          { head: "App", part: "main", cell: (a) => <><a href={`/apps/${a.id}`}><Name text={a.name} /></a><span class="two"><Words text={a.description} /></span></> },
          { head: "Type", kind: "p2", cell: (a) => <Badge>{a.type}</Badge> },
          { head: "Address", cell: (a) => <span class="mono trunc"><Name text={`${a.host}:${a.port}`} /></span> },
          { head: "Site", cell: (a) => <a href={`/sites?site=${a.site.id}`}><Name text={a.site.name} /></a> },
          { head: "Policies", kind: "p3", cell: (a) => a.policies.length ? <Words text={a.policies.join(", ")} /> : <span class="dim">nobody: no policy names it</span> },
          { head: "Level", kind: "p3", cell: (a) => a.level },
          { head: "Live", kind: "r", cell: (a) => a.sessions_live ? <a href={`/sessions?app=${a.id}`}>{a.sessions_live}</a> : 0 },
          { head: "State", cell: (a) => <AppState app={a} /> }]} />
    </>
  );
}

export function AppPage({ id }: { id: string }) {
  const { query } = usePlace();
  const load = useLoad("appGet", { path: { id } });
  const sites = useLoad("siteList", { query: { limit: 200 } });
  const [removing, setRemoving] = useState(false);
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
        <a class="btn" href={`${path}?tab=edit`} aria-disabled={may("admin") ? undefined : "true"}>Edit</a>
        {may("admin") && <button type="button" class="btn quiet danger-text" onClick={() => setRemoving(true)}>Remove</button>}</>}>
        {app.description && <><Words text={app.description} />. </>}{app.state === "reachable" ? "A connector stands ready." : app.state === "no_connector" ? "No connector of its site is online, so nobody can open it." : "No enforced policy has an allow rule for it, so nobody may ask."}
      </Head>
      <Tabs label="App" tabs={[{ to: path, text: "About", on: !query.get("tab") }, { to: `${path}?tab=test`, text: "Test", on: query.get("tab") === "test" }]} />
      {query.get("tab") === "test" ? <Test app={app} /> : <About app={app} />}
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

function limit(text: string | undefined): string {
  return text ?? "as the policies say";
}

function About({ app }: { app: App }) {
  return (
    <div class="cols two">
      <Panel title="Record"><Facts rows={[
        ["Site", <a href={`/sites?site=${app.site.id}`}><Name text={app.site.name} /></a>],
        ["Type", app.type],
        ["Address", <span class="mono"><Name text={`${app.host}:${app.port}`} /></span>],
        ["Labels", Object.entries(app.labels).length ? <span class="tokens">{Object.entries(app.labels).map(([k, v]) => <span class="token">{k}: <Name text={v} /></span>)}</span> : "none"],
        ["Level", app.level],
        ["Cut-through", app.cut_through === "auto" ? "where both ends can" : "off for this app"],
        ["Session at most", limit(app.limits.session_max)],
        ["Idle at most", limit(app.limits.idle)],
        ["Decided again", limit(app.limits.reverify)],
        ["Version", <>{app.version}, <Ago at={app.changed_at} /></>]]} /></Panel>
      <div class="stack">
        <Panel title="Access"><Facts rows={[
          ["State", <AppState app={app} />],
          ["Policies", app.policies.length ? <>{app.policies.map((p, i) => <>{i > 0 && ", "}<a href={`/policies/${p}`}>{p}</a></>)}</> : "none with an allow rule"],
          ["Live sessions", <a href={`/sessions?app=${app.id}`}>{app.sessions_live}</a>],
          ["Denials", <a href={`/audit?action=session.deny&app=${app.id}`}>in the audit log</a>]]} /></Panel>
        <Panel title="What people type"><Copy label="Copy the command" text={app.type === "ssh" ? `sallyport ssh ${app.name}` : `sallyport connect ${app.name}`} /></Panel>
      </div>
    </div>
  );
}

const said: Record<AppTest["result"], string> = {
  ok: "Connected", refused: "Refused: the port is closed", no_answer: "No answer in 5 s: filtered or down", name: "The name was not found",
  floor: "The floor file refuses it", record: "The connector has no record of it yet", unreachable: "No route to it", no_connector_answer: "The connector did not answer",
};

function Test({ app }: { app: App }) {
  const act = useAct();
  const [results, set] = useState<AppTest[] | undefined>();
  const run = () => void act.run(async () => set((await call("appTest", { path: { id: app.id } })).results));
  return (
    <>
      <div><button type="button" class="btn" disabled={!may("operator") || act.busy} aria-busy={act.busy ? "true" : undefined} onClick={run}>Test app</button></div>
      {act.failed && <Failure what="The test did not run." problem={act.failed} again={run} />}
      {results?.length === 0 && <Note mood="bad" title="No connector of this site is online.">Nothing was dialled.</Note>}
      {results && results.length > 0 && <Table<AppTest> title="Dial results" slim page={all(results)} rowKey={(r) => r.connector.id} empty={null}
        columns={[
          { head: "Connector", part: "main", cell: (r) => <RefLink to={r.connector} at="connectors" /> },
          { head: "Result", cell: (r) => r.result === "ok" ? <State mood="ok">{said.ok}</State> : <State mood="bad">{said[r.result]}</State> },
          { head: "Address", cell: (r) => r.address ? <span class="mono">{visible(r.address)}</span> : <span class="dim">none</span> },
          { head: "Detail", kind: "p2", cell: (r) => <Words text={r.text} /> },
          { head: "Took", kind: "r", cell: (r) => r.took_ms === null ? <span class="dim">unknown</span> : duration(r.took_ms) }]} />}
      {!results && !act.failed && <p class="sub">Each connector of site <Name text={app.site.name} /> that is online dials <code>{visible(app.host)}:{app.port}</code> once, through its own floor file, and closes.</p>}
    </>
  );
}
