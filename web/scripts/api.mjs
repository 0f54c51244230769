// Makes src/api.ts from broker/api/openapi.yaml. With --check it writes nothing and fails when the
// file on disk differs, so that the contract and the console can't drift apart.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const source = fileURLToPath(new URL("../../broker/api/openapi.yaml", import.meta.url));
const target = fileURLToPath(new URL("../src/api.ts", import.meta.url));
const methods = ["get", "post", "put", "delete"];

export function generate(text) {
  const doc = parse(text);
  const at = (ref) => ref.slice(2).split("/").reduce((o, k) => o[k.replaceAll("~1", "/")], doc);
  const deref = (x) => (x.$ref ? at(x.$ref) : x);
  const quote = (s) => JSON.stringify(s);
  const member = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name));

  function type(schema, depth) {
    if (schema.$ref) return schema.$ref.split("/").at(-1);
    if (schema.enum) return schema.enum.map(quote).join(" | ");
    const any = schema.anyOf ?? schema.oneOf;
    if (any) return any.map((s) => type(s, depth)).join(" | ");
    const kinds = [schema.type].flat();
    return kinds.map((kind) => one(kind, schema, depth)).join(" | ");
  }

  function one(kind, schema, depth) {
    switch (kind) {
      case "null": return "null";
      case "string": return "string";
      case "boolean": return "boolean";
      case "integer": case "number": return "number";
      case "array": return `Array<${type(schema.items, depth)}>`;
      case "object": return object(schema, depth);
      default: throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
    }
  }

  function object(schema, depth) {
    const pad = "  ".repeat(depth + 1);
    const required = new Set(schema.required ?? []);
    const lines = Object.entries(schema.properties ?? {}).map(([name, s]) => {
      const doc = s.description ? `${pad}/** ${s.description} */\n` : "";
      return `${doc}${pad}${member(name)}${required.has(name) ? "" : "?"}: ${type(s, depth + 1)};\n`;
    });
    if (!lines.length) {
      const values = schema.additionalProperties;
      return values && values !== true ? `Record<string, ${type(values, depth)}>` : "Record<string, unknown>";
    }
    return `{\n${lines.join("")}${"  ".repeat(depth)}}`;
  }

  function parameters(list, where) {
    const found = list.map(deref).filter((p) => p.in === where);
    if (!found.length) return "undefined";
    return `{ ${found.map((p) => `${member(p.name)}${p.required ? "" : "?"}: ${type(p.schema, 0)}`).join("; ")} }`;
  }

  const json = (content) => (content?.["application/json"] ? type(content["application/json"].schema, 1) : "undefined");

  let out = "// Made from broker/api/openapi.yaml by scripts/api.mjs (npm run api). Do not edit.\n\n";
  for (const [name, schema] of Object.entries(doc.components.schemas)) {
    const text = type(schema, 0);
    out += schema.type === "object" && schema.properties
      ? `export interface ${name} ${text}\n\n` : `export type ${name} = ${text};\n\n`;
  }

  const table = [], types = [];
  for (const [path, item] of Object.entries(doc.paths))
    for (const method of methods) {
      const op = item[method];
      if (!op || op["x-websocket"]) continue;
      const list = [...(item.parameters ?? []), ...(op.parameters ?? [])];
      const ok = Object.entries(op.responses).find(([status]) => status.startsWith("2"))[1];
      const auth = op["x-auth"];
      table.push(`  ${op.operationId}: { method: ${quote(method.toUpperCase())}, path: ${quote(path)}, role: ${quote(auth.role)} },\n`);
      types.push(`  ${op.operationId}: {\n    path: ${parameters(list, "path")};\n    query: ${parameters(list, "query")};\n` +
        `    body: ${op.requestBody ? json(op.requestBody.content) : "undefined"};\n    ok: ${json(ok.content)};\n  };\n`);
    }
  return `${out}export const operations = {\n${table.join("")}} as const;\n\nexport interface Operations {\n${types.join("")}}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const made = generate(readFileSync(source, "utf8"));
  if (process.argv.includes("--check")) {
    if (readFileSync(target, "utf8") !== made) {
      console.error("web/src/api.ts is not what broker/api/openapi.yaml says. Run: npm run api");
      process.exit(1);
    }
  } else writeFileSync(target, made);
}
