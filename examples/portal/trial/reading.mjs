// What visitors do.
import { HOSTILE, HOSTILE_SEARCH, MANY } from "./content.mjs";

/** @typedef {import("./browser.mjs").Trial} Trial */

/**
 * Looks at every page that visitors have.
 * @param {Trial} trial
 */
export async function lookAtPages(trial) {
  const watched = await trial.openPage();
  await watched.open("/");
  const article = await watched.page.locator(".blocks .titles a").nth(2).getAttribute("href");
  const notice = await watched.page.locator('a[href^="/notices/"]').first().getAttribute("href");
  const pages = {
    home: "/",
    category: "/categories/news",
    "category-many": "/categories/many",
    article: article ?? "",
    "article-rich": "/articles/rich",
    "article-hostile": "/articles/hostile",
    tag: `/tags/${encodeURIComponent("计量")}`,
    tags: "/tags",
    archive: "/archive",
    month: "/archive/2019-01",
    search: `/search?q=${encodeURIComponent("质量")}`,
    "search-empty": "/search",
    notices: "/notices",
    announcements: "/notices?kind=announcement",
    notice: notice ?? "",
    register: "/register",
    login: "/login",
    forgot: "/forgot-password",
    resend: "/resend-confirmation",
    verify: "/verify-email?token=x",
    reset: "/reset-password?token=x",
  };
  for (const [name, path] of Object.entries(pages)) {
    await watched.open(path);
    await watched.look(name);
  }
  await watched.open("/nowhere", 404);
  await watched.look("404");
  for (const path of ["/articles/nowhere", "/categories/nowhere", "/tags/nowhere", "/notices/nowhere", "/%ff", "/articles/a%2Fb"]) {
    await watched.open(path, 404);
  }
  await watched.open("/categories/news?cursor=x", 400);
  await watched.close();
}

/**
 * Reads an article, and goes on from it.
 * @param {Trial} trial
 */
export async function readArticle(trial) {
  const watched = await trial.openPage();
  const { page } = watched;
  await watched.open("/categories/industry");
  await page.locator(".card-title a").nth(1).click();
  await page.waitForURL("**/articles/*");
  const title = await page.locator("h1").innerText();
  trial.check((await page.locator(".breadcrumb a").count()) >= 3, "an article has no breadcrumb");
  trial.check((await page.locator(".aside .titles li").count()) > 0, "an article has nothing related");
  const share = await page.locator(".share a").first().getAttribute("href");
  trial.check(share?.includes(encodeURIComponent(page.url())), `what is shared is not the page: ${share}`);
  await page.locator('.neighbors a[rel="prev"]').click();
  await page.waitForFunction((before) => document.querySelector("h1")?.textContent !== before, title);
  await page.locator('.neighbors a[rel="next"]').click();
  await page.waitForFunction((before) => document.querySelector("h1")?.textContent === before, title);
  await page.locator(".tags a").first().click();
  await page.waitForURL("**/tags/*");
  await watched.has("标签：");
  await watched.close();
}

/**
 * Reads all pages of a category, and comes back.
 * @param {Trial} trial
 */
export async function turnPages(trial) {
  const watched = await trial.openPage();
  const { page } = watched;
  await watched.open("/categories/many");
  /** @type {string[]} */
  const titles = [];
  for (;;) {
    titles.push(...(await page.locator(".card-title").allInnerTexts()));
    const next = page.locator('.paging a[rel="next"]');
    if ((await next.count()) === 0) break;
    await Promise.all([page.waitForEvent("load"), next.click()]);
  }
  trial.check(titles.length === MANY && new Set(titles).size === MANY, `paging shows ${titles.length} articles of ${MANY}`);
  await Promise.all([page.waitForEvent("load"), page.locator('.paging a[rel="prev"]').click()]);
  const back = await page.locator(".card-title").allInnerTexts();
  trial.check(back[0] === titles[20], `the page before begins with ${back[0]}, not ${titles[20]}`);
  await watched.close();
}

/** Addresses that have changed, and what they are now. */
const FORMER = {
  "/articles/old-address": "/articles/new-address",
  "/categories/old-many": "/categories/many",
  "/notices/old-notice": "/notices/new-notice",
  "/news/2019/09/123.html": "/articles/rich",
  "/show.php?id=7&page=1": "/articles/hostile",
};

/**
 * Follows addresses that have changed.
 * @param {Trial} trial
 */
