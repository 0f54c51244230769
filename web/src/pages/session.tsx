// One live session: whose, through what, until when, by which rule; and its end.
import { useEffect, useState } from "preact/hooks";
import type { Cut } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { onLive } from "../live";
import { Ago, Facts, Head, Name, Note, Panel, RefLink, Until } from "../parts/basics";
import { CutNote } from "../parts/cut";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { bytes, duration, exact, visible } from "../words";
import { may } from "../who";
import { killable, SessionState } from "./sessions";

export function SessionPage({ id }: { id: string }) {
  const load = useLoad("sessionGet", { path: { id } });
  const [killing, setKilling] = useState(false);
  const [cut, setCut] = useState<Cut | undefined>();
  const s = load.data;
  useEffect(() => onLive((e) => {
    if (e === "reset") return void load.reload();
    const now = e.d.session;
    if (now?.id === id) load.patch(() => now);
  }), [id, load.patch, load.reload]);

  const crumbs: Array<[string, string]> = [["/sessions", "Sessions"]];
  if (!s) return <><Head title="Session" crumbs={crumbs} />
    {load.failed?.status === 404 ? <Note mood="info" title="This session is over.">Live sessions are kept here; how one began and ended stands in the <a href="/audit?action=session.">audit log</a>.</Note>
      : load.failed && <Failure what="This session could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  const [policy = ""] = s.rule.split("/"), user = visible(s.user.name), app = visible(s.app.name);
  return (
    <>
      <Head title={<><Name text={s.user.name} /> in <Name text={s.app.name} /></>} crumbs={crumbs} acts={<>
        <a class="btn quiet" href={`/sessions?user=${s.user.id}`}>All of {user}</a>
        {s.request_id && <a class="btn" href={`/why/${s.request_id}`}>Why</a>}
        {may("operator") && killable(s) && <button type="button" class="btn danger" onClick={() => setKilling(true)}>Kill session</button>}</>}>
        Opened <Ago at={s.opened} />, {s.deadline ? <>ends <Until at={s.deadline} /></> : "without an end"}{s.idle_ms !== null && ` or after ${duration(s.idle_ms)} without a byte`}.</Head>
      {cut && <CutNote cut={cut} what={`Session of ${user} to ${app}`} />}
      <div class="cols two">
        <Panel title="Who and what"><Facts rows={[
          ["State", <SessionState s={s} />],
          ["User", <RefLink to={s.user} at="users" />],
          ["Device", <RefLink to={s.device} at="devices" />],
          ["From address", s.address ? <span class="mono">{visible(s.address)}</span> : "unknown"],
          ["App", <RefLink to={s.app} at="apps" />],
          ["Opened", exact(s.opened)],
          ["Sent to user", bytes(s.bytes_down)],
          ["Sent to app", bytes(s.bytes_up)]]} /></Panel>
        <Panel title="Why and through what"><Facts rows={[
          ["Rule", <a href={`/policies/${encodeURIComponent(policy)}`}><Name text={s.rule} /></a>],
          ["Policy version", <a href={`/policies?tab=history&v=${s.policy_version}`}>{s.policy_version}</a>],
          ["Decision", s.request_id ? <a class="mono" href={`/why/${s.request_id}`}>{s.request_id}</a> : "unknown"],
          ["Relay", s.relay ? <Name text={s.relay.name} /> : "unknown"],
          ["Connector", <RefLink to={s.connector} at="connectors" />],
          ["Session", <span class="mono">{s.id}</span>],
          ["Record", <a href={`/audit?action=session.&user=${s.user.id}&app=${s.app.id}`}>what {user} did with {app}</a>]]} /></Panel>
      </div>
      {killing && (
        <Confirm title={<>Kill session of <Name text={s.user.name} /> to <Name text={s.app.name} />?</>} verb="Kill session" reason close={() => setKilling(false)}
          act={async (reason) => {
            const done = await call("sessionKill", { path: { id }, body: { reason } });
            setCut(done);
            load.patch((old) => ({ ...old, state: "cut", cut: done.sessions[0] ?? old.cut }));
          }}>
          <p>1 session, {bytes(s.bytes_down)} sent to the user so far. The person may open it again while the policies allow it.</p>
        </Confirm>)}
    </>
  );
}
