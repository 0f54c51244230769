// Which outside system fails. Identity providers stand in the configuration file; posture feeds are kept here.
import type { Feed, Provider } from "../api";
import { useLoad } from "../load";
import { Ago, Badge, Head, Name, Panel, State, Words } from "../parts/basics";
import { Failure } from "../parts/failure";
import { all, Table } from "../parts/table";
import { count } from "../words";
import { Feeds } from "./feeds";

export function ProviderState({ p }: { p: Provider }) {
  if (p.state === "ok") return <State mood="ok">Works</State>;
  return p.state === "failing" ? <State mood="bad">Fails</State> : <State mood="warn">Not asked yet</State>;
}

/** Which fails, before anything else. */
function answer(providers: Provider[], feeds: Feed[]): string {
  const bad = providers.filter((p) => p.state === "failing").length, failing = feeds.filter((f) => f.state === "failing");
  const there = feeds.length ? `${count(providers.length, "identity provider")} and ${count(feeds.length, "posture feed")}.` : `${count(providers.length, "identity provider")}.`;
  const said = [
    ...(bad ? [`${count(bad, "provider")} ${bad === 1 ? "fails" : "fail"}: nobody can sign in through ${bad === 1 ? "it" : "them"}.`] : []),
    ...failing.map((f) => `${f.title} fails: ${f.stale_at ? "what it said ages" : "nothing is known from it"}.`)];
  return `${there} ${said.length ? said.join(" ") : "None fails."}`;
}

export function IntegrationsPage() {
  const load = useLoad("providerList", {});
  const feeds = useLoad("feedList", {});
  const health = useLoad("health", {});
  const rows = load.data?.items;
  return (
    <>
      <Head title="Integrations">{rows && feeds.data && <>{answer(rows, feeds.data.items)} Providers stand in the broker's configuration file.</>}</Head>
      <Table<Provider> title="Identity providers" slim page={all(rows)} failed={load.failed} loading={load.loading} again={() => void load.reload()} rowKey={(p) => p.name} header={<h2>Identity providers</h2>}
        empty={<p>No provider is configured, so nobody can sign in.</p>}
        columns={[
          { head: "Provider", part: "main", cell: (p) => <><b><Name text={p.name} /></b> {p.built_in && <Badge mood="warn">built in</Badge>}<span class="two"><Name text={p.title} /></span></> },
          { head: "Issuer", kind: "p2", cell: (p) => <span class="mono"><Name text={p.issuer} /></span> },
          { head: "Groups from", kind: "p3", cell: (p) => <span class="mono"><Name text={p.groups_claim} /></span> },
          { head: "Last result", cell: (p) => <><Words text={p.text} /><span class="two"><Ago at={p.checked_at} /></span></> },
          { head: "State", cell: (p) => <ProviderState p={p} /> }]} />
      <Feeds load={feeds} />
      <Panel title="The broker's own checks">
        {health.failed && <Failure what="The checks could not be read." problem={health.failed} again={() => void health.reload()} />}
        {health.data && <ul class="conds">{health.data.checks.map((c) => <li>{c.ok ? <State mood="ok">ok</State> : <State mood="bad">fails</State>}<div>{c.name}<small><Words text={c.text} /></small></div></li>)}</ul>}
      </Panel>
    </>
  );
}
