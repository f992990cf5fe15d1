/**
 * Requests are sent again where that is safe: a GET, and what has an `Idempotency-Key`; after 429, 502, 503, 504, a 409
 * that says that the first request is still running, and a connection that broke. `Retry-After` is honoured.
 */
export interface Retries {
  /** How often a request is tried at most. */
  attempts: number;
  /** Milliseconds to wait at first; twice as long each time. */
  first: number;
  /** Milliseconds to wait at most. */
  longest: number;
}

type Send = (request: Request) => Promise<Response>;

const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const CONFLICT = 409;

export function retrying(send: Send, given: Partial<Retries>): Send {
  const retries: Retries = { attempts: 4, first: 500, longest: 30_000, ...given };
  return async (request) => {
    const safe = request.method === "GET" || request.method === "HEAD" || request.headers.has("Idempotency-Key");
    for (let attempt = 1; safe && attempt < retries.attempts; attempt++) {
      let response: Response | undefined;
      try {
        response = await send(request.clone());
        if (!(await passes(response))) {
          return response;
        }
      } catch (error) {
        if (request.signal.aborted) {
          throw error;
        }
      }
      await new Promise((done) => setTimeout(done, wait(retries, attempt, response)));
    }
    return send(request);
  };
}

async function passes(response: Response): Promise<boolean> {
  if (response.status === CONFLICT) {
    const problem: unknown = await response.clone().json().catch(() => null);
    return (problem as { type?: string } | null)?.type === "/problems/request-in-flight";
  }
  return PASSING.has(response.status);
}

function wait({ first, longest }: Retries, attempt: number, response: Response | undefined): number {
  const said = response?.headers.get("retry-after") ?? "";
  if (/^\d+$/.test(said)) {
    return Math.min(Number(said) * 1000, longest);
  }
  return Math.min(first * 2 ** (attempt - 1), longest) * (0.5 + Math.random() / 2);
}
