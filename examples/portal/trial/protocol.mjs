// What browsers do not show: headers, forged forms, requests to Inkstone.
import { localPath } from "../src/pages/links.mjs";

/** @typedef {import("./browser.mjs").Trial} Trial */

/**
 * Checks caching and the headers that protect pages.
 * @param {Trial} trial
 */
export async function checkHeaders(trial) {
  const page = await fetch(`${trial.portal}/categories/news`);
  const policy = page.headers.get("content-security-policy") ?? "";
  trial.check(policy.includes("script-src 'self'") && !policy.includes("unsafe"), `the policy is ${policy}`);
  trial.check(page.headers.get("x-content-type-options") === "nosniff", "nosniff is missing");
  trial.check(page.headers.get("set-cookie") === null, "a page sets a cookie for a visitor");
  const etag = page.headers.get("etag") ?? "";
  const again = await fetch(`${trial.portal}/categories/news`, { headers: { "If-None-Match": etag } });
  trial.check(again.status === 304, `the same page again is ${again.status}`);
  const form = await fetch(`${trial.portal}/reset-password?token=x`);
  trial.check(form.headers.get("cache-control") === "no-store", "a form may be kept");
  trial.check(form.headers.get("referrer-policy") === "same-origin", "a page with a token tells other sites its address");
  const head = await fetch(`${trial.portal}/`, { method: "HEAD" });
  trial.check(head.status === 200, `HEAD is ${head.status}`);
}

/**
 * Sends forms as other sites would.
 * @param {Trial} trial
 */
export async function forgeForms(trial) {
  const form = await fetch(`${trial.portal}/login`);
  const cookie = form.headers.get("set-cookie")?.split(";")[0] ?? "";
  const token = /name="form_token" value="([^"]+)"/.exec(await form.text())?.[1] ?? "";
  const post = (/** @type {Record<string, string>} */ headers, /** @type {Record<string, string>} */ fields) =>
    fetch(`${trial.portal}/login`, { method: "POST", headers, body: new URLSearchParams({ email: "a@example.org", password: "wrong", ...fields }), redirect: "manual" });
  const cases = /** @type {[string, Record<string, string>, Record<string, string>, number][]} */ ([
    ["the form itself", { cookie }, { form_token: token }, 401],
    ["no token", { cookie }, {}, 403],
    ["no cookie", {}, { form_token: token }, 403],
    ["another's token", { cookie: `${cookie}x` }, { form_token: token }, 403],
    ["another origin", { cookie, origin: "https://evil.example" }, { form_token: token }, 403],
    ["another site", { cookie, "sec-fetch-site": "cross-site" }, { form_token: token }, 403],
  ]);
  for (const [name, headers, fields, status] of cases) {
    const answer = await post(headers, fields);
    trial.check(answer.status === status, `a form with ${name} is ${answer.status}, not ${status}`);
  }
}

/**
 * Counts what pages ask of Inkstone, once the name of the site and the menu are kept.
 * @param {Trial} trial
 * @param {{ seen: string[] }} relay
 * @param {Record<string, number>} bounds Requests at most, by path.
 */
export async function countRequests(trial, relay, bounds) {
  for (const [path, bound] of Object.entries(bounds)) {
    relay.seen.length = 0;
    await fetch(trial.portal + path);
    const reads = relay.seen.filter((request) => request.startsWith("GET"));
    trial.check(reads.length <= bound, `${path} takes ${reads.length} requests: ${reads.join(", ")}`);
  }
}

/**
 * Opens a page while Inkstone is down.
 * @param {Trial} trial
 * @param {{ isCut: boolean }} relay
 */
export async function loseInkstone(trial, relay) {
  const watched = await trial.openPage();
  relay.isCut = true;
  await watched.open("/", 503);
  await watched.has("网站正在维护");
  await watched.look("503");
  relay.isCut = false;
  await watched.open("/");
  await watched.close();
}

/**
 * Reads feeds and the sitemap on the portal's own host.
 * @param {Trial} trial
 */
export async function readFeeds(trial) {
  const tag = encodeURIComponent("计量");
  for (const path of ["/feeds/articles.atom", "/feeds/articles.rss", "/feeds/articles.json", `/feeds/tags/${tag}.atom`, "/sitemap.xml"]) {
    const answer = await fetch(trial.portal + path);
    trial.check(answer.status === 200, `${path} is ${answer.status}`);
    trial.check((await answer.text()).includes(trial.portal), `${path} does not lead to the portal`);
    const headers = { "If-None-Match": answer.headers.get("etag") ?? "" };
    const again = await fetch(trial.portal + path, { headers });
    trial.check(again.status === 304, `${path} again is ${again.status}`);
    trial.check((await fetch(trial.portal + path, { method: "HEAD" })).status === 200, `HEAD ${path} fails`);
  }
  const feed = await (await fetch(`${trial.portal}/feeds/articles.json`)).json();
  const page = await fetch(feed.items[0].url);
  trial.check(page.status === 200 && !page.redirected, `${feed.items[0].url}, which a feed names, is no page`);
  const robots = await (await fetch(`${trial.portal}/robots.txt`)).text();
  trial.check(robots.includes(`Sitemap: ${trial.portal}/sitemap.xml`), `robots.txt is ${robots}`);
}

/**
 * Checks that a login goes on to pages of the portal only.
 * @param {Trial} trial
 */
export async function refuseOpenRedirects(trial) {
  const elsewhere = ["//evil.example/", "/\\evil.example", "/.//evil.example", "/\t/evil.example", "https://evil.example", "javascript:alert(1)", "evil"];
  for (const next of elsewhere) {
    const path = localPath(next);
    trial.check(new URL(path, trial.portal).origin === trial.portal, `after ${next} a login leads to ${path}`);
  }
  trial.check(localPath("/notices?kind=notice") === "/notices?kind=notice", "a login does not lead back");
}

/** Pages at most that are followed. */
const MAX_FOLLOWED = 400;

/**
 * Follows every link to the portal itself, from the home page on: none leads nowhere.
 * @param {Trial} trial
 */
export async function followLinks(trial) {
  const known = new Set(["/"]);
  for (const path of known) {
    const answer = await fetch(trial.portal + path);
    trial.check(answer.status === 200, `${path} is ${answer.status}`);
    if (!answer.headers.get("content-type")?.startsWith("text/html")) continue;
    const text = await answer.text();
    for (const [, link = ""] of text.matchAll(/<a [^>]*?href="(\/[^"]*)"/g)) {
      if (known.size < MAX_FOLLOWED && !link.startsWith("/search")) known.add(link.replaceAll("&amp;", "&").replaceAll("&#39;", "'"));
    }
  }
  trial.check(known.size > 50, `only ${known.size} pages are linked`);
}
