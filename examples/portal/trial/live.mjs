// Lists that change while they are open.
import { unwrap } from "#inkstone-client";

/** @typedef {import("./browser.mjs").Trial} Trial */
/** @typedef {import("./browser.mjs").WatchedPage} WatchedPage */
/** @typedef {import("./servers.mjs").Relay} Relay */
/** @typedef {import("#inkstone-client").Inkstone} Client */

/** The layout shift of a page while its lists change by themselves, at most. */
const MAX_SHIFT = 0.001;
/** Milliseconds until a stream must have ended whose browser has left. */
const LEAVING = 2_000;

/** The pages on which a new article of the category `tech` comes first. */
const LISTS = Object.freeze([
  { path: "/categories/tech", first: ".card-title a" },
  { path: "/", first: ".lead h3 a" },
]);

let number = 0;

/**
 * Publishes an article with a title of its own.
 * @param {Client} admin
 */
async function publish(admin) {
  number += 1;
  const title = `刚刚发布的第 ${number} 篇`;
  const body = { title, category: "tech", summary: "摘要。", body: "<p>正文。</p>", status: /** @type {const} */ ("published") };
  return { title, id: unwrap(await admin.POST("/api/v1/articles", { body })).data.id };
}

/**
 * Opens a list, and waits until it listens.
 * @param {Trial} trial
 * @param {Relay} relay
 * @param {string} path
 */
