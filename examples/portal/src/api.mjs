// All requests to Inkstone.
import { AsyncLocalStorage } from "node:async_hooks";

import { createInkstone, unwrap } from "#inkstone-client";

/** @typedef {import("#inkstone-client").Schemas} Schemas */
/** @typedef {import("#inkstone-client").Inkstone} Client */
/** @typedef {import("#inkstone-client").Tokens} Tokens */
/** @typedef {import("./answers.mjs").FreshAnswers} FreshAnswers */
/** @typedef {Schemas["ArticleCard"]} Card */
/** @typedef {Schemas["Notice"]} Notice */
/** @typedef {Schemas["Category"]} Category */
/** @typedef {{ site: Schemas["Site"], tree: Category[], menus: Schemas["Menu"][] }} Frame What stands around each page. */
/** @typedef {{ forwardedFor: string, userAgent: string, isReload: boolean }} Reader Whom a request is sent for, and whether they reload a page. */

/** Milliseconds until an answer must have begun. Inkstone itself refuses what takes too long; this is for a dead network. */
const TIMEOUT = 60_000;
/** Milliseconds until a feed or a sitemap must have been read to its end. */
const FEED_TIMEOUT = 120_000;
/** What a card on a list shows. */
const CARD = /** @type {const} */ (["id", "title", "slug", "summary", "category", "image", "published_at", "views"]);
/** What a line of a list of notices shows. */
const NOTICE_CARD = /** @type {const} */ (["title", "slug", "kind", "pinned", "audience", "published_at"]);

/** The reader whom the present request is for. */
export const reader = /** @type {AsyncLocalStorage<Reader>} */ (new AsyncLocalStorage());

/**
 * Sends a request to Inkstone. Inkstone counts views and failed logins by the reader's network, which it believes from
 * the proxies that INKSTONE_TRUSTED_PROXIES names.
 * @param {Request} request
 */
async function send(request) {
  const present = reader.getStore();
  request.headers.set("accept-language", "zh-CN");
  if (present && request.method !== "GET") {
    request.headers.set("x-forwarded-for", present.forwardedFor);
    request.headers.set("user-agent", present.userAgent);
  }
  const fetchOnce = () => fetch(request, { signal: AbortSignal.timeout(TIMEOUT) });
  return request.method === "GET" ? repeatReset(fetchOnce) : fetchOnce();
}

/**
 * Sends a request again if Inkstone has just closed the idle connection that it was sent on.
 * @param {() => Promise<Response>} fetchOnce
 */
function repeatReset(fetchOnce) {
  return fetchOnce().catch((error) => (isReset(error) ? fetchOnce() : Promise.reject(error)));
}

/** @param {unknown} error */
function isReset(error) {
  const cause = error instanceof TypeError ? /** @type {{ code?: string } | undefined} */ (error.cause) : undefined;
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(cause?.code ?? "");
}

/**
 * Makes a client: for all visitors together, or for one member.
 * @param {string} url
 * @param {{ tokens?: Tokens, onTokens?: (tokens: Tokens | undefined) => void, remember?: number, answers?: FreshAnswers }} [options]
 */
export function createClient(url, { answers, ...options } = {}) {
  const isReload = () => reader.getStore()?.isReload ?? false;
  const fetch = answers ? (/** @type {Request} */ request) => answers.fetch(request, send, isReload()) : send;
  return createInkstone({ ...options, url, fetch });
}

/**
 * Loads the name of the site, its categories and its menus.
 * @param {Client} client
 * @returns {Promise<Frame>}
 */
export async function loadFrame(client) {
  const [site, categories, menus] = await Promise.all([
    client.GET("/api/v1/site"),
    client.GET("/api/v1/categories", { params: { query: { tree: true } } }),
    client.GET("/api/v1/site/menus"),
  ]);
  return { site: unwrap(site).data, tree: unwrap(categories).data, menus: unwrap(menus).data };
}

/**
 * Loads the blocks of the home page.
 * @param {Client} client
 */
export async function loadHome(client) {
  return unwrap(await client.GET("/api/v1/home")).data.blocks;
}

/**
 * Loads a page of the articles in a category and below it.
 * @param {Client} client
 * @param {string} category
 * @param {string | undefined} cursor
 */
