// Against a running service: HELIODESK_URL, and the key of an account's owner in HELIODESK_KEY.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionFailed, ProblemError, TimedOut, follow, heliodesk, items, ok } from "../src/index.js";

const url = process.env["HELIODESK_URL"] ?? "";
const key = process.env["HELIODESK_KEY"] ?? "";
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
    assert.ok(error instanceof ProblemError);
    assert.deepEqual([error.status, error.slug, error.faults[0]?.pointer], [422, "invalid-input", "/title"]);
    assert.match(error.requestId ?? "", /^req_/);
    return true;
  });
});

test("the feed is followed", async () => {
  const { id } = await ok(desk.POST("/v1/tickets", { body }));
  const timeline = await ok(desk.GET("/v1/tickets/{ticket_id}/timeline", { params: { path: { ticket_id: id } } }));
  const mine = { ticket_id: id, limit: 1 };
  let sequence = 0;
  for await (const event of follow((page) => desk.GET("/v1/events", { params: { query: { ...mine, ...page } } }))) {
    assert.equal(event.sequence, ++sequence);
    if (sequence === timeline.items.length) {
      break;
    }
  }
});

test("a client has its own headers", async () => {
  const polish = heliodesk({ url, key, headers: { "Accept-Language": "pl" } });
  const path = { ticket_id: "tkt_01k9z3v5q8e9rbn3wz4m6t7y2a" };
  await assert.rejects(ok(polish.GET("/v1/tickets/{ticket_id}", { params: { path } })), /Nie ma takiego zasobu/);
});

type Outcome = number | Error;

/** Answers with these statuses, or throws these errors, one after the other, and then succeeds. */
function failing(...outcomes: Outcome[]): { sent: Request[]; fetch: (request: Request) => Promise<Response> } {
  const sent: Request[] = [];
  return {
    sent,
    fetch: async (request) => {
      const outcome = outcomes[sent.push(request) - 1] ?? 200;
      if (typeof outcome !== "number") {
        throw outcome;
      }
      const slug = outcome === 409 ? "request-in-flight" : "unavailable";
      return Response.json(outcome === 200 ? { id: "tkt_1" } : { type: `/problems/${slug}` }, { status: outcome });
    },
  };
}

const hasty = (fetch: (request: Request) => Promise<Response>) =>
  heliodesk({ url: "https://desk.example", key, fetch, retries: { firstWait: 1 } });
const broken = new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
const unreached = new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
const removal = { params: { path: { endpoint_id: "whk" } } };

test("what passes is tried again with the same key", async () => {
  for (const passing of [408, 409, 429, 500, 502, 503, 504, broken, unreached]) {
    const { sent, fetch } = failing(passing, passing);
    assert.equal((await ok(hasty(fetch).POST("/v1/tickets", { body }))).id, "tkt_1");
    assert.equal(sent.length, 3);
    assert.equal(new Set(sent.map((request) => request.headers.get("Idempotency-Key"))).size, 1);
  }
});

test("what was not done is tried again whatever it is", async () => {
  for (const passing of [429, unreached]) {
    const { sent, fetch } = failing(passing);
    await ok(hasty(fetch).DELETE("/v1/webhooks/{endpoint_id}", removal));
    assert.equal(sent.length, 2);
  }
});

test("what may have been done is sent once, and a refusal too", async () => {
  const remove = (one: typeof desk) => ok(one.DELETE("/v1/webhooks/{endpoint_id}", removal));
  const open = (one: typeof desk) => ok(one.POST("/v1/tickets", { body }));
  const cases = [
    [503, remove, ProblemError],
    [broken, remove, ConnectionFailed],
    [422, open, ProblemError],
  ] as const;
  for (const [outcome, ask, error] of cases) {
    const { sent, fetch } = failing(outcome);
    await assert.rejects(ask(hasty(fetch)), error);
    assert.equal(sent.length, 1);
  }
});

test("the wait that the service asks for is obeyed, and told where it is too long", async () => {
  for (const [said, attempts] of [["0", 4], [new Date(0).toUTCString(), 4], ["60", 1]] as const) {
    let sent = 0;
    const refuse = async (): Promise<Response> => {
      sent++;
      return Response.json({ type: "/problems/too-many-requests" }, { status: 429, headers: { "Retry-After": said } });
    };
    const asked = ok(heliodesk({ url, key, fetch: refuse, retries: { longestWait: 2_000 } }).GET("/v1/tickets"));
    await assert.rejects(asked, (error) => error instanceof ProblemError && error.retryAfter === (Number(said) || 0));
    assert.equal(sent, attempts);
  }
});

test("an attempt has a timeout, and the caller may abort them all", async () => {
  let sent = 0;
  const silent = (request: Request): Promise<Response> => {
    sent++;
    return new Promise((_, fail) => {
      request.signal.addEventListener("abort", () => fail(request.signal.reason as Error));
    });
  };
  const patient = heliodesk({ url, key, fetch: silent, timeout: 5, retries: { attempts: 2, firstWait: 1 } });
  await assert.rejects(patient.GET("/v1/tickets"), TimedOut);
  assert.equal(sent, 2);
  const late = heliodesk({ url, key, fetch: silent }).GET("/v1/tickets", { signal: AbortSignal.timeout(5) });
  await assert.rejects(late, { name: "TimeoutError" });
  assert.equal(sent, 3);
});
