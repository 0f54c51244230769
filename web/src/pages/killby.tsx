// Cuts all sessions of one user, device, connector or app; counts them before.
import { useState } from "preact/hooks";
import type { Cut } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Field } from "../parts/basics";
import { Confirm } from "../parts/dialog";
import { count, visible } from "../words";

const kinds = ["user", "device", "connector", "app"] as const;
type Kind = (typeof kinds)[number];

export function KillBy({ close, done, kind, id }: { close: () => void; done: (cut: Cut, what: string) => void; kind?: Kind; id?: string }) {
  const [by, setBy] = useState<Kind>(kind ?? "user");
  const [chosen, setChosen] = useState(id ?? "");
  const list = { user: "userList", device: "deviceList", connector: "connectorList", app: "appList" } as const;
  const choices = useLoad(list[by], { query: { limit: 200 } });
  const hit = useLoad("sessionList", { query: { [by]: chosen, limit: 1 } }, chosen !== "");
  const name = choices.data?.items.find((x) => x.id === chosen)?.name ?? "";
  const total = chosen ? hit.data?.total : undefined;

  return (
    <Confirm title="Kill sessions" verb={total === undefined ? "Kill sessions" : `Kill ${count(total, "session")}`} reason close={close}
      act={async (reason) => {
        if (!chosen) throw new Error(`Choose a ${by} first.`);
        done(await call("sessionKillMany", { body: { by, id: chosen, reason } }), `Sessions of ${by} ${visible(name)}`);
      }}>
      <div class="fields">
        <Field id="kill-by" label="Of one"><select class="sel" value={by} onChange={(e) => { setBy(e.currentTarget.value as Kind); setChosen(""); }}>{kinds.map((k) => <option value={k}>{k}</option>)}</select></Field>
        <Field id="kill-id" label="Which"><select class="sel" value={chosen} onChange={(e) => setChosen(e.currentTarget.value)}>
          <option value="">Choose</option>{choices.data?.items.map((x) => <option value={x.id}>{visible(x.name)}</option>)}</select></Field>
      </div>
      {total !== undefined && <p>{count(total, "live session")} will be cut at relay and connector.</p>}
    </Confirm>
  );
}
