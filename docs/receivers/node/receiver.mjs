// A receiver of Heliodesk's webhooks: verifies, answers at once, drops repeats, minds the order of a ticket's events.
//
//   npm ci
//   WEBHOOK_SECRET=whsec_... PORT=9000 npm start

import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const MAX_BODY = 64 * 1024; // an event is under 20 KB
const REMEMBERED = 10_000;

// A mapping that forgets what was set longest ago. In production this is a table: store the message, with its id as the
// unique key, before you answer, because what is answered with 2xx is not sent again.
class Latest {
  #kept = new Map();

  // Set the number, unless there is the same or a higher one already: then false.
  raiseTo(key, number) {
    if ((this.#kept.get(key) ?? -1) >= number) return false;
    this.#kept.delete(key);
    this.#kept.set(key, number);
    if (this.#kept.size > REMEMBERED) this.#kept.delete(this.#kept.keys().next().value);
    return true;
  }
}

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const messages = new Latest();
const tickets = new Latest();

// The body as it came: one that was parsed and written again has another signature. null: it is too large.
async function rawBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function receive(request) {
  if (request.method !== "POST") return 405;
  const body = await rawBody(request);
  if (body === null) return 413;
  let event;
  try {
    event = webhook.verify(body, request.headers);
  } catch {
    return 400; // the signature, its age, or JSON
  }
  // A message that came before gets 2xx again, and nothing else.
  if (messages.raiseTo(request.headers["webhook-id"], 0)) setImmediate(handle, event);
  return 204;
}

// What you do with an event. First attempts at a ticket's events come in the order of `sequence`, but what is sent again
// comes later: take such an event as history, and do not let it set what is true now.
function handle(event) {
  const late = event.ticket_id !== null && !tickets.raiseTo(event.ticket_id, event.sequence);
  console.log(JSON.stringify({ accepted: event.id, type: event.type, ticket: event.ticket_id, late }));
}

const server = createServer(async (request, response) => {
  const status = await receive(request).catch(() => 400);
  response.writeHead(status, status === 413 ? { connection: "close" } : {}).end();
});
server.requestTimeout = 10_000;

// On loopback, behind a proxy that has the certificate.
server.listen(Number(process.env.PORT ?? 9000), "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: server.address().port }));
});
