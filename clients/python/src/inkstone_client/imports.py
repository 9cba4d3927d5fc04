"""Imports of any length."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import httpx

from . import schemas
from .problem import Problem, retry_after

# What a proxy or a server says that is away for a moment.
PASSING = {502, 503, 504}
# Tries of a batch, and the first pause between two of them, in seconds.
TRIES = 5
FIRST_PAUSE = 1.0

_COUNTS = ("rows", "created", "updated", "unchanged", "superseded", "failed", "created_categories", "committed_rows")


class ImportFailed(Problem):
    """An import that was stopped. `summary` says what was done before."""

    def __init__(self, problem: Problem, summary: schemas.ImportSummary) -> None:
        super().__init__(problem.document, problem.response)
        self.summary = summary


def import_in_batches(
    send: Callable[[bytes], httpx.Response],
    rows: Iterable[Mapping[str, Any]],
    batch_rows: int,
    may_repeat: bool,
    on_batch: Callable[[schemas.ImportSummary], object] | None,
) -> schemas.ImportSummary:
    """Sends the rows in requests of `batch_rows`, each again while the server is away; returns the sum."""
    total: schemas.ImportSummary | None = None
    for batch in _batches(rows, batch_rows):
        body = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in batch)
        try:
            summary = _send_batch(send, body, may_repeat)
        except Problem as problem:
            stopped: Any = problem.document.get("summary") or _nothing()
            raise ImportFailed(problem, _add(total, stopped)) from problem
        total = _add(total, summary)
        if on_batch is not None:
            on_batch(total)
    return total or _nothing()


def _batches(rows: Iterable[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def _send_batch(send: Callable[[bytes], httpx.Response], body: bytes, may_repeat: bool) -> schemas.ImportSummary:
    pause = FIRST_PAUSE
    for attempt in range(1, TRIES + 1):
        is_last = attempt == TRIES or not may_repeat
        try:
            summary: schemas.ImportSummary = send(body).json()["data"]
            return summary
        except httpx.TransportError:
            if is_last:
                raise
            wait = pause
        except Problem as problem:
            # A 503 of an import comes before anything is written, or with rows that are unchanged next time.
            if is_last or problem.status not in PASSING:
                raise
            wait = retry_after(problem.response) or pause
        time.sleep(wait)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def _nothing() -> schemas.ImportSummary:
    empty: Any = {count: 0 for count in _COUNTS}
    empty |= {"ending": "completed", "cleaned": {}, "errors": [], "warnings": [], "elapsed_ms": 0}
    empty["markup"] = {"elements": {}, "attributes": {}, "embeds_linked": 0, "relative_addresses": 0, "tables_repaired": 0}
    return empty  # type: ignore[no-any-return]


def _add_counts(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Any]:
    """The sums of the numbers in both, also of those inside of them."""

    def add(name: str) -> Any:
        first, second = one.get(name, 0), two.get(name, 0)
        if isinstance(first, Mapping) or isinstance(second, Mapping):
            return _add_counts(first or {}, second or {})
        return first + second

    return {name: add(name) for name in one.keys() | two.keys()}


def _add(total: schemas.ImportSummary | None, batch: schemas.ImportSummary) -> schemas.ImportSummary:
    """The sum of both. Lines are counted from the first row of all."""
    if total is None:
        return batch
    one: dict[str, Any] = dict(total)
    two: dict[str, Any] = dict(batch)
    before = one["rows"]
    summed = {count: one[count] + two[count] for count in (*_COUNTS, "elapsed_ms")}
    summed["cleaned"] = _add_counts(one["cleaned"], two["cleaned"])
    summed["markup"] = _add_counts(one["markup"], two["markup"])
    for kind in ("errors", "warnings"):
        summed[kind] = one[kind] + [{**row, "line": row["line"] + before} for row in two[kind]]
    result: Any = {**two, **summed}
    return result  # type: ignore[no-any-return]