export async function listCategory(client, category, cursor) {
  const query = { category: [category], cursor, page_size: 20, fields: [...CARD] };
  return unwrap(await client.GET("/api/v1/articles", { params: { query } }));
}

/**
 * Loads a category by its slug, its id or a former slug.
 * @param {Client} client
 * @param {string} id
 */
export async function loadCategory(client, id) {
  return unwrap(await client.GET("/api/v1/categories/{id}", { params: { path: { id } } })).data;
}

/**
 * Loads a page of the articles with a tag.
 * @param {Client} client
 * @param {string} tag
 * @param {string | undefined} cursor
 */
export async function listTag(client, tag, cursor) {
  const query = { tag: [tag], cursor, page_size: 20, fields: [...CARD] };
  return unwrap(await client.GET("/api/v1/articles", { params: { query } }));
}

/**
 * Loads a page of the tags, those of most articles first.
 * @param {Client} client
 * @param {string | undefined} cursor
 */
export async function listTags(client, cursor) {
  return unwrap(await client.GET("/api/v1/tags", { params: { query: { cursor, page_size: 100 } } }));
}

/**
 * Loads a tag: how many articles have it.
 * @param {Client} client
 * @param {string} tag
 */
export async function loadTag(client, tag) {
  return unwrap(await client.GET("/api/v1/tags/{tag}", { params: { path: { tag } } })).data;
}

/**
 * Loads all months in which articles came out.
 * @param {Client} client
 */
export async function listArchive(client) {
  return unwrap(await client.GET("/api/v1/articles/archive")).data;
}

/**
 * Loads a page of the articles of a month.
 * @param {Client} client
 * @param {Schemas["ArchiveMonth"]} month
 * @param {string | undefined} cursor
 */
export async function listMonth(client, { from, to }, cursor) {
  const query = { published_from: from, published_to: to, cursor, page_size: 20, fields: [...CARD] };
  return unwrap(await client.GET("/api/v1/articles", { params: { query } }));
}

/**
 * Finds the article that an address of an earlier system has become, if there is one.
 * @param {Client} client
 * @param {string} path
 */
export async function findByUrl(client, path) {
  const query = { path, fields: /** @type {"slug"[]} */ (["slug"]) };
  const answer = await client.GET("/api/v1/articles/by-url", { params: { query } });
  // 400 is for what can be no address, as one that is too long.
  return [400, 404].includes(answer.response.status) ? undefined : unwrap(answer).data;
}

/**
 * Loads an article with what stands beside it, by its slug, its id or a former slug.
 * @param {Client} client
 * @param {string} id
 */
export async function loadArticle(client, id) {
  const query = { include: /** @type {Schemas["Relation"][]} */ (["neighbors", "related", "notices"]) };
  return unwrap(await client.GET("/api/v1/articles/{id}", { params: { path: { id }, query } })).data;
}

/**
 * Counts that the reader has opened an article.
 * @param {Client} client
 * @param {string} id
 */
export async function countView(client, id) {
  unwrap(await client.POST("/api/v1/articles/{id}/views", { params: { path: { id } } }));
}

/**
 * Loads a page of notices. Members get those for members, too.
 * @param {Client} client
 * @param {Schemas["NoticeKind"] | undefined} kind
 * @param {string | undefined} cursor
 */
export async function listNotices(client, kind, cursor) {
  const query = { kind, cursor, page_size: 20, fields: [...NOTICE_CARD] };
  return unwrap(await client.GET("/api/v1/notices", { params: { query } }));
}

/**
 * Loads a notice with its neighbours, by its slug, its id or a former slug.
 * @param {Client} client
 * @param {string} id
 */
export async function loadNotice(client, id) {
  const query = { include: /** @type {"neighbors"[]} */ (["neighbors"]) };
  return unwrap(await client.GET("/api/v1/notices/{id}", { params: { path: { id }, query } })).data;
}

/** @typedef {{ q: string, category?: string, tag?: string, year?: number, type?: Schemas["FoundType"] }} Search */

/**
 * Searches articles and notices.
 * @param {Client} client
 * @param {Search} search
 * @param {string | undefined} cursor
 */
