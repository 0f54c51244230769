// What failed, why, what to do next, and the request id last.
import type { Problem } from "../api";
import { Note } from "./basics";

export function Failure({ what, problem, again }: { what: string; problem: Problem; again?: (() => void) | undefined }) {
  const reasons = problem.reasons?.length ? problem.reasons : [problem.detail ?? problem.title];
  return (
    <Note mood="bad" title={what} act={again && <button type="button" class="btn small" onClick={again}>Try again</button>}>
      {reasons.join(" ")}
      {problem.line ? ` Line ${problem.line}.` : ""}
      {problem.role ? ` Needs role ${problem.role}.` : ""}
      {problem.remedies?.map((r) => ` ${r}`)}
      {problem.request_id && <> Request <code>{problem.request_id}</code>.</>}
    </Note>
  );
}
