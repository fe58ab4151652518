"""Who may ask the server what: exact Host, own Origin, a token for every answer, small bodies, a few requests at once.

Loopback is no protection: any page in the same browser can send requests to it, and by DNS rebinding read the answers.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 64_000
"""Bytes of a request's body at the most."""
MOST_AT_ONCE = 4
"""Requests that are answered at once; the page waits and asks again."""
TOKEN_HEADER = "x-borderlink-token"
API = "/api/"


@dataclass(frozen=True)
class Door:
    """Where the server listens and what lets one in.

    Attributes
    ----------
    hosts
        Values of the Host header that are this server, with the port.
    port, token
        The cookie is named after the port, for cookies ignore ports.
    frame
        Origin of a notebook that may frame the page; empty for none.
    """

    hosts: tuple[str, ...]
    port: int
    token: str
    frame: str = ""

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token."""
        return f"borderlink-{self.port}"

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of the page itself."""
        return tuple(f"http://{host}" for host in self.hosts)

    def fits(self, token: str) -> bool:
        """Return whether a token is the one of this run, in constant time."""
        return secrets.compare_digest(token.encode(), self.token.encode())

    def headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        frames = self.frame or "'none'"
        policy = (
            "default-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
            f"object-src 'none'; frame-ancestors {frames}"
        )
        same = "cross-origin" if self.frame else "same-origin"
        return {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
            "cross-origin-resource-policy": same,
        } | ({} if self.frame else {"x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin"})


def new_token() -> str:
    """Return a token for one run."""
    return secrets.token_urlsafe(32)


class Guard:
    """Refuses what may not be asked before the application sees it, and puts its headers on every answer."""

    def __init__(self, app: App, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            # No websocket is served: uvicorn refuses the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        found = _headers(scope)
        refusal = self.refuse(scope, found)
        body = b""
        if refusal is None and scope["method"] == "POST":
            body, fits = await _read(receive)
            if not fits:
                refusal = 413, f"the body has more than {LARGEST_BODY:,} bytes, which is the most that is allowed"
        guarded = self._with_headers(send)
        if refusal is not None:
            await _answer(guarded, *refusal)
            return
        await self.app(scope, _replay(body, receive), guarded)

    def refuse(self, scope: Scope, headers: dict[str, list[str]]) -> tuple[int, str] | None:
        """Return why a request is refused, status and words, or None."""
        door, method, path = self.door, scope["method"], scope["path"]
        if headers.get("host", []) not in [[h] for h in door.hosts]:
            return 400, "this server is not called so: allowed is the address that it printed"
        if method not in ("GET", "HEAD", "POST"):
            return 405, "allowed are GET and POST"
        if method == "POST":
            if headers.get("origin", []) not in [[o] for o in door.origins]:
                return 403, "a request from another page: allowed is the page of this server"
            kinds = [kind.partition(";")[0].strip().lower() for kind in headers.get("content-type", [])]
            if kinds != ["application/json"]:
                return 415, "allowed is a body of application/json"
            if not _small(headers.get("content-length", [])):
                return 413, f"the body has more than {LARGEST_BODY:,} bytes, which is the most that is allowed"
        elif headers.get("sec-fetch-site", ["same-origin"])[0] not in ("same-origin", "none") and path.startswith(API):
            return 403, "a request from another page: allowed is the page of this server"
        if path.startswith(API) and not self._let_in(headers):
            return 401, "no token, or that of another run: open the address that `borderlink serve` printed"
        return None

    def _let_in(self, headers: dict[str, list[str]]) -> bool:
        """Return whether the cookie or the header holds the token."""
        given = headers.get(TOKEN_HEADER, [])
        if given:
            return len(given) == 1 and self.door.fits(given[0])
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load("; ".join(headers.get("cookie", [])))
        except CookieError:
            return False
        own_cookie = cookies.get(self.door.cookie)
        return own_cookie is not None and self.door.fits(own_cookie.value)

    def _with_headers(self, send: Send) -> Send:
        """Return what sends an answer with our headers."""
        own_cookie = [(k.encode(), v.encode()) for k, v in self.door.headers().items()]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {k for k, _ in own_cookie}
                message["headers"] = [*(h for h in message.get("headers", []) if h[0].lower() not in own), *own_cookie]
            await send(message)

        return sending


def _headers(scope: Scope) -> dict[str, list[str]]:
    """Return all values of each header by its small name."""
    out: dict[str, list[str]] = {}
    for key, value in scope["headers"]:
        out.setdefault(key.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return out


def _small(lengths: list[str]) -> bool:
    """Return whether a stated length is one, and allowed; what has none is counted as it comes."""
    return not lengths or (len(lengths) == 1 and lengths[0].isdigit() and int(lengths[0]) <= LARGEST_BODY)


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """Return a body, and whether it is no larger than allowed."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"", True
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            return b"", False
        if not message.get("more_body", False):
            return b"".join(parts), True


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, and then what the connection says."""
    given = False

    async def giving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return giving


async def _answer(send: Send, status: int, words: str) -> None:
    """Send a refusal."""
    body = json.dumps({"error": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    # What is left of a refused body must not be read as the next request.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
