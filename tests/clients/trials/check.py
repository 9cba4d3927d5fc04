"""What all trials in Python share: where the server is, and how they fail."""

import os
import time

URL = os.environ["INKSTONE_URL"]
TOKEN = os.environ["INKSTONE_TOKEN"]


def unique(word: str) -> str:
    """A name of a thing that this run makes, and no other."""
    return f"{word}-{time.time_ns():x}"


def equal(actual: object, wanted: object, message: str) -> None:
    if actual != wanted:
        raise SystemExit(f"{message}: {actual!r}, not {wanted!r}")
