"""Receivers that fail: one that recovers, one that asks for a pause, one that redirects, one that is gone, one that is
slow. Beside them one that is healthy, one that is paused by the admin, and deliveries that are sent once more."""

import os
import time
from datetime import UTC, datetime, timedelta

from api import Api
from check import check, equal, report, unique, wait_until
from receivers import Endpoint, create_endpoints, delete_endpoints
from verifying import check_shape, check_verified

# Seconds from the first try to the second, and how much later it may come.
FIRST_PAUSE, SLACK = 5, 2
# Seconds that a receiver may take.
ANSWER_TIMEOUT = 15
RETRY_AFTER = 8
SLOW_ANSWER = 18

api = Api(os.environ["INKSTONE_URL"])


def create_pair(word: str, answers: list[dict] | None = None) -> list[Endpoint]:
    return create_endpoints(api, word, answers, events=["article.published"])


target = unique("target")
healthy = create_pair("healthy")
paused = create_pair("paused")
recovering = create_pair("recovering", [{"status": 500}])
busy = create_pair("busy", [{"status": 429, "headers": {"retry-after": str(RETRY_AFTER)}}])
redirecting = create_pair("redirecting", [{"status": 302, "headers": {"location": f"/hooks/{target}"}}] * 5)
gone = create_pair("gone", [{"status": 410}])
slow = create_pair("slow", [{"delay": SLOW_ANSWER}])


def publish() -> str:
    """Publishes an article, and waits until the healthy endpoints know of it. Returns its id."""
    count = len(healthy[0].load_received()) + 1
    article = api.create("/articles", {"title": unique("Article"), "status": "published"})
    for endpoint in healthy:
        endpoint.wait_for(count, seconds=3)
    return article["id"]


def list_entities(endpoint: Endpoint) -> list[str | None]:
    """The ids of the articles that an endpoint was told of, in the order of the requests. `None` is a test."""
    return [body["data"].get("id") for body in endpoint.load_bodies()]


def load_webhook(endpoint: Endpoint) -> dict:
    return api.call("GET", endpoint.path)["data"]


def check_status(endpoint: Endpoint, status: str, reason: str | None) -> None:
    webhook = load_webhook(endpoint)
    equal((webhook["status"], webhook["disabled_reason"]), (status, reason), f"{endpoint}: the status")


def load_log(endpoint: Endpoint, entity: str) -> dict:
    """The delivery about an article in the log."""
    found = [row for row in api.list_all(f"{endpoint.path}/deliveries") if row["entity_id"] == entity]
    if len(found) != 1:
        check(False, f"{endpoint}: {len(found)} deliveries about {entity}, not 1")
    return found[0]


def list_statuses(delivery: dict) -> list[int | None]:
    return [attempt["status"] for attempt in delivery["attempts"]]


def send_test_though_disabled(endpoint: Endpoint) -> None:
    count = len(endpoint.load_received())
    api.call("POST", f"{endpoint.path}/test", status=202)
    endpoint.wait_for(count + 1)


def check_repeated(endpoint: Endpoint, first: dict, second: dict) -> None:
    """Checks that two requests are the same delivery, signed anew."""
    equal(second["headers"]["webhook-id"], first["headers"]["webhook-id"], f"{endpoint}: the id of another try")
    equal(second["body"], first["body"], f"{endpoint}: the body of another try")
    times = [int(each["headers"]["webhook-timestamp"]) for each in (first, second)]
    check(times[0] < times[1], f"{endpoint}: the timestamps {times}")
    for delivery in (first, second):
        check_shape(endpoint, delivery)
        check_verified(endpoint, delivery, endpoint.secrets, endpoint.public_keys)


def check_retried(endpoint: Endpoint, articles: list[str], pause: float, status: int) -> None:
    """Checks that the first delivery came twice, and the others after it."""
    deliveries = endpoint.wait_for(len(articles) + 1, seconds=pause + 10)
    equal(list_entities(endpoint), articles[:1] + articles, f"{endpoint}: articles")
    check_repeated(endpoint, *deliveries[:2])
    waited = deliveries[1]["at"] - deliveries[0]["at"]
    check(pause - 0.1 < waited < pause + SLACK, f"{endpoint}: another try after {waited} s, not {pause}")
    wait_until(lambda: load_webhook(endpoint)["failing_since"] is None, 5)
    logged = load_log(endpoint, articles[0])
    equal((logged["state"], logged["tries"]), ("delivered", 2), f"{endpoint}: the state in the log")
    equal(list_statuses(logged), [status, 204], f"{endpoint}: the statuses in the log")
    equal(load_webhook(endpoint)["failing_since"], None, f"{endpoint}: `failing_since` after a success")


