// Pictures: everywhere, in the right size, with nothing that moves; withheld ones, and missing ones.
import { unwrap } from "#inkstone-client";

import { SIZES } from "./browser.mjs";

/** @typedef {import("./browser.mjs").Trial} Trial */
/** @typedef {import("./browser.mjs").WatchedPage} WatchedPage */
/** @typedef {import("#inkstone-client").Inkstone} Client */

/** What pages move by at most while pictures come: nothing that is seen. */
const MAX_SHIFT = 0.01;
/** Where pictures must be. */
const PAGES = Object.freeze([
  { path: "/", place: ".lead-cover" },
  { path: "/categories/news", place: ".card-cover" },
  { path: `/tags/${encodeURIComponent("配图")}`, place: ".card-cover" },
  { path: `/search?q=${encodeURIComponent("有图的一篇")}`, place: ".card-cover" },
  { path: "/articles/pictured", place: ".cover" },
  { path: "/articles/pictured", place: ".body img" },
  { path: "/articles/rich", place: ".aside .line-cover" },
  { path: "/notices/pictured", place: ".body img" },
]);
/** The presets that the browser may choose at each width. */
const CHOICES = Object.freeze([
  { width: "390", place: ".cover", presets: ["w640"] },
  { width: "390", place: ".card-cover", presets: ["w160"] },
  { width: "390", place: ".line-cover", presets: ["w160"] },
  { width: "1280", place: ".cover", presets: ["w960", "w1280"] },
  { width: "1280", place: ".card-cover", presets: ["w320"] },
]);

/**
 * Adds articles and notices with pictures of the demo site: public ones, one for members, and one that is not there.
 * @param {Client} admin
 */
export async function addPictures(admin) {
  const demo = unwrap(await admin.GET("/api/v1/media", { params: { query: { q: "weights" } } })).data[0];
  if (!demo) throw new Error("the demo site has no picture");
  const path = { id: demo.id };
  const original = await admin.GET("/api/v1/media/{id}/original", { params: { path }, parseAs: "arrayBuffer" });
  const bytes = new Uint8Array(/** @type {any} */ (unwrap(original)));
  const hidden = await admin.uploadMedia(bytes, { name: "members.jpg", alt: "只给会员看的图" });
  const figure = `<figure><img src="/media/${demo.id}"><figcaption>图一</figcaption></figure>`;
  const common = { status: /** @type {const} */ ("published"), published_at: "2016-05-04T00:00:00Z" };
  const articles = [
    { title: "有图的一篇", slug: "pictured", cover: demo.id, category: "instruments", tags: ["仪器", "配图"], published_at: null, body: `<p>正文。</p>${figure}` },
    { title: "会员图的一篇", slug: "withheld", cover: hidden.id, category: "instruments", body: `<p>正文。<img alt="a > b" src="/media/${hidden.id}">续。</p>${figure}` },
    { title: "Lost and never found", slug: "missing", cover_url: "/gone/cover.jpg", body: `<p>正文。</p><p><img src="/gone/body.jpg" alt="已经不在的图"></p>` },
  ];
  for (const article of articles) unwrap(await admin.POST("/api/v1/articles", { body: { ...common, ...article } }));
  const notices = /** @type {const} */ ([
    { title: "有图的通知", slug: "pictured", body: figure, audience: "public" },
    { title: "会员图的通知", slug: "members-picture", body: `<p><img src="/media/${hidden.id}"></p>`, audience: "members" },
  ]);
  for (const notice of notices) unwrap(await admin.POST("/api/v1/notices", { body: { kind: "notice", status: "published", ...notice } }));
  // No article takes a picture for members. One that it has may become so.
  unwrap(await admin.PATCH("/api/v1/media/{id}", { params: { path: { id: hidden.id } }, body: { audience: "members" } }));
  return { hidden: hidden.id };
}

/**
 * Opens a page that sums up by what its parts move.
 * @param {Trial} trial
 * @param {{ width: number, height: number }} viewport
 */
