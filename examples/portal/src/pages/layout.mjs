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
  const { site, menus } = context.frame ?? { site: undefined, menus: [] };
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
  ${page.isLive && html`<script src="${assetPath("live.js")}" type="module"></script>`}
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
        ${listMenu(context, page).map(renderMenuLink)}
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
        ${renderFooterMenu("footer", "", menus)}
        ${renderFooterMenu("friends", "友情链接", menus)}
        <ul>
          <li><a href="/tags">标签</a></li>
          <li><a href="/archive">往期</a></li>
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

/** @typedef {{ path: string, name: string, isCurrent: boolean }} MenuLink */

/**
 * Lists what the menu `main` has, if the staff have made one; otherwise the root categories.
 * @param {Context} context
 * @param {Page} page
 * @returns {MenuLink[]}
 */
function listMenu({ frame, path: present }, { section }) {
  const menu = frame?.menus.find(({ name }) => name === "main");
  /** @type {import("../api.mjs").Schemas["MenuItem"][]} */
  const items = menu?.items ?? [
    { title: "首页", url: "/", items: [] },
    ...(frame?.tree ?? []).map((category) => ({ title: category.name, category, items: [] })),
    { title: "通知公告", url: "/notices", items: [] },
  ];
  return items.flatMap((item) => {
    const path = targetOf(item);
    const isSection = section !== undefined && item.category?.slug === section;
    return path === undefined ? [] : [{ path, name: item.title, isCurrent: isSection || isBelow(present, path) }];
  });
}

/**
 * Returns whether a path is a page that a menu names, or below it.
 * @param {string} present
 * @param {string} path
 */
function isBelow(present, path) {
  return present === path || (path !== "/" && present.startsWith(`${path}/`));
}

/** @param {MenuLink} link */
function renderMenuLink({ path, name, isCurrent }) {
  return html`<li><a href="${path}"${isCurrent && html` aria-current="true"`}>${name}</a></li>`;
}

/**
 * Renders a menu of the footer, if the staff have made it.
 * @param {string} name
 * @param {string} heading
 * @param {import("../api.mjs").Schemas["Menu"][]} menus
 */
function renderFooterMenu(name, heading, menus) {
  const items = menus.find((menu) => menu.name === name)?.items ?? [];
  if (items.length === 0) return "";
  return html`<div class="foot-menu">${heading && html`<p>${heading}</p>`}${renderMenuItems(items)}</div>`;
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
