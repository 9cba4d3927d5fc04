"""openapi-generator's python: urllib3 and pydantic."""

from check import TOKEN, URL, equal, unique
from openapi_client import (
    ApiClient,
    ApiException,
    ArticlePatch,
    ArticleRow,
    ArticlesApi,
    ArticleSort,
    Configuration,
    Counting,
    ImportsApi,
    NewArticle,
    Status,
)
from openapi_client.exceptions import NotFoundException
from openapi_client.models.problem import Problem

client = ApiClient(Configuration(host=URL, access_token=TOKEN))
articles, imports = ArticlesApi(client), ImportsApi(client)

order = [ArticleSort("-published_at"), ArticleSort("title")]
page = articles.list_articles(sort=order, status=[Status.PUBLISHED, Status.DRAFT], page_size=5)
equal(len(page.data), 5, "articles of a page")

seen: set[object] = set()
cursor = None
while True:
    page = articles.list_articles(page_size=3, cursor=cursor)
    seen.update(card.id for card in page.data)
    cursor = page.page.next_cursor
    if cursor is None:
        break
counted = articles.list_articles(count=Counting.TRUE, page_size=1)
equal(len(seen), counted.page.total, "articles of the walk")

new = NewArticle(title=unique("Pydantic"), body="<p>Hello.</p>", status=Status.PUBLISHED, extra={"layout": "wide"})
created = articles.create_article_with_http_info(new)
article = created.data.data
equal(article.extra["layout"], "wide", "a key of extra")
etag = {name.lower(): value for name, value in created.headers.items()}["etag"]
changed = articles.update_article(str(article.id), ArticlePatch(title="Changed"), if_match=etag)
equal(changed.data.version, 2, "the second version")


def problem_of(error: ApiException) -> Problem:
    problem = Problem.from_json(error.body)
    assert problem is not None
    return problem


try:
    articles.update_article(str(article.id), ArticlePatch(title="Stale"), if_match=etag)
    raise SystemExit("a stale change was taken")
except ApiException as error:
    equal((error.status, problem_of(error).code), (412, "version_mismatch"), "a stale change")
try:
    articles.get_article(unique("none"))
    raise SystemExit("a missing article was found")
except NotFoundException as error:
    equal(problem_of(error).code, "not_found", "a missing article")
try:
    # The generated model checks bounds itself; what it cannot know is the server's to say.
    articles.create_article(NewArticle(title="x", category=unique("none")))
    raise SystemExit("an invalid article was taken")
except ApiException as error:
    faults = problem_of(error).errors or []
    equal((error.status, faults[0].pointer), (422, "/category"), "an invalid article")

prefix = unique("pydantic")
rows = [ArticleRow(title=f"Imported {number}", external_id=f"{prefix}-{number}") for number in range(3)]
imported = imports.import_articles(rows)
equal(imported.data.created, 3, "imported rows")
