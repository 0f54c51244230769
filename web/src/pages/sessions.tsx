// Who is in, since when, until when; how fast we cut.
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Cut, Session } from "../api";
import { call } from "../client";
import { useLoad } from "../load";
import { onLive } from "../live";
import { Clock, Head, Name, RefLink, State, Until, useNow } from "../parts/basics";
import { oneByOne, Report, type Told } from "../parts/bulk";
import { CutNote } from "../parts/cut";
import { Confirm } from "../parts/dialog";
import { Filters, isFiltered, Table } from "../parts/table";
import { narrow, usePlace } from "../route";
import { bytes, count, duration, visible } from "../words";
import { may } from "../who";
import { KillBy } from "./killby";

const SOON_MS = 10 * 60 * 1000;
const GONE_MS = 10 * 1000;

export const killable = (s: Session) => s.state === "live" || s.state === "paused" || s.state === "granted";
const sessionName = (s: Session) => `session of ${visible(s.user.name)} to ${visible(s.app.name)}`;

export function SessionState({ s }: { s: Session }) {
  const now = useNow();
  switch (s.state) {
    case "granted": return <State mood="info">Opening</State>;
    case "paused": return <State mood="info" icon="key">Paused for a code</State>;
    case "cutting": return <State mood="warn" icon="stop">Cutting</State>;
    case "cut": return <CutState s={s} />;
    case "ended": return <State mood="off">Ended</State>;
  }
  if (s.deadline && Date.parse(s.deadline) - now < SOON_MS) return <State mood="warn" icon="clock">Ends soon</State>;
  return <State mood="ok">Allowed</State>;
}

function CutState({ s }: { s: Session }) {
  const cut = s.cut;
  if (!cut || cut.took_ms === null) return <State mood="warn" icon="stop">Cut</State>;
  if (cut.silent.length) return <State mood="bad" icon="stop">Cut {duration(cut.took_ms)}, {cut.silent.map(visible).join(", ")} silent</State>;
  return <State mood={cut.took_ms > 2000 ? "bad" : "warn"} icon="stop">Cut in {duration(cut.took_ms)}</State>;
}

