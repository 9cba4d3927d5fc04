// Starts Inkstone, the portal and Chromium; runs all trials; says what was found.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startBrowser, Trial } from "./browser.mjs";
import { addContent, addRichArticle } from "./content.mjs";
import { beMember } from "./member.mjs";
import { checkHeaders, countRequests, forgeForms, loseInkstone } from "./protocol.mjs";
import * as reading from "./reading.mjs";
import { prepareSite, startInkstone, startPortal, startRelay, waitForSearch } from "./servers.mjs";

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
  const admin = await prepareSite(inkstone.url, portal.url);
  await addContent(admin);
  await addRichArticle(admin, `${portal.url}/assets/favicon.svg`);
  await waitForSearch(admin, "图文并茂");
  const browser = await startBrowser();
  endWith({ stop: () => browser.close() });
  const trial = new Trial(browser, portal.url, screenshots);

  const steps = /** @type {[string, () => Promise<void>][]} */ ([
    ["every page, at two widths, in light and dark, with axe", () => reading.lookAtPages(trial)],
    ["an article, its neighbours, its tags", () => reading.readArticle(trial)],
    ["paging", () => reading.turnPages(trial)],
    ["former slugs", () => reading.followFormerSlugs(trial)],
    ["search and suggestions", () => reading.search(trial)],
    ["hostile content", () => reading.readHostileContent(trial)],
    ["without scripts", () => reading.readWithoutScripts(trial)],
    ["a member's whole way", () => beMember(trial, join(folder, "data", "mail"))],
    ["headers", () => checkHeaders(trial)],
    ["forged forms", () => forgeForms(trial)],
    ["requests for each page", () => countRequests(trial, relay, { "/": 2, "/articles/rich": 1, "/categories/news": 1, "/notices": 1 })],
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

let failed = 1;
try {
  failed = await run();
} finally {
  for (const end of ends) await end().catch((error) => console.error(error));
}
process.exit(failed === 0 ? 0 : 1);
