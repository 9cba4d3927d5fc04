import { loadHome } from "../api.mjs";
import { html, webAddress } from "../html.mjs";
import { formatCount } from "../text.mjs";
import { articlePath, categoryPath } from "./links.mjs";
import { languageOf, renderDay, renderNotices, renderTitles } from "./parts.mjs";

/** @type {import("../portal.mjs").Handler} */
export async function showHome({ visitors, frame }) {
  const { site, tree } = frame;
  const { latest, notices } = await loadHome(visitors);
  const [lead, ...others] = latest;
  const main = html`<h1 class="unseen">${site.name}</h1>
    <div class="columns">
      <section class="latest" aria-labelledby="latest">
        <h2 id="latest">最新资讯</h2>
        ${lead && renderLead(lead, site.timezone)}
        ${renderTitles(others.slice(0, 8), site.timezone)}
      </section>
      <section class="aside" aria-labelledby="notices">
        <h2 id="notices"><a href="/notices">通知公告</a></h2>
        ${renderNotices(notices.slice(0, 6), site.timezone)}
      </section>
    </div>
    <div class="blocks">
      ${tree.map((category) => renderBlock(category, latest, site.timezone))}
    </div>`;
  return { page: { title: site.name, description: site.tagline, canonical: "/", main } };
}

/**
 * @param {import("../api.mjs").Card} card
 * @param {string} timeZone
 */
function renderLead(card, timeZone) {
  const cover = webAddress(card.cover_url);
  return html`<article class="lead">
    ${cover && html`<img src="${cover}" alt="" width="640" height="360">`}
    <h3 lang="${languageOf(card.title)}"><a href="${articlePath(card)}">${card.title}</a></h3>
    ${card.summary && html`<p class="summary">${card.summary}</p>`}
    <p class="meta">
      ${card.category && html`<a href="${categoryPath(card.category)}">${card.category.name}</a>`}
      ${renderDay(card.published_at, timeZone)}
      <span>浏览 ${formatCount(card.views)}</span>
    </p>
  </article>`;
}

/**
 * @param {import("../api.mjs").Category} category
 * @param {import("../api.mjs").Card[]} latest
 * @param {string} timeZone
 */
function renderBlock(category, latest, timeZone) {
  const cards = latest.filter((card) => card.category?.path.some((step) => step.id === category.id)).slice(0, 5);
  if (cards.length === 0) return "";
  return html`<section class="block" aria-labelledby="block-${category.id}">
    <h2 id="block-${category.id}"><a href="${categoryPath(category)}">${category.name}</a></h2>
    ${renderTitles(cards, timeZone)}
  </section>`;
}
