"""Webmail as a browser uses it: Roundcube's page, log-in, inbox, message list and log-out over HTTP/1.1."""

import asyncio
import html
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, ClassVar, Self

import aiohttp
from aiohttp.client_proto import ResponseHandler
from pydantic import Field, field_validator, model_validator
from yarl import URL

from probes import net, tls
from probes.base import Login, Options, Steps
from probes.errors import Cause, ProbeFailureError
from probes.session import discreet, farewell, look, resolvable
from probes.tls import TlsOptions

MAX_PAGE = 1 << 20
MAX_REDIRECTS = 5
_HEADERS = {
    "User-Agent": "mailuptime",
    "Accept-Language": "en",  # the reason for a refused log-in comes in words only
    "Accept-Encoding": "identity",  # nothing to unpack, nothing to blow up
}
# How Roundcube says in English and in Thai that its IMAP server or database, not the credential, is at fault
_STORAGE = ("storage server", "imap server", "database", "ฐานข้อมูล")


class WebmailOptions(Options):
    """Roundcube: the page, a log-in, the inbox."""

    url: str = Field(description="Address of the log-in page.", examples=["https://mail.example.go.th/"])
    tls: TlsOptions = Field(
        default=TlsOptions(mode="implicit"),
        description="implicit for https://, none for http://, or a mapping.",
        examples=["implicit"],
    )
    login: Login | None = Field(
        default=None, description="Whom to log in as; without it a check ends at the log-in page."
    )

    @field_validator("url")
    @classmethod
    def _web_address(cls, text: str) -> str:
        url = URL(text)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError("not an http:// or https:// address")
        if url.user or url.password:
            raise ValueError("a credential never stands in a url: use login")
        resolvable(url.host)
        return text

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        expected = "implicit" if URL(self.url).scheme == "https" else "none"
        if self.tls.mode != expected:
            raise ValueError(f"this url needs tls: {expected}")
        return self


@dataclass(slots=True)
class _Page:
    url: URL
    status: int
    body: str
    location: str = ""


@dataclass(slots=True)
class _Form:
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects the forms of a page with the values that a browser would send back."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(_Form(given.get("action", "")))
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")


class _Connector(aiohttp.BaseConnector):
    """Gives aiohttp the connection that was opened in phases of the check, then others as it needs them."""

    def __init__(self, steps: Steps, context: ssl.SSLContext, server_name: str | None) -> None:
        super().__init__()
        self._steps = steps
        self._context = context
        self._server_name = server_name
        self._ready: ResponseHandler | None = None
        self.transports: list[asyncio.Transport] = []

    async def open(self, url: URL, steps: Steps) -> ResponseHandler:
        endpoint = endpoint_of(url, self._server_name)
        context = self._context if url.scheme == "https" else None
        transport, handler = await net.open_connection(steps, self._factory, endpoint, context)
        self.transports.append(transport)
        return handler

    async def prepare(self, url: URL) -> None:
        self._ready = await self.open(url, self._steps)

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],  # noqa: ARG002 - the signature is aiohttp's
        timeout: aiohttp.ClientTimeout,  # noqa: ARG002, ASYNC109
    ) -> ResponseHandler:
        ready, self._ready = self._ready, None
        return ready or await self.open(req.url, self._steps.aside())


class _Browser:
    """One user's visit: cookies, redirects within the host, bounded pages."""

    def __init__(self, session: aiohttp.ClientSession, home: URL) -> None:
        self._session = session
        self._home = home

    async def get(self, url: URL, headers: dict[str, str] | None = None) -> _Page:
        page = await self._request("GET", url, headers=headers)
        for _ in range(MAX_REDIRECTS):
            if not page.location:
                return page
            page = await self._request("GET", self.within(page.url, page.location), headers=headers)
        raise ProbeFailureError(Cause.PROTOCOL, f"more than {MAX_REDIRECTS} redirects")

    async def post(self, url: URL, form: dict[str, str]) -> _Page:
        return await self._request("POST", url, data=form)

    def within(self, base: URL, reference: str) -> URL:
        """A link, which must stay on the host and must not leave TLS."""
        try:
            url = base.join(URL(html.unescape(reference))).with_fragment(None)
        except ValueError:
            raise ProbeFailureError(Cause.PROTOCOL, f"not an address: {reference}") from None
        if url.host != self._home.host:
            raise ProbeFailureError(Cause.CONTENT, f"a link to another host: {url.host}")
        if url.scheme != "https" and (url.scheme, base.scheme) != ("http", "http"):
            raise ProbeFailureError(Cause.CONTENT, f"a link that leaves TLS: {url.scheme}")
        return url

    async def _request(self, method: str, url: URL, **more: Any) -> _Page:
        async with self._session.request(method, url, allow_redirects=False, **more) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_PAGE:
                    raise ProbeFailureError(Cause.PROTOCOL, f"a page of more than {MAX_PAGE} bytes")
            location = response.headers.get("Location", "") if 300 <= response.status <= 399 else ""
            return _Page(url, response.status, body.decode(errors="replace"), location)


