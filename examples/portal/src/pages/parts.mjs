// What several pages have.
import { html, webAddress } from "../html.mjs";
import { formatCount, formatDay, KIND_NAMES } from "../text.mjs";
import { renderImage } from "./images.mjs";
import { articlePath, categoryPath, noticePath, withQuery } from "./links.mjs";

/** @typedef {import("../html.mjs").Html} Html */
/** @typedef {import("../api.mjs").Card} Card */
/** @typedef {import("../api.mjs").Schemas} Schemas */

/**
 * @param {string | null | undefined} time
 * @param {string} timeZone
 */
export function renderDay(time, timeZone) {
  return time ? html`<time datetime="${time}">${formatDay(time, timeZone)}</time>` : "";
}

/**
 * Renders an article of a list, with its summary and its picture.
 * @param {Card} card
 * @param {string} timeZone
 * @param {{ title?: Html, snippets?: Html[] }} [highlight]
 */
export function renderCard(card, timeZone, { title, snippets = [] } = {}) {
  return html`<li class="card" data-id="${card.id}">
    ${renderImage(card.image, { place: "card", name: "card-cover" })}
    <div class="card-text">
      <h2 class="card-title" lang="${languageOf(card.title)}"><a href="${articlePath(card)}">${title ?? card.title}</a></h2>
      ${snippets.length > 0
        ? snippets.map((snippet) => html`<p class="summary">${snippet}</p>`)
        : card.summary && html`<p class="summary" lang="${languageOf(card.summary)}">${card.summary}</p>`}
      <p class="meta">
        ${card.category && html`<a href="${categoryPath(card.category)}">${card.category.name}</a>`}
        ${renderDay(card.published_at, timeZone)}
        <span>浏览 ${formatCount(card.views)}</span>
      </p>
    </div>
  </li>`;
}

/**
 * Renders articles as lines: the picture, the title, and the day.
 * @param {Pick<Card, "id" | "slug" | "title" | "image" | "published_at">[]} cards
 * @param {string} timeZone
 */
export function renderTitles(cards, timeZone) {
  return html`<ul class="titles">
    ${cards.map(
      (card) => html`<li data-id="${card.id}" lang="${languageOf(card.title)}">${renderImage(card.image, { place: "line", name: "line-cover" })}<a href="${articlePath(card)}">${card.title}</a> ${renderDay(card.published_at, timeZone)}</li>`,
    )}
  </ul>`;
}

/**
 * Renders notices as lines.
 * @param {{ slug: string, title: string, kind: Schemas["NoticeKind"], pinned?: boolean, audience?: Schemas["Audience"], published_at: string | null }[]} notices
 * @param {string} timeZone
 */
export function renderNotices(notices, timeZone) {
  return html`<ul class="titles">
    ${notices.map(
      (notice) => html`<li>
        <span class="kind kind-${notice.kind}">${KIND_NAMES[notice.kind]}</span>
        <a href="${noticePath(notice)}" lang="${languageOf(notice.title)}">${notice.title}</a>
        ${notice.pinned && html`<span class="badge">置顶</span>`}
        ${notice.audience === "members" && html`<span class="badge">会员</span>`}
        ${renderDay(notice.published_at, timeZone)}
      </li>`,
    )}
  </ul>`;
}

/**
 * Renders the items of a menu, and those below them. An item without a target is a heading.
 * @param {Schemas["MenuItem"][]} items
 * @returns {Html}
 */
export function renderMenuItems(items) {
  return html`<ul class="menu-items">
    ${items.map((item) => {
      const path = targetOf(item);
      return html`<li>${path ? html`<a href="${path}">${item.title}</a>` : item.title}${item.items.length > 0 && renderMenuItems(item.items)}</li>`;
    })}
  </ul>`;
}

/**
 * Returns where an item of a menu leads.
 * @param {Schemas["MenuItem"]} item
 */
export function targetOf({ category, article, notice, url }) {
  if (category) return categoryPath(category);
  if (article) return articlePath(article);
  if (notice) return noticePath(notice);
  return url?.startsWith("/") || url?.startsWith("#") ? url : webAddress(url);
}

/**
 * Renders the way from the home page to where a page is.
 * @param {{ name: string, path?: string }[]} steps The last one is the page itself.
 */
export function renderBreadcrumb(steps) {
  return html`<nav class="breadcrumb" aria-label="当前位置">
    <ol>
      <li><a href="/">首页</a></li>
      ${steps.map(({ name, path }) =>
        path ? html`<li><a href="${path}">${name}</a></li>` : html`<li><span aria-current="page">${name}</span></li>`,
      )}
    </ol>
  </nav>`;
}

/**
 * Renders the links to the pages before and after one.
 * @param {{ prev_cursor: string | null, next_cursor: string | null }} page
 * @param {string} path
 * @param {Record<string, string | number | undefined>} [parameters]
 */
export function renderPaging({ prev_cursor: previous, next_cursor: next }, path, parameters = {}) {
  if (!previous && !next) return "";
  return html`<nav class="paging" aria-label="翻页">
    ${previous && html`<a rel="prev" href="${withQuery(path, { ...parameters, cursor: previous })}">上一页</a>`}
    ${next && html`<a rel="next" href="${withQuery(path, { ...parameters, cursor: next })}">下一页</a>`}
  </nav>`;
}

/**
 * Returns the language of a text on a page in Chinese, for the voice that reads it: English if it has no Chinese
 * character.
 * @param {string} text
 */
export function languageOf(text) {
  return /\p{Script=Han}/u.test(text) || !/\p{Script=Latin}/u.test(text) ? "zh-CN" : "en";
}

/**
 * Returns the cursor of a page, from its address.
 * @param {URLSearchParams} query
 */
export function readCursor(query) {
  return query.get("cursor") || undefined;
}

/**
 * Finds a category in the tree.
 * @param {import("../api.mjs").Category[]} tree
 * @param {string} slug
 * @returns {import("../api.mjs").Category | undefined}
 */
export function findCategory(tree, slug) {
  for (const category of tree) {
    const found = category.slug === slug ? category : findCategory(category.children ?? [], slug);
    if (found) return found;
  }
  return undefined;
}

/**
 * Renders the links to what came out before and after something.
 * @param {{ previous: { slug: string, title: string } | null, next: { slug: string, title: string } | null } | undefined} neighbors
 * @param {(thing: { slug: string }) => string} pathOf
 */
export function renderNeighbors(neighbors, pathOf) {
  if (!neighbors?.previous && !neighbors?.next) return "";
  const link = (/** @type {{ slug: string, title: string } | null} */ thing, /** @type {string} */ rel, /** @type {string} */ label) =>
    thing && html`<li><span>${label}</span> <a rel="${rel}" href="${pathOf(thing)}" lang="${languageOf(thing.title)}">${thing.title}</a></li>`;
  return html`<nav class="neighbors" aria-label="上一篇与下一篇">
    <ul>
      ${link(neighbors.previous, "prev", "上一篇")}
      ${link(neighbors.next, "next", "下一篇")}
    </ul>
  </nav>`;
}
