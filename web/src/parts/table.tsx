// The one table. First cell names the row and links to it; columns of class p2 and p3 step back in
// narrow places; below 544 px rows are cards. Keys: j k move, Enter opens.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Problem, SavedView } from "../api";
import { narrow, usePlace } from "../route";
import { count } from "../words";
import { Failure } from "./failure";
import { SavedViews } from "./views";

export interface Column<T> {
  head: string;
  /** p2, p3: may step back. r: a number. nowrap, num, tick. */
  kind?: string;
  cell: (row: T) => ComponentChildren;
  /** The cell that names the row, or the one that holds its buttons. */
  part?: "main" | "act";
  /** The broker can sort by it, under this name. */
  sort?: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
  total: number;
  total_exact: boolean;
}

interface Props<T> {
  title: string;
  columns: Array<Column<T>>;
  page: Page<T> | undefined;
  rowKey: (row: T) => string;
  failed?: Problem | undefined;
  loading?: boolean;
  again?: () => void;
  empty: ComponentChildren;
  /** Set when a filter is on: an empty list then says so and offers to clear it. */
  filtered?: string | undefined;
  header?: ComponentChildren;
  gone?: (row: T) => boolean;
  on?: (row: T) => boolean;
  slim?: boolean;
  /** Rows that can be chosen, and what can be done with the chosen ones. */
  select?: Select<T> | undefined;
  /** How the broker sorts when nothing is asked: "-opened". */
  sorted?: string;
  /** Stands in the foot, before the pages. */
  foot?: ComponentChildren;
}

export interface Select<T> {
  name: (row: T) => string;
  can: (row: T) => boolean;
  acts: (rows: T[], clear: () => void) => ComponentChildren;
}

export function all<T>(items: T[] | undefined): Page<T> | undefined {
  return items && { items, next: null, total: items.length, total_exact: true };
}

function useLate(on: boolean): boolean {
  const [late, set] = useState(false);
  useEffect(() => {
    if (!on) return set(false);
    const timer = setTimeout(() => set(true), 150);
    return () => clearTimeout(timer);
  }, [on]);
  return late;
}

export function Table<T>(p: Props<T>) {
  const late = useLate(!!p.loading && !p.page);
  const body = useRef<HTMLTableSectionElement>(null);
  const rows = p.page?.items ?? [];
  useRowKeys(body);
  useFocusKept(body);
  const chosen = useChosen(p, rows);
  const columns = p.select ? [chosen.column, ...p.columns] : p.columns;
  const paged = !p.slim && rows.length > 0;

  return (
    <>
      {p.select && chosen.rows.length > 0 && (
        <div class="filters" role="group" aria-label="Selected rows"><span class="num" role="status">{count(chosen.rows.length, "row")} selected</span>
          {p.select.acts(chosen.rows, chosen.clear)}<button type="button" class="btn small quiet" onClick={chosen.clear}>Clear selection</button></div>
      )}
      {p.failed && <Failure what={`${p.title} could not be read. What is shown may be old.`} problem={p.failed} again={p.again} />}
      <section class="tw" aria-label={p.title}>
        {p.header && <header>{p.header}</header>}
        {p.page && !rows.length ? <Nothing {...p} /> : (
          <table class="flow" role="table" aria-busy={p.loading ? "true" : undefined}>
            <caption class="vh">{p.title}</caption>
            <thead role="rowgroup"><tr role="row">{columns.map((c) => <HeadCell column={c} usual={p.sorted ?? ""} />)}</tr></thead>
            <tbody role="rowgroup" ref={body}>
              {rows.map((row) => (
                <tr role="row" key={p.rowKey(row)} class={p.gone?.(row) ? "gone" : p.on?.(row) || chosen.has(row) ? "sel-row" : undefined}
                  aria-selected={p.on || p.select ? (p.on?.(row) || chosen.has(row) ? "true" : "false") : undefined}>
                  {columns.map((c) => <Cell column={c} row={row} />)}
                </tr>
              ))}
              {late && Array.from({ length: 5 }, (_, i) => (
                <tr role="row" key={`bar${i}`}>{columns.map((c) => <td role="cell" class={c.kind}><span class="skel" /></td>)}</tr>
              ))}
            </tbody>
          </table>
        )}
        {(p.foot || paged) && <footer>{p.foot}{paged && p.page && <><SortBy columns={p.columns} usual={p.sorted ?? ""} /><Pager page={p.page} /></>}</footer>}
      </section>
    </>
  );
}

