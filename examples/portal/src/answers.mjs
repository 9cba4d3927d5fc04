/** The number of answers that are known to be fresh, at most. */
const MAX_ANSWERS = 1000;
/**
 * Milliseconds from an event until all processes of Inkstone answer with the change. An answer to an earlier request may
 * be an old one.
 */
const SETTLING = 1_500;

/**
 * Knows which answers of Inkstone are fresh. The client remembers answers by their ETag; it need not ask again until their
 * `s-maxage` has passed, or an event has touched them.
 */
export class FreshAnswers {
  /** @type {Map<string, { etag: string, keys: string[], until: number }>} */
  #answers = new Map();
  #forgottenAt = -Infinity;

  /**
   * Answers a request with 304 if the client has a fresh answer. Sends it otherwise.
   * @param {Request} request
   * @param {(request: Request) => Promise<Response>} send
   * @param {boolean} isReload Whether to send it in any case.
   */
  async fetch(request, send, isReload) {
    if (!mayKeep(request)) return send(request);
    const answer = this.#answers.get(request.url);
    const askedAt = performance.now();
    const isFresh = answer !== undefined && answer.etag === request.headers.get("if-none-match") && askedAt < answer.until;
    if (isFresh && !isReload) return new Response(null, { status: 304 });
    const response = await send(request);
    this.#note(request.url, response, askedAt);
    return response;
  }

  /**
   * Forgets that answers are fresh if one of their keys was touched, or if they have none.
   * @param {(key: string) => boolean} isTouched
   */
  forget(isTouched) {
    this.#forgottenAt = performance.now();
    for (const [url, { keys }] of this.#answers) {
      if (keys.length === 0 || keys.some(isTouched)) this.#answers.delete(url);
    }
  }

  /**
   * @param {string} url
   * @param {Response} response
   * @param {number} askedAt
   */
  #note(url, { status, headers }, askedAt) {
    this.#answers.delete(url);
    const etag = headers.get("etag");
    const seconds = Number(/s-maxage=(\d+)/.exec(headers.get("cache-control") ?? "")?.[1] ?? 0);
    const isSettled = askedAt > this.#forgottenAt + SETTLING;
    if (![200, 304].includes(status) || !etag || seconds === 0 || !isSettled) return;
    const keys = (headers.get("surrogate-key") ?? "").split(" ").filter(Boolean);
    this.#answers.set(url, { etag, keys, until: askedAt + seconds * 1000 });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
  }
}

/**
 * Returns whether answers to a request may count as fresh. The client does not remember further pages, and the index of
 * the search follows a change in its own time.
 * @param {Request} request
 */
function mayKeep({ method, url }) {
  const { pathname, searchParams } = new URL(url);
  return method === "GET" && !searchParams.has("cursor") && !pathname.startsWith("/api/v1/search");
}
