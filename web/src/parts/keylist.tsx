// The list of keys: over any page by `?`, and under Settings, Appearance.
import { keysShown } from "../keys";
import { useStore } from "../store";
import { Dialog } from "./dialog";

const keys: Array<[string, string]> = [["/ or Ctrl K", "find, and what can be done"], ["g then o a p s r u d n l i t", "go to overview, apps, policies, sessions, requests, users, devices, sites, audit, APIs, integrations"],
  ["j k", "next, previous row"], ["x", "select the row; Shift x: from the last one on"], ["[ ]", "previous, next page"], [".", "the buttons of the row"], ["e", "edit"], ["t v a b l c y J r", "test, verify, approve, block, lock, copy, expected, JSON, replay: where the page has it"], ["u", "all sessions of this row's user"], ["1 to 5", "the figures of the overview"], ["Enter", "open the row"], ["w", "why, for this row"], ["Shift K", "kill, for this row"], ["Ctrl S", "save a policy's draft"], ["Ctrl Enter", "simulate a policy's text"], ["Alt 1 2 3", "form, text, both"], ["F8", "next mark in a policy"], ["?", "this list"], ["Esc", "close; in a field of a list: empty it, then leave it"]];

export function KeyList() {
  return <dl class="kv">{keys.map(([k, what]) => <><dt><kbd>{k}</kbd></dt><dd>{what}</dd></>)}</dl>;
}

export function KeyHelp() {
  const close = () => keysShown.set(false);
  if (!useStore(keysShown)) return null;
  return <Dialog title="Keyboard keys" close={close} foot={<><a class="btn quiet" href="/settings?tab=appearance" onClick={close}>Turn single letters off</a><button type="button" class="btn" autofocus onClick={close}>Close</button></>}><KeyList /></Dialog>;
}
