"""Who asks, and whether he may: basic authentication, client certificates, and what must not come from other sites."""

import base64
import binascii
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from monitor.clock import Clock
from monitor.web.access import Access, Terms
from monitor.web.guard import Handler
from monitor.web.tls import holder_of
from monitor.web.users import BusyError, Users

log = structlog.get_logger("web")

WHO = web.RequestKey("who", str)
"""Who has proved who he is; a request of nobody has none."""
CHALLENGE = {"WWW-Authenticate": 'Basic realm="mailuptime", charset="UTF-8"'}
READING = frozenset({"GET", "HEAD"})
HOW = (
    "changing something needs authentication: name a file with basic_auth_users or client certificates as "
    "web.config_file (docs/SECURITY.md), use mailuptime reload, or send SIGHUP"
)
QUIET = 60.0
"""Seconds between two lines of the log about refused passwords."""


class TurnedAwayError(Exception):
    """A request that is not answered, and in one line why."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self._status = status
        self._headers = headers

    def response(self) -> web.Response:
        return web.Response(status=self._status, text=f"{self}\n", headers=self._headers)


class Gate:
    """A middleware that nobody gets past who may not, and the TLS before it."""

    def __init__(self, clock: Clock, terms: Terms) -> None:
        self._clock = clock
        self._access = Access(terms, clock.monotonic)
        self._users = Users()
        self._bucket = Bucket(clock.monotonic)
        self._refused = 0
        self._said = -QUIET

    def change(self, terms: Terms) -> None:
        self._access.change(terms)

    def context(self) -> ssl.SSLContext | None:
        """The TLS of a connection that comes now."""
        return self._access.current().context

    @property
    def asks(self) -> bool:
        """Whether it asks who one is."""
        terms = self._access.current()
        return bool(terms.users) or (terms.context is not None and terms.context.verify_mode is ssl.CERT_REQUIRED)

    def close(self) -> None:
        self._users.close()

    def middleware(self) -> Middleware:
        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            terms = self._access.current()
            try:
                who = await self._admitted(request, terms)
            except TurnedAwayError as error:
                response: web.StreamResponse = error.response()
            else:
                if who is not None:
                    request[WHO] = who
                response = await handler(request)
            response.headers.update(terms.headers)
            return response

        return gate

    async def _admitted(self, request: web.Request, terms: Terms) -> str | None:
        """Who asks, None for nobody. Raises TurnedAwayError for who may not."""
        if terms.file is not None and not self._bucket.takes(terms.file.interval, terms.file.burst):
            raise TurnedAwayError(429, "too many requests; rate_limit of the web configuration")
        who = await self._proved(request, terms)
        if request.method not in READING and request.match_info.http_exception is None:
            if _from_elsewhere(request):
                raise TurnedAwayError(403, "a request from another site changes nothing")
            if who is None:
                raise TurnedAwayError(403, HOW)
        return who

    async def _proved(self, request: web.Request, terms: Terms) -> str | None:
        certificate = _certificate(request)
        if not terms.admits(certificate):
            raise TurnedAwayError(403, "the certificate bears none of the names in client_allowed_sans")
        if terms.users:
            try:
                name = await self._named(request, terms)
            except BusyError:
                text = "too many passwords wait to be looked at; try again"
                raise TurnedAwayError(503, text, {"Retry-After": "1"}) from None
            if name is None:
                raise TurnedAwayError(401, "user and password are asked for", CHALLENGE)
            return f"user {name}"
        holder = holder_of(certificate)
        return None if holder is None else f"certificate {holder}"

    async def _named(self, request: web.Request, terms: Terms) -> str | None:
        """The user whose password was given; None where there is none, or it is wrong."""
        given = _given(request.headers.get("Authorization", ""))
        if given is None:
            return None
        if await self._users.right(terms.users, *given):
            return given[0]
        self._complain(request, given[0] if given[0] in terms.users else None)
        return None

    def _complain(self, request: web.Request, known: str | None) -> None:
        """Once in a while; a name that is no user's is not said, as it may be a password."""
        self._refused += 1
        now = self._clock.monotonic()
        if now - self._said >= QUIET:
            log.warning("authentication.refused", user=known, peer=peer_of(request), refused=self._refused)
            self._said, self._refused = now, 0


class Bucket:
    """Tokens: one a request, one more each `interval` seconds, `burst` at most."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._full: float | None = None  # when the bucket is full again

    def takes(self, interval: float, burst: int) -> bool:
        if not interval:
            return True
        now = self._monotonic()
        full = max(now, self._full if self._full is not None else now)
        if full + interval > now + interval * burst:
            return False
        self._full = full + interval
        return True


def peer_of(request: web.Request) -> str:
    return request.remote or "unknown"


def _certificate(request: web.Request) -> dict[str, Any]:
    transport = request.transport
    return {} if transport is None else transport.get_extra_info("peercert") or {}


def _given(header: str) -> tuple[str, str] | None:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if colon else None


def _from_elsewhere(request: web.Request) -> bool:
    """Whether a page of another site had the browser send this, with the password that it remembers."""
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return True
    origin = request.headers.get("Origin")
    try:
        return origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()
    except ValueError:  # such as half of an IPv6 address
        return True
