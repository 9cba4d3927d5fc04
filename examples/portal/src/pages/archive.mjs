import { listArchive, listMonth } from "../api.mjs";
import { html } from "../html.mjs";
import { formatCount } from "../text.mjs";
import { withQuery } from "./links.mjs";
import { readCursor, renderBreadcrumb, renderCard, renderPaging } from "./parts.mjs";

/** @typedef {import("../api.mjs").Schemas["ArchiveMonth"]} Month */

/**
 * Shows all months in which articles came out, by years.
 * @type {import("../portal.mjs").Handler}
 */
export async function showArchive({ visitors }) {
  const months = await listArchive(visitors);
  const years = [...new Set(months.map(yearOf))];
  const main = html`${renderBreadcrumb([{ name: "往期" }])}
    <h1>往期</h1>
    ${years.map(
      (year) => html`<section class="block" aria-labelledby="year-${year}">
        <h2 id="year-${year}">${year} 年</h2>
        <ul class="tag-cloud">${months.filter((month) => yearOf(month) === year).map(renderMonth)}</ul>
      </section>`,
    )}`;
  return { page: { title: "往期", canonical: "/archive", main } };
}

/** @param {Month} month */
function yearOf({ month }) {
  return month.slice(0, -3);
}

/** @param {Month} month */
function renderMonth({ month, count }) {
  return html`<li><a href="/archive/${month}">${Number(month.slice(-2))} 月</a> <span>${formatCount(count)}</span></li>`;
}

/**
 * Shows the articles of a month. Inkstone says when it begins and ends in the time zone of the site.
 * @type {import("../portal.mjs").Handler}
 */
export async function showMonth({ visitors, frame, params, query }) {
  const month = (await listArchive(visitors)).find((known) => known.month === params.month);
  if (!month) return undefined;
  const cursor = readCursor(query);
  const { data, page } = await listMonth(visitors, month, cursor);
  const path = `/archive/${month.month}`;
  const name = `${yearOf(month)} 年 ${Number(month.month.slice(-2))} 月`;
  const main = html`${renderBreadcrumb([{ name: "往期", path: "/archive" }, { name }])}
    <h1>${name}</h1>
    <p class="intro">共 ${formatCount(month.count)} 篇文章</p>
    <ul class="cards">${data.map((card) => renderCard(card, frame.site.timezone))}</ul>
    ${renderPaging(page, path)}`;
  return { page: { title: name, canonical: withQuery(path, { cursor }), main } };
}
