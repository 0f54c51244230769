// Whom each rule and detector touched in seven days, before its mode is switched.
import { useState } from "preact/hooks";
import type { GatewayHit } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Head, Name, Note, State, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { GatewayTabs } from "../parts/gateway";
import { all, Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count } from "../words";
import { may } from "../who";

/** What a refusal means, for people. */
const reasons: Record<string, string> = {
  schema: "Against the document", schema_cost: "Too costly to check", unknown_endpoint: "Not in the document", method: "A method that it has not",
  owner: "Somebody else's object", rate: "Too many requests", in_flight: "Too many at once", duplicate_parameter: "A name given twice",
  input: "Dangerous input", bola: "Objects of other people", enumeration: "Walking through objects", credential: "Guessing at logins",
  volume: "Too much data", exposure: "Sensitive data in an answer", function: "A function of another group", flow: "Steps left out",
  scanner: "Looking for paths", gone: "After its end", policy: "Not for this person", step_up: "Needs a fresh code", token_missing: "No access token",
  invalid_token: "A bad access token", insufficient_scope: "A scope is missing", token_subject: "Another person's token", session_ended: "The session had ended",
};
const title = (h: GatewayHit) => reasons[h.reason] ?? h.reason.replaceAll("_", " ");
const key = (h: GatewayHit) => `${h.app.id} ${h.reason} ${h.rule}`;

function ModeWord({ h }: { h: GatewayHit }) {
  if (h.mode === "block") return <State mood="bad" icon="stop">Blocks</State>;
  if (h.mode === "monitor") return <State mood="warn">Watches</State>;
  if (h.mode === "off") return <State mood="off">Off</State>;
  return <State mood="bad" icon="stop">Always blocks</State>;
}

function People({ h }: { h: GatewayHit }) {
  const load = useLoad("gatewayPeople", { query: { app: h.app.id, reason: h.reason, rule: h.rule } });
  type Row = NonNullable<typeof load.data>["items"][number];
  return <Table<Row> title={`People touched by ${title(h)}`} slim page={all(load.data?.items)} failed={load.failed} loading={load.loading}
    header={<h2>{title(h)} at {h.app.name}: people</h2>} rowKey={(p) => p.user?.id ?? "unknown"} empty={<p>Nobody in seven days.</p>}
    columns={[
      { head: "User", part: "main", cell: (p) => p.user ? <a href={`/users/${p.user.id}`}><Name text={p.user.name} /></a> : <span class="dim">a session that had ended</span> },
      { head: "One endpoint", kind: "p2", cell: (p) => <span class="mono"><Words text={p.endpoint || "unknown"} /></span> },
      { head: "Refused", kind: "r", cell: (p) => p.blocked.toLocaleString("en") },
      { head: "Would be", kind: "r", cell: (p) => p.monitor.toLocaleString("en") },
      { head: "Last", kind: "nowrap", cell: (p) => <Ago at={p.last} /> }]} />;
}

export function BlockPage() {
  const { query } = usePlace();
  const load = useLoad("gatewayHits", { query: { app: query.get("app") ?? "" } });
  const apps = useLoad("gatewayList", {});
  const [switching, setSwitching] = useState<GatewayHit | undefined>();
  const [done, setDone] = useState("");
  const hits = load.data?.items ?? [];
  const shown = hits.find((h) => key(h) === query.get("record"));
  const watching = hits.filter((h) => h.mode === "monitor");
  const to = switching?.mode === "block" ? "monitor" : "block";

  return (
    <>
      <Head title="What would block" crumbs={[["/apis", "APIs"]]}>
        {load.data && (watching.length ? <>{count(watching.length, "rule")} only {watching.length === 1 ? "watches" : "watch"}; in 7 days they would have refused {count(watching.reduce((n, h) => n + h.monitor, 0), "request")}.</>
          : "No rule that only watches would have refused anything in 7 days.")}
      </Head>
      <GatewayTabs on="block" />
      {done && <Note mood="ok" title={done}>The connectors of the app have it in force in a moment; live sessions go on.</Note>}
      <Filters chips={[{ name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.app.id, text: a.app.name })) ?? [] }]} />
      <Table<GatewayHit> title="Rules and detectors" slim page={all(load.data?.items)} failed={load.failed} loading={load.loading} again={() => void load.reload()}
        rowKey={key} on={(h) => h === shown}
        empty={<p>No rule refused anything in seven days, and none would have.</p>}
        columns={[
          { head: "Rule", part: "main", cell: (h) => <><a href={`/apis?tab=block&record=${encodeURIComponent(key(h))}`}>{title(h)}<span class="vh">, whom it touched</span></a><span class="two"><Words text={h.part ?? h.rule} /></span></> },
          { head: "App", kind: "p2", cell: (h) => <a href={`/apps/${h.app.id}`}><Name text={h.app.name} /></a> },
          { head: "Mode", cell: (h) => <ModeWord h={h} /> },
          { head: "People, 7 d", kind: "r", cell: (h) => h.people.toLocaleString("en") },
          { head: "Refused", kind: "r p2", cell: (h) => h.blocked.toLocaleString("en") },
          { head: "Would be refused", kind: "r", cell: (h) => h.monitor.toLocaleString("en") },
          { head: "Last", kind: "nowrap p3", cell: (h) => <Ago at={h.last} /> },
          { head: "Actions", part: "act", cell: (h) => h.mode === "monitor" || h.mode === "block"
            ? <button type="button" class="btn small" disabled={!may("admin")} onClick={() => setSwitching(h)}>{h.mode === "block" ? "Only watch" : "Block"}<span class="vh">: {title(h)} at {h.app.name}</span></button> : null }]} />
      {!may("admin") && <p class="dim">Switching needs role admin.</p>}
      {shown && <People key={key(shown)} h={shown} />}
      {switching && (
        <Confirm title={to === "block" ? `Block: ${title(switching)}?` : `Only watch: ${title(switching)}?`} verb={to === "block" ? "Switch to block" : "Switch to monitor"} danger={to === "block"} close={() => setSwitching(undefined)}
          act={async () => {
            await call("gatewayMode", { path: { id: switching.app.id }, body: { reason: switching.reason, rule: switching.rule, mode: to }, version: switching.app_version });
            setDone(`${switching.part ?? title(switching)} of ${switching.app.name} is ${to} now.`);
            await load.reload();
          }}>
          <p>{to === "block"
            ? <>In the last 7 days it would have refused <b>{count(switching.monitor, "request")}</b> of <b>{count(switching.people, "person", "people")}</b>. From now on it does.</>
            : <>In the last 7 days it refused <b>{count(switching.blocked, "request")}</b> of <b>{count(switching.people, "person", "people")}</b>. From now on it only notes them.</>}</p>
          <p>Only the word of <code>{switching.part}</code> changes in the app's gateway text.</p>
        </Confirm>
      )}
    </>
  );
}
