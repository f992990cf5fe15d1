// Messages as the service signs them, and messages that it did not sign.
import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidSignature, Webhook } from "../src/index.js";
import { OTHER, SECRET, example, signed } from "./signing.js";

test("an event is told apart by its type", async () => {
  const { body, headers } = signed(example("deadline.missed"));
  for (const each of [headers, new Headers(headers), { ...headers, "webhook-id": "evt_1", host: undefined, via: ["a"] }]) {
    const event = await new Webhook(SECRET).verify(body, each);
    assert.equal(event.type === "deadline.missed" && event.data.metric, "first_response");
  }
});

test("a secret is rotated", async () => {
  const { body, headers } = signed({ text: "a projection" }, { secrets: [OTHER, SECRET] });
  const bytes = new TextEncoder().encode(body);
  assert.equal((await new Webhook(SECRET).verify<{ text: string }>(bytes, headers)).text, "a projection");
  const alone = signed({}, { secrets: [SECRET] });
  assert.deepEqual(await new Webhook([OTHER, SECRET]).verify(alone.body, alone.headers), {});
});

test("the age is limited as you like", async () => {
  for (const age of [400, -400]) {
    const { body, headers } = signed({}, { age });
    assert.deepEqual(await new Webhook(SECRET, { tolerance: 500 }).verify(body, headers), {});
    await assert.rejects(new Webhook(SECRET).verify(body, headers), InvalidSignature);
  }
});

test("what nobody signed is refused", async () => {
  const { body, headers } = signed({});
  const theirs = signed({}, { secrets: [OTHER] }).headers;
  for (const spoilt of [
    { "Webhook-Signature": "" },
    { "Webhook-Signature": "v1" },
    { "Webhook-Signature": "v1,not base64 é" },
    { "Webhook-Signature": theirs["Webhook-Signature"] },
    { "Webhook-Signature": headers["Webhook-Signature"]?.replace("v1,", "v2,") },
    { "Webhook-Timestamp": "1e9" },
    { "Webhook-Timestamp": "-1" },
    { "Webhook-Id": "evt_2" },
  ]) {
    await assert.rejects(new Webhook(SECRET).verify(body, { ...headers, ...spoilt }), InvalidSignature);
  }
  for (const other of [`${body} `, "", new Uint8Array([255])]) {
    await assert.rejects(new Webhook(SECRET).verify(other, headers), InvalidSignature);
  }
});

test("a secret that is not one is refused at once", () => {
  for (const secrets of ["", "whsec_", "whsec_!", []]) {
    assert.throws(() => new Webhook(secrets), TypeError);
  }
});
