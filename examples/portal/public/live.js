// Keeps the lists of an open page up to date: offers new articles, and takes away withdrawn ones.

/** Milliseconds from an event to the request for the page, at most: not all browsers ask at the same time. */
const SPREAD = 1_500;
/** Milliseconds at least between two requests for the page, however much is published. */
const INTERVAL = 5_000;
/** Milliseconds after which the page listens again, about, when a server between has refused the stream. */
const RETRY = 60_000;

/** The stream. A hidden page has none: all tabs of a browser share its few connections. */
let events = /** @type {EventSource | undefined} */ (undefined);
/** The articles that were published or changed since the lists were loaded. */
const changedIds = /** @type {Set<string>} */ (new Set());
let loading = new AbortController();
let loadedAt = -Infinity;
let timer = 0;
/** The function that the timer calls. */
let plannedWork = offerNew;

/** The line that tells of changes. It floats above the page, so that nothing moves. */
const line = document.createElement("div");
const message = document.createElement("span");
const button = document.createElement("button");
line.className = "live";
line.role = "status";
message.className = "unseen";
button.type = "button";
document.querySelector("main")?.prepend(line);

/** @param {ParentNode} page */
function findLists(page) {
  return [...page.querySelectorAll("[data-live]")].filter((list) => list instanceof HTMLElement);
}

/** @param {ParentNode} list */
function listIds(list) {
  return [...list.querySelectorAll("[data-id]")].map((item) => item.getAttribute("data-id") ?? "");
}

/** @param {Element | null | undefined} item */
function findLink(item) {
  const link = item?.querySelector('a[href^="/articles/"]');
  return link instanceof HTMLElement ? link : undefined;
}

/**
 * Pairs the lists of this page with those of another version of it.
 * @param {Document} page
 */
function pairLists(page) {
  const others = findLists(page);
  return findLists(document).flatMap((list) => {
    const other = others.find(({ dataset }) => dataset.live === list.dataset.live);
    return other ? [{ list, other }] : [];
  });
}

/**
 * Lists the new articles of a list. An article that moves up at its end, because others were withdrawn, is not new.
 * @param {{ list: HTMLElement, other: HTMLElement }} pair
 */
function findNew({ list, other }) {
  const known = new Set(listIds(list));
  const ids = listIds(other);
  const lastKnown = ids.findLastIndex((id) => known.has(id));
  const isNew = (/** @type {string} */ id, /** @type {number} */ index) => changedIds.has(id) || lastKnown < 0 || index < lastKnown;
  return ids.filter((id, index) => !known.has(id) && isNew(id, index));
}

/** Loads this page once more. So the server alone makes the HTML of lists. */
async function loadPage() {
  loading.abort();
  loading = new AbortController();
  loadedAt = performance.now();
  try {
    const response = await fetch(location.href, { cache: "no-cache", signal: loading.signal });
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : undefined;
  } catch {
    // The next event is another occasion.
    return undefined;
  }
}

/** Offers new articles. They are not inserted by themselves, as this would move the lines that somebody reads. */
async function offerNew() {
  const page = await loadPage();
  if (!page) return;
  const pairs = pairLists(page);
  const [first, ...others] = new Set(pairs.flatMap(findNew));
  if (first === undefined) return button.remove();
  const item = page.querySelector(`[data-live] [data-id="${CSS.escape(first)}"]`);
  const text = others.length === 0 ? `显示新文章：${findLink(item)?.textContent ?? ""}` : `显示 ${others.length + 1} 篇新文章`;
  if (button.textContent !== text) button.textContent = text;
  if (!button.isConnected) line.append(button);
  button.onclick = () => {
    showLists(pairs);
    focusArticle(first);
  };
}

/** Shows the lists anew, after changes for which there was no event. */
async function reloadLists() {
  const page = await loadPage();
  if (!page) return;
  const pairs = pairLists(page).filter(({ list, other }) => String(listIds(list)) !== String(listIds(other)));
  const focused = document.activeElement?.closest("[data-live] [data-id]")?.getAttribute("data-id");
  showLists(pairs);
  if (focused) focusArticle(focused);
}

/** @param {{ list: HTMLElement, other: HTMLElement }[]} pairs */
function showLists(pairs) {
  for (const { list, other } of pairs) list.replaceChildren(...other.childNodes);
  changedIds.clear();
  line.replaceChildren();
}

/** @param {string} id */
function focusArticle(id) {
  findLink(document.querySelector(`[data-live] [data-id="${CSS.escape(id)}"]`))?.focus();
}

/**
 * Takes an article out of the page. Its place stays, so that nothing moves.
 * @param {string} id
 */
function withdraw(id) {
  for (const item of document.querySelectorAll(`main [data-id="${CSS.escape(id)}"]`)) {
    if (!(item instanceof HTMLElement)) continue;
    const hadFocus = item.contains(document.activeElement);
    const note = document.createElement("span");
    note.className = "withdrawn";
    note.lang = "zh-CN";
    note.textContent = "这篇文章已撤下。";
    message.textContent = `文章已撤下：${findLink(item)?.textContent ?? ""}`;
    line.prepend(message);
    item.style.minHeight = `${item.offsetHeight}px`;
    item.replaceChildren(note);
    item.removeAttribute("data-id");
    if (!hadFocus) continue;
    item.tabIndex = -1;
    item.focus();
  }
}

/**
 * Loads the page soon, once for all events until then. Lists that are shown anew need no offer.
 * @param {() => Promise<void>} work
 */
function plan(work) {
  if (timer === 0 || work === reloadLists) plannedWork = work;
  if (timer !== 0) return;
  const delay = Math.max(0, loadedAt + INTERVAL - performance.now());
  timer = window.setTimeout(() => {
    timer = 0;
    void plannedWork();
  }, delay + Math.random() * SPREAD);
}

/** @param {{ id: string, op: "upsert" | "delete" }} change */
function applyChange({ id, op }) {
  if (op === "delete") {
    changedIds.delete(id);
    withdraw(id);
    button.remove();
  } else {
    changedIds.add(id);
  }
  plan(offerNew);
}

/** @param {boolean} isFirst Whether the page is as new as the stream. */
function listen(isFirst) {
  if (document.hidden || events) return;
  const source = new EventSource("/events");
  events = source;
  source.addEventListener("change", ({ data }) => applyChange(JSON.parse(data)));
  source.addEventListener("reset", () => plan(reloadLists));
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED || events !== source) return;
    pause();
    window.setTimeout(() => listen(false), RETRY * (0.5 + Math.random()));
  });
  if (!isFirst) source.addEventListener("open", () => void reloadLists(), { once: true });
}

function pause() {
  events?.close();
  events = undefined;
  clearTimeout(timer);
  timer = 0;
}

document.addEventListener("visibilitychange", () => (document.hidden ? pause() : listen(false)));
// The page may come back from the browser's memory.
window.addEventListener("pagehide", pause);
window.addEventListener("pageshow", ({ persisted }) => persisted && listen(false));
listen(true);