/** A click sorts by this column, the next one the other way round; the address holds it. */
function HeadCell<T>({ column: c, usual }: { column: Column<T>; usual: string }) {
  const { query } = usePlace();
  if (c.part === "act" || c.kind === "tick") return <th role="columnheader" scope="col" class={c.kind}><span class="vh">{c.head}</span></th>;
  if (!c.sort) return <th role="columnheader" scope="col" class={c.kind}>{c.head}</th>;
  const now = query.get("sort") || usual, up = now === c.sort, down = now === `-${c.sort}`;
  const to = new URLSearchParams([...[...query].filter(([k]) => k !== "sort" && k !== "after"), ["sort", up || (!down && usual[0] === "-") ? `-${c.sort}` : c.sort]]);
  return <th role="columnheader" scope="col" class={c.kind} aria-sort={up ? "ascending" : down ? "descending" : undefined}>
    <a href={`?${to}`}>{c.head}{(up || down) && <span aria-hidden="true"> {up ? "↑" : "↓"}</span>}</a></th>;
}

/** Where rows are cards there is no head to click. */
function SortBy<T>({ columns, usual }: { columns: Array<Column<T>>; usual: string }) {
  const { query } = usePlace();
  const by = columns.filter((c) => c.sort);
  if (!by.length) return null;
  return <select class="chip sortby" aria-label="Sort by" value={query.get("sort") || usual} onChange={(e) => narrow({ sort: e.currentTarget.value })}>
    {by.flatMap((c) => [c.sort!, `-${c.sort}`].map((value) => <option value={value}>{c.head} {value === c.sort ? "↑" : "↓"}</option>))}</select>;
}

/** Members of the address that narrow nothing. */
const noFilter = new Set(["after", "sort", "tab", "kill", "record", "add", "import"]);

/** Whether an empty list is empty through a filter. */
export function isFiltered(query: URLSearchParams): boolean {
  return [...query].some(([k, v]) => v && !noFilter.has(k));
}

/** By key, so that a row that moves or is read again stays chosen; one that went is not counted. */
function useChosen<T>(p: Props<T>, rows: T[]) {
  const [keys, set] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | undefined>(undefined);
  const free = p.select ? rows.filter(p.select.can) : [];

  /** With Shift: every row from the last one on, to the state of this one. */
  function toggle(row: T, range: boolean) {
    const key = p.rowKey(row), on = !keys.has(key), order = free.map(p.rowKey);
    const from = range && last.current !== undefined ? order.indexOf(last.current) : -1, to = order.indexOf(key);
    const hit = from < 0 ? [key] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    const next = new Set(keys);
    for (const k of hit) on ? next.add(k) : next.delete(k);
    last.current = key;
    set(next);
  }

  const column: Column<T> = { head: "Select", kind: "tick", cell: (row) => p.select?.can(row) &&
    <input type="checkbox" aria-label={`Select ${p.select.name(row)}`} checked={keys.has(p.rowKey(row))} onClick={(e) => toggle(row, e.shiftKey)} /> };
  return { column, rows: free.filter((row) => keys.has(p.rowKey(row))), has: (row: T) => keys.has(p.rowKey(row)), clear: () => set(new Set()) };
}

function Cell<T>({ column: c, row }: { column: Column<T>; row: T }) {
  const kind = [c.part, c.kind].filter(Boolean).join(" ") || undefined;
  if (c.part || c.kind === "tick") return <td role="cell" class={kind}>{c.cell(row)}</td>;
  return <td role="cell" class={kind} data-l={c.head}><div>{c.cell(row)}</div></td>;
}

function Nothing<T>(p: Props<T>) {
  if (!p.filtered) return <div class="empty">{p.empty}</div>;
  return (
    <div class="empty"><p>{p.filtered}</p>
      <button type="button" class="btn" onClick={() => narrow(Object.fromEntries([...new URLSearchParams(location.search).keys()].map((k) => [k, ""])))}>Clear filters</button></div>
  );
}

