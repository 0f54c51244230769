// What the connectors hold an app's requests to: its gateway's text, and its OpenAPI document with those before it.
import { useEffect, useRef, useState } from "preact/hooks";
import type { App, Document, DocumentChanged, DocumentFault } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Badge, Field, Head, Name, Note, Panel, RefLink, Tabs, Words } from "../parts/basics";
import { isConflict } from "../parts/conflict";
import { Confirm } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { usePlace } from "../route";
import { bytes, count } from "../words";
import { may } from "../who";
import { inputOf } from "./apps";

const PART = 128 * 1024; // characters: at most three bytes each, and a body has at most 1 MiB
const sizeOf = (text: string) => new TextEncoder().encode(text).length;

/** Part by part, none of them cut within a character; the answer to the last one. */
async function upload(app: App, text: string, note: string, told: (share: number) => void): Promise<DocumentChanged> {
  const size = sizeOf(text);
  for (let from = 0, at = 0; ;) {
    let end = Math.min(text.length, from + PART);
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1]!)) end--;
    const part = text.slice(from, end);
    const answer = await call("documentPut", { path: { id: app.id }, version: app.version, body: { text: part, note, at, size } });
    if (end >= text.length) return answer;
    from = end;
    at += sizeOf(part);
    told(at / size);
  }
}

function Faults({ title, faults }: { title: string; faults: DocumentFault[] }) {
  return <Table<DocumentFault> title={title} slim page={all(faults)} rowKey={(f) => `${f.pointer} ${f.text}`} header={<h2>{title}</h2>} empty={null}
    columns={[
      { head: "Place", part: "main", cell: (f) => <span class="mono"><Words text={f.pointer || "the document"} /></span> },
      { head: "What", cell: (f) => <Words text={f.text} /> }]} />;
}

function Upload({ app, done }: { app: App; done: () => Promise<void> }) {
  const act = useAct();
  const file = useRef<HTMLInputElement>(null);
  const [note, setNote] = useState("");
  const [share, setShare] = useState(0);
  const [changed, setChanged] = useState<DocumentChanged | undefined>();
  const faults = act.failed?.faults ?? [];

  async function submit(event: Event) {
    event.preventDefault();
    const chosen = file.current?.files?.[0];
    if (!chosen || act.busy) return;
    setChanged(undefined);
    setShare(0);
    await act.run(async () => {
      setChanged(await upload(app, await chosen.text(), note.trim(), setShare));
      setNote("");
      file.current!.value = "";
      await done();
    });
  }

  return (
    <>
      <Panel title="Upload a document">
        <form class="stack tight" onSubmit={submit}>
          <Field id="document" label="File" hint="OpenAPI 3.0 or 3.1, JSON or YAML, at most 16 MiB, nothing beside it.">
            <input class="in" type="file" accept=".json,.yaml,.yml,application/json,application/yaml" required ref={file} disabled={!may("admin")} /></Field>
          <Field id="document-note" label="What is new" hint="Stands in the list and in the audit record.">
            <input class="in" required maxLength={512} value={note} disabled={!may("admin")} onInput={(e) => setNote(e.currentTarget.value)} /></Field>
          <div class="filters"><button type="submit" class="btn main" disabled={!may("admin") || act.busy || note.trim() === ""} aria-busy={act.busy ? "true" : undefined}>Upload document</button>
            {act.busy && share > 0 && <span class="dim" role="status">{Math.floor(100 * share)}% sent</span>}
            {!may("admin") && <span class="dim">Needs role admin</span>}</div>
        </form>
      </Panel>
      {act.failed && <Failure what="Nothing changed." problem={act.failed} />}
      {faults.length > 0 && <Faults title="Faults" faults={faults} />}
      {changed && <Note mood="ok" title="In force.">The connectors fetch it and hold the next requests to it. {changed.warnings.length ? `${count(changed.warnings.length, "part")} of it stay unchecked.` : "All of it is checked."}</Note>}
      {changed && changed.warnings.length > 0 && <Faults title="Unchecked" faults={changed.warnings} />}
    </>
  );
}

