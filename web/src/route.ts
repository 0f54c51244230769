// The address is the state: page, filter, paging and selected row live in it and nowhere else.
import { store, useStore } from "./store";

export interface Place {
  path: string;
  query: URLSearchParams;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });
const place = store<Place>(here());

addEventListener("popstate", () => place.set(here()));

export function usePlace(): Place {
  return useStore(place);
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(history.state, "", to);
  else history.pushState(null, "", to);
  const before = place.get().path;
  place.set(here());
  if (before !== place.get().path) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/** Sets members of the query; an empty value removes one. Paging starts anew unless it is set. */
export function narrow(change: Record<string, string>, replace = true): void {
  const { path, query } = place.get();
  const next = new URLSearchParams(query);
  next.delete("after");
  for (const [name, value] of Object.entries(change))
    if (value) next.set(name, value);
    else next.delete(name);
  go(next.size ? `${path}?${next}` : path, replace);
}

/** Plain clicks on links of our own stay in the page. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (!isOurs(link.pathname) || link.getAttribute("href")?.startsWith("#")) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export const groups = ["apps", "policies", "sessions", "requests", "users", "devices", "sites", "connectors", "audit", "why",
  "integrations", "settings", "setup", "incidents", "apis"];

function isOurs(path: string): boolean {
  return path === "/" || groups.includes(path.split("/")[1] ?? "");
}
