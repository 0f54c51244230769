// The console, driven by a browser against a real installation, in the order in which an administrator
// meets it: from the first sign-in to a killed session in the audit log. SALLYPORT_SHOTS=FOLDER keeps
// a picture of each page.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test as nodeTest } from "node:test";
import { chromium } from "playwright-core";
import { Authenticator, until, World } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.SALLYPORT_SHOTS;
const wide = { width: 1440, height: 900 }, narrow = { width: 390, height: 844 };
const POLICY = `name: first
apps: {labels: {tier: internal}}
allow:
  - {name: staff, when: {groups: [builtin/staff], mfa: {max_age: 12h}}}
`;

let world, browser, context, page, phone, recovery;
const said = []; // what the browser complained about

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true });
  world = await World.start();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: wide });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (e) => said.push(e.message));
  page.on("console", (m) => m.type() === "error" && said.push(`${m.text()} ${m.location().url}`));
  page.on("request", (r) => !r.url().startsWith(world.url) && !/^(data|blob):/.test(r.url()) && said.push(`a request left the origin: ${r.url()}`));
});

after(async () => {
  await browser?.close();
  await world?.stop();
});

/** Each step stands on those before it: after the first that fails, the rest fails at once. */
let stopped = false;
function test(name, run) {
  nodeTest(name, async () => {
    assert.ok(!stopped, "an earlier step failed");
    stopped = true;
    try {
      await run();
      stopped = false;
    } finally {
      if (stopped && shots) await page?.screenshot({ path: `${shots}/failed.png` }).catch(() => undefined);
    }
  });
}

const at = (path) => page.goto(world.url + path);
const see = (text) => page.getByText(text).first().waitFor();
const press = (name) => page.getByRole("button", { name }).first().click();

/** axe-core in both colour schemes, wide and narrow; no page is wider than the screen; a picture of each. */
async function look(name, p = page) {
  for (const colorScheme of ["light", "dark"])
    for (const [size, viewport] of Object.entries({ 1440: wide, 1024: { width: 1024, height: 768 }, 390: narrow })) {
      await p.setViewportSize(viewport);
      await p.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const spare = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(spare <= 0, `${name} at ${size} px is ${spare} px too wide`);
      if (shots) await p.screenshot({ path: `${shots}/${name}-${size}-${colorScheme}.png` });
      if (size === "1024") continue;
      const found = await axeIn(p);
      assert.deepEqual(found, [], `axe on ${name}, ${size} px, ${colorScheme}`);
    }
  await p.setViewportSize(wide);
  await p.emulateMedia({ colorScheme: "light" });
}

/** Through the debugger, in a world of its own: the page's policy allows no foreign script. */
async function axeIn(p) {
  const cdp = await p.context().newCDPSession(p);
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const { executionContextId: contextId } = await cdp.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await cdp.send("Runtime.evaluate", { contextId, expression: axe });
  const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", { contextId, awaitPromise: true, returnByValue: true, expression:
    `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; ")))` });
  await cdp.detach();
  assert.equal(exceptionDetails, undefined);
  return result.value;
}

test("sign-in: provider, password, TOTP by QR or typed secret, recovery codes", async () => {
  await at("/");
  await see("Sign in");
  await look("login");
  await page.locator("a.btn").first().click();
  await page.fill("input[type=password]", world.password("alice"));
  await page.locator("input:not([type=password]):not([type=hidden])").first().fill("alice");
  await page.locator("button.main").click();
  await page.getByLabel("Code that the app shows now").waitFor();
  await look("totp-enrol");
  phone = new Authenticator((await page.content()).match(/\b(?:[A-Z2-7]{4}[ \u00a0]){7}[A-Z2-7]{4}\b/)[0]);
  await page.fill("input[name=code]", "000000");
  await press("Confirm");
  await page.locator("[aria-invalid=true]").waitFor();
  phone = new Authenticator((await page.content()).match(/\b(?:[A-Z2-7]{4}[ \u00a0]){7}[A-Z2-7]{4}\b/)[0]);
  await page.fill("input[name=code]", await phone.code());
  await press("Confirm");
  await page.getByRole("list", { name: "Recovery codes" }).waitFor();
  recovery = await page.locator(".codes li").allInnerTexts();
  assert.equal(recovery.length, 10);
  await look("recovery");
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
});

test("an empty installation says what comes first", async () => {
  await see(/site/i);
  await look("overview-empty");
});

test("add a site; the wizard's command enrols a real connector and the page turns green", async () => {
  await at("/sites");
  await press("Add site");
  await page.getByLabel("Name").fill("lab");
  await page.getByRole("dialog").getByRole("button", { name: "Add site" }).click();
  await press("Make a command");
  const token = (await page.locator("pre, code").allInnerTexts()).join("\n").match(/<<'EOF'\n(\S+)\nEOF/)[1];
  await see("Waiting for the connector");
  await look("enrol-waiting");
  world.connector("lab-1", token);
  await page.getByText("is online.").waitFor({ timeout: 20_000 });
  await look("enrol-green");
});

