// Steps of console.test.mjs at the posture feeds: an account that does not work is not kept, unless somebody says why.
import assert from "node:assert/strict";
import { freePort, until } from "./world.mjs";

export async function postureFeeds({ page, at, see, press, look, phone }) {
  const address = `https://127.0.0.1:${await freePort()}`; // nobody listens there
  const dialog = page.getByRole("dialog").first();
  const row = page.getByRole("row").filter({ hasText: "CrowdStrike" });
  /** An act that needs a newer code asks for it in place. */
  const withCode = async (done) => {
    const asked = page.getByLabel("Code from your authenticator");
    await until("it is done, or a code is asked for", async () => (await done()) || (await asked.count()) > 0);
    if (await asked.count()) {
      await asked.fill(await phone.code());
      await press("Continue");
    }
    await until("it is done", done);
  };

  await at("/integrations");
  await see("No vendor is asked how devices stand");
  await press("Add CrowdStrike");
  await dialog.getByText("Zero Trust Assessment: Read").waitFor();
  await dialog.getByLabel("Region").selectOption("Other address");
  await dialog.getByLabel("Address", { exact: true }).fill(address);
  await dialog.getByLabel("Client id").fill("client-1");
  await dialog.getByLabel("Client secret").fill("client-secret-Zx81");
  await look("feed-form");
  await dialog.getByRole("button", { name: "Test and save" }).click();
  await withCode(async () => (await dialog.getByText("Feed crowdstrike was not read").count()) > 0);
  assert.equal(await row.count(), 0, "a feed that failed its test is not kept");
  await dialog.getByLabel("Save untested").fill("the vendor opens its door on Monday");
  await dialog.getByRole("button", { name: "Save untested" }).click();
  await withCode(async () => (await page.getByRole("dialog").count()) === 0);
  await row.waitFor();
  await until("the broker asked, and it fails", async () => {
    await at("/integrations");
    await row.waitFor();
    return (await row.innerText()).includes("Fails");
  });
  assert.match(await row.innerText(), /falcon:overall/);
  assert.ok(!(await page.content()).includes("client-secret-Zx81"), "the secret is never shown again");
  await see("feed crowdstrike"); // the broker's own checks name it
  await see("1 identity provider and 1 posture feed. CrowdStrike fails: nothing is known from it.");
  await page.getByRole("navigation").getByText("posture feeds fail").first().waitFor({ state: "attached" }); // the badge's words
  await look("feeds");

  await at("/");
  await see("Posture feed CrowdStrike fails");
  await page.getByRole("link", { name: /Posture feed CrowdStrike fails/ }).click();
  await row.getByRole("button", { name: /^Test/ }).click();
  await page.getByRole("status").getByText("Feed crowdstrike was not read").waitFor();
  await row.getByRole("button", { name: /^New secret/ }).click();
  await dialog.getByLabel("Client secret").fill("another");
  await dialog.getByRole("button", { name: "Test and save" }).click();
  await withCode(async () => (await dialog.getByText("Feed crowdstrike was not read").count()) > 0);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await row.getByRole("button", { name: /^Remove/ }).click();
  await dialog.getByRole("button", { name: "Remove feed" }).click();
  await withCode(async () => (await page.getByRole("dialog").count()) === 0);
  await see("No vendor is asked how devices stand");
}
