// Which endpoints HTTP apps really have: learned at the connectors, beside what their documents say.
import type { Endpoint, GatewayApp } from "../api";
import { useLoad } from "../load";
import { Ago, Head, Name, Words } from "../parts/basics";
import { EndpointState, GatewayTabs, meanings, Method, odd, Spark } from "../parts/gateway";
import { Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count, duration } from "../words";
import { BlockPage } from "./wouldblock";
import { CoveragePage } from "./coverage";

const states = [{ value: "unexpected", text: "Needs a look" }, ...Object.keys(meanings).map((value) => ({ value, text: value[0]!.toUpperCase() + value.slice(1) }))];
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].map((value) => ({ value, text: value }));
const sorts = [["path", "path"], ["-last_seen", "last use"], ["-errors", "errors"], ["-p95_us", "p95"], ["-violations", "violations"]].map(([value, text]) => ({ value: value!, text: text! }));
const sum = (apps: GatewayApp[], f: (a: GatewayApp) => number) => apps.reduce((n, a) => n + f(a), 0);

function finding(e: Endpoint) {
  const first = odd(e);
  if (first) return meanings[first];
  if (e.violations) return <>{count(e.violations, "call")} against the document</>;
  return <span class="dim">none</span>;
}

function Figures({ apps }: { apps: GatewayApp[] }) {
  const drift = sum(apps, (a) => a.drift);
  return (
    <div class="stats">
      <a href="/apis?state=documented"><b>{sum(apps, (a) => a.documented).toLocaleString("en")}</b>documented<small>{drift ? `${drift} of them drift` : "none of them drifts"}</small></a>
      <a href="/apis?state=shadow"><b>{sum(apps, (a) => a.shadow).toLocaleString("en")}</b>shadow<small>answer, but not described</small></a>
      <a href="/apis?state=zombie"><b>{sum(apps, (a) => a.zombie).toLocaleString("en")}</b>zombie<small>old, and still answer</small></a>
      <a href="/apis?state=orphan"><b>{sum(apps, (a) => a.orphan).toLocaleString("en")}</b>orphan<small>unused for 30 days</small></a>
      <a href="/apis?sort=-violations"><b>{sum(apps, (a) => a.violations).toLocaleString("en")}</b>schema violations<small>of {count(sum(apps, (a) => a.calls), "request")}</small></a>
    </div>
  );
}

export function ApisPage() {
  const { query } = usePlace();
  const apps = useLoad("gatewayList", {});
  if (query.get("tab") === "block") return <BlockPage />;
  if (query.get("tab") === "coverage") return <CoveragePage apps={apps} />;
  return <Endpoints apps={apps.data?.items} />;
}

function Endpoints({ apps }: { apps: GatewayApp[] | undefined }) {
  const { query } = usePlace();
  const filter = Object.fromEntries(["q", "app", "state", "method", "sort", "after"].map((k) => [k, query.get(k) ?? ""])) as { app: string };
  const load = useLoad("endpointList", { query: filter as never });
  const chosen = apps?.find((a) => a.app.id === query.get("app"));
  const owner = (e: Endpoint) => apps?.find((a) => a.app.id === e.app.id)?.owner; // the app's label
  const look = apps ? sum(apps, (a) => a.unexpected) : 0;
  const full = apps?.filter((a) => a.full) ?? [];
  const filtered = ["q", "app", "state", "method"].some((k) => query.get(k));
  const draft = chosen ?? (apps?.length === 1 ? apps[0] : undefined);

  return (
    <>
      <Head title="APIs" acts={draft
        ? <><a class="btn" href={`/apis/${draft.app.id}/gateway`}>Gateway<span class="vh"> of {draft.app.name}</span></a><a class="btn" href={`/api/v1/apps/${draft.app.id}/draft`} download={`${draft.app.name}-openapi.json`}>Download OpenAPI<span class="vh"> draft of {draft.app.name}</span></a></>
        : apps && apps.length > 1 && <span class="dim">Choose an app to download its OpenAPI draft</span>}>
        {apps && <>{count(sum(apps, (a) => a.endpoints), "endpoint")} in {count(apps.length, "HTTP app")}, learned at the connectors.{" "}
          {look ? <a href="/apis?state=unexpected">{look === 1 ? "One needs" : `${look.toLocaleString("en")} need`} a look.</a> : "None needs a look."}
          {full.length > 0 && <> The inventory of {full.map((a) => a.app.name).join(", ")} is full: new endpoints are only counted.</>}</>}
      </Head>
      <GatewayTabs on="endpoints" />
      {apps && apps.length > 0 && <Figures apps={apps} />}
      <Filters views="endpoints" find="Filter endpoints" chips={[
        { name: "app", label: "App", choices: apps?.map((a) => ({ value: a.app.id, text: a.app.name })) ?? [] },
        { name: "state", label: "State", choices: states },
        { name: "method", label: "Method", choices: methods },
        { name: "sort", label: "Sort by", choices: sorts }]} />
      <Table<Endpoint> title="Endpoints" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()}
        rowKey={(e) => e.id} filtered={filtered ? "No endpoint matches." : undefined}
        empty={<p>No endpoint yet. An HTTP app has them once its record has a <code>gateway</code> part and somebody used it. Only paths, names of fields and their types are kept, never values.</p>}
        columns={[
          { head: "Endpoint", part: "main", cell: (e) => <a class="mono" href={`/apis/${e.app.id}/${e.id}`}><Method method={e.method} path={e.path} /></a> },
          { head: "App, owner", kind: "p2", cell: (e) => <><a href={`/apps/${e.app.id}`}><Name text={e.app.name} /></a><span class="two">{owner(e) ? <Name text={owner(e)!} /> : "no owner named"}</span></> },
          { head: "State", cell: (e) => <EndpointState e={e} /> },
          { head: "First seen", kind: "nowrap p3", cell: (e) => e.first_seen ? <Ago at={e.first_seen} /> : "–" },
          { head: "7 days", kind: "p3", cell: (e) => <Spark days={e.week} /> },
          { head: "Requests", kind: "r", cell: (e) => e.calls.toLocaleString("en") },
          { head: "Users", kind: "r p2", cell: (e) => e.users.toLocaleString("en") },
          { head: "Errors", kind: "r p3", cell: (e) => e.calls ? `${((100 * e.errors) / e.calls).toFixed(1)}%` : "–" },
          { head: "p95", kind: "r p3", cell: (e) => e.calls ? duration(e.p95_us / 1000) : "–" },
          { head: "Violations", kind: "r p2", cell: (e) => e.violations.toLocaleString("en") },
          { head: "Finding", kind: "p2 roomy", cell: finding }]} />
      <p class="sub">Examples never hold values: only paths, names of fields and their types are kept. Counts are at most 30 s old. <Words text="{…} is a value that differs from call to call." /></p>
    </>
  );
}
