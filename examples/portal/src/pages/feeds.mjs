import { fetchFeed } from "../api.mjs";

/** What of a reader's request Inkstone must know. */
const ASKED = ["accept", "if-none-match", "if-modified-since"];
/** What of Inkstone's answer the reader must know. */
const TOLD = ["content-type", "etag", "last-modified", "cache-control", "location", "link", "retry-after"];

/**
 * Passes feeds and sitemaps on: a sitemap may name only pages of its own host.
 * @type {import("../portal.mjs").Handler}
 */
export async function showFeed({ settings, path, request }) {
  const headers = new Headers();
  for (const name of ASKED) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const response = await fetchFeed(settings.api + path, headers);
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
  return { status: response.status, headers: told, stream: response.body };
}

/** @type {import("../portal.mjs").Handler} */
export async function showRobots({ frame }) {
  const lines = ["User-agent: *", "Disallow: /search", "Disallow: /account", `Sitemap: ${frame.site.base_url}/sitemap.xml`, ""];
  return { body: lines.join("\n"), headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=3600" } };
}
