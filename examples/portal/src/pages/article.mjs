import { countView, findByUrl, loadArticle } from "../api.mjs";
import { escape, html, webAddress } from "../html.mjs";
import { formatCount, formatTime } from "../text.mjs";
import { renderBody, renderCover } from "./images.mjs";
import { articlePath, categoryPath, tagPath } from "./links.mjs";
import { languageOf, renderBreadcrumb, renderNeighbors, renderNotices, renderTitles } from "./parts.mjs";

/** @typedef {import("../api.mjs").Schemas["Article"]} Article */
/** @typedef {import("../api.mjs").Schemas["Site"]} Site */

/** @type {import("../portal.mjs").Handler} */
export async function showArticle({ visitors, frame, params, request, later }) {
  const article = await loadArticle(visitors, params.slug ?? "");
  // It was asked for by its id or a former slug.
  if (article.slug !== params.slug) return { redirect: articlePath(article), status: 301 };
  if (isRead(request)) later(() => countView(visitors, article.id));
  const steps = article.category?.path ?? [];
  const main = html`${renderBreadcrumb([
      ...steps.map((step) => ({ name: step.name, path: categoryPath(step) })),
      { name: "正文" },
    ])}
    <div class="columns">
      ${renderArticle(article, frame.site)}
      ${renderAside(article, frame.site)}
    </div>`;
  return {
    page: {
      title: article.title,
      description: article.summary,
      canonical: articlePath(article),
      image: webAddress(article.image?.src),
      section: steps[0]?.slug,
      main,
    },
  };
}

/**
 * Returns whether somebody reads the page: not a browser that fetches it in advance.
 * @param {import("node:http").IncomingMessage} request
 */
function isRead({ method, headers }) {
  return method === "GET" && !String(headers["sec-purpose"] ?? headers.purpose ?? "").includes("prefetch");
}

/**
 * @param {Article} article
 * @param {Site} site
 */
function renderArticle(article, site) {
  return html`<article class="article" lang="${languageOf(article.title)}">
    <h1>${article.title}</h1>
    <p class="meta" lang="zh-CN">
      ${article.published_at && html`<span>发布时间：<time datetime="${article.published_at}">${formatTime(article.published_at, site.timezone)}</time></span>`}
      ${article.author && html`<span>作者：${article.author}</span>`}
      ${renderSource(article)}
      <span>浏览：${formatCount(article.views)}</span>
    </p>
    ${hasAbstract(article) && html`<p class="abstract">${article.summary}</p>`}
    ${renderCover(article.image)}
    ${renderBody(article.body)}
    <footer lang="zh-CN">
      ${renderTags(article.tags)}
      ${renderShare(article, site)}
      ${renderNeighbors(article.neighbors, articlePath)}
    </footer>
  </article>`;
}

/**
 * Returns whether an article has a summary of its own. One that Inkstone has made is the beginning of the body: above it,
 * it would stand twice.
 * @param {Article} article
 */
function hasAbstract({ summary, body }) {
  const text = body.replace(/<[^>]*>|\s/g, "");
  return summary !== "" && !text.startsWith(escape(summary.replace(/\s/g, "").slice(0, 20)));
}

/** @param {Article} article */
function renderSource({ source_name: name, source_url: url }) {
  const address = webAddress(url);
  if (!name && !address) return "";
  const text = name || "原文";
  return html`<span>来源：${address ? html`<a href="${address}" rel="noopener noreferrer nofollow">${text}</a>` : text}</span>`;
}

/** @param {string[]} tags */
function renderTags(tags) {
  if (tags.length === 0) return "";
  return html`<div class="tags"><h2 class="label">标签</h2>
    <ul>${tags.map((tag) => html`<li><a href="${tagPath(tag)}" lang="${languageOf(tag)}">${tag}</a></li>`)}</ul>
  </div>`;
}

/**
 * @param {Article} article
 * @param {Site} site
 */
function renderShare(article, site) {
  const url = site.base_url + articlePath(article);
  const fill = (/** @type {string} */ target) =>
    target.replace(/\{(url|title)\}/g, (_, name) => encodeURIComponent(name === "url" ? url : article.title));
  return html`<div class="share"><h2 class="label">分享到</h2>
    <ul>
      ${site.share_targets.map(
        (target) => html`<li><a href="${webAddress(fill(target.url))}" target="_blank" rel="noopener noreferrer">${target.name}</a></li>`,
      )}
      <li hidden><button type="button" class="as-link" data-copy="${url}">复制链接</button></li>
    </ul>
  </div>`;
}

/**
 * @param {Article} article
 * @param {Site} site
 */
function renderAside({ related = [], notices = [] }, { timezone }) {
  if (related.length === 0 && notices.length === 0) return "";
  return html`<div class="aside">
    ${related.length > 0 && html`<section class="block" aria-labelledby="related"><h2 id="related">相关阅读</h2>${renderTitles(related, timezone)}</section>`}
    ${notices.length > 0 && html`<section class="block" aria-labelledby="notices"><h2 id="notices"><a href="/notices">通知公告</a></h2>${renderNotices(notices, timezone)}</section>`}
  </div>`;
}

/**
 * Leads from an address of the site's earlier system to what it has become.
 * @type {import("../portal.mjs").Handler}
 */
export async function showOldAddress({ visitors, path, query, request }) {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const article = await findByUrl(visitors, query.size > 0 ? `${path}?${query}` : path);
  return article && { redirect: articlePath(article), status: 301 };
}
