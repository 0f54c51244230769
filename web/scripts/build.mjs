// Bundles the console into dist/: one script and one style sheet with content hashes in their
// names, and index.html that names them.
// Fails above the size that the design allows for a first load.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_GZIP_BYTES_MAX = 120 * 1024;
const root = fileURLToPath(new URL("..", import.meta.url));
const out = process.argv[2] ?? `${root}dist`;

const bundle = await build({
  entryPoints: [`${root}src/app.tsx`],
  bundle: true,
  write: false,
  minify: true,
  format: "esm",
  target: ["chrome119", "firefox128", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});

const hashed = (bytes, stem, ending) =>
  `${stem}-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.${ending}`;

const script = Buffer.from(bundle.outputFiles[0].contents);
const styles = Buffer.concat(["tokens", "app", "console"].map((name) => readFileSync(`${root}src/${name}.css`)));
const names = { script: hashed(script, "console", "js"), style: hashed(styles, "console", "css") };
const page = readFileSync(`${root}src/index.html`, "utf8")
  .replace("{script}", `/assets/${names.script}`).replace("{style}", `/assets/${names.style}`);

rmSync(out, { recursive: true, force: true });
mkdirSync(`${out}/assets`, { recursive: true });
writeFileSync(`${out}/assets/${names.script}`, script);
writeFileSync(`${out}/assets/${names.style}`, styles);
writeFileSync(`${out}/index.html`, page);

const total = [script, styles, Buffer.from(page)].reduce((sum, b) => sum + gzipSync(b, { level: 9 }).length, 0);
console.log(`console: ${(total / 1024).toFixed(1)} KiB gzip at first load`);
if (total > FIRST_LOAD_GZIP_BYTES_MAX) {
  console.error(`console: more than ${FIRST_LOAD_GZIP_BYTES_MAX / 1024} KiB`);
  process.exit(1);
}
