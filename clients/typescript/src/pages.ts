/** Lists are read page by page: this gives their items one after the other. */
import { ok, type Answer } from "./problems.js";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

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
