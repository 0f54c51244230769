// Two plots on one time axis, each on a scale of its own: sessions opened and sessions denied.
import { useState } from "preact/hooks";
import type { Overview } from "../api";
import { clock, exact } from "../words";

type Hour = Overview["hours"][number];
const W = 720, HIGH = 120, LOW = 36;

/** The top of a scale whose thirds are whole numbers: 3, 6, 9, 30, 60. */
function niceTop(n: number): number {
  const step = 3 * 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, n) / 3)));
  return Math.max(1, Math.ceil(n / step)) * step;
}

export function DayChart({ hours }: { hours: Hour[] }) {
  const [table, set] = useState(false);
  const button = <button type="button" class="btn small quiet" aria-pressed={table} onClick={() => set(!table)}>Show as {table ? "chart" : "table"}</button>;
  return (
    <section class="panel" aria-label="Opened and denied, 24 hours"><header><h2>Sessions opened and denied</h2>
      <div class="legend"><span>Opened per hour</span><span class="d">Denied per hour</span>{button}</div></header>
      {table ? <HourTable hours={hours} /> : <div class="body"><Plot hours={hours} /></div>}</section>
  );
}

function Plot({ hours }: { hours: Hour[] }) {
  const opened = niceTop(Math.max(0, ...hours.map((h) => h.opened)));
  const denied = Math.max(1, ...hours.map((h) => h.denied));
  const slot = W / Math.max(1, hours.length);
  const line = hours.map((h, i) => `${(i * slot + slot / 2).toFixed(1)},${(HIGH - (h.opened / opened) * HIGH).toFixed(1)}`);
  const sum = (f: (h: Hour) => number) => hours.reduce((n, h) => n + f(h), 0);
  const marks = hours.filter((_, i) => i % 6 === 0);
  return (
    <figure><div class="chart">
      <div class="y num" aria-hidden="true">{[1, 2 / 3, 1 / 3, 0].map((f) => <span>{Math.round(opened * f)}</span>)}</div>
      <svg viewBox={`0 0 ${W} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={`Opened per hour, last 24 hours: ${sum((h) => h.opened)} in all.`}>
        {[0, 40, 80, 120].map((y) => <line class="grid" x1="0" x2={W} y1={y} y2={y} />)}
        {line.length > 1 && <polygon class="area" points={`${(slot / 2).toFixed(1)},${HIGH} ${line.join(" ")} ${(W - slot / 2).toFixed(1)},${HIGH}`} />}
        <polyline class="line" points={line.join(" ")} />
      </svg>
      <div class="y num" aria-hidden="true"><span>{denied}</span><span>0</span></div>
      <svg viewBox={`0 0 ${W} ${LOW}`} preserveAspectRatio="none" role="img" aria-label={`Denied per hour, last 24 hours: ${sum((h) => h.denied)} in all.`}>
        <line class="grid" x1="0" x2={W} y1={LOW} y2={LOW} />
        {hours.map((h, i) => h.denied > 0 && <rect class="deny" x={i * slot + slot / 3} width={slot / 3} y={LOW - (h.denied / denied) * LOW} height={(h.denied / denied) * LOW} />)}
      </svg>
      <div class="x num" aria-hidden="true">{marks.map((h) => <span>{clock(h.from).slice(0, 5)}</span>)}<span>Now</span></div>
    </div></figure>
  );
}

function HourTable({ hours }: { hours: Hour[] }) {
  return (
    <table><caption class="vh">Opened and denied per hour</caption>
      <thead><tr><th scope="col">Hour from</th><th scope="col" class="r">Opened</th><th scope="col" class="r">Denied</th></tr></thead>
      <tbody>{[...hours].reverse().map((h) => <tr><td>{exact(h.from)}</td><td class="r">{h.opened}</td><td class="r">{h.denied}</td></tr>)}</tbody></table>
  );
}
