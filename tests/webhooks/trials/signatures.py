"""Signatures: with the secret of creation, and with both secrets after a rotation. No answer tells a secret again."""

import json
import os

from api import Api
from check import check, equal, report
from receivers import Endpoint, create_endpoints, delete_endpoints
from verifying import (
    check_key_sizes,
    check_refused,
    check_shape,
    check_tampering,
    check_verified,
    list_signatures,
    make_secret,
)

api = Api(os.environ["INKSTONE_URL"])
endpoints = create_endpoints(api, "signed", events=["*"], description="Signatures")
others = create_endpoints(api, "other", events=["import.finished"])


def send_test(endpoint: Endpoint) -> dict:
    """Asks for a test event. Returns its delivery, as it came."""
    count = len(endpoint.load_received())
    logged = api.call("POST", f"{endpoint.path}/test", status=202)["data"]
    delivery = endpoint.wait_for(count + 1)[-1]
    equal(delivery["headers"]["webhook-id"], logged["id"], f"{endpoint}: the id of a test")
    equal(json.loads(delivery["body"])["type"], "webhook.test", f"{endpoint}: the type of a test")
    check_shape(endpoint, delivery)
    return delivery


def rotate_secret(endpoint: Endpoint) -> None:
    rotated = api.call("POST", f"{endpoint.path}/rotate")["data"]
    endpoint.add_secret(api, rotated)
    equal(len(set(endpoint.secrets)), len(endpoint.secrets), f"{endpoint}: secrets that differ")
    equal(len(set(endpoint.public_keys)), len(endpoint.public_keys), f"{endpoint}: public keys that differ")
    check_key_sizes(endpoint)


def check_signed_by(endpoint: Endpoint, delivery: dict, numbers: list[int]) -> None:
    """Checks that a delivery is signed with the secrets of these numbers, and with no other."""
    for number, (secret, public_key) in enumerate(zip(endpoint.secrets, endpoint.public_keys)):
        if number in numbers:
            check_verified(endpoint, delivery, [secret], [public_key])
        else:
            check_refused(endpoint, delivery, f"secret {number}", secret, public_key)
    for version in ("v1", "v1a"):
        equal(len(list_signatures(delivery, version)), len(numbers), f"{endpoint}: signatures {version}")


def read_all_answers(endpoint: Endpoint) -> None:
    """Asks for all that the server tells of a webhook."""
    shown = api.call("GET", endpoint.path)["data"]
    check("secret" not in shown, f"{endpoint}: GET has a key `secret`")
    equal(shown["public_key"], endpoint.public_keys[-1], f"{endpoint}: the public key of GET")
    listed = [webhook for webhook in api.call("GET", "/webhooks")["data"] if webhook["id"] == shown["id"]]
    equal(listed, [shown], f"{endpoint}: the webhook in the list")
    changed = api.patch(endpoint.path, {"description": "Changed"})
    check("secret" not in changed, f"{endpoint}: PATCH has a key `secret`")
    check(api.list_all(f"{endpoint.path}/deliveries"), f"{endpoint}: the log is empty")
    api.list_all("/audit")


for endpoint in endpoints:
    check_key_sizes(endpoint)
    first = send_test(endpoint)
    check_signed_by(endpoint, first, [0])
    check_tampering(endpoint, first)
    for other in others:
        check_refused(endpoint, first, "keys of others", other.secrets[0], other.public_keys[0])
    check(endpoint.receiver.verify(first, secret=make_secret()), f"{endpoint}: a random secret verifies")

    rotate_secret(endpoint)
    for _ in range(2):
        second = send_test(endpoint)
        check_signed_by(endpoint, second, [0, 1])
        check_tampering(endpoint, second)
    check_refused(endpoint, first, "the later secret", endpoint.secrets[1], endpoint.public_keys[1])

    # Each former secret signs until a day after it was replaced.
    rotate_secret(endpoint)
    check_signed_by(endpoint, send_test(endpoint), [0, 1, 2])
    read_all_answers(endpoint)

secrets = [secret for endpoint in endpoints + others for secret in endpoint.secrets]
equal(len(set(secrets)), len(secrets), "secrets of all webhooks that differ")
api.check_secrets()
delete_endpoints(api, endpoints + others)
report("signatures")
