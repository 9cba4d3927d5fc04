import { assetPath } from "../assets.mjs";
import { html } from "../html.mjs";
import { categoryPath } from "./links.mjs";
import { renderMenuItems, targetOf } from "./parts.mjs";

/** @typedef {import("../portal.mjs").Context} Context */
/** @typedef {import("../portal.mjs").Page} Page */

/**
 * Renders a whole page. Without a frame, as when Inkstone cannot be reached, it has no menu.
 * @param {Context} context
 * @param {Page} page
 */
export function renderPage(context, page) {
  const { site, tree, menus } = context.frame ?? { site: undefined, tree: [], menus: [] };
  const name = site?.name ?? "本站";
  return html`<!doctype html>
<html lang="zh-CN">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  ${renderMeta(page, name, site?.base_url ?? "")}
  <link rel="icon" href="${assetPath("favicon.svg")}" type="image/svg+xml">
  <link rel="stylesheet" href="${assetPath("portal.css")}">
  <link rel="alternate" type="application/atom+xml" title="${name}" href="/feeds/articles.atom">
  <script src="${assetPath("portal.js")}" type="module"></script>
</head>
<body>
  <a class="skip" href="#main">跳到正文</a>
  <header class="head">
    <div class="wide head-row">
      <div class="brand">
        <a href="/" class="name">${name}</a>
        ${site?.tagline && html`<p class="tagline">${site.tagline}</p>`}
      </div>
      ${renderSearchForm(page.query ?? "")}
      ${renderMember(context)}
    </div>
    <nav class="menu" aria-label="栏目">
      <ul class="wide">
        ${[
          renderMenuLink("/", "首页", context.path === "/"),
          ...renderMainMenu(menus, tree, page),
          renderMenuLink("/notices", "通知公告", page.section === "notices"),
        ]}
      </ul>
    </nav>
  </header>
  <main id="main" class="wide" tabindex="-1">
    ${page.main}
  </main>
  <footer class="foot">
    <div class="wide">
      <p>${name}${site?.tagline && `　${site.tagline}`}</p>
      <nav aria-label="页脚">
        ${menus.filter(({ name }) => name === "footer").map(({ items }) => renderMenuItems(items))}
        <ul>
          <li><a href="/notices">通知公告</a></li>
          <li><a href="/feeds/articles.atom">订阅（Atom）</a></li>
          <li><a href="/feeds/articles.rss">订阅（RSS）</a></li>
          <li><a href="/sitemap.xml">网站地图</a></li>
        </ul>
      </nav>
    </div>
  </footer>
</body>
</html>
`;
}

/**
 * @param {Page} page
 * @param {string} name
 * @param {string} baseUrl
 */
function renderMeta(page, name, baseUrl) {
  return html`<title>${page.title === name ? name : `${page.title}－${name}`}</title>
  ${page.description && html`<meta name="description" content="${page.description}">`}
  ${page.isPrivate && html`<meta name="robots" content="noindex">`}
  ${page.canonical &&
  html`<link rel="canonical" href="${baseUrl + page.canonical}">
  <meta property="og:url" content="${baseUrl + page.canonical}">
  <meta property="og:title" content="${page.title}">
  <meta property="og:site_name" content="${name}">
  ${page.description && html`<meta property="og:description" content="${page.description}">`}
  ${page.image && html`<meta property="og:image" content="${page.image}">`}`}`;
}

/**
 * Renders the menu `main`, if the staff have made one, or the root categories.
 * @param {import("../api.mjs").Schemas["Menu"][]} menus
 * @param {import("../api.mjs").Category[]} tree
 * @param {Page} page
 */
function renderMainMenu(menus, tree, page) {
  const menu = menus.find(({ name }) => name === "main");
  if (!menu) return tree.map((category) => renderMenuLink(categoryPath(category), category.name, category.slug === page.section));
  return menu.items.map((item) => {
    const path = targetOf(item);
    return path !== undefined && renderMenuLink(path, item.title, item.category?.slug === page.section && page.section !== undefined);
  });
}

/**
 * @param {string} path
 * @param {string} name
 * @param {boolean} isCurrent
 */
function renderMenuLink(path, name, isCurrent) {
  return html`<li>${isCurrent ? html`<a href="${path}" aria-current="true">${name}</a>` : html`<a href="${path}">${name}</a>`}</li>`;
}

/** @param {string} query */
function renderSearchForm(query) {
  return html`<form class="search" role="search" action="/search" method="get">
        <label class="unseen" for="q">搜索文章与通知</label>
        <input id="q" name="q" type="search" value="${query}" placeholder="搜索文章与通知" maxlength="200" autocomplete="off" required data-suggest="/suggest">
        <button type="submit">搜索</button>
      </form>`;
}

/** @param {Context} context */
function renderMember({ session, formToken }) {
  return html`<nav class="member" aria-label="会员">
        ${session
          ? html`<a class="member-name" href="/account">${session.member.name}</a>
        <form action="/logout" method="post">
          <input type="hidden" name="form_token" value="${formToken}">
          <button type="submit" class="as-link">退出</button>
        </form>`
          : html`<a href="/login">登录</a>
        <a href="/register">注册</a>`}
      </nav>`;
}
