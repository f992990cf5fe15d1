/** Verifies webhooks by Standard Webhooks 1.0.0. */
import { Webhook as Standard, WebhookVerificationError } from "standardwebhooks";
import type { webhooks } from "./generated/schema.js";

/** Any event, told apart by its `type`. */
export type WebhookEvent = {
  [Type in keyof webhooks]: webhooks[Type]["post"]["requestBody"]["content"]["application/json"];
}[keyof webhooks];

export { WebhookVerificationError as InvalidSignature };

/** What an endpoint's secret (`whsec_...`) verifies. */
export class Webhook {
  readonly #standard: Standard;

  constructor(secret: string) {
    this.#standard = new Standard(secret);
  }

  /**
   * The event in a raw request body; throws `InvalidSignature` where it was not signed, or more than 5 minutes ago.
   * Drop an event whose `id` has been seen: each may come more than once.
   */
  verify(body: string, headers: Headers | Record<string, string>): WebhookEvent {
    const plain = headers instanceof Headers ? Object.fromEntries(headers) : headers;
    return this.#standard.verify(body, plain) as WebhookEvent;
  }
}
