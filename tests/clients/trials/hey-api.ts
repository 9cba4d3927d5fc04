// @hey-api/openapi-ts with its client for fetch.
import { createArticle, getArticle, importArticles, listArticles, updateArticle } from "./generated/hey-api";
import { client } from "./generated/hey-api/client.gen";
import { check, equal, rows, token, unique, url } from "./check";

client.setConfig({ baseUrl: url, auth: token });

const list = await listArticles({
  query: { fields: ["title", "slug"], sort: ["-published_at", "title"], page_size: 5 },
});
equal(Object.keys(list.data!.data[0]!).sort(), ["id", "slug", "title"], "the picked keys");

const seen = new Set<string>();
let cursor: string | undefined;
do {
  const { data } = await listArticles({ query: { page_size: 3, cursor }, throwOnError: true });
  data.data.forEach((card) => seen.add(card.id));
  cursor = data.page.next_cursor ?? undefined;
} while (cursor);
const counted = await listArticles({ query: { count: "true", page_size: 1 }, throwOnError: true });
equal(seen.size, counted.data.page.total, "articles of the walk");

const created = await createArticle({
  body: { title: unique("Hey"), body: "<p>Hello.</p>", status: "published", extra: { layout: "wide" } },
  throwOnError: true,
});
equal(created.data.data.extra.layout, "wide", "a key of extra");
const path = { id: created.data.data.id };
const headers = { "If-Match": created.response.headers.get("etag")! };
const changed = await updateArticle({ path, headers, body: { title: "Changed" }, throwOnError: true });
equal(changed.data.data.version, 2, "the second version");
const stale = await updateArticle({ path, headers, body: { title: "Stale" } });
check(stale.error, "a stale change is refused");
equal(stale.error.code, "version_mismatch", "a stale change");

const missing = await getArticle({ path: { id: unique("none") } });
equal([missing.response?.status, missing.error?.code], [404, "not_found"], "a missing article");
const invalid = await createArticle({ body: { title: "x".repeat(301) } });
equal(invalid.error?.errors?.map((fault) => fault.pointer), ["/title"], "the faults");

const imported = await importArticles({ body: rows(unique("hey")) });
check(imported.data && "data" in imported.data, "the summary of the import");
equal(imported.data.data.created, 3, "imported rows");