function Pager<T>({ page }: { page: Page<T> }) {
  const { query } = usePlace();
  const total = page.total_exact ? page.total.toLocaleString("en") : `over ${(10_000).toLocaleString("en")}`;
  const whole = !query.get("after") && !page.next;
  return (
    <>
      <span class="num" role="status">{whole ? count(page.items.length, "row") : `${page.items.length} of ${total}`}</span>
      {!whole && <span class="pager">
        <button type="button" class="btn small" disabled={!query.get("after")} onClick={() => history.back()}>Previous</button>
        <button type="button" class="btn small" disabled={!page.next} onClick={() => page.next && narrow({ after: page.next }, false)}>Next</button>
      </span>}
    </>
  );
}

/** j and k move the focus between the links that name rows. */
function useRowKeys(body: { current: HTMLTableSectionElement | null }): void {
  useEffect(() => {
    const step = (event: Event) => {
      const links = [...(body.current?.querySelectorAll<HTMLElement>("td.main a, td.main button") ?? [])];
      const at = links.indexOf(document.activeElement as HTMLElement);
      const to = links[at + (event as CustomEvent<number>).detail] ?? (at < 0 ? links[0] : undefined);
      to?.focus();
    };
    addEventListener("sallyport:row", step);
    return () => removeEventListener("sallyport:row", step);
  }, [body]);
}

/** A row that changes its place, or goes, while it has the focus: the browser drops the focus then, and
 * the next key would be the page's. It stays with the row; of one that went, the row at its place takes it. */
function useFocusKept(body: { current: HTMLTableSectionElement | null }): void {
  const had = document.activeElement, row = had?.closest("tr"), at = row && body.current?.contains(row) ? row.sectionRowIndex : -1;
  useLayoutEffect(() => {
    if (at < 0 || !(had instanceof HTMLElement) || (document.activeElement && document.activeElement !== document.body)) return;
    const rows = body.current?.rows, next = rows?.[Math.min(at, rows.length - 1)];
    const to = had.isConnected ? had : next?.querySelector<HTMLElement>("td.main a, td.main button") ?? document.getElementById("main");
    to?.focus({ preventScroll: true });
  });
}

export interface Choice { value: string; text: string }

/** Search box and chips; each choice goes into the address. `views`: of which page they can be kept. */
export function Filters({ find, chips, views }: { find?: string; chips: Array<{ name: string; label: string; choices: Choice[] }>; views?: SavedView["page"] }) {
  const { query } = usePlace();
  return <>
    <div class="filters">
      {find && <FindBox label={find} />}
      {chips.map((c) => {
        const now = query.get(c.name);
        if (now) {
          const text = c.choices.find((x) => x.value === now)?.text ?? now;
          return <button type="button" class="chip on" aria-label={`Remove filter: ${c.label}: ${text}`} onClick={() => narrow({ [c.name]: "" })}>
            {c.label}: {text} <svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-cross" /></svg></button>;
        }
        return <ChipMenu {...c} />;
      })}
    </div>
    {views && <SavedViews page={views} />}
  </>;
}

function ChipMenu({ name, label, choices }: { name: string; label: string; choices: Choice[] }) {
  if (!choices.length) return null;
  return (
    <select class="chip" aria-label={`Filter by ${label.toLowerCase()}`} value=""
      onChange={(e) => narrow({ [name]: e.currentTarget.value })}>
      <option value="">{label}</option>
      {choices.map((c) => <option value={c.value}>{c.text}</option>)}
    </select>
  );
}

function FindBox({ label }: { label: string }) {
  const { query } = usePlace();
  const [text, set] = useState(query.get("q") ?? "");
  useEffect(() => {
    if (text === (query.get("q") ?? "")) return;
    const timer = setTimeout(() => narrow({ q: text }), 200);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <search class="find" aria-label="This list"><svg class="i" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-search" /></svg>
      <input class="in" type="search" placeholder={label} aria-label={label} value={text} onInput={(e) => set(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key !== "Escape" || !text) return;
          e.preventDefault();
          e.stopPropagation(); // the next one leaves the field
          set("");
        }} /></search>
  );
}
