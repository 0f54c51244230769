// Views of a list that the broker keeps: a name for the filters in the address, for oneself or for all.
import { useState } from "preact/hooks";
import type { SavedView } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { usePlace } from "../route";
import { visible } from "../words";
import { Field } from "./basics";
import { Confirm } from "./dialog";
import { Failure } from "./failure";

/** Members of the address that are no filter: paging, the selected row, what is open. */
const noFilter = new Set(["after", "record", "tab", "v", "line", "add", "import", "kill"]);

export function SavedViews({ page }: { page: SavedView["page"] }) {
  const { query, path } = usePlace();
  const load = useLoad("viewList", { query: { page } });
  const act = useAct();
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const [asking, setAsking] = useState(false);
  const sorted = (q: string) => new URLSearchParams([...new URLSearchParams(q)].sort(([a], [b]) => a < b ? -1 : 1)).toString();
  const now = sorted(new URLSearchParams([...query].filter(([k, v]) => v && !noFilter.has(k))).toString());
  const views = load.data?.items ?? [], current = views.find((v) => sorted(v.query) === now);
  if (!views.length && !now) return null;
  return (
    <div class="filters" aria-label="Views" role="group">
      {views.map((v) => <a class={v === current ? "chip on" : "chip"} aria-current={v === current ? "true" : undefined} href={`${path}?${v.query}`}
        title={v.mine ? v.shared ? "Shared with all admins" : undefined : `Shared by ${visible(v.owner?.name ?? "")}`}>{visible(v.name)}</a>)}
      {now && !current && load.data && <button type="button" class="btn small quiet" onClick={() => { setName(""); setAsking(true); }}>Save view</button>}
      {current?.mine && <button type="button" class="btn small quiet" aria-busy={act.busy ? "true" : undefined}
        onClick={() => void act.run(async () => { await call("viewRemove", { path: { id: current.id } }); await load.reload(); })}>Remove view<span class="vh"> {visible(current.name)}</span></button>}
      {act.failed && <Failure what="The view was not removed." problem={act.failed} />}
      {asking && (
        <Confirm title="Save this view" verb="Save view" danger={false} ready={name.trim() !== ""} close={() => setAsking(false)}
          act={async () => {
            await call("viewCreate", { body: { page, name: name.trim(), query: now, shared } });
            await load.reload();
          }}>
          <Field id="view-name" label="Name"><input class="in" maxLength={60} value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
          <label class="pick"><input type="checkbox" checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} /><span>Show it to all admins<small>Others see it and can't change it.</small></span></label>
        </Confirm>)}
    </div>
  );
}
