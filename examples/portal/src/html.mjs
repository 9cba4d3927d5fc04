/** Text that is HTML already. Only `html`, `raw` and `marked` make it. */
export class Html {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** @typedef {Html | string | number | null | undefined | false} One */
/** @typedef {One | readonly (One | readonly One[])[]} Piece */

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Escapes text for HTML, as content and as a quoted attribute.
 * @param {string} text
 */
export function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/**
 * Makes HTML of a template. Each value is escaped, unless it is HTML itself; lists are joined; nothing stands for
 * `null`, `undefined` and `false`. Values of attributes must stand in quotes.
 * @param {TemplateStringsArray} strings
 * @param {Piece[]} values
 */
export function html(strings, ...values) {
  return new Html(strings.map((string, index) => (index === 0 ? "" : toText(values[index - 1])) + string).join(""));
}

/**
 * @param {Piece} value
 * @returns {string}
 */
function toText(value) {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  return typeof value === "object" ? value.map(toText).join("") : escape(String(value));
}

/**
 * Takes text as HTML: the body of an article or a notice, which Inkstone has made safe.
 * @param {string} text
 */
export function raw(text) {
  return new Html(text);
}

/**
 * Takes a highlight as HTML. Inkstone escapes it but for `<mark>`; any other tag would be escaped here.
 * @param {string} text
 */
export function marked(text) {
  return new Html(text.replace(/<(?!\/?mark>)/g, "&lt;"));
}

/**
 * Returns an address that a link may lead to, or nothing: a script is an address, too.
 * @param {string | null | undefined} address
 */
export function webAddress(address) {
  if (!address || !URL.canParse(address)) return undefined;
  return ["https:", "http:", "mailto:", "tel:"].includes(new URL(address).protocol) ? address : undefined;
}
