"""The order of events about each article, while several clients write at a time.

Changes that follow each other closely may come as one event. A receiver must learn all the same whether an article
is visible, and in which version.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from api import Api
from check import check, equal, report, unique, wait_until
from receivers import Endpoint, create_endpoints, delete_endpoints
from verifying import check_verified

WRITERS, ROUNDS = 6, 6
# Seconds in which further events would have come.
SETTLING = 2

# The type without its first word, and the version.
Event = tuple[str, int | None]

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


def load_events(endpoint: Endpoint) -> dict[str, list[Event]]:
    """The events about each article, in the order in which they came."""
    events: dict[str, list[Event]] = {}
    for body in endpoint.load_bodies():
        data = body["data"]
        events.setdefault(data["id"], []).append((body["type"].removeprefix("article."), data["version"]))
    return events


def is_final(events: list[Event], version: int | None) -> bool:
    """Whether the last event tells the final version, or the deletion.

    An article that nobody was told of, or that was withdrawn before, may be deleted without an event.
    """
    if version is None:
        return not events or events[-1] in [("deleted", None), ("unpublished", None)]
    return bool(events) and events[-1][1] == version


def find_contradiction(events: list[Event]) -> str | None:
    """Finds an event that cannot follow those before it: only an article that is not visible can be published."""
    is_visible, last_version = False, 0
    for name, version in events:
        if is_visible == (name == "published"):
            return f"{name} of what is {'visible' if is_visible else 'not visible'}"
        is_visible = name in ("published", "updated")
        if is_visible != (version is not None):
            return f"{name} with version {version}"
        if version is not None and version <= last_version:
            return f"{name} with version {version} after {last_version}"
        last_version = version or last_version
    return None


def is_complete(endpoint: Endpoint) -> bool:
    events = load_events(endpoint)
    return all(is_final(events.get(article, []), version) for article, version in finals.items())


with ThreadPoolExecutor(WRITERS) as pool:
    finals = {key: value for each in pool.map(write_articles, range(WRITERS)) for key, value in each.items()}
for endpoint in endpoints:
    wait_until(lambda: is_complete(endpoint), 15)
time.sleep(SETTLING)

for endpoint in endpoints:
    events = load_events(endpoint)
    equal(set(events) - set(finals), set(), f"{endpoint}: other articles")
    for article, version in finals.items():
        told = events.get(article, [])
        check(is_final(told, version), f"{endpoint}: the final version is {version}, after {told}")
        equal(find_contradiction(told), None, f"{endpoint}: a contradiction in {told}")
    deliveries = endpoint.load_received()
    ids = [delivery["headers"]["webhook-id"] for delivery in deliveries]
    equal(len(set(ids)), len(ids), f"{endpoint}: ids of deliveries that differ")
    for delivery in deliveries:
        check_verified(endpoint, delivery, endpoint.secrets, endpoint.public_keys)
api.check_secrets()
delete_endpoints(api, endpoints)
report("order")
