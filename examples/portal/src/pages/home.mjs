import { loadHome } from "../api.mjs";
import { html } from "../html.mjs";
import { formatCount, KIND_NAMES } from "../text.mjs";
import { renderBody, renderImage } from "./images.mjs";
import { articlePath, categoryPath, withQuery } from "./links.mjs";
import { languageOf, renderDay, renderMenuItems, renderNotices, renderTitles } from "./parts.mjs";

/** @typedef {import("../html.mjs").Html} Html */
/** @typedef {import("../api.mjs").Schemas["HomeBlock"]} Block */
/** @typedef {import("../api.mjs").Card} Card */

/**
 * Shows the blocks that the staff have composed, in their order: news of the whole site first, the other blocks of news
 * below, and everything else beside.
 * @type {import("../portal.mjs").Handler}
 */
export async function showHome({ visitors, frame }) {
  const { site } = frame;
  const blocks = (await loadHome(visitors)).filter(hasContent);
  const head = blocks.find((block) => block.kind === "articles" || (block.kind === "latest" && !block.category));
  const news = blocks.filter((block) => block.kind === "latest" && block !== head);
  const aside = blocks.filter((block) => block !== head && !news.includes(block));
  const render = (/** @type {Block} */ block) => renderBlock(block, site.timezone, blocks.indexOf(block), block === head);
  const main = html`<h1 class="unseen">${site.name}</h1>
    <div class="columns">
      <div>${head && render(head)}</div>
      <div class="aside">${aside.map(render)}</div>
    </div>
    <div class="blocks">${news.map(render)}</div>`;
  return { page: { title: site.name, description: site.tagline, canonical: "/", isLive: true, main } };
}

/** @param {Block} block */
function hasContent(block) {
  return block.kind === "html" || block.items.length > 0;
}

/**
 * @param {Block} block
 * @param {string} timeZone
 * @param {number} index
 * @param {boolean} isHead
 */
function renderBlock(block, timeZone, index, isHead) {
  const { title, path, content } = describeBlock(block, timeZone, isHead);
  return html`<section class="block" aria-labelledby="block-${index}">
    <h2 id="block-${index}">${path ? html`<a href="${path}">${title}</a>` : title}</h2>
    ${content}
  </section>`;
}

/**
 * @param {Block} block
 * @param {string} timeZone
 * @param {boolean} isHead
 * @returns {{ title: string, path?: string, content: Html }}
 */
function describeBlock(block, timeZone, isHead) {
  const renderCards = isHead ? renderHeadlines : renderTitles;
  switch (block.kind) {
    case "latest":
      return {
        title: block.title ?? block.category?.name ?? "最新资讯",
        path: block.category ? categoryPath(block.category) : undefined,
        content: html`<div data-live="${block.category?.slug ?? ""}">${renderCards(block.items, timeZone)}</div>`,
      };
    case "articles":
      return { title: block.title ?? "头条", content: renderCards(block.items, timeZone) };
    case "popular":
      return { title: block.title ?? "阅读排行", content: renderTitles(block.items, timeZone) };
    case "notices":
      return {
        title: block.title ?? (block.notice_kind ? KIND_NAMES[block.notice_kind] : "通知公告"),
        path: withQuery("/notices", { kind: block.notice_kind }),
        content: renderNotices(block.items, timeZone),
      };
    case "links":
      return { title: block.title ?? "链接", content: renderMenuItems(block.items) };
    case "html":
      return { title: block.title ?? "本站", content: renderBody(block.body) };
  }
}

/**
 * Renders articles of which the first stands out.
 * @param {Card[]} cards
 * @param {string} timeZone
 */
function renderHeadlines([lead, ...others], timeZone) {
  if (!lead) return html``;
  return html`<article class="lead" data-id="${lead.id}">
      ${renderImage(lead.image, { place: "main", name: "lead-cover", isFirst: true })}
      <h3 lang="${languageOf(lead.title)}"><a href="${articlePath(lead)}">${lead.title}</a></h3>
      ${lead.summary && html`<p class="summary" lang="${languageOf(lead.summary)}">${lead.summary}</p>`}
      <p class="meta">
        ${lead.category && html`<a href="${categoryPath(lead.category)}">${lead.category.name}</a>`}
        ${renderDay(lead.published_at, timeZone)}
        <span>浏览 ${formatCount(lead.views)}</span>
      </p>
    </article>
    ${renderTitles(others, timeZone)}`;
}
