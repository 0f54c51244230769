// Two plots on one time axis, each on a scale of its own: sessions opened and sessions denied. A part
// of the day is drawn alone; the address holds which, so that it can be kept and sent.
import { useRef, useState } from "preact/hooks";
import type { Overview } from "../api";
import { narrow, usePlace } from "../route";
import { clock, exact } from "../words";

type Hour = Overview["hours"][number];
const W = 720, HIGH = 120, LOW = 36;

/** The top of a scale whose thirds are whole numbers: 3, 6, 9, 30, 60. */
function niceTop(n: number): number {
  const step = 3 * 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, n) / 3)));
  return Math.max(1, Math.ceil(n / step)) * step;
}

const HOUR_MS = 3_600_000;
const after = (h: Hour) => new Date(Date.parse(h.from) + HOUR_MS).toISOString();

/** The records that one number of the chart counts. */
const records = (action: string, from: string, to: string) => `/audit?action=${action}&from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;

export function DayChart({ hours: day }: { hours: Hour[] }) {
  const { query } = usePlace();
  const [table, set] = useState(false);
  const from = Date.parse(query.get("from") ?? ""), to = Date.parse(query.get("to") ?? "");
  const part = day.filter((h) => Date.parse(h.from) >= from && Date.parse(h.from) < to);
  const hours = part.length ? part : day;
  const show = (some: Hour[]) => some.length > 0 && narrow({ from: some[0]!.from, to: after(some.at(-1)!) });
  const spans: Array<[string, number]> = [["24 h", 24], ["6 h", 6], ["3 h", 3]];
  const chosen = part.length ? spans.find(([, n]) => n === part.length && part.at(-1) === day.at(-1))?.[1] : 24;
  const zoom = <div class="seg" role="group" aria-label="Time shown">{spans.map(([text, n]) =>
    <button type="button" aria-pressed={chosen === n} onClick={() => n === 24 ? narrow({ from: "", to: "" }) : show(day.slice(-n))}>{text}</button>)}</div>;
  const button = <button type="button" class="btn small quiet" aria-pressed={table} onClick={() => set(!table)}>Show as {table ? "chart" : "table"}</button>;
  return (
    <section class="panel" aria-label="Opened and denied, 24 hours"><header><h2>Sessions opened and denied</h2>
      <div class="legend"><span>Opened per hour</span><span class="d">Denied per hour</span>{zoom}{button}</div></header>
      {table ? <HourTable hours={hours} /> : <div class="body"><Plot hours={hours} choose={show} /></div>}
      {part.length > 0 && <footer><span class="num">{exact(part[0]!.from)} to {clock(after(part.at(-1)!))}</span></footer>}</section>
  );
}

/** Drawn across with the pointer, hours are shown alone; the buttons above do it without one. */
function Plot({ hours, choose }: { hours: Hour[]; choose: (some: Hour[]) => void }) {
  const begun = useRef<number | undefined>(undefined);
  const [picked, pick] = useState<[number, number] | undefined>();
  const at = (e: PointerEvent) => {
    const box = (e.currentTarget as Element).getBoundingClientRect();
    return Math.max(0, Math.min(hours.length - 1, Math.floor(((e.clientX - box.left) / box.width) * hours.length)));
  };
  const drag = {
    onPointerDown: (e: PointerEvent) => { (e.currentTarget as Element).setPointerCapture(e.pointerId); begun.current = at(e); },
    onPointerMove: (e: PointerEvent) => { if (begun.current !== undefined) pick([Math.min(begun.current, at(e)), Math.max(begun.current, at(e))]); },
    onPointerUp: () => {
      begun.current = undefined;
      pick(undefined);
      if (picked && picked[1] > picked[0]) choose(hours.slice(picked[0], picked[1] + 1));
    },
    onPointerCancel: () => { begun.current = undefined; pick(undefined); },
  };
  const opened = niceTop(Math.max(0, ...hours.map((h) => h.opened)));
  const denied = Math.max(1, ...hours.map((h) => h.denied));
  const slot = W / Math.max(1, hours.length);
  const line = hours.map((h, i) => `${(i * slot + slot / 2).toFixed(1)},${(HIGH - (h.opened / opened) * HIGH).toFixed(1)}`);
  const sum = (f: (h: Hour) => number) => hours.reduce((n, h) => n + f(h), 0);
  const marks = hours.filter((_, i) => i % Math.ceil(hours.length / 4) === 0);
  return (
    <figure><div class="chart">
      <div class="y num" aria-hidden="true">{[1, 2 / 3, 1 / 3, 0].map((f) => <span>{Math.round(opened * f)}</span>)}</div>
      <svg viewBox={`0 0 ${W} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={`Opened per hour, ${hours.length} hours: ${sum((h) => h.opened)} in all.`} {...drag}>
        {picked && <rect class="picked" x={picked[0] * slot} width={(picked[1] - picked[0] + 1) * slot} y="0" height={HIGH} />}
        {[0, 40, 80, 120].map((y) => <line class="grid" x1="0" x2={W} y1={y} y2={y} />)}
        {line.length > 1 && <polygon class="area" points={`${(slot / 2).toFixed(1)},${HIGH} ${line.join(" ")} ${(W - slot / 2).toFixed(1)},${HIGH}`} />}
        <polyline class="line" points={line.join(" ")} />
      </svg>
      <div class="y num" aria-hidden="true"><span>{denied}</span><span>0</span></div>
      <svg viewBox={`0 0 ${W} ${LOW}`} preserveAspectRatio="none" role="img" aria-label={`Denied per hour, ${hours.length} hours: ${sum((h) => h.denied)} in all.`}>
        <line class="grid" x1="0" x2={W} y1={LOW} y2={LOW} />
        {hours.map((h, i) => h.denied > 0 && <rect class="deny" x={i * slot + slot / 3} width={slot / 3} y={LOW - (h.denied / denied) * LOW} height={(h.denied / denied) * LOW} />)}
      </svg>
      <div class="x num" aria-hidden="true">{marks.map((h) => <span>{clock(h.from).slice(0, 5)}</span>)}<span>{Date.parse(after(hours.at(-1)!)) > Date.now() ? "Now" : clock(after(hours.at(-1)!)).slice(0, 5)}</span></div>
    </div></figure>
  );
}

const count = (h: Hour, action: "open" | "deny", n: number) => n > 0 ? <a href={records(`session.${action}`, h.from, after(h))}>{n}</a> : 0;

function HourTable({ hours }: { hours: Hour[] }) {
  return (
    <table><caption class="vh">Opened and denied per hour</caption>
      <thead><tr><th scope="col">Hour from</th><th scope="col" class="r">Opened</th><th scope="col" class="r">Denied</th></tr></thead>
      <tbody>{[...hours].reverse().map((h) => <tr><td>{exact(h.from)}</td><td class="r">{count(h, "open", h.opened)}</td><td class="r">{count(h, "deny", h.denied)}</td></tr>)}</tbody></table>
  );
}
