// What the configuration file says, and the two settings of this browser.
import { useState } from "preact/hooks";
import type { Settings } from "../api";
import { keysOff } from "../keys";
import { useLoad } from "../load";
import { Copy, Facts, Head, Name, Panel, Tabs } from "../parts/basics";
import { Failure } from "../parts/failure";
import { KeyList } from "../parts/keylist";
import { all, Table } from "../parts/table";
import { usePlace } from "../route";
import { setTheme, theme } from "../shell";
import { useStore } from "../store";
import { duration, exact } from "../words";
import { ProviderState } from "./integrations";
import { Tokens } from "./tokens";

export function SettingsPage() {
  const { query } = usePlace();
  const tab = query.get("tab") ?? "identity";
  const load = useLoad("settings", {});
  return (
    <>
      <Head title="Settings">The broker's settings stand in its configuration file and are shown as it read them. Theme and keys are this browser's.</Head>
      <Tabs label="Settings" tabs={[["identity", "Identity"], ["sessions", "Sessions"], ["keys", "Keys"], ["admins", "Admins"], ["tokens", "Tokens"], ["appearance", "Appearance"]].map(([key, text]) => ({ to: `/settings?tab=${key}`, text: text!, on: tab === key }))} />
      {load.failed && tab !== "appearance" && tab !== "tokens" && <Failure what="The settings could not be read." problem={load.failed} again={() => void load.reload()} />}
      {tab === "appearance" ? <Appearance /> : tab === "tokens" ? <Tokens /> : load.data && <Read s={load.data} tab={tab} />}
    </>
  );
}

function Read({ s, tab }: { s: Settings; tab: string }) {
  if (tab === "admins") return (
    <Table<Settings["roles"][number]> title="Roles by group" slim page={all(s.roles)} rowKey={(r) => `${r.role} ${r.group}`} empty={<p>No group gives a role, so nobody may open this console.</p>}
      columns={[{ head: "Group", part: "main", cell: (r) => <a href={`/users?group=${encodeURIComponent(r.group)}`}><Name text={r.group} /></a> }, { head: "Role", cell: (r) => r.role }]} />);
  if (tab === "keys") return (
    <Table<Settings["keys"][number]> title="Signing keys" slim page={all(s.keys)} rowKey={(k) => `${k.purpose} ${k.kid}`} empty={<p>No key is listed.</p>}
      columns={[{ head: "Key", part: "main", cell: (k) => <span class="mono">{k.kid}</span> }, { head: "Signs", cell: (k) => k.purpose },
        { head: "From", kind: "r", cell: (k) => k.from ? exact(k.from) : "the start" }, { head: "Until", kind: "r", cell: (k) => k.until ? exact(k.until) : "replaced" }]} />);
  if (tab === "sessions") return (
    <div class="cols two">
      <Panel title="Logins"><Facts rows={[["A login lasts", `at most ${duration(s.login.life_ms)}, and ends after ${duration(s.login.idle_ms)} without use`],
        ["A session", <>no longer than its login, <a href="/apps">its app</a> and <a href="/policies">the policies</a> say; the strictest counts</>],
        ["Now", <a href="/sessions">live sessions</a>]]} /></Panel>
      <Panel title="Tunnel and decisions"><Facts rows={[["In front of it", s.tunnel.front === "l7" ? "an L7 proxy ends TLS" : "nothing, or L4"], ["Cut-through", s.tunnel.cut_through === "auto" ? "where both ends can" : "off"],
        ["Policies", s.second_approval ? "put in force by another admin than their author" : "put in force by any admin"]]} /></Panel>
    </div>);
  return (
    <div class="cols two">
      <div class="stack"><Panel title="Broker"><Facts rows={[["Name", <Name text={s.name} />], ["Address", <span class="mono"><Name text={s.public_url} /></span>]]} /></Panel><Providers /></div>
      <Panel title="Fingerprint of this installation"><p class="sub">Agents and connectors pin it. Compare it with what <code>sallyport-broker key fingerprint</code> prints.</p><Copy text={s.fingerprint} label="Copy the fingerprint" /></Panel>
    </div>
  );
}

function Providers() {
  const load = useLoad("providerList", {});
  return (
    <Panel title="Who signs people in" end={<a href="/integrations">Integrations</a>}>
      {load.failed && <Failure what="The providers could not be read." problem={load.failed} again={() => void load.reload()} />}
      <ul class="conds">{load.data?.items.map((p) => <li><ProviderState p={p} /><div><Name text={p.title} /><small><Name text={p.issuer} /></small></div></li>)}</ul></Panel>
  );
}

function Appearance() {
  const now = useStore(theme);
  const [off, setOff] = useState(keysOff());
  return (
    <div class="cols two">
      <Panel title="Appearance">
        <div class="field"><span class="label">Theme</span><div class="seg" role="group" aria-label="Theme">{(["system", "light", "dark"] as const).map((t) => <button type="button" aria-pressed={t === now} onClick={() => setTheme(t)}>{t}</button>)}</div></div>
        <label class="pick"><input type="checkbox" checked={!off} onChange={(e) => {
          const on = e.currentTarget.checked;
          if (on) localStorage.removeItem("keys");
          else localStorage.setItem("keys", "off");
          setOff(!on);
        }} /><span>Single-letter keys<small>Off, if they get in the way of speech input or a screen reader.</small></span></label>
      </Panel>
      <section class="panel" id="keys" aria-label="Keyboard keys"><header><h2>Keyboard keys</h2></header><div class="body"><KeyList /></div></section>
    </div>
  );
}
