// The portal keeps answers of Inkstone, until a webhook tells of a change.
import { createHmac, randomBytes, randomUUID } from "node:crypto";

import { unwrap } from "#inkstone-client";

/** @typedef {import("./browser.mjs").Trial} Trial */
/** @typedef {import("./servers.mjs").Relay} Relay */
/** @typedef {import("#inkstone-client").Inkstone} Client */

const HOOK = "/hooks/inkstone";
/** Milliseconds for which a delivery is waited for: a first try that fails is followed by another after 5 seconds. */
const PATIENCE = 30_000;
/** Milliseconds from a delivery until the portal keeps answers again. */
const SETTLING = 2_000;

/**
 * Creates a webhook that leads to the portal.
 * @param {Client} admin
 * @param {string} portal
 * @returns {Promise<{ id: string, secret: string }>}
 */
export async function createWebhook(admin, portal) {
  return (await ask(admin, "POST", "/api/v1/webhooks", { body: { url: portal + HOOK, events: ["*"] } })).data;
}

/**
 * Sends a request about webhooks.
 * @param {Client} admin
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {object} init
 */
async function ask(admin, method, path, init) {
  return /** @type {any} */ (unwrap(await /** @type {any} */ (admin)[method](path, init)));
}

/** A portal with a webhook, between two relays. */
export class WebhookTrial {
  /**
   * @param {Trial} trial
   * @param {Client} admin
   * @param {{ id: string, secret: string }} webhook
   * @param {Relay} deliveries It passes the webhook on to the portal.
   * @param {Relay} requests It passes the requests of the portal on to Inkstone.
   */
  constructor(trial, admin, webhook, deliveries, requests) {
    this.trial = trial;
    this.admin = admin;
    this.webhook = webhook;
    this.deliveries = deliveries;
    this.requests = requests;
  }

  /**
   * Changes something, and waits for the delivery.
   * @param {() => Promise<unknown>} change
   */
  async deliver(change) {
    this.deliveries.answers.length = 0;
    await change();
    await this.#waitForDelivery();
  }

  /**
   * Does something between a change and its delivery.
   * @param {() => Promise<unknown>} change
   * @param {() => Promise<unknown>} meanwhile
   */
  async deliverLate(change, meanwhile) {
    this.deliveries.answers.length = 0;
    await this.withhold(async () => {
      await change();
      await meanwhile();
    });
    await this.#waitForDelivery();
  }

  /**
   * Does something while no delivery comes through.
   * @param {() => Promise<unknown>} work
   */
  async withhold(work) {
    let open = () => {};
    this.deliveries.gate = new Promise((resolve) => (open = () => resolve(undefined)));
    await work().finally(open);
  }

  async #waitForDelivery() {
    const end = Date.now() + PATIENCE;
    while (this.deliveries.answers.length === 0 && Date.now() < end) await pause(20);
    const answer = this.deliveries.answers[0];
    this.trial.check(answer === `POST ${HOOK} 204`, `a delivery is answered with ${answer ?? "nothing"}`);
  }

  /**
   * Reads pages once no delivery is under way, so that the portal keeps their answers.
   * @param {string[]} paths
   */
  async keep(...paths) {
    for (let count = -1; count !== this.deliveries.answers.length; ) {
      count = this.deliveries.answers.length;
      await pause(SETTLING);
    }
    for (const path of paths) {
      await this.read(path);
      await this.readKept(path, "which was just read");
    }
  }

  /**
   * Checks that a page takes no request to Inkstone, but for the views that it counts.
   * @param {string} path
   * @param {string} when
   */
  async readKept(path, when) {
    this.requests.seen.length = 0;
    await this.read(path);
    const reads = this.requests.seen.filter((request) => request.startsWith("GET"));
    this.trial.check(reads.length === 0, `${path}, ${when}, takes ${reads.join(", ")}`);
  }

  /**
   * Reads a page.
   * @param {string} path
   * @param {Record<string, string>} [headers]
   */
  async read(path, headers = {}) {
    const answer = await fetch(this.trial.portal + path, { headers });
    return answer.status === 200 ? answer.text() : String(answer.status);
  }

  /**
   * Checks whether a page has a text.
   * @param {string} path
   * @param {string} text
   * @param {boolean} expected
   * @param {string} when
   */
  async shows(path, text, expected, when) {
    const has = (await this.read(path)).includes(text);
    this.trial.check(has === expected, `${path} ${has ? "shows" : "does not show"} ${text} ${when}`);
  }

  /**
   * Sends a webhook as Inkstone would, but for the options.
   * @param {{ key?: Buffer, id?: string, seconds?: number, signed?: string, body?: string, signature?: (right: string) => string, headers?: Record<string, string> }} options
   */
  async send({ key = readKey(this.webhook.secret), id = randomUUID(), seconds = 0, signed, body = TEST, signature = (right) => right, headers }) {
    const timestamp = String(Math.floor(Date.now() / 1000) + seconds);
    const right = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${signed ?? body}`).digest("base64")}`;
    const own = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature(right) };
    const answer = await fetch(this.trial.portal + HOOK, { method: "POST", body, headers: { "content-type": "application/json", ...own, ...headers } });
    await answer.text();
    return answer.status;
  }
}

