// Result and the one cause in a sentence; then each condition, and what would change it.
import type { Trace, TraceRule } from "../api";
import { useLoad } from "../load";
import { Facts, Field, Head, Name, Panel, RefLink, Words } from "../parts/basics";
import { Failure } from "../parts/failure";
import { ChangesIt, Opposite, TraceRules, VerdictBox } from "../parts/trace";
import { narrow, usePlace } from "../route";
import { duration, exact, visible } from "../words";

export function WhyPage({ request }: { request?: string }) {
  return request ? <OfRequest request={request} /> : <Now />;
}

function OfRequest({ request }: { request: string }) {
  const load = useLoad("whyRequest", { path: { request } });
  if (load.data) return <Shown trace={load.data} />;
  return <><Head title={`Request ${visible(request)}`} crumbs={[["/audit", "Audit"]]} />{load.failed && <Failure what="This decision could not be read." problem={load.failed} again={() => void load.reload()} />}</>;
}

function Now() {
  const { query } = usePlace();
  const user = query.get("user") ?? "", app = query.get("app") ?? "", device = query.get("device") ?? "";
  const load = useLoad("whyNow", { query: { user, app, device } }, user !== "" && app !== "");
  const users = useLoad("userList", { query: { limit: 200 } });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const devices = useLoad("deviceList", { query: { user, limit: 200 } }, user !== "");
  const pick = (name: string, label: string, now: string, list: Array<{ id: string; name: string }> | undefined, none: string) => (
    <Field id={`why-${name}`} label={label}><select class="sel" value={now} onChange={(e) => narrow({ [name]: e.currentTarget.value, ...(name === "user" ? { device: "" } : {}) })}>
      <option value="">{none}</option>{list?.map((x) => <option value={x.id}>{visible(x.name)}</option>)}</select></Field>);
  return (
    <>
      {!load.data && <Head title="Why" crumbs={[["/audit", "Audit"]]}>The decision as it would be now, from the facts of this moment.</Head>}
      {load.data && <Shown trace={load.data} />}
      {load.failed && <Failure what="No decision was made." problem={load.failed} again={() => void load.reload()} />}
      <Panel title="Ask"><div class="fields">{pick("user", "User", user, users.data?.items, "Choose")}{pick("app", "App", app, apps.data?.items, "Choose")}{pick("device", "Device", device, devices.data?.items, "None: no agent")}</div></Panel>
    </>
  );
}

function title(t: Trace) {
  const user = t.user ? <Name text={t.user.name} /> : "someone", app = t.app ? <Name text={t.app.name} /> : "an app that does not exist";
  if (t.result === "allow") return <>Why may {user} open {app}?</>;
  return t.result === "deny" ? <>Why was {user} denied {app}?</> : <>Why does {app} ask {user} for a code?</>;
}

const list = (value: unknown): string => Array.isArray(value) ? value.map((v) => typeof v === "string" ? v : typeof v === "object" && v && "kind" in v ? String(v.kind) : "").filter(Boolean).join(", ") : "";

/** What the decision was made from, besides posture, which stands with its conditions. */
function MomentFacts({ facts }: { facts: Trace["facts"] }) {
  const device = facts.device as { state?: string; key?: string } | null | undefined;
  const rows: Array<[string, string]> = [
    ["Groups", facts.groups_known === false ? "could not be read" : list(facts.groups) || "none"],
    ["Second factor", list(facts.mfa) || "no proof"],
    ["Device", device ? `${device.state ?? "unknown"}, key in ${device.key ?? "unknown"}` : "no agent"],
    ["Network", typeof facts.network === "string" ? facts.network : "unknown"],
    ["Country", typeof facts.country === "string" ? facts.country : "unknown"],
    ["Risk", typeof facts.risk === "string" ? facts.risk : "unknown"]];
  return <Panel title="Facts at that moment"><Facts rows={rows.map(([name, text]) => [name, <Words text={text} />])} /></Panel>;
}

const inWords = (ms: number | null) => ms === null ? "none" : duration(ms);

/** The editor of the policy that decided, its simulator asking for this person, device and app. */
function simulate(t: Trace): string {
  const held = (r: TraceRule) => r.conditions.every((c) => c.value === "true");
  const rule = t.deny.find(held) ?? t.require.find((r) => !held(r)) ?? t.allow.find(held) ?? t.allow[0] ?? t.require[0] ?? t.deny[0];
  const whom = new URLSearchParams({ user: t.user?.id ?? "", app: t.app?.id ?? "", ...(t.device && { device: t.device.id }) });
  if (!rule) whom.set("tab", "simulate");
  return `/policies${rule ? `/${encodeURIComponent(rule.policy)}` : ""}?${whom}`;
}

function Shown({ trace: t }: { trace: Trace }) {
  return (
    <>
      <Head title={title(t)} crumbs={[["/audit", "Audit"]]} acts={<>
        {t.user && t.app && <a class="btn" href={simulate(t)}>Simulate with draft</a>}
        {t.request_id && <a class="btn" href={`/audit?q=${encodeURIComponent(t.request_id)}`}>Audit record</a>}</>}>
        {exact(t.at)}{t.request_id && <>, request <code>{t.request_id}</code></>}, policy version {t.policy_version}.</Head>
      <VerdictBox trace={t} />
      <div class="cols wide">
        <div class="stack"><TraceRules trace={t} /></div>
        <div class="stack">
          <ChangesIt trace={t} />
          <Opposite trace={t} />
          {t.remedies.length > 0 && <Panel title="What the user was told"><ul class="fix">{t.remedies.map((r) => <li><span>{r}</span></li>)}</ul></Panel>}
          <MomentFacts facts={t.facts} />
          <Panel title="Whom and what"><Facts rows={[
            ["User", <RefLink to={t.user} at="users" />], ["Device", t.device ? <RefLink to={t.device} at="devices" /> : "no agent"], ["App", <RefLink to={t.app} at="apps" />],
            ["Session at most", inWords(t.limits.session_max_ms)], ["Idle at most", inWords(t.limits.idle_ms)], ["Decided again", inWords(t.limits.reverify_ms)],
            ["Code", t.limits.step_up_kind ? `${t.limits.step_up_kind}, at most ${inWords(t.limits.step_up_every_ms)} old` : "as the rules say"]]} /></Panel>
        </div>
      </div>
    </>
  );
}
