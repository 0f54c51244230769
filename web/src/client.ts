// One typed call for the whole API. Who is not signed in any more is sent to sign in; a step-up is
// asked for over the page and the same request is sent again, so that nothing typed is lost.
import { operations, type Operations, type Problem } from "./api";

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

export type Operation = keyof Operations;
export type Answer<K extends Operation> = Operations[K]["ok"];

type Given<T, Name extends string> = T extends undefined ? unknown : { [N in Name]: T };
export type Call<K extends Operation> = Given<Operations[K]["path"], "path"> & Given<Operations[K]["body"], "body"> & {
  query?: Operations[K]["query"];
  version?: number;
  adding?: boolean;
};

let askForCode: () => Promise<boolean> = async () => false;
/** The shell registers the dialog that asks for a code; it resolves to true after a good one. */
export function onStepUp(ask: () => Promise<boolean>): void {
  askForCode = ask;
}

let leaving = false;
function signIn(resume: string | undefined): void {
  if (leaving) return;
  leaving = true;
  const login = resume?.startsWith("/") && !resume.startsWith("//") ? resume : "/login";
  const here = location.pathname + location.search;
  location.assign(`${login}${login.includes("?") ? "&" : "?"}return_to=${encodeURIComponent(here)}`);
}

function address(path: string, parts: object | undefined, query: object | undefined): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((parts as Record<string, unknown>)[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== "") search.set(name, String(value));
  return search.size ? `${filled}?${search}` : filled;
}

function broken(status: number, detail: string): Refused {
  return new Refused({ type: "about:blank", title: "No usable answer", status, code: "unreachable", detail, request_id: "" });
}

async function problemOf(answer: Response): Promise<Refused> {
  const kind = answer.headers.get("content-type") ?? "";
  if (!kind.startsWith("application/problem+json"))
    return broken(answer.status, `The broker answered ${answer.status} without a reason.`);
  return new Refused(await answer.json() as Problem);
}

export async function send(operation: Operation, given: Call<Operation>, signal?: AbortSignal): Promise<Response> {
  const { method, path } = operations[operation];
  const parts = given as { path?: object; query?: object; body?: unknown };
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["sallyport-console"] = "1";
  if (parts.body !== undefined) headers["content-type"] = "application/json";
  if (given.version !== undefined) headers["if-match"] = `"${given.version}"`;
  if (given.adding) headers["if-none-match"] = "*";
  const request: RequestInit = { method, headers, redirect: "error", signal: signal ?? null };
  if (parts.body !== undefined) request.body = JSON.stringify(parts.body);

  for (let asked = false; ; asked = true) {
    let answer: Response;
    try {
      answer = await fetch(address(path, parts.path, parts.query), request);
    } catch (e) {
      if (signal?.aborted) throw e;
      throw broken(0, "The broker did not answer.");
    }
    if (answer.ok) return answer;
    const refused = await problemOf(answer);
    if (refused.problem.code === "login") signIn(refused.problem.resume);
    if (refused.problem.code !== "step_up" || asked || !(await askForCode())) throw refused;
  }
}

export async function call<K extends Operation>(operation: K, given: Call<K>, signal?: AbortSignal): Promise<Answer<K>> {
  const answer = await send(operation, given as Call<Operation>, signal);
  return answer.status === 204 ? undefined as Answer<K> : await answer.json() as Answer<K>;
}

/** The problem of anything thrown; a defect of the console itself is shown as one, not hidden. */
export function problem(e: unknown): Problem {
  if (e instanceof Refused) return e.problem;
  return { type: "about:blank", title: "The console failed", status: 0, code: "console", detail: String(e), request_id: "" };
}
