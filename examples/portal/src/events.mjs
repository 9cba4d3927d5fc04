// The stream of changes, to which open lists listen.
import { fetchEvents } from "./api.mjs";

/** Streams that may be open at a time. Each takes a connection to Inkstone, too. */
const MAX_STREAMS = 500;
/** Tells a browser to come again in half a minute. */
const LATER = "retry: 30000\n\n";

/** The open streams. */
export class EventStreams {
  /** @type {Set<AbortController>} */
  #open = new Set();

  /** @param {AbortSignal} closing Ends all of them. */
  constructor(closing) {
    closing.addEventListener("abort", () => {
      for (const upstream of this.#open) upstream.abort();
    });
  }

  /**
   * Opens the stream of Inkstone for one browser. Both end together.
   * @param {string} api
   * @param {string | undefined} lastEventId
   */
  async open(api, lastEventId) {
    if (this.#open.size >= MAX_STREAMS) return new Response(LATER).body;
    const upstream = new AbortController();
    this.#open.add(upstream);
    const end = () => {
      this.#open.delete(upstream);
      upstream.abort();
    };
    const response = await fetchEvents(api, lastEventId, upstream).catch(() => undefined);
    if (response?.status === 200 && response.body) return passOn(response.body, end);
    end();
    return new Response(LATER).body;
  }
}

/**
 * Passes a stream on. It ends well even when Inkstone goes away: the browser comes again, and is told what it missed.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} end
 */
function passOn(body, end) {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const part = await reader.read().catch(() => undefined);
      if (part?.value) return controller.enqueue(part.value);
      end();
      controller.close();
    },
    cancel: end,
  });
}

/**
 * Answers with the changes of articles as server-sent events.
 * @type {import("./portal.mjs").Handler}
 */
export async function showEvents({ settings, request, streams }) {
  const lastEventId = request.headers["last-event-id"];
  const stream = await streams.open(settings.api, typeof lastEventId === "string" ? lastEventId : undefined);
  return {
    headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", Connection: "close" },
    stream,
  };
}