async function openList(trial, relay, path) {
  const watched = await trial.openPage({ viewport: { width: 1280, height: 800 } });
  await watched.page.addInitScript(() => {
    const page = /** @type {any} */ (window);
    page.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of /** @type {any[]} */ (list.getEntries())) if (!entry.hadRecentInput) page.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await watched.open(path);
  await waitForStreams(trial, relay, 1, `${path} does not listen`);
  await watched.page.evaluate(() => (/** @type {any} */ (window).isSame = true));
  return watched;
}

/**
 * @param {Trial} trial
 * @param {Relay} relay
 * @param {number} count
 * @param {string} finding
 * @param {number} [patience]
 */
async function waitForStreams(trial, relay, count, finding, patience = 10_000) {
  const end = Date.now() + patience;
  while (relay.streams.size !== count && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  trial.check(relay.streams.size === count, `${finding}: ${relay.streams.size} streams`);
}

/**
 * Waits for the line that offers an article, and takes the offer.
 * @param {WatchedPage} watched
 * @param {string} title
 */
async function takeOffer({ page }, title) {
  await page.getByRole("status").getByRole("button", { name: title }).click();
}

/**
 * Checks that a page has neither been loaded again nor moved.
 * @param {WatchedPage} watched
 */
async function checkStill({ page, trial }) {
  const { isSame, shifted } = await page.evaluate(() => {
    const { isSame, shifted } = /** @type {any} */ (window);
    return { isSame, shifted };
  });
  trial.check(isSame, `${page.url()} was loaded again`);
  trial.check(shifted <= MAX_SHIFT, `${page.url()} moves by ${shifted} by itself`);
}

/**
 * Publishes and withdraws articles while a list of them is open.
 * @param {Trial} trial
 * @param {Client} admin
 * @param {Relay} relay
 */
export async function watchLists(trial, admin, relay) {
  for (const { path, first } of LISTS) {
    const watched = await openList(trial, relay, path);
    const { page } = watched;
    const before = await page.locator(first).first().innerText();
    const article = await publish(admin);
    await page.getByRole("status").getByRole("button", { name: article.title }).waitFor();
    trial.check((await page.locator(first).first().innerText()) === before, `${path} inserts an article unasked`);
    await checkStill(watched);
    if (trial.screenshots) await watched.look(path === "/" ? "live-home" : "live");
    await takeOffer(watched, article.title);
    trial.check((await page.locator(first).first().innerText()) === article.title, `${path} does not show a new article`);
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    trial.check(focused === article.title, `after ${path} shows an article, the focus is on ${focused}`);
    trial.check((await page.getByRole("status").innerText()) === "", `${path} still offers what it shows`);
    await watched.look(path === "/" ? "live-home" : "live-category");
    await checkWithdrawal(watched, admin, article);
    await page.reload();
    trial.check((await page.getByText(article.title).count()) === 0, `${path} has an article that was withdrawn`);
    await watched.close();
    await waitForStreams(trial, relay, 0, `the stream of ${path} goes on without a browser`, LEAVING);
  }
}

/**
 * Withdraws an article that has the focus.
 * @param {WatchedPage} watched
 * @param {Client} admin
 * @param {{ id: string, title: string }} article
 */
async function checkWithdrawal(watched, admin, { id, title }) {
  const { page, trial } = watched;
  await page.evaluate(() => (/** @type {any} */ (window).shifted = 0));
  const params = { path: { id } };
  unwrap(await admin.PATCH("/api/v1/articles/{id}", { params, body: { status: "draft" } }));
  await page.locator(".withdrawn").first().waitFor();
  trial.check((await page.locator("[data-live]").getByText(title).count()) === 0, `${page.url()} shows what was withdrawn`);
  const announcement = await page.getByRole("status").innerText();
  trial.check(announcement.includes(title), `an article that was withdrawn is announced as ${announcement}`);
  const focused = await page.evaluate(() => document.activeElement?.textContent);
  trial.check(focused === "这篇文章已撤下。", `after an article was withdrawn, the focus is on ${focused}`);
  await checkStill(watched);
  await watched.look(`live-withdrawn-${new URL(page.url()).pathname.split("/").length}`);
  unwrap(await admin.DELETE("/api/v1/articles/{id}", { params }));
}

/**
 * Loses the stream, leaves changes out, and hides the page.
 * @param {Trial} trial
 * @param {Client} admin
 * @param {Relay} relay
 */
export async function loseStream(trial, admin, relay) {
  const { path, first } = LISTS[0] ?? { path: "", first: "" };
  const watched = await openList(trial, relay, path);
  const { page } = watched;

  for (const stream of relay.streams) stream.destroy();
  const missed = await publish(admin);
  await takeOffer(watched, missed.title);
  await waitForStreams(trial, relay, 1, `${path} does not listen again`);

  relay.isMute = true;
  const unheard = await publish(admin);
  for (const stream of relay.streams) stream.write("event: reset\ndata: {}\n\n");
  await page.locator(first, { hasText: unheard.title }).waitFor();
  relay.isMute = false;

  await hide(page, true);
  await waitForStreams(trial, relay, 0, `${path} listens while it is hidden`, LEAVING);
  const unseen = await publish(admin);
  await hide(page, false);
  await waitForStreams(trial, relay, 1, `${path} does not listen when it is seen again`);
  await page.locator(first, { hasText: unseen.title }).waitFor();
  trial.check(await page.evaluate(() => /** @type {any} */ (window).isSame), `${path} was loaded again`);
  await watched.close();
  await waitForStreams(trial, relay, 0, `the stream of ${path} goes on without a browser`, LEAVING);

  const forged = await fetch(`${trial.portal}/events`, { headers: { "Last-Event-ID": "x" } });
  trial.check(await beginsAnew(forged), "a browser with an id that is none is not told to begin anew");
  relay.isCut = true;
  const later = await fetch(`${trial.portal}/events`);
  trial.check((await later.text()).startsWith("retry: "), "a browser is not told to come again while Inkstone is down");
  relay.isCut = false;
}

/**
 * Whether a stream begins with a reset. The stream goes on, and is left then.
 * @param {Response} response
 */
async function beginsAnew(response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader && !text.includes("event: reset")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader?.cancel();
  return text.includes("event: reset");
}

/**
 * Hides a page as another tab would.
 * @param {import("playwright-core").Page} page
 * @param {boolean} isHidden
 */
async function hide(page, isHidden) {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}
