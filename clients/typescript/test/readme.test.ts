// The README's program runs as it is written; like all here it was compiled strictly, with the types of Node alone.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { SECRET, example, signed } from "./signing.js";

test("what the README shows", async () => {
  process.env["WEBHOOK_SECRET"] = SECRET;
  const log = mock.method(console, "log", () => undefined);
  const { receive } = await import("./generated/readme.js");
  const printed = (): string => log.mock.calls.map((call) => call.arguments.join(" ")).join("\n");
  assert.match(printed(), /Checkout is down new/);
  assert.match(printed(), /There is no such ticket; req_/);
  assert.match(printed(), /^\d+ ticket.opened /m);

  const { body, headers } = signed(example("deadline.missed"));
  const message = (text: string): Request => new Request("https://here", { method: "POST", body: text, headers });
  assert.equal((await receive(message(body))).status, 204);
  assert.match(printed(), /missed first_response at 2026-11-20T20:45:00.000000Z/);
  assert.equal((await receive(message(`${body} `))).status, 400);
  log.mock.restore();
});
