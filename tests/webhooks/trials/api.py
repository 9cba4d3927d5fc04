"""The API of the server as an admin uses it."""

import os

import httpx
from check import check

PREFIX = "/api/v1"


class Api:
    """Requests of the admin. No answer may contain a secret, except the one that discloses it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20)
        self.secrets: set[str] = set()
        self.answers = 0
        login = {"email": os.environ["INKSTONE_ADMIN_EMAIL"], "password": os.environ["INKSTONE_ADMIN_PASSWORD"]}
        token = self.call("POST", "/auth/login", login, 200)["data"]["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, body: object = None, **more: object) -> httpx.Response:
        """Sends a request. `body` is JSON unless it is text."""
        content = {"content": body} if isinstance(body, str) else {} if body is None else {"json": body}
        answer = self.http.request(method, PREFIX + path, **content, **more)
        self.answers += 1
        text = answer.text + str(answer.headers)
        leaked = [secret for secret in self.secrets if secret.removeprefix("whsec_") in text]
        if leaked:
            check(False, f"{method} {path} tells a secret: {answer.text}")
        return answer

    def call(self, method: str, path: str, body: object = None, status: int = 200, **more: object) -> dict:
        """Sends a request that must be answered with `status`. Returns the body of the answer."""
        answer = self.send(method, path, body, **more)
        if answer.status_code != status:
            check(False, f"{method} {path}: {answer.status_code} {answer.text}, not {status}")
            raise SystemExit(f"the trial ends: {method} {path} with {body!r} failed")
        return answer.json() if answer.content else {}

    def create(self, path: str, body: dict) -> dict:
        return self.call("POST", path, body, 201)["data"]

    def patch(self, path: str, body: dict) -> dict:
        return self.call("PATCH", path, body)["data"]

    def delete(self, path: str) -> None:
        self.call("DELETE", path, status=204)

    def list_all(self, path: str, page_size: int = 100, **query: object) -> list[dict]:
        """Reads all pages of a list."""
        rows: list[dict] = []
        cursor = None
        while True:
            params = query | {"page_size": page_size} | ({"cursor": cursor} if cursor else {})
            page = self.call("GET", path, params=params)
            rows += page["data"]
            cursor = page["page"].get("next_cursor")
            if not page["page"]["has_next"]:
                return rows

    def remember(self, secret: str) -> None:
        """From now on no answer may contain this secret."""
        self.secrets.add(secret)

    def check_secrets(self) -> None:
        """Counts the search of all answers for secrets as one check. Each secret that was found is its own fault."""
        check(True, f"{self.answers} answers without a secret")