async function openMeasured(trial, viewport) {
  const watched = await trial.openPage({ viewport });
  await watched.page.addInitScript(() => {
    const page = /** @type {any} */ (window);
    page.shifted = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) page.shifted += /** @type {any} */ (entry).value;
    });
    observer.observe({ type: "layout-shift", buffered: true });
  });
  return watched;
}

/** @param {WatchedPage} watched */
async function checkShift({ page, trial }) {
  const shifted = await page.evaluate(() => /** @type {any} */ (window).shifted);
  trial.check(shifted <= MAX_SHIFT, `${page.url()} moves by ${shifted} while its pictures come`);
}

/**
 * Scrolls to each picture, and waits until it is there or has failed.
 * @param {WatchedPage} watched
 * @param {string} [place]
 */
async function loadPictures({ page }, place = "main img") {
  for (const image of await page.locator(place).all()) {
    await image.scrollIntoViewIfNeeded();
    await image.evaluate((one) => one instanceof HTMLImageElement && !one.complete && new Promise((resolve) => {
      one.addEventListener("load", resolve);
      one.addEventListener("error", resolve);
    }));
  }
  return page.locator(place).evaluateAll((images) => images.flatMap((one) => one instanceof HTMLImageElement ? [{
    src: one.currentSrc, seen: one.naturalWidth, alt: one.alt, place: one.className,
    isSized: one.hasAttribute("width") && one.hasAttribute("height"),
  }] : []));
}

/**
 * Looks for pictures wherever there must be some, on each width.
 * @param {Trial} trial
 */
export async function showPictures(trial) {
  for (const size of SIZES) {
    for (const { path, place } of PAGES) {
      const watched = await openMeasured(trial, size);
      await watched.open(path);
      const name = `${path} ${place} at ${size.name}`;
      const images = (await loadPictures(watched, place)).filter(({ src }) => src.includes("/media/"));
      trial.check(images.length > 0, `${name}: no picture`);
      for (const { src, seen, alt, isSized } of images) {
        trial.check(seen > 0, `${name}: ${src} is not shown`);
        trial.check(alt !== "", `${name}: ${src} has no alternative text`);
        trial.check(isSized, `${name}: ${src} has no size`);
        for (const choice of CHOICES.filter((choice) => choice.width === size.name && choice.place === place)) {
          const preset = /\/([a-z0-9]+)-[0-9a-f]{32}$/.exec(src)?.[1] ?? src;
          trial.check(choice.presets.includes(preset), `${name}: the browser takes ${preset}, not ${choice.presets}`);
        }
      }
      await checkShift(watched);
      await watched.close();
    }
  }
  const watched = await trial.openPage();
  await watched.open("/articles/pictured");
  for (const text of ["一组黄铜砝码", "示意图：砚台计量网", "图一"]) await watched.has(text);
  await watched.look("article-pictured");
  await watched.open("/notices/pictured");
  await watched.look("notice-pictured");
  await watched.close();
}

/**
 * Looks at the places of pictures while these are on their way: they have the size and the main colour.
 * @param {Trial} trial
 */
