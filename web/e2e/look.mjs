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

/** Through the debugger, in a world of its own: the page's policy allows no foreign script. Once a look. */
async function axeOn(page) {
  const cdp = await page.context().newCDPSession(page);
  const { frameTree } = await cdp.send("Page.getFrameTree");
  const { executionContextId: contextId } = await cdp.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await cdp.send("Runtime.evaluate", { contextId, expression: axe });
  return {
    /** What it finds, by all its rules or by these. */
    run: async (rules) => {
      const more = rules ? `, runOnly: ${JSON.stringify(rules)}` : "";
      const { result, exceptionDetails } = await cdp.send("Runtime.evaluate", { contextId, awaitPromise: true, returnByValue: true, expression:
        `axe.run(document, {resultTypes: ["violations"]${more}}).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; ")))` });
      assert.equal(exceptionDetails, undefined);
      return result.value;
    },
    end: () => cdp.detach(),
  };
}

/** What stands in a table's frame and reaches beyond it: the frame clips it, so the page is no wider for it. */
function cut() {
  return [...document.querySelectorAll(".tw")].flatMap((frame) => {
    const { left, right } = frame.getBoundingClientRect();
    return [...frame.querySelectorAll("th, td, td *, header *, footer *")].filter((e) => {
      const r = e.getBoundingClientRect();
      return r.width > 1 && (r.right > right + 1 || r.left < left - 1) && !e.closest("svg, .vh, .onfocus, thead");
    }).slice(0, 2).map((e) => e.outerHTML.slice(0, 200));
  });
}

/** The scheme changes colours and nothing else: in the dark the rules about colours are asked alone. */
const inScheme = { light: undefined, dark: ["color-contrast", "link-in-text-block"] };

export async function look(page, name) {
  if (process.env.SALLYPORT_LOOK === "no" || (process.env.SALLYPORT_LOOK && !new RegExp(process.env.SALLYPORT_LOOK).test(name))) return; // to come to a later step sooner; a pattern: of these pages only

  const checker = await axeOn(page);
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const [colorScheme, rules] of Object.entries(inScheme)) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth ? []
        : [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth).slice(-3).map((e) => e.outerHTML.slice(0, 200)));
      assert.deepEqual(beyond, [], `${name} at ${size} px is too wide`);
      assert.deepEqual(await page.evaluate(cut), [], `${name} at ${size} px: cut off by its frame`);
      if (shots) await page.screenshot({ path: `${shots}/${name}-${size}-${colorScheme}.png` });
      if (size !== "1024") assert.deepEqual(await checker.run(rules), [], `axe on ${name}, ${size} px, ${colorScheme}`);
    }
  }
  await checker.end();
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light" });
}
