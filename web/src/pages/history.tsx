// Versions of the whole document; an earlier text can be put in force again, as a new version.
import { useState } from "preact/hooks";
import type { PolicyVersion } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Badge, Panel, RefLink, Words } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { Diff } from "../parts/diff";
import { Table } from "../parts/table";
import { usePlace } from "../route";
import { may } from "../who";

export function History({ changed }: { changed: () => void }) {
  const { query } = usePlace();
  const after = query.get("after") ?? "";
  const shown = Number(query.get("v") ?? 0);
  const load = useLoad("policyHistory", { query: { after } });
  const now = useLoad("policyDocument", {});
  const old = useLoad("policyVersion", { path: { version: shown } }, shown > 0);
  const [back, setBack] = useState<PolicyVersion | undefined>();
  return (
    <>
      <Table<PolicyVersion> title="Versions" page={load.data} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(v) => String(v.version)}
        on={(v) => v.version === shown} empty={<p>Nothing was saved yet.</p>}
        columns={[
          { head: "Version", part: "main", cell: (v) => <a href={`/policies?tab=history&v=${v.version}`}>{v.version}</a> },
          { head: "Saved", cell: (v) => <Ago at={v.at} /> },
          { head: "By", cell: (v) => v.by ? <RefLink to={v.by} at="users" /> : <span class="dim">the broker</span> },
          { head: "Note", kind: "p2", cell: (v) => <Words text={v.note} /> },
          { head: "State", cell: (v) => v.in_force ? <Badge mood="ok">in force</Badge> : <span class="dim">past</span> },
          { head: "Actions", part: "act", cell: (v) => !v.in_force && may("admin") && <button type="button" class="btn small" onClick={() => setBack(v)}>Roll back<span class="vh"> to version {v.version}</span></button> }]} />
      {old.data && now.data && <Panel title={old.data.in_force ? `Version ${shown}` : `Version ${shown}, and what version ${now.data.version} made of it`}>
        <Diff before={old.data.text ?? ""} after={now.data.text ?? ""} /></Panel>}
      {back && now.data && (
        <Confirm title={`Put version ${back.version} in force again?`} verb="Roll back" reason danger={false} close={() => setBack(undefined)}
          act={async (reason) => {
            await call("policyRollback", { path: { version: back.version }, body: { reason }, version: now.data!.version });
            await Promise.all([load.reload(), now.reload()]);
            changed();
          }}>
          <p>Its text becomes version {now.data.version + 1}. Live sessions are decided again at once.</p>
        </Confirm>)}
    </>
  );
}
