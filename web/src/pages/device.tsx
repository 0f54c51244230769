// One device: what it closes, each signal with value, source, assurance and age.
import { useEffect, useRef, useState } from "preact/hooks";
import type { AuditRecord, Cut, DeviceDetail, Problem, Signal } from "../api";
import { call } from "../client";
import { useAct, useLoad, type Loaded } from "../load";
import { Ago, assuranceWord, Facts, Head, Name, Note, Panel, RefLink, ResultState, State, Until, VerdictState, Words } from "../parts/basics";
import { CutNote } from "../parts/cut";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count, sentence, visible } from "../words";
import { may } from "../who";
import { RecordResult } from "./audit";
import { DeviceStateWord } from "./devices";

function valueText(s: Signal): string {
  if (s.value === null) return s.text || "never reported";
  const value = String(s.value);
  return s.text && s.text !== value ? `${value}: ${s.text}` : value;
}

/** Two that are alive and do not say the same. */
function inConflict(s: Signal): boolean {
  const said = new Set(s.sources.filter((x) => !x.stale && x.value !== null).map((x) => String(x.value)));
  return said.size > 1;
}

/** Everyone who says something of it, the one that decides first. */
function Sources({ s }: { s: Signal }) {
  if (!s.sources.length) return <span class="dim">none</span>;
  if (s.sources.length === 1) return <Name text={s.sources[0]!.source} />;
  return <>{inConflict(s) && <State mood="warn" icon="warn">They disagree</State>}
    {s.sources.map((x, i) => <span class={i ? "two" : undefined}><Name text={x.source} />{": "}<Name text={x.value === null ? "unknown" : String(x.value)} />{i === 0 && ", decides"}{x.stale && ", stale"}{" "}<Ago at={x.observed_at} /></span>)}</>;
}

function Consequence({ d }: { d: DeviceDetail }) {
  const closed = d.apps.filter((a) => a.result === "deny");
  const state = d.device.state;
  if (state === "pending") return <Note mood="warn" icon="clock" title="This device waits for approval.">Compare the fingerprint with the one that <code>sallyport key fingerprint</code> prints on it, then approve.</Note>;
  if (state === "blocked") return <Note mood="bad" title="This device is blocked.">It opens nothing, and its sessions were cut.</Note>;
  if (state === "lost") return <Note mood="bad" title="This device's key was revoked.">It can't come back with this key.</Note>;
  if (closed.length) return <Note mood="warn" title={`${count(closed.length, "app")} closed for its owner on this device: ${sentence(closed.map((a) => visible(a.app.name)))}`}>{closed[0]!.reason}</Note>;
  return null;
}

/** The owner's records that are looked through for those of one device, and how many of these are shown. */
const RECORDS = 100, SHOWN = 12;
/** A report that was asked for takes as long as the agent collects. */
const REPORT_MS = 30_000, LOOK_MS = 500;

/** Asks the agent, then looks until its report is there. */
function useReport(id: string, load: Loaded<DeviceDetail>, asked: () => Promise<void>) {
  const act = useAct();
  const [said, say] = useState<{ ok: boolean; title: string; text: string } | undefined>();
  const gone = useRef(false); // the page is left: nobody looks any more
  useEffect(() => () => void (gone.current = true), []);
  const ask = () => void act.run(async () => {
    say(undefined);
    const before = load.data?.device.posture.reported_at;
    await call("deviceAsk", { path: { id } });
    void asked();
    for (const end = Date.now() + REPORT_MS; !gone.current && Date.now() < end;) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      const now = await call("deviceGet", { path: { id } });
      if (now.device.posture.reported_at === before) continue;
      load.patch((old) => old.device.id === id ? now : old);
      return say({ ok: true, title: "The agent has reported.", text: "What it says is shown." });
    }
    say({ ok: false, title: `No report within ${REPORT_MS / 1000} s.`, text: "The agent was asked. What stands here is its last report." });
  });
  return { ...act, said, ask };
}

