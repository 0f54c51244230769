// Icons, names, times, states: the words of every page.
import { cloneElement, type ComponentChildren, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Assurance, AuditParty, Ref, Result, Truth, Verdict } from "../api";
import { store, useStore } from "../store";
import { ago, clock, exact, middleCut, until, visible } from "../words";

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return <svg class="i" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true"><use href={`#i-${name}`} /></svg>;
}

/** Text that someone else chose: isolated from ours, marks made visible, cut in the middle. */
export function Name({ text }: { text: string }) {
  const shown = visible(text);
  const cut = middleCut(shown);
  return <bdi title={cut === shown ? undefined : shown}>{cut}</bdi>;
}

/** A sentence with other people's words in it: whole, marks made visible. */
export function Words({ text }: { text: string }) {
  return <bdi class="words">{visible(text)}</bdi>;
}

export function RefLink({ to, at }: { to: Ref | null; at: string }) {
  if (!to) return <span class="dim">unknown</span>;
  return <a href={`/${at}/${encodeURIComponent(to.id)}`}><Name text={to.name} /></a>;
}

const pages: Record<string, string> = { user: "users", admin: "users", device: "devices", app: "apps", connector: "connectors" };

/** Who or what a record names: a link where it has a page. */
export function PartyLink({ to }: { to: AuditParty | null }) {
  const at = to?.id ? pages[to.kind] : undefined;
  if (!to?.name) return <span class="dim">{to?.kind && to.kind !== "nobody" ? `a ${to.kind}` : "none"}</span>; // what has no name is said by its kind
  return at ? <RefLink to={{ id: to.id!, name: to.name }} at={at} /> : <Name text={to.name} />;
}

const second = store(Date.now());
setInterval(() => second.set(Date.now()), 1000);
export function useNow(): number {
  return useStore(second);
}

export function Ago({ at, never = "never" }: { at: string | null; never?: string }) {
  const now = useNow();
  return at ? <time dateTime={at} title={exact(at)}>{ago(at, now)}</time> : <span class="dim">{never}</span>;
}

export function Until({ at }: { at: string | null }) {
  const now = useNow();
  return at ? <time dateTime={at} title={exact(at)}>{until(at, now)}</time> : <span class="dim">unknown</span>;
}

export function Clock({ at }: { at: string }) {
  return <time dateTime={at} title={exact(at)}>{clock(at)}</time>;
}

export type Mood = "ok" | "bad" | "warn" | "info" | "off";
const shapes: Record<Mood, string> = { ok: "check", bad: "cross", warn: "unknown", info: "clock", off: "cross" };

/** A state is a shape and a word; the colour only repeats them. */
export function State({ mood, icon, children }: { mood: Mood; icon?: string; children: ComponentChildren }) {
  return <span class={`st ${mood}`}><Icon name={icon ?? shapes[mood]} />{children}</span>;
}

export function TruthState({ value }: { value: Truth }) {
  const moods: Record<Truth, Mood> = { true: "ok", false: "bad", unknown: "warn" };
  return <State mood={moods[value]}>{value}</State>;
}

export function VerdictState({ value, stale }: { value: Verdict; stale?: boolean }) {
  const moods: Record<Exclude<Verdict, "value">, Mood> = { pass: "ok", fail: "bad", unknown: "warn" };
  if (value === "value") return <span class="sub nowrap">by policy</span>;
  return <State mood={moods[value]}>{stale ? `${value}, stale` : value}</State>;
}

export function ResultState({ value }: { value: Result }) {
  if (value === "allow") return <State mood="ok">Allowed</State>;
  if (value === "step_up") return <State mood="info" icon="key">Asks for a code</State>;
  return <State mood="bad">Denied</State>;
}

export function assuranceWord(a: Assurance | string | null): string {
  return a ?? "none";
}

/** Full = pass, notched = fail, dashed = unknown; always with the words beside it. */
export function PostureBar({ pass, fail, unknown }: { pass: number; fail: number; unknown: number }) {
  if (pass + fail + unknown === 0) return <State mood="warn">never reported</State>;
  const words = [fail && `${fail} fail`, unknown && `${unknown} unknown`].filter(Boolean).join(", ") || `${pass} pass`;
  const bits = (n: number, kind?: string) => Array.from({ length: n }, () => <i class={kind} />);
  return (
    <span class="nowrap"><span class="posture" aria-hidden="true">{bits(pass)}{bits(fail, "f")}{bits(unknown, "u")}</span>
      {" "}<span class={fail ? "st bad" : unknown ? "st warn" : "sub"}>{words}</span></span>
  );
}

export function Badge({ mood, children }: { mood?: "ok" | "bad" | "warn" | "info"; children: ComponentChildren }) {
  return <span class={mood ? `badge ${mood}` : "badge"}>{children}</span>;
}

export function Note({ mood, icon, title, children, act }: { mood: "info" | "ok" | "warn" | "bad"; icon?: string; title: ComponentChildren; children?: ComponentChildren; act?: ComponentChildren }) {
  return (
    <div class={`note ${mood}`} role={mood === "bad" ? "alert" : undefined}>
      <Icon name={icon ?? { info: "clock", ok: "check", warn: "warn", bad: "stop" }[mood]} />
      <div><b>{title}</b>{children && <p>{children}</p>}</div>{act}
    </div>
  );
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [copied, set] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => set(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div class="copy"><code>{text}</code>
      <button type="button" class="btn small quiet" aria-label={label} onClick={() => void navigator.clipboard.writeText(text).then(() => set(true))}>
        <Icon name={copied ? "check" : "copy"} />{copied ? "Copied" : "Copy"}</button>
      <span class="vh" role="status">{copied ? "Copied" : ""}</span></div>
  );
}

export function Facts({ rows }: { rows: Array<[string, ComponentChildren]> }) {
  return <dl class="kv">{rows.map(([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>)}</dl>;
}

export function Panel({ title, end, children, foot }: { title: string; end?: ComponentChildren; children: ComponentChildren; foot?: ComponentChildren }) {
  return (
    <section class="panel" aria-label={title}><header><h2>{title}</h2>{end}</header><div class="body">{children}</div>
      {foot && <footer>{foot}</footer>}</section>
  );
}

/** Title, the sentence that answers the page's question, and what can be done. */
export function Head({ title, crumbs, acts, children }: { title: ComponentChildren; crumbs?: Array<[string, ComponentChildren]>; acts?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="head">
      <div>
        {crumbs && <nav aria-label="Breadcrumb"><ol class="crumbs">{crumbs.map(([to, text]) => <li><a href={to}>{text}</a></li>)}<li aria-current="page">{title}</li></ol></nav>}
        <h1>{title}</h1>{children && <p>{children}</p>}
      </div>
      {acts && <div class="acts">{acts}</div>}
    </div>
  );
}

export interface Tab { to: string; text: string; on: boolean }
export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  return <nav class="tabs" aria-label={label}>{tabs.map((t) => <a href={t.to} aria-current={t.on ? "page" : undefined}>{t.text}</a>)}</nav>;
}

/** A field with its label, hint and error tied to the control for those who can't see them. */
export function Field({ id, label, hint, error, children }: { id: string; label: string; hint?: string | undefined; error?: string | undefined; children: VNode<any> }) {
  const about = error ? `${id}-err` : hint ? `${id}-hint` : undefined;
  return (
    <div class="field"><label for={id}>{label}</label>
      {cloneElement(children, { id, "aria-describedby": about, "aria-invalid": error ? "true" : undefined })}
      {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
      {error && <span class="err" id={`${id}-err`}><Icon name="cross" />{error}</span>}</div>
  );
}
