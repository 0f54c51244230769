// One endpoint: who uses it, how it answers, what it holds, where that differs from its document.
import { useState } from "preact/hooks";
import type { EndpointDetail, EndpointPart, SeenName } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Clock, Facts, Field, Head, Name, Note, Panel, Words } from "../parts/basics";
import { Confirm, Dialog } from "../parts/dialog";
import { Failure } from "../parts/failure";
import { EndpointState, Expect, meanings, Method } from "../parts/gateway";
import { all, Table } from "../parts/table";
import { bytes, count, day, duration } from "../words";
import { may } from "../who";

const secrets = ["payment card numbers", "IBANs", "lists of e-mail addresses", "tokens", "private keys", "passwords"];
const secretsOf = (p: EndpointPart) => secrets.filter((_, i) => (p.sensitive ?? 0) & (1 << i));

function Names({ title, names, empty }: { title: string; names: SeenName[]; empty: string }) {
  return (
    <Table<SeenName> title={title} slim page={all(names)} rowKey={(n) => n.name} header={<h2>{title}</h2>} empty={<p>{empty}</p>}
      columns={[
        { head: "Name", part: "main", cell: (n) => <span class="mono"><Words text={n.name} /></span> },
        { head: "Type", cell: (n) => n.schema?.format ?? n.schema?.type ?? n.type ?? "unknown" },
        { head: "Seen", cell: (n) => n.always || n.required ? "always" : "sometimes" }]} />
  );
}

function Retire({ e, close, done }: { e: EndpointDetail; close: () => void; done: () => void }) {
  const act = useAct();
  const [deprecated, setDeprecated] = useState(new Date().toISOString().slice(0, 10));
  const [sunset, setSunset] = useState("");
  const [successor, setSuccessor] = useState("");
  const [block, setBlock] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    const good = await act.run(async () => {
      await call("endpointRetire", { path: { id: e.id }, body: { deprecated, sunset, successor, after: block ? "block" : "monitor" } });
    });
    if (good) {
      done();
      close();
    }
  }
  const foot = <>
    <button type="button" class="btn" onClick={close}>Cancel</button>
    <button type="submit" form="retire" class="btn main" aria-busy={act.busy ? "true" : undefined}>Retire endpoint</button>
  </>;
  return (
    <Dialog title={<>Retire <span class="mono"><Method method={e.method} path={e.path} /></span>?</>} close={close} foot={foot}>
      <form id="retire" class="stack tight" onSubmit={submit}>
        <p>{count(e.users, "person has", "people have")} used it, last <Ago at={e.last_seen} />. Its answers will say when it ends and what takes its place.</p>
        <Field id="deprecated" label="Deprecated since"><input class="in" type="date" value={deprecated} onInput={(x) => setDeprecated(x.currentTarget.value)} /></Field>
        <Field id="sunset" label="Ends on" hint="Empty: no date yet."><input class="in" type="date" value={sunset} onInput={(x) => setSunset(x.currentTarget.value)} /></Field>
        <Field id="successor" label="Successor" hint="A path such as /v2/accounts, or a URL."><input class="in mono" maxLength={256} value={successor} onInput={(x) => setSuccessor(x.currentTarget.value)} /></Field>
        <label class="pick"><input type="checkbox" checked={block} disabled={!sunset} onChange={(x) => setBlock(x.currentTarget.checked)} /><span>Answer 410 from that day on<small>Before it only says so.</small></span></label>
        {act.failed && <Failure what="Not retired." problem={act.failed} />}
      </form>
    </Dialog>
  );
}

/** How often one person calls it in a minute, over all connectors: the busiest says what a limit must leave free. */
const pace = (e: EndpointDetail) => e.parts.map((p) => p.pace).filter((p) => p !== undefined).sort((a, b) => (b.suggested ?? 0) - (a.suggested ?? 0))[0];

