"""Events: which ones a change brings, in which order, to which filters, and what they tell."""

import json
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from api import Api
from check import check, equal, report, unique
from receivers import Endpoint, create_endpoints, delete_endpoints
from story import Story, describe, describe_deleted_category, describe_import
from verifying import check_shape, check_verified, wait_for_age

COALESCE_SECONDS = 3

api = Api(os.environ["INKSTONE_URL"])
everything = create_endpoints(api, "all", events=["*"])
articles = create_endpoints(api, "articles", events=["article.*"])
coalesced = create_endpoints(api, "changed", events=["articles.changed"], coalesce_seconds=COALESCE_SECONDS)
# The other filters, each with the beginnings of the names of the events that it asks for.
filtered: list[tuple[list[Endpoint], tuple[str, ...]]] = [
    (create_endpoints(api, "notice-published", events=["notice.published"]), ("notice.published",)),
    (create_endpoints(api, "categories", events=["category.*"]), ("category.",)),
    (create_endpoints(api, "imports", events=["import.finished"]), ("import.",)),
    (
        create_endpoints(api, "deleted", events=["article.deleted", "notice.deleted"]),
        ("article.deleted", "notice.deleted"),
    ),
]
endpoints = everything + articles + coalesced + [each for group, _ in filtered for each in group]
story = Story(everything)


