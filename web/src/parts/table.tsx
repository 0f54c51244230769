// The one table. First cell names the row and links to it; columns of class p2 and p3 step back in
// narrow places; below 544 px rows are cards. Keys: j k move, Enter opens.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
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

  return (
    <>
      {p.failed && <Failure what={`${p.title} could not be read. What is shown may be old.`} problem={p.failed} again={p.again} />}
      <section class="tw" aria-label={p.title}>
        {p.header && <header>{p.header}</header>}
        {p.page && !rows.length ? <Nothing {...p} /> : (
          <table class="flow" role="table" aria-busy={p.loading ? "true" : undefined}>
            <caption class="vh">{p.title}</caption>
            <thead role="rowgroup"><tr role="row">{p.columns.map((c) => (
              <th role="columnheader" scope="col" class={c.kind}>{c.part === "act" ? <span class="vh">{c.head}</span> : c.head}</th>
            ))}</tr></thead>
            <tbody role="rowgroup" ref={body}>
              {rows.map((row) => (
                <tr role="row" key={p.rowKey(row)} class={p.gone?.(row) ? "gone" : p.on?.(row) ? "sel-row" : undefined}
                  aria-selected={p.on ? (p.on(row) ? "true" : "false") : undefined}>
                  {p.columns.map((c) => <Cell column={c} row={row} />)}
                </tr>
              ))}
              {late && Array.from({ length: 5 }, (_, i) => (
                <tr role="row" key={`bar${i}`}>{p.columns.map((c) => <td role="cell" class={c.kind}><span class="skel" /></td>)}</tr>
              ))}
            </tbody>
          </table>
        )}
        {!p.slim && p.page && rows.length > 0 && <Pager page={p.page} />}
      </section>
    </>
  );
}

function Cell<T>({ column: c, row }: { column: Column<T>; row: T }) {
  const kind = [c.part, c.kind].filter(Boolean).join(" ") || undefined;
  if (c.part) return <td role="cell" class={kind}>{c.cell(row)}</td>;
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
    <footer>
      <span class="num" role="status">{whole ? count(page.items.length, "row") : `${page.items.length} of ${total}`}</span>
      <span class="pager">
        <button type="button" class="btn small" disabled={!query.get("after")} onClick={() => history.back()}>Previous</button>
        <button type="button" class="btn small" disabled={!page.next} onClick={() => page.next && narrow({ after: page.next }, false)}>Next</button>
      </span>
    </footer>
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
      <input class="in" type="search" placeholder={label} aria-label={label} value={text} onInput={(e) => set(e.currentTarget.value)} /></search>
  );
}
