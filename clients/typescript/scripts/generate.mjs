// Writes src/generated of the OpenAPI document: the types, and which operations take an Idempotency-Key.
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
await writeFile(
  new URL("repeatable.ts", target),
  `/** Operations that take an Idempotency-Key. */\nexport const repeatable: ReadonlySet<string> = new Set(${JSON.stringify(repeatable, null, 2)});\n`,
);