/** Saves its text as it was uploaded. */
async function save(app: App, d: Document): Promise<void> {
  const { text } = await call("documentGet", { path: { id: app.id, sha256: d.sha256 } });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = `${app.name}-${d.sha256.slice(0, 12)}${text.trimStart().startsWith("{") ? ".json" : ".yaml"}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What is typed stays through every refusal, and through what another one saves meanwhile. */
function Configuration({ app, done }: { app: App; done: () => Promise<void> }) {
  const act = useAct();
  const [text, setText] = useState(app.gateway ?? "");
  const [from, setFrom] = useState(app);
  const typed = text !== (from.gateway ?? "");
  useEffect(() => {
    if (app.version === from.version) return;
    if (!typed) setText(app.gateway ?? "");
    if (!typed || app.gateway === from.gateway) setFrom(app);
  }, [app.version]);
  const theirs = app.version !== from.version;

  function submit(event: Event) {
    event.preventDefault();
    void act.run(async () => {
      try {
        await call("appUpdate", { path: { id: app.id }, version: from.version, body: { ...inputOf(app), gateway: text.trim() ? text : null } });
        setFrom({ ...from, gateway: text });
      } catch (e) {
        if (isConflict(e)) await done();
        throw e;
      }
      await done();
    });
  }

  return (
    <form class="stack" onSubmit={submit}>
      {theirs && <Note mood="warn" title={<>Someone else changed this app, <Ago at={app.changed_at} />.</>}
        act={<button type="button" class="btn small" onClick={() => { setFrom(app); act.clear(); }}>Go on with mine</button>}>What you typed is still here, and would replace theirs.</Note>}
      {act.failed && !theirs && <Failure what="Not saved." problem={act.failed} />}
      <Field id="gateway" label="Configuration" hint="YAML. Empty: no gateway, and the connector passes the bytes unread. Connectors have a change in force for the next request.">
        <textarea class="in mono" rows={24} spellcheck={false} maxLength={20480} readOnly={!may("admin")} value={text} onInput={(e) => setText(e.currentTarget.value)} /></Field>
      <div class="filters"><button type="submit" class="btn main" disabled={!may("admin") || act.busy || !typed} aria-busy={act.busy ? "true" : undefined}>Save configuration</button>
        {!may("admin") && <span class="dim">Needs role admin</span>}</div>
    </form>
  );
}

function Documents({ app, done }: { app: App; done: () => Promise<void> }) {
  const list = useLoad("documentList", { path: { id: app.id } });
  const saving = useAct();
  const [back, setBack] = useState<Document | undefined>();
  const again = async () => { await Promise.all([done(), list.reload()]); };
  const current = list.data?.items.find((d) => d.in_force);
  return (
    <>
      {list.data && <p class="sub">{current ? <>In force: <Words text={`${current.title} ${current.document_version}`} />, {count(current.operations, "operation")}, uploaded <Ago at={current.at} />.</> : "None that was uploaded is in force."}</p>}
      <Upload app={app} done={again} />
      {saving.failed && <Failure what="Not saved." problem={saving.failed} />}
      <Table<Document> title="Documents" page={all(list.data?.items)} failed={list.failed} loading={list.loading} again={() => void list.reload()} rowKey={(d) => String(d.version)}
        header={<h2>Documents</h2>} empty={<p>None was uploaded yet. Until then the gateway learns endpoints and compares them with nothing, unless its text names a file of the connector.</p>}
        columns={[
          { head: "Document", part: "main", cell: (d) => <><Words text={`${d.title} ${d.document_version}`} /><span class="two"><Words text={d.note} /></span></> },
          { head: "Operations", kind: "r", cell: (d) => d.operations.toLocaleString("en") },
          { head: "Unchecked", kind: "r p2", cell: (d) => d.warnings.toLocaleString("en") },
          { head: "Size", kind: "r p2", cell: (d) => bytes(d.size) },
          { head: "SHA-256", kind: "p3", cell: (d) => <code>{d.sha256.slice(0, 12)}</code> },
          { head: "Uploaded", cell: (d) => <Ago at={d.at} /> },
          { head: "By", kind: "p2", cell: (d) => <RefLink to={d.by} at="users" /> },
          { head: "State", cell: (d) => d.in_force ? <Badge mood="ok">in force</Badge> : <span class="dim">past</span> },
          { head: "Actions", part: "act", cell: (d) => <>
            <button type="button" class="btn small" onClick={() => void saving.run(() => save(app, d))}>Save file<span class="vh"> of {d.title} {d.document_version}</span></button>{" "}
            {!d.in_force && may("admin") && <button type="button" class="btn small" onClick={() => setBack(d)}>Put in force<span class="vh">: {d.title} {d.document_version}</span></button>}</> }]} />
      {back && (
        <Confirm title={<>Put <Words text={`${back.title} ${back.document_version}`} /> in force again?</>} verb="Put in force" reason danger={false} close={() => setBack(undefined)}
          act={async (reason) => {
            await call("documentRestore", { path: { id: app.id, sha256: back.sha256 }, body: { reason }, version: app.version });
            await again();
          }}>
          <p>The connectors hold the next requests to it. {current && "The one in force now stays in the list."}</p>
        </Confirm>)}
    </>
  );
}

export function GatewayPage({ id }: { id: string }) {
  const { query } = usePlace();
  const app = useLoad("appGet", { path: { id } });
  const crumbs: Array<[string, string]> = [["/apis", "APIs"], ["/apis?tab=coverage", "Coverage"]];
  const path = `/apis/${id}/gateway`, documents = query.get("tab") === "document";

  if (app.failed && !app.data) return <><Head title="Gateway" crumbs={crumbs} /><Failure what="This app could not be read." problem={app.failed} again={() => void app.reload()} /></>;
  if (!app.data) return <Head title="Gateway" crumbs={crumbs} />;
  return (
    <>
      <Head title={<>Gateway of <Name text={app.data.name} /></>} crumbs={crumbs}>
        What its connectors hold each request to. <a href={`/apps/${id}`}>The app</a>, <a href={`/apis?app=${id}`}>its endpoints</a></Head>
      {app.data.type !== "http" ? <Note mood="info" title="Only an app of type http has a gateway.">The bytes of this one are not read.</Note> : <>
        <Tabs label="Gateway" tabs={[{ to: path, text: "Configuration", on: !documents }, { to: `${path}?tab=document`, text: "API document", on: documents }]} />
        {documents ? <Documents app={app.data} done={app.reload} /> : <Configuration app={app.data} done={app.reload} />}</>}
    </>
  );
}
