// A file of apps, as text: JSON (a list of records, or one a line) or CSV with a head. Sites are named,
// not numbered: the same file fits another installation.
import type { AppInput } from "./api";

export const APPS_MAX = 500, BYTES_MAX = 1024 * 1024;

export interface AppLine { line: number; name: string; app?: AppInput; why?: string }

/** Cells of one CSV text (RFC 4180), with the line that each row begins at. */
function cells(text: string): Array<{ line: number; row: string[] }> {
  const rows: Array<{ line: number; row: string[] }> = [];
  let row: string[] = [], cell = "", quoted = false, line = 1, first = 1;
  const end = () => {
    row.push(cell);
    if (row.some((c) => c.trim())) rows.push({ line: first, row });
    row = [];
    cell = "";
    first = line + 1;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') cell += text[++i];
      else if (c === '"') quoted = false;
      else cell += c;
    } else if (c === '"' && !cell) quoted = true;
    else if (c === ",") { row.push(cell); cell = ""; }
    else if (c === "\n") end();
    else if (c !== "\r") cell += c;
    if (c === "\n") line++;
  }
  if (cell || row.length) end();
  return rows;
}

const known = ["name", "description", "site", "type", "host", "port", "labels", "session_max", "idle", "reverify", "cut_through"];

function ofCsv(text: string): Array<{ line: number; made: Record<string, unknown> }> {
  const [head, ...rest] = cells(text);
  const names = head?.row.map((c) => c.trim().toLowerCase()) ?? [];
  const odd = names.find((n) => !known.includes(n));
  if (odd !== undefined) throw new Error(`Line 1: "${odd}" is no column. There are: ${known.join(", ")}.`);
  return rest.map(({ line, row }) => {
    const made: Record<string, unknown> = Object.fromEntries(names.map((n, i) => [n, row[i]?.trim() ?? ""]));
    made.labels = Object.fromEntries(String(made.labels ?? "").split(/[\s;]+/).filter(Boolean).map((l) => [l.split("=")[0], l.split("=").slice(1).join("=")]));
    made.limits = Object.fromEntries(["session_max", "idle", "reverify"].filter((k) => made[k]).map((k) => [k, made[k]]));
    return { line, made };
  });
}

function ofJson(text: string): Array<{ line: number; made: Record<string, unknown> }> {
  if (text.trimStart().startsWith("[")) return (JSON.parse(text) as Array<Record<string, unknown>>).map((made, i) => ({ line: i + 1, made }));
  return text.split("\n").flatMap((l, i) => {
    if (!l.trim()) return [];
    try {
      return [{ line: i + 1, made: JSON.parse(l) as Record<string, unknown> }];
    } catch {
      throw new Error(`Line ${i + 1} is not JSON.`);
    }
  });
}

/** What the broker is asked to add; it judges names, hosts and labels itself. `sites`: id by name. */
export function appsOf(text: string, sites: ReadonlyMap<string, string>): AppLine[] {
  if (text.length > BYTES_MAX) throw new Error("The file is larger than 1 MiB.");
  const rows = /^\s*[[{]/.test(text) ? ofJson(text) : ofCsv(text);
  if (!rows.length) throw new Error("The file names no app.");
  if (rows.length > APPS_MAX) throw new Error(`The file has ${rows.length} apps; at most ${APPS_MAX} are added at once.`);
  return rows.map(({ line, made }) => {
    if (typeof made !== "object" || made === null) return { line, name: "", why: "is not a record" };
    const word = (k: string) => String(made[k] ?? ""), port = Number(made.port);
    const site = typeof made.site === "object" && made.site ? String((made.site as { name?: unknown }).name) : word("site");
    const id = sites.get(site) ?? (sites.size === 1 && !site ? [...sites.values()][0] : undefined);
    const name = word("name"), bad = (why: string): AppLine => ({ line, name, why });
    if (!name) return bad("has no name");
    if (id === undefined) return bad(site ? `names the site "${site}", which is not here` : "names no site");
    if (!Number.isInteger(port) || port < 1 || port > 65535) return bad("needs a port from 1 to 65535");
    return { line, name, app: { name, description: word("description"), site: id, type: (word("type") || "tcp") as AppInput["type"], host: word("host"), port,
      labels: (made.labels ?? {}) as AppInput["labels"], limits: (made.limits ?? {}) as AppInput["limits"], cut_through: word("cut_through") === "off" ? "off" : "auto",
      ...(made.gateway ? { gateway: made.gateway as NonNullable<AppInput["gateway"]> } : {}) } };
  });
}
