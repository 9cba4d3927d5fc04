// openapi-typescript and openapi-fetch: what a frontend in TypeScript meets first.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi-typescript";
import { check, equal, rows, token, unique, url } from "./check";

const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
type Card = components["schemas"]["ArticleCard"];

// Lists are sent as repeats: `fields=title&fields=slug`.
const list = await client.GET("/api/v1/articles", {
  params: { query: { fields: ["title", "slug"], sort: ["-published_at", "title"], page_size: 5 } },
});
check(list.data, "the list");
equal(Object.keys(list.data.data[0]!).sort(), ["id", "slug", "title"], "the picked keys");

// In the form of PHP: `fields[]=title`.
const brackets = createClient<paths>({
  baseUrl: url,
  querySerializer: (query) =>
    Object.entries(query)
      .flatMap(([name, value]) =>
        Array.isArray(value) ? value.map((one) => `${name}[]=${one}`) : [`${name}=${value}`],
      )
      .join("&"),
});
const same = await brackets.GET("/api/v1/articles", {
  params: { query: { fields: ["title", "slug"], sort: ["-published_at", "title"], page_size: 5 } },
});
equal(same.data?.data, list.data.data, "the same list by brackets");

// A walk by cursor sees each article once.
const seen = new Map<string, Card>();
let cursor: string | undefined;
do {
  const page = await client.GET("/api/v1/articles", { params: { query: { page_size: 3, cursor } } });
  check(page.data, "a page");
  for (const card of page.data.data) {
    check(!seen.has(card.id), `${card.id} came twice`);
    seen.set(card.id, card);
  }
  cursor = page.data.page.next_cursor ?? undefined;
} while (cursor);
const counted = await client.GET("/api/v1/articles", { params: { query: { count: "true", page_size: 1 } } });
equal(seen.size, counted.data?.page.total, "articles of the walk");

const created = await client.POST("/api/v1/articles", {
  body: { title: unique("Fetched"), body: "<p>Hello.</p>", status: "published", extra: { layout: "wide" } },
});
check(created.data, "the creation");
const { id, extra, version } = created.data.data;
equal(extra.layout, "wide", "a key of extra");
equal(version, 1, "the first version");

const etag = created.response.headers.get("etag")!;
const path = { id };
const changed = await client.PATCH("/api/v1/articles/{id}", {
  params: { path, header: { "If-Match": etag } },
  body: { title: "Changed", summary: null, extra: { layout: null, tone: "calm" } },
});
equal(changed.data?.data.version, 2, "the second version");
const stale = await client.PATCH("/api/v1/articles/{id}", {
  params: { path, header: { "If-Match": etag } },
  body: { title: "Stale" },
});
equal(stale.error?.code, "version_mismatch", "a stale change");

const missing = await client.GET("/api/v1/articles/{id}", { params: { path: { id: unique("none") } } });
equal([missing.response.status, missing.error?.code], [404, "not_found"], "a missing article");
const invalid = await client.POST("/api/v1/articles", { body: { title: "x".repeat(301) } });
equal(invalid.response.status, 422, "an invalid article");
equal(invalid.error?.errors?.map((fault) => fault.pointer), ["/title"], "the faults");
const code: string | undefined = invalid.error?.code;
check(code, "the code of the problem");

const imported = await client.POST("/api/v1/articles/import", { body: rows(unique("fetch")) });
// The live stream, under `Accept: application/x-ndjson`, is the other answer of an import.
check(imported.data && "data" in imported.data, "the summary of the import");
equal(imported.data.data.created, 3, "imported rows");
