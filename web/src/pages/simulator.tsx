// The decision for a user, a device and an app, with facts that may be overridden.
import { useState } from "preact/hooks";
import type { SimulatedFacts, Trace } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { Field, Panel } from "../parts/basics";
import { Failure } from "../parts/failure";
import { ChangesIt, Opposite, TraceRules, VerdictBox, type Beside } from "../parts/trace";
import { usePlace } from "../route";
import { count, visible } from "../words";

/** Signals that may be overridden, by what their value is. */
const signals: Record<string, "verdict" | "version" | "number"> = {
  disk_encryption: "verdict", screen_lock: "verdict", firewall: "verdict", secure_boot: "verdict", os_supported: "verdict",
  os_version: "version", agent_version: "version", security_updates: "number",
};
type Posture = Record<string, string>;

export function Simulator({ draft, policy, narrowPlace, broken, beside }: { beside?: Beside | undefined; draft?: string; policy?: string | null; narrowPlace?: boolean; broken?: boolean }) {
  const users = useLoad("userList", { query: { limit: 200 } });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const { query } = usePlace(); // a decision leads here with whom and what it was about
  const asked = query.get("user") ?? "";
  const [user, setUser] = useState(asked);
  const [app, setApp] = useState(query.get("app") ?? "");
  const [device, setDevice] = useState(query.get("device") ?? "");
  const missing = asked !== "" && users.data?.items.every((u) => u.id !== asked) === true;
  const extra = useLoad("userGet", { path: { id: asked } }, missing);
  const devices = useLoad("deviceList", { query: { user, limit: 200 } }, user !== "");
  const [at, setAt] = useState("");
  const [address, setAddress] = useState("");
  const [mfa, setMfa] = useState("");
  const [posture, setPosture] = useState<Posture>({});
  const [age, setAge] = useState("");
  const [trace, setTrace] = useState<Trace | undefined>();
  const act = useAct();

  /** Unknown = a value that is past its time: the same as none. */
  function facts(): SimulatedFacts {
    const [kind, old] = mfa.split(":") as [NonNullable<SimulatedFacts["mfa"]>["kind"], string];
    const set: SimulatedFacts = {};
    if (at) set.at = new Date(at).toISOString();
    if (address) set.network = address;
    if (mfa) set.mfa = { kind, age: old };
    const values = Object.entries(posture).map(([signal, value]) => value === "unknown" ? { signal, value: "pass", age: "3650d" }
      : { signal, value: signals[signal] === "number" ? Number(value) : value, ...(age && { age }) });
    if (values.length) set.posture = values;
    return set;
  }

  /** An empty value takes the override back. */
  function override(signal: string, value: string) {
    const { [signal]: _, ...rest } = posture;
    setPosture(value ? { ...rest, [signal]: value } : rest);
  }

  function submit(event: Event) {
    event.preventDefault();
    void act.run(async () => setTrace(await call("policySimulate", { body: { user, app, device: device || null, text: draft ?? null, policy: draft === undefined ? null : policy ?? null, facts: facts() } })));
  }

  const form = (
    <form class="stack tight" onSubmit={submit}>
      <div class="fields">
        <Field id="sim-user" label="User"><select class="sel" required value={user} onChange={(e) => { setUser(e.currentTarget.value); setDevice(""); }}><option value="">Choose</option>{missing && extra.data && <option value={asked}>{visible(extra.data.name)}</option>}{users.data?.items.map((u) => <option value={u.id}>{visible(u.name)}</option>)}</select></Field>
        <Field id="sim-app" label="App"><select class="sel" required value={app} onChange={(e) => setApp(e.currentTarget.value)}><option value="">Choose</option>{apps.data?.items.map((a) => <option value={a.id}>{visible(a.name)}</option>)}</select></Field>
      </div>
      <div class="fields">
        <Field id="sim-device" label="Device"><select class="sel" value={device} onChange={(e) => setDevice(e.currentTarget.value)}><option value="">None: no agent</option>{devices.data?.items.map((d) => <option value={d.id}>{visible(d.name)}</option>)}</select></Field>
        <Field id="sim-mfa" label="Proof of MFA"><select class="sel" value={mfa} onChange={(e) => setMfa(e.currentTarget.value)}>
          <option value="">as it is</option><option value="otp:1m">code, 1 min old</option><option value="otp:1h">code, 1 h old</option><option value="any:2h">any factor, 2 h old</option><option value="phishing_resistant:1m">security key, 1 min old</option></select></Field>
      </div>
      <div class="fields">
        <Field id="sim-at" label="Time" hint="Empty: now."><input class="in" type="datetime-local" value={at} onInput={(e) => setAt(e.currentTarget.value)} /></Field>
        <Field id="sim-address" label="Address" hint="Empty: the last one seen."><input class="in" placeholder="198.18.10.7" value={address} onInput={(e) => setAddress(e.currentTarget.value)} /></Field>
      </div>
      <details><summary class="sub">Override posture{Object.keys(posture).length > 0 && `: ${count(Object.keys(posture).length, "signal")}`}</summary>
        <div class="fields">{Object.entries(signals).map(([s, kind]) => (
          <Field id={`sim-${s}`} label={s}>{kind === "verdict"
            ? <select class="sel" value={posture[s] ?? ""} onChange={(e) => override(s, e.currentTarget.value)}><option value="">as reported</option><option>pass</option><option>fail</option><option>unknown</option></select>
            : <input class="in" value={posture[s] ?? ""} placeholder="as reported" inputMode={kind === "number" ? "numeric" : undefined} pattern={kind === "number" ? "[0-9]+|unknown" : undefined} onInput={(e) => override(s, e.currentTarget.value.trim())} />}</Field>))}
          <Field id="sim-age" label="Age of these" hint="30s, 5m, 2h. Empty: new."><input class="in" value={age} pattern="\d+[smhd]" onInput={(e) => setAge(e.currentTarget.value.trim())} /></Field></div></details>
      <div><button type="submit" id="simulate" class="btn" disabled={!user || !app || act.busy || broken} aria-busy={act.busy ? "true" : undefined}>Simulate{draft === undefined ? "" : " draft"}</button></div>
      {act.failed && <Failure what="The simulation did not run." problem={act.failed} />}
    </form>
  );
  const result = trace && <>{broken && <p class="sub" role="status">This is the result of the last text that could be read.</p>}<VerdictBox trace={trace} /><TraceRules trace={trace} beside={beside} /><ChangesIt trace={trace} /><Opposite key={JSON.stringify(trace.opposite)} trace={trace} /></>;
  if (narrowPlace) return <div class="stack"><Panel title="Simulate">{form}</Panel>{result}</div>;
  return <div class="cols two"><Panel title="Simulate">{form}</Panel><div class="stack">{result ?? <p class="sub">Nothing is opened, stored or shown to the user.</p>}</div></div>;
}
