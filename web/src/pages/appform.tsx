// One form to add and to edit an app. What was typed stays through every refusal.
import { useState } from "preact/hooks";
import type { App, AppInput, Limits, Site } from "../api";
import { useAct } from "../load";
import { call } from "../client";
import { Ago, Field, Head, Note, Panel } from "../parts/basics";
import { isConflict } from "../parts/conflict";
import { Failure } from "../parts/failure";
import { visible } from "../words";
import { inputOf } from "./apps";

const usual: Record<App["type"], number | undefined> = { tcp: undefined, http: 80, ssh: 22 };

function labelsText(labels: Record<string, string>): string {
  return Object.entries(labels).map(([k, v]) => `${k}=${v}`).join("\n");
}

function labelsOf(text: string): Record<string, string> {
  const pairs = text.split("\n").map((l) => l.trim()).filter(Boolean).map((l) => {
    const at = l.indexOf("=");
    return at < 0 ? [l, ""] : [l.slice(0, at).trim(), l.slice(at + 1).trim()];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** What the other one changed, in words. */
function differences(before: AppInput, after: AppInput): string {
  const text = (value: unknown) => visible(typeof value === "object" ? JSON.stringify(value) : String(value));
  const found = (Object.keys(after) as Array<keyof AppInput>).filter((k) => text(before[k]) !== text(after[k]));
  return found.map((k) => `${k}: ${text(before[k])} became ${text(after[k])}.`).join(" ");
}

/** Empty leaves it to the policies. */
const isDuration = (text: string) => !text.trim() || /^[0-9]{1,9}(ms|s|m|h|d)$/.test(text.trim());

export function AppForm({ app, sites, save, close }: { app?: App; sites: Site[]; save: (input: AppInput, version: number) => Promise<void>; close: () => void }) {
  const first: AppInput = app ? inputOf(app) : { name: "", description: "", site: "", type: "tcp", host: "", port: 0, labels: {},
    limits: {}, cut_through: "auto" };
  const [x, set] = useState(first);
  const [labels, setLabels] = useState(labelsText(first.labels));
  const [times, setTimes] = useState({ session_max: first.limits.session_max ?? "", idle: first.limits.idle ?? "", reverify: first.limits.reverify ?? "" });
  const [version, setVersion] = useState(app?.version ?? 0);
  const [theirs, setTheirs] = useState<App | undefined>();
  const act = useAct();
  const change = (part: Partial<AppInput>) => set((old) => ({ ...old, ...part }));
  const wrong = act.failed?.field;
  const errorAt = (field: string) => wrong === field || wrong?.startsWith(`${field}.`) ? act.failed?.detail ?? act.failed?.title : undefined;
  const timeError = (k: keyof typeof times) => isDuration(times[k]) ? errorAt(`limits.${k}`) : "Write a number and a unit: 30m, 8h.";
  const timesFine = Object.values(times).every(isDuration);
  const site = x.site || (sites.length === 1 ? sites[0]!.id : "");

  function submit(event: Event) {
    event.preventDefault();
    if (!timesFine) return;
    const limits: Limits = { ...first.limits };
    for (const key of ["session_max", "idle", "reverify"] as const) {
      delete limits[key];
      if (times[key].trim()) limits[key] = times[key].trim();
    }
    void act.run(async () => {
      try {
        await save({ ...x, site, labels: labelsOf(labels), limits }, version);
      } catch (e) {
        if (app && isConflict(e)) setTheirs(await call("appGet", { path: { id: app.id } }));
        throw e;
      }
    });
  }

  const conflict = act.failed?.code === "conflict";
  return (
    <>
      <Head title={app ? `Edit ${visible(app.name)}` : "Add app"} crumbs={[["/apps", "Apps"]]}>
        {app ? "Live sessions are decided again when it is saved." : "The connector dials this address, and nothing else is opened by it."}</Head>
      {!sites.length && <Note mood="warn" title="There is no site yet.">An app belongs to a site, where a connector stands. <a href="/sites">Add a site</a> first.</Note>}
      {conflict && theirs && <Note mood="warn" title={<>Not saved: someone else saved this app, <Ago at={theirs.changed_at} />.</>}
        act={<button type="button" class="btn small" onClick={() => { setVersion(theirs.version); setTheirs(undefined); act.clear(); }}>Go on with mine</button>}>
        {differences(first, inputOf(theirs))} What you typed is still here.</Note>}
      {act.failed && !conflict && !wrong && <Failure what="Not saved." problem={act.failed} />}
      <form onSubmit={submit} class="stack">
        <Panel title="Where it is">
          <div class="fields">
            <Field id="name" label="Name" hint="Small letters, digits, dashes. People type it." error={errorAt("name")}><input class="in" required maxLength={63} autocomplete="off" spellcheck={false} value={x.name} onInput={(e) => change({ name: e.currentTarget.value })} /></Field>
            <Field id="description" label="Description" hint="What people read beside it; may be empty." error={errorAt("description")}><input class="in" maxLength={512} value={x.description} onInput={(e) => change({ description: e.currentTarget.value })} /></Field>
          </div>
          <div class="fields">
            <Field id="site" label="Site" error={errorAt("site")}><select class="sel" required value={site} onChange={(e) => change({ site: e.currentTarget.value })}>
              <option value="">Choose</option>{sites.map((s) => <option value={s.id}>{visible(s.name)}</option>)}</select></Field>
            <Field id="type" label="Type" error={errorAt("type")}><select class="sel" value={x.type} onChange={(e) => {
              const type = e.currentTarget.value as App["type"];
              change({ type, port: x.port || (usual[type] ?? 0) });
            }}>{Object.keys(usual).map((t) => <option value={t}>{t}</option>)}</select></Field>
            <Field id="host" label="Host" hint="Name or address, as the connector sees it." error={errorAt("host")}><input class="in" required maxLength={253} autocomplete="off" spellcheck={false} value={x.host} onInput={(e) => change({ host: e.currentTarget.value })} /></Field>
            <Field id="port" label="Port" error={errorAt("port")}><input class="in" required type="number" min={1} max={65535} value={x.port || ""} onInput={(e) => change({ port: Number(e.currentTarget.value) })} /></Field>
          </div>
        </Panel>
        <Panel title="What policies see">
          <Field id="labels" label="Labels" hint="One a line: env=prod. Policies choose apps by name or by labels." error={errorAt("labels")}><textarea class="in mono" rows={3} spellcheck={false} value={labels} onInput={(e) => setLabels(e.currentTarget.value)} /></Field>
          <div class="fields">
            <Field id="session_max" label="Session at most" hint="Empty: as the policies say. The strictest counts." error={timeError("session_max")}><input class="in" placeholder="8h" value={times.session_max} onInput={(e) => setTimes({ ...times, session_max: e.currentTarget.value })} /></Field>
            <Field id="idle" label="Idle at most" error={timeError("idle")}><input class="in" placeholder="30m" value={times.idle} onInput={(e) => setTimes({ ...times, idle: e.currentTarget.value })} /></Field>
            <Field id="reverify" label="Decided again every" error={timeError("reverify")}><input class="in" placeholder="15m" value={times.reverify} onInput={(e) => setTimes({ ...times, reverify: e.currentTarget.value })} /></Field>
          </div>
          <label class="pick"><input type="checkbox" checked={x.cut_through === "off"} onChange={(e) => change({ cut_through: e.currentTarget.checked ? "off" : "auto" })} />
            <span>No cut-through for this app<small>Slower. Whoever records both sides of the relay can then not match them by their bytes.</small></span></label>
        </Panel>
        <div class="filters"><button type="submit" class="btn main" disabled={act.busy} aria-busy={act.busy ? "true" : undefined}>{app ? "Save app" : "Add app"}</button>
          <button type="button" class="btn" onClick={close}>Cancel</button></div>
      </form>
    </>
  );
}
