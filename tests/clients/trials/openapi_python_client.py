"""openapi-python-client: httpx and attrs."""

from check import TOKEN, URL, equal, unique
from generated_opc import AuthenticatedClient
from generated_opc.api.articles import create_article, get_article, list_articles, update_article
from generated_opc.api.imports import import_articles
from generated_opc.models import (
    ArticlePatch,
    ArticleRow,
    ArticleSort,
    Counting,
    DataImportSummary,
    ListArticleCard,
    NewArticle,
    NewArticleExtraType0,
    Problem,
    Status,
)

client = AuthenticatedClient(base_url=URL, token=TOKEN)

# Lists are sent as repeats: `sort=-published_at&sort=title`.
order = [ArticleSort.VALUE_0, ArticleSort("title")]
page = list_articles.sync(client=client, sort=order, status=[Status.PUBLISHED, Status.DRAFT], page_size=5)
assert isinstance(page, ListArticleCard), page
equal(len(page.data), 5, "articles of a page")

seen: set[object] = set()
cursor = None
while True:
    more = {} if cursor is None else {"cursor": cursor}
    page = list_articles.sync(client=client, page_size=3, **more)
    assert isinstance(page, ListArticleCard), page
    seen.update(card.id for card in page.data)
    cursor = page.page.next_cursor
    if cursor is None:
        break
counted = list_articles.sync(client=client, count=Counting.TRUE, page_size=1)
assert isinstance(counted, ListArticleCard), counted
equal(len(seen), counted.page.total, "articles of the walk")

extra = NewArticleExtraType0.from_dict({"layout": "wide"})
new = NewArticle(title=unique("Python"), body="<p>Hello.</p>", status=Status.PUBLISHED, extra=extra)
created = create_article.sync_detailed(client=client, body=new)
assert created.parsed is not None and not isinstance(created.parsed, Problem), created
article = created.parsed.data
equal(article.extra["layout"], "wide", "a key of extra")
etag = created.headers["etag"]
changed = update_article.sync(str(article.id), client=client, body=ArticlePatch(title="Changed"), if_match=etag)
assert changed is not None and not isinstance(changed, Problem), changed
equal(changed.data.version, 2, "the second version")
stale = update_article.sync(str(article.id), client=client, body=ArticlePatch(title="Stale"), if_match=etag)
assert isinstance(stale, Problem), stale
equal(stale.code, "version_mismatch", "a stale change")

missing = get_article.sync_detailed(unique("none"), client=client)
assert isinstance(missing.parsed, Problem), missing
equal((missing.status_code.value, missing.parsed.code), (404, "not_found"), "a missing article")
invalid = create_article.sync_detailed(client=client, body=NewArticle(title="x" * 301))
assert isinstance(invalid.parsed, Problem) and invalid.parsed.errors, invalid
equal((invalid.status_code.value, invalid.parsed.errors[0].pointer), (422, "/title"), "an invalid article")

prefix = unique("python")
rows = [ArticleRow(title=f"Imported {number}", external_id=f"{prefix}-{number}") for number in range(3)]
imported = import_articles.sync(client=client, body=rows)
assert isinstance(imported, DataImportSummary), imported
equal(imported.data.created, 3, "imported rows")