export async function searchSite(client, { tag, ...search }, cursor) {
  const query = { ...search, tag: tag === undefined ? undefined : [tag], cursor, highlight: true, page_size: 20 };
  return unwrap(await client.GET("/api/v1/search", { params: { query } }));
}

/**
 * Completes what somebody types.
 * @param {Client} client
 * @param {string} prefix
 */
export async function suggest(client, prefix) {
  return unwrap(await client.GET("/api/v1/search/suggest", { params: { query: { prefix, size: 8 } } })).data;
}

/**
 * Registers a member. Returns whether the email must be confirmed before the first login.
 * @param {Client} client
 * @param {{ email: string, password: string, display_name: string }} registration
 */
export async function registerMember(client, registration) {
  const answer = await client.POST("/api/v1/auth/register", { body: registration });
  unwrap(answer);
  return answer.response.status === 202;
}

/**
 * Confirms an email with the token that was mailed. Returns whether the member has to choose a password now.
 * @param {Client} client
 * @param {string} token
 */
export async function verifyEmail(client, token) {
  const answer = await client.POST("/api/v1/auth/email/verify", { body: { token } });
  unwrap(answer);
  return answer.response.status === 200;
}

/**
 * Sends the mail that confirms an email again.
 * @param {Client} client
 * @param {string} email
 */
export async function resendConfirmation(client, email) {
  unwrap(await client.POST("/api/v1/auth/email/resend", { body: { email } }));
}

/**
 * Sends a mail to whoever has forgotten their password.
 * @param {Client} client
 * @param {string} email
 */
export async function requestPasswordReset(client, email) {
  unwrap(await client.POST("/api/v1/auth/password/forgot", { body: { email } }));
}

/**
 * Sets a new password with the token that was mailed.
 * @param {Client} client
 * @param {string} token
 * @param {string} password
 */
export async function resetPassword(client, token, password) {
  unwrap(await client.POST("/api/v1/auth/password/reset", { body: { token, password } }));
}

/**
 * Changes the password of a member. Ends all their sessions; returns the tokens of the new one.
 * @param {Client} client
 * @param {{ current_password: string, new_password: string }} body
 * @returns {Promise<Tokens>}
 */
export async function changePassword(client, body) {
  const session = unwrap(await client.POST("/api/v1/auth/password/change", { body })).data;
  const { access_token, refresh_token, expires_in, member } = session;
  return { access_token, refresh_token, expires_at: Date.now() + expires_in * 1000, member_id: member.id };
}

/**
 * Loads the profile of a member, with the ETag that a change of it must name.
 * @param {Client} client
 */
export async function loadProfile(client) {
  const answer = await client.GET("/api/v1/members/me");
  return { profile: unwrap(answer).data, etag: answer.response.headers.get("etag") ?? "*" };
}

/**
 * Changes the profile of a member, if it is still the one with this ETag.
 * @param {Client} client
 * @param {string} etag
 * @param {Schemas["ProfilePatch"]} body
 */
export async function updateProfile(client, etag, body) {
  const params = { header: { "If-Match": etag } };
  return unwrap(await client.PATCH("/api/v1/members/me", { params, body })).data;
}

/**
 * Fetches a feed or a sitemap.
 * @param {string} url
 * @param {Headers} headers The reader's conditions.
 */
export async function fetchFeed(url, headers) {
  return repeatReset(() => fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(FEED_TIMEOUT) }));
}

/**
 * Fetches a picture or a file. A long film may take as long as the reader watches.
 * @param {string} url
 * @param {Headers} headers The reader's conditions.
 */
export async function fetchMedia(url, headers) {
  const begin = new AbortController();
  const timer = setTimeout(() => begin.abort(), TIMEOUT);
  try {
    return await repeatReset(() => fetch(url, { headers, redirect: "manual", signal: begin.signal }));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens the stream of changes of articles. A stream may last for as long as the browser listens.
 * @param {string} api
 * @param {string | undefined} lastEventId What the browser was told last.
 * @param {AbortController} upstream Ends it.
 */
export async function fetchEvents(api, lastEventId, upstream) {
  const timer = setTimeout(() => upstream.abort(), TIMEOUT);
  try {
    const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
    return await fetch(`${api}/api/v1/events?entity=articles`, { headers, redirect: "manual", signal: upstream.signal });
  } finally {
    clearTimeout(timer);
  }
}
