import { readSecret } from "./signature.mjs";

/**
 * @typedef {object} Settings
 * @property {string} api The address of Inkstone, without a slash at the end.
 * @property {string} host The address to listen on.
 * @property {number} port The port to listen on; 0 for any that is free.
 * @property {boolean} isSecure Whether browsers reach the portal over https: cookies are then sent over nothing else.
 * @property {Buffer[]} webhookKeys The keys that sign the webhook; none if there is no webhook.
 */

/**
 * Reads the settings from the environment.
 * @param {Record<string, string | undefined>} environment
 * @returns {Settings}
 */
export function readSettings(environment) {
  const { INKSTONE_URL, PORTAL_HOST, PORTAL_PORT, PORTAL_HTTPS, PORTAL_WEBHOOK_SECRETS } = environment;
  const port = Number(PORTAL_PORT || 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`PORTAL_PORT: ${PORTAL_PORT} is no port`);
  const api = new URL(INKSTONE_URL || "http://127.0.0.1:8080");
  return {
    api: api.origin,
    host: PORTAL_HOST || "127.0.0.1",
    port,
    isSecure: PORTAL_HTTPS === "true",
    webhookKeys: (PORTAL_WEBHOOK_SECRETS ?? "").split(/[\s,]+/).filter(Boolean).map(readSecret),
  };
}
