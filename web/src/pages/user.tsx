// One user: what is known, and the four acts.
import { useState } from "preact/hooks";
import type { AuditRecord, Cut, Device } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Badge, Facts, Head, Name, Panel, PostureBar, State, Words } from "../parts/basics";
import { CutNote } from "../parts/cut";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count, visible } from "../words";
import { may } from "../who";
import { RecordResult } from "./audit";
import { DeviceStateWord } from "./devices";
import { Factor, UserState } from "./users";

const acts = {
  lock: { op: "userLock", verb: "Lock user", text: "The user can't sign in until unlocked. All logins end.", role: "admin" },
  out: { op: "userSignOut", verb: "Sign out", text: "All logins end; the user may sign in again.", role: "operator" },
  totp: { op: "userResetTotp", verb: "Reset second factor", text: "The authenticator and the recovery codes stop working. The next sign-in enrols a new one: be sure that you speak with the right person.", role: "admin" },
} as const;
type Act = keyof typeof acts;

export function UserPage({ id }: { id: string }) {
  const load = useLoad("userGet", { path: { id } });
  const devices = useLoad("deviceList", { query: { user: id, limit: 200 } });
  const record = useLoad("auditList", { query: { user: id, limit: 20 } });
  const [asking, setAsking] = useState<Act | undefined>();
  const [done, setDone] = useState<{ cut: Cut; what: string } | undefined>();
  const unlock = useAct();
  const u = load.data;
  if (!u) return <><Head title="User" crumbs={[["/users", "Users"]]} />{load.failed && <Failure what="This user could not be read." problem={load.failed} again={() => void load.reload()} />}</>;

  const button = (key: Act, look = "btn") => may(acts[key].role) && <button type="button" class={look} onClick={() => setAsking(key)}>{acts[key].verb}</button>;
  return (
    <>
      <Head title={<Name text={u.name} />} crumbs={[["/users", "Users"]]} acts={<>
        {button("out")}{u.factor !== "none" && button("totp")}
        {u.state === "locked"
          ? may("admin") && <button type="button" class="btn main" aria-busy={unlock.busy ? "true" : undefined} onClick={() => void unlock.run(async () => { await call("userUnlock", { path: { id } }); await load.reload(); })}>Unlock user</button>
          : button("lock", "btn quiet danger-text")}</>}>
        {u.state === "locked" ? "Locked: can't sign in and has no session." : <>Signed in <Ago at={u.signed_in_at} />, with {count(u.sessions_live, "live session")} on {count(u.devices, "device")}.</>}
      </Head>
      {unlock.failed && <Failure what="Not unlocked." problem={unlock.failed} />}
      {done && <CutNote cut={done.cut} what={done.what} />}
      <div class="cols wide">
        <div class="stack">
          <Table<Device> title="Devices" slim page={all(devices.data?.items)} failed={devices.failed} loading={devices.loading} rowKey={(d) => d.id} header={<h2>Devices</h2>}
            empty={<p>None. A device appears with <code>sallyport login</code>.</p>}
            columns={[
              { head: "Device", part: "main", cell: (d) => <a href={`/devices/${d.id}`}><Name text={d.name} /></a> },
              { head: "State", cell: (d) => <DeviceStateWord state={d.state} /> },
              { head: "Posture", cell: (d) => <PostureBar {...d.posture} /> },
              { head: "Seen", kind: "r p2", cell: (d) => d.online ? "online" : <Ago at={d.last_seen} /> }]} />
          <Table<AuditRecord> title="Audit records" slim page={all(record.data?.items)} failed={record.failed} loading={record.loading} rowKey={(r) => `${r.shard}/${r.seq}`}
            header={<><h2>Record</h2><a href={`/audit?user=${id}`}>All</a></>} empty={<p>Nothing recorded yet.</p>}
            columns={[
              { head: "Action", part: "main", cell: (r) => <a class="mono" href={`/audit?user=${id}&record=${r.shard}.${r.seq}`}>{r.action}</a> },
              { head: "When", cell: (r) => <Ago at={r.time} /> },
              { head: "Detail", kind: "p2", cell: (r) => <Words text={r.text} /> },
              { head: "Result", cell: (r) => <RecordResult r={r} /> }]} />
        </div>
        <div class="stack">
          <Panel title="Identity"><Facts rows={[
            ["Provider", <Name text={u.provider} />],
            ["Subject", <span class="mono"><Name text={u.subject} /></span>],
            ["State", <UserState user={u} />],
            ["Second factor", <Factor user={u} />],
            ["Recovery codes", u.recovery_left === null ? "none" : `${u.recovery_left} left`],
            ["Console role", u.role === "person" ? "none" : <Badge>{u.role}</Badge>]]} /></Panel>
          <Panel title="Groups">{!u.groups_known ? <State mood="warn">could not be read: every app whose policy names groups is closed</State>
            : u.groups.length ? <span class="tokens">{u.groups.map((g) => <a class="token" href={`/users?group=${encodeURIComponent(g)}`}><Name text={g} /></a>)}</span> : <p class="sub">none</p>}</Panel>
        </div>
      </div>
      {asking && (
        <Confirm title={<>{acts[asking].verb}: <Name text={u.name} />?</>} verb={acts[asking].verb} reason close={() => setAsking(undefined)}
          act={async (reason) => {
            const cut = await call(acts[asking].op, { path: { id }, body: { reason } });
            setDone({ cut, what: `${acts[asking].verb}: ${visible(u.name)}` });
            await load.reload();
          }}>
          <p>{acts[asking].text} {u.sessions_live ? `${count(u.sessions_live, "live session")} will be cut.` : "No session is live."}</p>
        </Confirm>)}
    </>
  );
}
