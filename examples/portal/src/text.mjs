/** What the two kinds of notices are called. */
export const KIND_NAMES = Object.freeze({ notice: "通知", announcement: "公告" });

/**
 * Writes the day of a time, like 2019-09-20, in the time zone of the site.
 * @param {string | null | undefined} time
 * @param {string} timeZone
 */
export function formatDay(time, timeZone) {
  if (!time) return "";
  // Swedish writes days as ISO 8601 does.
  return new Date(time).toLocaleDateString("sv-SE", { timeZone: knownTimeZone(timeZone) });
}

/**
 * Writes the day and the time, like 2019-09-20 08:30, in the time zone of the site.
 * @param {string | null | undefined} time
 * @param {string} timeZone
 */
export function formatTime(time, timeZone) {
  if (!time) return "";
  const parts = /** @type {const} */ ({ dateStyle: "short", timeStyle: "short" });
  return new Date(time).toLocaleString("sv-SE", { ...parts, timeZone: knownTimeZone(timeZone) });
}

/**
 * Returns the time zone, or UTC if this Node does not know it.
 * @param {string} timeZone
 */
function knownTimeZone(timeZone) {
  try {
    new Intl.DateTimeFormat("sv-SE", { timeZone });
    return timeZone;
  } catch {
    return "UTC";
  }
}

/**
 * Writes a number with separators: 12,600.
 * @param {number} number
 */
export function formatCount(number) {
  return number.toLocaleString("zh-CN");
}
