"""Answers that are kept, to be given again while the server says that they are current."""

from __future__ import annotations

import threading
from collections import OrderedDict

import httpx


class Memory:
    """The answers to the GETs that were asked for last, of so many bytes together.

    One with `no-store` is not kept, nor a page that a cursor leads to: a walk asks for each once.
    """

    def __init__(self, max_answers: int, max_bytes: int) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, httpx.Response] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, request: httpx.Request) -> httpx.Response | None:
        """Makes a GET conditional; returns the answer that it is to be compared with."""
        if not _is_remembered(request):
            return None
        with self._lock:
            known = self._answers.get(_key(request))
        if known is not None:
            request.headers["If-None-Match"] = known.headers["etag"]
        return known

    def answer(self, request: httpx.Request, known: httpx.Response | None, response: httpx.Response) -> httpx.Response:
        """What the request is answered with: the known answer on 304, else the new one."""
        # A request that this memory has made conditional is no less its own.
        if known is None and not _is_remembered(request):
            return response
        is_current = response.status_code == 304 and known is not None
        kept = known if is_current and known is not None else response
        may_keep = "no-store" not in response.headers.get("cache-control", "")
        with self._lock:
            self._forget(_key(request))
            fits = len(kept.content) <= self._max_bytes and self._max_answers > 0
            if kept.status_code == 200 and "etag" in kept.headers and may_keep and fits:
                self._answers[_key(request)] = kept
                self._bytes += len(kept.content)
            while len(self._answers) > self._max_answers or self._bytes > self._max_bytes:
                self._forget(next(iter(self._answers)))
        return kept

    def _forget(self, key: str) -> None:
        forgotten = self._answers.pop(key, None)
        if forgotten is not None:
            self._bytes -= len(forgotten.content)


def _is_remembered(request: httpx.Request) -> bool:
    """Whether the answer may be remembered: one that is conditional already has a memory of its own."""
    is_conditional = "if-none-match" in request.headers or "if-modified-since" in request.headers
    return request.method == "GET" and not is_conditional and "cursor" not in request.url.params


def _key(request: httpx.Request) -> str:
    return f"{request.url} {request.headers.get('accept')} {request.headers.get('accept-language')}"
