// Does access work, what needs me, who was refused and why.
import type { AuditRecord, Overview } from "../api";
import { Ago, Clock, Head, Icon, Name, Panel, PartyLink, State, Words } from "../parts/basics";
import { DayChart } from "../parts/chart";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count, duration } from "../words";
import { Checklist, useOpenedOnce, useOverview } from "./setup";
import { range } from "./audit";
import { SiteState } from "./sites";

const icons: Record<Overview["needs"][number]["code"], string> = {
  device_pending: "device", request_waiting: "key", connector_silent: "site", site_without_connector: "site", app_without_policy: "app",
  user_without_factor: "user", chain_broken: "audit", policy_finding: "policy", site_without_spare: "site", draft_waiting: "policy", certificate_ends: "key", provider_failing: "plug", feed_failing: "plug", first_steps: "next",
};

/** What the one button of such a row says. */
const verbs: Partial<Record<Overview["needs"][number]["code"], string>> = {
  device_pending: "Review", draft_waiting: "Review", request_waiting: "Answer", site_without_connector: "Enrol", site_without_spare: "Enrol",
};

/** Before the first app was opened these are steps of the set-up, not things that went wrong. */
const partOfSetup = new Set(["first_steps", "site_without_connector", "site_without_spare", "app_without_policy", "device_pending"]);

function answer(o: Overview, opened: boolean | undefined): string {
  if (opened === false) return "Nobody has opened an app yet. The steps below lead there; leave and come back at any time.";
  const down = o.sites.filter((s) => s.state === "silent" || s.state === "empty").length;
  const needs = o.needs.length ? `${count(o.needs.length, "thing")} ${o.needs.length === 1 ? "needs" : "need"} you.` : "Nothing needs you.";
  if (!o.sites.length) return `No site yet: a site is where connectors stand beside your apps. ${needs}`;
  return down ? `${down} of ${count(o.sites.length, "site")} can't be reached. ${needs}` : `Access works at ${o.sites.length === 1 ? "the one site" : `all ${o.sites.length} sites`}. ${needs}`;
}

export function OverviewPage() {
  const load = useOverview();
  const o = load.data;
  const opened = useOpenedOnce(o);
  return (
    <>
      <Head title="Overview">{o && answer(o, opened)}</Head>
      {load.failed && <Failure what="The overview could not be read." problem={load.failed} again={() => void load.reload()} />}
      {o && opened === false && <Checklist o={o} />}
      {o && <Body o={o} started={opened !== false} />}
    </>
  );
}

