import type { components } from "./types.js";

/** What the server says of a request that it refuses (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** A single fault of a request, with its place. */
export type Fault = components["schemas"]["ProblemFault"];

/** A request that was refused. `code` is stable; `message` is for people. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly problem: Problem,
    readonly response: Response,
  ) {
    super(problem.detail ?? problem.title);
  }

  get status(): number {
    return this.response.status;
  }

  /** The stable name of the kind of problem, like `version_mismatch`. Later versions may add others. */
  get code(): string {
    return this.problem.code;
  }

  /** All faults of the request; empty where there is no place to name. */
  get faults(): Fault[] {
    return this.problem.errors ?? [];
  }

  /** The first fault at a place of the body (`/title`) or of a parameter (`category`). */
  fault(place: string): Fault | undefined {
    return this.faults.find((fault) => fault.pointer === place || fault.parameter === place);
  }

  /** Seconds to wait before the next try, if the server names them. */
  get retryAfter(): number | undefined {
    const seconds = Number(this.response.headers.get("retry-after") ?? NaN);
    return Number.isFinite(seconds) ? seconds : undefined;
  }
}

type Result<T> = { data?: T; error?: unknown; response: Response };

/**
 * The body of an answer of openapi-fetch. Throws a `ProblemError` if the request was refused.
 *
 *     const { data: article } = unwrap(await site.GET("/api/v1/articles/{id}", { params: { path: { id } } }));
 */
export function unwrap<T>(result: Result<T>): T {
  if (result.response.ok) return result.data as T;
  throw new ProblemError(toProblem(result.error, result.response), result.response);
}

/** The problem in the body of a failure; one of a proxy, which sends no problem document, gets the code `http_502`. */
export function toProblem(body: unknown, { status, statusText }: Response): Problem {
  if (typeof body === "object" && body !== null && "code" in body) return body as Problem;
  const title = statusText || `HTTP ${status}`;
  return { type: "about:blank", title, status, code: `http_${status}` };
}