const TEST = JSON.stringify({ type: "category.changed", timestamp: "2026-01-01T00:00:00Z", data: { id: randomUUID() } });

/** @param {string} secret */
function readKey(secret) {
  return Buffer.from(secret.replace("whsec_", ""), "base64");
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Changes articles, notices and categories, and reads the pages that show them.
 * @param {WebhookTrial} webhooks
 */
export async function revalidatePages(webhooks) {
  const { admin } = webhooks;
  const path = { id: "hooked" };
  const list = "/categories/tech";
  const page = "/articles/hooked";
  await webhooks.keep("/", list, "/notices");
  const article = { title: "推送来的一篇", slug: "hooked", category: "tech", body: "<p>正文。</p>", status: /** @type {const} */ ("published") };
  const publish = async () => unwrap(await admin.POST("/api/v1/articles", { body: article }));
  await webhooks.deliverLate(publish, async () => {
    await webhooks.shows("/", article.title, false, "while it is kept");
    await webhooks.shows(list, article.title, false, "while it is kept");
    const again = await webhooks.read(list, { "Cache-Control": "max-age=0" });
    webhooks.trial.check(again.includes(article.title), "a list that is reloaded does not have a new article");
  });
  await webhooks.shows("/", article.title, true, "after the webhook");
  await webhooks.shows(list, article.title, true, "after the webhook");
  await webhooks.readKept("/notices", "after an article came out");

  await webhooks.keep(page, list);
  await webhooks.deliver(async () => unwrap(await admin.PATCH("/api/v1/articles/{id}", { params: { path }, body: { title: "改过标题的一篇" } })));
  await webhooks.shows(page, "改过标题的一篇", true, "after it was changed");
  await webhooks.shows(list, "改过标题的一篇", true, "after it was changed");

  await webhooks.keep(page, list);
  await webhooks.deliver(async () => unwrap(await admin.PATCH("/api/v1/articles/{id}", { params: { path }, body: { status: "draft" } })));
  webhooks.trial.check((await webhooks.read(page)) === "404", "an article that was withdrawn is still a page");
  await webhooks.shows(list, "改过标题的一篇", false, "after it was withdrawn");

  await webhooks.keep("/", "/notices");
  const notice = { kind: /** @type {const} */ ("notice"), title: "推送来的通知", body: "<p>正文。</p>", status: /** @type {const} */ ("published") };
  await webhooks.deliver(async () => unwrap(await admin.POST("/api/v1/notices", { body: notice })));
  await webhooks.shows("/notices", notice.title, true, "after the webhook");

  await webhooks.keep("/notices");
  const category = { id: "tech" };
  await webhooks.deliver(async () => unwrap(await admin.PATCH("/api/v1/categories/{id}", { params: { path: category }, body: { name: "科技" } })));
  await webhooks.shows("/notices", ">科技<", true, "after a category was renamed");
  await webhooks.deliver(async () => unwrap(await admin.PATCH("/api/v1/categories/{id}", { params: { path: category }, body: { name: "技术" } })));
}

/**
 * Sends webhooks that the portal must refuse, and some that it must not.
 * @param {WebhookTrial} webhooks
 */
export async function forgeWebhooks(webhooks) {
  const { trial } = webhooks;
  const other = randomBytes(32);
  const id = randomUUID();
  const cases = /** @type {[string, number, Parameters<WebhookTrial["send"]>[0]][]} */ ([
    ["a right signature", 204, { id }],
    ["the same id again", 204, { id }],
    ["a right signature among others", 204, { signature: (right) => `v1a,AAAA v1,AAAA ${right} v2,x` }],
    ["a clock that is a little slow", 204, { seconds: -240 }],
    ["an event of a kind that is not known", 204, { body: `{"type":"planet.changed"}` }],
    ["another secret", 401, { key: other }],
    ["a forged signature", 401, { signature: () => `v1,${other.toString("base64")}` }],
    ["a signature that is cut", 401, { signature: (right) => right.slice(0, 20) }],
    ["an empty signature", 401, { signature: () => "v1," }],
    ["a signature of another version", 401, { signature: (right) => right.replace("v1,", "v1a,") }],
    ["an old timestamp", 401, { seconds: -301 }],
    ["a timestamp of tomorrow", 401, { seconds: 24 * 3600 }],
    ["a timestamp that was not signed", 401, { headers: { "webhook-timestamp": String(Math.floor(Date.now() / 1000) - 5) } }],
    ["an id that was not signed", 401, { headers: { "webhook-id": "another" } }],
    ["a tampered body", 401, { signed: TEST, body: TEST.replace("category", "article") }],
    ["a blank more in its body", 401, { signed: TEST, body: `${TEST} ` }],
    ["a timestamp in words", 400, { headers: { "webhook-timestamp": "now" } }],
    ["a body that is not JSON", 400, { body: "changed" }],
    ["a body that is no event", 400, { body: "null" }],
    ["a long body", 413, { body: JSON.stringify({ type: "category.changed", data: "x".repeat(100_000) }) }],
  ]);
  await webhooks.keep("/notices");
  for (const [name, status, options] of cases.filter(([, expected]) => expected >= 400)) {
    const answer = await webhooks.send(options);
    trial.check(answer === status, `a webhook with ${name} is ${answer}, not ${status}`);
  }
  await webhooks.readKept("/notices", "after webhooks were refused");
  for (const [name, status, options] of cases.filter(([, expected]) => expected < 400)) {
    const answer = await webhooks.send(options);
    trial.check(answer === status, `a webhook with ${name} is ${answer}, not ${status}`);
  }
  const bare = await fetch(trial.portal + HOOK, { method: "POST", body: TEST });
  trial.check(bare.status === 400, `a webhook without a signature is ${bare.status}`);
  const read = await fetch(trial.portal + HOOK);
  trial.check(read.status === 404, `${HOOK} is ${read.status} as a page`);
}

/**
 * Exchanges the secret: the portal, which has the former one, still believes the deliveries.
 * @param {WebhookTrial} webhooks
 */
export async function rotateSecret(webhooks) {
  const { admin, webhook } = webhooks;
  const path = `/api/v1/webhooks/${webhook.id}`;
  const { secret } = (await ask(admin, "POST", `${path}/rotate`, {})).data;
  webhooks.trial.check(secret !== webhook.secret, "the secret is the same after a rotation");
  await webhooks.deliver(() => ask(admin, "POST", `${path}/test`, {}));
  const failed = (await ask(admin, "GET", `${path}/deliveries`, { params: { query: { state: "failed" } } })).data;
  webhooks.trial.check(failed.length === 0, `${failed.length} deliveries have failed`);
}

/**
 * Sends a webhook to a portal that has none.
 * @param {Trial} trial
 */
export async function refuseWithoutSecret(trial) {
  const answer = await fetch(trial.portal + HOOK, { method: "POST", body: TEST });
  trial.check(answer.status === 404, `a webhook of a portal without a secret is ${answer.status}`);
}
