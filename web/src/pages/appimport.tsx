// Apps from a file: read here, shown before anything is added, then added one by one with an answer each.
import { useState } from "preact/hooks";
import type { Site } from "../api";
import { appsOf, type AppLine } from "../appfile";
import { call, problem } from "../client";
import { useAct } from "../load";
import { Field, Head, Name, Note, Panel, State, Words } from "../parts/basics";
import { oneByOne, Report, type Told } from "../parts/bulk";
import { all, Table } from "../parts/table";
import { count } from "../words";

const EXAMPLE = "name,description,site,type,host,port,labels\nwiki,How we work,fra,http,wiki.internal,80,tier=internal\ndb,,fra,tcp,10.20.0.8,5432,tier=internal data=restricted\n";

export function AppImport({ sites, close }: { sites: Site[]; close: () => void }) {
  const [lines, setLines] = useState<AppLine[] | undefined>();
  const [why, setWhy] = useState("");
  const [told, setTold] = useState<Told[] | undefined>();
  const act = useAct();
  const good = lines?.filter((l) => l.app) ?? [], bad = lines?.filter((l) => l.why) ?? [];

  async function read(file: File | undefined) {
    setLines(undefined);
    setTold(undefined);
    setWhy("");
    if (!file) return;
    try {
      setLines(appsOf(await file.text(), new Map(sites.map((s) => [s.name, s.id]))));
    } catch (e) {
      setWhy(e instanceof Error ? e.message : problem(e).title);
    }
  }
  const add = () => void act.run(async () => {
    setTold(await oneByOne(good, (l) => l.app!.name, async (l) => {
      await call("appCreate", { body: l.app! });
      return "added";
    }));
    setLines(undefined);
  });
  return (
    <>
      <Head title="Import apps" crumbs={[["/apps", "Apps"]]}>Nothing is added before you have seen it. An app whose name is taken stays as it is.</Head>
      {told && <Report told={told} verb="added" />}
      <div class="cols wide">
        <div class="stack">
          <Panel title="File">
            <Field id="apps-file" label="File of apps" hint="CSV with a head, a JSON list, or a JSON record a line; at most 500 apps." error={why || undefined}>
              <input class="in" type="file" accept=".csv,.json,.ndjson,text/csv,application/json" onChange={(e) => void read(e.currentTarget.files?.[0])} /></Field>
            <div class="filters"><button type="button" class="btn main" disabled={!good.length || act.busy} aria-busy={act.busy ? "true" : undefined} onClick={add}>Add {good.length ? count(good.length, "app") : "apps"}</button>
              <button type="button" class="btn" onClick={close}>{told ? "Back to apps" : "Cancel"}</button></div>
          </Panel>
          {bad.length > 0 && <Note mood="warn" title={`${count(bad.length, "record")} can't be added.`}>They are marked below; the others can.</Note>}
          {lines && <Table<AppLine> title="What the file has" slim page={all(lines)} rowKey={(l) => String(l.line)} header={<h2>What the file has</h2>} empty={null}
            columns={[
              { head: "App", part: "main", cell: (l) => <b>{l.app ? <Name text={l.app.name} /> : l.name ? <Name text={l.name} /> : `record at ${l.line}`}</b> },
              { head: "Type", kind: "p2", cell: (l) => l.app?.type ?? "" },
              { head: "Target", cell: (l) => l.app ? <span class="mono"><Name text={`${l.app.host}:${l.app.port}`} /></span> : <span class="dim">none</span> },
              { head: "Labels", kind: "p3", cell: (l) => <Words text={Object.entries(l.app?.labels ?? {}).map(([k, v]) => `${k}=${v}`).join(", ")} /> },
              { head: "State", cell: (l) => l.app ? <State mood="info">To be added</State> : <State mood="warn" icon="warn"><Words text={l.why!} /></State> }]} />}
        </div>
        <Panel title="How it looks"><div class="code wrap"><pre tabIndex={0} role="region" aria-label="Example file">{EXAMPLE.trim().split("\n").map((l) => <span>{l}</span>)}</pre></div>
          <p class="sub">Sites are written by name: {sites.length ? sites.map((s, i) => <>{i > 0 && ", "}<code><Name text={s.name} /></code></>) : "there is none yet"}. An export of <code>GET /api/v1/apps</code>, its <code>items</code>, can be read back.</p></Panel>
      </div>
    </>
  );
}
