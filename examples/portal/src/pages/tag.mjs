import { listTag } from "../api.mjs";
import { html } from "../html.mjs";
import { formatCount } from "../text.mjs";
import { tagPath, withQuery } from "./links.mjs";
import { readCursor, renderBreadcrumb, renderCard, renderPaging } from "./parts.mjs";

/** @type {import("../portal.mjs").Handler} */
export async function showTag({ visitors, frame, params, query }) {
  const tag = params.tag ?? "";
  const cursor = readCursor(query);
  const { data, page } = await listTag(visitors, tag, cursor);
  if (data.length === 0) return undefined;
  const path = tagPath(tag);
  const main = html`${renderBreadcrumb([{ name: "标签" }, { name: tag }])}
    <h1>标签：${tag}</h1>
    ${page.total !== undefined && html`<p class="intro">共 ${formatCount(page.total)} 篇文章</p>`}
    <ul class="cards">${data.map((card) => renderCard(card, frame.site.timezone))}</ul>
    ${renderPaging(page, path)}`;
  return { page: { title: `标签：${tag}`, canonical: withQuery(path, { cursor }), main } };
}
