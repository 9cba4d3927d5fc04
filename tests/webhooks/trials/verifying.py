"""Checks of single deliveries: its headers, its body, and what the libraries say to it."""

import base64
import json
import os
import re
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from check import check, equal
from receivers import Endpoint

# RFC 3339 in UTC.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def make_secret() -> str:
    """A secret that no webhook has."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def replace_headers(delivery: dict, **headers: str) -> dict:
    """A copy of a delivery with other headers `webhook-…`."""
    changed = {f"webhook-{name}": value for name, value in headers.items()}
    return delivery | {"headers": delivery["headers"] | changed}


def list_signatures(delivery: dict, version: str) -> list[str]:
    signatures = delivery["headers"]["webhook-signature"].split(" ")
    return [signature for signature in signatures if signature.startswith(f"{version},")]


def list_tampered(delivery: dict) -> Iterable[tuple[str, dict]]:
    """Copies of a delivery, each with one change that a receiver must notice."""
    body, headers = delivery["body"], delivery["headers"]
    yield "a longer body", delivery | {"body": body + " "}
    yield "a changed body", delivery | {"body": body.replace('"type"', '"kind"', 1)}
    seconds = int(headers["webhook-timestamp"])
    yield "a later timestamp", replace_headers(delivery, timestamp=str(seconds + 1))
    yield "an earlier timestamp", replace_headers(delivery, timestamp=str(seconds - 1))
    yield "another id", replace_headers(delivery, id=str(uuid.uuid4()))


def check_verified(endpoint: Endpoint, delivery: dict, secrets: list[str], public_keys: list[str]) -> None:
    """Checks that a delivery is genuine by each of these secrets and public keys."""
    event = f"{endpoint}: {delivery['body']}"
    for secret in secrets:
        equal(endpoint.receiver.verify(delivery, secret=secret), None, f"{event} is refused for v1")
    for public_key in public_keys:
        equal(endpoint.receiver.verify(delivery, public_key=public_key), None, f"{event} is refused for v1a")


def check_refused(endpoint: Endpoint, delivery: dict, why: str, secret: str, public_key: str) -> None:
    event = f"{endpoint}: {delivery['body']} with {why}"
    check(endpoint.receiver.verify(delivery, secret=secret), f"{event} is taken for v1")
    check(endpoint.receiver.verify(delivery, public_key=public_key), f"{event} is taken for v1a")


def check_tampering(endpoint: Endpoint, delivery: dict) -> None:
    """Checks that both libraries refuse a delivery that was changed on its way."""
    secret, public_key = endpoint.secrets[-1], endpoint.public_keys[-1]
    for why, changed in list_tampered(delivery):
        check_refused(endpoint, changed, why, secret, public_key)
    # A signature of one version does not stand for one of the other.
    for kept, key in [("v1a", {"secret": secret}), ("v1", {"public_key": public_key})]:
        changed = replace_headers(delivery, signature=" ".join(list_signatures(delivery, kept)))
        check(endpoint.receiver.verify(changed, **key), f"{endpoint}: a delivery with {kept} alone is taken")


def check_shape(endpoint: Endpoint, delivery: dict) -> None:
    """Checks what all deliveries have in common."""
    headers, where = delivery["headers"], f"{endpoint}: {delivery['body']}"
    equal(delivery["method"], "POST", f"{where}: the method")
    equal(headers.get("content-type"), "application/json", f"{where}: the media type")
    for header in ("authorization", "cookie", "referer"):
        check(header not in headers, f"{where}: there is a header {header}")
    check(headers["webhook-id"] and "." not in headers["webhook-id"], f"{where}: the id {headers['webhook-id']}")
    seconds = headers["webhook-timestamp"]
    is_near = seconds.isdigit() and abs(int(seconds) - delivery["at"]) < 5
    check(is_near, f"{where}: sent at {delivery['at']}, signed for {seconds}")
    body = json.loads(delivery["body"])
    equal(sorted(body), ["data", "timestamp", "type"], f"{where}: the keys")
    check(TIMESTAMP.fullmatch(body["timestamp"]), f"{where}: the timestamp is not RFC 3339 in UTC")
    age = datetime.fromtimestamp(delivery["at"]).astimezone() - datetime.fromisoformat(body["timestamp"])
    check(timedelta(seconds=-1) < age < timedelta(minutes=2), f"{where}: the event is {age} old")


def check_key_sizes(endpoint: Endpoint) -> None:
    """Checks that the secret has 24 to 64 bytes and the public key 32 (Standard Webhooks 1.0.0)."""
    secret, public_key = endpoint.secrets[-1], endpoint.public_keys[-1]
    check(secret.startswith("whsec_"), f"{endpoint}: the secret has no prefix")
    check(public_key.startswith("whpk_"), f"{endpoint}: the public key has no prefix")
    check(24 <= len(base64.b64decode(secret[6:], validate=True)) <= 64, f"{endpoint}: the size of the secret")
    equal(len(base64.b64decode(public_key[5:], validate=True)), 32, f"{endpoint}: the size of the public key")


def wait_for_age(seconds: float, since: float) -> None:
    """Sleeps until `seconds` after a time of `time.time`."""
    time.sleep(max(0, since + seconds - time.time()))
