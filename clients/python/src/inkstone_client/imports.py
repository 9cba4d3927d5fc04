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

_COUNTS = (
    *("rows", "created", "updated", "unchanged", "superseded", "failed", "created_categories", "committed_rows"),
    *("kept_in_trash", "kept_edits", "overwritten_edits", "skipped_duplicates"),
)


class ImportFailed(Problem):
    """An import that was stopped. `summary` says what was done before. All lines are counted from the first row."""

    def __init__(self, problem: Problem, summary: schemas.ImportSummary, before: int) -> None:
        super().__init__(_count_from_first(problem.document, before), problem.response)
        self.summary = summary


def _count_from_first(document: schemas.Problem, before: int) -> schemas.Problem:
    """The problem of a batch that came after `before` rows, in words for all rows."""
    params: dict[str, Any] = dict(document.get("params") or {})
    numbers = [name for name in ("line", "rows", "row", "skip") if name in params]
    places: dict[str, Any] = {name: params[name] + before for name in numbers}
    if before == 0 or document["code"] != "import_aborted" or not places:
        return document
    params |= places
    if "line" in params:
        detail = "Line {line} failed; the first {rows} rows are done."
    else:
        detail = "{max} rows in a row failed. Row {row} is the first that was not read; skip={skip} goes on there."
    told: Any = {**document, "params": params, "detail": detail.format_map(params)}
    return told  # type: ignore[no-any-return]


def import_in_batches(
    send: Callable[[bytes], httpx.Response],
    rows: Iterable[Mapping[str, Any]],
    batch_rows: int,
    skip: int,
    may_repeat: bool,
    on_batch: Callable[[schemas.ImportSummary], object] | None,
) -> schemas.ImportSummary:
    """Sends the rows in requests of `batch_rows`, each again while the server is away; returns the sum.

    `skip` rows came before them.
    """
    total = _nothing(skip)
    before = skip
    for batch in _batches(rows, batch_rows):
        body = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in batch)
        try:
            summary = _send_batch(send, body, may_repeat)
        except Problem as problem:
            stopped: Any = problem.document.get("summary") or _nothing(0)
            raise ImportFailed(problem, _add(total, stopped, before), before) from problem
        total = _add(total, summary, before)
        before += len(batch)
        if on_batch is not None:
            on_batch(total)
    return total


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


def _nothing(skip: int) -> schemas.ImportSummary:
    empty: Any = {count: 0 for count in _COUNTS} | {"committed_rows": skip}
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


def _add(total: schemas.ImportSummary, batch: schemas.ImportSummary, before: int) -> schemas.ImportSummary:
    """The sum of both. Lines are counted from the first row of all, `before` of which came before the batch."""
    one: dict[str, Any] = dict(total)
    two: dict[str, Any] = dict(batch)
    summed = {count: one.get(count, 0) + two.get(count, 0) for count in (*_COUNTS, "elapsed_ms")}
    summed["committed_rows"] = before + two["committed_rows"]
    summed["cleaned"] = _add_counts(one["cleaned"], two["cleaned"])
    summed["markup"] = _add_counts(one["markup"], two["markup"])
    for kind in ("errors", "warnings"):
        summed[kind] = one[kind] + [_move_row(row, before) for row in two[kind]]
    result: Any = {**two, **summed}
    return result  # type: ignore[no-any-return]


def _move_row(problem: dict[str, Any], before: int) -> dict[str, Any]:
    """The problem of a row, with its lines counted from the first row of all."""
    moved = {**problem, "line": problem["line"] + before}
    other = problem.get("params", {}).get("line")
    if other is not None:
        # The sentence names the row that replaces this one, and no other number.
        moved["params"] = {**problem["params"], "line": other + before}
        moved["detail"] = problem["detail"].replace(str(other), str(other + before), 1)
    return moved
