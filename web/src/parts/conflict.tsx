// Somebody saved while this was being edited: who and when, what they changed, and what is typed here
// stays. Nothing is merged by a machine: a policy that two people wrote is read by one of them first.
import type { PolicyVersion } from "../api";
import { call, Refused } from "../client";
import { visible } from "../words";
import { Ago, Name, Note, Panel } from "./basics";
import { Diff } from "./diff";

export interface Base {
  text: string;
  version: number;
  /** The policy is not there (any more): it is added, not changed. */
  gone?: boolean;
}

export interface Conflict {
  theirs: Base;
  saved: PolicyVersion;
}

export function isConflict(e: unknown): boolean {
  return e instanceof Refused && (e.problem.code === "conflict" || e.problem.code === "exists");
}

/** `name` null: the whole document. */
export async function readTheirs(name: string | null): Promise<Conflict> {
  const saved = await call("policyDocument", {});
  if (name === null) return { saved, theirs: { text: saved.text ?? "", version: saved.version } };
  try {
    const now = await call("policyGet", { path: { name } });
    return { saved, theirs: { text: now.text, version: now.version } };
  } catch (e) {
    if (!(e instanceof Refused) || e.problem.status !== 404) throw e;
    return { saved, theirs: { text: "", version: saved.version, gone: true } };
  }
}

export function ConflictPanel({ conflict, base, mine, keep, take }: { conflict: Conflict; base: string; mine: string; keep: () => void; take: () => void }) {
  const { saved, theirs } = conflict;
  const who = saved.by ? <Name text={saved.by.name} /> : "The broker";
  return (
    <section class="stack tight" aria-label="Changed meanwhile">
      <Note mood="warn" title={<>Not put in force: {who} saved version {saved.version}, <Ago at={saved.at} />.</>}>
        {saved.note && <>“{visible(saved.note)}” </>}{theirs.gone ? "This policy is not in it any more. " : theirs.text === base ? "Another policy changed, not this one. " : ""}What you typed is still here, below as it would change version {saved.version}.</Note>
      {theirs.text !== base && !theirs.gone && <div class="cols two"><Panel title="What they changed"><Diff before={base} after={theirs.text} label="Differences that they made" /></Panel>
        <Panel title="What you changed"><Diff before={base} after={mine} label="Differences that you made" /></Panel></div>}
      <Panel title={`What you would change in version ${saved.version}`}><Diff before={theirs.text} after={mine} label="Differences that you would make" /></Panel>
      <div class="filters"><button type="button" class="btn" onClick={keep}>Go on with mine, from version {saved.version}</button>
        {!theirs.gone && <button type="button" class="btn quiet" onClick={take}>Discard mine, show theirs</button>}</div>
    </section>
  );
}
