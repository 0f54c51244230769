// From the first start to a first used app, and on to a killed session, by the keyboard alone: an
// installation of its own, of which no other step has seen anything. No mouse: what is meant is
// reached by Tab, and pressed by Enter or by its key.
import assert from "node:assert/strict";
import { shots } from "./look.mjs";
import { Authenticator, until, World } from "./world.mjs";

const TABS_MAX = 120;

/** Presses Tab until this has the focus. */
async function tabTo(tab, what) {
  await what.first().waitFor();
  for (let n = 0; n < TABS_MAX; n++) {
    if (await what.first().evaluate((e) => e === document.activeElement)) return;
    await tab.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${what}`);
}

async function pressOn(tab, what) {
  await tabTo(tab, what);
  await tab.keyboard.press("Enter");
}

async function type(tab, what, text) {
  await tabTo(tab, what);
  await tab.keyboard.type(text);
}

const button = (tab, name) => tab.getByRole("button", { name });
const link = (tab, name) => tab.getByRole("link", { name });

/** By name, as Ctrl K finds it. */
async function act(tab, name) {
  await tab.keyboard.press("Control+k");
  await until("the field for everything has the focus", () => tab.locator("#find").evaluate((e) => e === document.activeElement));
  await tab.keyboard.type(name);
  await tab.keyboard.press("Enter");
}

/** The steps that stand as done. */
const done = (tab) => tab.locator("ol.todo li").filter({ has: tab.getByText("Done", { exact: true }) }).count();

async function signIn(tab, world) {
  await tab.goto(`${world.url}/`);
  await pressOn(tab, tab.locator("a.btn"));
  await type(tab, tab.locator("input:not([type=password]):not([type=hidden])"), "alice");
  await type(tab, tab.locator("input[type=password]"), world.password("alice"));
  await tab.keyboard.press("Enter");
  const code = tab.getByLabel("Code that the app shows now");
  await code.waitFor();
  const secret = (await tab.content()).match(/\b(?:[A-Z2-7]{4}[ \u00a0]){7}[A-Z2-7]{4}\b/)[0];
  await type(tab, code, await new Authenticator(secret).code());
  await tab.keyboard.press("Enter");
  await tab.locator(".codes li").first().waitFor();
  const recovery = await tab.locator(".codes li").allInnerTexts();
  await pressOn(tab, link(tab, "I have kept them"));
  await tab.getByRole("heading", { name: "Overview" }).waitFor();
  return recovery;
}

async function addSite(tab, world) {
  await tab.getByRole("heading", { name: "Set up: 1 of 7 done" }).waitFor();
  await pressOn(tab, link(tab, "Add site"));
  await tab.getByRole("dialog").getByLabel("Name").waitFor();
  await type(tab, tab.getByRole("dialog").getByLabel("Name"), "lab");
  await tab.keyboard.press("Enter");
  await type(tab, tab.getByRole("textbox", { name: "What it may dial" }), `127.0.0.1:${world.appPort}`);
  await tab.keyboard.press("Enter");
  await pressOn(tab, button(tab, "Try it in a terminal"));
  await tab.getByText("Waiting for the connector").waitFor();
  world.shell("lab-1", await tab.locator(".copy code").innerText());
  await tab.getByText("is online.").waitFor({ timeout: 30_000 });
}

async function addApp(tab, world) {
  await act(tab, "set up");
  await tab.getByText("3 of 7 steps done.").waitFor();
  await pressOn(tab, link(tab, "Add app"));
  await type(tab, tab.getByLabel("Name"), "wiki");
  await type(tab, tab.getByLabel("Type"), "http");
  assert.equal(await tab.getByLabel("Type").inputValue(), "http");
  await type(tab, tab.getByLabel("Host"), "127.0.0.1");
  await type(tab, tab.getByLabel("Port"), String(world.appPort));
  await tab.keyboard.press("Enter");
  await tab.getByRole("heading", { name: "wiki" }).waitFor();
  await pressOn(tab, button(tab, "Test connection"));
  await tab.getByText("Connected").first().waitFor();
}

async function letMyselfIn(tab) {
  await act(tab, "set up");
  await tab.getByText("4 of 7 steps done.").waitFor();
  await pressOn(tab, link(tab, "Write policy"));
  await tab.getByText(/^Valid/).waitFor();
  await pressOn(tab, button(tab, "Put in force"));
  const asked = tab.getByRole("dialog"), widens = asked.getByRole("checkbox", { name: /I have read this/ });
  await asked.getByText("Same result").waitFor();
  if (await widens.count()) {
    await tabTo(tab, widens);
    await tab.keyboard.press("Space");
  }
  await pressOn(tab, asked.getByRole("button", { name: "Put in force" }));
  await asked.waitFor({ state: "detached" });
  await tab.getByText("Version 1 decides now").waitFor();
  await asked.waitFor({ state: "detached" }); // its focus goes back: what is typed before would be lost
  await tab.getByText("decides now").first().waitFor();
}

/** The command of the step, with this installation's own root; the browser's part in a second tab. */
async function enrolDevice(tab, world, recovery) {
  await act(tab, "set up");
  await tab.getByText("5 of 7 steps done.").waitFor();
  assert.equal((await tab.locator("ol.todo .copy code").innerText()).trim(), `sallyport login --broker ${world.url}`);
  const laptop = world.machine("alice");
  await laptop.ready();
  const login = laptop.start("login", "--no-browser", "--broker", world.url, "--ca", world.file("ca.pem"));
  const own = await tab.context().newPage();
  own.setDefaultTimeout(30_000);
  await own.goto((await until("an address", () => login.said.match(/https:\/\/localhost:\S+/)))[0]);
  const match = button(own, /codes match/), code = own.locator("input[name=code]"), secret = own.locator("input[type=password]"), provider = own.locator("a.btn");
  for (;;) { // each step leads to another page: the old one is never answered twice
    await match.or(code).or(secret).or(provider).first().waitFor();
    if (await match.count()) break;
    const left = own.waitForNavigation();
    if (await code.count()) await type(own, code, recovery.pop());
    else if (await secret.count()) {
      await type(own, own.locator("input:not([type=password]):not([type=hidden])"), "alice");
      await type(own, secret, world.password("alice"));
    } else await tabTo(own, provider);
    await own.keyboard.press("Enter");
    await left;
  }
  await pressOn(own, match);
  await own.getByText(/signed in/i).first().waitFor();
  assert.equal(await login.done, 0, login.said);
  await own.close();
  return laptop;
}

/** The dialog takes the focus, Esc gives it back to where it was; then the reason, and Enter. */
async function kill(tab, session) {
  await tab.keyboard.press("g");
  await tab.keyboard.press("s");
  await link(tab, "wiki").first().waitFor();
  await tab.keyboard.press("j");
  const row = () => tab.evaluate(() => document.activeElement.closest("tr")?.textContent ?? "no row");
  assert.match(await row(), /alice/);
  await tab.keyboard.press("Shift+K");
  const asked = tab.getByRole("dialog");
  await asked.getByLabel("Reason").waitFor();
  assert.equal(await asked.getByLabel("Reason").evaluate((e) => e === document.activeElement), true);
  await tab.keyboard.press("Escape");
  await asked.waitFor({ state: "detached" });
  assert.match(await row(), /alice/, "the row has the focus again");
  await tab.keyboard.press("Shift+K");
  await tab.keyboard.type("the laptop is lost");
  await tab.keyboard.press("Enter");
  await tab.getByText(/1 session cut in (under 1 ms|[0-9.]+ m?s)\./).first().waitFor();
  assert.notEqual(await session.done, 0, "the user's command tells that it was cut");
}

async function help(tab) {
  const was = await tab.evaluate(() => document.activeElement.outerHTML);
  await tab.keyboard.press("?");
  await tab.getByRole("dialog", { name: "Keyboard keys" }).waitFor();
  await tab.keyboard.press("Escape");
  await tab.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await tab.evaluate(() => document.activeElement.outerHTML), was);
}

export async function firstStart({ browser, look, wide, said }) {
  const world = await World.start();
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: wide });
  try {
    const tab = await context.newPage();
    tab.setDefaultTimeout(15_000);
    tab.on("pageerror", (e) => said.push(e.message));
    const recovery = await signIn(tab, world);
    await addSite(tab, world);
    await addApp(tab, world);
    await letMyselfIn(tab);
    const laptop = await enrolDevice(tab, world, recovery);
    const command = tab.locator("ol.todo .copy code"); // no reload: the page saw it by itself
    await command.getByText("sallyport connect wiki").waitFor();
    assert.equal(await done(tab), 6);
    await look("setup", tab);
    const session = laptop.start("connect", "--stdio", "wiki");
    session.stdin.write("GET / HTTP/1.1\r\nHost: wiki\r\n\r\n");
    await until("a byte from the app", () => session.said.includes("This is the private wiki."));
    await tab.getByText("An app was opened: set up.").waitFor();
    assert.equal(await done(tab), 7);
    await help(tab);
    await kill(tab, session);
  } catch (e) {
    if (shots) for (const [n, tab] of context.pages().entries()) await tab.screenshot({ path: `${shots}/failed-setup-${n}.png` }).catch(() => undefined);
    throw e;
  } finally {
    await context.close();
    await world.stop();
  }
}
