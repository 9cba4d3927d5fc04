import { listTag, listTags, loadTag } from "../api.mjs";
import { html } from "../html.mjs";
import { formatCount } from "../text.mjs";
import { tagPath, withQuery } from "./links.mjs";
import { languageOf, readCursor, renderBreadcrumb, renderCard, renderPaging } from "./parts.mjs";

/** @type {import("../portal.mjs").Handler} */
export async function showTags({ visitors, query }) {
  const cursor = readCursor(query);
  const { data, page } = await listTags(visitors, cursor);
  const main = html`${renderBreadcrumb([{ name: "标签" }])}
    <h1>标签</h1>
    <ul class="tag-cloud">
      ${data.map(({ tag, count }) => html`<li><a href="${tagPath(tag)}" lang="${languageOf(tag)}">${tag}</a> <span>${formatCount(count)}</span></li>`)}
    </ul>
    ${renderPaging(page, "/tags")}`;
  return { page: { title: "标签", canonical: withQuery("/tags", { cursor }), main } };
}

/** @type {import("../portal.mjs").Handler} */
export async function showTag({ visitors, frame, params, query }) {
  const tag = params.tag ?? "";
  const cursor = readCursor(query);
  const [{ count }, { data, page }] = await Promise.all([loadTag(visitors, tag), listTag(visitors, tag, cursor)]);
  const path = tagPath(tag);
  const main = html`${renderBreadcrumb([{ name: "标签", path: "/tags" }, { name: tag }])}
    <h1>标签：${tag}</h1>
    <p class="intro">共 ${formatCount(count)} 篇文章</p>
    <ul class="cards">${data.map((card) => renderCard(card, frame.site.timezone))}</ul>
    ${renderPaging(page, path)}`;
  return { page: { title: `标签：${tag}`, canonical: withQuery(path, { cursor }), main } };
}
