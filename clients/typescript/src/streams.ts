/** The feed as server-sent events: events as they happen, over one connection, which is opened again when it breaks. */
import { createParser } from "eventsource-parser";
import type { Client } from "openapi-fetch";
import type { components, paths } from "./generated/schema.js";
import { ConnectionFailed, ok } from "./problems.js";
import { pause } from "./retrying.js";

export type FeedEvent = components["schemas"]["FeedEvent"];

type Query = NonNullable<paths["/v1/events/stream"]["get"]["parameters"]["query"]>;

export interface StreamOptions extends Pick<Query, "types" | "account_id" | "ticket_id" | "sandbox"> {
  /**
   * The `cursor` of the last event that you are done with; `latest` begins with what happens from this moment on. Without
   * it, the oldest event that is kept comes first.
   */
  after?: string;
  /** Ends the stream: the loop throws its reason. Leaving the loop ends the stream too. */
  signal?: AbortSignal;
}

/** Milliseconds without a word after which a stream counts as broken: the service says something every 15 seconds. */
const SILENCE = 45_000;
/** Milliseconds before a stream that ended is opened again, unless the service says otherwise. */
const PAUSE = 1_000;

/** One reader's place in the feed, over all the streams that it takes to follow it. */
interface Place {
  cursor: string | undefined;
  /** Milliseconds to wait before the next stream. */
  pause: number;
}

/**
 * The events of the feed for ever, each exactly once: `for await (const event of streamEvents(desk, { ticket_id }))`.
 *
 * A stream that breaks off is opened again behind the last event, as often as that takes, by `desk`'s retries each time.
 * What it throws is what an operation of `desk` throws: a key that was revoked, a place that is no longer kept (410).
 */
export async function* streamEvents(
  desk: Client<paths>,
  { after, signal = new AbortController().signal, ...query }: StreamOptions = {},
): AsyncGenerator<FeedEvent, never> {
  const place: Place = { cursor: undefined, pause: PAUSE };
  const start = after === undefined ? query : { ...query, after };
  for (;;) {
    yield* oneStream(desk, start, place, signal);
    await pause(place.pause, signal);
  }
}

/** The events of one stream, until it ends or breaks off. */
async function* oneStream(
  desk: Client<paths>,
  query: Query,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent> {
  const ended = new AbortController();
  const header = place.cursor === undefined ? {} : { "last-event-id": place.cursor };
  const asked = desk.GET("/v1/events/stream", {
    params: { query, header },
    headers: { Accept: "text/event-stream", "Cache-Control": "no-store" },
    parseAs: "stream",
    signal: AbortSignal.any([signal, ended.signal]),
  });
  try {
    const body = await ok(asked);
    if (body) {
      yield* events(body, place, ended);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BrokenOff)) {
      throw error;
    }
  } finally {
    ended.abort();
  }
}

/** What has begun to arrive came to no end in order. */
class BrokenOff extends ConnectionFailed {
  override name = "BrokenOff";
}

async function* events(
  body: ReadableStream<Uint8Array>,
  place: Place,
  ended: AbortController,
): AsyncGenerator<FeedEvent> {
  const heard: { cursor: string; event?: FeedEvent }[] = [];
  const parser = createParser({
    onEvent: ({ data, id: cursor = "" }) => heard.push({ cursor, event: { ...(JSON.parse(data) as FeedEvent), cursor } }),
    onComment: (said) => {
      const [, cursor] = /^cursor (\S+)$/.exec(said) ?? [];
      if (cursor) {
        heard.push({ cursor });
      }
    },
    onRetry: (milliseconds) => (place.pause = milliseconds),
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await inTime(reader.read(), ended);
    if (done) {
      return;
    }
    parser.feed(decoder.decode(value, { stream: true }));
    for (const { cursor, event } of heard.splice(0)) {
      place.cursor = cursor;
      if (event) {
        yield event;
      }
    }
  }
}

/** What is read, unless it breaks off or takes too long: then the stream is ended. */
async function inTime<T>(reading: Promise<T>, ended: AbortController): Promise<T> {
  const timer = setTimeout(() => ended.abort(), SILENCE);
  try {
    return await reading;
  } catch (cause) {
    throw new BrokenOff("The stream broke off", { cause });
  } finally {
    clearTimeout(timer);
  }
}
