// Which devices wait, fail, are unknown.
import type { Device, DevicePage } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Head, Name, PostureBar, RefLink, State } from "../parts/basics";
import { oneByOne, Report, type Told } from "../parts/bulk";
import { Failure } from "../parts/failure";
import { Filters, isFiltered, Table } from "../parts/table";
import { useState } from "preact/hooks";
import { usePlace } from "../route";
import { count, visible } from "../words";
import { may } from "../who";

export function DeviceStateWord({ state }: { state: Device["state"] }) {
  switch (state) {
    case "approved": return <State mood="ok">Approved</State>;
    case "pending": return <State mood="warn" icon="clock">Waits for approval</State>;
    case "blocked": return <State mood="bad" icon="stop">Blocked</State>;
    case "lost": return <State mood="off">Revoked</State>;
  }
}

const states = ["pending", "approved", "blocked", "lost"].map((value) => ({ value, text: value === "lost" ? "revoked" : value }));

const postures = [{ value: "fail", text: "fails" }, { value: "unknown", text: "unknown" }, { value: "pass", text: "passes" }];

/** Of all devices, whatever the list below is narrowed to: each number leads to its rows. */
function Answer({ at }: { at: DevicePage | undefined }) {
  const waiting = useLoad("deviceList", { query: { state: "pending", limit: 1 } });
  const failing = useLoad("deviceList", { query: { state: "approved", posture: "fail", limit: 1 } });
  const unknown = useLoad("deviceList", { query: { state: "approved", posture: "unknown", limit: 1 } });
  if (!at || !waiting.data || !failing.data || !unknown.data) return null;
  const parts = [
    { page: waiting.data, to: "?state=pending", one: "waits for approval", many: "wait for approval", none: "None waits for approval." },
    { page: failing.data, to: "?state=approved&posture=fail", one: "fails posture", many: "fail posture", none: "None fails posture." },
    { page: unknown.data, to: "?state=approved&posture=unknown", one: "has unknown signals", many: "have unknown signals", none: "" }];
  return <>{total(at)} {at.total === 1 ? "device" : "devices"}.{parts.map((p) => p.page.total > 0
    ? <> <a href={p.to}>{total(p.page)} {p.page.total === 1 ? p.one : p.many}</a>.</> : p.none && ` ${p.none}`)}</>;
}

const total = (p: DevicePage) => p.total_exact ? p.total.toLocaleString("en") : `over ${(10_000).toLocaleString("en")}`;

export function DevicesPage() {
  const { query } = usePlace();
  const load = useLoad("deviceList", { query: { posture: (query.get("posture") ?? "") as "pass", q: query.get("q") ?? "", user: query.get("user") ?? "", state: (query.get("state") ?? "") as Device["state"], sort: (query.get("sort") ?? "") as "name", after: query.get("after") ?? "" } });
  const act = useAct();
  const [told, setTold] = useState<Told[] | undefined>();
  const rows = load.data?.items ?? [];
  return (
    <>
      <Head title="Devices"><Answer at={load.data} /></Head>
      {told && <Report told={told} verb="approved" />}
      {act.failed && <Failure what="Not approved." problem={act.failed} />}
      <Filters views="devices" find="Filter devices" chips={[{ name: "state", label: "State", choices: states }, { name: "posture", label: "Posture", choices: postures },
        ...(query.get("user") ? [{ name: "user", label: "Owner", choices: [{ value: query.get("user")!, text: rows[0]?.user?.name ?? "one" }] }] : [])]} />
      <Table<Device> title="Devices" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(d) => d.id}
        select={may("operator") && rows.some((d) => d.state === "pending") ? { name: (d) => visible(d.name), can: (d) => d.state === "pending", acts: (chosen, clear) =>
          <button type="button" class="btn small" disabled={act.busy} onClick={() => void act.run(async () => {
            setTold(await oneByOne(chosen, (d) => d.name, async (d) => { await call("deviceApprove", { path: { id: d.id } }); return "approved"; }));
            clear();
            await load.reload();
          })}>Approve {count(chosen.length, "device")}</button> } : undefined}
        filtered={isFiltered(query) ? "No device matches." : undefined} sorted="name"
        empty={<p>No device yet. One appears when its owner runs <code>sallyport login</code> on it, and waits here for approval.</p>}
        columns={[
          { head: "Device", part: "main", sort: "name", cell: (d) => <a href={`/devices/${d.id}`}><Name text={d.name} /></a> },
          { head: "Owner", cell: (d) => <RefLink to={d.user} at="users" /> },
          { head: "System", kind: "p2", cell: (d) => d.os ? <Name text={d.os} /> : <span class="dim">unknown</span> },
          { head: "State", cell: (d) => <DeviceStateWord state={d.state} /> },
          { head: "Posture", cell: (d) => <PostureBar {...d.posture} /> },
          { head: "Key", kind: "p3", cell: (d) => d.key.kind === "hardware" ? "hardware" : "file" },
          { head: "Agent", kind: "p3", cell: (d) => d.agent ?? <span class="dim">unknown</span> },
          { head: "Seen", kind: "r p2", sort: "seen", cell: (d) => d.online ? "online" : <Ago at={d.last_seen} /> },
          { head: "Actions", part: "act", cell: (d) => d.state === "pending" && may("operator") &&
            <button type="button" class="btn small" disabled={act.busy} onClick={() => void act.run(async () => { await call("deviceApprove", { path: { id: d.id } }); await load.reload(); })}>Approve<span class="vh"> {d.name}</span></button> }]} />
    </>
  );
}
