"""A visit over HTTP/1.1: connections that open in phases, cookies, redirects within the host, bounded pages."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from probes import net
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError

MAX_PAGE = 1 << 20
MAX_VISIT = 4 * MAX_PAGE  # of one connection
MAX_REDIRECTS = 5
_HEADERS = {
    "User-Agent": "mailuptime",
    "Accept-Language": "en",  # the reason for a refused log-in comes in words only
    "Accept-Encoding": "identity",  # nothing to unpack, nothing to blow up
}


_GONE = (aiohttp.ServerDisconnectedError, aiohttp.ClientConnectionResetError, aiohttp.ClientOSError)


@dataclass(slots=True)
class Page:
    url: URL
    status: int
    body: str
    location: str = ""


class Connection(ResponseHandler):
    """aiohttp's, which remembers how it ended, and bears no more than a visit can bring.

    aiohttp bounds headers and `Visit` bounds pages, but nobody what may come before: empty lines, or 1xx replies.
    """

    ended: BaseException | None = None
    heard = 0  # bytes

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
        if self.heard > MAX_VISIT:
            self.set_exception(ProbeFailureError(Cause.PROTOCOL, f"more than {MAX_VISIT} bytes in one visit"))
            if self.transport is not None:
                self.transport.abort()
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ended = exc
        super().connection_lost(exc)


class Connector(aiohttp.BaseConnector):
    """Gives aiohttp the connection that was opened in phases of the check, then others as it needs them."""

    def __init__(
        self, steps: Steps, context: ssl.SSLContext, server_name: str | None, family: net.Family = "any"
    ) -> None:
        super().__init__()
        self._address_family = family
        self._steps = steps
        self._context = context
        self._server_name = server_name
        self._ready: Connection | None = None
        self._fresh: Connection | None = None  # the new connection of the request under way
        self._transports: list[asyncio.Transport] = []

    def begin(self) -> None:
        """Another request. aiohttp asks once more where a connection ends: right for one that was kept and has grown
        old, but a server that ends a new one has failed.
        """
        self._fresh = None

    @property
    def opened(self) -> bool:
        """Whether the request under way has a connection of its own, and not one that was kept."""
        return self._fresh is not None

    async def open(self, url: URL, steps: Steps) -> Connection:
        endpoint = endpoint_of(url, self._server_name, self._address_family)
        context = self._context if url.scheme == "https" else None
        loop = asyncio.get_running_loop()
        transport, handler = await net.open_connection(steps, lambda: Connection(loop), endpoint, context)
        self._transports.append(transport)
        return handler

    async def prepare(self, url: URL) -> None:
        self._ready = await self.open(url, self._steps)

    def abort(self) -> None:
        for transport in self._transports:
            transport.abort()

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],  # noqa: ARG002 - the signature is aiohttp's
        timeout: aiohttp.ClientTimeout,  # noqa: ARG002, ASYNC109
    ) -> Connection:
        # Compared with None throughout: a handler to which nothing has come yet is false.
        if self._fresh is not None:
            raise aiohttp.ServerDisconnectedError from self._fresh.ended
        ready, self._ready = self._ready, None
        self._fresh = ready if ready is not None else await self.open(req.url, self._steps.aside())
        return self._fresh


class Visit:
    """One user's visit: cookies, redirects within the host, bounded pages."""

    def __init__(self, session: aiohttp.ClientSession, connector: Connector, home: URL, steps: Steps) -> None:
        self._session = session
        self._connector = connector
        self.home = home
        self._steps = steps

    def has_cookie(self, name: str) -> bool:
        return any(cookie.key == name and cookie.value for cookie in self._session.cookie_jar)

    async def get(self, url: URL, headers: dict[str, str] | None = None) -> Page:
        page = await self._request("GET", url, headers=headers)
        for _ in range(MAX_REDIRECTS):
            if not page.location:
                return page
            page = await self._request("GET", self.within(page.url, page.location), headers=headers)
        raise ProbeFailureError(Cause.PROTOCOL, f"more than {MAX_REDIRECTS} redirects")

    async def post(self, url: URL, content: dict[str, str], *, as_json: bool = False) -> Page:
        return await self._request("POST", url, **({"json": content} if as_json else {"data": content}))

    def within(self, base: URL, reference: str) -> URL:
        """A link, which must stay on the host and must not leave TLS."""
        try:
            url = base.join(URL(reference)).with_fragment(None)
        except ValueError:
            raise ProbeFailureError(Cause.PROTOCOL, f"not an address: {reference}") from None
        if url.host != self.home.host:
            raise ProbeFailureError(Cause.CONTENT, f"a link to another host: {url.host}")
        if url.scheme != "https" and (url.scheme, base.scheme) != ("http", "http"):
            raise ProbeFailureError(Cause.CONTENT, f"a link that leaves TLS: {url.scheme}")
        return url

    async def _request(self, method: str, url: URL, **more: Any) -> Page:
        # Never the query: tokens stand there
        self._steps.said("C", f"{method} {url.path}")
        self._connector.begin()
        try:
            return await self._exchange(method, url, **more)
        except _GONE:
            if self._connector.opened:
                raise
        # A kept connection that the server has ended: browsers, too, ask once more, a log-in as well (aiohttp does not)
        self._connector.begin()
        return await self._exchange(method, url, **more)

    async def _exchange(self, method: str, url: URL, **more: Any) -> Page:
        async with self._session.request(method, url, allow_redirects=False, **more) as response:
            self._steps.said("S", f"HTTP {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_PAGE:
                    raise ProbeFailureError(Cause.PROTOCOL, f"a page of more than {MAX_PAGE} bytes")
            location = response.headers.get("Location", "") if 300 <= response.status <= 399 else ""
            return Page(url, response.status, body.decode(errors="replace"), location)


@asynccontextmanager
async def visiting(
    steps: Steps, url: URL, context: ssl.SSLContext, server_name: str | None, family: net.Family = "any"
) -> AsyncIterator[Visit]:
    """Connect in the phases dns, connect and tls; afterwards nothing of the visit is left."""
    connector = Connector(steps, context, server_name, family)
    try:
        await connector.prepare(url)
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # unsafe: also from a host without a name
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the runner's deadline rules
            headers=_HEADERS,
            auto_decompress=False,
        ) as session:
            try:
                yield Visit(session, connector, url, steps)
            finally:
                connector.abort()
    finally:
        connector.abort()
        await connector.close()


def endpoint_of(url: URL, server_name: str | None, family: net.Family = "any") -> net.Endpoint:
    host = url.host or ""
    return net.Endpoint(host, url.port or 443, server_name or host.rstrip("."), family)
