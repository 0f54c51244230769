// What waits for this admin, by page: read when the console starts and again when something changed.
import { useEffect } from "preact/hooks";
import { call } from "./client";
import { onLive } from "./live";
import { store } from "./store";
import { may } from "./who";

export const due = store<Record<string, { count: number; text: string }>>({});

const touches = /^(request|device|connector|policy)\./;
const FEEDS_MS = 60_000; // a vendor's answer is no change that is told
const AGAIN_MS = 2000;

async function count(signal: AbortSignal): Promise<void> {
  const [devices, requests, connectors, drafts, feeds] = await Promise.all([
    call("deviceList", { query: { state: "pending", limit: 1 } }, signal), call("requestList", { query: { state: "waiting", limit: 1 } }, signal),
    call("connectorList", { query: { limit: 200 } }, signal), call("draftList", {}, signal), call("feedList", {}, signal)]);
  const found: Record<string, { count: number; text: string }> = {};
  const set = (page: string, n: number, text: string) => { if (n > 0) found[page] = { count: n, text }; };
  if (may("operator")) {
    set("/devices", devices.total, "devices wait for approval");
    set("/requests", requests.total, "requests for access wait");
    set("/integrations", feeds.items.filter((f) => f.state === "failing").length, "posture feeds fail");
    set("/sites", connectors.items.filter((c) => c.state === "silent").length, "connectors are silent");
  }
  set("/policies", drafts.items.filter((d) => d.may_approve && !d.mine).length, "drafts wait for approval");
  due.set(found);
}

/** A count that could not be read stays as it was: the page that it leads to says what failed. */
export function useDue(): void {
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = () => void count(control.signal).catch(() => undefined);
    const stop = onLive((e) => {
      if (e === "reset" || touches.test(e.t)) timer ??= setTimeout(() => { timer = undefined; read(); }, AGAIN_MS);
    });
    read();
    const again = setInterval(read, FEEDS_MS);
    return () => {
      stop();
      clearInterval(again);
      clearTimeout(timer);
      control.abort();
    };
  }, []);
}
