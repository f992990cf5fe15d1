// Against a running service: HELIODESK_URL, and the key of an account's owner in ACCOUNT_KEY.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Webhook as Standard } from "standardwebhooks";
import { HeliodeskError, InvalidSignature, Webhook, heliodesk, items, ok } from "../src/index.js";

const url = process.env["HELIODESK_URL"] ?? "";
const key = process.env["ACCOUNT_KEY"] ?? "";
const desk = heliodesk({ url, key });
const body = {
  title: "Checkout is down",
  description: "Every payment fails.",
  channel: "web" as const,
  requester: { name: "Ana Ruiz", email: "ana@example.com" },
};

test("a ticket is opened, found and told of", async () => {
  const ticket = await ok(desk.POST("/v1/tickets", { body }));
  const path = { ticket_id: ticket.id };
  assert.equal((await ok(desk.GET("/v1/tickets/{ticket_id}", { params: { path } }))).title, body.title);
  const told = await ok(desk.GET("/v1/tickets/{ticket_id}/timeline", { params: { path } }));
  assert.equal(told.items[0]?.type, "ticket.opened");
});

test("the same Idempotency-Key opens one ticket", async () => {
  const params = { header: { "Idempotency-Key": `order-${crypto.randomUUID()}` } };
  const [first, second] = await Promise.all([1, 2].map(() => ok(desk.POST("/v1/tickets", { body, params }))));
  assert.equal(first?.id, second?.id);
});

test("a list is read over its pages", async () => {
  for (let number = 0; number < 3; number++) {
    await ok(desk.POST("/v1/tickets", { body }));
  }
  const found = new Set<string>();
  for await (const ticket of items((page) => desk.GET("/v1/tickets", { params: { query: { limit: 2, ...page } } }))) {
    assert.ok(!found.has(ticket.id));
    found.add(ticket.id);
  }
  assert.ok(found.size >= 3);
});

test("a problem is thrown with its place", async () => {
  const asked = ok(desk.POST("/v1/tickets", { body: { ...body, title: "" } }));
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof HeliodeskError);
    assert.deepEqual([error.status, error.slug, error.faults[0]?.pointer], [422, "invalid-input", "/title"]);
    assert.match(error.requestId ?? "", /^req_/);
    return true;
  });
});

function failing(...statuses: number[]): { sent: Request[]; fetch: (request: Request) => Promise<Response> } {
  const sent: Request[] = [];
  return {
    sent,
    fetch: async (request) => {
      sent.push(request);
      const status = statuses[sent.length - 1] ?? 200;
      if (status === 0) {
        throw new TypeError("connection reset");
      }
      return Response.json(status === 200 ? { id: "tkt_1" } : { type: "/problems/unavailable" }, { status });
    },
  };
}

test("what passes is tried again with the same key", async () => {
  const { sent, fetch } = failing(503, 0);
  const patient = heliodesk({ url, key, fetch, retries: { first: 1 } });
  assert.equal((await ok(patient.POST("/v1/tickets", { body }))).id, "tkt_1");
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent.map((request) => request.headers.get("Idempotency-Key"))).size, 1);
});

test("what cannot be repeated safely is sent once, and a refusal too", async () => {
  for (const [status, ask] of [
    [503, (one: typeof desk) => one.DELETE("/v1/webhooks/{endpoint_id}", { params: { path: { endpoint_id: "whk" } } })],
    [422, (one: typeof desk) => one.POST("/v1/tickets", { body })],
  ] as const) {
    const { sent, fetch } = failing(status);
    await ask(heliodesk({ url, key, fetch, retries: { first: 1 } }));
    assert.equal(sent.length, 1);
  }
});

test("a webhook is verified, and what nobody signed refused", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const text = JSON.stringify({ id: "evt_1", type: "ticket.opened" });
  const at = new Date();
  const headers = {
    "webhook-id": "evt_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Standard(secret).sign("evt_1", at, text),
  };
  const event = new Webhook(secret).verify(text, new Headers(headers));
  assert.equal(event.type === "ticket.opened" && event.id, "evt_1");
  assert.throws(() => new Webhook(secret).verify(`${text} `, headers), InvalidSignature);
});