function Body({ o, started }: { o: Overview; started: boolean }) {
  const needs = started ? o.needs : o.needs.filter((n) => !partOfSetup.has(n.code));
  const since = o.hours[0] ? `&from=${encodeURIComponent(o.hours[0].from)}` : ""; // what the figures of the day count from
  const posture = o.devices.approved ? Math.round((100 * o.devices.passing) / o.devices.approved) : 0;
  return (
    <>
      {needs.length > 0 && (
        <section class="panel" aria-label="Needs you"><header><h2>Needs you</h2></header><ul class="rows slim">{needs.map((n) => (
          <li><Icon name={icons[n.code]} /><div>{n.title}<small>{n.detail}{n.since && <>{n.detail.endsWith(".") ? " Since " : ", since "}<Ago at={n.since} /></>}</small></div>
            <a class="btn small" href={n.link}>{verbs[n.code] ?? "Open"}<span class="vh">: {n.title}</span></a></li>
        ))}</ul></section>
      )}
      {started && <div class="stats">
        <a href="/sessions"><b>{o.sessions_live.toLocaleString("en")}</b>live sessions<small>{count(o.users, "user")}, {count(o.apps, "app")} known</small></a>
        <a href={`/audit?action=session.deny${since}`}><b>{o.denied_24h.toLocaleString("en")}</b>denied, last 24 h<small>{o.opened_24h.toLocaleString("en")} opened</small></a>
        <a href="/devices?state=approved&posture=pass"><b>{o.devices.passing.toLocaleString("en")}</b>devices pass posture<small>of {o.devices.approved.toLocaleString("en")} approved, {posture}%</small></a>
        <a href={`/audit?action=session.cut${since}`}><b>{o.cuts_24h.median_ms === null ? "–" : <span class="nowrap">{duration(o.cuts_24h.median_ms)}</span>}</b>time to cut, median
          <small>{o.cuts_24h.worst_ms === null ? "no cut in 24 h" : <>worst <span class="nowrap">{duration(o.cuts_24h.worst_ms)}</span>, of {o.cuts_24h.count} in 24 h</>}</small></a>
        <a href={`/audit?action=session.open${since}`}><b>{o.opens_24h.p95_ms === null ? "–" : <span class="nowrap">{duration(o.opens_24h.p95_ms)}</span>}</b>session open, p95
          <small>{o.opens_24h.median_ms === null ? "none since the broker started" : <>median <span class="nowrap">{duration(o.opens_24h.median_ms)}</span> of {count(o.opens_24h.count, "session")}</>}</small></a>
      </div>}
      <div class="cols wide">
        <div class="stack">
          {started && <DayChart hours={o.hours} />}
          <Table<AuditRecord> title="Recent denials" slim page={all(o.denials)} rowKey={(r) => `${r.shard}/${r.seq}`}
            header={<><h2>Recent denials</h2><a href={`/audit?action=session.deny${since}`}>All {o.denied_24h.toLocaleString("en")}</a></>}
            empty={<p>Nobody was refused in the last 24 hours.</p>}
            columns={[
              { head: "Time", kind: "num nowrap", cell: (r) => <Clock at={r.time} /> },
              { head: "User", part: "main", cell: (r) => <PartyLink to={r.actor} /> },
              { head: "App", kind: "nowrap", cell: (r) => <PartyLink to={r.object} /> },
              { head: "Reason", cell: (r) => <Words text={r.text} /> },
              { head: "Why", part: "act", cell: (r) => r.request_id && <a class="btn small" href={`/why/${r.request_id}`}>Why<span class="vh"> was {r.actor.name} denied</span></a> },
            ]} />
        </div>
        <div class="stack">
          <Reasons o={o} />
          <Panel title="Sites" end={<a href="/sites">All</a>}><ul class="rank">{o.sites.map((s) => (
            <li><a href={`/sites?site=${s.id}`}><Name text={s.name} /></a><SiteState site={s} /></li>))}
            {!o.sites.length && <li class="sub">None yet.</li>}</ul></Panel>
          <Panel title="Audit chain" end={<a href="/audit">Open</a>}><ChainState o={o} /></Panel>
        </div>
      </div>
    </>
  );
}

function Reasons({ o }: { o: Overview }) {
  const most = Math.max(1, ...o.reasons.map((r) => r.count));
  return (
    <Panel title="Denied by reason, 24 h"><ul class="rank">{o.reasons.map((r) => (
      <li><a href={`/audit?action=session.deny&q=${encodeURIComponent(r.code)}${o.hours[0] ? `&from=${encodeURIComponent(o.hours[0].from)}` : ""}`}>{r.text}</a><span class="num">{r.count}</span>
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width={(100 * r.count) / most} height="6" /></svg></li>))}
      {!o.reasons.length && <li class="sub">No denials.</li>}</ul></Panel>
  );
}

function ChainState({ o }: { o: Overview }) {
  if (o.chain.state === "broken") return <State mood="bad">Broken: {o.chain.shards.filter((s) => s.broken_at !== null).map((s) => `${s.shard}/${s.broken_at}`).join(", ")}</State>;
  if (o.chain.state === "never") return <State mood="warn">Not checked since the broker started</State>;
  return <State mood="ok">Verified, {range(o.chain)}</State>;
}
