// Who waits for an answer; what was answered before. An approval is a temporary allow rule for one
// person and one app: it never beats a deny rule or a requirement.
import { useEffect, useState } from "preact/hooks";
import type { AccessRequest } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { onLive } from "../live";
import { Ago, Field, Head, RefLink, State, Until, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Filters, Table } from "../parts/table";
import { usePlace } from "../route";
import { count, duration, visible } from "../words";
import { may } from "../who";

const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;

function Answer({ r }: { r: AccessRequest }) {
  switch (r.state) {
    case "waiting": return <State mood="warn" icon="clock">Waits</State>;
    case "approved": return <State mood="ok">Approved, <Until at={r.until} /></State>;
    case "over": return <State mood="off" icon="clock">Approved, over</State>;
    case "ended": return <State mood="off" icon="stop">Ended early</State>;
    case "refused": return <State mood="bad">Refused</State>;
    case "withdrawn": return <State mood="off">Withdrawn</State>;
    case "lapsed": return <State mood="off" icon="clock">Nobody answered</State>;
  }
}

type Act = { kind: "approve" | "refuse" | "end"; r: AccessRequest };

export function RequestsPage() {
  const { query } = usePlace();
  const filter = { user: query.get("user") ?? "", app: query.get("app") ?? "" };
  const waiting = useLoad("requestList", { query: { ...filter, state: "waiting", limit: 200 } });
  const past = useLoad("requestList", { query: { ...filter, state: (query.get("state") ?? "") as AccessRequest["state"], after: query.get("after") ?? "" } });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const [act, setAct] = useState<Act | undefined>();
  const reload = async () => { await Promise.all([waiting.reload(), past.reload()]); };
  useEffect(() => onLive((e) => { if (e === "reset" || e.t === "request.change") void reload(); }), [waiting.reload, past.reload]);
  const answered = past.data && { ...past.data, items: past.data.items.filter((r) => r.state !== "waiting") };

  const who = { head: "User", part: "main" as const, cell: (r: AccessRequest) => <span class="who"><RefLink to={r.user} at="users" /></span> };
  const app = { head: "App", cell: (r: AccessRequest) => <RefLink to={r.app} at="apps" /> };
  const reason = { head: "Their reason", cell: (r: AccessRequest) => <Words text={r.reason} /> };
  return (
    <>
      <Head title="Requests">{waiting.data && <>{waiting.data.total ? `${count(waiting.data.total, "request")} ${waiting.data.total === 1 ? "waits" : "wait"}.` : "No request waits."}
        {" "}An approval lets one person open one app until the time you set. It never overrides a deny rule or a requirement.</>}</Head>
      <Filters views="requests" chips={[
        { name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.id, text: a.name })) ?? [] },
        { name: "state", label: "State", choices: ["approved", "refused", "withdrawn", "ended", "lapsed", "over"].map((value) => ({ value, text: value })) },
        ...(filter.user ? [{ name: "user", label: "User", choices: [] }] : [])]} />
      <Table<AccessRequest> title="Waiting" slim page={waiting.data} failed={waiting.failed} loading={waiting.loading} again={() => void reload()} rowKey={(r) => r.id} header={<h2>Waiting</h2>}
        empty={<p>Nobody waits. People ask where an app is closed to them and no rule is in the way: on its page, or with <code>sallyport request APP</code>.</p>}
        columns={[who, app,
          { head: "For", kind: "nowrap", cell: (r) => duration(r.for_ms) }, reason,
          { head: "Denied because", kind: "p2", cell: (r) => <><Words text={r.denied} /> <a href={`/why?user=${r.user.id}&app=${r.app.id}${r.device ? `&device=${r.device.id}` : ""}`}>Why<span class="vh"> was {visible(r.user.name)} denied {visible(r.app.name)}</span></a></> },
          { head: "Asked", kind: "r p2", cell: (r) => <Ago at={r.created} /> },
          { head: "Actions", part: "act", cell: (r) => may("operator") && <>
            <button type="button" class="btn small" onClick={() => setAct({ kind: "refuse", r })}>Refuse<span class="vh"> {visible(r.user.name)}</span></button>{" "}
            <button type="button" class="btn small" onClick={() => setAct({ kind: "approve", r })}>Approve<span class="vh"> {visible(r.user.name)}</span></button></> }]} />
      <Table<AccessRequest> title="Answered" page={answered} failed={past.failed} loading={past.loading} again={() => void reload()} rowKey={(r) => r.id} header={<h2>Answered</h2>}
        filtered={query.get("state") ? "No request matches." : undefined} empty={<p>None was answered yet.</p>}
        columns={[who, app, reason,
          { head: "Answer", cell: (r) => <><Answer r={r} />{r.answer && <span class="two"><Words text={r.answer} /></span>}</> },
          { head: "By", kind: "p2", cell: (r) => r.decided_by ? <RefLink to={r.decided_by} at="users" /> : <span class="dim">nobody</span> },
          { head: "Answered", kind: "r p2", cell: (r) => <Ago at={r.decided} /> },
          { head: "Actions", part: "act", cell: (r) => r.state === "approved" && may("operator") && <button type="button" class="btn small" onClick={() => setAct({ kind: "end", r })}>End<span class="vh"> approval of {visible(r.user.name)}</span></button> }]} />
      {act?.kind === "approve" && <Approve r={act.r} close={() => setAct(undefined)} done={reload} />}
      {act && act.kind !== "approve" && (
        <Confirm title={act.kind === "refuse" ? <>Refuse <RefLink to={act.r.user} at="users" />?</> : "End this approval now?"} verb={act.kind === "refuse" ? "Refuse request" : "End approval"} reason danger={act.kind === "end"} close={() => setAct(undefined)}
          act={async (text) => {
            await call(act.kind === "refuse" ? "requestRefuse" : "requestEnd", { path: { id: act.r.id }, body: { reason: text } });
            await reload();
          }}>
          <p>{act.kind === "refuse" ? "The person reads your reason." : "Sessions that only this approval allows are cut at once."}</p>
        </Confirm>)}
    </>
  );
}

const spans: Array<[number, string]> = [[HOUR_MS, "1 hour"], [4 * HOUR_MS, "4 hours"], [8 * HOUR_MS, "8 hours"], [DAY_MS, "24 hours"]];

function Approve({ r, close, done }: { r: AccessRequest; close: () => void; done: () => Promise<void> }) {
  const asked: [number, string] = [r.for_ms, `${duration(r.for_ms)}, as asked`];
  const [ms, setMs] = useState(Math.min(r.for_ms, DAY_MS));
  return (
    <Confirm title={`Approve ${visible(r.user.name)} for ${visible(r.app.name)}?`} verb="Approve request" danger={false} close={close}
      act={async () => {
        await call("requestApprove", { path: { id: r.id }, body: { for_ms: ms } });
        await done();
      }}>
      <p>“<Words text={r.reason} />”</p>
      <Field id="for" label="For how long" hint="It ends by itself; sessions that only it allows are cut then.">
        <select class="sel" value={ms} onChange={(e) => setMs(Number(e.currentTarget.value))}>
          {[...(r.for_ms <= DAY_MS ? [asked] : []), ...spans.filter(([n]) => n !== r.for_ms)].map(([n, text]) => <option value={n}>{text}</option>)}</select></Field>
    </Confirm>
  );
}
