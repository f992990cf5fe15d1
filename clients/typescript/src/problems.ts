/** What is thrown for an answer that is a problem (RFC 9457). */
import type { components } from "./generated/schema.js";

export type Problem = components["schemas"]["ProblemDetails"];

/** One place of the request that is wrong: a JSON pointer (RFC 6901), and what is wrong there. */
export type Fault = NonNullable<Problem["errors"]>[number];

/** The service refused. `slug` never changes its meaning: `not-found`, `quota-exceeded`, `invalid-input`. */
export class HeliodeskError extends Error {
  readonly status: number;
  readonly slug: string;
  readonly detail: string | undefined;
  readonly faults: readonly Fault[];
  readonly requestId: string | null;

  constructor(
    readonly response: Response,
    readonly problem: Partial<Problem>,
  ) {
    const faults = problem.errors ?? [];
    const places = faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join("; ");
    const title = problem.title ?? response.statusText;
    super(`${response.status} ${[title, problem.detail, places].filter(Boolean).join(": ")}`);
    this.name = "HeliodeskError";
    this.status = response.status;
    this.slug = (problem.type ?? "").split("/").at(-1) ?? "";
    this.detail = problem.detail ?? undefined;
    this.faults = faults;
    this.requestId = response.headers.get("x-request-id");
  }
}

export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What an operation answers; throws `HeliodeskError` where that is a problem. `await ok(desk.GET(...))` */
export async function ok<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) {
    throw new HeliodeskError(response, typeof error === "object" && error !== null ? error : {});
  }
  return data as T;
}
