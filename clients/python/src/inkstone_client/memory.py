"""Answers that are kept, to be given again while the server says that they are current."""

from __future__ import annotations

import threading
from collections import OrderedDict

import httpx


class Memory:
    """The answers to the GETs that were asked for last. One with `no-store` is not kept."""

    def __init__(self, max_answers: int) -> None:
        self._max_answers = max_answers
        self._answers: OrderedDict[str, httpx.Response] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, request: httpx.Request) -> httpx.Response | None:
        """Makes a GET conditional; returns the answer that it is to be compared with."""
        if request.method != "GET" or "if-none-match" in request.headers:
            return None
        with self._lock:
            known = self._answers.get(_key(request))
        if known is not None:
            request.headers["If-None-Match"] = known.headers["etag"]
        return known

    def answer(self, request: httpx.Request, known: httpx.Response | None, response: httpx.Response) -> httpx.Response:
        """What the request is answered with: the known answer on 304, else the new one."""
        if request.method != "GET":
            return response
        is_current = response.status_code == 304 and known is not None
        kept = known if is_current and known is not None else response
        may_keep = "no-store" not in response.headers.get("cache-control", "")
        with self._lock:
            self._answers.pop(_key(request), None)
            if kept.status_code == 200 and "etag" in kept.headers and may_keep and self._max_answers > 0:
                self._answers[_key(request)] = kept
            while len(self._answers) > self._max_answers:
                self._answers.popitem(last=False)
        return kept


def _key(request: httpx.Request) -> str:
    return f"{request.url} {request.headers.get('accept')} {request.headers.get('accept-language')}"
