// Numbers, sizes and times as people read them (DESIGN: one unit, thin precision, exact in the title).
const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

export function duration(ms: number): string {
  if (ms < 1) return "under 1 ms";
  if (ms < 10) return `${Math.round(ms)} ms`;
  if (ms < SECOND) return `${(ms / SECOND).toFixed(2)} s`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE);
    return `${Math.floor(ms / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(ms / DAY)} days`;
}

export function ago(then: string, now: number): string {
  const age = now - Date.parse(then);
  return age < 5 * SECOND ? "now" : `${duration(age)} ago`;
}

export function until(then: string, now: number): string {
  const left = Date.parse(then) - now;
  return left <= 0 ? "over" : `in ${duration(left)}`;
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function exact(then: string): string {
  return new Date(then).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "long" });
}

/** 27 Dec 2026 */
export function day(then: string): string {
  return new Date(then).toLocaleDateString("en-GB", { dateStyle: "medium" });
}

export function clock(then: string): string {
  return new Date(then).toLocaleTimeString("en-GB");
}

export function sentence(list: string[]): string {
  return list.length < 2 ? list.join("") : `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`;
}

/** Text of others: control characters and direction marks become visible (TM-22). */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

const NAME_MAX = 40;
export function middleCut(text: string): string {
  const letters = [...text];
  if (letters.length <= NAME_MAX) return text;
  return `${letters.slice(0, NAME_MAX / 2).join("")}…${letters.slice(-NAME_MAX / 2 + 1).join("")}`;
}
