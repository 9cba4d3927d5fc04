import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

/** @typedef {import("playwright-core").Page} Page */

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The widths of a phone and of a desk, and the heights that screenshots begin with. */
export const SIZES = Object.freeze([
  { name: "390", width: 390, height: 844 },
  { name: "1280", width: 1280, height: 800 },
]);

/** That of a person's browser: views of a headless one are not counted. */
const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** What was found, and the browser that finds it. */
export class Trial {
  /** @type {string[]} */
  findings = [];
  checks = 0;

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} portal
   * @param {string} screenshots The folder, or nothing.
   */
  constructor(browser, portal, screenshots) {
    this.browser = browser;
    this.portal = portal;
    this.screenshots = screenshots;
  }

  /**
   * Notes a finding unless something holds.
   * @param {unknown} holds
   * @param {string} finding
   */
  check(holds, finding) {
    this.checks += 1;
    if (holds) return;
    this.findings.push(finding);
    console.log(`FINDING ${finding}`);
  }

  /**
   * Opens a page that is watched: errors on its console, requests that fail or leave the portal, dialogs.
   * @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async openPage(options = {}) {
    const context = await this.browser.newContext({ locale: "zh-CN", userAgent: USER_AGENT, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const watched = new WatchedPage(this, page);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) watched.note(`the console says: ${message.text()}`);
    });
    page.on("pageerror", (error) => watched.note(`an error in a script: ${error.message}`));
    page.on("requestfailed", (request) => watched.note(`failed: ${request.url()} ${request.failure()?.errorText}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.portal)) watched.note(`a request elsewhere: ${request.url()}`);
    });
    page.on("dialog", (dialog) => {
      watched.note(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    return watched;
  }
}

/** A page, and what is to be expected of it. */
export class WatchedPage {
  /** @type {RegExp | undefined} */
  #expected;

  /**
   * @param {Trial} trial
   * @param {Page} page
   */
  constructor(trial, page) {
    this.trial = trial;
    this.page = page;
  }

  /** @param {string} finding */
  note(finding) {
    // What was overtaken by the next key, or by the next page, is no failure.
    if (/\/(suggest\?|assets\/favicon\.svg|media\/|events).*ERR_ABORTED/.test(finding) || this.#expected?.test(finding)) return;
    this.trial.check(false, `${this.page.url()}: ${finding}`);
  }

  /**
   * Goes to a path, and checks the status.
   * @param {string} path
   * @param {number} [status]
   */
  async open(path, status = 200) {
    this.#expected = status < 400 ? undefined : new RegExp(`status of ${status}`);
    const response = await this.page.goto(new URL(path, this.trial.portal).href);
    this.trial.check(response?.status() === status, `${path} is ${response?.status()}, not ${status}`);
    return this.page;
  }

  /**
   * Does something that is answered with a refusal.
   * @param {number} status
   * @param {() => Promise<unknown>} action
   */
  async expecting(status, action) {
    this.#expected = new RegExp(`status of ${status}`);
    await action();
    this.#expected = undefined;
  }

  /**
   * Checks that a page has a text.
   * @param {string} text
   */
  async has(text) {
    const body = await this.page.locator("body").innerText();
    this.trial.check(body.includes(text), `${this.page.url()} does not say ${text}`);
  }

  /**
   * Looks at the page as it is: with axe, at each width, in light and dark; and takes its picture.
   * @param {string} name
   */
  async look(name) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const size of SIZES) {
        await this.page.setViewportSize(size);
        await this.#measure(`${name} ${size.name} ${colorScheme}`);
        await this.#runAxe(`${name} ${size.name} ${colorScheme}`);
        await this.#takePicture(`${name}-${size.name}${colorScheme === "dark" ? "-dark" : ""}`);
      }
    }
    await this.page.emulateMedia({ colorScheme: "light" });
  }

  /** @param {string} name */
  async #measure(name) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    this.trial.check(over <= 0, `${name} is ${over} pixels wider than its window`);
  }

  /** @param {string} name */
  async #runAxe(name) {
    await this.page.evaluate(AXE);
    const violations = await this.page.evaluate(async () => {
      // @ts-expect-error axe is the global of the script above.
      const { violations } = await window.axe.run(document);
      return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.html).join(" | ")}`);
    });
    this.trial.check(violations.length === 0, `${name}: axe: ${violations.join("; ")}`);
  }

  /** @param {string} name */
  async #takePicture(name) {
    if (!this.trial.screenshots) return;
    await mkdir(this.trial.screenshots, { recursive: true });
    await this.page.screenshot({ path: join(this.trial.screenshots, `${name}.png`), fullPage: true });
  }

  async close() {
    await this.page.context().close();
  }
}

/** Starts Chromium. */
export function startBrowser() {
  // Its sandbox does not work for root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}
