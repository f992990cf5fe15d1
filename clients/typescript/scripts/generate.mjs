// Generates src/generated from the OpenAPI document: the types, which operations take an Idempotency-Key, and the slugs
// of all problems.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../openapi/openapi.json", import.meta.url);
const target = new URL("../src/generated/", import.meta.url);

const document = JSON.parse(await readFile(source, "utf8"));
const repeatable = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([, operation]) => operation.parameters?.some(({ name }) => name === "Idempotency-Key"))
    .map(([method]) => `${method.toUpperCase()} ${path}`),
);

await mkdir(target, { recursive: true });
await writeFile(new URL("schema.ts", target), astToString(await openapiTS(document)));
const slugs = Object.values(document.components.responses).flatMap(({ content }) =>
  Object.values(content).flatMap(({ examples }) => Object.keys(examples)),
);
const lines = [
  "/** Operations that take an Idempotency-Key. */",
  `export const repeatable: ReadonlySet<string> = new Set(${JSON.stringify(repeatable, null, 2)});`,
  "",
  "/** What the last part of a problem's `type` may be. */",
  `export type ProblemSlug = ${[...new Set(slugs)].sort().map((slug) => JSON.stringify(slug)).join(" | ")};`,
  "",
];
await writeFile(new URL("document.ts", target), lines.join("\n"));
