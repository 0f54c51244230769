// Which apps are reachable, and who may ask.
import type { App, AppInput } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Badge, Head, Name, State, Words } from "../parts/basics";
import { Filters, isFiltered, Table } from "../parts/table";
import { go, narrow, usePlace } from "../route";
import { count } from "../words";
import { may } from "../who";
import { AppForm } from "./appform";
import { AppImport } from "./appimport";

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
  const filter = { q: query.get("q") ?? "", site: query.get("site") ?? "", type: (query.get("type") ?? "") as App["type"], asked: (query.get("asked") ?? "") as "nobody", after: query.get("after") ?? "" };
  const load = useLoad("appList", { query: filter });
  const sites = useLoad("siteList", { query: { limit: 200 } });
  const apps = load.data?.items ?? [];
  const down = apps.filter((a) => a.state === "no_connector").length;
  const unasked = apps.filter((a) => a.state === "no_policy").length;
  const add = <button type="button" class="btn main" disabled={!may("admin")} onClick={() => narrow({ add: "1" }, false)}>Add app</button>;

  if (query.get("add") && may("admin") && sites.data) return <AppForm sites={sites.data.items} close={() => go("/apps", true)}
    save={async (body) => go(`/apps/${(await call("appCreate", { body })).id}`)} />;
  if (query.get("import") && may("admin") && sites.data) return <AppImport sites={sites.data.items} close={() => { go("/apps", true); void load.reload(); }} />;
  return (
    <>
      <Head title="Apps" acts={<>{may("admin") && <a class="btn" href="/apps?import=1">Import from file</a>}{add}{!may("admin") && <span class="dim">Needs role admin</span>}</>}>
        {load.data && <>{count(load.data.total, "app")}. Each is reached alone; no network is shared.
          {down > 0 && ` ${down === 1 ? "One has" : `${down} have`} no connector.`}{unasked > 0 && ` ${unasked === 1 ? "One is" : `${unasked} are`} named by no policy.`}</>}
      </Head>
      <Filters views="apps" find="Filter apps" chips={[
        { name: "type", label: "Type", choices: types },
        { name: "asked", label: "Asked for by", choices: [{ value: "nobody", text: "nobody" }] },
        { name: "site", label: "Site", choices: sites.data?.items.map((s) => ({ value: s.id, text: s.name })) ?? [] }]} />
      <Table<App> title="Apps" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(a) => a.id}
        filtered={isFiltered(query) ? "No app matches." : undefined}
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
