// One renderer for a decision's trace: the page Why, and the simulator.
import { useState } from "preact/hooks";
import type { Trace, TraceRule } from "../api";
import { duration } from "../words";
import { Icon, Panel, TruthState, Words } from "./basics";

const titles: Record<string, string> = {
  ok: "Allowed",
  step_up: "Asks for a code",
  deny_rule: "Denied: a deny rule is true",
  requirement: "Denied: a requirement is not met",
  no_allow: "Denied: no allow rule is true",
  groups_unknown: "Denied: the user's groups could not be read",
  not_visible: "Denied: no such app for this user",
  error: "Denied: the decision failed",
};

export function VerdictBox({ trace }: { trace: Trace }) {
  const good = trace.result === "allow";
  const unknown = trace.reason === "requirement" && trace.require.some((r) => r.decides && r.value === "unknown") && !trace.require.some((r) => r.decides && r.value === "false");
  const title = unknown ? "Denied: a requirement is unknown" : titles[good ? "ok" : trace.result === "step_up" ? "step_up" : trace.reason] ?? "Denied";
  return (
    <div class={`verdict ${good ? "ok" : trace.result === "step_up" ? "ask" : "bad"}`} role="status"><Icon name={good ? "check" : trace.result === "step_up" ? "key" : "stop"} />
      <div><b>{title}</b>{trace.reasons.map((r) => <p>{r}</p>)}</div></div>
  );
}

/** unknown first, then what is false, then what holds. */
const rank = { unknown: 0, false: 1, true: 2 };

/** A decision of the record keeps which key it was, not the words of the rule. */
const keyWords: Record<string, string> = {
  groups: "Member of one of the groups", users: "One of the users named", mfa: "Proof of MFA", device: "The device", posture: "Posture of the device",
  network: "The network it comes from", country: "The country it comes from", time: "The time", risk: "The risk", score: "The score", any: "One of several conditions", not: "The opposite of a condition", all: "All of several conditions",
};

/** "posture:disk_encryption" names its signal. */
function KeyText({ of }: { of: string }) {
  const [kind = "", ...more] = of.split(":"), words = keyWords[kind];
  if (!words) return <code><Words text={of} /></code>;
  return <>{words}{more.length > 0 && <>, <Words text={more.join(" ").replaceAll("_", " ")} /></>}</>;
}

/** What the editor beside it shows: one policy, which begins at this line of the whole. */
export interface Beside { policy: string; first: number }

function Conditions({ rule }: { rule: TraceRule }) {
  const rows = [...rule.conditions].sort((a, b) => rank[a.value] - rank[b.value]);
  return (
    <ul class="conds">{rows.map((c) => (
      <li><TruthState value={c.value} /><div>{c.text ? <Words text={c.text} /> : <KeyText of={c.key} />}{c.fact && <>: <Words text={c.fact} /></>}
        <small>{[c.source && `source ${c.source}`, c.assurance && `assurance ${c.assurance}`, c.age_ms != null && `${duration(c.age_ms)} old`].filter(Boolean).join(", ")}</small></div></li>
    ))}</ul>
  );
}

/** As the editor beside it counts; a new policy has no place in the whole yet. */
function lineText(r: TraceRule, beside: Beside | undefined): string {
  if (!r.line) return "";
  if (beside?.policy !== r.policy) return `, line ${r.line}`;
  return beside.first > 0 && r.line >= beside.first ? `, line ${r.line - beside.first + 1}` : "";
}

interface RulesProps { title: string; rules: TraceRule[]; none: string; beside: Beside | undefined; past: number | undefined }

/** `past`: the version that decided then; its lines may be others by now. */
function Rules({ title, rules, none, beside, past }: RulesProps) {
  if (!rules.length) return <Panel title={title}><p class="sub">{none}</p></Panel>;
  return <>{rules.map((r) => (
    <Panel title={`${title}: ${r.policy}${r.rule && !r.rule.startsWith("require[") ? `/${r.rule}` : ""}`} end={past === undefined
      ? <a href={`/policies/${encodeURIComponent(r.policy)}${r.line ? `?line=${r.line}` : ""}`}>{r.policy}{lineText(r, beside)}</a>
      : <a href={`/policies/${encodeURIComponent(r.policy)}`}>{r.policy}<span class="dim">, {r.line ? `line ${r.line} of ` : ""}version {past}</span></a>}>
      {r.message && <p>“<Words text={r.message} />”</p>}<Conditions rule={r} /></Panel>
  ))}</>;
}

export function TraceRules({ trace, beside }: { trace: Trace; beside?: Beside | undefined }) {
  const past = trace.request_id ? trace.policy_version : undefined;
  return <>
    <Rules title="Requirement" rules={trace.require} beside={beside} past={past} none="No policy that concerns this app has a requirement." />
    <Rules title="Allow" rules={trace.allow} beside={beside} past={past} none="No allow rule concerns this app, so nobody gets in." />
    <Rules title="Deny" rules={trace.deny} beside={beside} past={past} none="No deny rule concerns this app." />
  </>;
}

/** The smallest set of facts that would turn the result, asked for. */
export function Opposite({ trace }: { trace: Trace }) {
  const [open, set] = useState(false);
  if (!trace.opposite) return null;
  if (!open) return <div><button type="button" class="btn" onClick={() => set(true)}>Explain the opposite</button></div>;
  return (
    <Panel title="The opposite">
      {trace.opposite.length ? <><p class="sub">{trace.result === "allow" ? "Denied" : "Allowed"}, if {trace.opposite.length === 1 ? "this" : `these ${trace.opposite.length}`} came true and all else stayed:</p>
        <ul class="fix">{trace.opposite.map((c) => <li><span><Words text={c} /></span></li>)}</ul></>
        : <p class="sub">No fact turns it: {trace.result === "allow" ? "nothing that is asked for can end." : "no allow rule that decides covers this app, or groups or code are missing first."}</p>}
    </Panel>
  );
}

export function ChangesIt({ trace }: { trace: Trace }) {
  if (!trace.changes_it?.length) return null;
  return <Panel title="What would change it"><ul class="fix">{trace.changes_it.map((c) => <li><span>{c}</span></li>)}</ul></Panel>;
}
