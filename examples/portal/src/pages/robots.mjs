/** @type {import("../portal.mjs").Handler} */
export async function showRobots({ frame }) {
  const lines = ["User-agent: *", "Disallow: /search", "Disallow: /account", `Sitemap: ${frame.site.base_url}/sitemap.xml`, ""];
  return { body: lines.join("\n"), headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "public, max-age=3600" } };
}
