"""The session of a member."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import NotRequired, TypedDict

import httpx

from . import schemas
from .problem import Problem, raise_problem

# How long before its end a token is renewed, in seconds.
MARGIN = 30


class Tokens(TypedDict):
    """The tokens of a member who is signed in."""

    access_token: str
    refresh_token: str
    expires_at: float
    """When the access token ends, in seconds since 1970."""
    member_id: NotRequired[str]
    """Whose tokens they are."""


class Session(httpx.Auth):
    """Signs requests with a member's token, and renews it.

    However many threads need a new token, one request asks for it: a refresh token is good for one use. Before it asks,
    it reads the tokens that another process may have stored.
    """

    requires_request_body = True

    def __init__(
        self,
        http: httpx.Client,
        tokens: Tokens | None,
        on_tokens: Callable[[Tokens | None], object],
        load_tokens: Callable[[], Tokens | None] | None,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._on_tokens = on_tokens
        self._load_tokens = load_tokens
        self._renewing = threading.Lock()
        # Changes with the member: what was sent for one is never sent again for another.
        self._owner = object()

    @property
    def is_open(self) -> bool:
        return self._tokens is not None

    def login(self, email: str, password: str) -> schemas.SignedInMember:
        session = self._open("login", {"email": email, "password": password})
        self._owner = object()
        self._keep(_to_tokens(session))
        return session["member"]

    def logout(self) -> None:
        tokens = self._tokens
        if tokens is None:
            return
        self._owner = object()
        self._keep(None)
        response = self._log_out(tokens["access_token"])
        if response.status_code == 401:
            # An expired token cannot end the session; a new one can.
            try:
                session = self._open("refresh", {"refresh_token": tokens["refresh_token"]})
            except Problem as problem:
                if problem.status != 401:
                    raise
                return
            response = self._log_out(session["access_token"])
        raise_problem(response)

    def _log_out(self, token: str) -> httpx.Response:
        return self._http.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        owner, tokens = self._owner, self._tokens
        if tokens is not None and tokens["expires_at"] - MARGIN < time.time():
            tokens = self._renew_early(owner, tokens)
        if tokens is None:
            yield request
            return
        request.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        response = yield request
        if response.status_code != 401 or self._owner is not owner:
            return
        new = self._renew(tokens)
        if new is not None and self._owner is owner:
            request.headers["Authorization"] = f"Bearer {new['access_token']}"
            yield request

    def _renew_early(self, owner: object, tokens: Tokens) -> Tokens | None:
        """The tokens for a request of `owner`. Tokens that are still valid will do, if they cannot be renewed now."""
        try:
            new = self._renew(tokens)
        except (Problem, httpx.TransportError):
            if tokens["expires_at"] <= time.time():
                raise
            return tokens
        # Another member may have signed in meanwhile; the request is not theirs.
        return tokens if new is not None and self._owner is not owner else new

    def _renew(self, old: Tokens) -> Tokens | None:
        """New tokens for `old` ones; None if the session has ended. Raises if the server cannot be reached."""
        with self._renewing:
            # Another thread may have renewed them, or signed out, while this one waited.
            if self._tokens is not old:
                return self._tokens
            if self._adopt(old):
                stored = self._tokens
                if stored is None or stored["expires_at"] - MARGIN > time.time():
                    return stored
                old = stored
            new: Tokens | None = None
            try:
                new = _to_tokens(self._open("refresh", {"refresh_token": old["refresh_token"]}))
            except Problem as problem:
                if problem.status != 401:
                    raise
                # Another process was faster, if there are other tokens now.
                if self._adopt(old):
                    return self._tokens
            if self._tokens is old:
                self._keep(new)
            return self._tokens

    def _adopt(self, old: Tokens) -> bool:
        """Takes the tokens of the store, if another process has put others there. Returns whether it has."""
        if self._load_tokens is None or self._tokens is not old:
            return False
        stored = self._load_tokens()
        if stored is not None and stored["refresh_token"] == old["refresh_token"]:
            return False
        # Tokens that do not say whose they are may be anybody's.
        owner = None if stored is None else stored.get("member_id")
        if owner is None or owner != old.get("member_id"):
            self._owner = object()
        if stored is None:
            self._keep(None)
        else:
            self._tokens = stored
        return True

    def _open(self, operation: str, body: dict[str, str]) -> schemas.Session:
        response = self._http.post(f"/api/v1/auth/{operation}", json=body)
        raise_problem(response)
        session: schemas.Session = response.json()["data"]
        return session

    def _keep(self, tokens: Tokens | None) -> None:
        self._tokens = tokens
        self._on_tokens(tokens)


def _to_tokens(session: schemas.Session) -> Tokens:
    return {
        "access_token": session["access_token"],
        "refresh_token": session["refresh_token"],
        "expires_at": time.time() + session["expires_in"],
        "member_id": session["member"]["id"],
    }
