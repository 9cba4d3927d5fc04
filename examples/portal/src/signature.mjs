// Signatures of webhooks, by Standard Webhooks 1.0.0.
import { createHmac, timingSafeEqual } from "node:crypto";

import { Refusal } from "./http.mjs";

/** Seconds by which a timestamp may differ from now. An older webhook may be a recorded one that is sent again. */
const TOLERANCE = 300;

/**
 * Reads a secret, which is `whsec_` and base64. Fails without showing it.
 * @param {string} secret
 */
export function readSecret(secret) {
  const key = Buffer.from(/^whsec_([A-Za-z0-9+/]+=*)$/.exec(secret)?.[1] ?? "", "base64");
  if (key.length < 16) throw new Error("PORTAL_WEBHOOK_SECRETS: one of them is no secret of a webhook (whsec_…)");
  return key;
}

/**
 * Checks that a webhook was signed with one of the keys, just now. One right signature is enough: a webhook has several
 * while its secret is exchanged.
 * @param {import("node:http").IncomingHttpHeaders} headers
 * @param {Buffer} body The bytes as they came.
 * @param {Buffer[]} keys
 */
export function verifySignature(headers, body, keys) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signatures !== "string") {
    throw new Refusal(400, "webhook-id, webhook-timestamp and webhook-signature are required");
  }
  if (!/^\d{1,12}$/.test(timestamp)) throw new Refusal(400, "webhook-timestamp is not in seconds");
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) throw new Refusal(401, "webhook-timestamp is not of now");
  const expected = keys.map((key) => createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest());
  const candidates = signatures.split(" ").filter((signature) => signature.startsWith("v1,"));
  const isSigned = candidates.some((signature) => {
    const bytes = Buffer.from(signature.slice("v1,".length), "base64");
    return expected.some((digest) => bytes.length === digest.length && timingSafeEqual(bytes, digest));
  });
  if (!isSigned) throw new Refusal(401, "webhook-signature is not right");
}
