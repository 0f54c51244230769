// How much of the traffic the gateway could read, what it could not and why; which apps have what.
import type { GatewayApp } from "../api";
import type { Loaded } from "../load";
import { Head, Name, State, Words } from "../parts/basics";
import { GatewayTabs } from "../parts/gateway";
import { all, Table } from "../parts/table";
import { count } from "../words";

type Causes = NonNullable<GatewayApp["coverage"]>["not_read"];
const causes: Array<[keyof Causes, string, string]> = [
  ["not_asked", "No rule asked", "No rule, schema or detector wanted to read it."],
  ["oversize", "Too large", "Larger than limits.inspect, or its coding holds more."],
  ["streaming", "A stream", "Events, uploads, downloads, gRPC: never held back."],
  ["coding", "A coding", "Compressed in a way that the gateway does not undo."],
  ["media_type", "Another type", "Not JSON, a form or text."],
  ["broken", "Not readable", "Not what its media type says."],
];
const sumOf = (n: Causes) => Object.values(n).reduce((a, b) => a + b, 0);
/** The whole hash of an uploaded document says nothing to anybody. */
const named = (document: string) => document.startsWith("sha256:") ? document.slice(0, 19) : document;
const share = (part: number, whole: number) => whole ? `${Math.floor((100 * part) / whole)}%` : "–";

function Bar({ part, whole, label }: { part: number; whole: number; label: string }) {
  const width = whole ? (100 * part) / whole : 0;
  return <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label={label}><rect class="ok" x="0" y="0" width={width} height="6" /></svg>;
}

export function CoveragePage({ apps }: { apps: Loaded<{ items: GatewayApp[] }> }) {
  const items = apps.data?.items ?? [], told = items.flatMap((a) => a.coverage ? [a.coverage] : []);
  const read = told.reduce((n, c) => n + c.read, 0), unread = told.reduce((n, c) => n + sumOf(c.not_read), 0);
  const lost = told.reduce((n, c) => n + c.hits_lost, 0);
  const total = read + unread;
  const rows = causes.map(([name, text, why]) => ({ name, text, why, n: told.reduce((n, c) => n + c.not_read[name], 0) }));

  return (
    <>
      <Head title="Coverage" crumbs={[["/apis", "APIs"]]}>
        {apps.data && (total ? <>In 7 days {share(read, total)} of {count(total, "body", "bodies")} were read{unread > 0 ? "; what was not is below, with its cause" : ""}.</> : "No body passed a gateway in 7 days.")}
        {lost > 0 && <> {count(lost, "refusal")} came too fast to be told apart.</>}
      </Head>
      <GatewayTabs on="coverage" />
        <Table<GatewayApp> title="Apps" slim page={all(apps.data?.items)} failed={apps.failed} loading={apps.loading} again={() => void apps.reload()}
          rowKey={(a) => a.app.id} header={<h2>Apps</h2>}
          empty={<p>No app has a gateway yet. Turn one on in the record of an HTTP app; its bodies are read at the connector and never stored.</p>}
          columns={[
            { head: "App", part: "main", cell: (a) => <a href={`/apps/${a.app.id}`}><Name text={a.app.name} /></a> },
            { head: "Document", cell: (a) => <a href={`/apis/${a.app.id}/gateway?tab=document`}>{a.document === null ? <State mood="off">None</State> : a.document_loaded ? <State mood="ok"><Words text={named(a.document)} /></State> : <State mood="warn">Not in force today</State>}<span class="vh"> of {a.app.name}</span></a> },
            { head: "Requests, 7 d", kind: "r", cell: (a) => a.coverage ? a.coverage.requests.toLocaleString("en") : "–" },
            { head: "Of the document", kind: "r p2", cell: (a) => a.coverage ? share(a.coverage.documented, a.coverage.requests) : "–" },
            { head: "With a token", kind: "r p2", cell: (a) => a.coverage ? share(a.coverage.token, a.coverage.requests) : "–" },
            { head: "Under an owner rule", kind: "r p3", cell: (a) => a.coverage ? share(a.coverage.owner, a.coverage.requests) : "–" },
            { head: "Bodies read", cell: (a) => a.coverage ? <>{share(a.coverage.read, a.coverage.read + sumOf(a.coverage.not_read))}
              <Bar part={a.coverage.read} whole={a.coverage.read + sumOf(a.coverage.not_read)} label={`${a.coverage.read} of ${a.coverage.read + sumOf(a.coverage.not_read)} bodies read`} /></> : <span class="dim">no connector has told</span> }]} />
        <Table<typeof rows[number]> title="Not read, by cause" slim page={all(rows)} rowKey={(r) => r.name} header={<h2>Not read, by cause</h2>} empty={<p>None.</p>}
          columns={[
            { head: "Cause", part: "main", cell: (r) => <>{r.text}<span class="two">{r.why}</span></> },
            { head: "Bodies", kind: "r", cell: (r) => r.n.toLocaleString("en") },
            { head: "Share", kind: "r", cell: (r) => share(r.n, total) }]} />
    </>
  );
}