export async function followFormerSlugs(trial) {
  for (const [path, to] of Object.entries(FORMER)) {
    const { status, headers } = await fetch(trial.portal + path, { redirect: "manual" });
    trial.check(status === 301 && headers.get("location") === to, `${path} is ${status} to ${headers.get("location")}, not to ${to}`);
  }
  const watched = await trial.openPage();
  await watched.open("/articles/old-address");
  trial.check(watched.page.url().endsWith("/articles/new-address"), "the browser does not follow a former slug");
  await watched.close();
}

/**
 * Searches: with marks, by facets, with suggestions, and by mistake.
 * @param {Trial} trial
 */
export async function search(trial) {
  const watched = await trial.openPage();
  const { page } = watched;
  await watched.open("/");
  const box = page.getByRole("combobox");
  await box.pressSequentially("jiliang", { delay: 30 });
  await page.getByRole("option").first().waitFor();
  await watched.look("suggestions");
  await box.press("ArrowDown");
  const chosen = await page.locator('[role="option"][aria-selected="true"] span').first().innerText();
  await box.press("Enter");
  await page.waitForURL("**/search?*");
  trial.check((await page.getByRole("combobox").inputValue()) === chosen, "a suggestion that was taken is not searched for");
  trial.check((await page.locator("mark").count()) > 0, "hits have no marks");

  await watched.open(`/search?q=${encodeURIComponent("质量")}`);
  await page.locator('.facets a[href*="type=notice"], .facets a[href*="type=article"]').first().click();
  await page.waitForURL("**type=**");
  await page.locator(".chosen a").click();
  await page.waitForURL((url) => !url.searchParams.has("type"));
  await page.locator('.facets a[href*="category="]').first().click();
  await page.waitForURL("**category=**");
  trial.check((await page.locator(".chosen a").count()) === 1, "a facet that was chosen is not shown");

  await watched.open("/search?q=calibratoin");
  await watched.has("Calibration");
  await watched.open("/search?q=zzzzqqqq");
  await watched.has("没有找到结果");
  await watched.look("search-nothing");
  await watched.close();
}

/**
 * Shows what would run a script, and searches for it.
 * @param {Trial} trial
 */
export async function readHostileContent(trial) {
  const watched = await trial.openPage();
  const { page } = watched;
  for (const path of ["/", "/categories/industry", "/articles/hostile", `/tags/${encodeURIComponent(HOSTILE)}`]) {
    await watched.open(path);
    await watched.has(HOSTILE);
  }
  for (const text of [HOSTILE, HOSTILE_SEARCH, "onerror", `"><script>alert(1)</script>`, "<mark><script>alert(1)</script></mark>"]) {
    await watched.open(`/search?q=${encodeURIComponent(text)}`);
    await watched.has(text);
    const shown = await page.getByRole("combobox").inputValue();
    trial.check(shown === text, `the search box shows ${shown}, not ${text}`);
  }
  await watched.open("/");
  await page.getByRole("combobox").pressSequentially("img", { delay: 30 });
  await page.getByRole("option").first().waitFor({ timeout: 5_000 }).catch(() => trial.check(false, "nothing is suggested for img"));
  trial.check((await page.locator(".suggestions img").count()) === 0, "a suggestion is HTML");
  const scripts = await page.locator("script:not([src])").count();
  trial.check(scripts === 0, `${scripts} inline scripts`);
  await watched.close();
}

/**
 * Searches without scripts.
 * @param {Trial} trial
 */
export async function readWithoutScripts(trial) {
  const watched = await trial.openPage({ javaScriptEnabled: false });
  const { page } = watched;
  await watched.open("/");
  trial.check((await page.locator("[data-live] a").count()) > 0, "without scripts the home page has no list");
  trial.check((await page.locator(".live").count()) === 0, "without scripts a page has a line for news");
  await page.locator("#q").fill("质量");
  await page.locator(".search button").click();
  await page.waitForURL("**/search?*");
  trial.check((await page.locator("mark").count()) > 0, "without scripts nothing is found");
  await watched.close();
}

/**
 * Looks at a home page that the staff have composed, with menus of theirs.
 * @param {Trial} trial
 */
export async function readComposedHome(trial) {
  const watched = await trial.openPage();
  await watched.open("/");
  for (const text of ["头条", "阅读排行", "公告", "编者按", "友情链接", "最新资讯", "技术", HOSTILE, "检定专题", "联系我们"]) {
    await watched.has(text);
  }
  await watched.look("home-composed");
  await watched.page.locator(".menu").getByRole("link", { name: "图文" }).click();
  await watched.page.waitForURL("**/articles/rich");
  await watched.close();
}
