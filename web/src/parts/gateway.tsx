// What the pages of the API gateway share: their tabs, states of endpoints, the question "expected until when".
import { useState } from "preact/hooks";
import type { Endpoint, Problem } from "../api";
import { problem } from "../client";
import { useLoad } from "../load";
import { bytes, duration } from "../words";
import { Field, State, Tabs, Words } from "./basics";
import { Dialog } from "./dialog";
import { Failure } from "./failure";

export type GatewayTab = "endpoints" | "incidents" | "block" | "coverage";

export function GatewayTabs({ on }: { on: GatewayTab }) {
  const incidents = useLoad("incidentList", { query: { limit: 1 } });
  const n = incidents.data?.total;
  return <Tabs label="APIs" tabs={[
    { to: "/apis", text: "Endpoints", on: on === "endpoints" },
    { to: "/incidents", text: n ? `Incidents ${n.toLocaleString("en")}` : "Incidents", on: on === "incidents" },
    { to: "/apis?tab=block", text: "What would block", on: on === "block" },
    { to: "/apis?tab=coverage", text: "Coverage", on: on === "coverage" }]} />;
}

type StateName = Endpoint["states"][number];
/** The state that matters most, and what it means. */
export const meanings: Record<StateName, string> = {
  zombie: "Deprecated, past its sunset or of an older version, and still answers",
  unauthenticated: "Answered without an access token, though others need one",
  shadow: "Answers, but is not in the document",
  drift: "Answers other names than the document",
  orphan: "Documented, not used for 30 days",
  documented: "In the document, and used as it says",
};
const order = Object.keys(meanings) as StateName[];

/** What matters most of what is odd; undefined: nothing is. */
export const odd = (e: Endpoint) => order.find((s) => s !== "documented" && e.states.includes(s));

export function EndpointState({ e }: { e: Endpoint }) {
  const first = order.find((s) => e.states.includes(s));
  if (!first) return <State mood="off" icon="unknown">No document</State>;
  const word = first[0]!.toUpperCase() + first.slice(1);
  if (first === "documented") return <State mood="ok">{word}</State>;
  if (e.expected) return <State mood="info" icon="check">{word}, expected</State>;
  return <State mood={first === "zombie" || first === "unauthenticated" ? "bad" : "warn"} icon="warn">{word}</State>;
}

/** Requests a day, seven of them, as a line. */
export function Spark({ days }: { days: number[] }) {
  const top = Math.max(1, ...days);
  const points = days.map((n, i) => `${(i * 12).toFixed(1)},${(16 - (n / top) * 14).toFixed(1)}`).join(" ");
  return <svg class="spark" viewBox="0 0 72 18" role="img" aria-label={`Requests a day, last 7 days: ${days.join(", ")}`}><polyline points={points} /></svg>;
}

export function Method({ method, path }: { method: string; path: string }) {
  return <><span class="dim">{method}</span> {path}</>;
}

/** How a request was judged, as its connector says it: a record's or an incident's members. */
export function judged(said: Record<string, unknown>): [string, preact.ComponentChildren][] {
  const text = (name: string) => typeof said[name] === "string" ? said[name] as string : "", number = (name: string) => typeof said[name] === "number" ? said[name] as number : undefined;
  const size = (name: string) => number(name) === undefined ? "not known" : bytes(number(name)!);
  if (!text("decision")) return [];
  return [
    ["Decision", <a class="mono" href={`/audit?q=${encodeURIComponent(text("decision"))}`}><Words text={text("decision")} /></a>],
    ["Found by", text("detector") ? <Words text={text("detector")} /> : <>rule <Words text={text("rule") || "of the gateway"} /></>],
    ["Mode", <Words text={text("mode") || "not known"} />],
    ["Policy", number("policy_version") === undefined ? "not known" : `version ${number("policy_version")}`],
    ["Gateway", number("app_version") === undefined ? "not known" : `version ${number("app_version")} of the app`],
    ["API document", text("document") ? <span class="mono" title={text("document")}><Words text={text("document").slice(0, 12)} /></span> : "none"],
    ["Sizes", `request ${size("request_bytes")}, answer ${size("response_bytes")}`],
    ["Time", number("latency_us") === undefined ? "not known" : duration(number("latency_us")! / 1000)]];
}

const DAY = 24 * 60 * 60 * 1000;
const lives = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"]] as const;

/** "Expected" asks for an end, at most 90 days ahead, and for a reason. */
export function Expect({ title, children, group, act, close }: {
  title: string; children: preact.ComponentChildren; group?: boolean;
  act: (until: string, reason: string, group: string) => Promise<void>; close: () => void;
}) {
  const [days, setDays] = useState("30");
  const [reason, setReason] = useState("");
  const [who, setWho] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Problem | undefined>();
  const ready = !busy && reason.trim() !== "";

  async function submit(event: Event) {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setFailed(undefined);
    try {
      // A minute less than the longest: the broker's clock decides.
      await act(new Date(Date.now() + Number(days) * DAY - 60_000).toISOString(), reason.trim(), who.trim());
      close();
    } catch (e) {
      setFailed(problem(e));
      setBusy(false);
    }
  }

  const foot = <>
    <button type="button" class="btn" onClick={close}>Cancel</button>
    <button type="submit" form="expect" class="btn main" disabled={!ready} aria-busy={busy ? "true" : undefined}>Mark as expected</button>
  </>;
  return (
    <Dialog title={title} close={close} foot={foot}>
      <form id="expect" class="stack tight" onSubmit={submit}>
        <div>{children}</div>
        <Field id="expect-days" label="For"><select class="in" value={days} onChange={(e) => setDays(e.currentTarget.value)}>{lives.map(([v, t]) => <option value={v}>{t}</option>)}</select></Field>
        <Field id="expect-reason" label="Reason" hint="Stands in the audit record."><input class="in" maxLength={256} autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></Field>
        {group && <Field id="expect-group" label="Group instead of this person" hint="provider/group; empty: only this person."><input class="in" maxLength={128} value={who} onInput={(e) => setWho(e.currentTarget.value)} /></Field>}
        {failed && <Failure what="Not marked." problem={failed} />}
      </form>
    </Dialog>
  );
}
