// The pages of the API gateway, with the traffic of tests/e2e/vulnapi through a real agent, relay and connector.
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, until } from "./world.mjs";

const vulnapi = fileURLToPath(new URL("../../tests/e2e/vulnapi", import.meta.url));

const GATEWAY = `# The bank's gateway: everything watches first.
identity: {headers: on}
openapi: {file: bank.json, request: monitor, unknown_endpoint: monitor}
owner:
  - {match: "GET /v1/accounts/{id}", from: {response: /owner}, equals: "\${user.email}", mode: monitor} # ours
detectors: {exposure: monitor, learning: 0s}
`;

/** The path of a file below a folder. */
function below(folder, name) {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find((f) => f.name.endsWith(name));
  return found && join(found.parentPath ?? found.path, found.name);
}

/** An application with flaws beside the wiki: the connector may dial it and has its document. */
async function startBank(world) {
  const port = await freePort(), host = world.file("host-lab-1");
  world.spawn("vulnapi", "python3", [join(vulnapi, "vulnapi.py"), "127.0.0.1", String(port)], {}, "python3");
  const state = dirname(below(host, "gateway-jwks.json")), files = join(state, "gateway");
  mkdirSync(files, { recursive: true, mode: 0o700 });
  copyFileSync(join(vulnapi, "bank.json"), join(files, "bank.json"));
  appendFileSync(below(host, ".floor"), `\nallow 127.0.0.1:${port}\n`);
  return port;
}

/** Requests over one connection of the agent, one after another: their statuses. */
async function talk(session, requests) {
  const statuses = [];
  for (const [method, path, body] of requests) {
    session.said = "";
    const text = body === undefined ? "" : JSON.stringify(body);
    session.stdin.write(`${method} ${path} HTTP/1.1\r\nHost: bank\r\n${text ? `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n` : ""}\r\n${text}`);
    await until(`${method} ${path}`, () => {
      const [, length] = session.said.match(/content-length: (\d+)/i) ?? [];
      return length !== undefined && session.said.split("\r\n\r\n").slice(1).join("\r\n\r\n").length >= Number(length);
    });
    statuses.push(Number(session.said.match(/^HTTP\/1\.1 (\d+)/)[1]));
  }
  return statuses;
}

