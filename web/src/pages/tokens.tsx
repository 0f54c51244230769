// Enrolment tokens of one site: which still wait for a host, which were used by whom.
import { useState } from "preact/hooks";
import type { EnrolToken } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Field, Name, Note, RefLink, State, Until } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { all, Table } from "../parts/table";
import { narrow, usePlace } from "../route";
import { visible } from "../words";
import { may } from "../who";

function TokenState({ t }: { t: EnrolToken }) {
  if (t.state === "waiting") return <State mood="info" icon="clock">Waits for a host</State>;
  return t.state === "used" ? <State mood="ok">Used</State> : <State mood="off" icon="clock">Expired</State>;
}

export function Tokens() {
  const { query } = usePlace();
  const sites = useLoad("siteList", { query: { limit: 200 } });
  const site = query.get("site") || sites.data?.items[0]?.id || "";
  const load = useLoad("siteTokenList", { path: { id: site } }, site !== "" && may("operator"));
  const [revoking, setRevoking] = useState<EnrolToken | undefined>();
  if (!may("operator")) return <Note mood="info" title="Needs role operator.">Tokens let a host become a connector; a viewer does not see them.</Note>;
  return (
    <>
      <div class="narrow"><Field id="token-site" label="Site"><select class="sel" value={site} onChange={(e) => narrow({ site: e.currentTarget.value })}>
        {!sites.data?.items.length && <option value="">There is no site yet</option>}{sites.data?.items.map((s) => <option value={s.id}>{visible(s.name)}</option>)}</select></Field></div>
      <Table<EnrolToken> title="Enrolment tokens" slim page={site ? all(load.data?.items) : all([])} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(t) => t.id}
        header={<><h2>Enrolment tokens</h2>{site && may("admin") && <a class="btn small" href={`/sites/${site}/enrol`}>Enrol a connector</a>}</>}
        empty={<p>None is kept. One is made where a connector is enrolled; it works once, and its secret is shown only then.</p>}
        columns={[
          { head: "For", part: "main", cell: (t) => <b><Name text={t.name} /></b> },
          { head: "Made", kind: "r p2", cell: (t) => <Ago at={t.made_at} /> },
          { head: "Expires", kind: "r", cell: (t) => t.state === "waiting" ? <Until at={t.expires} /> : <span class="dim">{t.state === "used" ? "used" : "over"}</span> },
          { head: "Connector", kind: "p2", cell: (t) => t.edge ? <RefLink to={t.edge} at="connectors" /> : <span class="dim">none</span> },
          { head: "State", cell: (t) => <TokenState t={t} /> },
          { head: "Actions", part: "act", cell: (t) => t.state === "waiting" && may("admin") && <button type="button" class="btn small" onClick={() => setRevoking(t)}>Revoke<span class="vh"> token for {visible(t.name)}</span></button> }]} />
      {revoking && (
        <Confirm title={<>Revoke the token for <Name text={revoking.name} />?</>} verb="Revoke token" close={() => setRevoking(undefined)}
          act={async () => {
            await call("tokenRevoke", { path: { id: revoking.id } });
            await load.reload();
          }}>
          <p>Whoever still has it can enrol nothing with it. A new one is made with one click.</p>
        </Confirm>)}
    </>
  );
}
