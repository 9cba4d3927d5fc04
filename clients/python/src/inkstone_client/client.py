"""The client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, unquote

import httpx

from . import schemas
from .imports import import_in_batches
from .memory import Memory
from .problem import raise_problem
from .session import Session, Tokens


class Inkstone:
    """A client of one server. Threads can share it.

    `key` is an API key, for scripts; members use `login`. `tokens` are those of an earlier session, as `on_tokens` was
    given them. Processes that share a session need `load_tokens`, which reads what is stored now: a refresh token is
    good for one use, and another process may have used it. `remember` is how many answers are kept for the next 304,
    and `remember_bytes` how large they are together.

    Redirects are not followed: an answer of another host would be taken for one of the site's.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens | None], object] = lambda tokens: None,
        load_tokens: Callable[[], Tokens | None] | None = None,
        remember: int = 200,
        remember_bytes: int = 8 << 20,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/"), timeout=timeout, transport=transport, follow_redirects=False
        )
        self._session = Session(self._http, tokens, on_tokens, load_tokens)
        self._memory = Memory(remember, remember_bytes)
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def login(self, email: str, password: str) -> schemas.SignedInMember:
        """Signs a member in; from then on requests are theirs."""
        return self._session.login(email, password)

    def logout(self) -> None:
        """Ends the session."""
        self._session.logout()

    @property
    def is_signed_in(self) -> bool:
        """Whether a member is signed in."""
        return self._session.is_open

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **query: Any,
    ) -> httpx.Response:
        """Sends any request below `/api/v1`. Lists are taken as parameters. Raises a `Problem` if it is refused.

        The 304 that `If-None-Match` or `If-Modified-Since` of `headers` asked for is returned as it is.
        """
        if any(unquote(segment) in (".", "..") for segment in path.split("/")):
            raise ValueError(f"{path!r} is no path: a URL loses the segments . and ..")
        request = self._http.build_request(
            method,
            f"/api/v1/{path.lstrip('/')}",
            params=_to_parameters(query),
            json=json,
            content=content,
            headers=headers,
            timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
        )
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key}"
        known = self._memory.ask(request)
        response = self._http.send(request, auth=None if self._key is not None else self._session)
        response = self._memory.answer(request, known, response)
        if response.status_code != httpx.codes.NOT_MODIFIED:
            raise_problem(response)
        return response

    def get(self, path: str, **query: Any) -> Any:
        """The `data` of one thing or of a page."""
        return self.request("GET", path, **query).json()["data"]

    def walk(self, path: str, **query: Any) -> Iterator[Any]:
        """All things of a list, page after page, by cursor: each once, whatever is added meanwhile."""
        more: dict[str, Any] = {"page_size": 100, **query}
        while True:
            page = self.request("GET", path, **more).json()
            yield from page["data"]
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                return
            more["cursor"] = cursor

    def articles(self, **query: Any) -> Iterator[schemas.ArticleCard]:
        """All articles of a list; with `fields` each has only those keys."""
        return cast(Iterator[schemas.ArticleCard], self.walk("articles", **query))

    def notices(self, **query: Any) -> Iterator[schemas.Notice]:
        """All notices of a list."""
        return cast(Iterator[schemas.Notice], self.walk("notices", **query))

    def categories(self) -> list[schemas.Category]:
        """All categories, parents first."""
        return cast(list[schemas.Category], self.get("categories"))

    def article(self, id_or_slug: str, **query: Any) -> schemas.Article:
        """An article, with its body."""
        return cast(schemas.Article, self.get(f"articles/{_to_segment(id_or_slug)}", **query))

    def create_article(self, article: schemas.NewArticle, *, idempotency_key: str | None = None) -> schemas.Article:
        """Creates an article: under the same key once, however often it is sent."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        response = self.request("POST", "articles", json=article, headers=headers)
        return cast(schemas.Article, response.json()["data"])

    def update_article(
        self, id_or_slug: str, changes: schemas.ArticlePatch, *, version: int | None = None
    ) -> schemas.Article:
        """Changes an article. With `version`, only if it is still the current one.

        A key that may not read gets `id`, `version` and `updated_at` alone.
        """
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        response = self.request("PATCH", f"articles/{_to_segment(id_or_slug)}", json=changes, headers=headers)
        return cast(schemas.Article, response.json()["data"])

    def import_rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        resource: str = "articles",
        *,
        batch_rows: int = 2000,
        on_batch: Callable[[schemas.ImportSummary], object] | None = None,
        **query: Any,
    ) -> schemas.ImportSummary:
        """Imports any number of rows, from an iterator too, and returns the summary of all.

        They go in batches, each in a request of its own, which is sent again while the server is away: rows that are
        there already are unchanged. The first `skip` rows are not sent. With `atomic=True` all go in one. `on_batch` gets the summary so far. Raises
        `ImportFailed` if the import is stopped, not for single rows that fail: those are in `errors`.
        """
        # The rows of all batches together are passed over, not those of each.
        skip = int(query.pop("skip", None) or 0)
        rows = islice(rows, skip, None)
        is_one = bool(query.get("atomic")) or bool(query.get("dry_run"))
        rows = list(rows) if is_one else rows
        size = max(len(rows), 1) if isinstance(rows, list) and is_one else batch_rows

        def send(body: bytes) -> httpx.Response:
            headers = {"Content-Type": "application/x-ndjson", "Accept": "application/json"}
            return self.request("POST", f"{resource}/import", content=body, headers=headers, timeout=600.0, **query)

        may_repeat = query.get("mode", "upsert") != "create"
        return import_in_batches(send, rows, size, skip, may_repeat, on_batch)


def _to_segment(text: str) -> str:
    """An id as a segment of a path."""
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no id")
    return quote(text, safe="")


def _to_parameters(query: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as the API takes them: lists by commas, `true` and `false` in lower case; no empty lists."""

    def to_text(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (list, tuple, set)):
            return ",".join(to_text(one) for one in value)
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    def is_empty(value: Any) -> bool:
        return value is None or (isinstance(value, (list, tuple, set)) and not value)

    return {name: to_text(value) for name, value in query.items() if not is_empty(value)}
