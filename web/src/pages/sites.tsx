// Is each site reachable, with a spare; its connectors and the relays.
import { useState } from "preact/hooks";
import type { Connector, Relay, Site } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { Ago, Field, Head, Name, Note, State, Words } from "../parts/basics";
import { Confirm, Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Filters, Table } from "../parts/table";
import { useAct } from "../load";
import { go, narrow, usePlace } from "../route";
import { count } from "../words";
import { may } from "../who";

export function SiteState({ site }: { site: Site }) {
  switch (site.state) {
    case "spare": return <State mood="ok">{site.connectors_online} online</State>;
    case "single": return <State mood="warn" icon="warn">No spare</State>;
    case "silent": return <State mood="bad">Silent</State>;
    case "empty": return <State mood="warn">No connector</State>;
  }
}

export function ConnectorStateWord({ state }: { state: Connector["state"] }) {
  switch (state) {
    case "online": return <State mood="ok">Online</State>;
    case "silent": return <State mood="bad">Silent</State>;
    case "draining": return <State mood="info">Draining</State>;
    case "revoked": return <State mood="off">Revoked</State>;
  }
}

export function SitesPage() {
  const { query } = usePlace();
  const chosen = query.get("site") ?? "";
  const sites = useLoad("siteList", { query: { q: query.get("q") ?? "", after: query.get("after") ?? "" } });
  const connectors = useLoad("connectorList", { query: { site: chosen, limit: 200 } });
  const relays = useLoad("relayList", {});
  const adding = query.get("add") !== null && may("admin");
  const [removing, setRemoving] = useState<Site | undefined>();
  const rows = sites.data?.items ?? [];
  const dark = rows.filter((s) => s.state === "silent" || s.state === "empty").length, single = rows.filter((s) => s.state === "single").length;
  return (
    <>
      <Head title="Sites" acts={<button type="button" class="btn main" disabled={!may("admin")} onClick={() => narrow({ add: "1" }, false)}>Add site</button>}>
        {sites.data && (rows.length ? <>{count(sites.data.total, "site")}. {dark ? `${dark} can't be reached.` : "Each is reachable."} {single > 0 && `${single} ${single === 1 ? "has" : "have"} no spare connector.`}</>
          : "A site is a private network with apps in it. A connector stands there and dials out; nothing listens.")}</Head>
      <Filters views="sites" chips={[{ name: "site", label: "Site", choices: rows.map((s) => ({ value: s.id, text: s.name })) }]} />
      <Table<Site> title="Sites" page={sites.data} failed={sites.failed} loading={sites.loading} again={() => void sites.reload()} rowKey={(s) => s.id} on={(s) => s.id === chosen}
        empty={<><p>No site yet. Add one, then enrol a connector in it: one command on a host beside your apps. Two connectors let one restart without cutting anybody.</p></>}
        columns={[
          { head: "Site", part: "main", cell: (s) => <a href={`/sites?site=${s.id}`}><Name text={s.name} /></a> },
          { head: "Connectors", kind: "r", cell: (s) => `${s.connectors_online} of ${s.connectors} online` },
          { head: "Apps", kind: "r p2", cell: (s) => s.apps ? <a href={`/apps?site=${s.id}`}>{s.apps}</a> : 0 },
          { head: "Sessions", kind: "r p2", cell: (s) => s.sessions_live },
          { head: "State", cell: (s) => <SiteState site={s} /> },
          { head: "Actions", part: "act", cell: (s) => may("admin") && <>
            <button type="button" class="btn small quiet" onClick={() => setRemoving(s)}>Remove<span class="vh"> {s.name}</span></button>
            <a class="btn small" href={`/sites/${s.id}/enrol`}>Enrol a connector<span class="vh"> at {s.name}</span></a></> }]} />
      <Table<Connector> title="Connectors" slim page={all(connectors.data?.items)} failed={connectors.failed} loading={connectors.loading} again={() => void connectors.reload()} rowKey={(c) => c.id} header={<h2>Connectors</h2>}
        empty={<p>No connector here yet.</p>}
        columns={[
          { head: "Connector", part: "main", cell: (c) => <a href={`/connectors/${c.id}`}><Name text={c.name} /></a> },
          { head: "Site", cell: (c) => <Name text={c.site.name} /> },
          { head: "State", cell: (c) => <ConnectorStateWord state={c.state} /> },
          { head: "Sessions", kind: "r", cell: (c) => c.sessions_live ? <a href={`/sessions?connector=${c.id}`}>{c.sessions_live}</a> : 0 },
          { head: "Relays", kind: "p2", cell: (c) => <Words text={c.relays.map((r) => r.name).join(", ") || "none"} /> },
          { head: "Round trip", kind: "r p3", cell: (c) => c.rtt_ms === null ? <span class="dim">unknown</span> : `${c.rtt_ms} ms` },
          { head: "Version", kind: "p3", cell: (c) => c.software ? <Name text={c.software} /> : <span class="dim">unknown</span> },
          { head: "Seen", kind: "r p2", cell: (c) => c.state === "online" ? "now" : <Ago at={c.last_seen} /> }]} />
      <Table<Relay> title="Relays" slim page={all(relays.data?.items)} failed={relays.failed} loading={relays.loading} again={() => void relays.reload()} rowKey={(r) => r.id} header={<h2>Relays</h2>}
        empty={<p>No relay: nobody can open a session. On one box the broker starts one with itself.</p>}
        columns={[
          { head: "Relay", part: "main", cell: (r) => <Name text={r.name} /> },
          { head: "Addresses", kind: "p2", cell: (r) => <span class="mono"><Name text={r.addresses.join(", ")} /></span> },
          { head: "State", cell: (r) => <ConnectorStateWord state={r.state} /> },
          { head: "Tunnels", kind: "r p2", cell: (r) => r.tunnels ?? <span class="dim">unknown</span> },
          { head: "Sessions", kind: "r", cell: (r) => r.sessions_live },
          { head: "Version", kind: "p3", cell: (r) => r.software ? <Name text={r.software} /> : <span class="dim">unknown</span> }]} />
      {adding && <AddSite close={() => narrow({ add: "" })} />}
      {removing && (
        <Confirm title={<>Remove site <Name text={removing.name} />?</>} verb="Remove site" typed={removing.name} close={() => setRemoving(undefined)}
          act={async () => {
            await call("siteRemove", { path: { id: removing.id } });
            await Promise.all([sites.reload(), connectors.reload()]);
          }}>
          <p>{removing.apps || removing.connectors ? `It still has ${count(removing.apps, "app")} and ${count(removing.connectors, "connector")}: remove and revoke them first.` : "It is empty."}</p>
        </Confirm>)}
    </>
  );
}

function AddSite({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const act = useAct();
  const named = act.failed?.field === "name";
  const submit = (event: Event) => {
    event.preventDefault();
    void act.run(async () => go(`/sites/${(await call("siteCreate", { body: { name } })).id}/enrol`));
  };
  const foot = <><button type="button" class="btn" onClick={close}>Cancel</button>
    <button type="submit" form="add-site" class="btn main" disabled={!name || act.busy} aria-busy={act.busy ? "true" : undefined}>Add site</button></>;
  return (
    <Dialog title="Add site" close={close} foot={foot}>
      <form id="add-site" class="stack" onSubmit={submit}>
        <Field id="site-name" label="Name" hint="Small letters, digits, dashes: fra, office." error={named ? act.failed!.detail : undefined}>
          <input class="in" required maxLength={63} autofocus spellcheck={false} autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} /></Field>
        {act.failed && !named && <Failure what="Not added." problem={act.failed} />}
      </form>
      <Note mood="info" title="Next: enrol a connector there.">The page after this shows the command.</Note>
    </Dialog>
  );
}

