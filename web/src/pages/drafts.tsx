// Texts that somebody wrote and nobody put in force yet: a list, and one of them in the editor.
import type { PolicyDraft } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Ago, Badge, Head, Name, Note, RefLink, Words } from "../parts/basics";
import { Editor } from "../parts/editor";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { go } from "../route";
import { may } from "../who";

export function Drafts() {
  const load = useLoad("draftList", {});
  return (
    <Table<PolicyDraft> title="Drafts" slim page={all(load.data?.items)} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(d) => d.id}
      empty={<p>No draft waits. One is kept with <b>Save draft</b> in a policy's editor; it decides nothing until it is put in force{load.data?.second_approval ? ", by another admin than its author" : ""}.</p>}
      columns={[
        { head: "Draft of", part: "main", cell: (d) => <a href={`/policies?draft=${d.id}`}>{d.policy === null ? "the whole text" : <Name text={d.policy} />}</a> },
        { head: "By", cell: (d) => <RefLink to={d.by} at="users" /> },
        { head: "Note", kind: "p2", cell: (d) => <Words text={d.note} /> },
        { head: "Written against", kind: "r p2", cell: (d) => `version ${d.base}` },
        { head: "Saved", kind: "r", cell: (d) => <Ago at={d.updated} /> },
        { head: "State", cell: (d) => d.may_approve && !d.mine ? <Badge mood="warn">waits for you</Badge> : <Badge>draft</Badge> }]} />
  );
}

export function DraftPage({ id }: { id: string }) {
  const load = useLoad("draftGet", { path: { id } });
  const d = load.data;
  const name = d?.policy ?? null;
  const one = useLoad("policyGet", { path: { name: name ?? "" } }, d !== undefined && name !== null);
  const whole = useLoad("policyDocument", {}, d !== undefined);
  const act = useAct();
  const fresh = name !== null && one.failed?.status === 404; // a policy that is not there yet
  const ready = d && whole.data && (name === null || one.data || fresh);
  const now = name === null ? whole.data?.text ?? "" : one.data?.text ?? "";
  const discard = () => act.run(async () => {
    await call("draftRemove", { path: { id } });
    go("/policies?tab=drafts");
  });
  return (
    <>
      <Head title={d ? <>Draft of {name === null ? "the whole text" : <Name text={name} />}</> : "Draft"} crumbs={[["/policies", "Policies"], ["/policies?tab=drafts", "Drafts"]]}
        acts={d && may("admin") && <button type="button" class="btn quiet" aria-busy={act.busy ? "true" : undefined} onClick={() => void discard()}>Discard draft</button>}>
        {d && whole.data && <>By {d.by ? <Name text={d.by.name} /> : "nobody"}, <Ago at={d.updated} />, not in force. Version {whole.data.version} decides now.</>}</Head>
      {load.failed && <Failure what="This draft could not be read." problem={load.failed} again={() => void load.reload()} />}
      {act.failed && <Failure what="The draft was not discarded." problem={act.failed} />}
      {d && whole.data && d.base !== whole.data.version && <Note mood="warn" title={`It was written against version ${d.base}.`}>Version {whole.data.version} decides now. Compare shows what the draft would change there; if its own policy changed meanwhile, it is saved anew before it is approved.</Note>}
      {ready && <Editor key={`${d.id} ${d.version}`} operation={name === null ? "document" : "policy"} name={name} text={d.text ?? ""} inForce={now} adding={fresh} version={whole.data!.version} draft={d} kept={() => void load.reload()}
        saved={() => go(name === null ? "/policies?tab=text" : `/policies/${name}`)} />}
    </>
  );
}
