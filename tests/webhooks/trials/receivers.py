"""The two receivers, and endpoints: webhooks of the server that point to them."""

import json
import os
from dataclasses import dataclass, field

import httpx
from api import Api
from check import check, unique, wait_until


class Receiver:
    """A running receiver."""

    def __init__(self, language: str, url: str) -> None:
        self.language = language
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=10)

    def write_script(self, hook: str, answers: list[dict]) -> None:
        """Sets the next answers of a hook. Afterwards it answers with 204."""
        self.http.put(f"/script/{hook}", json=answers).raise_for_status()

    def load_received(self, hook: str) -> list[dict]:
        return self.http.get(f"/received/{hook}").raise_for_status().json()

    def verify(self, delivery: dict, **key: str) -> str | None:
        """Verifies a delivery with a `secret` or a `public_key`. Returns why it is refused, or `None`."""
        request = {"body": delivery["body"], "headers": delivery["headers"], **key}
        return self.http.post("/verify", json=request).raise_for_status().json()["error"]


RECEIVERS = [
    Receiver("node", os.environ["TRIAL_NODE_URL"]),
    Receiver("python", os.environ["TRIAL_PYTHON_URL"]),
]


@dataclass
class Endpoint:
    """A webhook, and the hook of a receiver that it points to."""

    receiver: Receiver
    hook: str
    path: str
    webhook: dict
    secrets: list[str] = field(default_factory=list)
    public_keys: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.hook} ({self.receiver.language})"

    def load_received(self) -> list[dict]:
        return self.receiver.load_received(self.hook)

    def load_bodies(self) -> list[dict]:
        return [json.loads(delivery["body"]) for delivery in self.load_received()]

    def wait_for(self, count: int, seconds: float = 10) -> list[dict]:
        """Waits until so many deliveries have come. Returns those that have."""
        wait_until(lambda: len(self.load_received()) >= count, seconds)
        deliveries = self.load_received()
        check(len(deliveries) >= count, f"{self}: {len(deliveries)} deliveries in {seconds} s, not {count}")
        return deliveries

    def add_secret(self, api: Api, webhook: dict) -> None:
        """Keeps the secret and the public key that an answer discloses."""
        self.webhook = {name: value for name, value in webhook.items() if name != "secret"}
        self.secrets.append(webhook["secret"])
        self.public_keys.append(webhook["public_key"])
        api.remember(webhook["secret"])


def create_endpoints(api: Api, word: str, answers: list[dict] | None = None, **settings: object) -> list[Endpoint]:
    """Creates a webhook for each receiver."""
    endpoints = []
    for receiver in RECEIVERS:
        hook = unique(word)
        receiver.write_script(hook, answers or [])
        webhook = api.create("/webhooks", {"url": f"{receiver.url}/hooks/{hook}", **settings})
        endpoint = Endpoint(receiver, hook, f"/webhooks/{webhook['id']}", {})
        endpoint.add_secret(api, webhook)
        endpoints.append(endpoint)
    return endpoints


def delete_endpoints(api: Api, endpoints: list[Endpoint]) -> None:
    for endpoint in endpoints:
        api.delete(endpoint.path)
        api.call("GET", endpoint.path, status=404)