function Limit({ e, close, done }: { e: EndpointDetail; close: () => void; done: () => void }) {
  const act = useAct();
  const p = pace(e);
  const [perMinute, setPerMinute] = useState(String(p?.suggested ?? ""));
  const [block, setBlock] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    const good = await act.run(async () => {
      await call("endpointLimit", { path: { id: e.id }, body: { per_minute: Number(perMinute), mode: block ? "block" : "monitor" } });
    });
    if (good) {
      done();
      close();
    }
  }
  const foot = <>
    <button type="button" class="btn" onClick={close}>Cancel</button>
    <button type="submit" form="limit" class="btn main" aria-busy={act.busy ? "true" : undefined}>Add limit</button>
  </>;
  return (
    <Dialog title={<>Limit <span class="mono"><Method method={e.method} path={e.path} /></span>?</>} close={close} foot={foot}>
      <form id="limit" class="stack tight" onSubmit={submit}>
        <p>{p?.suggested !== undefined ? <>In 99 of 100 minutes one person called it at most {count(p.p99, "time")}; with three median deviations that is {p.suggested.toLocaleString("en")}.</>
          : "Too few minutes were seen for a suggestion."}</p>
        <Field id="per-minute" label="Requests of one person a minute"><input class="in" type="number" min={1} max={100000} required value={perMinute} onInput={(x) => setPerMinute(x.currentTarget.value)} /></Field>
        <label class="pick"><input type="checkbox" checked={block} onChange={(x) => setBlock(x.currentTarget.checked)} /><span>Refuse at once<small>Without it the limit only watches: see What would block.</small></span></label>
        {act.failed && <Failure what="Not added." problem={act.failed} />}
      </form>
    </Dialog>
  );
}

/** Words that behave alike are one parameter; an admin who knows better keeps them apart, or lets them join again. */
function Merged({ e, ask }: { e: EndpointDetail; ask: (below: string, apart: boolean) => void }) {
  const all = (of: (p: EndpointPart) => string[] | undefined) => [...new Set(e.parts.flatMap((p) => of(p) ?? []))];
  const merged = all((p) => p.merged), split = all((p) => p.split);
  if (!merged.length && !split.length) return null;
  const row = (below: string, apart: boolean): [string, preact.ComponentChildren] => [apart ? "One parameter" : "Kept apart",
    <><span class="mono"><Words text={below} /></span>{" "}
      {may("admin") && <button type="button" class="btn small" onClick={() => ask(below, apart)}>{apart ? "Split" : "Merge again"}<span class="vh"> below {below}</span></button>}</>];
  return <Panel title="Words below"><Facts rows={[...merged.map((b) => row(b, true)), ...split.map((b) => row(b, false))]} /></Panel>;
}

/** What an answer was, by connector. */
function Part({ p, several }: { p: EndpointPart; several: boolean }) {
  const found = secretsOf(p);
  return (
    <Panel title={several ? `At ${p.connector.name}` : "Figures"}><Facts rows={[
      ["Connector", <a href={`/connectors/${p.connector.id}`}><Name text={p.connector.name} /></a>],
      ["Requests", p.calls.toLocaleString("en")],
      ["Answers", p.statuses && Object.keys(p.statuses).length ? Object.entries(p.statuses).map(([k, n]) => `${k}: ${n.toLocaleString("en")}`).join(", ") : "none yet"],
      ["Time", p.latency_us ? `median ${duration(p.latency_us.p50 / 1000)}, p95 ${duration(p.latency_us.p95 / 1000)}, p99 ${duration(p.latency_us.p99 / 1000)}` : "one call only"],
      ["Size", p.bytes ? `median ${bytes(p.bytes.p50)}, p99 ${bytes(p.bytes.p99)}` : "one call only"],
      ["Pace of one person", p.pace ? `p99 ${p.pace.p99.toLocaleString("en")} a minute, median deviation ${p.pace.mad.toLocaleString("en")}, over ${count(p.pace.minutes, "minute")}` : "not known yet"],
      ["With a token", `${(p.with_token ?? 0).toLocaleString("en")} of ${p.calls.toLocaleString("en")}`],
      ["Groups", p.groups?.length ? <Words text={p.groups.join(", ")} /> : <span class="dim">none known</span>],
      ["Sensitive", found.length ? <b>{found.join(", ")}</b> : "nothing found"],
      ...(p.deprecated ? [["Deprecated", <Clock at={p.deprecated} />] as [string, preact.ComponentChildren]] : []),
      ...(p.sunset ? [["Ends", <Clock at={p.sunset} />] as [string, preact.ComponentChildren]] : []),
      ["First seen", <Ago at={p.first_seen} />],
      ["Last seen", <Ago at={p.last_seen} />]]} /></Panel>
  );
}

function Findings({ e }: { e: EndpointDetail }) {
  const drift = e.parts.find((p) => p.drift_property);
  const odd = e.states.filter((s) => s !== "documented");
  if (e.expected) return <Note mood="info" icon="check" title={`Expected until ${day(e.expected.until)}.`}><Name text={e.expected.by.name} />: <Words text={e.expected.reason} /></Note>;
  if (!odd.length) return null;
  return <Note mood="warn" title={`${odd.map((s) => meanings[s]).join(". ")}.`}>
    {drift && <>It answered with <code><Words text={drift.drift_property!} /></code>, which the document does not list{drift.drift_since && <>, since <Ago at={drift.drift_since} /></>}.</>}</Note>;
}