export async function waitForPictures(trial) {
  const watched = await openMeasured(trial, SIZES[1] ?? { width: 1280, height: 800 });
  const { page } = watched;
  const held = holdOn();
  await page.route("**/media/**", async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.goto(`${trial.portal}/articles/pictured`, { waitUntil: "domcontentloaded" });
  const cover = page.locator(".cover");
  await page.waitForFunction(() => document.querySelector(".cover")?.getAttribute("style"));
  const place = await cover.evaluate((one) => ({ color: getComputedStyle(one).backgroundColor, height: one.clientHeight }));
  trial.check(place.color === "rgb(49, 77, 88)", `the place of a picture has the colour ${place.color}`);
  held.resolve();
  await page.waitForFunction(() => !document.querySelector(".cover")?.getAttribute("style"));
  const after = await cover.evaluate((one) => one.clientHeight);
  trial.check(after === place.height, `a picture makes its place ${after} high, which was ${place.height}`);
  await checkShift(watched);
  await watched.close();
}

/** Makes a promise that is kept from outside. */
function holdOn() {
  /** @type {(value?: unknown) => void} */
  let resolve = () => {};
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/**
 * Reads an article whose picture is for members, and one whose pictures are not there.
 * @param {Trial} trial
 * @param {{ hidden: string }} pictures
 */
export async function missPictures(trial, { hidden }) {
  const watched = await trial.openPage();
  const { page } = watched;
  for (const path of ["/categories/instruments", "/articles/withheld"]) {
    await watched.open(path);
    await watched.has("会员图的一篇");
    const shown = await page.locator(`img[src*="${hidden}"]`).count();
    trial.check(shown === 0, `${path} shows a picture that is for members`);
  }
  await watched.has("正文。续。");
  const images = await loadPictures(watched, ".article img");
  trial.check(images.length === 1 && images[0]?.seen, "a picture beside one for members is not shown");
  const refused = await fetch(`${trial.portal}/media/${hidden}`);
  trial.check(refused.status === 404, `a picture for members is ${refused.status} for everybody`);

  await watched.expecting(404, async () => {
    // The page is not counted as read: among what is popular, its picture would be missing elsewhere, too.
    await page.setExtraHTTPHeaders({ "Sec-Purpose": "prefetch" });
    await page.goto(`${trial.portal}/articles/missing`);
    const gone = await loadPictures(watched, ".article img");
    trial.check(gone.length === 2 && gone.every(({ seen }) => seen === 0), "a picture that is not there is shown");
    await watched.has("正文。");
    await watched.look("article-missing");
    await page.route("**/media/**", (route) => route.fulfill({ status: 404, body: "" }));
    await page.goto(`${trial.portal}/articles/pictured`);
    await loadPictures(watched);
    const height = await page.locator(".cover").evaluate((one) => one.clientHeight);
    trial.check(height > 200, `the place of a picture that does not come is ${height} high`);
    await watched.has("一组黄铜砝码");
    await watched.look("article-pictured-missing");
  });
  await watched.close();
}

/**
 * Reads a notice for members with a picture for members.
 * @param {WatchedPage} watched The page of a member.
 */
export async function showMembersPicture(watched) {
  await watched.open("/notices/members-picture");
  const [image] = await loadPictures(watched, ".body img");
  watched.trial.check(image?.seen && image.src.includes("sig="), `a member does not see the picture for members: ${image?.src}`);
}

/**
 * Checks that pictures are passed on with all that caches and browsers must know.
 * @param {Trial} trial
 */
export async function passPicturesOn(trial) {
  const page = await (await fetch(`${trial.portal}/articles/pictured`)).text();
  const address = /<img class="cover"[^>]* src="([^"]+)"/.exec(page)?.[1] ?? "";
  trial.check(address.startsWith(`${trial.portal}/media/`), `a picture has the address ${address}`);
  trial.check(page.includes(`<meta property="og:image" content="${address}">`), "an article names no picture to other sites");
  const webp = await fetch(address, { headers: { Accept: "image/webp,*/*" } });
  const expected = { "content-type": "image/webp", vary: "Accept", "x-content-type-options": "nosniff" };
  for (const [name, value] of Object.entries(expected)) {
    trial.check(webp.headers.get(name)?.includes(value), `${name} of a picture is ${webp.headers.get(name)}, not ${value}`);
  }
  trial.check(webp.headers.get("cache-control")?.includes("immutable"), "a picture is not kept");
  trial.check(webp.headers.get("content-security-policy")?.startsWith("sandbox"), "a picture has the policy of pages");
  const length = Number(webp.headers.get("content-length"));
  trial.check(length > 0 && length === (await webp.arrayBuffer()).byteLength, `the length of a picture is ${length}`);
  const jpeg = await fetch(address, { headers: { Accept: "image/jpeg" } });
  trial.check(jpeg.headers.get("content-type") === "image/jpeg", `without WebP a picture is ${jpeg.headers.get("content-type")}`);
  const again = await fetch(address, { headers: { Accept: "image/jpeg", "If-None-Match": jpeg.headers.get("etag") ?? "" } });
  trial.check(again.status === 304, `a picture again is ${again.status}`);
}
