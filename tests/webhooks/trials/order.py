"""The order of events about each article, while several sessions write at a time.

Changes that follow each other closely may be told as one event. What a receiver makes of the events must be true
all the same: what is visible, and at last its final version.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from api import Api
from check import check, equal, report, unique, wait_until
from receivers import Endpoint, create_endpoints, delete_endpoints
from verifying import check_verified

WRITERS, ROUNDS = 6, 5

api = Api(os.environ["INKSTONE_URL"])
endpoints = create_endpoints(api, "order", events=["article.*"])


def write_articles(writer: int) -> dict[str, int | None]:
    """Makes, edits, withdraws and deletes articles. Returns the final version of each, `None` for a deleted one."""
    finals: dict[str, int | None] = {}
    for turn in range(ROUNDS):
        article = api.create("/articles", {"title": unique(f"Writer {writer}"), "status": "published"})
        path = f"/articles/{article['id']}"
        for _ in range(turn):
            article = api.patch(path, {"title": unique("Edited")})
        api.patch(path, {"status": "archived"})
        article = api.patch(path, {"status": "published"})
        if turn % 2:
            api.delete(path)
        finals[article["id"]] = None if turn % 2 else article["version"]
    return finals


def load_events(endpoint: Endpoint) -> dict[str, list[tuple[str, int | None]]]:
    """The events about each article, in the order in which they came: the type and the version."""
    events: dict[str, list[tuple[str, int | None]]] = {}
    for body in endpoint.load_bodies():
        data = body["data"]
        events.setdefault(data["id"], []).append((body["type"].removeprefix("article."), data["version"]))
    return events


def find_final(events: list[tuple[str, int | None]]) -> int | None:
    return events[-1][1] if events else None


def check_order(endpoint: Endpoint, events: list[tuple[str, int | None]]) -> None:
    """Checks that an article is published only when it is not visible, and all else only when it is."""
    is_visible, last_version = False, 0
    for name, version in events:
        equal(is_visible, name != "published", f"{endpoint}: visible before {name} in {events}")
        is_visible = name in ("published", "updated")
        if is_visible:
            check(version > last_version, f"{endpoint}: the versions of {events}")
            last_version = version
        else:
            equal(version, None, f"{endpoint}: the version of {name}")


with ThreadPoolExecutor(WRITERS) as pool:
    finals = {key: value for each in pool.map(write_articles, range(WRITERS)) for key, value in each.items()}


def is_complete(endpoint: Endpoint) -> bool:
    events = load_events(endpoint)
    return all(find_final(events.get(article, [])) == version for article, version in finals.items())


for endpoint in endpoints:
    wait_until(lambda: is_complete(endpoint), 20)
for endpoint in endpoints:
    # A withdrawal looks like a deletion in `is_complete`, so that events may still be on their way.
    wait_until(lambda: not api.list_all(f"{endpoint.path}/deliveries", state="pending"), 10)
    events = load_events(endpoint)
    equal(set(events) - set(finals), set(), f"{endpoint}: other articles")
    for article, version in finals.items():
        told = events.get(article, [])
        equal(find_final(told), version, f"{endpoint}: the final version after {told}")
        check_order(endpoint, told)
    deliveries = endpoint.load_received()
    ids = [delivery["headers"]["webhook-id"] for delivery in deliveries]
    equal(len(set(ids)), len(ids), f"{endpoint}: ids of deliveries that differ")
    for delivery in deliveries:
        check_verified(endpoint, delivery, endpoint.secrets, endpoint.public_keys)
api.check_secrets()
delete_endpoints(api, endpoints)
report("order")
