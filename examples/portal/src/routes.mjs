import { showAsset } from "./assets.mjs";
import { showEvents } from "./events.mjs";
import { showArchive, showMonth } from "./pages/archive.mjs";
import { showArticle } from "./pages/article.mjs";
import { showCategory } from "./pages/category.mjs";
import { showHome } from "./pages/home.mjs";
import { logIn, logOut, showLogin } from "./pages/login.mjs";
import { showNotice, showNotices } from "./pages/notices.mjs";
import { showFeed, showMedia } from "./pages/passing.mjs";
import { changeOwnPassword, saveProfile, showPassword, showProfile } from "./pages/account.mjs";
import { choosePassword, confirmEmail, mailConfirmation, mailReset } from "./pages/mails.mjs";
import { showForgot, showResend, showReset, showVerify } from "./pages/mails.mjs";
import { register, showRegister } from "./pages/register.mjs";
import { showRobots } from "./pages/robots.mjs";
import { showSearch, showSuggestions } from "./pages/search.mjs";
import { showTag, showTags } from "./pages/tag.mjs";
import { receiveWebhook } from "./webhook.mjs";

/** @typedef {import("./portal.mjs").Handler} Handler */
/** @typedef {{ segments: string[], get?: Handler, post?: Handler, isPlain: boolean }} Route */

/**
 * Names the handlers of a path. `:name` takes one segment, `*` the rest.
 * @param {string} pattern
 * @param {{ get?: Handler, post?: Handler }} handlers
 */
function page(pattern, handlers) {
  return { segments: pattern.split("/").slice(1), ...handlers, isPlain: false };
}

/**
 * Names the handler of a path that is no page: it needs nothing of what stands around pages.
 * @param {string} pattern
 * @param {Handler} get
 */
function plain(pattern, get) {
  return { segments: pattern.split("/").slice(1), get, isPlain: true };
}

/**
 * Names the handler of requests from another server. They are no forms: a signature takes the place of the token.
 * @param {string} pattern
 * @param {Handler} post
 */
function hook(pattern, post) {
  return { segments: pattern.split("/").slice(1), post, isPlain: true };
}

/** @type {Route[]} */
const ROUTES = [
  page("/", { get: showHome }),
  page("/categories/:slug", { get: showCategory }),
  page("/articles/:slug", { get: showArticle }),
  page("/tags", { get: showTags }),
  page("/tags/:tag", { get: showTag }),
  page("/archive", { get: showArchive }),
  page("/archive/:month", { get: showMonth }),
  page("/notices", { get: showNotices }),
  page("/notices/:slug", { get: showNotice }),
  page("/search", { get: showSearch }),
  plain("/suggest", showSuggestions),
  page("/register", { get: showRegister, post: register }),
  page("/verify-email", { get: showVerify, post: confirmEmail }),
  page("/login", { get: showLogin, post: logIn }),
  page("/logout", { post: logOut }),
  page("/forgot-password", { get: showForgot, post: mailReset }),
  page("/resend-confirmation", { get: showResend, post: mailConfirmation }),
  page("/reset-password", { get: showReset, post: choosePassword }),
  page("/account", { get: showProfile, post: saveProfile }),
  page("/account/password", { get: showPassword, post: changeOwnPassword }),
  hook("/hooks/inkstone", receiveWebhook),
  plain("/events", showEvents),
  plain("/assets/:name", showAsset),
  plain("/feeds/*", showFeed),
  plain("/media/*", showMedia),
  plain("/sitemap.xml", showFeed),
  plain("/sitemaps/*", showFeed),
  page("/robots.txt", { get: showRobots }),
];

/**
 * Finds who answers a request.
 * @param {string} method
 * @param {string} path
 * @returns {{ handle: Handler, params: Record<string, string>, isForm: boolean, isPlain: boolean } | undefined}
 */
export function findRoute(method, path) {
  const isPost = method === "POST";
  for (const route of ROUTES) {
    const params = matchPath(route.segments, path);
    const handle = isPost ? route.post : ["GET", "HEAD"].includes(method) ? route.get : undefined;
    if (params && handle) return { handle, params, isForm: isPost && !route.isPlain, isPlain: route.isPlain };
  }
  return undefined;
}

/**
 * @param {string[]} segments
 * @param {string} path
 */
function matchPath(segments, path) {
  const given = path.split("/").slice(1);
  const isOpen = segments.at(-1) === "*";
  if (isOpen ? given.length < segments.length : given.length !== segments.length) return undefined;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [index, segment] of segments.entries()) {
    const text = given[index] ?? "";
    if (segment === "*") return params;
    if (!segment.startsWith(":")) {
      if (segment !== text) return undefined;
      continue;
    }
    const value = decodeSegment(text);
    if (value === undefined) return undefined;
    params[segment.slice(1)] = value;
  }
  return params;
}

/**
 * Decodes a segment. Nothing has the empty one, nor those that a URL loses.
 * @param {string} text
 */
function decodeSegment(text) {
  try {
    const value = decodeURIComponent(text);
    return ["", ".", ".."].includes(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
