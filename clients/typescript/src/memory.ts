/** What a GET answered, to be shown again while the server says that it is still so. */
type Remembered = { etag: string; body: ArrayBuffer; headers: Headers };

export type Fetch = (request: Request) => Promise<Response>;

/**
 * Sends the ETag of what it has, and gives what it has when the server answers 304.
 *
 * Keeps the answers that were asked for last. An answer with `no-store` is not kept.
 */
export function rememberAnswers(fetch: Fetch, maxAnswers: number): Fetch {
  const answers = new Map<string, Remembered>();
  return async (request) => {
    if (request.method !== "GET" || request.headers.has("if-none-match")) return fetch(request);
    const key = [request.url, request.headers.get("accept"), request.headers.get("accept-language")].join(" ");
    const known = answers.get(key);
    if (known) request.headers.set("if-none-match", known.etag);
    const response = await fetch(request);
    if (response.status === 304 && known) {
      answers.delete(key);
      answers.set(key, known);
      const headers = new Headers(known.headers);
      response.headers.forEach((value, name) => headers.set(name, value));
      return new Response(known.body.slice(0), { status: 200, headers });
    }
    answers.delete(key);
    const etag = response.headers.get("etag");
    const mayKeep = !/no-store/.test(response.headers.get("cache-control") ?? "");
    if (response.status !== 200 || !etag || !mayKeep) return response;
    const body = await response.arrayBuffer();
    const headers = new Headers(response.headers);
    // The body is decoded; its stored copy must not say otherwise.
    headers.delete("content-encoding");
    headers.delete("content-length");
    answers.set(key, { etag, body, headers });
    const oldest = answers.keys().next().value;
    if (answers.size > maxAnswers && oldest !== undefined) answers.delete(oldest);
    return new Response(body.slice(0), { status: 200, headers });
  };
}
