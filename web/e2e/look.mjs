// What is asked of every page, wherever a test stands: axe-core finds nothing in light and dark, wide
// and narrow; nothing is wider than the screen; SALLYPORT_SHOTS=FOLDER keeps pictures.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const sizes = { 1440: { width: 1440, height: 900 }, 1024: { width: 1024, height: 768 }, 390: { width: 390, height: 844 } };
export const wide = sizes[1440];
export const shots = process.env.SALLYPORT_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

/** Through the debugger, in a world of its own: the page's policy allows no foreign script. */
async function axeIn(page) {
  const cdp = await page.context().newCDPSession(page);
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const { executionContextId: contextId } = await cdp.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await cdp.send("Runtime.evaluate", { contextId, expression: axe });
  const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", { contextId, awaitPromise: true, returnByValue: true, expression:
    `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; ")))` });
  await cdp.detach();
  assert.equal(exceptionDetails, undefined);
  return result.value;
}

export async function look(page, name) {
  if (process.env.SALLYPORT_LOOK === "no" || (process.env.SALLYPORT_LOOK && !new RegExp(process.env.SALLYPORT_LOOK).test(name))) return; // to come to a later step sooner; a pattern: of these pages only

  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const spare = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(spare <= 0, `${name} at ${size} px is ${spare} px too wide`);
      if (shots) await page.screenshot({ path: `${shots}/${name}-${size}-${colorScheme}.png` });
      if (size === "1024") continue;
      assert.deepEqual(await axeIn(page), [], `axe on ${name}, ${size} px, ${colorScheme}`);
    }
  }
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light" });
}
