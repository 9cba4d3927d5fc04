"""A story of changes: the events that are expected of them, and a comparison with those that came."""

import json
import os
from collections.abc import Iterable

from check import equal
from receivers import Endpoint

BASE_URL = os.environ["TRIAL_BASE_URL"]
# The folders of the site's pages, by the first word of an event.
FOLDERS = {"article": "articles", "notice": "notices", "category": "categories"}

Event = dict[str, object]


def describe(name: str, thing: dict) -> Event:
    """The event `name` of an article, a notice or a category as the API shows it."""
    is_gone = name.endswith((".unpublished", ".deleted"))
    url = f"{BASE_URL}/{FOLDERS[name.split('.')[0]]}/{thing['slug']}"
    version = None if is_gone else thing["version"]
    return {"type": name, "data": {"id": thing["id"], "slug": thing["slug"], "version": version, "url": url}}


def describe_deleted_category(category: dict) -> Event:
    """A deleted category is told by its id alone."""
    return {"type": "category.changed", "data": {"id": category["id"], "slug": None, "version": None, "url": None}}


def describe_import(entity: str, counts: dict[str, int]) -> Event:
    """The event of an import that has read all rows."""
    return {"type": "import.finished", "data": {"entity": entity, "is_complete": True, **counts}}


def sort_events(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: json.dumps(event, sort_keys=True))


class Story:
    """Expected events. They come in groups; the order within a group is open."""

    def __init__(self, everything: list[Endpoint]) -> None:
        self.everything = everything
        self.groups: list[list[Event]] = []

    def expect(self, *events: Event) -> None:
        """Waits until the endpoints that ask for everything have these events too."""
        self.groups.append(list(events))
        count = sum(len(group) for group in self.groups)
        for endpoint in self.everything:
            endpoint.wait_for(count)

    def check_endpoint(self, endpoint: Endpoint, names: tuple[str, ...]) -> None:
        """Checks that an endpoint got the events with one of these beginnings, in order, and no other."""
        groups = [[event for event in group if event["type"].startswith(names)] for group in self.groups]
        bodies = endpoint.load_bodies()
        events = [{name: body[name] for name in ("type", "data")} for body in bodies]
        for group in groups:
            came, events = events[: len(group)], events[len(group) :]
            equal(sort_events(came), sort_events(group), f"{endpoint}: events")
        equal(events, [], f"{endpoint}: further events")
