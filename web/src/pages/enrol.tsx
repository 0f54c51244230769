// One command for the host beside the apps; the page waits and turns green when the connector calls.
import { useEffect, useState } from "preact/hooks";
import type { EnrolTokenMade } from "../api";
import { call } from "../client";
import { useAct, useLoad } from "../load";
import { onLive } from "../live";
import { Copy, Field, Head, Icon, Name, Note, Panel, Until } from "../parts/basics";
import { Failure } from "../parts/failure";
import { may } from "../who";

const LIFE_MS = 60 * 60 * 1000;
const ASK_MS = 2000;

type Way = "systemd" | "container" | "foreground";
const ways: Array<{ key: Way; text: string }> = [{ key: "systemd", text: "Host with systemd" }, { key: "container", text: "Container" }, { key: "foreground", text: "Try it in a terminal" }];

/** The token goes through a file of mode 0600: never through argv or the environment (P12). */
function command(way: Way, token: string, name: string): string {
  const file = `umask 077; cat > /tmp/enrol.token <<'EOF'\n${token}\nEOF\n`;
  switch (way) {
    case "systemd": return `${file}sudo sallyport-connector install --token-file /tmp/enrol.token --name ${name}\nrm /tmp/enrol.token`;
    case "container": return `${file}podman run --rm -i -v sallyport-connector:/var/lib/sallyport-connector sallyport/connector \\\n  enrol --token-file - --name ${name} < /tmp/enrol.token && rm /tmp/enrol.token\n` +
      "podman run -d --name sallyport-connector --read-only -v sallyport-connector:/var/lib/sallyport-connector sallyport/connector run";
    case "foreground": return `${file}sallyport-connector enrol --token-file /tmp/enrol.token --name ${name} && rm /tmp/enrol.token\nsallyport-connector run`;
  }
}

export function EnrolPage({ site }: { site: string }) {
  const load = useLoad("siteGet", { path: { id: site } });
  const [name, setName] = useState("");
  const [made, setMade] = useState<EnrolTokenMade | undefined>();
  const act = useAct();
  const usual = `${load.data?.name ?? "site"}-${(load.data?.connectors ?? 0) + 1}`;
  const chosen = name || usual;
  const good = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(chosen);
  const make = (event: Event) => {
    event.preventDefault();
    void act.run(async () => setMade(await call("siteTokenCreate", { path: { id: site }, body: { name: chosen, life_ms: LIFE_MS } })));
  };
  return (
    <>
      <Head title="Enrol a connector" crumbs={[["/sites", "Sites"], [`/sites?site=${site}`, <Name text={load.data?.name ?? "site"} />]]}>
        One command on a host beside your apps. It makes its own key, dials out, and listens on nothing.</Head>
      {load.failed && <Failure what="This site could not be read." problem={load.failed} again={() => void load.reload()} />}
      {act.failed && <Failure what="No token was made." problem={act.failed} />}
      <div class="cols wide">
        <div class="stack">
          {!made && <Panel title="1. Name it">
            <form class="stack tight" onSubmit={make}>
              <Field id="connector-name" label="Name" hint="How this console calls it." error={good ? undefined : "Small letters, digits, dashes; at most 63."}>
                <input class="in" placeholder={usual} value={name} spellcheck={false} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} /></Field>
              <div><button type="submit" class="btn main" disabled={!may("admin") || !good || !load.data || act.busy} aria-busy={act.busy ? "true" : undefined}>Make a command</button></div>
            </form></Panel>}
          {made && <Waiting made={made} again={() => setMade(undefined)} />}
        </div>
        <div class="stack">
          <Panel title="What happens"><ol class="fix">
            <li><span>The host makes its own key. The key never leaves it.</span></li>
            <li><span>It dials out to <code>{location.host}</code>. Nothing listens on the host.</span></li>
            <li><span>It accepts only the broker whose fingerprint stands in the token.</span></li>
            <li><span>It reaches only what its app records and its floor file <code>/etc/sallyport/floor.yaml</code> both allow.</span></li></ol></Panel>
          <Panel title="If it does not call"><p class="sub">Run <code>sallyport-connector doctor</code> on the host. It checks DNS, TCP 443, TLS, proxy, clock and token, and names the step that fails.</p></Panel>
        </div>
      </div>
    </>
  );
}

function Waiting({ made, again }: { made: EnrolTokenMade; again: () => void }) {
  const [way, setWay] = useState<Way>("systemd");
  const token = useLoad("tokenGet", { path: { id: made.id } });
  const edge = token.data?.edge;
  const connector = useLoad("connectorGet", { path: { id: edge?.id ?? "" } }, !!edge);
  const online = connector.data?.state === "online";
  useEffect(() => {
    if (online) return;
    const ask = () => void (edge ? connector.reload() : token.reload());
    const timer = setInterval(ask, ASK_MS);
    const stop = onLive((e) => (e === "reset" || e.t === "connector.change") && ask());
    return () => {
      clearInterval(timer);
      stop();
    };
  }, [edge?.id, online]);

  const state = token.data?.state ?? "waiting";
  return (
    <section class="panel" aria-label="2. Run this on the host"><header><h2>2. Run this on the host</h2></header><div class="body">
      <div class="seg" role="group" aria-label="Kind of host">{ways.map((w) => <button type="button" aria-pressed={w.key === way} onClick={() => setWay(w.key)}>{w.text}</button>)}</div>
      <Copy text={command(way, made.enrolment, made.name)} label="Copy the command" />
      <p class="sub">The token works once, <Until at={made.expires} /> it expires. It is shown only here. <button type="button" class="btn small quiet" onClick={again}>Make a new one</button></p>
    </div><footer>
      {online ? <Note mood="ok" title={<>Connector <Name text={edge!.name} /> is online.</>} act={<a class="btn small" href={`/connectors/${edge!.id}`}>Open</a>}>
        {connector.data!.software && <>Version <Name text={connector.data!.software} />. </>}Its key <code>{connector.data!.fingerprint}</code> must be what the host printed. <a href="/apps">Add an app</a></Note>
        : edge ? <div class="wait" role="status"><div><b>Connector <Name text={edge.name} /> has enrolled.</b><div class="dim">Waiting for it to run.</div></div></div>
        : state === "expired" || token.failed?.code === "not_found" ? <div role="status"><Icon name="warn" /> The token is {state === "expired" ? "expired" : "revoked"}. Make a new one.</div>
        : <div class="wait" role="status"><div><b>Waiting for the connector</b><div class="dim">This page goes on by itself when it calls.</div></div></div>}
    </footer></section>
  );
}
