// Writes the README's program to test/generated/readme.ts, where it is compiled with the tests.
import { mkdir, readFile, writeFile } from "node:fs/promises";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const target = new URL("../test/generated/", import.meta.url);

await mkdir(target, { recursive: true });
await writeFile(
  new URL("readme.ts", target),
  [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, block]) => block).join("\n"),
);
