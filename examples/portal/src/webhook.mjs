// The webhook of Inkstone, which tells of changes.
import { readBody, Refusal } from "./http.mjs";
import { verifySignature } from "./signature.mjs";

/** Bytes of an event at most. Inkstone's own have less than one kilobyte. */
const MAX_EVENT_BYTES = 64 << 10;
/** The surrogate keys of answers that show articles, and of those that show notices. */
const ARTICLE_KEYS = /^(article|articles|category_articles|tag|author|source|scheduled_articles)(:|$)/;
const NOTICE_KEYS = /^(notice|notices|scheduled_notices)(:|$)/;

/**
 * Receives an event. An event may come twice: the second time there is nothing left to forget, so the portal keeps no
 * `webhook-id`.
 * @type {import("./portal.mjs").Handler}
 */
export async function receiveWebhook({ settings, request, forget }) {
  if (settings.webhookKeys.length === 0) return undefined;
  try {
    const body = await readBody(request, MAX_EVENT_BYTES);
    verifySignature(request.headers, body, settings.webhookKeys);
    forget(readEventType(body));
    return { status: 204, stream: null, headers: { "Cache-Control": "no-store" } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" };
    return { status: error.status, body: `${error.message}\n`, headers };
  }
}

/** @param {Buffer} body */
function readEventType(body) {
  try {
    const { type } = JSON.parse(body.toString("utf8"));
    if (typeof type === "string") return type;
  } catch {
    // A body that is no JSON is refused as any other that is no event.
  }
  throw new Refusal(400, "the body is no event");
}

/**
 * Forgets the answers that an event touches. An article is in lists, and beside other articles; a notice is beside articles.
 * A category, an import, and an event of an unknown kind may touch all answers.
 * @param {import("./answers.mjs").FreshAnswers} answers
 * @param {import("./kept.mjs").Kept<unknown>} frame
 * @param {string} type
 */
export function forgetTouched(answers, frame, type) {
  const [thing] = type.split(".");
  if (thing === "webhook") return;
  if (thing === "article") return answers.forget((key) => ARTICLE_KEYS.test(key));
  if (thing === "notice") return answers.forget((key) => NOTICE_KEYS.test(key));
  answers.forget(() => true);
  frame.forget();
}
