/**
 * How requests are sent, and when they are sent again.
 *
 * A GET, and what has an `Idempotency-Key`, can be repeated safely: they are sent again after 500, 502, 503, 504, after a
 * 409 that says that the first request is still running, and after a connection that broke. Any request is sent again
 * after 408 and 429 and when no connection was made, since nothing was done.
 */
import { ConnectionFailed, TimedOut, secondsToWait } from "./problems.js";

/**
 * The waits double from `firstWait` up to `longestWait` and are shortened by chance, so that many clients do not come back
 * at once. `Retry-After` is obeyed; a request that would have to wait longer than `longestWait` fails.
 */
export interface Retries {
  /** How often a request is tried at most: 4. */
  attempts: number;
  /** Milliseconds to wait at first: 500. */
  firstWait: number;
  /** Milliseconds to wait at most: 30,000. */
  longestWait: number;
}

export type Send = (request: Request) => Promise<Response>;

const NOT_DONE: ReadonlySet<number> = new Set([408, 429]);
const PASSING: ReadonlySet<number> = new Set([500, 502, 503, 504]);
const CONFLICT = 409;
/** What Node says of a connection that was not made. */
const NOT_SENT: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/** `send` with retries; `timeout` is how many milliseconds each attempt has until its answer begins. */
export function retrying(send: Send, given: Partial<Retries>, timeout: number): Send {
  const retries: Retries = { attempts: 4, firstWait: 500, longestWait: 30_000, ...given };
  return async (request) => {
    const repeatable = request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
    for (let attempt = 1; ; attempt++) {
      const outcome = await sent(send, request, timeout);
      const again = attempt < retries.attempts && (await mayBeSentAgain(outcome, repeatable));
      const wait = again ? waitAfter(outcome, attempt, retries) : undefined;
      if (wait === undefined) {
        if (outcome instanceof Response) {
          return outcome;
        }
        throw outcome;
      }
      if (outcome instanceof Response) {
        await outcome.body?.cancel(); // so that its connection is free
      }
      await pause(wait, request.signal);
    }
  };
}

/** The answer, or that there was none; throws the reason when the caller has aborted the request. */
async function sent(send: Send, request: Request, timeout: number): Promise<Response | ConnectionFailed> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeout);
  const signal = AbortSignal.any([request.signal, late.signal]);
  try {
    return await send(new Request(request.clone(), { signal }));
  } catch (cause) {
    request.signal.throwIfAborted();
    return late.signal.aborted
      ? new TimedOut(`No answer in ${timeout} ms`, { cause })
      : new ConnectionFailed(`No answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

async function mayBeSentAgain(outcome: Response | ConnectionFailed, repeatable: boolean): Promise<boolean> {
  if (outcome instanceof Response) {
    const passes = PASSING.has(outcome.status) || (await isInFlight(outcome));
    return NOT_DONE.has(outcome.status) || (repeatable && passes);
  }
  const cause = outcome.cause as { cause?: { code?: unknown } } | undefined;
  return repeatable || NOT_SENT.has(cause?.cause?.code);
}

async function isInFlight(response: Response): Promise<boolean> {
  if (response.status !== CONFLICT) {
    return false;
  }
  const problem: unknown = await response.clone().json().catch(() => null);
  return (problem as { type?: string } | null)?.type === "/problems/request-in-flight";
}

/** Milliseconds; undefined when the service asks for a longer wait than there may be. */
function waitAfter(outcome: Response | ConnectionFailed, attempt: number, retries: Retries): number | undefined {
  const asked = outcome instanceof Response ? secondsToWait(outcome) : undefined;
  if (asked !== undefined) {
    return asked * 1000 <= retries.longestWait ? asked * 1000 : undefined;
  }
  const usual = Math.min(retries.firstWait * 2 ** (attempt - 1), retries.longestWait);
  return usual * (0.5 + Math.random() / 2);
}

/** Waits; throws the signal's reason when it is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    signal.throwIfAborted();
    const abort = (): void => {
      clearTimeout(timer);
      fail(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      done();
    }, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
  });
}
