"""Checks that are counted. A trial goes on after one that fails, and reports all faults at its end."""

import sys
import time
from collections.abc import Callable

_faults: list[str] = []
_count = 0


def check(condition: object, message: str) -> bool:
    """Counts a check. Returns whether it passed."""
    global _count
    _count += 1
    if not condition:
        _faults.append(message)
        print(f"fault: {message}", file=sys.stderr)
    return bool(condition)


def equal(actual: object, wanted: object, message: str) -> bool:
    return check(actual == wanted, f"{message}: {actual!r}, not {wanted!r}")


def wait_until(condition: Callable[[], object], seconds: float) -> bool:
    """Waits for a condition. Returns false if it did not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def unique(word: str) -> str:
    """A name that no other run uses."""
    return f"{word}-{time.time_ns():x}"


def report(trial: str) -> None:
    """Prints the result, and exits: with 1 if a check failed."""
    print(f"{trial}: {_count - len(_faults)} of {_count} checks passed")
    sys.exit(1 if _faults else 0)