/** How many of its owner's apps it opens. */
function opens(d: DeviceDetail): string {
  if (d.device.state !== "approved" || !d.apps.length) return "";
  const open = d.apps.filter((a) => a.result === "allow").length;
  return open === d.apps.length ? `Opens ${open === 1 ? "the one app" : `all ${open} apps`} of its owner.` : `Opens ${open} of its owner's ${count(d.apps.length, "app")}.`;
}

/** What the record says of it: acts on it, and what its owner did from it. */
function History({ id, owner, records, load }: { id: string; owner: string; records: AuditRecord[]; load: { failed?: Problem | undefined; loading?: boolean } }) {
  const mine = records.filter((r) => r.object?.id === id || r.actor.id === id || r.device === id).slice(0, SHOWN);
  return <Table<AuditRecord> title="History" slim page={all(mine)} failed={load.failed} loading={load.loading ?? false} rowKey={(r) => `${r.shard}/${r.seq}`}
    header={<><h2>History</h2><a href={`/audit?user=${owner}`}>All of its owner</a></>} empty={<p>Nothing among its owner's last {RECORDS} records.</p>}
    columns={[
      { head: "Action", part: "main", cell: (r) => <a class="mono" href={`/audit?user=${owner}&record=${r.shard}.${r.seq}`}>{r.action}</a> },
      { head: "When", kind: "nowrap", cell: (r) => <Ago at={r.time} /> },
      { head: "Detail", kind: "p2", cell: (r) => <Words text={r.text} /> },
      { head: "Result", cell: (r) => <RecordResult r={r} /> }]} />;
}

export function DevicePage({ id }: { id: string }) {
  const load = useLoad("deviceGet", { path: { id } });
  const [asking, setAsking] = useState<"block" | "revoke" | undefined>();
  const [done, setDone] = useState<{ cut: Cut; what: string } | undefined>();
  const act = useAct();
  const owner = load.data?.device.user;
  const record = useLoad("auditList", { query: { user: owner?.id ?? "", limit: RECORDS } }, !!owner);
  const report = useReport(id, load, record.reload);
  const d = load.data;
  if (!d) return <><Head title="Device" crumbs={[["/devices", "Devices"]]} />{load.failed && <Failure what="This device could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  const { device } = d;
  const approve = () => void act.run(async () => {
    await call("deviceApprove", { path: { id } });
    await load.reload();
  });
  return (
    <>
      <Head title={<Name text={device.name} />} crumbs={[["/devices", "Devices"]]} acts={device.state !== "lost" && <>
        {device.state !== "approved" && may("operator") && <button type="button" class="btn main" aria-busy={act.busy ? "true" : undefined} disabled={act.busy} onClick={approve}>{device.state === "pending" ? "Approve device" : "Unblock device"}</button>}
        {device.online && device.state !== "blocked" && may("operator") && <button type="button" class="btn" aria-busy={report.busy ? "true" : undefined} disabled={report.busy} onClick={report.ask}>Ask for a report now</button>}
        {device.state !== "blocked" && may("operator") && <button type="button" class="btn" onClick={() => setAsking("block")}>Block</button>}
        {may("admin") && <button type="button" class="btn quiet danger-text" onClick={() => setAsking("revoke")}>Revoke</button>}</>}>
        {device.user ? <>Of <RefLink to={device.user} at="users" />. </> : "Nobody has signed in on it. "}{opens(d)} {device.posture.reported_at ? <>Reported <Ago at={device.posture.reported_at} />.</> : "It has never reported its posture."}
      </Head>
      {act.failed && <Failure what="Not approved." problem={act.failed} />}
      {report.failed && <Failure what="Not asked." problem={report.failed} />}
      {report.said && <Note mood={report.said.ok ? "ok" : "warn"} title={report.said.title}>{report.said.text}</Note>}
      {done && <CutNote cut={done.cut} what={done.what} />}
      <Consequence d={d} />
      <Table<Signal> title="Posture" slim page={all(d.signals)} rowKey={(s) => s.signal} header={<h2>Posture</h2>}
        empty={<p>No signal yet. The agent reports every 5 minutes while it runs; a value that was never reported is unknown, and unknown passes nothing.</p>}
        columns={[
          { head: "Signal", part: "main", cell: (s) => <span class="mono">{visible(s.signal)}</span> },
          { head: "Verdict", cell: (s) => <VerdictState value={s.verdict} stale={s.stale} /> },
          { head: "Value", cell: (s) => <Words text={valueText(s)} /> },
          { head: "Source", kind: "p2", cell: (s) => <Sources s={s} /> },
          { head: "Assurance", kind: "p2", cell: (s) => assuranceWord(s.assurance) },
          { head: "Age", kind: "r", cell: (s) => <Ago at={s.observed_at} never="never seen" /> },
          { head: "Turns stale", kind: "r p3", cell: (s) => s.expires_at ? <Until at={s.expires_at} /> : <span class="dim">no value</span> },
          { head: "Asked by", kind: "p3", cell: (s) => s.asked_by.length ? s.asked_by.map((p, i) => <>{i > 0 && ", "}<a href={`/policies/${p}`}>{p}</a></>) : <span class="dim nowrap">no policy</span> }]} />
      <div class="cols two">
        <Table<DeviceDetail["apps"][number]> title="What it opens now" slim page={all(d.apps)} rowKey={(a) => a.app.id} header={<h2>What it opens now</h2>}
          empty={<p>{device.user ? "No app is visible to its owner." : "Nobody has signed in on it."}</p>}
          columns={[
            { head: "App", part: "main", cell: (a) => <RefLink to={a.app} at="apps" /> },
            { head: "Result", cell: (a) => <ResultState value={a.result} /> },
            { head: "Reason", kind: "p2", cell: (a) => <Words text={a.reason} /> },
            { head: "Why", part: "act", cell: (a) => device.user && <a class="btn small" href={`/why?user=${device.user.id}&app=${a.app.id}&device=${id}`}>Why<span class="vh"> {a.app.name}</span></a> }]} />
        <Panel title="Device"><Facts rows={[
          ["State", <DeviceStateWord state={device.state} />],
          ["Key", `${device.key.algorithm}, ${device.key.kind === "hardware" ? "in hardware" : "in a file"}`],
          ["Fingerprint", <span class="mono">{device.key.fingerprint}</span>],
          ["System", device.os ? <Name text={device.os} /> : "unknown"],
          ["Agent", device.agent ?? "unknown"],
          ["Address", device.address ? <span class="mono">{visible(device.address)}</span> : "unknown"],
          ["Serials", d.serials.length ? <Words text={d.serials.join(", ")} /> : "none readable"],
          ["Seen", device.online ? "online" : <Ago at={device.last_seen} />],
          ["First seen", <Ago at={device.first_seen} />],
          ["Live sessions", <a href={`/sessions?device=${id}`}>{device.sessions_live}</a>]]} /></Panel>
      </div>
      {owner && <History id={id} owner={owner.id} records={record.data?.items ?? []} load={record} />}
      {asking && (
        <Confirm title={<>{asking === "block" ? "Block" : "Revoke"} device <Name text={device.name} />?</>} verb={asking === "block" ? "Block device" : "Revoke device"} reason
          {...(asking === "revoke" ? { typed: device.name } : {})} close={() => setAsking(undefined)}
          act={async (reason) => {
            const cut = await call(asking === "block" ? "deviceBlock" : "deviceRevoke", { path: { id }, body: { reason } });
            setDone({ cut, what: `${asking === "block" ? "Blocked" : "Revoked"} ${visible(device.name)}` });
            await load.reload();
          }}>
          <p>{device.sessions_live ? `${count(device.sessions_live, "live session")} will be cut.` : "No session is live."} {asking === "revoke" && "Its key never works again; the owner signs in anew with a new key."}</p>
        </Confirm>)}
    </>
  );
}
