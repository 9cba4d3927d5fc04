// openapi-generator's typescript-fetch.
import { ArticlesApi, Configuration, ImportsApi, ResponseError } from "./generated/typescript-fetch";
import { check, equal, rows, token, unique, url } from "./check";

const configuration = new Configuration({ basePath: url, accessToken: token });
const [articles, imports] = [new ArticlesApi(configuration), new ImportsApi(configuration)];

/** The problem that a request fails with. */
async function problemOf(request: Promise<unknown>): Promise<{ status: number; code: string; errors?: { pointer: string }[] }> {
  try {
    await request;
  } catch (error) {
    check(error instanceof ResponseError, String(error));
    return { ...(await error.response.json()), status: error.response.status };
  }
  throw new Error("the request was not refused");
}

const list = await articles.listArticles({ fields: ["title", "slug"], sort: ["-published_at", "title"], pageSize: 5 });
equal(list.data.length, 5, "articles of a page");
check(list.data[0]!.title, "a picked key");

const seen = new Set<string>();
let cursor: string | undefined;
do {
  const page = await articles.listArticles({ pageSize: 3, cursor });
  page.data.forEach((card) => seen.add(card.id));
  cursor = page.page.nextCursor ?? undefined;
} while (cursor);
const counted = await articles.listArticles({ count: "true", pageSize: 1 });
equal(seen.size, counted.page.total, "articles of the walk");

const newArticle = { title: unique("Typed"), body: "<p>Hello.</p>", status: "published" as const, extra: { layout: "wide" } };
const created = await articles.createArticleRaw({ newArticle });
const article = (await created.value()).data;
equal(article.extra["layout"], "wide", "a key of extra");
const { id } = article;
const ifMatch = created.raw.headers.get("etag")!;
const changed = await articles.updateArticle({ id, ifMatch, articlePatch: { title: "Changed" } });
equal(changed.data.version, 2, "the second version");
const stale = await problemOf(articles.updateArticle({ id, ifMatch, articlePatch: { title: "Stale" } }));
equal([stale.status, stale.code], [412, "version_mismatch"], "a stale change");

const missing = await problemOf(articles.getArticle({ id: unique("none") }));
equal([missing.status, missing.code], [404, "not_found"], "a missing article");
const invalid = await problemOf(articles.createArticle({ newArticle: { title: "x".repeat(301) } }));
equal([invalid.status, invalid.errors?.[0]?.pointer], [422, "/title"], "an invalid article");

const articleRow = rows(unique("typed")).map(({ external_id, ...row }) => ({ ...row, externalId: external_id }));
const imported = await imports.importArticles({ articleRow });
equal(imported.data.created, 3, "imported rows");