export function SessionsPage() {
  const { query } = usePlace();
  const filter = Object.fromEntries(["q", "user", "device", "connector", "app", "sort", "after"].map((k) => [k, query.get(k) ?? ""])) as { q: string; sort: "opened" };
  const load = useLoad("sessionList", { query: filter });
  const apps = useLoad("appList", { query: { limit: 200 } });
  const [killing, setKilling] = useState<Session | undefined>();
  const asked = /^(user|device|app)\.(.+)$/.exec(query.get("kill") ?? "");
  const [choosing, setChoosing] = useState(false);
  const [done, setDone] = useState<{ cut: Cut; what: string } | undefined>();
  const [several, setSeveral] = useState<Session[] | undefined>();
  const [told, setTold] = useState<Told[] | undefined>();
  const [fresh, setFresh] = useState<string[]>([]);

  // The rows stay as they are; what the sentence counts is asked anew.
  const refigure = useCallback(async () => {
    const now = await call("sessionList", { query: { ...filter, limit: 1 } }).catch(() => undefined);
    if (now) load.patch((page) => ({ ...page, total: now.total, total_exact: now.total_exact, cuts_24h: now.cuts_24h }));
  }, [load.patch, JSON.stringify(filter)]);

  useEffect(() => onLive((event) => {
    if (event === "reset") return void load.reload();
    const s = event.d.session;
    if (!s) return;
    if (event.t === "session.open") return setFresh((ids) => ids.includes(s.id) ? ids : [...ids, s.id]);
    load.patch((page) => ({ ...page, items: page.items.map((row) => (row.id === s.id ? s : row)) }));
    if (event.t !== "session.end") return;
    setFresh((ids) => ids.filter((one) => one !== s.id));
    void refigure();
    setTimeout(() => load.patch((page) => ({ ...page, items: page.items.filter((row) => row.id !== s.id) })), GONE_MS);
  }), [load.patch, load.reload, refigure]);

  const page = load.data;
  const unseen = fresh.filter((one) => !page?.items.some((s) => s.id === one)).length; // the live line tells again what was before the page
  const cuts = page?.cuts_24h;
  return (
    <>
      <Head title="Sessions" acts={<button type="button" class="btn" disabled={!may("operator")} onClick={() => setChoosing(true)}>Kill by user, device, connector or app</button>}>
        {page && <>{count(page.total, "live session")}. {cuts && cuts.median_ms !== null && cuts.worst_ms !== null
          ? `${cuts.count} cut in 24 h: median ${duration(cuts.median_ms)}, worst ${duration(cuts.worst_ms)}.` : "None was cut in 24 h."}</>}
      </Head>
      {done && <CutNote cut={done.cut} what={done.what} />}
      {told && <Report told={told} verb="killed" />}
      <Filters views="sessions" find="Filter sessions" chips={[
        { name: "app", label: "App", choices: apps.data?.items.map((a) => ({ value: a.id, text: a.name })) ?? [] },
        ...(["user", "device", "connector"] as const).filter((k) => query.get(k)).map((k) => ({
          name: k, label: k[0]!.toUpperCase() + k.slice(1), choices: [{ value: query.get(k)!, text: page?.items.map((s) => s[k]).find((r) => r?.id === query.get(k))?.name ?? "one" }] })),
      ]} />
      <Table<Session> title="Live sessions" page={page} failed={load.failed} loading={load.loading} again={() => void load.reload()}
        rowKey={(s) => s.id} select={may("operator") ? { name: sessionName, can: killable, acts: (rows) => <button type="button" class="btn small" onClick={() => setSeveral(rows)}>Kill {count(rows.length, "session")}</button> } : undefined} gone={(s) => s.state === "cut" || s.state === "ended"}
        filtered={isFiltered(query) ? "No session matches." : undefined} sorted="-opened"
        foot={unseen > 0 && <button type="button" class="btn small" onClick={() => { setFresh([]); void load.reload(); }}>Show {unseen} new</button>}
        empty={<><p>Nobody is in. A session starts when a person opens an app through the agent:</p><p><code>sallyport connect APP</code></p></>}
        columns={[
          { head: "User", part: "main", cell: (s) => <span class="who"><RefLink to={s.user} at="users" /></span> },
          { head: "App", kind: "nowrap", cell: (s) => <RefLink to={s.app} at="apps" /> },
          { head: "Device", kind: "p2 nowrap", cell: (s) => <RefLink to={s.device} at="devices" /> },
          { head: "Opened", kind: "r p3", sort: "opened", cell: (s) => <Clock at={s.opened} /> },
          { head: "Ends", kind: "r", sort: "deadline", cell: (s) => <Until at={s.deadline} /> },
          { head: "Sent to user", kind: "r p3", cell: (s) => bytes(s.bytes_down) },
          { head: "Rule", kind: "p3", cell: (s) => <span class="sub"><Name text={s.rule} /></span> },
          { head: "State", cell: (s) => <SessionState s={s} /> },
          { head: "Actions", part: "act", cell: (s) => <>
            <a class="btn small quiet" href={`/sessions/${s.id}`}>Details<span class="vh"> of the session of {visible(s.user.name)} to {visible(s.app.name)}</span></a>
            {query.get("user") !== s.user.id && <a class="btn small quiet onfocus" href={`/sessions?user=${s.user.id}`}>All<span class="vh"> of {visible(s.user.name)}</span></a>}
            {s.request_id && <a class="btn small quiet" href={`/why/${s.request_id}`}>Why<span class="vh"> is {visible(s.user.name)} in {visible(s.app.name)}</span></a>}
            {may("operator") && killable(s) &&
              <button type="button" class="btn small" onClick={() => setKilling(s)}>Kill<span class="vh"> session of {visible(s.user.name)} to {visible(s.app.name)}</span></button>}</> },
        ]} />
      {killing && (
        <Confirm title={<>Kill session of <Name text={killing.user.name} /> to <Name text={killing.app.name} />?</>} verb="Kill session" reason close={() => setKilling(undefined)}
          act={async (reason) => {
            const cut = await call("sessionKill", { path: { id: killing.id }, body: { reason } });
            setDone({ cut, what: `Session of ${visible(killing.user.name)} to ${visible(killing.app.name)}` });
            load.patch((p) => ({ ...p, items: p.items.map((s) => (s.id === killing.id ? { ...s, state: "cut", cut: cut.sessions[0] ?? s.cut } : s)) }));
          }}>
          <p>1 session, {bytes(killing.bytes_down)} sent to the user so far. The person may open it again while the policies allow it.</p>
        </Confirm>
      )}
      {several && (
        <Confirm title={`Kill ${count(several.length, "session")}?`} verb={`Kill ${count(several.length, "session")}`} reason close={() => setSeveral(undefined)}
          act={async (reason) => {
            setTold(await oneByOne(several, sessionName, async (s) => {
              const cut = await call("sessionKill", { path: { id: s.id }, body: { reason } });
              return cut.took_ms === null ? "cut" : `cut in ${duration(cut.took_ms)}`;
            }));
            await load.reload();
          }}>
          <p>{count(several.length, "session")} of {count(new Set(several.map((s) => s.user.id)).size, "user")}. Each may open again while the policies allow it.</p>
        </Confirm>
      )}
      {asked && <KillBy kind={asked[1] as "user" | "device" | "app"} id={asked[2]!} close={() => narrow({ kill: "" })} done={(cut, what) => { setDone({ cut, what }); narrow({ kill: "" }); void load.reload(); }} />}
      {choosing && <KillBy close={() => setChoosing(false)} done={(cut, what) => { setDone({ cut, what }); void load.reload(); }} />}
    </>
  );
}
