"""Refusals, as exceptions."""

from __future__ import annotations

from typing import Any, cast

import httpx

from . import schemas


class Problem(Exception):
    """A request that was refused (RFC 9457). `code` is stable; the text is for people."""

    def __init__(self, document: schemas.Problem, response: httpx.Response) -> None:
        super().__init__(document.get("detail", document["title"]))
        self.document = document
        self.response = response

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status_code

    @property
    def code(self) -> str:
        """The stable name of the kind of problem, like `version_mismatch`. Later versions may add others."""
        return self.document["code"]

    @property
    def faults(self) -> list[schemas.ProblemFault]:
        """All faults of the request; empty where there is no place to name."""
        return self.document.get("errors", [])

    def fault(self, place: str) -> schemas.ProblemFault | None:
        """The first fault at a place of the body (`/title`) or of a parameter (`category`)."""
        return next((one for one in self.faults if place in (one.get("pointer"), one.get("parameter"))), None)

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before the next try, if the server names them."""
        return retry_after(self.response)


def retry_after(response: httpx.Response) -> float | None:
    """The seconds of a `Retry-After` header."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def raise_problem(response: httpx.Response) -> None:
    """Raises the problem of a failure. One of a proxy, without a problem document, gets the code `http_502`."""
    if response.is_success:
        return
    try:
        document: Any = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "code" not in document:
        status = response.status_code
        title = response.reason_phrase or f"HTTP {status}"
        document = {"type": "about:blank", "title": title, "status": status, "code": f"http_{status}"}
        if response.has_redirect_location:
            document["detail"] = f"{title}: the server is at {response.headers['location']}"
    raise Problem(cast(schemas.Problem, document), response)
