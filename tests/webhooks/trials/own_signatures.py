"""Tries the receivers with deliveries that this script signs itself, so that the other trials can rely on them."""

import base64
import hashlib
import hmac
import json
import time
import uuid

import httpx
from check import check, equal, report, unique
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from receivers import RECEIVERS, Endpoint, Receiver
from verifying import check_refused, check_shape, check_tampering, check_verified, list_signatures, make_secret

Keys = list[tuple[str, Ed25519PrivateKey]]


def make_keys(count: int) -> Keys:
    return [(make_secret(), Ed25519PrivateKey.generate()) for _ in range(count)]


def write_public_key(key: Ed25519PrivateKey) -> str:
    return "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(keys: Keys, content: bytes) -> str:
    signatures = []
    for secret, key in keys:
        mac = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, hashlib.sha256)
        signatures.append("v1," + base64.b64encode(mac).decode())
        signatures.append("v1a," + base64.b64encode(key.sign(content)).decode())
    return " ".join(signatures)


def send(receiver: Receiver, hook: str, keys: Keys, age: int = 0) -> int:
    """Sends a delivery with Chinese text that was signed `age` seconds ago. Returns the status of the answer."""
    body = json.dumps({"type": "own", "timestamp": f"{time.strftime('%FT%TZ', time.gmtime())}", "data": "质量"})
    name, seconds = str(uuid.uuid4()), int(time.time()) - age
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign(keys, f"{name}.{seconds}.{body}".encode()),
        "content-type": "application/json",
    }
    return httpx.post(f"{receiver.url}/hooks/{hook}", content=body.encode(), headers=headers).status_code


def try_receiver(receiver: Receiver) -> None:
    keys = make_keys(2)
    secrets, public_keys = [secret for secret, _ in keys], [write_public_key(key) for _, key in keys]
    endpoint = Endpoint(receiver, unique("own"), "", {}, secrets, public_keys)
    receiver.write_script(endpoint.hook, [{"status": 500}, {"status": 302, "headers": {"location": "/hooks/x"}}])
    equal([send(receiver, endpoint.hook, keys) for _ in range(3)], [500, 302, 204], f"{endpoint}: the answers")
    send(receiver, endpoint.hook, keys, age=600)
    deliveries = endpoint.wait_for(4)
    for delivery in deliveries[:3]:
        equal(len(list_signatures(delivery, "v1")), 2, f"{endpoint}: signatures v1")
        equal(len(list_signatures(delivery, "v1a")), 2, f"{endpoint}: signatures v1a")
        check_shape(endpoint, delivery)
        check_verified(endpoint, delivery, secrets, public_keys)
        check_tampering(endpoint, delivery)
        (other_secret, other_key) = make_keys(1)[0]
        check_refused(endpoint, delivery, "keys of others", other_secret, write_public_key(other_key))
    check(receiver.verify(deliveries[3], secret=secrets[0]), f"{endpoint}: a delivery of ten minutes ago is taken")


for each in RECEIVERS:
    try_receiver(each)
report("own signatures")
