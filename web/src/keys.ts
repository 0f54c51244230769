// Single keys, off while something is typed and where the person has switched them off (WCAG 2.1.4).
import { go } from "./route";
import { store } from "./store";

const pages: Record<string, string> = {
  o: "/", a: "/apps", p: "/policies", s: "/sessions", r: "/requests", u: "/users", d: "/devices", n: "/sites", l: "/audit", i: "/apis", t: "/integrations",
};

let waitsForPage = 0;

const SAID_MS = 4000;
let forgets: ReturnType<typeof setTimeout> | undefined;

/** Whether the list of keys stands over the page. */
export const keysShown = store(false);

/** What a key that does nothing here is answered with; empty: nothing to say. */
export const keySaid = store("");

function say(key: string): void {
  keySaid.set(`Key ${key} does nothing here; ? lists the keys.`);
  clearTimeout(forgets);
  forgets = setTimeout(() => keySaid.set(""), SAID_MS);
}

export function keysOff(): boolean {
  return localStorage.getItem("keys") === "off";
}

function typing(at: EventTarget | null): boolean {
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));
}

/** The row that holds the focus, and its button with this text. */
function rowButton(word: string): HTMLElement | undefined {
  const row = document.activeElement?.closest("tr");
  return [...(row?.querySelectorAll<HTMLElement>(".act .btn") ?? [])].find((b) => b.textContent?.startsWith(word));
}

/** The button of the list's foot, or none while a page has no list. */
function pagerButton(which: "first" | "last"): HTMLButtonElement | null {
  return document.querySelector<HTMLButtonElement>(`main .pager .btn:${which}-child`);
}

function rowOf(at: Element | null): HTMLElement | null {
  return at?.closest<HTMLElement>("tbody tr") ?? null;
}

/** What the key presses: the row's button with one of these words, else the page's. */
const presses: Record<string, string[]> = {
  w: ["Why"], y: ["Expected"], K: ["Kill"], e: ["Edit"], t: ["Test"], v: ["Verify"], c: ["Copy"], a: ["Approve"], b: ["Block"], l: ["Lock"], J: ["JSON", "Export NDJSON"], r: ["Replay"], u: ["All of"],
};

/** What ends or shuts out: in a row these mean the row, never the whole page, even where the row can't be ended. */
const hits = new Set(["Kill", "Block", "Lock"]);

/** Whether there was something to press. */
function press(words: string[]): boolean {
  const inRow = !!rowOf(document.activeElement);
  const head = () => [...document.querySelectorAll<HTMLElement>("main .btn")].filter((b) => !rowOf(b) && !(b as HTMLButtonElement).disabled);
  const inHead = (word: string) => inRow && hits.has(word) ? undefined : head().find((b) => b.textContent?.split(/\s/)[0] === word.split(" ")[0] && b.textContent.startsWith(word));
  for (const word of words) {
    const found = rowButton(word) ?? inHead(word);
    if (found) {
      found.click();
      return true;
    }
  }
  return false;
}

/** Esc closes what stands open without a dialog, and gives the focus back to what opened it. */
function leave(at: EventTarget | null): void {
  const open = document.querySelector<HTMLDetailsElement>("details.menu-small[open]"), button = document.querySelector<HTMLElement>(".top [aria-expanded=true]");
  if (open) {
    open.removeAttribute("open");
    open.querySelector("summary")?.focus();
  } else if (button) {
    button.click();
    button.focus();
  } else if (at instanceof HTMLInputElement && at.type === "search" && !at.value) document.getElementById("main")?.focus({ preventScroll: true });
}

export function onKey(event: KeyboardEvent): void {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) return leave(event.target);
  if (event.key === "k" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    document.getElementById("find")?.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || keysOff() || document.querySelector("dialog[open]")) return;
  if (waitsForPage && Date.now() - waitsForPage < 1500) {
    waitsForPage = 0;
    const to = pages[event.key];
    if (to) {
      event.preventDefault();
      go(to);
    } else say(`g ${event.key}`);
    return;
  }
  switch (event.key) {
    case "g":
      waitsForPage = Date.now();
      return;
    case "/":
      event.preventDefault();
      document.getElementById("find")?.focus();
      return;
    case "j": case "k":
      dispatchEvent(new CustomEvent("sallyport:row", { detail: event.key === "j" ? 1 : -1 }));
      return;
    case "[":
      pagerButton("first")?.click();
      return;
    case "]":
      pagerButton("last")?.click();
      return;
    case ".": // the acts stand in the row: the first takes the focus, Tab goes on to the next
      rowOf(document.activeElement)?.querySelector<HTMLElement>(".act .btn, .act a")?.focus();
      return;
    case "x": case "X": // Shift: from the last one on
      rowOf(document.activeElement)?.querySelector("td.tick input")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.key === "X" }));
      return;
    case "?":
      keysShown.set(true);
      return;
    case "1": case "2": case "3": case "4": case "5": { // the figures of the overview
      const figure = document.querySelectorAll<HTMLElement>("main .stats > a")[Number(event.key) - 1];
      return figure ? figure.click() : say(event.key);
    }
    default:
      if (!press(presses[event.key] ?? []) && /^\S$/u.test(event.key)) say(event.key);
  }
}
