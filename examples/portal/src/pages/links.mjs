// The addresses of the portal's own pages.

/** @param {{ slug: string }} article */
export function articlePath({ slug }) {
  return `/articles/${encodeURIComponent(slug)}`;
}

/** @param {{ slug: string }} category */
export function categoryPath({ slug }) {
  return `/categories/${encodeURIComponent(slug)}`;
}

/** @param {string} tag */
export function tagPath(tag) {
  return `/tags/${encodeURIComponent(tag)}`;
}

/** @param {{ slug: string }} notice */
export function noticePath({ slug }) {
  return `/notices/${encodeURIComponent(slug)}`;
}

/**
 * Adds parameters to a path; those without a value are left out.
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} parameters
 */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

/**
 * Returns the path of this portal that a reader comes from, or the home page: `next` may lead nowhere else.
 * @param {string | null} next
 */
export function localPath(next) {
  const here = "http://portal.invalid";
  if (!next || !URL.canParse(next, here)) return "/";
  const { origin, pathname, search } = new URL(next, here);
  return origin === here && !pathname.startsWith("//") ? pathname + search : "/";
}
