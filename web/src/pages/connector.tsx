import { useState } from "preact/hooks";
import type { Cut } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Facts, Head, Name, Note, Panel, Words } from "../parts/basics";
import { CutNote } from "../parts/cut";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { count, visible } from "../words";
import { may } from "../who";
import { ConnectorStateWord } from "./sites";

export function ConnectorPage({ id }: { id: string }) {
  const load = useLoad("connectorGet", { path: { id } });
  const [asking, setAsking] = useState(false);
  const [cut, setCut] = useState<Cut | undefined>();
  const c = load.data;
  if (!c) return <><Head title="Connector" crumbs={[["/sites", "Sites"]]} />{load.failed && <Failure what="This connector could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  return (
    <>
      <Head title={<Name text={c.name} />} crumbs={[["/sites", "Sites"], [`/sites?site=${c.site.id}`, <Name text={c.site.name} />]]}
        acts={c.state !== "revoked" && may("admin") && <button type="button" class="btn quiet danger-text" onClick={() => setAsking(true)}>Revoke</button>}>
        {c.state === "online" ? <>Online since <Ago at={c.online_since} />, carrying {count(c.sessions_live, "session")}.</> : c.state === "silent" ? <>Silent: last seen <Ago at={c.last_seen} />.</> : c.state === "revoked" ? "Revoked: its key never works again." : "Draining: it takes no new session."}
      </Head>
      {cut && <CutNote cut={cut} what={`Revoked ${visible(c.name)}`} />}
      {c.state === "silent" && <Note mood="bad" title="It does not answer.">Run <code>sallyport-connector status</code> on its host{c.address && <> (last address <code>{visible(c.address)}</code>)</>}. Sessions go through the other connectors of its site, if there are any.</Note>}
      <Panel title="Connector"><Facts rows={[
        ["State", <ConnectorStateWord state={c.state} />],
        ["Site", <a href={`/sites?site=${c.site.id}`}><Name text={c.site.name} /></a>],
        ["Fingerprint", <span class="mono">{c.fingerprint}</span>],
        ["Version", c.software ? <Name text={c.software} /> : "unknown"],
        ["Address", c.address ? <span class="mono">{visible(c.address)}</span> : "unknown"],
        ["Round trip", c.rtt_ms === null ? "unknown" : `${c.rtt_ms} ms`],
        ["Stands at relays", c.relays.length ? <Words text={c.relays.map((r) => r.name).join(", ")} /> : "none"],
        ["Live sessions", <a href={`/sessions?connector=${id}`}>{c.sessions_live}</a>],
        ["Enrolled", <Ago at={c.enrolled_at} />]]} /></Panel>
      {asking && (
        <Confirm title={<>Revoke connector <Name text={c.name} />?</>} verb="Revoke connector" reason typed={c.name} close={() => setAsking(false)}
          act={async (reason) => {
            setCut(await call("connectorRevoke", { path: { id }, body: { reason } }));
            await load.reload();
          }}>
          <p>{c.sessions_live ? `${count(c.sessions_live, "live session")} will be cut.` : "No session is live through it."} To use this host again, enrol it anew.</p>
        </Confirm>)}
    </>
  );
}
