// Several rows at once: each is an act of its own with an answer of its own, reported one by one.
import { problem } from "../client";
import { count } from "../words";
import { Note, Words } from "./basics";

export interface Told { what: string; text: string; bad: boolean }

/** One after the other: what fails does not stop the rest. `act` gives the words of what was done. */
export async function oneByOne<T>(rows: T[], name: (row: T) => string, act: (row: T) => Promise<string>): Promise<Told[]> {
  const told: Told[] = [];
  for (const row of rows) {
    try {
      told.push({ what: name(row), text: await act(row), bad: false });
    } catch (e) {
      const p = problem(e);
      told.push({ what: name(row), text: p.detail ?? p.title, bad: true });
    }
  }
  return told;
}

export function Report({ told, verb }: { told: Told[]; verb: string }) {
  const bad = told.filter((t) => t.bad).length;
  return (
    <section class="stack tight" aria-label="What was done">
      <Note mood={bad ? "bad" : "ok"} title={bad ? `${bad} of ${told.length} not ${verb}.` : `${count(told.length, "row")} ${verb}.`} />
      <ul class="fix">{told.map((t) => <li><span><Words text={t.what} />: <Words text={t.text} /></span></li>)}</ul>
    </section>
  );
}
