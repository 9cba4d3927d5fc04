import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { createClient } from "./api.mjs";

/** Sessions at most; beyond, the one that was unused longest ends. */
const MAX_SESSIONS = 10_000;
/** Milliseconds after which a session that nobody used ends. */
const MAX_IDLE = 30 * 24 * 3600 * 1000;

/**
 * @typedef {object} Session
 * @property {string} id The value of the cookie.
 * @property {import("./api.mjs").Client} client Sends requests as the member, and renews the tokens.
 * @property {{ id: string, name: string }} member
 * @property {number} usedAt
 */

/**
 * The sessions of members, in memory. Browsers have nothing of them but a random id in a cookie that no script reads.
 * A portal of several processes would keep them in a store that these share.
 */
export class Sessions {
  /** @type {Map<string, Session>} */
  #sessions = new Map();
  #api;

  /** @param {string} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Signs a member in. Always opens a new session: an id that somebody else has planted is worth nothing.
   * @param {string} email
   * @param {string} password
   */
  async logIn(email, password) {
    const id = newId();
    const client = this.#createClient(id);
    const { id: memberId, display_name, email: name } = await client.login(email, password);
    return this.#keep({ id, client, member: { id: memberId, name: display_name || name }, usedAt: Date.now() });
  }

  /**
   * Opens a session in place of another, with new tokens.
   * @param {Session} old
   * @param {import("./api.mjs").Tokens} tokens
   */
  replace(old, tokens) {
    const id = newId();
    this.#sessions.delete(old.id);
    return this.#keep({ ...old, id, client: this.#createClient(id, tokens), usedAt: Date.now() });
  }

  /**
   * Finds the session of a cookie.
   * @param {string | undefined} id
   */
  find(id) {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (!session) return undefined;
    this.#sessions.delete(session.id);
    if (Date.now() - session.usedAt > MAX_IDLE) return undefined;
    session.usedAt = Date.now();
    return this.#keep(session);
  }

  /**
   * Changes the name that the page's head shows.
   * @param {Session} session
   * @param {string} name
   */
  rename(session, name) {
    session.member.name = name;
  }

  /**
   * Ends a session, here and at Inkstone.
   * @param {Session} session
   */
  async logOut(session) {
    this.#sessions.delete(session.id);
    await session.client.logout();
  }

  /**
   * @param {string} id
   * @param {import("./api.mjs").Tokens} [tokens]
   */
  #createClient(id, tokens) {
    // The session also ends when Inkstone refuses to renew it.
    const onTokens = (/** @type {unknown} */ given) => given === undefined && this.#sessions.delete(id);
    return createClient(this.#api, { remember: 20, onTokens, ...(tokens && { tokens }) });
  }

  /** @param {Session} session */
  #keep(session) {
    this.#sessions.set(session.id, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    return session;
  }
}

/** Makes a random id of 256 bits. */
export function newId() {
  return randomBytes(32).toString("base64url");
}

/** Tokens of forms: each belongs to the cookie of one browser, so that no other site can make one. */
export class FormTokens {
  #secret = randomBytes(32);

  /** @param {string} cookie */
  make(cookie) {
    return createHmac("sha256", this.#secret).update(cookie).digest("base64url");
  }

  /**
   * @param {string} cookie
   * @param {string | null | undefined} token
   */
  isOf(cookie, token) {
    const [expected, given] = [Buffer.from(this.make(cookie)), Buffer.from(token ?? "")];
    return expected.length === given.length && timingSafeEqual(expected, given);
  }
}
