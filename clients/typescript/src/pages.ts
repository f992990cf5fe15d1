/** Lists and the feed of events are read page by page: these give what is on the pages, one after the other. */
import { ok, type Answer } from "./problems.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface FeedPage<T> {
  items: T[];
  next_cursor: string;
}

/** Seconds for which the service waits for an event before it answers with an empty page. */
const LONG_POLL = 20;

/** `for await (const ticket of items((page) => desk.GET("/v1/tickets", { params: { query: { ...page } } })))` */
export async function* items<T>(ask: (page: { cursor?: string }) => Promise<Answer<Page<T>>>): AsyncGenerator<T> {
  let place: { cursor?: string } = {};
  for (;;) {
    const page = await ok(ask(place));
    yield* page.items;
    if (page.next_cursor === null) {
      return;
    }
    place = { cursor: page.next_cursor };
  }
}

/**
 * The events of the feed for ever, as they happen:
 * `for await (const event of follow((page) => desk.GET("/v1/events", { params: { query: { ...page } } }), cursor))`
 *
 * Keep the `cursor` of the last event that you are done with, and begin there the next time; `latest` begins with what
 * happens from this moment on.
 */
export async function* follow<T>(
  ask: (page: { after?: string; wait: number }) => Promise<Answer<FeedPage<T>>>,
  after?: string,
): AsyncGenerator<T> {
  let place = after;
  for (;;) {
    const page = await ok(ask({ wait: LONG_POLL, ...(place === undefined ? {} : { after: place }) }));
    yield* page.items;
    place = page.next_cursor;
  }
}
