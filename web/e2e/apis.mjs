// The pages of the API gateway, with the traffic of tests/e2e/vulnapi through a real agent, relay and connector.
import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { connect } from "node:net";
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
  await until("the bank listens", () => new Promise((done) => {
    const c = connect(port, "127.0.0.1", () => { c.destroy(); done(true); }).on("error", () => done(false));
  }));
  appendFileSync(below(host, ".floor"), `\nallow 127.0.0.1:${port}\n`);
  await until("the bank listens", () => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false));
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

/** The gateway's text with its faults; a document that is wrong, one in several parts, and the one before it again. */
async function editGateway({ page, bank, at, see, look }) {
  const path = `/apis/${bank.id}/gateway`, text = async () => (await api(page, "GET", `/apps/${bank.id}`)).gateway;
  await at("/apis?tab=coverage");
  await page.getByRole("link", { name: "of bank" }).click();
  await page.waitForURL(/\/gateway\?tab=document$/);
  await page.getByRole("link", { name: "Configuration" }).click();
  const box = page.getByLabel("Configuration"), save = page.getByRole("button", { name: "Save configuration" });
  const before = await text(), after = before.replace("file: bank.json, ", "");
  assert.equal(await box.inputValue(), before);
  await box.fill(before.replace("detectors:", "detektors:"));
  await save.click();
  await see(/did you mean "detectors"/);
  await see("Line 7."); // the limit stands in line 2
  await look("gateway-fault");
  await box.fill(after);
  await save.click();
  await until("it is saved", async () => await text() === after);
  await page.getByText("Nothing changed.").waitFor({ state: "detached" });
  await look("gateway");

  await at(`${path}?tab=document`);
  const upload = async (document, note) => {
    await page.getByLabel("File").setInputFiles({ name: "bank.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(document)) });
    await page.getByLabel("What is new").fill(note);
    await page.getByRole("button", { name: "Upload document" }).click();
  };
  const document = JSON.parse(readFileSync(join(vulnapi, "bank.json"), "utf8"));
  await upload({ ...document, paths: { "/v1/state": { get: { responses: {}, parameters: [{ name: "a", in: "query", schema: { type: "textt" } }] } } } }, "broken");
  await page.getByRole("cell", { name: "/paths/~1v1~1state/get/parameters/0/schema" }).waitFor();
  assert.equal(await text(), after, "nothing changed");
  await look("document-fault");
  await upload(document, "as it was handed over");
  await see("In force.");
  await upload({ ...document, info: { ...document.info, version: "2", description: "\u{1f3e6}\"ä".repeat(160_000) } }, "many words");
  await page.getByRole("row").filter({ hasText: "many words" }).getByText("in force").waitFor();
  const listed = (await api(page, "GET", `/apps/${bank.id}/documents`)).items;
  assert.ok(listed[0].size > 1024 * 1024 && listed[0].in_force && listed.length === 2);
  await page.waitForLoadState("networkidle");
  await look("document");
  await page.getByRole("button", { name: /^Put in force.*bank 1$/ }).click();
  await page.getByLabel("Reason").fill("too many words");
  await page.getByRole("dialog").getByRole("button", { name: "Put in force" }).click();
  await page.getByRole("row").filter({ hasText: "as it was handed over" }).getByText("in force").first().waitFor();
}

export async function gatewayPages({ page, world, laptop, at, see, press, look }) {
  await at("/apis");
  await see("No endpoint yet.");
  await look("apis-empty");

  const port = await startBank(world);
  await at("/sites");
  await page.waitForLoadState("networkidle");
  const site = (await api(page, "GET", "/sites")).items[0];
  const bank = await api(page, "POST", "/apps", { name: "bank", description: "What the bank says that it has", site: site.id, type: "http", host: "127.0.0.1", port,
    labels: { tier: "internal", owner: "the bank's team" }, limits: {}, cut_through: "auto", gateway: GATEWAY });
  await until("alice sees the bank", () => /bank/.test(laptop.run("apps").stdout));
  const session = laptop.start("connect", "--stdio", "bank");
  const honest = [];
  for (let i = 0; i < 12; i++) honest.push(["GET", `/v1/accounts/${1000 + i}`], ["GET", "/v1/state"], ["GET", "/v1/profiles/anna"]);
  assert.deepEqual(new Set(await talk(session, [...honest, ["POST", "/v1/tickets", { event: "seven" }], ["GET", "/debug/env"],
    ["GET", "/v1/profiles/anna/card"], ["GET", "/v0/accounts/1000"]])), new Set([200, 201]));

  // What the connector tells comes in parts, and a page shows what there was when it was opened.
  const total = async (query) => (await api(page, "GET", `/endpoints?app=${bank.id}&${query}`)).total;
  await until("the endpoints are at the broker", async () => (await total("state=shadow")) >= 3 && (await total("state=zombie")) >= 1 && (await total("")) >= 7);
  await until("and whom the owner rule would have refused", async () =>
    (await api(page, "GET", `/gateway/hits?app=${bank.id}`)).items.find((h) => h.reason === "owner")?.monitor === 12);

  // APIs: endpoints by state, with figures.
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
  await until("the refusal is recorded", async () => (await api(page, "GET", "/audit?action=gateway.refuse&result=denied")).items.some((r) => r.details.connector.blocked));
  const refused = (await api(page, "GET", "/audit?action=gateway.refuse")).items.find((r) => r.details.connector.blocked);
  await at(`/audit?action=gateway.refuse&record=${refused.shard}.${refused.seq}`);
  await see("Found by");
  await see(`version ${now.version} of the app`);

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
  await see("Latest request"); // by which versions it was judged, and its sizes
  await see(/request 0 B, answer \d/);
  await look("incident");
  await press("Expected");
  await page.getByLabel("Reason").fill("the page is for developers");
  await page.getByRole("dialog").getByRole("button", { name: "Mark as expected" }).click();
  await see(/Expected until/);

  // Block now: the detector behind the incident refuses from now on.
  await press("Block now");
  await see(/In the last 7 days it would have refused/);
  await look("incident-block");
  await page.getByRole("dialog").getByRole("button", { name: "Switch to block" }).click();
  await see("bank refuses it now.");
  assert.match((await api(page, "GET", `/apps/${bank.id}`)).gateway, /exposure: block/);

  // A limit from the page of an endpoint, and who answers for the API.
  const state = (await api(page, "GET", `/endpoints?app=${bank.id}&q=state`)).items[0];
  await at(`/apis/${bank.id}/${state.id}`);
  await press(/^Limit/);
  await page.getByLabel("Requests of one person a minute").fill("90");
  await look("endpoint-limit");
  await page.getByRole("dialog").getByRole("button", { name: "Add limit" }).click();
  await see("The limit is in the app's gateway.");
  assert.match((await api(page, "GET", `/apps/${bank.id}`)).gateway, /match: 'GET \/v1\/state', key: \[user\], rate: 90\/m, burst: 90, mode: monitor/);
  await at("/apis");
  await see("the bank's team");

  await editGateway({ page, bank, at, see, look });

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
