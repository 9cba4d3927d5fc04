// What readers get from Inkstone as it is.
import { fetchFeed, fetchMedia } from "../api.mjs";

/** @typedef {import("../portal.mjs").Context} Context */
/** @typedef {(url: string, headers: Headers) => Promise<Response>} Fetch */

/** What of a reader's request Inkstone must know. */
const ASKED = ["accept", "if-none-match", "if-modified-since", "range", "if-range"];
/** What of Inkstone's answer the reader must know. */
const TOLD = [
  "Content-Type", "ETag", "Last-Modified", "Cache-Control", "Vary", "Location", "Link", "Retry-After", "Accept-Ranges",
  "Content-Range", "Content-Disposition", "Content-Security-Policy", "Cross-Origin-Resource-Policy",
];

/**
 * Passes feeds and sitemaps on: a sitemap may name only pages of its own host.
 * @type {import("../portal.mjs").Handler}
 */
export async function showFeed(context) {
  return passOn(context, context.path, fetchFeed);
}

/**
 * Passes pictures and files on, whose addresses are below the site's own. Where many read, the server before the portal
 * sends `/media/` to Inkstone itself, or INKSTONE_MEDIA_BASE_URL names a CDN.
 * @type {import("../portal.mjs").Handler}
 */
export async function showMedia(context) {
  // Those for members are signed there.
  const query = context.query.size > 0 ? `?${context.query}` : "";
  return passOn(context, context.path + query, fetchMedia);
}

/**
 * @param {Context} context
 * @param {string} target
 * @param {Fetch} send
 */
async function passOn({ settings, request }, target, send) {
  const headers = new Headers();
  for (const name of ASKED) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const response = await send(settings.api + target, headers);
  if (response.status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  /** @type {Record<string, string>} */
  const told = {};
  for (const name of TOLD) {
    const value = response.headers.get(name);
    if (value !== null) told[name] = value;
  }
  // What was compressed is longer now.
  const length = response.headers.get("content-length");
  if (length !== null && !response.headers.has("content-encoding")) told["Content-Length"] = length;
  return { status: response.status, headers: told, stream: response.body };
}
