// Single keys, off while something is typed and where the person has switched them off (WCAG 2.1.4).
import { go } from "./route";

const pages: Record<string, string> = {
  o: "/", a: "/apps", p: "/policies", s: "/sessions", r: "/requests", u: "/users", d: "/devices", n: "/sites", l: "/audit", i: "/apis", t: "/integrations",
};

let waitsForPage = 0;

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

/** The button with this text beside the page's title. */
function pageButton(word: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>(".head .acts .btn")].find((b) => b.textContent === word);
}

export function onKey(event: KeyboardEvent): void {
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
    }
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
    case "w":
      rowButton("Why")?.click();
      return;
    case "y":
      (rowButton("Expected") ?? pageButton("Expected"))?.click();
      return;
    case "K":
      rowButton("Kill")?.click();
      return;
    case "?":
      go("/settings?tab=appearance");
  }
}
