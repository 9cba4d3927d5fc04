import { listNotices, loadNotice } from "../api.mjs";
import { html } from "../html.mjs";
import { formatTime, KIND_NAMES } from "../text.mjs";
import { renderBody } from "./images.mjs";
import { noticePath, withQuery } from "./links.mjs";
import { languageOf, readCursor, renderBreadcrumb, renderNeighbors, renderNotices, renderPaging } from "./parts.mjs";

/** @typedef {keyof typeof KIND_NAMES} Kind */

const KINDS = /** @type {Kind[]} */ (Object.keys(KIND_NAMES));

/** @type {import("../portal.mjs").Handler} */
export async function showNotices({ client, frame, query }) {
  const kind = KINDS.find((known) => known === query.get("kind"));
  const { data, page } = await listNotices(client, kind, readCursor(query));
  const title = kind ? KIND_NAMES[kind] : "通知公告";
  const main = html`${renderBreadcrumb(kind ? [{ name: "通知公告", path: "/notices" }, { name: title }] : [{ name: title }])}
    <h1>${title}</h1>
    <nav class="children" aria-label="类别">
      <ul>
        ${renderTab("/notices", "全部", kind === undefined)}
        ${KINDS.map((known) => renderTab(withQuery("/notices", { kind: known }), KIND_NAMES[known], known === kind))}
      </ul>
    </nav>
    ${data.length > 0 ? renderNotices(data, frame.site.timezone) : html`<p class="empty">现在没有${title}。</p>`}
    ${renderPaging(page, "/notices", { kind })}`;
  return { page: { title, canonical: withQuery("/notices", { kind }), main } };
}

/**
 * @param {string} path
 * @param {string} name
 * @param {boolean} isCurrent
 */
function renderTab(path, name, isCurrent) {
  return html`<li>${isCurrent ? html`<a href="${path}" aria-current="page">${name}</a>` : html`<a href="${path}">${name}</a>`}</li>`;
}

/** @type {import("../portal.mjs").Handler} */
export async function showNotice({ client, frame, params }) {
  const notice = await loadNotice(client, params.slug ?? "");
  // It was asked for by its id or a former slug.
  if (notice.slug !== params.slug) return { redirect: noticePath(notice), status: 301 };
  const kindName = KIND_NAMES[notice.kind];
  const { timezone } = frame.site;
  const main = html`${renderBreadcrumb([
      { name: "通知公告", path: "/notices" },
      { name: kindName, path: withQuery("/notices", { kind: notice.kind }) },
      { name: "正文" },
    ])}
    <article class="article" lang="${languageOf(notice.title)}">
      <h1>${notice.title}</h1>
      <p class="meta" lang="zh-CN">
        <span class="kind kind-${notice.kind}">${kindName}</span>
        ${notice.audience === "members" && html`<span class="badge">会员</span>`}
        ${notice.published_at && html`<span>发布时间：<time datetime="${notice.published_at}">${formatTime(notice.published_at, timezone)}</time></span>`}
        ${notice.expires_at && html`<span>有效期至：<time datetime="${notice.expires_at}">${formatTime(notice.expires_at, timezone)}</time></span>`}
      </p>
      ${renderBody(notice.body)}
      <footer lang="zh-CN">${renderNeighbors(notice.neighbors, noticePath)}</footer>
    </article>`;
  return { page: { title: notice.title, description: notice.summary, canonical: noticePath(notice), main } };
}
