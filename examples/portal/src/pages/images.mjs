// Pictures of articles, and those in bodies.
import { html, raw, webAddress } from "../html.mjs";

/** @typedef {import("../html.mjs").Html} Html */
/** @typedef {import("../api.mjs").Schemas["Image"]} Image */

/** How wide pictures are, for the browser to choose the smallest that is sharp. `portal.css` makes them so. */
export const SIZES = Object.freeze({
  main: "(min-width: 77rem) 48rem, (min-width: 48rem) calc(66vw - 3rem), calc(100vw - 2rem)",
  card: "(min-width: 48rem) 12rem, 6rem",
  line: "4.5rem",
});

/**
 * Renders a picture; nothing without one. Its place has its size, so that nothing moves when it comes, and its main colour
 * until then, which the script sets: the policy forbids styles in pages.
 * @param {Image | null | undefined} image
 * @param {{ place: keyof typeof SIZES, name: string, isFirst?: boolean }} options `isFirst`: seen without scrolling.
 */
export function renderImage(image, { place, name, isFirst = false }) {
  const address = webAddress(image?.src);
  if (!image || !address) return "";
  const { srcset, width, height, dominant_color: color, alt } = image;
  return html`<img class="${name}" loading="${isFirst ? "eager" : "lazy"}" decoding="async"${isFirst && html` fetchpriority="high"`}${
    srcset && html` srcset="${srcset}" sizes="${SIZES[place]}"`
  } src="${address}"${width && height && html` width="${width}" height="${height}"`}${color && html` data-color="${color}"`} alt="${alt}">`;
}

/**
 * Renders the picture of an article above its body, with what is said of it.
 * @param {Image | null} image
 */
export function renderCover(image) {
  const picture = renderImage(image, { place: "main", name: "cover", isFirst: true });
  if (!image || !picture) return "";
  const { caption, credit } = image;
  return html`<figure class="cover-figure">${picture}
    ${(caption || credit) && html`<figcaption>${caption}${credit && html` <small class="credit">${credit}</small>`}</figcaption>`}
  </figure>`;
}

/** The picture of a body that Inkstone has not completed, as it does with those that the reader may have. */
const WITHHELD = /<img(?=\s)(?=[^>]*\ssrc="\/media\/[0-9a-f-]{36}")(?:\s+[^\s"=>]+(?:="[^"]*")?)*\s*\/?>/g;

/**
 * Renders a body, which Inkstone has made safe. Its pictures come complete but for those that are for others: these are
 * left out.
 * @param {string} body
 */
export function renderBody(body) {
  return html`<div class="body">${raw(body.replace(WITHHELD, ""))}</div>`;
}
