import { searchSite, suggest } from "../api.mjs";
import { html, marked } from "../html.mjs";
import { formatCount, KIND_NAMES } from "../text.mjs";
import { noticePath, withQuery } from "./links.mjs";
import { readCursor, renderBreadcrumb, renderCard, renderDay, renderPaging } from "./parts.mjs";

/** @typedef {import("../api.mjs").Search} Search */
/** @typedef {import("../api.mjs").Schemas["SearchResults"]} Results */

const TYPE_NAMES = Object.freeze({ article: "文章", notice: "通知公告" });

/** @type {import("../portal.mjs").Handler} */
export async function showSearch({ client, frame, query }) {
  const search = readSearch(query);
  const title = search.q ? `搜索：${search.q}` : "搜索";
  if (!search.q) return { page: { title, main: renderEmpty(), query: "" } };
  const results = await searchSite(client, search, readCursor(query));
  const main = html`${renderBreadcrumb([{ name: "搜索" }])}
    <h1>搜索：${search.q}</h1>
    ${renderCount(results)}
    ${renderChosen(search, results)}
    <div class="columns">
      <div>
        <ul class="cards">${results.data.map((found) => renderFound(found, frame.site.timezone))}</ul>
        ${renderPaging(results.page, "/search", { ...search })}
      </div>
      ${renderFacets(search, results)}
    </div>`;
  return { page: { title, main, query: search.q } };
}

/** @returns {import("../html.mjs").Html} */
function renderEmpty() {
  return html`<h1>搜索</h1><p class="intro">请在上方输入要找的词：可以用简体、繁体，也可以输入拼音，从提示中选择。</p>`;
}

/**
 * Reads what is searched for. What the portal does not know is left out.
 * @param {URLSearchParams} query
 * @returns {Search}
 */
function readSearch(query) {
  const year = Number(query.get("year"));
  const type = query.get("type");
  return {
    q: (query.get("q") ?? "").trim().slice(0, 200),
    category: query.get("category") || undefined,
    tag: query.get("tag") || undefined,
    year: Number.isInteger(year) && year >= 1 && year <= 9999 ? year : undefined,
    type: type === "article" || type === "notice" ? type : undefined,
  };
}

/** @param {Results} results */
function renderCount({ page, data, did_you_mean: other }) {
  const total = page.total ?? page.total_at_least ?? data.length;
  return html`<p class="intro" role="status">
    ${total > 0 ? `找到 ${formatCount(total)} 条结果` : "没有找到结果。"}
    ${other && html`您要找的是不是：<a href="${withQuery("/search", { q: other })}">${other}</a>`}
  </p>`;
}

/**
 * Renders by what the results were narrowed, each with a link that takes it away.
 * @param {Search} search
 * @param {Results} results
 */
function renderChosen(search, { facets }) {
  const category = facets.category.find(({ slug, id }) => slug === search.category || id === search.category);
  /** @type {{ name: string, without: Partial<Search> }[]} */
  const chosen = [];
  if (search.category) chosen.push({ name: `栏目：${category?.name ?? search.category}`, without: { category: undefined } });
  if (search.tag) chosen.push({ name: `标签：${search.tag}`, without: { tag: undefined } });
  if (search.year) chosen.push({ name: `年份：${search.year}`, without: { year: undefined } });
  if (search.type) chosen.push({ name: `类型：${TYPE_NAMES[search.type]}`, without: { type: undefined } });
  if (chosen.length === 0) return "";
  return html`<ul class="chosen" aria-label="已选条件">
    ${chosen.map(
      ({ name, without }) => html`<li><a href="${withQuery("/search", { ...search, ...without })}"><span class="unseen">取消</span>${name} <span aria-hidden="true">×</span></a></li>`,
    )}
  </ul>`;
}

/**
 * @param {Results["data"][number]} found
 * @param {string} timeZone
 */
function renderFound(found, timeZone) {
  const { highlight } = found;
  const title = highlight && marked(highlight.title);
  const snippets = highlight?.snippets.slice(0, 1).map(marked) ?? [];
  if (found.type === "article") return renderCard(found, timeZone, { title, snippets });
  return html`<li class="card">
    <div class="card-text">
      <h2 class="card-title"><a href="${noticePath(found)}">${title ?? found.title}</a></h2>
      ${snippets.map((snippet) => html`<p class="summary">${snippet}</p>`)}
      <p class="meta"><span class="kind kind-${found.kind}">${KIND_NAMES[found.kind]}</span> ${renderDay(found.published_at, timeZone)}</p>
    </div>
  </li>`;
}

/**
 * @param {Search} search
 * @param {Results} results
 */
function renderFacets(search, { facets }) {
  const link = (/** @type {Partial<Search>} */ part) => withQuery("/search", { ...search, ...part });
  const groups = [
    { title: "类型", rows: facets.type.map(({ type, count }) => ({ name: TYPE_NAMES[type] ?? type, path: link({ type }), count })) },
    { title: "栏目", rows: facets.category.map(({ slug, name, count }) => ({ name, path: link({ category: slug }), count })) },
    { title: "标签", rows: facets.tag.map(({ tag, count }) => ({ name: tag, path: link({ tag }), count })) },
    { title: "年份", rows: facets.year.map(({ year, count }) => ({ name: String(year), path: link({ year }), count })) },
  ].filter(({ rows }) => rows.length > 0);
  if (groups.length === 0) return "";
  return html`<aside class="aside facets" aria-label="筛选">
    ${groups.map(
      ({ title, rows }) => html`<section>
        <h2>${title}</h2>
        <ul>${rows.slice(0, 10).map(({ name, path, count }) => html`<li><a href="${path}" rel="nofollow">${name}</a> <span>${formatCount(count)}</span></li>`)}</ul>
      </section>`,
    )}
  </aside>`;
}

/**
 * Answers the script that completes what is typed.
 * @type {import("../portal.mjs").Handler}
 */
export async function showSuggestions({ visitors, query }) {
  const prefix = (query.get("prefix") ?? "").trim().slice(0, 100);
  const suggestions = prefix ? await suggest(visitors, prefix) : [];
  return {
    body: JSON.stringify(suggestions.map(({ text, kind }) => ({ text, kind }))),
    headers: { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "private, max-age=60" },
  };
}
