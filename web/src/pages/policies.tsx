// What decides; what never decides; what the lint found.
import type { Finding, PolicyRow } from "../api";
import { useLoad } from "../load";
import { Badge, Head, Name, Panel, Tabs, Words } from "../parts/basics";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { usePlace } from "../route";
import { count } from "../words";
import { may, me } from "../who";
import { Editor } from "../parts/editor";
import { Findings } from "../parts/findings";
import { DraftPage, Drafts } from "./drafts";
import { History } from "./history";
import { Simulator } from "./simulator";

export function PoliciesPage() {
  const { query } = usePlace();
  const tab = query.get("tab") ?? "";
  const load = useLoad("policyList", {});
  const list = load.data;
  const draft = query.get("draft");
  const warn = list?.findings.length ?? 0;
  if (draft) return <DraftPage id={draft} key={draft} />;
  return (
    <>
      <Head title="Policies" acts={<a class="btn main" href="/policies/new" aria-disabled={may("admin") ? undefined : "true"}>New policy</a>}>
        {list && <>Who is named by no allow rule stays out. {count(list.items.length, "policy", "policies")} in version {list.version}; order never matters.
          {warn > 0 && <> The lint found {count(warn, "thing")}.</>}</>}
      </Head>
      <Tabs label="Policies" tabs={[
        { to: "/policies", text: "In force", on: tab === "" },
        { to: "/policies?tab=text", text: "Whole text", on: tab === "text" },
        { to: "/policies?tab=drafts", text: "Drafts", on: tab === "drafts" },
        { to: "/policies?tab=simulate", text: "Simulate", on: tab === "simulate" },
        { to: "/policies?tab=history", text: "History", on: tab === "history" }]} />
      {tab === "" && <>
        <Table<PolicyRow> title="Policies" slim page={all(list?.items)} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(p) => p.name}
          empty={<><p>No policy, so nobody may open anything. A first one, as text:</p><pre class="copy">{firstPolicy()}</pre><a class="btn" href="/policies/new">Use this</a></>}
          columns={[
            { head: "Policy", part: "main", cell: (p) => <a href={`/policies/${p.name}`}><Name text={p.name} /></a> },
            { head: "Covers", cell: (p) => <Words text={p.covers} /> },
            { head: "Lets in", kind: "p2", cell: (p) => p.allow.length ? <Words text={p.allow.join(", ")} /> : <span class="dim">nobody: it only narrows</span> },
            { head: "Keeps out", kind: "p3", cell: (p) => p.deny.length ? <Words text={p.deny.join(", ")} /> : <span class="dim">none</span> },
            { head: "Requires", kind: "r p2", cell: (p) => p.require },
              { head: "State", cell: (p) => <span class="tokens"><Badge mood={p.mode === "enforce" ? "ok" : "warn"}>{p.mode}</Badge>{p.guardrail && <Badge>guardrail</Badge>}
              {p.findings > 0 && <Badge mood="warn">{count(p.findings, "finding")}</Badge>}</span> }]} />
        {list && list.findings.length > 0 && <LintPanel findings={list.findings} />}
      </>}
      {tab === "text" && <WholeText />}
      {tab === "drafts" && <Drafts />}
      {tab === "simulate" && <Simulator />}
      {tab === "history" && <History changed={() => void load.reload()} />}
    </>
  );
}

/** Lets only the reader in: a first policy that works as it is and gives nothing away. */
export function firstPolicy(): string {
  return `name: first
apps: {all: true}
require:
  - {device: {state: [approved]}}
allow:
  - {name: me, when: {users: [${JSON.stringify(me.get()?.user?.name ?? "")}], mfa: {max_age: 12h}}}
limits: {session_max: 8h, idle: 30m}
`;
}

function LintPanel({ findings }: { findings: Finding[] }) {
  return <Panel title="Lint"><Findings findings={findings} /></Panel>;
}

function WholeText() {
  const load = useLoad("policyDocument", {});
  if (load.failed) return <Failure what="The document could not be read." problem={load.failed} again={() => void load.reload()} />;
  if (!load.data) return null;
  return <Editor key={load.data.version} operation="document" name={null} text={load.data.text ?? ""} version={load.data.version} saved={() => void load.reload()} />;
}