def check_redirected(endpoint: Endpoint, article: str) -> None:
    deliveries = endpoint.wait_for(2)
    check_repeated(endpoint, *deliveries[:2])
    wait_until(lambda: load_log(endpoint, article)["attempts"][1:], 5)
    logged = load_log(endpoint, article)
    equal((logged["state"], list_statuses(logged)), ("pending", [302, 302]), f"{endpoint}: the log")
    check(all(attempt["error"] for attempt in logged["attempts"]), f"{endpoint}: the log has no errors")
    check(load_webhook(endpoint)["failing_since"], f"{endpoint}: `failing_since` is null")
    equal(list_entities(endpoint), [article] * 2, f"{endpoint}: articles")
    equal(endpoint.receiver.load_received(target), [], f"{endpoint}: requests at the redirect's target")


def check_slow(endpoint: Endpoint, article: str) -> None:
    wait_until(lambda: load_log(endpoint, article)["attempts"], ANSWER_TIMEOUT + 5)
    logged = load_log(endpoint, article)
    equal((logged["state"], list_statuses(logged)), ("pending", [None]), f"{endpoint}: the log")
    for attempt in logged["attempts"]:
        seconds = attempt["duration_ms"] / 1000
        check(abs(seconds - ANSWER_TIMEOUT) < 1, f"{endpoint}: the try took {seconds} s")
        check(attempt["error"], f"{endpoint}: the try has no error")


def check_replay(endpoint: Endpoint, articles: list[str]) -> None:
    first = endpoint.load_received()[0]
    count = len(articles)
    # The second of the header differs.
    time.sleep(1)
    request = {"delivery": first["headers"]["webhook-id"]}
    replayed = api.call("POST", f"{endpoint.path}/replay", request, 202)["data"]
    equal(replayed, {"replayed": 1, "has_more": False, "next_cursor": None}, f"{endpoint}: a replay of one")
    check_repeated(endpoint, first, endpoint.wait_for(count + 1)[count])
    wait_until(lambda: not api.list_all(f"{endpoint.path}/deliveries", state="parked"), 5)
    span = {
        "since": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    failed = api.call("POST", f"{endpoint.path}/replay", span | {"state": "failed"}, 202)["data"]
    equal(failed, {"replayed": 0, "has_more": False, "next_cursor": None}, f"{endpoint}: a replay of what has failed")
    replayed = api.call("POST", f"{endpoint.path}/replay", span, 202)["data"]
    equal(replayed, {"replayed": count, "has_more": False, "next_cursor": None}, f"{endpoint}: a replay of a span")
    endpoint.wait_for(2 * count + 1)
    equal(list_entities(endpoint)[count + 1 :], articles, f"{endpoint}: replayed articles")


first = publish()
for endpoint in gone:
    wait_until(lambda: load_webhook(endpoint)["status"] == "disabled", 5)
    check_status(endpoint, "disabled", "gone")
for endpoint in paused:
    endpoint.wait_for(1)
    api.patch(endpoint.path, {"status": "disabled"})
    check_status(endpoint, "disabled", "by_admin")
second = publish()
for endpoint in gone + paused:
    send_test_though_disabled(endpoint)
    api.patch(endpoint.path, {"status": "enabled"})
    check_status(endpoint, "enabled", None)
third = publish()

published = [first, second, third]
for endpoint in recovering:
    check_retried(endpoint, published, FIRST_PAUSE, 500)
for endpoint in busy:
    check_retried(endpoint, published, RETRY_AFTER, 429)
for endpoint in redirecting:
    check_redirected(endpoint, first)
for endpoint in gone:
    endpoint.wait_for(3)
    # The refused delivery has failed for good. Events of the meantime are not told.
    equal(list_entities(endpoint), [first, None, third], f"{endpoint}: articles")
    equal(list_statuses(load_log(endpoint, first)), [410], f"{endpoint}: the statuses in the log")
for endpoint in paused:
    equal(list_entities(endpoint), [first, None, third], f"{endpoint}: articles")
for endpoint in healthy:
    equal(list_entities(endpoint), published, f"{endpoint}: articles")
    equal(load_webhook(endpoint)["failing_since"], None, f"{endpoint}: `failing_since`")
    check_replay(endpoint, published)
for endpoint in slow:
    check_slow(endpoint, first)
    equal(list_entities(endpoint), [first], f"{endpoint}: articles")

api.check_secrets()
delete_endpoints(api, healthy + paused + recovering + busy + redirecting + gone + slow)
report("failures")
