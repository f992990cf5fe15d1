/** What is thrown when the service refuses, or does not answer. */
import type { ProblemSlug } from "./generated/document.js";
import type { components } from "./generated/schema.js";

export type { ProblemSlug };

export type Problem = components["schemas"]["ProblemDetails"];

/** One place of the request that is wrong: a JSON pointer (RFC 6901), and what is wrong there. */
export type Fault = NonNullable<Problem["errors"]>[number];

/** Base of all errors of this package. */
export class HeliodeskError extends Error {
  override name = "HeliodeskError";
}

/** There was no answer, so what was asked for may have been done or not; `cause` is the error of `fetch`. */
export class ConnectionFailed extends HeliodeskError {
  override name = "ConnectionFailed";
}

/** There was no answer in time. */
export class TimedOut extends ConnectionFailed {
  override name = "TimedOut";
}

/** The service refused (RFC 9457). */
export class ProblemError extends HeliodeskError {
  override name = "ProblemError";
  readonly status: number;
  /**
   * The kind of problem, which never changes its meaning: `not-found`, `invalid-input`. Empty for an answer that is not
   * the service's own, such as a proxy's page; a later version of the service may have further ones.
   */
  readonly slug: ProblemSlug | (string & {});
  readonly detail: string | undefined;
  readonly faults: readonly Fault[];
  /** By which the service's log is searched. */
  readonly requestId: string | null;
  /** How many seconds the service asks callers to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly response: Response,
    readonly problem: Partial<Problem>,
  ) {
    const faults = problem.errors ?? [];
    const places = faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ");
    const title = problem.title ?? response.statusText;
    const requestId = response.headers.get("x-request-id");
    const said = `${response.status} ${[title, problem.detail, places].filter(Boolean).join(": ")}`;
    super(requestId ? `${said} (${requestId})` : said);
    this.status = response.status;
    this.slug = (problem.type ?? "").split("/").at(-1) ?? "";
    this.detail = problem.detail ?? undefined;
    this.faults = faults;
    this.requestId = requestId;
    this.retryAfter = secondsToWait(response);
  }
}

/** The seconds that `Retry-After` asks for, written as such or as a date (RFC 9110, 10.2.3). */
export function secondsToWait(response: Response): number | undefined {
  const text = response.headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(text)) {
    return Number(text);
  }
  const until = Date.parse(text);
  return Number.isNaN(until) ? undefined : Math.max((until - Date.now()) / 1000, 0);
}

export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What an operation answers; throws `ProblemError` where that is a problem. `await ok(desk.GET(...))` */
export async function ok<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) {
    throw new ProblemError(response, typeof error === "object" && error !== null ? error : {});
  }
  return data as T;
}
