// Bundles one module of src/ and imports it, so that tests run what the console runs.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

export async function load(path) {
  const made = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${path}`, import.meta.url))],
    bundle: true, write: false, format: "esm", platform: "neutral", mainFields: ["module", "main"],
    jsx: "automatic", jsxImportSource: "preact", logLevel: "silent",
  });
  return import(`data:text/javascript;base64,${Buffer.from(made.outputFiles[0].contents).toString("base64")}`);
}
