// Keeps the lists of an open page as they are now: offers what has come out, and takes away what was withdrawn.

/** Milliseconds at most from a change to the request for the page: browsers that are told together do not ask together. */
const SPREAD = 1_500;
/** Milliseconds at least between two requests for the page, however much is published. */
const INTERVAL = 5_000;
/** Milliseconds after which the page listens again, about, when a server between has refused the stream. */
const RETRY = 60_000;

/** The stream, while the page is seen: a browser has few connections, and all its tabs share them. */
let events = /** @type {EventSource | undefined} */ (undefined);
/** Articles that have come out or were changed since the lists were loaded. */
const told = /** @type {Set<string>} */ (new Set());
let loading = new AbortController();
let loadedAt = -Infinity;
let timer = 0;
/** What is to be done when the time has come. */
let planned = offerNew;

/** Tells of what has changed. It floats above the page, so that nothing moves. */
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
 * Lists what is new in a list. What moves up at its end, as others were withdrawn, is not new.
 * @param {{ list: HTMLElement, other: HTMLElement }} pair
 */
function findNew({ list, other }) {
  const known = new Set(listIds(list));
  const ids = listIds(other);
  const lastKnown = ids.findLastIndex((id) => known.has(id));
  const isNew = (/** @type {string} */ id, /** @type {number} */ index) => told.has(id) || lastKnown < 0 || index < lastKnown;
  return ids.filter((id, index) => !known.has(id) && isNew(id, index));
}

/** Loads the page as it is now. Its own address serves, so that the lists are made in one place. */
async function loadPage() {
  loading.abort();
  loading = new AbortController();
  loadedAt = performance.now();
  try {
    const response = await fetch(location.href, { cache: "no-cache", signal: loading.signal });
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : undefined;
  } catch {
    // The next change is another occasion.
    return undefined;
  }
}

/** Offers what is new. It is not inserted unasked, as somebody may be reading what it would move. */
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

/** Loads the lists anew, after changes that nobody has told of. */
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
  told.clear();
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
 * Loads the page soon, once for all changes until then. Lists that must be loaded anew need not be offered.
 * @param {() => Promise<void>} work
 */
function plan(work) {
  if (timer === 0 || work === reloadLists) planned = work;
  if (timer !== 0) return;
  const pause = Math.max(0, loadedAt + INTERVAL - performance.now());
  timer = window.setTimeout(() => {
    timer = 0;
    void planned();
  }, pause + Math.random() * SPREAD);
}

/** @param {{ id: string, op: "upsert" | "delete" }} change */
function applyChange({ id, op }) {
  if (op === "delete") {
    told.delete(id);
    withdraw(id);
    button.remove();
  } else {
    told.add(id);
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
