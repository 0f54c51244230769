// Finds users, devices, apps, sessions and acts by part of a name; a request id opens its trace at once.
import { useEffect, useState } from "preact/hooks";
import type { Role } from "../api";
import { call } from "../client";
import { go } from "../route";
import { visible } from "../words";
import { may } from "../who";
import { Icon } from "./basics";

interface Hit { to: string; kind: string; name: string }

const FEW = 5;

const acts: Array<Hit & { role: Role }> = [
  { to: "/policies/new", kind: "Act", name: "New policy", role: "admin" }, { to: "/apps?add=1", kind: "Act", name: "Add app", role: "admin" },
  { to: "/sites?add=1", kind: "Act", name: "Add site", role: "admin" }, { to: "/devices?state=pending", kind: "Act", name: "Approve devices", role: "operator" },
  { to: "/requests", kind: "Act", name: "Answer requests", role: "operator" }, { to: "/policies?tab=drafts", kind: "Act", name: "Drafts of policies", role: "viewer" },
  { to: "/policies?tab=simulate", kind: "Act", name: "Simulate a decision", role: "viewer" }, { to: "/policies?tab=history", kind: "Act", name: "Roll a policy back", role: "admin" },
  { to: "/audit", kind: "Act", name: "Verify the audit chain", role: "operator" }, { to: "/settings?tab=appearance", kind: "Act", name: "Theme and keys", role: "viewer" },
  { to: "/setup", kind: "Act", name: "Set up Sallyport", role: "viewer" },
];

const actsFor = (q: string): Hit[] => acts.filter((a) => may(a.role) && a.name.toLowerCase().includes(q.toLowerCase()));

const kill = (kind: "user" | "device" | "app", of: { id: string; name: string }): Hit[] =>
  may("operator") ? [{ to: `/sessions?kill=${kind}.${of.id}`, kind: "Act", name: `Kill sessions of ${of.name}` }] : [];

async function look(q: string, signal: AbortSignal): Promise<Hit[]> {
  const query = { q, limit: FEW };
  const [apps, users, devices, sessions] = await Promise.all([
    call("appList", { query }, signal), call("userList", { query }, signal), call("deviceList", { query }, signal), call("sessionList", { query }, signal)]);
  return [
    ...actsFor(q),
    ...apps.items.map((a) => ({ to: `/apps/${a.id}`, kind: "App", name: a.name })),
    ...users.items.map((u) => ({ to: `/users/${u.id}`, kind: "User", name: u.name })),
    ...devices.items.map((d) => ({ to: `/devices/${d.id}`, kind: "Device", name: d.name })),
    ...sessions.items.map((s) => ({ to: `/sessions/${s.id}`, kind: "Session", name: `${s.user.name} in ${s.app.name}` })),
    ...apps.items.slice(0, 1).flatMap((a) => kill("app", a)), ...users.items.slice(0, 1).flatMap((u) => kill("user", u)), ...devices.items.slice(0, 1).flatMap((d) => kill("device", d)),
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

  /** Arrow keys go through what was found, and back to the field above the first. */
  function step(event: KeyboardEvent, by: number) {
    const links = [...document.querySelectorAll<HTMLElement>(".found a")];
    const to = links.indexOf(document.activeElement as HTMLElement) + by;
    event.preventDefault();
    (to < 0 ? document.getElementById("find") : links[Math.min(to, links.length - 1)])?.focus();
  }

  function submit(event: Event) {
    event.preventDefault();
    const request = text.trim();
    if (/^R-[A-Za-z0-9_-]+$/.test(request)) open(`/why/${request}`);
    else {
      const first = hits?.[0] ?? (request.length > 1 ? actsFor(request)[0] : undefined); // acts need no answer
      if (first) open(first.to);
    }
  }
  function open(to: string) {
    set("");
    go(to);
  }
  return (
    <search class="find" aria-label="Everything"><Icon name="search" />
      <form onSubmit={submit}><input class="in" id="find" type="search" placeholder="Find a user, device, app, session or decision" aria-label="Find a user, device, app, session or decision"
        autocomplete="off" value={text} onInput={(e) => set(e.currentTarget.value)} onKeyDown={(e) => {
          if (e.key === "Escape" && text) {
            e.stopPropagation();
            set("");
          }
          if (e.key === "ArrowDown") step(e, 1);
        }} /></form>
      <kbd aria-hidden="true">/</kbd>
      {hits && <div class="found panel" role="status" onKeyDown={(e) => {
        if (e.key === "ArrowDown" || e.key === "ArrowUp") step(e, e.key === "ArrowDown" ? 1 : -1);
        if (e.key !== "Escape") return;
        set("");
        document.getElementById("find")?.focus();
      }}>{hits.length
        ? <ul>{hits.map((h) => <li><a href={h.to} onClick={() => set("")}><bdi>{visible(h.name)}</bdi><span class="dim"> {h.kind}</span></a></li>)}</ul>
        : <p class="dim">Nothing has this in its name. A request id opens its decision.</p>}</div>}
    </search>
  );
}
