// Signs as the service does, by the specification's own library.
import { readFileSync } from "node:fs";
import { Webhook as Standard } from "standardwebhooks";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

interface Document {
  webhooks: Record<string, { post: { requestBody: { content: { "application/json": { example: unknown } } } } }>;
}

const source = new URL("../../../../openapi/openapi.json", import.meta.url);
const { webhooks } = JSON.parse(readFileSync(source, "utf8")) as Document;

/** The document's example of an event. */
export function example(type: string): unknown {
  return webhooks[type]?.post.requestBody.content["application/json"].example;
}

/** The body and the headers of a message that was sent `age` seconds ago. */
export function signed(
  event: unknown,
  { secrets = [SECRET], age = 0 } = {},
): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify(event);
  const at = new Date(Math.floor(Date.now() / 1000 - age) * 1000);
  const headers = {
    "Webhook-Id": "evt_1",
    "Webhook-Timestamp": String(at.getTime() / 1000),
    "Webhook-Signature": secrets.map((secret) => new Standard(secret).sign("evt_1", at, body)).join(" "),
  };
  return { body, headers };
}
