"""The guard of a server without `--webhook-allow`: no webhook leads into the machine or its network."""

import json
import os
import pathlib
import socket
import threading

from api import Api
from check import check, equal, report, unique, wait_until

HERE = pathlib.Path(__file__).parent
# A name that does not exist (RFC 6761).
UNKNOWN_NAME = "hook.invalid"
# Addresses that names of the hosts file lead to, and that an error must not tell.
INNER_ADDRESSES = ("127.", "10.0.0.", "169.254.", "::1")


class Canary:
    """Listens on all addresses of the machine, and keeps the connections that came."""

    def __init__(self) -> None:
        self.connections: list[str] = []
        self.listener = self.open_listener()
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept_all, daemon=True).start()

    def open_listener(self) -> socket.socket:
        if socket.has_dualstack_ipv6():
            try:
                return socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            except OSError:
                pass
        return socket.create_server(("0.0.0.0", 0))

    def accept_all(self) -> None:
        while True:
            connection, peer = self.listener.accept()
            self.connections.append(str(peer))
            connection.close()

    def check_unseen(self, message: str) -> None:
        equal(self.connections, [], message)
        self.connections.clear()


def read_urls(port: int) -> list[str]:
    lines = (HERE / "guarded_urls.txt").read_text().splitlines()
    texts = [line.replace("{port}", str(port)) for line in lines if line and not line.startswith("#")]
    return [json.loads(text) if text.startswith('"') else text for text in texts]


def check_refused(api: Api, method: str, path: str, body: dict) -> None:
    """Checks that an address is refused: with 422, and a fault at `/url`."""
    answer = api.send(method, path, body)
    message = f"{method} {path} with {body['url']!r}: {answer.status_code} {answer.text}"
    if not check(answer.status_code == 422, f"{message}, not 422"):
        if method == "POST" and answer.status_code == 201:
            api.delete(f"/webhooks/{answer.json()['data']['id']}")
        return
    pointers = [fault.get("pointer") for fault in answer.json().get("errors", [])]
    equal(pointers, ["/url"], f"{message}: the pointers")


def list_names() -> list[str]:
    """Names that lead to inner addresses: those that the server's hosts file was given, and those of the machine."""
    names = os.environ.get("TRIAL_NAMES", "").split()
    for line in pathlib.Path("/etc/hosts").read_text().splitlines():
        address, *rest = line.partition("#")[0].split() or [""]
        if address.startswith("127.") or address == "::1":
            names += rest
    return list(dict.fromkeys(names))


def load_error(api: Api, name: str, port: int) -> str | None:
    """Creates a webhook for a name, and tests it. Returns the error of the log, or `None` if the name is refused."""
    answer = api.send("POST", "/webhooks", {"url": f"http://{name}:{port}/{unique('hook')}", "events": ["*"]})
    if answer.status_code == 422:
        return None
    if not check(answer.status_code == 201, f"a webhook for {name}: {answer.status_code} {answer.text}"):
        return None
    webhook = answer.json()["data"]
    api.remember(webhook["secret"])
    path = f"/webhooks/{webhook['id']}"
    api.call("POST", f"{path}/test", status=202)
    wait_until(lambda: api.list_all(f"{path}/deliveries")[0]["attempts"], 12)
    delivery = api.list_all(f"{path}/deliveries")[0]
    attempt = (delivery["attempts"] or [{"status": "none", "error": None}])[0]
    equal(attempt["status"], None, f"{name}: the status of a try")
    check(attempt["error"], f"{name}: a try without an error: {delivery}")
    api.delete(path)
    return (attempt["error"] or "").replace(name, "HOST")


def try_urls(api: Api, canary: Canary) -> None:
    urls = read_urls(canary.port)
    webhook = api.create("/webhooks", {"url": "https://example.org/hook", "events": ["*"]})
    api.remember(webhook["secret"])
    path = f"/webhooks/{webhook['id']}"
    for url in urls:
        check_refused(api, "POST", "/webhooks", {"url": url, "events": ["*"]})
        check_refused(api, "PATCH", path, {"url": url})
    equal([each["id"] for each in api.call("GET", "/webhooks")["data"]], [webhook["id"]], "the webhooks afterwards")
    api.delete(path)
    canary.check_unseen("connections after addresses were refused")


def try_names(api: Api, canary: Canary) -> None:
    unknown = load_error(api, UNKNOWN_NAME, canary.port)
    for name in list_names():
        error = load_error(api, name, canary.port)
        canary.check_unseen(f"connections after a test of {name}")
        if error is None:
            continue
        # The error of an unknown name would mean that no address was judged.
        check(error != unknown, f"{name}: {error}")
        check(not any(address in error for address in INNER_ADDRESSES), f"{name}: the error tells: {error}")


def try_other_networks(api: Api, canary: Canary) -> None:
    """A server that allows 127.0.0.0/8 allows nothing else."""
    urls = [f"http://[::1]:{canary.port}/", f"http://[::ffff:127.0.0.1]:{canary.port}/", "http://10.0.0.1/"]
    urls += ["http://169.254.169.254/", f"http://0.0.0.0:{canary.port}/", "http://127.0.0.1:22/"]
    urls += [f"http://user@127.0.0.1:{canary.port}/", f"ftp://127.0.0.1:{canary.port}/"]
    for url in urls:
        check_refused(api, "POST", "/webhooks", {"url": url, "events": ["*"]})
    canary.check_unseen("connections of the server that allows loopback")


guarded = Api(os.environ["TRIAL_GUARDED_URL"])
canary = Canary()
socket.create_connection(("127.0.0.1", canary.port)).close()
check(wait_until(lambda: canary.connections, 5), "the canary sees connections")
canary.connections.clear()
try_urls(guarded, canary)
try_names(guarded, canary)
try_other_networks(Api(os.environ["INKSTONE_URL"]), canary)
guarded.check_secrets()
report("guard")
