// Against a running service (HELIODESK_URL, HELIODESK_KEY), and against streams that break off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionFailed, ProblemError, heliodesk, ok, streamEvents, type FeedEvent } from "../src/index.js";
import { example } from "./signing.js";

const url = process.env["HELIODESK_URL"] ?? "";
const key = process.env["HELIODESK_KEY"] ?? "";
const desk = heliodesk({ url, key });

/** What a silent stream says: how far it has come. */
const ALIVE = ": cursor c9\nid: c9\n\n";

/** An event as the service sends it. */
function told(cursor: string): string {
  const event = { ...(example("deadline.missed") as object), id: `evt_${cursor}` };
  return `event: deadline.missed\ndata: ${JSON.stringify(event)}\nid: ${cursor}\n\n`;
}

/** A body that is cut off, or ends in order; it arrives in small pieces. */
function body(text: string, cut: boolean): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent < bytes.length) {
        controller.enqueue(bytes.slice(sent, (sent += 100)));
      } else if (cut) {
        controller.error(new TypeError("terminated"));
      } else {
        controller.close();
      }
    },
  });
}

type Reply = { text: string; cut?: boolean } | number | Error;

/** Answers with these streams, statuses or errors, one after the other; `places` are where it was asked to go on. */
function service(...replies: Reply[]) {
  const places: (string | null)[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    assert.equal(new URL(request.url).pathname, "/v1/events/stream");
    assert.equal(request.headers.get("accept"), "text/event-stream");
    const reply = replies[places.push(request.headers.get("last-event-id")) - 1] ?? 401;
    if (reply instanceof Error) {
      throw reply;
    }
    if (typeof reply === "number") {
      const slug = { 401: "unauthorized", 410: "cursor-gone" }[reply] ?? "unavailable";
      return Response.json({ type: `/problems/${slug}`, status: reply }, { status: reply });
    }
    const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
    return new Response(body(`retry: 1\n\n${reply.text}`, reply.cut ?? false), { headers });
  };
  return { places, desk: heliodesk({ url: "https://desk.example", key, fetch, retries: { firstWait: 1 } }) };
}

test("the events of a ticket are streamed", async () => {
  const requester = { name: "Ana Ruiz", email: "ana@example.com" };
  const opening = { title: "Checkout is down", description: "Every payment fails.", channel: "web" as const, requester };
  const { id: ticket_id } = await ok(desk.POST("/v1/tickets", { body: opening }));
  const seen: FeedEvent[] = [];
  for await (const event of streamEvents(desk, { ticket_id })) {
    if (seen.push(event) === 2) {
      break;
    }
  }
  assert.deepEqual(seen.map(({ sequence }) => sequence), [1, 2]);
  assert.equal(seen[0]?.type, "ticket.opened");
  for (const options of [{ after: seen[0]?.cursor ?? "" }, { types: ["deadline.*"] }]) {
    for await (const event of streamEvents(desk, { ticket_id, ...options })) {
      assert.equal(event.id, seen[1]?.id);
      break;
    }
  }
});

test("a place that is none is refused", async () => {
  await assert.rejects(streamEvents(desk, { after: "nowhere" }).next(), /cursor/);
});

const broken = new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });

test("a stream that breaks off goes on behind its last event", async () => {
  const { places, desk } = service(
    { text: `${told("c1")}${told("c2")}event: deadline.missed\ndata: {`, cut: true },
    broken,
    503,
    { text: told("c3") + ALIVE },
    { text: told("c10"), cut: true },
  );
  const cursors: string[] = [];
  for await (const { cursor } of streamEvents(desk, { types: ["deadline.*"] })) {
    if (cursors.push(cursor) === 4) {
      break;
    }
  }
  assert.deepEqual(cursors, ["c1", "c2", "c3", "c10"]);
  assert.deepEqual(places, [null, "c2", "c2", "c2", "c9"]);
});

test("a stream that cannot go on says why", async () => {
  const event = { text: told("c1"), cut: true };
  const cases = [
    [[event, 410], "cursor-gone", 2],
    [[401], "unauthorized", 1],
    [[event, 503, 503, 503, 503], "unavailable", 5],
    [[broken, broken, broken, broken], ConnectionFailed, 4],
  ] as const;
  for (const [replies, expected, asked] of cases) {
    const { places, desk } = service(...replies);
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { cursor } of streamEvents(desk)) {
        seen.push(cursor);
      }
    };
    await assert.rejects(read(), (error) =>
      typeof expected === "string"
        ? error instanceof ProblemError && error.slug === expected
        : error instanceof expected,
    );
    assert.equal(places.length, asked);
    assert.deepEqual(seen, replies.filter((reply) => reply === event).map(() => "c1"));
  }
});

test("a caller ends a stream, whether it speaks or waits to be opened again", async () => {
  const ends = new AbortController();
  const speaking = streamEvents(service({ text: told("c1") }).desk, { signal: ends.signal });
  await speaking.next();
  ends.abort(new Error("enough"));
  await assert.rejects(speaking.next(), /enough/);
  const live = streamEvents(desk, { after: "latest", signal: AbortSignal.timeout(50) });
  await assert.rejects(live.next(), { name: "TimeoutError" });
});
