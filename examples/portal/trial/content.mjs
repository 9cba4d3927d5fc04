// What the trial adds to the demo site.
import { unwrap } from "#inkstone-client";

/** @typedef {import("#inkstone-client").Inkstone} Client */

/** A title that would run a script where it is not escaped. */
export const HOSTILE = `<img src=x onerror=alert(1)>"'`;
/** A search that would run a script where it is not escaped. */
export const HOSTILE_SEARCH = "</script><script>alert(2)</script>";
/** Articles in the category `many`: more than one page shows. */
export const MANY = 45;

/**
 * Adds articles and categories.
 * @param {Client} admin
 */
export async function addContent(admin) {
  const many = unwrap(await admin.POST("/api/v1/categories", { body: { name: "翻页", slug: "old-many", parent: "quality" } })).data;
  unwrap(await admin.PATCH("/api/v1/categories/{id}", { params: { path: { id: many.id } }, body: { slug: "many" } }));
  for (let number = 1; number <= MANY; number += 1) {
    const published_at = new Date(Date.UTC(2019, 0, number)).toISOString();
    await publish(admin, { title: `第 ${number} 篇`, slug: `many-${number}`, category: many.id, body: "<p>正文。</p>", published_at });
  }
  const moved = await publish(admin, { title: "改过地址的文章", slug: "old-address", category: "tech", body: "<p>正文。</p>" });
  unwrap(await admin.PATCH("/api/v1/articles/{id}", { params: { path: { id: moved.id } }, body: { slug: "new-address" } }));
  const notice = unwrap(await admin.POST("/api/v1/notices", { body: { kind: "notice", title: HOSTILE, slug: "old-notice", body: "<p>正文。</p>", status: "published" } })).data;
  unwrap(await admin.PATCH("/api/v1/notices/{id}", { params: { path: { id: notice.id } }, body: { slug: "new-notice" } }));
  await publish(admin, {
    title: HOSTILE,
    slug: "hostile",
    category: "industry",
    summary: `${HOSTILE}</p><script>alert(3)</script>`,
    body: `<p onclick="alert(4)">正文<script>alert(5)</script><img alt="" src="javascript:alert(6)"><a href="javascript:alert(7)">甲</a></p>`,
    tags: [HOSTILE, "<b>粗</b>"],
    author: `"><script>alert(8)</script>`,
    source_name: "</span><svg onload=alert(9)>",
    source_url: "http://old.example.org/show.php?id=7&page=1",
  });
}

/**
 * @param {Client} admin
 * @param {import("#inkstone-client").Schemas["NewArticle"]} article
 */
async function publish(admin, article) {
  return unwrap(await admin.POST("/api/v1/articles", { body: { status: "published", ...article } })).data;
}

/**
 * Adds pictures and everything else that a body may have, to be looked at.
 * @param {Client} admin
 * @param {string} picture
 */
export async function addRichArticle(admin, picture) {
  const body = `<h2>一、概述</h2><p>配图、表格与引文。<a href="https://example.org/">外部链接</a>。</p>
<figure><img src="${picture}" alt="砚台" width="320" height="320"><figcaption>图一</figcaption></figure>
<blockquote><p>量有所准，质有所依。</p></blockquote>
<table><thead><tr><th>项目</th><th>合格率</th><th>抽查企业</th><th>备注</th></tr></thead><tbody><tr><td>压力表</td><td>98.6%</td><td>2824</td><td>较上年提高 1.2 个百分点</td></tr></tbody></table>
<ol><li>第一步</li><li>第二步</li></ol><pre><code>U = k · u(c), k = 2, a very long line of code that has to be scrolled on a telephone, or else the page becomes too wide</code></pre>`;
  await publish(admin, { title: "图文并茂的一篇", slug: "rich", category: "instruments", summary: "配图、表格与引文如何显示。", body, cover_url: picture, tags: ["仪器"], author: "本网记者", source_name: "示例来源", source_url: "http://old.example.org/news/2019/09/123.html" });
}

/**
 * Composes the home page of every kind of block, and makes menus, as the staff would.
 * @param {Client} admin
 */
export async function composeHome(admin) {
  const menus = {
    main: [{ category: "news" }, { title: "检定专题", category: "calibration" }, { title: "图文", article: "rich" }],
    footer: [{ title: "关于本站", items: [{ title: "联系我们", url: "mailto:editor@example.org" }] }],
    friends: [{ title: "示例", url: "https://example.org/" }, { title: HOSTILE, url: "/notices" }],
  };
  for (const [name, items] of Object.entries(menus)) {
    unwrap(await admin.PUT("/api/v1/site/menus/{name}", { params: { path: { name } }, body: { items } }));
  }
  /** @type {import("#inkstone-client").Schemas["NewBlock"][]} */
  const blocks = [
    { kind: "articles", title: "头条", ids: ["rich", "new-address"] },
    { kind: "popular", days: 7, size: 5 },
    { kind: "notices", notice_kind: "announcement", size: 3 },
    { kind: "html", title: "编者按", body: "<p>一段<strong>文字</strong>。<script>alert(10)</script></p>" },
    { kind: "links", title: "友情链接", menu: "friends" },
    { kind: "latest", size: 5 },
    { kind: "latest", category: "tech", size: 5 },
    { kind: "latest", category: "quality", title: HOSTILE, size: 5 },
  ];
  unwrap(await admin.PUT("/api/v1/site/home", { body: { blocks } }));
}
