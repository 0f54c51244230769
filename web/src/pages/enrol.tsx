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

type Way = "systemd" | "foreground";
const ways: Array<{ key: Way; text: string }> = [{ key: "systemd", text: "Host with systemd" }, { key: "foreground", text: "Try it in a terminal" }];

/** One line of the floor file: name or network, and ports. */
const FLOOR = /^[A-Za-z0-9*.:[\]/-]+:[0-9,*-]+$/;

/** The token goes through a file of mode 0600: never through argv or the environment (P12). */
function command(way: Way, token: string, name: string, dials: string): string {
  const file = `umask 077; cat > enrol.token <<'EOF'\n${token}\nEOF\n`;
  switch (way) {
    case "systemd": return `${file}sudo sallyport-connector enrol --token-file enrol.token --name ${name} && rm enrol.token\n` +
      `echo 'allow ${dials}' | sudo tee -a /etc/sallyport/floor\nsudo chmod 644 /etc/sallyport/floor\nsudo systemctl enable --now sallyport-connector`;
    case "foreground": return `${file}sallyport-connector enrol --token-file enrol.token --name ${name} --state "$PWD/${name}" && rm enrol.token\n` +
      `echo 'allow ${dials}' > ${name}.floor\nprintf 'state: %s\\nfloor: %s\\nhealth: %s\\n' "$PWD/${name}" "$PWD/${name}.floor" "$PWD/${name}.health" > ${name}.yaml\n` +
      `sallyport-connector run --config ${name}.yaml`;
  }
}

export function EnrolPage({ site }: { site: string }) {
  const load = useLoad("siteGet", { path: { id: site } });
  const [name, setName] = useState("");
  const [dials, setDials] = useState("");
  const [made, setMade] = useState<EnrolTokenMade | undefined>();
  const act = useAct();
  const usual = `${load.data?.name ?? "site"}-${(load.data?.connectors ?? 0) + 1}`;
  const chosen = name || usual;
  const good = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(chosen);
  const goodDials = FLOOR.test(dials.trim());
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
          {!made && <Panel title="1. Name it, and say what it may dial">
            <form class="stack tight" onSubmit={make}>
              <Field id="connector-name" label="Name" hint="How this console calls it." error={good ? undefined : "Small letters, digits, dashes; at most 63."}>
                <input class="in" placeholder={usual} value={name} spellcheck={false} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} /></Field>
              <Field id="connector-dials" label="What it may dial" hint="A name or a network, and ports. It goes into the host's own floor file, the last word there: no app record can widen it."
                error={dials && !goodDials ? "Write it like 10.20.0.0/16:443,8080 or wiki.internal:443." : undefined}>
                <input class="in mono" required placeholder="10.20.0.0/16:443" value={dials} spellcheck={false} autocomplete="off" onInput={(e) => setDials(e.currentTarget.value)} /></Field>
              <div><button type="submit" class="btn main" disabled={!may("admin") || !good || !goodDials || !load.data || act.busy} aria-busy={act.busy ? "true" : undefined}>Make a command</button></div>
            </form></Panel>}
          {made && <Waiting made={made} dials={dials.trim()} again={() => setMade(undefined)} />}
        </div>
        <div class="stack">
          <Panel title="What happens"><ol class="fix">
            <li><span>The host makes its own key. The key never leaves it.</span></li>
            <li><span>It dials out to <code>{location.host}</code>. Nothing listens on the host.</span></li>
            <li><span>It accepts only the broker whose fingerprint stands in the token.</span></li>
            <li><span>It reaches only what its app records and its floor file <code>/etc/sallyport/floor</code> both allow.</span></li></ol></Panel>
          <Panel title="If it does not call"><p class="sub"><code>sallyport-connector doctor</code> on the host tries each step and names the one that fails; <code>status</code> says what it waits for, and its log is <code>journalctl -u sallyport-connector</code>.</p></Panel>
        </div>
      </div>
    </>
  );
}

function Waiting({ made, dials, again }: { made: EnrolTokenMade; dials: string; again: () => void }) {
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
      <Copy text={command(way, made.enrolment, made.name, dials)} label="Copy the command" />
      <p class="sub">The token works once, <Until at={made.expires} /> it expires. It is shown only here. <button type="button" class="btn small quiet" onClick={again}>Make a new one</button></p>
    </div><footer>
      {online ? <Note mood="ok" title={<>Connector <Name text={edge!.name} /> is online.</>} act={<a class="btn small" href={`/connectors/${edge!.id}`}>Open</a>}>
        {connector.data!.software && <>Version <Name text={connector.data!.software} />. </>}Its key <code>{connector.data!.fingerprint}</code> must be what the host printed. <a href="/apps?add=1">Add an app</a></Note>
        : edge ? <div class="wait" role="status"><div><b>Connector <Name text={edge.name} /> has enrolled.</b><div class="dim">Waiting for it to run.</div></div></div>
        : state === "expired" || token.failed?.code === "not_found" ? <div role="status"><Icon name="warn" /> The token is {state === "expired" ? "expired" : "revoked"}. Make a new one.</div>
        : <div class="wait" role="status"><div><b>Waiting for the connector</b><div class="dim">This page goes on by itself when it calls.</div></div></div>}
    </footer></section>
  );
}
