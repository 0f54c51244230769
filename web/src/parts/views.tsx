// Views of a list that this browser keeps: a name for a filter in the address.
import { useState } from "preact/hooks";
import { go, usePlace } from "../route";
import { visible } from "../words";
import { Field } from "./basics";
import { Confirm } from "./dialog";

type Views = Record<string, string>;

function kept(list: string): Views {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(`views:${list}`) ?? "{}");
    if (all && typeof all === "object") return Object.fromEntries(Object.entries(all).filter((v): v is [string, string] => typeof v[1] === "string"));
  } catch { /* somebody else's words in our store: none are kept */ }
  return {};
}

/** `filters`: the members of the address that make a view; paging and the selected row do not. */
export function SavedViews({ list, path, filters }: { list: string; path: string; filters: string[] }) {
  const { query } = usePlace();
  const [views, set] = useState(kept(list));
  const [name, setName] = useState("");
  const [asking, setAsking] = useState(false);
  const now = new URLSearchParams([...query].filter(([k]) => filters.includes(k))).toString();
  const current = Object.entries(views).find(([, q]) => q === now)?.[0];

  function keep(next: Views) {
    localStorage.setItem(`views:${list}`, JSON.stringify(next));
    set(next);
  }
  const names = Object.keys(views).sort();
  return (
    <div class="filters">
      {names.map((n) => <a class={n === current ? "chip on" : "chip"} aria-current={n === current ? "true" : undefined} href={`${path}?${views[n]}`}>{visible(n)}</a>)}
      {now && !current && <button type="button" class="btn small quiet" onClick={() => { setName(""); setAsking(true); }}>Save view</button>}
      {current && <button type="button" class="btn small quiet" onClick={() => { const { [current]: _, ...rest } = views; keep(rest); }}>Remove view<span class="vh"> {visible(current)}</span></button>}
      {asking && (
        <Confirm title="Save this view" verb="Save view" danger={false} close={() => setAsking(false)}
          act={async () => {
            const text = name.trim();
            if (!text) throw new Error("A view needs a name.");
            keep({ ...views, [text]: now });
            go(`${path}?${now}`, true);
          }}>
          <Field id="view-name" label="Name" hint="Kept in this browser. The address itself can be shared."><input class="in" maxLength={60} value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        </Confirm>)}
    </div>
  );
}
