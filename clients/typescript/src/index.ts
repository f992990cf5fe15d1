/** A client of Heliodesk: every operation typed, by openapi-fetch. */
import createClient, { type Client } from "openapi-fetch";
import { repeatable } from "./generated/document.js";
import type { paths } from "./generated/schema.js";
import { retrying, type Retries, type Send } from "./retrying.js";

export type { components, operations, paths } from "./generated/schema.js";
export { follow, items, type FeedPage, type Page } from "./pages.js";
export {
  ConnectionFailed,
  HeliodeskError,
  ProblemError,
  TimedOut,
  ok,
  type Answer,
  type Fault,
  type Problem,
  type ProblemSlug,
} from "./problems.js";
export { type Retries } from "./retrying.js";
export { streamEvents, type FeedEvent, type StreamOptions } from "./streams.js";
export {
  InvalidSignature,
  Webhook,
  type RequestHeaders,
  type WebhookEvent,
  type WebhookOptions,
} from "./webhooks.js";

export interface Options {
  /** Where the service is, like `https://support.example.com`. */
  url: string;
  /** An API key. */
  key: string;
  /** How often a request is tried, and how long is waited in between; `{ attempts: 1 }` turns retries off. */
  retries?: Partial<Retries>;
  /** How many milliseconds each attempt has until its answer begins; 30,000. Use a `signal` to limit a whole call. */
  timeout?: number;
  /** Further headers of every request, such as `Accept-Language`. */
  headers?: Record<string, string>;
  /** What sends, instead of the global `fetch`. */
  fetch?: Send;
}

export type Heliodesk = Client<paths>;

/** `heliodesk({ url, key }).POST("/v1/tickets", { body })`; see `ok` for what to do with its answer. */
export function heliodesk({
  url,
  key,
  retries = {},
  timeout = 30_000,
  headers = {},
  fetch = (request) => globalThis.fetch(request),
}: Options): Heliodesk {
  const client = createClient<paths>({
    baseUrl: url.replace(/\/$/, ""),
    headers: { ...headers, Authorization: `Bearer ${key}` },
    fetch: retrying(fetch, retries, timeout),
  });
  client.use({
    onRequest({ request, schemaPath }) {
      if (repeatable.has(`${request.method} ${schemaPath}`) && !request.headers.has("Idempotency-Key")) {
        request.headers.set("Idempotency-Key", crypto.randomUUID());
      }
    },
  });
  return client;
}
