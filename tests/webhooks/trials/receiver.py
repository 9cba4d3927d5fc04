"""A receiver of webhooks in Python: `standardwebhooks` of PyPI verifies `v1`, `cryptography` verifies `v1a`.

It does the same as `receiver.mjs`, under the same paths.
"""

import base64
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

received: dict[str, list[dict]] = {}
scripts: dict[str, list[dict]] = {}


def verify_secret(delivery: dict) -> None:
    Webhook(delivery["secret"]).verify(delivery["body"].encode(), delivery["headers"])


def verify_public_key(delivery: dict) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(delivery["public_key"].removeprefix("whpk_")))
    headers = delivery["headers"]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{delivery['body']}".encode()
    for signature in headers["webhook-signature"].split(" "):
        if signature.startswith("v1a,"):
            try:
                return key.verify(base64.b64decode(signature[4:]), content)
            except InvalidSignature:
                pass
    raise ValueError("no signature of this key")


def try_verify(delivery: dict) -> dict:
    try:
        (verify_secret if "secret" in delivery else verify_public_key)(delivery)
        return {"verified": True, "error": None}
    except Exception as error:
        return {"verified": False, "error": str(error)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        _, area, *rest = self.path.split("/")
        name = rest[0] if rest else ""
        if area == "hooks":
            return self.answer_delivery(name, body)
        if area == "received":
            return self.send_json(received.get(name, []))
        if area == "script":
            scripts[name] = json.loads(body)
        self.send_json(try_verify(json.loads(body)) if area == "verify" else {})

    do_GET = do_POST = do_PUT = handle_request

    def answer_delivery(self, name: str, body: str) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        delivery = {"method": self.command, "headers": headers, "body": body, "at": time.time()}
        received.setdefault(name, []).append(delivery)
        answer = scripts[name].pop(0) if scripts.get(name) else {}
        time.sleep(answer.get("delay", 0))
        self.send_response(answer.get("status", 204))
        for header, value in answer.get("headers", {}).items():
            self.send_header(header, value)
        if answer.get("status", 204) != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def send_json(self, value: object) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keeps the log for what fails."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
