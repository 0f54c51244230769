// Which devices wait, fail, are unknown.
import type { Device } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Head, Name, PostureBar, RefLink, State } from "../parts/basics";
import { Failure } from "../parts/failure";
import { Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count } from "../words";
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

export function DevicesPage() {
  const { query } = usePlace();
  const load = useLoad("deviceList", { query: { q: query.get("q") ?? "", user: query.get("user") ?? "", state: (query.get("state") ?? "") as Device["state"], after: query.get("after") ?? "" } });
  const act = useAct();
  const rows = load.data?.items ?? [];
  const n = (f: (d: Device) => boolean) => rows.filter(f).length;
  const waiting = n((d) => d.state === "pending"), failing = n((d) => d.posture.fail > 0), unknown = n((d) => !d.posture.fail && d.posture.unknown > 0);
  return (
    <>
      <Head title="Devices">{load.data && <>{count(load.data.total, "device")}. {waiting ? `${waiting} of these wait for approval.` : "None of these waits for approval."}
        {failing > 0 && ` ${failing} fail posture.`}{unknown > 0 && ` ${unknown} have unknown signals.`}</>}</Head>
      {act.failed && <Failure what="Not approved." problem={act.failed} />}
      <Filters views="devices" find="Filter devices" chips={[{ name: "state", label: "State", choices: states },
        ...(query.get("user") ? [{ name: "user", label: "Owner", choices: [{ value: query.get("user")!, text: rows[0]?.user?.name ?? "one" }] }] : [])]} />
      <Table<Device> title="Devices" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(d) => d.id}
        filtered={query.size ? "No device matches." : undefined}
        empty={<p>No device yet. One appears when its owner runs <code>sallyport login</code> on it, and waits here for approval.</p>}
        columns={[
          { head: "Device", part: "main", cell: (d) => <a href={`/devices/${d.id}`}><Name text={d.name} /></a> },
          { head: "Owner", cell: (d) => <RefLink to={d.user} at="users" /> },
          { head: "System", kind: "p2", cell: (d) => d.os ? <Name text={d.os} /> : <span class="dim">unknown</span> },
          { head: "State", cell: (d) => <DeviceStateWord state={d.state} /> },
          { head: "Posture", cell: (d) => <PostureBar {...d.posture} /> },
          { head: "Key", kind: "p3", cell: (d) => d.key.kind === "hardware" ? "hardware" : "file" },
          { head: "Agent", kind: "p3", cell: (d) => d.agent ?? <span class="dim">unknown</span> },
          { head: "Seen", kind: "r p2", cell: (d) => d.online ? "online" : <Ago at={d.last_seen} /> },
          { head: "Actions", part: "act", cell: (d) => d.state === "pending" && may("operator") &&
            <button type="button" class="btn small" disabled={act.busy} onClick={() => void act.run(async () => { await call("deviceApprove", { path: { id: d.id } }); await load.reload(); })}>Approve<span class="vh"> {d.name}</span></button> }]} />
    </>
  );
}