/** The REST API as the page itself calls it. */
const api = (page, method, path, body, version) => page.evaluate(async ([method, path, body, version]) => {
  const answer = await fetch(`/api/v1${path}`, { method, headers: { "sallyport-console": "1", ...(body && { "content-type": "application/json" }), ...(version && { "if-match": `"${version}"` }) },
    ...(body && { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : await answer.json();
}, [method, path, body, version]);

export async function gatewayPages({ page, world, laptop, at, see, press, look }) {
  await at("/apis");
  await see("No endpoint yet.");
  await look("apis-empty");

  const port = await startBank(world);
  await at("/sites");
  await page.waitForLoadState("networkidle");
  const site = (await api(page, "GET", "/sites")).items[0];
  const bank = await api(page, "POST", "/apps", { name: "bank", description: "What the bank says that it has", site: site.id, type: "http", host: "127.0.0.1", port,
    labels: { tier: "internal" }, limits: {}, cut_through: "auto", gateway: GATEWAY });
  await until("alice sees the bank", () => /bank/.test(laptop.run("apps").stdout));
  const session = laptop.start("connect", "--stdio", "bank");
  const honest = [];
  for (let i = 0; i < 12; i++) honest.push(["GET", `/v1/accounts/${1000 + i}`], ["GET", "/v1/state"], ["GET", "/v1/profiles/anna"]);
  assert.deepEqual(new Set(await talk(session, [...honest, ["POST", "/v1/tickets", { event: "seven" }], ["GET", "/debug/env"],
    ["GET", "/v1/profiles/anna/card"], ["GET", "/v0/accounts/1000"]])), new Set([200, 201]));

  // APIs: endpoints by state, with figures.
  await until("the endpoints are at the broker", async () => (await api(page, "GET", `/endpoints?app=${bank.id}&state=shadow`)).total >= 3);
  await at("/apis");
  await page.getByRole("link", { name: "GET /v1/accounts/{id}" }).waitFor();
  await see(/endpoints in 1 HTTP app, learned at the connectors/);
  await page.waitForLoadState("networkidle");
  await look("apis");
  await page.getByLabel("Filter by state").selectOption("shadow");
  await page.getByRole("link", { name: "GET /debug/env" }).waitFor();
  await page.getByRole("link", { name: "GET /v1/state" }).waitFor({ state: "detached" });
  assert.match(page.url(), /state=shadow/);
  const draft = await api(page, "GET", `/apps/${bank.id}/draft`);
  assert.ok(draft.paths["/debug/env"].get && draft.openapi.startsWith("3.1"));

  await at("/apis?state=zombie");
  await page.getByRole("link", { name: "GET /v0/accounts/{account_id}" }).waitFor(); // /v1 stands beside it
  await at("/apis?state=shadow");

  // Endpoint: what it holds, marked as expected, until a day.
  await page.getByRole("link", { name: "GET /debug/env" }).click();
  await page.getByRole("heading", { name: /debug\/env/ }).waitFor();
  await page.getByText("database_password").first().waitFor();
  assert.doesNotMatch(await page.content(), /tops3cret/, "no value of an answer is anywhere");
  await look("endpoint");
  await page.keyboard.press("y");
  await page.getByLabel("Reason").fill("known to the bank's team");
  await look("endpoint-expected");
  await page.getByRole("dialog").getByRole("button", { name: "Mark as expected" }).click();
  await see("Shadow, expected");
  await at("/apis?state=unexpected");
  await page.getByRole("link", { name: "GET /v0/accounts/{account_id}" }).waitFor();
  await page.getByRole("link", { name: "GET /debug/env" }).waitFor({ state: "detached" });

  // What would block: whom the owner rule touched, then switched, then in force.
  await at("/apis?tab=block");
  const rule = page.getByRole("row").filter({ hasText: "Somebody else's object" });
  await rule.waitFor();
  assert.match((await rule.innerText()).replace(/\s+/g, " "), /Watches 1 0 12/);
  await rule.getByRole("link").first().click();
  await page.getByRole("link", { name: "alice", exact: true }).waitFor();
  await page.waitForLoadState("networkidle");
  await look("would-block");
  await rule.getByRole("button", { name: /^Block/ }).click();
  await see("12 requests");
  await look("would-block-switch");
  await page.getByRole("dialog").getByRole("button", { name: "Switch to block" }).click();
  await see("owner of bank is block now.");
  const now = await api(page, "GET", `/apps/${bank.id}`);
  assert.equal(now.gateway, GATEWAY.replace("mode: monitor} # ours", "mode: block} # ours"), "nothing else of the text moved");
  await until("the connector refuses", async () => (await talk(session, [["GET", "/v1/accounts/1000"]]))[0] === 403);

  // Coverage: what was read, what not, and why.
  await at("/apis?tab=coverage");
  await page.getByRole("row").filter({ hasText: "bank.json" }).waitFor();
  await page.waitForLoadState("networkidle");
  await look("coverage");

  // Incidents: evidence, then expected.
  await until("the incident is at the broker", async () => (await api(page, "GET", "/incidents?detector=exposure")).total >= 1);
  await at("/incidents");
  await page.getByRole("link", { name: "Sensitive data in an answer" }).first().waitFor();
  await page.waitForLoadState("networkidle");
  await look("incidents");
  await page.getByRole("link", { name: "Sensitive data in an answer" }).first().click();
  await see("Evidence");
  await look("incident");
  await press("Expected");
  await page.getByLabel("Reason").fill("the page is for developers");
  await page.getByRole("dialog").getByRole("button", { name: "Mark as expected" }).click();
  await see(/Expected until/);

  // Keyboard: g i, then the first row.
  await at("/");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.waitForURL(/\/apis$/);
  await page.locator("td.main a").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/apis\/[\w-]{22}\/[\w-]{22}$/);

  session.stdin.end();
  await session.done;
}