export function EndpointPage({ id }: { id: string }) {
  const load = useLoad("endpointGet", { path: { id } });
  const act = useAct();
  const [asking, setAsking] = useState<"expect" | "retire" | "limit" | undefined>();
  const [retired, setRetired] = useState(false);
  const [words, setWords] = useState<{ below: string; apart: boolean } | undefined>();
  const [told, setTold] = useState("");
  const e = load.data;
  const crumbs: [string, string][] = [["/apis", "APIs"]];
  if (!e) return <><Head title="Endpoint" crumbs={crumbs} />{load.failed && <Failure what="This endpoint could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
  const first = e.parts.find((p) => p.parameters || p.properties) ?? e.parts[0];
  const acts = may("operator") ? <>
    {e.expected
      ? <button type="button" class="btn" aria-busy={act.busy ? "true" : undefined} onClick={() => void act.run(async () => { await call("endpointUnexpect", { path: { id }, version: e.version }); await load.reload(); })}>Expected no more</button>
      : <button type="button" class="btn" onClick={() => setAsking("expect")}>Expected</button>}
    <button type="button" class="btn" disabled={!may("admin")} onClick={() => setAsking("limit")}>{pace(e)?.suggested !== undefined ? `Limit, suggested ${pace(e)!.suggested}/min` : "Limit"}</button>
    <button type="button" class="btn" disabled={!may("admin")} onClick={() => setAsking("retire")}>Retire</button>
    {!may("admin") && <span class="dim">Limit and Retire need role admin</span>}</> : undefined;
  return (
    <>
      <Head title={<span class="mono"><Method method={e.method} path={e.path} /></span>} crumbs={[...crumbs, [`/apis?app=${e.app.id}`, e.app.name]]} acts={acts}>
        {count(e.calls, "request")} of {count(e.users, "person", "people")}, {e.calls ? `${((100 * e.errors) / e.calls).toFixed(1)}%` : "0%"} answered 400 or above, last <Ago at={e.last_seen} />.{" "}
        {e.refused > 0 && <>The gateway refused {count(e.refused, "call")}.</>}
      </Head>
      <p><EndpointState e={e} /></p>
      <Findings e={e} />
      {retired && <Note mood="ok" title="The rule is in the app's gateway."><a href={`/apis/${e.app.id}/gateway`}>Look at it</a>. Connectors have it in force in a moment.</Note>}
      {told && <Note mood="ok" title={told}><a href={`/apis/${e.app.id}/gateway`}>Look at the app's gateway</a>. Connectors have it in force in a moment; what is learned anew takes a minute or two.</Note>}
      {act.failed && <Failure what="Not changed." problem={act.failed} />}
      <div class="cols wide"><div class="stack">
        <Names title="Parameters" names={[...(first?.parameters ?? []), ...(first?.query ?? []).map((q) => ({ ...q, name: `?${q.name}` }))]} empty="It takes none, neither in its path nor in its query." />
        <Names title={first?.shape === "array" ? "Fields of each item of its answer" : "Fields of its answer"} names={first?.properties ?? []} empty="No JSON answer was read." />
      </div><div class="stack">
        <Merged e={e} ask={(below, apart) => setWords({ below, apart })} />
        {e.parts.map((p) => <Part key={p.connector.id} p={p} several={e.parts.length > 1} />)}
      </div></div>
      {asking === "expect" && <Expect title="Is this endpoint right as it is?" close={() => setAsking(undefined)}
        act={async (until, reason) => { await call("endpointExpect", { path: { id }, body: { until, reason }, version: e.version }); await load.reload(); }}>
        <p>It leaves the list of what needs a look until then. Nothing is let through that was not let through before.</p></Expect>}
      {words && <Confirm title={<>{words.apart ? "Keep words apart below " : "Let words join again below "}<span class="mono"><Words text={words.below} /></span>?</>} verb={words.apart ? "Split" : "Merge again"} close={() => setWords(undefined)}
        act={async () => {
          await call(words.apart ? "endpointSplit" : "endpointMerge", { path: { id }, body: { below: words.below } });
          setTold(words.apart ? "Each word has an endpoint of its own from now on." : "Words that behave alike become one parameter again.");
        }}>
        <p>{words.apart ? "The endpoints below are taken apart: their counts begin anew." : "Endpoints that behave alike become one; their counts are added."} Nothing is let through or refused that was not before, except where a rule names one of these paths.</p></Confirm>}
      {asking === "limit" && <Limit e={e} close={() => setAsking(undefined)} done={() => setTold("The limit is in the app's gateway.")} />}
      {asking === "retire" && <Retire e={e} close={() => setAsking(undefined)} done={() => setRetired(true)} />}
    </>
  );
}
