import { listCategory, loadCategory } from "../api.mjs";
import { html } from "../html.mjs";
import { categoryPath, withQuery } from "./links.mjs";
import { findCategory, readCursor, renderBreadcrumb, renderCard, renderPaging } from "./parts.mjs";

/** @type {import("../portal.mjs").Handler} */
export async function showCategory({ visitors, frame, params, query }) {
  const slug = params.slug ?? "";
  // The tree that is kept may not have a new category yet, and has no former slugs.
  const category = findCategory(frame.tree, slug) ?? (await loadCategory(visitors, slug));
  if (category.slug !== slug) return { redirect: categoryPath(category), status: 301 };
  const cursor = readCursor(query);
  const { data, page } = await listCategory(visitors, slug, cursor);
  const path = categoryPath(category);
  // New articles come on the first page.
  const isLive = cursor === undefined;
  const main = html`${renderBreadcrumb(
      category.path.map((step) => ({ name: step.name, path: step.id === category.id ? undefined : categoryPath(step) })),
    )}
    <h1>${category.name}</h1>
    ${category.description && html`<p class="intro">${category.description}</p>`}
    ${renderChildren(category.children ?? [])}
    <div${isLive && html` data-live="category"`}>${data.length > 0
      ? html`<ul class="cards">${data.map((card) => renderCard(card, frame.site.timezone))}</ul>`
      : html`<p class="empty">这个栏目还没有文章。</p>`}</div>
    ${renderPaging(page, path)}`;
  const canonical = withQuery(path, { cursor });
  const title = cursor ? `${category.name}（续）` : category.name;
  return { page: { title, description: category.description, canonical, section: category.path[0]?.slug, isLive, main } };
}

/** @param {import("../api.mjs").Category[]} children */
function renderChildren(children) {
  if (children.length === 0) return "";
  return html`<nav class="children" aria-label="子栏目">
    <ul>${children.map((child) => html`<li><a href="${categoryPath(child)}">${child.name}</a></li>`)}</ul>
  </nav>`;
}
