// Starts Inkstone, the portal and Chromium; runs all trials; says what was found.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startBrowser, Trial } from "./browser.mjs";
import { addContent, addRichArticle, composeHome } from "./content.mjs";
import { loseStream, watchLists } from "./live.mjs";
import { beMember } from "./member.mjs";
import { checkHeaders, countRequests, followLinks, forgeForms, loseInkstone, readFeeds, refuseOpenRedirects } from "./protocol.mjs";
import { addPictures, missPictures, passPicturesOn, showPictures, waitForPictures } from "./pictures.mjs";
import * as reading from "./reading.mjs";
import { logInAdmin, moveSite, startInkstone, startPortal, startRelay, waitForSearch } from "./servers.mjs";
import { createWebhook, forgeWebhooks, WebhookTrial, refuseWithoutSecret, revalidatePages, rotateSecret } from "./webhooks.mjs";

const [binary = "", screenshots = ""] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "inkstone-portal-"));
/** @type {(() => Promise<unknown>)[]} */
const ends = [() => rm(folder, { recursive: true, force: true })];

/** @param {{ stop: () => Promise<void> }} started */
function endWith(started) {
  ends.unshift(() => started.stop());
}

async function run() {
  console.log("-- starting Inkstone with the demo site, the portal, and Chromium");
  const inkstone = await startInkstone(binary, join(folder, "data"));
  endWith(inkstone);
  const relay = await startRelay(inkstone.url);
  endWith(relay);
  const portal = await startPortal(relay.url);
  endWith(portal);
  const admin = await logInAdmin(inkstone.url);
  await moveSite(admin, portal.url);
  await addContent(admin);
  await addRichArticle(admin, "/assets/favicon.svg");
  const pictures = await addPictures(admin);
  await waitForSearch(admin, "有图的一篇");
  const browser = await startBrowser();
  endWith({ stop: () => browser.close() });
  const trial = new Trial(browser, portal.url, screenshots);

  const steps = /** @type {[string, () => Promise<void>][]} */ ([
    ["every page, at two widths, in light and dark, with axe", () => reading.lookAtPages(trial)],
    ["an article, its neighbours, its tags", () => reading.readArticle(trial)],
    ["pictures, at two widths", () => showPictures(trial)],
    ["pictures on their way", () => waitForPictures(trial)],
    ["withheld and missing pictures", () => missPictures(trial, pictures)],
    ["addresses of pictures", () => passPicturesOn(trial)],
    ["paging", () => reading.turnPages(trial)],
    ["former slugs", () => reading.followFormerSlugs(trial)],
    ["search and suggestions", () => reading.search(trial)],
    ["hostile content", () => reading.readHostileContent(trial)],
    ["without scripts", () => reading.readWithoutScripts(trial)],
    ["a member's whole way", () => beMember(trial, join(folder, "data", "mail"))],
    ["headers", () => checkHeaders(trial)],
    ["forged forms", () => forgeForms(trial)],
    ["ways on from a login", () => refuseOpenRedirects(trial)],
    ["feeds and the sitemap", () => readFeeds(trial)],
    ["links", () => followLinks(trial)],
    ["requests for each page", () => countRequests(trial, relay, { "/": 1, "/articles/rich": 1, "/categories/news": 1, "/notices": 1 })],
    ["lists that change while they are open", () => watchLists(trial, admin, relay)],
    ["a stream that is lost", () => loseStream(trial, admin, relay)],
    ["a webhook", () => tryWebhook(trial, admin, inkstone.url)],
    ["a home page that was composed", () => tryComposedHome(trial, admin, relay.url)],
    ["Inkstone is down", () => loseInkstone(trial, relay)],
  ]);
  let failed = 0;
  for (const [name, step] of steps) {
    const before = trial.findings.length;
    await step().catch((error) => trial.check(false, `${name}: ${error.stack}`));
    const isGood = trial.findings.length === before;
    failed += Number(!isGood);
    console.log(`-- ${isGood ? "ok" : "FAILED"}: ${name}`);
  }
  console.log(`-- ${trial.checks} checks, ${trial.findings.length} findings`);
  console.log(`${steps.length - failed} passed, ${failed} failed`);
  return failed;
}

/**
 * Composes the home page, and shows it by another portal: this one keeps its menus for a minute.
 * @param {Trial} trial
 * @param {import("#inkstone-client").Inkstone} admin
 * @param {string} api
 */
async function tryComposedHome(trial, admin, api) {
  const portal = await startPortal(api);
  endWith(portal);
  await moveSite(admin, portal.url);
  await composeHome(admin);
  const other = new Trial(trial.browser, portal.url, trial.screenshots);
  await reading.readComposedHome(other);
  await moveSite(admin, trial.portal);
  trial.checks += other.checks;
  trial.findings.push(...other.findings);
}

/**
 * Has a webhook tell another portal of changes. This portal has none.
 * @param {Trial} trial
 * @param {import("#inkstone-client").Inkstone} admin
 * @param {string} api
 */
async function tryWebhook(trial, admin, api) {
  await refuseWithoutSecret(trial);
  const deliveries = await startRelay("");
  endWith(deliveries);
  const requests = await startRelay(api);
  endWith(requests);
  const webhook = await createWebhook(admin, deliveries.url);
  const portal = await startPortal(requests.url, [webhook.secret]);
  endWith(portal);
  deliveries.target = portal.url;
  await moveSite(admin, portal.url);
  const other = new Trial(trial.browser, portal.url, "");
  const webhooks = new WebhookTrial(other, admin, webhook, deliveries, requests);
  await revalidatePages(webhooks);
  await forgeWebhooks(webhooks);
  await rotateSecret(webhooks);
  await webhooks.withhold(() => watchLists(other, admin, requests));
  await moveSite(admin, trial.portal);
  trial.checks += other.checks;
  trial.findings.push(...other.findings);
}

let failed = 1;
try {
  failed = await run();
} finally {
  for (const end of ends) await end().catch((error) => console.error(error));
}
process.exit(failed === 0 ? 0 : 1);