test("add an app; the connector dials it for the test", async () => {
  await at("/apps");
  await press("Add app");
  await page.getByLabel("Name").fill("wiki");
  await page.getByLabel("Description").fill("How we work");
  await page.getByLabel("Type").selectOption("http");
  await page.getByLabel("Host").fill("127.0.0.1");
  await page.getByLabel("Port").fill(String(world.appPort));
  await page.getByLabel("Labels").fill("tier=internal");
  await look("app-form");
  await page.locator("button[type=submit]").click();
  await page.getByRole("heading", { name: "wiki" }).waitFor();
  await page.getByRole("link", { name: "Test", exact: true }).click();
  await press("Test app");
  await see("Connected");
  await look("app-test");
});

test("a policy: checked while it is typed, simulated, put in force", async () => {
  await at("/policies/new");
  const text = page.locator("textarea");
  await text.fill(POLICY.replace("allow:", "alow:"));
  await see("It can't be put in force");
  assert.ok(await page.getByRole("button", { name: "Put in force" }).isDisabled());
  await look("policy-wrong");
  await text.fill(POLICY);
  await see(/^Valid/);
  await page.getByLabel("User", { exact: true }).selectOption({ label: "alice" });
  await page.getByLabel("App", { exact: true }).selectOption({ label: "wiki" });
  await press("Simulate draft");
  await page.locator("aside").getByText("staff").first().waitFor();
  await look("policy-simulated");
  await press("Put in force");
  await page.getByRole("dialog").getByRole("button", { name: "Put in force" }).click();
  await page.waitForURL(/\/policies\/first/);
  await see("decides now");
  await look("policy");
});

let laptop, session;

test("a device: the approval page shows device, address and code; its posture has sources and ages", async () => {
  laptop = world.machine("alice");
  const login = await until("the agent takes a login", async () => {
    const p = laptop.start("login", "--no-browser", "--broker", world.url, "--ca", world.file("ca.pem"));
    return await Promise.race([until("an address", () => p.said.match(/https:\/\/localhost:\S+/) && p, 5000).catch(() => null), p.done.then(() => null)]);
  });
  const own = await context.newPage();
  own.setDefaultTimeout(10_000);
  await own.goto(login.said.match(/https:\/\/localhost:\S+/)[0]);
  for (let step = 0; step < 6 && !(await own.getByRole("button", { name: /codes match/ }).count()); step++) {
    if (await own.locator("input[name=code]").count()) await own.fill("input[name=code]", recovery.pop()); // works in the same field
    else if (await own.locator("input[type=password]").count()) {
      await own.fill("input[type=password]", world.password("alice"));
      await own.locator("input:not([type=password]):not([type=hidden])").first().fill("alice");
    }
    await own.locator("button.main, a.btn").first().click();
    await own.waitForLoadState();
  }
  assert.match(await own.locator(".kv").innerText(), /127\.0\.0\.1/);
  const shown = (await own.locator(".match").innerText()).trim();
  assert.ok(login.said.includes(shown), `the terminal shows ${shown}`);
  await look("approve", own);
  await own.getByRole("button", { name: /codes match/ }).click();
  await own.getByText(/signed in/i).first().waitFor();
  assert.equal(await login.done, 0, login.said);
  await own.close();
  assert.equal(laptop.run("posture", "--send").status, 0);
  await at("/devices");
  await look("devices");
  await page.locator("tbody a, [role=row] a").first().click();
  await see("agent_version");
  await see(/self|signed/);
  await look("device");
});

test("a live session appears by itself, is killed with a reason, and the time to cut was measured", async () => {
  await at("/sessions");
  await see("Nobody is in.");
  await look("sessions-empty");
  session = laptop.start("connect", "--stdio", "wiki");
  session.stdin.write("GET / HTTP/1.1\r\nHost: wiki\r\n\r\n");
  await until("bytes through the tunnel", () => session.said.includes("This is the private wiki."));
  await press(/Show \d+ new/);
  await page.getByRole("link", { name: "wiki", exact: true }).waitFor();
  await look("sessions");
  await page.getByRole("button", { name: /^Kill session of/ }).click();
  await page.getByLabel("Reason").fill("laptop reported stolen");
  await look("session-kill");
  await page.getByRole("dialog").getByRole("button", { name: "Kill session" }).click();
  await see(/1 session cut in (under 1 ms|[0-9.]+ m?s)\./);
  assert.notEqual(await session.done, 0, "the user's command tells that it was cut");
  await look("sessions-cut");
});

test("audit: the kill with its reason, the chain verified, both exports", async () => {
  await at("/audit");
  await press("Verify");
  await see(/Chain verified, records/);
  await page.getByRole("link", { name: "session.kill" }).first().waitFor();
  await look("audit");
  await at("/audit?action=session.kill");
  await page.getByRole("link", { name: "session.kill" }).first().click();
  await page.getByLabel("Selected record").getByText("laptop reported stolen").first().waitFor();
  await look("audit-record");
});

test("every other page stands, with real figures", async () => {
  for (const name of ["", "apps", "policies", "users", "integrations", "settings"]) {
    await at(`/${name}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    await look(name || "overview");
  }
  await at("/users");
  await page.getByRole("link", { name: "alice" }).first().click();
  await page.getByRole("heading", { name: "alice" }).waitFor();
  await look("user");
  await at("/home");
  await see("wiki");
  await look("home");
});

test("the browser had nothing to complain about but the refusals that the steps above asked for", () => {
  const asked = [/401 .*\/api\/v1\/me$/, /403 .*\/login\/enrol$/]; // not signed in yet; the wrong code
  assert.deepEqual(said.filter((line) => !asked.some((a) => a.test(line))), []);
});
