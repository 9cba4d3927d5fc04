/** What a GET answered, to be shown again while the server says that it is still so. */
type Remembered = { etag: string; body: ArrayBuffer; headers: Headers };

export type Fetch = (request: Request) => Promise<Response>;

/**
 * Sends the ETag of what it has, and gives what it has when the server answers 304.
 *
 * Keeps the answers that were asked for last, of so many bytes together. An answer with `no-store` is not kept, nor a
 * page that a cursor leads to: a walk asks for each once.
 */
export function rememberAnswers(fetch: Fetch, maxAnswers: number, maxBytes: number): Fetch {
  const answers = new Map<string, Remembered>();
  let bytes = 0;
  const forget = (key: string) => {
    bytes -= answers.get(key)?.body.byteLength ?? 0;
    answers.delete(key);
  };
  const keep = (key: string, answer: Remembered) => {
    forget(key);
    if (answer.body.byteLength > maxBytes) return;
    answers.set(key, answer);
    bytes += answer.body.byteLength;
    for (const oldest of answers.keys()) {
      if (answers.size <= maxAnswers && bytes <= maxBytes) break;
      forget(oldest);
    }
  };
  return async (request) => {
    if (!isRemembered(request)) return fetch(request);
    const key = [request.url, request.headers.get("accept"), request.headers.get("accept-language")].join(" ");
    const known = answers.get(key);
    if (known) request.headers.set("if-none-match", known.etag);
    const response = await fetch(request);
    if (response.status === 304 && known) {
      keep(key, known);
      const headers = new Headers(known.headers);
      response.headers.forEach((value, name) => headers.set(name, value));
      return new Response(known.body.slice(0), { status: 200, headers });
    }
    forget(key);
    const etag = response.headers.get("etag");
    const mayKeep = !/no-store/.test(response.headers.get("cache-control") ?? "");
    if (response.status !== 200 || !etag || !mayKeep) return response;
    const body = await response.arrayBuffer();
    const headers = new Headers(response.headers);
    // The body is decoded; its stored copy must not say otherwise.
    headers.delete("content-encoding");
    headers.delete("content-length");
    keep(key, { etag, body, headers });
    return new Response(body.slice(0), { status: 200, headers });
  };
}

/** Whether the answer to a request may be remembered: one that is conditional already has a memory of its own. */
function isRemembered({ method, headers, url }: Request): boolean {
  const isConditional = headers.has("if-none-match") || headers.has("if-modified-since");
  return method === "GET" && !isConditional && !new URL(url).searchParams.has("cursor");
}
