// From an empty installation to a first app that somebody opened: what is done, what comes next. Each
// step is read from the broker's own figures; nothing is remembered here but that it was hidden.
import { useState } from "preact/hooks";
import type { Overview } from "../api";
import { useLoad } from "../load";
import { Copy, Icon, State } from "../parts/basics";
import { me } from "../who";

interface Step {
  title: string;
  /** What it is for, or what there is by now. */
  text: string;
  done: boolean;
  to?: string;
  verb?: string;
  command?: string;
}

/** Whether anybody ever opened an app; undefined while it is not known. Asked once, and only where it matters. */
export function useOpenedOnce(o: Overview | undefined): boolean | undefined {
  const now = o && (o.sessions_live > 0 || o.opened_24h > 0);
  const record = useLoad("auditList", { query: { action: "session.open", limit: 1 } }, o !== undefined && !now);
  return now ? true : record.data && record.data.items.length > 0;
}

export function stepsOf(o: Overview, opened: boolean): Step[] {
  const mine = me.get();
  const first = o.sites[0];
  const connectors = o.sites.reduce((n, s) => n + s.connectors, 0);
  const unasked = o.needs.filter((n) => n.code === "app_without_policy").length;
  return [
    { title: "Sign in", text: `${mine?.user?.name ?? "You"} signed in with a second factor.`, done: true },
    { title: "Add a site", text: "A network with apps in it: fra, office. Its connector dials out; nothing listens.", done: o.sites.length > 0, to: "/sites?add=1", verb: "Add site" },
    { title: "Enrol a connector", text: "One command on a host beside your apps. The page waits and turns green.", done: connectors > 0,
      ...(first && { to: `/sites/${first.id}/enrol`, verb: "Enrol connector" }) },
    { title: "Add an app", text: "A name, a host and a port, as the connector sees them. The connector tests it.", done: o.apps > 0, to: "/apps?add=1", verb: "Add app" },
    { title: "Say who may open it", text: "Nobody may, until a policy says so. The first one can let in you alone.", done: o.apps > unasked, to: "/policies/new", verb: "Write policy" },
    { title: "Sign in on a device", text: o.devices.pending ? "A device waits for approval." : "In a terminal of the device from which you open apps:", done: o.devices.approved > 0,
      ...(o.devices.pending ? { to: "/devices?state=pending", verb: "Approve device" } : { command: `sallyport login --broker ${location.origin}` }) },
    { title: "Open the app", text: "On that device; the session then appears here.", done: opened, command: "sallyport connect APP" },
  ];
}

export function Checklist({ steps }: { steps: Step[] }) {
  const [hidden, hide] = useState(localStorage.getItem("setup") === "hidden");
  const next = steps.findIndex((s) => !s.done);
  function toggle() {
    if (hidden) localStorage.removeItem("setup");
    else localStorage.setItem("setup", "hidden");
    hide(!hidden);
  }
  return (
    <section class="panel" aria-label="Set up"><header><h2>Set up: {steps.filter((s) => s.done).length} of {steps.length} done</h2>
      <button type="button" class="btn small quiet" aria-expanded={!hidden} onClick={toggle}>{hidden ? "Show steps" : "Hide steps"}</button></header>
      {!hidden && <ol class="rows todo">{steps.map((s, i) => (
        <li aria-current={i === next ? "step" : undefined}>
          {s.done ? <State mood="ok"><span class="vh">Done</span></State> : i === next ? <State mood="info" icon="next"><span class="vh">Next</span></State> : <span class="dim"><Icon name="clock" /><span class="vh">Later</span></span>}
          <div>{s.title}<small>{s.text}</small>
            {i === next && s.command && <Copy text={s.command} label={`Copy the command: ${s.title}`} />}</div>
          {i === next && s.to && <a class="btn small main" href={s.to}>{s.verb}</a>}
        </li>))}</ol>}
    </section>
  );
}
