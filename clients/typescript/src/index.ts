/** A client of Heliodesk: every operation typed, by openapi-fetch. */
import createClient, { type Client } from "openapi-fetch";
import { repeatable } from "./generated/repeatable.js";
import type { paths } from "./generated/schema.js";
import { retrying, type Retries } from "./retrying.js";

export type { components, operations, paths } from "./generated/schema.js";
export { HeliodeskError, ok, type Fault } from "./problems.js";
export { items } from "./pages.js";
export { type Retries } from "./retrying.js";
export { Webhook, InvalidSignature, type WebhookEvent } from "./webhooks.js";

export interface Options {
  /** Where the service is, like `https://support.example.com`. */
  url: string;
  /** An API key. */
  key: string;
  /** How often what can be repeated safely is tried; `{ attempts: 1 }` turns it off. */
  retries?: Partial<Retries>;
  /** What sends, instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

export type Heliodesk = Client<paths>;

/** `heliodesk({ url, key }).POST("/v1/tickets", { body })`; see `ok` for what to do with its answer. */
export function heliodesk({ url, key, retries = {}, fetch = globalThis.fetch }: Options): Heliodesk {
  const client = createClient<paths>({
    baseUrl: url.replace(/\/$/, ""),
    headers: { Authorization: `Bearer ${key}` },
    fetch: retrying(fetch, retries),
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
