// orval with its client for fetch.
import { createArticle, getArticle, importArticles, listArticles, updateArticle } from "./generated/orval/client";
import type { DataImportSummary } from "./generated/orval/client.schemas";
import { check, equal, rows, token, unique, url } from "./check";

// The generated functions ask for paths; a page of the site would resolve them.
const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => plainFetch(new URL(String(input), url), init);
const signed = { headers: { Authorization: `Bearer ${token}` } };

const list = await listArticles({ fields: ["title", "slug"], sort: ["-published_at", "title"], page_size: 5 });
check(list.status === 200, "the list");
equal(Object.keys(list.data.data[0]!).sort(), ["id", "slug", "title"], "the picked keys");

const seen = new Set<string>();
let cursor: string | undefined;
do {
  const page = await listArticles({ page_size: 3, cursor });
  check(page.status === 200, "a page");
  page.data.data.forEach((card) => seen.add(card.id));
  cursor = page.data.page.next_cursor ?? undefined;
} while (cursor);
const counted = await listArticles({ count: "true", page_size: 1 });
check(counted.status === 200, "the count");
equal(seen.size, counted.data.page.total, "articles of the walk");

const created = await createArticle(
  { title: unique("Orval"), body: "<p>Hello.</p>", status: "published", extra: { layout: "wide" } },
  signed,
);
check(created.status === 201, `the creation: ${created.status}`);
equal(created.data.data.extra.layout, "wide", "a key of extra");
const { id } = created.data.data;
const onlyThis = { headers: { ...signed.headers, "If-Match": created.headers.get("etag")! } };
const changed = await updateArticle(id, { title: "Changed" }, onlyThis);
check(changed.status === 200, "the change");
equal(changed.data.data.version, 2, "the second version");
const stale = await updateArticle(id, { title: "Stale" }, onlyThis);
check(stale.status === 412, "a stale change is refused");
equal(stale.data.code, "version_mismatch", "a stale change");

const missing = await getArticle(unique("none"));
check(missing.status === 404, "a missing article");
equal(missing.data.code, "not_found", "a missing article");
const invalid = await createArticle({ title: "x".repeat(301) }, signed);
check(invalid.status === 422, "an invalid article");
equal(invalid.data.errors?.map((fault) => fault.pointer), ["/title"], "the faults");

// Of an operation with several types of bodies and answers, orval leaves both to the caller.
const labelled = { headers: { ...signed.headers, "Content-Type": "application/json" } };
const imported = await importArticles(rows(unique("orval")), {}, labelled);
check(imported.status === 200 && "stream" in imported, `the import: ${imported.status}`);
const summary = JSON.parse(await imported.stream.text()) as DataImportSummary;
equal(summary.data.created, 3, "imported rows");
