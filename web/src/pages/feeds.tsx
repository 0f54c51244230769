// Vendors that say how devices stand: which fails, what each gives, and the account at each.
import { useState } from "preact/hooks";
import type { Feed, FeedInput, FeedTest, FeedVendor, Problem } from "../api";
import { call } from "../client";
import { type Loaded, useAct, useLoad } from "../load";
import { Ago, Field, Name, State, Until, Words } from "../parts/basics";
import { Confirm, Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { may } from "../who";
import { count, duration } from "../words";

function FeedState({ f }: { f: Feed }) {
  if (f.busy) return <State mood="info">Is asked now</State>;
  if (f.state === "ok") return <State mood="ok">Works</State>;
  return f.state === "failing" ? <><State mood="bad" icon="warn">Fails</State><span class="two">since <Ago at={f.failing_since} /></span></> : <State mood="warn">Not asked yet</State>;
}

type Open = { what: "form"; feed?: Feed; vendor: FeedVendor } | { what: "secret" | "remove" | "unjoined"; feed: Feed };

export function Feeds({ load }: { load: Loaded<{ items: Feed[]; vendors: FeedVendor[] }> }) {
  const [open, set] = useState<Open | undefined>();
  const [tested, setTested] = useState<{ feed: Feed; result: FeedTest } | undefined>();
  const act = useAct();
  const rows = load.data?.items;
  const vendors = load.data?.vendors ?? [];
  const missing = vendors.filter((v) => !rows?.some((f) => f.name === v.name));
  const reload = () => load.reload();
  const close = () => set(undefined);
  const test = (feed: Feed) => void act.run(async () => {
    setTested(undefined);
    setTested({ feed, result: await call("feedTest", { path: { name: feed.name } }) });
    await reload();
  });
  const sync = (feed: Feed) => void act.run(async () => {
    await call("feedSync", { path: { name: feed.name } });
    await reload();
  });
  return (
    <>
      {act.failed && <Failure what="Not asked." problem={act.failed} />}
      {tested && <p role="status"><State mood={tested.result.ok ? "ok" : "bad"}>{tested.feed.title}: <Words text={tested.result.text} /></State></p>}
      <Table<Feed> title="Posture feeds" slim page={all(rows)} failed={load.failed} loading={load.loading} again={() => void reload()} rowKey={(f) => f.name}
        header={<><h2>Posture feeds</h2><span class="acts">{may("admin") && missing.map((vendor) => <button type="button" class="btn small" onClick={() => set({ what: "form", vendor })}>Add {vendor.title}</button>)}</span></>}
        empty={<p>No vendor is asked how devices stand; policies have the agent's word only.</p>}
        columns={[
          { head: "Feed", part: "main", cell: (f) => <><b>{f.title}</b><span class="two">{f.region ?? <Name text={f.base_url} />}{f.tenant && <>, <Name text={f.tenant} /></>}</span></> },
          { head: "State", cell: (f) => <FeedState f={f} /> },
          { head: "Last result, signals", cell: (f) => <><Words text={f.text || "none yet"} /><span class="two">{f.tried_at ? <>asked <Ago at={f.tried_at} />, every {duration(f.interval_ms)}</> : `every ${duration(f.interval_ms)}`}</span><span class="two mono">{f.signals.join(", ")}</span></> },
          { head: "Values stale", kind: "p2", cell: (f) => f.stale_at ? <Until at={f.stale_at} /> : <span class="dim">no value</span> },
          { head: "Devices", kind: "r p2", cell: (f) => <>{f.devices.joined} joined{f.devices.not_joined > 0 && <><br /><button type="button" class="btn small quiet" onClick={() => set({ what: "unjoined", feed: f })}>{f.devices.not_joined} not joined</button></>}</> },
          { head: "Actions", part: "act", cell: (f) => <span class="acts many">
            {may("operator") && <button type="button" class="btn small" disabled={act.busy} onClick={() => test(f)}>Test<span class="vh"> {f.title}</span></button>}
            {may("operator") && <button type="button" class="btn small" disabled={act.busy} onClick={() => sync(f)}>Sync now<span class="vh"> {f.title}</span></button>}
            {may("admin") && <button type="button" class="btn small" onClick={() => set({ what: "form", feed: f, vendor: vendors.find((v) => v.name === f.name)! })}>Edit<span class="vh"> {f.title}</span></button>}
            {may("admin") && <button type="button" class="btn small" onClick={() => set({ what: "secret", feed: f })}>New secret<span class="vh"> of {f.title}</span></button>}
            {may("admin") && <button type="button" class="btn small quiet danger-text" onClick={() => set({ what: "remove", feed: f })}>Remove<span class="vh"> {f.title}</span></button>}</span> }]} />
      {open?.what === "form" && <FeedForm vendor={open.vendor} {...(open.feed ? { feed: open.feed } : {})} close={close} done={reload} />}
      {open?.what === "secret" && <SecretForm feed={open.feed} close={close} done={reload} />}
      {open?.what === "unjoined" && <Unjoined feed={open.feed} close={close} />}
      {open?.what === "remove" && (
        <Confirm title={`Remove ${open.feed.title}?`} verb="Remove feed" close={close} act={async () => {
          await call("feedRemove", { path: { name: open.feed.name } });
          await reload();
        }}><p>It is not asked any more, and its secret is gone. What it said counts until it expires{open.feed.stale_at && <>, <Until at={open.feed.stale_at} /></>}.</p></Confirm>)}
    </>
  );
}

/** Save comes after a passing test, or with a reason for saving without one. */
function Untested({ failed, reason, set }: { failed: Problem | undefined; reason: string; set: (text: string) => void }) {
  if (failed?.code !== "feed_test") return null;
  return <Field id="feed-untested" label="Save untested" hint="Why it is kept though it does not work yet. Stands in the audit record."><input class="in" maxLength={500} value={reason} onInput={(e) => set(e.currentTarget.value)} /></Field>;
}

const minutes = (ms: number) => String(Math.round(ms / 60000));

function FeedForm({ vendor, feed, close, done }: { vendor: FeedVendor; feed?: Feed; close: () => void; done: () => Promise<void> | void }) {
  const [x, set] = useState({ region: feed ? feed.region ?? "" : vendor.regions[0]!, base_url: feed?.base_url ?? "", login_url: feed?.login_url ?? "", tenant: feed?.tenant ?? "",
    client_id: feed?.client_id ?? "", secret: "", interval: minutes(feed?.interval_ms ?? 900000), untested: "" });
  const act = useAct();
  const change = (part: Partial<typeof x>) => set((old) => ({ ...old, ...part }));
  const wrong = act.failed?.field;
  const errorAt = (field: string) => wrong === field ? act.failed?.detail ?? act.failed?.title : undefined;

  function submit(event: Event) {
    event.preventDefault();
    const body: FeedInput = { client_id: x.client_id.trim(), interval_ms: Number(x.interval) * 60000 };
    if (x.region) body.region = x.region;
    else Object.assign(body, { base_url: x.base_url.trim(), ...(x.login_url.trim() ? { login_url: x.login_url.trim() } : {}) });
    if (vendor.tenant) body.tenant = x.tenant.trim();
    if (x.secret) body.secret = x.secret;
    if (x.untested.trim()) body.untested = x.untested.trim();
    if (feed && feed.ttl_ms !== 2 * feed.interval_ms) body.ttl_ms = feed.ttl_ms;
    void act.run(async () => {
      await call("feedPut", { path: { name: vendor.name }, body });
      await done();
      close();
    });
  }

  return (
    <Dialog title={feed ? `Edit ${vendor.title}` : `Add ${vendor.title}`} close={close} foot={<>
      <button type="button" class="btn" onClick={close}>Cancel</button>
      <button type="submit" form="feed" class="btn main" disabled={act.busy} aria-busy={act.busy ? "true" : undefined}>{x.untested.trim() ? "Save untested" : "Test and save"}</button></>}>
      <form id="feed" class="stack tight" onSubmit={submit}>
        <p>Its API client needs one permission: <b>{vendor.permission}</b>.</p>
        <Field id="feed-region" label="Region" error={errorAt("region")}><select class="sel" value={x.region} onChange={(e) => change({ region: e.currentTarget.value })}>
          {vendor.regions.map((r) => <option value={r}>{r}</option>)}<option value="">Other address</option></select></Field>
        {!x.region && <Field id="feed-base" label="Address" hint="https, without a path." error={errorAt("base_url")}><input class="in mono" required spellcheck={false} value={x.base_url} onInput={(e) => change({ base_url: e.currentTarget.value })} /></Field>}
        {!x.region && vendor.tenant && <Field id="feed-login" label="Address that gives tokens" hint="Empty: Microsoft's usual one." error={errorAt("login_url")}><input class="in mono" spellcheck={false} value={x.login_url} onInput={(e) => change({ login_url: e.currentTarget.value })} /></Field>}
        {vendor.tenant && <Field id="feed-tenant" label="Tenant" hint="Its id or its domain." error={errorAt("tenant")}><input class="in mono" required maxLength={128} spellcheck={false} value={x.tenant} onInput={(e) => change({ tenant: e.currentTarget.value })} /></Field>}
        <Field id="feed-client" label="Client id" error={errorAt("client_id")}><input class="in mono" required maxLength={128} autocomplete="off" spellcheck={false} value={x.client_id} onInput={(e) => change({ client_id: e.currentTarget.value })} /></Field>
        <Field id="feed-secret" label="Client secret" hint={feed ? "Empty: as it is. Never shown again." : "Sealed at the broker, never shown again."} error={errorAt("secret")}><input class="in" type="password" required={!feed} maxLength={512} autocomplete="off" value={x.secret} onInput={(e) => change({ secret: e.currentTarget.value })} /></Field>
        <Field id="feed-interval" label="Asked every, minutes" hint="What it says counts for twice that." error={errorAt("interval_ms") ?? errorAt("ttl_ms")}><input class="in num" type="number" min={5} max={1440} required value={x.interval} onInput={(e) => change({ interval: e.currentTarget.value })} /></Field>
        {act.failed && !wrong && <Failure what="Not saved." problem={act.failed} />}
        <Untested failed={act.failed} reason={x.untested} set={(untested) => change({ untested })} />
      </form>
    </Dialog>
  );
}

function SecretForm({ feed, close, done }: { feed: Feed; close: () => void; done: () => Promise<void> | void }) {
  const [secret, set] = useState("");
  const [untested, setUntested] = useState("");
  const act = useAct();

  function submit(event: Event) {
    event.preventDefault();
    void act.run(async () => {
      await call("feedSecret", { path: { name: feed.name }, body: { secret, ...(untested.trim() ? { untested: untested.trim() } : {}) } });
      await done();
      close();
    });
  }

  return (
    <Dialog title={`New secret of ${feed.title}`} close={close} foot={<>
      <button type="button" class="btn" onClick={close}>Cancel</button>
      <button type="submit" form="feed-rotate" class="btn main" disabled={act.busy || !secret} aria-busy={act.busy ? "true" : undefined}>{untested.trim() ? "Save untested" : "Test and save"}</button></>}>
      <form id="feed-rotate" class="stack tight" onSubmit={submit}>
        <Field id="feed-new-secret" label="Client secret" hint="The one before is used until this one worked."><input class="in" type="password" maxLength={512} autocomplete="off" autofocus value={secret} onInput={(e) => set(e.currentTarget.value)} /></Field>
        {act.failed && <Failure what="Not saved." problem={act.failed} />}
        <Untested failed={act.failed} reason={untested} set={setUntested} />
      </form>
    </Dialog>
  );
}

const whys: Record<string, string> = { no_serial: "it has no serial number", placeholder: "its maker wrote no serial number", two_records: "two records have its serial",
  no_device: "no device of ours says its serial", two_devices: "two devices say its serial" };

function Unjoined({ feed, close }: { feed: Feed; close: () => void }) {
  const load = useLoad("feedUnjoined", { path: { name: feed.name } });
  return (
    <Dialog title={`${feed.title}: records that are no device's`} close={close} foot={<button type="button" class="btn" onClick={close}>Close</button>}>
      {load.failed && <Failure what="They could not be read." problem={load.failed} again={() => void load.reload()} />}
      {load.data && <p>{count(load.data.total, "record")} of the last answer{load.data.total > load.data.items.length && `; the first ${load.data.items.length}`}.</p>}
      <ul class="conds">{load.data?.items.map((u) => <li><div><span class="mono">{u.serial ? <Name text={u.serial} /> : "no serial"}</span><small>{whys[u.why]}; <Name text={u.id} /></small></div></li>)}</ul>
    </Dialog>
  );
}
