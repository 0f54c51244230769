// From an empty installation to a first app that somebody opened: what is done, what comes next. Each
// step is read from the broker's own figures; nothing is remembered here but that it was hidden.
import { useEffect, useState } from "preact/hooks";
import type { Overview } from "../api";
import { onLive } from "../live";
import { useLoad, type Loaded } from "../load";
import { Ago, Copy, Head, Icon, Panel, State } from "../parts/basics";
import { Failure } from "../parts/failure";
import { count } from "../words";
import { me } from "../who";

const AGAIN_MS = 1000;

interface Step {
  title: string;
  /** What it is for, or what there is by now. */
  text: string;
  done: boolean;
  /** What was made in it. */
  made?: { to: string; text: string };
  to?: string;
  verb?: string;
  command?: string;
}

/** The overview, read again after something happened. */
export function useOverview(): Loaded<Overview> {
  const load = useLoad("overview", {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onLive(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void load.reload();
      }, AGAIN_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [load.reload]);
  return load;
}

/** Whether anybody ever opened an app; undefined while it is not known. Asked once, and only where it matters. */
export function useOpenedOnce(o: Overview | undefined): boolean | undefined {
  const now = o && (o.sessions_live > 0 || o.opened_24h > 0);
  const record = useLoad("auditList", { query: { action: "session.open", limit: 1 } }, o !== undefined && !now);
  return now ? true : record.data && record.data.items.length > 0;
}

const login = () => `sallyport login --broker ${location.origin}`;

function stepsOf(o: Overview, opened: boolean, app: string): Step[] {
  const first = o.sites[0];
  const connectors = o.sites.reduce((n, s) => n + s.connectors, 0);
  const asked = o.apps - o.needs.filter((n) => n.code === "app_without_policy").length;
  const pending = o.devices.pending > 0;
  return [
    { title: "Sign in", text: `${me.get()?.user?.name ?? "You"} signed in with a second factor.`, done: true },
    { title: "Add a site", text: "A network with apps in it: fra, office. Its connector dials out; nothing listens.", done: o.sites.length > 0, to: "/sites?add=1", verb: "Add site",
      made: { to: "/sites", text: count(o.sites.length, "site") } },
    { title: "Enrol a connector", text: "One command on a host beside your apps. The page waits and turns green.", done: connectors > 0,
      ...(first && { to: `/sites/${first.id}/enrol`, verb: "Enrol connector" }), made: { to: "/sites", text: count(connectors, "connector") } },
    { title: "Add an app", text: "A name, a host and a port, as the connector sees them. The connector tests it.", done: o.apps > 0, to: "/apps?add=1", verb: "Add app",
      made: { to: "/apps", text: count(o.apps, "app") } },
    { title: "Say who may open it", text: "Nobody may, until a policy says so. The first one can let in you alone.", done: asked > 0, to: "/policies/new", verb: "Write policy",
      made: { to: "/policies", text: `${asked} of ${count(o.apps, "app")}` } },
    { title: "Sign in on a device", text: pending ? "A device waits for approval." : "In a terminal of the device from which you open apps.", done: o.devices.approved > 0,
      ...(pending ? { to: "/devices?state=pending", verb: "Approve device" } : { command: login() }), made: { to: "/devices?state=approved", text: `${count(o.devices.approved, "device")} approved` } },
    { title: "Open the app", text: opened ? "Somebody opened an app through the tunnel." : "On that device; the session then appears here.", done: opened, command: `sallyport connect ${app}`,
      made: { to: "/audit?action=session.open", text: "Record" } },
  ];
}

const doneOf = (steps: Step[]) => steps.filter((s) => s.done).length;

/** The steps as they stand; the last one's command names an app that there is. */
function useSteps(o: Overview, opened: boolean): Step[] {
  const apps = useLoad("appList", { query: { limit: 1 } }, o.apps > 0 && !opened);
  return stepsOf(o, opened, apps.data?.items[0]?.name ?? "APP");
}

function Steps({ steps }: { steps: Step[] }) {
  const next = steps.findIndex((s) => !s.done);
  return (
    <ol class="rows todo">{steps.map((s, i) => (
      <li aria-current={i === next ? "step" : undefined}>
        {s.done ? <State mood="ok"><span class="vh">Done</span></State> : i === next ? <State mood="info" icon="next"><span class="vh">Next</span></State> : <span class="dim"><Icon name="clock" /><span class="vh">Later</span></span>}
        <div>{s.title}<small>{s.text}</small>
          {i === next && s.command && <Copy text={s.command} label={`Copy the command: ${s.title}`} />}</div>
        {s.done ? s.made && <a class="btn small quiet" href={s.made.to}>{s.made.text}</a> : i === next && s.to && <a class="btn small main" href={s.to}>{s.verb}</a>}
      </li>))}</ol>
  );
}

/** On the overview, until an app was opened once. */
export function Checklist({ o }: { o: Overview }) {
  const [hidden, hide] = useState(localStorage.getItem("setup") === "hidden");
  const steps = useSteps(o, false);
  function toggle() {
    if (hidden) localStorage.removeItem("setup");
    else localStorage.setItem("setup", "hidden");
    hide(!hidden);
  }
  return (
    <section class="panel" aria-label="Set up"><header><h2>Set up: {doneOf(steps)} of {steps.length} done</h2>
      <button type="button" class="btn small quiet" aria-expanded={!hidden} onClick={toggle}>{hidden ? "Show steps" : "Hide steps"}</button></header>
      {!hidden && <Steps steps={steps} />}
    </section>
  );
}

/** The same steps at an address of their own, also when they are done: whom to invite, what to add. */
export function SetupPage() {
  const load = useOverview();
  const opened = useOpenedOnce(load.data);
  return <>
    {(!load.data || opened === undefined) && <Head title="Set up Sallyport" crumbs={[["/", "Overview"]]} />}
    {load.failed && <Failure what="The steps could not be read." problem={load.failed} again={() => void load.reload()} />}
    {load.data && opened !== undefined && <Whole o={load.data} opened={opened} />}
  </>;
}

function Whole({ o, opened }: { o: Overview; opened: boolean }) {
  const steps = useSteps(o, opened), done = doneOf(steps);
  const alone = o.sites.find((s) => s.connectors === 1);
  return (
    <>
      <Head title="Set up Sallyport" crumbs={[["/", "Overview"]]}>{opened ? "An app was opened: set up." : `${done} of ${steps.length} steps done. Leave and come back at any time; nothing is lost.`}</Head>
      <div class="cols wide">
        <section class="panel" aria-label="Steps"><header><h2>Steps</h2><span class="sub">as of <Ago at={o.at} /></span></header><Steps steps={steps} /></section>
        <div class="stack">
          <Panel title="Invite people"><div class="stack tight"><p class="sub">Whoever your <a href="/integrations">identity provider</a> signs in may enrol a device; what it opens is up to the <a href="/policies">policies</a>. On their device:</p>
            <Copy text={login()} label="Copy the command for others" /></div></Panel>
          <Panel title="Then"><ol class="fix">
            <li><span>{alone ? <><a href={`/sites/${alone.id}/enrol`}>Enrol a second connector</a>: one may stop and nobody notices.</> : <>A second connector at <a href="/sites">each site</a>: one may stop and nobody notices.</>}</span></li>
            <li><span>Ask for posture in a <a href="/policies">policy</a>: an encrypted disk, recent updates.</span></li>
            <li><span>Keep the <a href="/audit">audit record</a> outside, too: export it now and then.</span></li></ol></Panel>
        </div>
      </div>
    </>
  );
}
