import { createHash } from "node:crypto";

/** @typedef {import("node:http").IncomingMessage} IncomingMessage */
/** @typedef {import("node:http").ServerResponse} ServerResponse */

/** Bytes of a form at most. */
const MAX_FORM_BYTES = 64 << 10;

/** A request that the portal refuses by itself. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message For the reader.
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads the cookies of a request.
 * @param {IncomingMessage} request
 */
export function readCookies(request) {
  /** @type {Map<string, string>} */
  const cookies = new Map();
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const end = pair.indexOf("=");
    if (end > 0) cookies.set(pair.slice(0, end).trim(), pair.slice(end + 1).trim());
  }
  return cookies;
}

/**
 * Reads a form that was sent.
 * @param {IncomingMessage} request
 */
export async function readForm(request) {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") throw new Refusal(415, "请通过网页上的表单提交。");
  return new URLSearchParams((await readBody(request, MAX_FORM_BYTES)).toString("utf8"));
}

/**
 * Reads the body of a request. Refuses one that is too long, as soon as it is known.
 * @param {IncomingMessage} request
 * @param {number} max Bytes.
 */
export async function readBody(request, max) {
  const tooLong = new Refusal(413, "提交的内容过长。");
  if (Number(request.headers["content-length"] ?? 0) > max) throw tooLong;
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > max) throw tooLong;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Refuses a form that another site has sent. Old browsers say only where it comes from.
 * @param {IncomingMessage} request
 */
export function refuseOtherSites({ headers }) {
  const site = headers["sec-fetch-site"];
  const isOurs =
    typeof site === "string" ? site === "same-origin" : !headers.origin || originHost(headers.origin) === headers.host;
  if (!isOurs) throw new Refusal(403, "这个表单不是从本站提交的。");
}

/** @param {string} origin */
function originHost(origin) {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/**
 * Returns whom a request comes from, as proxies before this one have told it.
 * @param {IncomingMessage} request
 * @returns {import("./api.mjs").Reader}
 */
export function readReader(request) {
  const address = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const before = request.headers["x-forwarded-for"];
  return {
    forwardedFor: before ? `${before}, ${address}` : address,
    userAgent: request.headers["user-agent"] ?? "",
    isReload: /no-cache|max-age=0/.test(request.headers["cache-control"] ?? ""),
  };
}

/**
 * Returns the headers that protect each page: it runs no script but the portal's own, and no other site may frame it.
 * @param {import("./settings.mjs").Settings} settings
 */
export function securityHeaders({ api, isSecure }) {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' https: ${api}`,
    `media-src https: ${api}`,
    // The players that bodies may hold are limited by Inkstone, by --embed-hosts.
    "frame-src https:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "Content-Security-Policy": policy.join("; "),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    ...(isSecure && { "Strict-Transport-Security": "max-age=31536000" }),
  };
}

/**
 * Sends an answer, or 304 if the reader has it already.
 * @param {IncomingMessage} request
 * @param {ServerResponse} response
 * @param {{ status: number, headers: Record<string, string | string[]>, body: string | Buffer }} answer
 */
export function sendBody(request, response, { status, headers, body }) {
  const bytes = Buffer.from(body);
  const isStored = status === 200 && !String(headers["Cache-Control"]).includes("no-store");
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  if (isStored) headers = { ...headers, ETag: etag };
  if (isStored && hasTag(request.headers["if-none-match"], etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(status, { ...headers, "Content-Length": String(bytes.length) });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

/**
 * @param {string | undefined} condition
 * @param {string} etag
 */
function hasTag(condition, etag) {
  // A proxy that compresses makes a tag weak.
  return (condition ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