def write_time(seconds: float) -> str:
    """The time in so many seconds."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def change_articles() -> None:
    # A draft is no event, neither when it is made nor edited nor deleted.
    draft = api.create("/articles", {"title": unique("Draft")})
    api.patch(f"/articles/{draft['id']}", {"title": unique("Edited")})
    api.delete(f"/articles/{draft['id']}")

    article = api.create("/articles", {"title": "质量提升行动", "slug": unique("article"), "status": "draft"})
    path = f"/articles/{article['id']}"
    article = api.patch(path, {"status": "published"})
    story.expect(describe("article.published", article))
    article = api.patch(path, {"title": "质量提升行动取得新进展", "body": "<p>合格率。</p>"})
    story.expect(describe("article.updated", article))
    article = api.patch(path, {"slug": unique("renamed")})
    story.expect(describe("article.updated", article))
    for status in ("draft", "archived"):
        api.patch(path, {"status": status})
        story.expect(describe("article.unpublished", article))
        api.patch(path, {"title": f"Edited as {status}"})
        article = api.patch(path, {"status": "published"})
        story.expect(describe("article.published", article))
    api.delete(path)
    story.expect(describe("article.deleted", article))
    article = api.call("POST", f"{path}/restore")["data"]
    story.expect(describe("article.published", article))
    # The deletion of an archived article is no event.
    api.patch(path, {"status": "archived"})
    story.expect(describe("article.unpublished", article))
    api.delete(path)


def schedule_article() -> None:
    article = api.create(
        "/articles", {"title": unique("Scheduled"), "status": "published", "published_at": write_time(3)}
    )
    story.expect(describe("article.published", article))
    due = datetime.fromisoformat(article["published_at"]).timestamp()
    for endpoint in everything:
        came = endpoint.load_received()[-1]["at"]
        check(-0.1 < came - due < 5, f"{endpoint}: a scheduled article was told {came - due} s after its time")
    api.delete(f"/articles/{article['id']}")
    story.expect(describe("article.deleted", article))


def change_notices() -> None:
    notice = api.create("/notices", {"kind": "notice", "title": unique("Notice"), "status": "published"})
    path = f"/notices/{notice['id']}"
    story.expect(describe("notice.published", notice))
    notice = api.patch(path, {"title": unique("Edited"), "pinned": True})
    story.expect(describe("notice.updated", notice))
    api.patch(path, {"audience": "members"})
    story.expect(describe("notice.unpublished", notice))
    notice = api.patch(path, {"audience": "public"})
    story.expect(describe("notice.published", notice))
    notice = api.patch(path, {"expires_at": write_time(3)})
    story.expect(describe("notice.updated", notice))
    story.expect(describe("notice.unpublished", notice))
    notice = api.patch(path, {"expires_at": None})
    story.expect(describe("notice.published", notice))
    api.delete(path)
    story.expect(describe("notice.deleted", notice))


def change_categories() -> None:
    category = api.create("/categories", {"name": unique("Category")})
    path = f"/categories/{category['id']}"
    story.expect(describe("category.changed", category))
    article = api.create("/articles", {"title": unique("In it"), "category": category["id"], "status": "published"})
    story.expect(describe("article.published", article))
    category = api.patch(path, {"name": unique("Renamed"), "slug": unique("renamed")})
    story.expect(describe("category.changed", category))
    api.delete(f"/articles/{article['id']}")
    story.expect(describe("article.deleted", article))
    category = api.create("/categories", {"name": unique("Empty")})
    story.expect(describe("category.changed", category))
    api.delete(f"/categories/{category['id']}")
    story.expect(describe_deleted_category(category))


def import_rows(rows: list[dict], **counts: int) -> dict[str, int]:
    """Imports articles. Returns the numbers of rows that were created, updated, unchanged, and that failed."""
    body = "".join(json.dumps(row) + "\n" for row in rows)
    summary = api.call("POST", "/articles/import", body, headers={"Content-Type": "application/x-ndjson"})["data"]
    told = {name: summary[name] for name in ("created", "updated", "unchanged", "failed")}
    equal(told, dict.fromkeys(told, 0) | counts, "the summary of the import")
    return told


def load_imported(row: dict) -> dict:
    return api.call("GET", f"/articles/by-external-id/{row['external_id']}")["data"]


def import_articles() -> None:
    prefix = unique("row")
    rows = [{"title": f"Row {number}", "external_id": f"{prefix}-{number}"} for number in range(4)]
    rows = [row | {"status": "published" if number else "draft"} for number, row in enumerate(rows)]
    counts = import_rows(rows, created=4)
    published = [describe("article.published", load_imported(row)) for row in rows[1:]]
    story.expect(*published, describe_import("articles", counts))
    changed = rows[1] | {"title": "Row 1, changed"}
    counts = import_rows([changed, rows[2], {"title": ""}], updated=1, unchanged=1, failed=1)
    updated = describe("article.updated", load_imported(changed))
    story.expect(updated, describe_import("articles", counts))


def publish_many() -> None:
    """Publishes articles one right after another."""
    bodies = [{"title": unique("Many"), "status": "published"} for _ in range(8)]
    created = [api.create("/articles", body) for body in bodies]
    for article in created:
        story.expect(describe("article.published", article))


def check_log(endpoint: Endpoint) -> None:
    """Compares the log of deliveries with what has come."""
    received = {each["headers"]["webhook-id"]: json.loads(each["body"]) for each in endpoint.load_received()}
    equal(len(received), len(endpoint.load_received()), f"{endpoint}: ids of deliveries that differ")
    log = api.list_all(f"{endpoint.path}/deliveries", page_size=7)
    equal({row["id"]: row["body"] for row in log}, received, f"{endpoint}: the log of deliveries")
    for row in log:
        state = (row["state"], row["tries"], [attempt["status"] for attempt in row["attempts"]])
        equal(state, ("delivered", 1, [204]), f"{endpoint}: {row['id']} in the log")
        check(row["attempts"][0]["error"] is None, f"{endpoint}: {row['id']} has an error")
        equal(row["entity_id"], row["body"]["data"].get("id"), f"{endpoint}: the entity of {row['id']}")
    for name in {row["event"] for row in log}:
        found = api.list_all(f"{endpoint.path}/deliveries", event=name)
        wanted = [row["id"] for row in log if row["event"] == name]
        equal([row["id"] for row in found], wanted, f"{endpoint}: {name} in the log")
    equal(len(api.list_all(f"{endpoint.path}/deliveries", state="delivered")), len(log), f"{endpoint}: delivered")
    equal(api.list_all(f"{endpoint.path}/deliveries", state="failed"), [], f"{endpoint}: failed")


def check_coalesced(endpoint: Endpoint) -> None:
    """Checks that `articles.changed` counts all events of articles, and does not come too often."""
    bodies = endpoint.load_bodies()
    equal({body["type"] for body in bodies}, {"articles.changed"}, f"{endpoint}: types")
    changes = sum(event["type"].startswith("article.") for group in story.groups for event in group)
    equal(sum(body["data"]["count"] for body in bodies), changes, f"{endpoint}: changes that were counted")
    times = [delivery["at"] for delivery in endpoint.load_received()]
    pauses = [after - before for before, after in pairwise(times)]
    check(all(pause > COALESCE_SECONDS - 0.5 for pause in pauses), f"{endpoint}: the pauses {pauses}")
    check(len(bodies) < changes, f"{endpoint}: {len(bodies)} events of {changes} changes")


change_articles()
schedule_article()
change_notices()
change_categories()
import_articles()
publish_many()
# Events that nobody asked for would have come by then.
last = everything[0].load_received()[-1]
wait_for_age(COALESCE_SECONDS + 2, last["at"])

story_filters = [(everything, ("",)), (articles, ("article.",)), *filtered]
for group, names in story_filters:
    for endpoint in group:
        story.check_endpoint(endpoint, names)
for endpoint in coalesced:
    check_coalesced(endpoint)
for endpoint in endpoints:
    check_log(endpoint)
    for delivery in endpoint.load_received():
        check_shape(endpoint, delivery)
        check_verified(endpoint, delivery, endpoint.secrets, endpoint.public_keys)
api.check_secrets()
delete_endpoints(api, endpoints)
report("events")
