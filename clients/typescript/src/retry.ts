import { ProblemError, toProblem } from "./problem.js";

/** A request that got no answer. */
export class NoAnswer {
  constructor(readonly cause: unknown) {}
}

/** Another member has signed in, for whom the request was not meant. */
export class MemberChanged extends Error {
  override readonly name = "MemberChanged";
}

/** Statuses after which a request is worth another try: 460 is that of a part which does not have its checksum. */
const PASSING = new Set([408, 423, 425, 429, 460]);
/** Codes of a 409 that passes: another request was at it. */
const PASSING_CODES = new Set(["offset_mismatch", "idempotency_in_flight"]);

/** Whether a failure may pass by itself. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return error instanceof NoAnswer;
  return error.status >= 500 || PASSING.has(error.status) || PASSING_CODES.has(error.code);
}

/** The tries of a piece of work: how often, and after how long. */
export class Tries {
  #failures = 0;

  constructor(
    private readonly delays: readonly number[],
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Notes that something was achieved: all delays are ahead again. */
  succeed(): void {
    this.#failures = 0;
  }

  /** Waits before the next try. Throws the failure if it does not pass, or after the last delay. */
  async wait(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    const delay = this.delays[this.#failures++];
    if (delay === undefined || !mayPass(error)) throw error instanceof NoAnswer ? error.cause : error;
    const named = error instanceof ProblemError ? (error.retryAfter ?? 0) * 1000 : 0;
    // Clients that lost the server together do not come back together.
    const ms = Math.max(named, delay * (0.75 + Math.random() / 2));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const time = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await orAbort(time, this.signal).finally(() => clearTimeout(timer));
  }
}

/** What `work` results in. Fails at once when the signal aborts. */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", abort));
}

/**
 * The answer to a request, which `send` sends under a signal of its own: it aborts with `signal`, or after `ms` if these
 * are finite. Throws `NoAnswer` if there is none, and a `ProblemError` if the server refuses.
 */
export async function ask(
  send: (signal: AbortSignal) => Promise<Response>,
  signal: AbortSignal | undefined,
  ms: number,
): Promise<Response> {
  signal?.throwIfAborted();
  const own = new AbortController();
  const abort = () => own.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const late = () => own.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError"));
  const timer = Number.isFinite(ms) ? setTimeout(late, ms) : undefined;
  try {
    const response = await send(own.signal);
    // The body too arrives under the signal.
    const body = await response.arrayBuffer();
    const whole = new Response(isBodiless(response) ? null : body, response);
    if (response.ok) return whole;
    throw new ProblemError(toProblem(await whole.json().catch(() => undefined), response), response);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof ProblemError || error instanceof MemberChanged ? error : new NoAnswer(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function isBodiless({ status }: Response): boolean {
  return [204, 205, 304].includes(status);
}
