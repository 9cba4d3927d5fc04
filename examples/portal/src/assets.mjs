import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** @type {Record<string, string>} */
const TYPES = {
  "portal.css": "text/css; charset=utf-8",
  "portal.js": "text/javascript; charset=utf-8",
  "live.js": "text/javascript; charset=utf-8",
  "favicon.svg": "image/svg+xml",
};

const ASSETS = new Map(Object.entries(TYPES).map(([name, type]) => [name, readAsset(name, type)]));

/**
 * @param {string} name
 * @param {string} type
 */
function readAsset(name, type) {
  const body = readFileSync(new URL(`../public/${name}`, import.meta.url));
  return { type, body, digest: createHash("sha256").update(body).digest("hex").slice(0, 12) };
}

/**
 * Returns the address of a file in `public`. It changes with the content.
 * @param {string} name
 */
export function assetPath(name) {
  return `/assets/${name}?v=${ASSETS.get(name)?.digest}`;
}

/**
 * Answers with a file. Under its own address it may be kept for a year.
 * @type {import("./portal.mjs").Handler}
 */
export async function showAsset({ params, query }) {
  const asset = ASSETS.get(params.name ?? "");
  if (!asset) return undefined;
  const isCurrent = query.get("v") === asset.digest;
  const cacheControl = isCurrent ? "public, max-age=31536000, immutable" : "public, max-age=0";
  return { body: asset.body, headers: { "Content-Type": asset.type, "Cache-Control": cacheControl } };
}
