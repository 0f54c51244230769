// The frame of every page: navigation, search, live dot, theme, evaluation bar.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Me } from "./api";
import { call } from "./client";
import { due, useDue } from "./due";
import { keySaid } from "./keys";
import { live } from "./live";
import { FindAnything } from "./parts/find";
import { Icon, useNow } from "./parts/basics";
import { KeyHelp } from "./parts/keylist";
import { useAct } from "./load";
import { usePlace } from "./route";
import { store, useStore } from "./store";
import { duration, visible } from "./words";

const links: Array<{ group?: string; to: string; icon: string; text: string }> = [
  { to: "/", icon: "overview", text: "Overview" },
  { group: "Access", to: "/apps", icon: "app", text: "Apps" },
  { to: "/policies", icon: "policy", text: "Policies" },
  { to: "/sessions", icon: "session", text: "Sessions" },
  { to: "/requests", icon: "key", text: "Requests" },
  { group: "People", to: "/users", icon: "user", text: "Users" },
  { to: "/devices", icon: "device", text: "Devices" },
  { group: "Network", to: "/sites", icon: "site", text: "Sites" },
  { group: "Record", to: "/audit", icon: "audit", text: "Audit" },
  { to: "/apis", icon: "api", text: "APIs" },
  { group: "System", to: "/integrations", icon: "plug", text: "Integrations" },
  { to: "/settings", icon: "sliders", text: "Settings" },
];

function belongs(path: string, to: string): boolean {
  if (to === "/") return path === "/";
  if (to === "/sites" && path.startsWith("/connectors")) return true;
  if (to === "/audit" && path.startsWith("/why")) return true;
  if (to === "/apis" && path.startsWith("/incidents")) return true;
  return path === to || path.startsWith(`${to}/`);
}

function Side({ me }: { me: Me }) {
  const { path } = usePlace();
  const waits = useStore(due);
  return (
    <nav class="side" aria-label="Main">
      <a class="brand" href="/"><Icon name="door" /><span>Sallyport<small>{visible(me.broker.name)}</small></span></a>
      <div class="links">{links.map((l) => <>
        {l.group && <h2>{l.group}</h2>}
        <a href={l.to} aria-current={belongs(path, l.to) ? "page" : undefined}><Icon name={l.icon} />{l.text}
          {waits[l.to] && <span class="badge warn due num">{waits[l.to]!.count}<span class="vh"> {waits[l.to]!.text}</span></span>}</a>
      </>)}</div>
      <footer><span>Broker {me.broker.version}</span><span><a href="/setup">Set up</a> · <a href="/settings?tab=appearance#keys">Keyboard keys</a> · <a href="/api/openapi.json" target="_blank" rel="noreferrer">API</a></span></footer>
    </nav>
  );
}

function LiveDot() {
  const state = useStore(live);
  const now = useNow();
  if (state.on) return <span class="live" role="status">Live</span>;
  const left = Math.max(0, state.retryAt - now);
  return <span class="live off" role="status">{left > 0 ? `Live updates stopped, trying again in ${duration(Math.ceil(left / 1000) * 1000)}` : "Connecting"}</span>;
}

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];

function readTheme(): Theme {
  const kept = localStorage.getItem("theme");
  return themes.find((t) => t === kept) ?? "system";
}

export const theme = store<Theme>(readTheme());

export function setTheme(to: Theme): void {
  if (to === "system") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", to);
    document.documentElement.dataset.theme = to;
  }
  theme.set(to);
}

function ThemeButton() {
  const now = useStore(theme);
  const next = themes[(themes.indexOf(now) + 1) % themes.length]!;
  return <button type="button" class="btn icon quiet" aria-label={`Theme: ${now}. Change to ${next}`} onClick={() => setTheme(next)}><Icon name="theme" /></button>;
}

function Account({ me }: { me: Me }) {
  const act = useAct();
  const [open, set] = useState(false);
  const name = visible(me.user?.name ?? "bootstrap token");
  const out = () => act.run(async () => {
    await call("meSignOut", {});
    location.assign("/login");
  });
  return (
    <>
      <button type="button" class="btn quiet avatar" aria-expanded={open} title={name} onClick={() => set(!open)}>{[...name].slice(0, 2).join("").toUpperCase()}<span class="vh">: {name}, {me.role}</span></button>
      {open && <span class="filters"><span class="sub nowrap"><bdi>{name}</bdi>, {me.role}</span>
        <button type="button" class="btn small" aria-busy={act.busy ? "true" : undefined} onClick={() => void out()}>Sign out</button></span>}
    </>
  );
}

function KeySaid() {
  const text = useStore(keySaid);
  return <p class={text ? "said" : "vh"} role="status">{text}</p>;
}

export function Shell({ me, children }: { me: Me; children: ComponentChildren }) {
  const { path } = usePlace();
  useDue();
  useEffect(() => {
    // The small menu closes when a page was chosen in it.
    document.querySelector("details.menu-small")?.removeAttribute("open");
  }, [path]);
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      {me.broker.evaluation && <aside class="devbar" aria-label="Evaluation">Evaluation only: sallyport-broker dev, built-in sign-in, state removed at exit.</aside>}
      <div class="shell">
        <Side me={me} />
        <header class="top">
          <details class="menu-small"><summary class="btn icon quiet" aria-label="Menu"><Icon name="menu" /></summary><Side me={me} /></details>
          <a class="brand" href="/"><Icon name="door" /><span>Sallyport</span></a>
          <FindAnything />
          <div class="end"><LiveDot /><ThemeButton /><Account me={me} /></div>
        </header>
        <main id="main" tabIndex={-1}>{children}</main>
        <KeySaid />
        <KeyHelp />
      </div>
    </>
  );
}
