// Finds users, devices and apps by part of a name; a request id opens its trace at once.
import { useEffect, useState } from "preact/hooks";
import { call } from "../client";
import { go } from "../route";
import { visible } from "../words";
import { Icon } from "./basics";

interface Hit { to: string; kind: string; name: string }

const FEW = 5;

async function look(q: string, signal: AbortSignal): Promise<Hit[]> {
  const query = { q, limit: FEW };
  const [apps, users, devices] = await Promise.all([
    call("appList", { query }, signal), call("userList", { query }, signal), call("deviceList", { query }, signal)]);
  return [
    ...apps.items.map((a) => ({ to: `/apps/${a.id}`, kind: "App", name: a.name })),
    ...users.items.map((u) => ({ to: `/users/${u.id}`, kind: "User", name: u.name })),
    ...devices.items.map((d) => ({ to: `/devices/${d.id}`, kind: "Device", name: d.name })),
  ];
}

export function FindAnything() {
  const [text, set] = useState("");
  const [hits, setHits] = useState<Hit[] | undefined>();
  useEffect(() => {
    setHits(undefined);
    if (text.trim().length < 2) return;
    const control = new AbortController();
    const timer = setTimeout(() => look(text.trim(), control.signal).then(setHits, () => undefined), 200);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [text]);

  function submit(event: Event) {
    event.preventDefault();
    const request = text.trim();
    if (/^R-[A-Za-z0-9_-]+$/.test(request)) open(`/why/${request}`);
    else if (hits?.[0]) open(hits[0].to);
  }
  function open(to: string) {
    set("");
    go(to);
  }
  return (
    <search class="find" aria-label="Everything"><Icon name="search" />
      <form onSubmit={submit}><input class="in" id="find" type="search" placeholder="Find a user, device, app or decision" aria-label="Find a user, device, app or decision"
        autocomplete="off" value={text} onInput={(e) => set(e.currentTarget.value)} onKeyDown={(e) => e.key === "Escape" && set("")} /></form>
      <kbd aria-hidden="true">/</kbd>
      {hits && <div class="found panel" role="status">{hits.length
        ? <ul>{hits.map((h) => <li><a href={h.to} onClick={() => set("")}><bdi>{visible(h.name)}</bdi><span class="dim"> {h.kind}</span></a></li>)}</ul>
        : <p class="dim">Nothing has this in its name. A request id opens its decision.</p>}</div>}
    </search>
  );
}
