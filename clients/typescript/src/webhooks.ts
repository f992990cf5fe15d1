/** Verifies webhooks by Standard Webhooks 1.0.0, with Web Crypto: in Node, Deno, Bun, browsers and workers alike. */
import type { webhooks } from "./generated/schema.js";
import { HeliodeskError } from "./problems.js";

/** Any event, told apart by its `type`. A later version of the service may send further types. */
export type WebhookEvent = {
  [Type in keyof webhooks]: webhooks[Type]["post"]["requestBody"]["content"]["application/json"];
}[keyof webhooks];

/** A request's headers: those of `fetch`, or an object, whatever the case of its names. */
export type RequestHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebhookOptions {
  /** How many seconds old, or ahead of this clock, a message may be; 300. */
  tolerance?: number;
}

/** Nobody who knows the secret sent this, or it was sent too long ago. Answer 400. */
export class InvalidSignature extends HeliodeskError {
  override name = "InvalidSignature";
}

const PREFIX = "whsec_";
const VERSION = "v1";

/**
 * What the secret of an endpoint (`whsec_...`) verifies, or several secrets.
 *
 * While a secret is rotated the service signs with both the old and the new one, so either is enough.
 */
export class Webhook {
  readonly #keys: readonly Uint8Array<ArrayBuffer>[];
  readonly #tolerance: number;

  constructor(secrets: string | readonly string[], { tolerance = 300 }: WebhookOptions = {}) {
    this.#keys = (typeof secrets === "string" ? [secrets] : secrets).map(decodeSecret);
    this.#tolerance = tolerance;
    if (this.#keys.length === 0) {
      throw new TypeError("A webhook is verified with at least one secret");
    }
  }

  /**
   * The event in a raw request body; throws `InvalidSignature`. An endpoint with a projection gets what that makes:
   * `verify<{ text: string }>(body, headers)`.
   *
   * Drop a message whose `webhook-id` you have seen: each may come more than once.
   */
  async verify<Body = WebhookEvent>(body: string | Uint8Array, headers: RequestHeaders): Promise<Body> {
    const [id, sentAt, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => {
      const value = field(headers, name);
      if (!value) {
        throw new InvalidSignature(`The request has no ${name}`);
      }
      return value;
    }) as [string, string, string];
    this.#checkAge(sentAt);
    const raw = typeof body === "string" ? new TextEncoder().encode(body) : body;
    if (!(await this.#isSigned(joined(new TextEncoder().encode(`${id}.${sentAt}.`), raw), signatures))) {
      throw new InvalidSignature("No signature fits");
    }
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw)) as Body;
    } catch (cause) {
      throw new InvalidSignature("The body is not JSON", { cause });
    }
  }

  #checkAge(sentAt: string): void {
    if (!/^\d{1,15}$/.test(sentAt)) {
      throw new InvalidSignature("The timestamp is not a number of seconds");
    }
    const age = Date.now() / 1000 - Number(sentAt);
    if (Math.abs(age) > this.#tolerance) {
      throw new InvalidSignature(`The message is ${Math.round(age)} s old; ${this.#tolerance} s are tolerated`);
    }
  }

  async #isSigned(content: Uint8Array<ArrayBuffer>, signatures: string): Promise<boolean> {
    const given = signatures
      .split(" ")
      .filter((each) => each.startsWith(`${VERSION},`))
      .map((each) => decodeBase64(each.slice(VERSION.length + 1)));
    for (const bytes of this.#keys) {
      const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
      for (const signature of given) {
        if (signature && (await crypto.subtle.verify("HMAC", key, signature, content))) {
          return true;
        }
      }
    }
    return false;
  }
}

function field(headers: RequestHeaders, name: string): string | undefined {
  if (headers instanceof Headers) {
    return headers.get(name) ?? undefined;
  }
  const value = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1];
  return typeof value === "string" ? value : value?.join(" ");
}

function decodeSecret(secret: string): Uint8Array<ArrayBuffer> {
  const key = decodeBase64(secret.trim().replace(PREFIX, ""));
  if (!key?.length) {
    throw new TypeError("The secret of a webhook is whsec_ and base64");
  }
  return key;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