class WebmailProbe:
    protocol: ClassVar[str] = "webmail"
    Options: ClassVar[type[Options]] = WebmailOptions

    def __init__(self, options: WebmailOptions) -> None:
        self.options = options
        self._context = tls.context(options.tls)
        self._url = URL(options.url).with_fragment(None)

    async def check(self, steps: Steps) -> None:
        login = self.options.login
        with discreet(steps, login):
            async with self._visit(steps) as browser:
                async with steps("page"):
                    page = await browser.get(self._url)
                    steps.reply(f"HTTP {page.status}")
                    form = _login_form(_accepted(page))
                if login:
                    await self._log_in(steps, browser, page, form, login)

    async def pulse(self, steps: Steps) -> None:
        with discreet(steps, None):
            transport, _ = await net.open_connection(
                steps,
                asyncio.Protocol,
                endpoint_of(self._url, self.options.tls.server_name),
                self._context if self._url.scheme == "https" else None,
            )
            transport.abort()

    @asynccontextmanager
    async def _visit(self, steps: Steps) -> AsyncIterator[_Browser]:
        connector = _Connector(steps, self._context, self.options.tls.server_name)
        try:
            async with aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.CookieJar(unsafe=True),  # unsafe: also from a host without a name
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the runner's deadline rules
                headers=_HEADERS,
                auto_decompress=False,
            ) as session:
                await self._prepare(steps, connector)
                try:
                    yield _Browser(session, self._url)
                finally:
                    for transport in connector.transports:
                        transport.abort()
        finally:
            await connector.close()

    async def _prepare(self, steps: Steps, connector: _Connector) -> None:
        try:
            await connector.prepare(self._url)
        except ProbeFailureError as failure:
            if failure.cause is Cause.TLS_CERTIFICATE:
                await look(steps, failure, self._unverified)
            raise

    async def _unverified(self, aside: Steps) -> None:
        endpoint = endpoint_of(self._url, self.options.tls.server_name)
        transport, _ = await net.open_connection(aside, asyncio.Protocol, endpoint, tls.blind_context())
        transport.abort()

    async def _log_in(self, steps: Steps, browser: _Browser, page: _Page, form: _Form, login: Login) -> None:
        async with steps("login"):
            credential = {"_user": login.username, "_pass": login.password.reveal()}
            target = browser.within(page.url, form.action or str(page.url))
            answer = await browser.post(target, form.fields | credential)
            steps.reply(f"HTTP {answer.status}")
            _demand_login(answer)
        async with steps("inbox"):
            inbox = _accepted(await browser.get(browser.within(answer.url, answer.location)))
            token = _request_token(inbox)
            listing = inbox.url.with_query(_task="mail", _action="list", _mbox="INBOX", _remote="1")
            _demand_list(_accepted(await browser.get(listing, {"X-Roundcube-Request": token})))
        async with farewell(steps, "logout"):
            await browser.get(inbox.url.with_query(_task="logout", _token=token))


def endpoint_of(url: URL, server_name: str | None) -> net.Endpoint:
    host = (url.host or "").rstrip(".")
    return net.Endpoint(host, url.port or 443, server_name or host)


def _accepted(page: _Page) -> _Page:
    if page.status in {429, 503}:
        raise ProbeFailureError(Cause.REJECTED_TEMPORARY, f"HTTP {page.status}")
    if page.status >= 400:
        raise ProbeFailureError(Cause.REJECTED_PERMANENT, f"HTTP {page.status}")
    if page.status != 200:
        raise ProbeFailureError(Cause.PROTOCOL, f"HTTP {page.status}")
    return page


def _find_form(page: _Page) -> _Form | None:
    parser = _Forms()
    parser.feed(page.body)
    return next((form for form in parser.forms if {"_user", "_pass", "_token"} <= form.fields.keys()), None)


def _login_form(page: _Page) -> _Form:
    form = _find_form(page)
    if form is None:
        raise ProbeFailureError(Cause.CONTENT, "a page without Roundcube's log-in form")
    return form


def _demand_login(answer: _Page) -> None:
    """Roundcube redirects to the inbox, or shows its log-in form again, with 200 or 401, and says why."""
    if answer.location:
        return
    if answer.status not in {200, 401} or not _find_form(answer):
        _accepted(answer)
        raise ProbeFailureError(Cause.CONTENT, "neither an inbox nor a log-in form after the log-in")
    message = _message(answer.body)
    if any(word in message.lower() for word in _STORAGE):
        raise ProbeFailureError(Cause.REJECTED_TEMPORARY, message)
    raise ProbeFailureError(Cause.AUTH, message or "the log-in form again")


def _message(body: str) -> str:
    """What Roundcube's page shows in a bubble."""
    found = re.search(r'display_message\(("(?:[^"\\]|\\.){0,500}")', body)
    try:
        return str(json.loads(found.group(1))) if found else ""
    except ValueError:
        return ""


def _request_token(inbox: _Page) -> str:
    task = re.search(r'"task":\s*"mail"', inbox.body)
    token = re.search(r'"request_token":\s*"([0-9A-Za-z]{1,200})"', inbox.body)
    if not task or not token:
        raise ProbeFailureError(Cause.CONTENT, _message(inbox.body) or "a page that is not Roundcube's inbox")
    return token.group(1)


def _demand_list(answer: _Page) -> None:
    """The list of messages comes by a request of its own, and with it what the IMAP server has to say."""
    try:
        listed = json.loads(answer.body)
        if listed["action"] != "list":
            raise ProbeFailureError(Cause.CONTENT, "not a list of messages")
        commands = str(listed.get("exec", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ProbeFailureError(Cause.CONTENT, "not a list of messages") from None
    if '"error"' in commands and (message := _message(commands)):
        raise ProbeFailureError(Cause.CONTENT, message)
