// What the pages can do better with a script; each works without.

/** Milliseconds without a key until suggestions are asked for. */
const PAUSE = 150;

/**
 * Completes what is typed, as a combobox (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/).
 * @param {HTMLInputElement} input
 * @param {string} address
 */
function completeInput(input, address) {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = "suggestions";
  list.role = "listbox";
  list.ariaLabel = "提示";
  list.hidden = true;
  input.after(list);
  input.role = "combobox";
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-autocomplete", "list");
  input.ariaExpanded = "false";

  /** @type {AbortController | undefined} */
  let asking;
  let timer = 0;
  let chosen = -1;

  const close = () => {
    asking?.abort();
    clearTimeout(timer);
    list.hidden = true;
    input.ariaExpanded = "false";
    choose(-1);
  };
  const choose = (/** @type {number} */ index) => {
    chosen = index;
    for (const [position, option] of [...list.children].entries()) option.ariaSelected = String(position === index);
    const option = list.children[index];
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const take = (/** @type {number} */ index) => {
    input.value = list.children[index]?.getAttribute("data-text") ?? input.value;
    close();
    input.form?.requestSubmit();
  };
  const show = (/** @type {{ text: string, kind: string }[]} */ suggestions) => {
    list.replaceChildren(
      ...suggestions.map(({ text, kind }, index) => {
        const option = document.createElement("li");
        const name = document.createElement("span");
        const label = document.createElement("span");
        name.textContent = text;
        label.textContent = kind === "tag" ? "标签" : "标题";
        label.className = "suggestion-kind";
        option.id = `suggestion-${index}`;
        option.role = "option";
        option.dataset.text = text;
        option.append(name, label);
        // A press would take the focus from the input, and close the list.
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => take(index));
        return option;
      }),
    );
    list.hidden = suggestions.length === 0;
    input.ariaExpanded = String(!list.hidden);
    choose(-1);
  };
  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const response = await fetch(`${address}?${new URLSearchParams({ prefix: input.value })}`, { signal });
      if (response.ok) show(await response.json());
    } catch {
      // Nothing is suggested without an answer, nor after the next key.
    }
  };

  input.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (/** @type {InputEvent} */ (event).isComposing) return;
    if (input.value.trim() === "") return close();
    timer = window.setTimeout(ask, PAUSE);
  });
  input.addEventListener("compositionend", () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const { length } = list.children;
    if (event.key === "ArrowDown") choose(chosen + 1 >= length ? -1 : chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? length - 1 : chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
}

/** @param {HTMLButtonElement} button */
function offerCopy(button) {
  const item = button.closest("li");
  if (!item || !navigator.clipboard) return;
  item.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? location.href);
    button.textContent = "已复制";
  });
}

/**
 * Lets keys scroll what is wider than its place.
 * @param {HTMLElement} wide
 */
function scrollByKeys(wide) {
  if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  else wide.removeAttribute("tabindex");
}

/**
 * Shows the main colour of a picture until it is there. One that cannot be loaded has the colour of the others.
 * @param {HTMLImageElement} image
 */
function tintPlace(image) {
  if (image.complete) return;
  image.style.backgroundColor = image.dataset.color ?? "";
  const clear = () => image.style.removeProperty("background-color");
  image.addEventListener("load", clear, { once: true });
  image.addEventListener("error", clear, { once: true });
}

/**
 * Sends each form once, however often its button is pressed.
 * @param {HTMLFormElement} form
 */
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
  });
  // The page may come back from the browser's memory.
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

for (const input of document.querySelectorAll("input[data-suggest]")) {
  if (input instanceof HTMLInputElement) completeInput(input, input.dataset.suggest ?? "");
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (button instanceof HTMLButtonElement) offerCopy(button);
}
for (const image of document.querySelectorAll("img[data-color]")) {
  if (image instanceof HTMLImageElement) tintPlace(image);
}
const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target instanceof HTMLElement) scrollByKeys(target);
});
for (const element of document.querySelectorAll(".body pre, .body table")) wide.observe(element);
for (const form of document.querySelectorAll('form[method="post"]')) {
  if (form instanceof HTMLFormElement) sendOnce(form);
}
