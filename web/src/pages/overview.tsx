// Does access work, what needs me, who was refused and why.
import { useEffect } from "preact/hooks";
import type { AuditRecord, Overview } from "../api";
import { useLoad } from "../load";
import { onLive } from "../live";
import { Ago, Clock, Head, Icon, Name, Panel, State, Words } from "../parts/basics";
import { DayChart } from "../parts/chart";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count, duration } from "../words";
import { Checklist, stepsOf, useOpenedOnce } from "./setup";
import { SiteState } from "./sites";

const icons: Record<Overview["needs"][number]["code"], string> = {
  device_pending: "device", request_waiting: "key", connector_silent: "site", site_without_connector: "site", app_without_policy: "app",
  user_without_factor: "user", chain_broken: "audit", policy_finding: "policy", first_steps: "next",
};

/** Before the first app was opened these are steps of the set-up, not things that went wrong. */
const partOfSetup = new Set(["first_steps", "site_without_connector", "app_without_policy", "device_pending"]);

function answer(o: Overview, opened: boolean | undefined): string {
  if (opened === false) return "Nobody has opened an app yet. The steps below lead there; leave and come back at any time.";
  const down = o.sites.filter((s) => s.state === "silent" || s.state === "empty").length;
  const needs = o.needs.length ? `${count(o.needs.length, "thing")} ${o.needs.length === 1 ? "needs" : "need"} you.` : "Nothing needs you.";
  if (!o.sites.length) return `No site yet: a site is where connectors stand beside your apps. ${needs}`;
  return down ? `${down} of ${count(o.sites.length, "site")} can't be reached. ${needs}` : `Access works at ${o.sites.length === 1 ? "the one site" : `all ${o.sites.length} sites`}. ${needs}`;
}

export function OverviewPage() {
  const load = useLoad("overview", {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onLive(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void load.reload();
      }, 2000);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [load.reload]);
  const o = load.data;
  const opened = useOpenedOnce(o);
  return (
    <>
      <Head title="Overview">{o && answer(o, opened)}</Head>
      {load.failed && <Failure what="The overview could not be read." problem={load.failed} again={() => void load.reload()} />}
      {o && opened === false && <Checklist steps={stepsOf(o, false)} />}
      {o && <Body o={o} started={opened !== false} />}
    </>
  );
}

function Body({ o, started }: { o: Overview; started: boolean }) {
  const needs = started ? o.needs : o.needs.filter((n) => !partOfSetup.has(n.code));
  const posture = o.devices.approved ? Math.round((100 * o.devices.passing) / o.devices.approved) : 0;
  return (
    <>
      {needs.length > 0 && (
        <section class="panel" aria-label="Needs you"><header><h2>Needs you</h2></header><ul class="rows slim">{needs.map((n) => (
          <li><Icon name={icons[n.code]} /><div>{n.title}<small>{n.detail}{n.since && <>, since <Ago at={n.since} /></>}</small></div>
            <a class="btn small" href={n.link}>Open<span class="vh">: {n.title}</span></a></li>
        ))}</ul></section>
      )}
      {started && <div class="stats">
        <a href="/sessions"><b>{o.sessions_live.toLocaleString("en")}</b>live sessions<small>{count(o.users, "user")}, {count(o.apps, "app")} known</small></a>
        <a href="/audit?action=session.deny"><b>{o.denied_24h.toLocaleString("en")}</b>denied, last 24 h<small>{o.opened_24h.toLocaleString("en")} opened</small></a>
        <a href="/devices"><b>{o.devices.passing.toLocaleString("en")}</b>devices pass posture<small>of {o.devices.approved.toLocaleString("en")} approved, {posture}%</small></a>
        <a href="/audit?action=session.cut"><b>{o.cuts_24h.median_ms === null ? "–" : duration(o.cuts_24h.median_ms)}</b>time to cut, median
          <small>{o.cuts_24h.worst_ms === null ? "no cut in 24 h" : `worst of ${o.cuts_24h.count} in 24 h ${duration(o.cuts_24h.worst_ms)}`}</small></a>
      </div>}
      <div class="cols wide">
        <div class="stack">
          {started && <DayChart hours={o.hours} />}
          <Table<AuditRecord> title="Recent denials" slim page={all(o.denials)} rowKey={(r) => `${r.shard}/${r.seq}`}
            header={<><h2>Recent denials</h2><a href="/audit?action=session.deny">All</a></>}
            empty={<p>Nobody was refused in the last 24 hours.</p>}
            columns={[
              { head: "Time", kind: "num nowrap", cell: (r) => <Clock at={r.time} /> },
              { head: "User", part: "main", cell: (r) => r.actor.id ? <a href={`/users/${r.actor.id}`}><Name text={r.actor.name} /></a> : <Name text={r.actor.name} /> },
              { head: "App", cell: (r) => <Name text={r.object?.name ?? ""} /> },
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
      <li><a href={`/audit?action=session.deny&q=${encodeURIComponent(r.code)}`}>{r.text}</a><span class="num">{r.count}</span>
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width={(100 * r.count) / most} height="6" /></svg></li>))}
      {!o.reasons.length && <li class="sub">No denials.</li>}</ul></Panel>
  );
}

function ChainState({ o }: { o: Overview }) {
  if (o.chain.state === "broken") return <State mood="bad">Broken: {o.chain.shards.filter((s) => s.broken_at !== null).map((s) => `${s.shard}/${s.broken_at}`).join(", ")}</State>;
  if (o.chain.state === "never") return <State mood="warn">Not checked since the broker started</State>;
  return <State mood="ok">Verified, {o.chain.shards.map((s) => `${s.shard}/${s.to.toLocaleString("en")}`).join(", ")}</State>;
}
