"""Webmail as a browser uses it: Roundcube's page, log-in, inbox, message list and log-out over HTTP/1.1."""

import asyncio
import html
import json
import re
import ssl
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator
from yarl import URL

from probes import net, tls
from probes.base import Login, Options, Steps
from probes.browser import Browser, Page, endpoint_of, visiting
from probes.errors import Cause, ProbeFailureError
from probes.expect import Expect
from probes.session import Reach, conclude, discreet, farewell, look, mind, resolvable
from probes.tls import TlsOptions

_TAG = re.compile(r"<(form|input)\b([^<>]{0,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z_-]{1,50})\s{0,9}=\s{0,9}("[^"]*"|'[^']*'|[^\s"'>]+)""")
# How Roundcube says in English and in Thai that its IMAP server or database, not the credential, is at fault
_STORAGE = ("storage server", "imap server", "database", "ฐานข้อมูล")


Phase = Literal["total", "dns", "connect", "tls", "page", "login", "inbox", "logout"]


class WebmailOptions(Reach):
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
    expect: Expect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
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
class _Form:
    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class WebmailProbe:
    protocol: ClassVar[str] = "webmail"
    Options: ClassVar[type[Options]] = WebmailOptions

    def __init__(self, options: WebmailOptions) -> None:
        self.options = options
        self._context = tls.context(options.tls)
        self._url = URL(options.url).with_fragment(None)

    async def check(self, steps: Steps) -> None:
        with discreet(steps, self.options.login):
            try:
                await self._visit(steps)
            except ProbeFailureError as failure:
                if failure.cause is Cause.TLS_CERTIFICATE:
                    await look(steps, failure, self._unverified)
                raise
            await conclude(steps, self.options.expect)

    async def pulse(self, steps: Steps) -> None:
        with discreet(steps, None):
            await self._connect(steps, self._context)

    async def _connect(self, steps: Steps, context: ssl.SSLContext) -> None:
        transport, _ = await net.open_connection(
            steps,
            asyncio.Protocol,
            endpoint_of(self._url, self.options.tls.server_name, self.options.address_family),
            context if self._url.scheme == "https" else None,
        )
        transport.abort()

    async def _unverified(self, aside: Steps) -> None:
        await self._connect(aside, tls.blind_context())

    async def _visit(self, steps: Steps) -> None:
        login = self.options.login
        name, family = self.options.tls.server_name, self.options.address_family
        async with visiting(steps, self._url, self._context, name, family) as browser:
            mind(steps, self.options.tls)
            async with steps("page"):
                page = await browser.get(self._url)
                steps.reply(f"HTTP {page.status}")
                form = _login_form(_accepted(page))
            if login:
                await self._log_in(steps, browser, page, form, login)

    async def _log_in(self, steps: Steps, browser: Browser, page: Page, form: _Form, login: Login) -> None:
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


def _accepted(page: Page) -> Page:
    if page.status in {429, 503}:
        raise ProbeFailureError(Cause.REJECTED_TEMPORARY, f"HTTP {page.status}")
    if page.status >= 400:
        raise ProbeFailureError(Cause.REJECTED_PERMANENT, f"HTTP {page.status}")
    if page.status != 200:
        raise ProbeFailureError(Cause.PROTOCOL, f"HTTP {page.status}")
    return page


def _find_form(page: Page) -> _Form | None:
    """The log-in form with the values that a browser would send back.

    Regular expressions with bounds, because the standard library's parser can be kept busy for minutes.
    """
    forms: list[_Form] = []
    for tag in _TAG.finditer(page.body):
        given = {name.lower(): html.unescape(value.strip("\"'")) for name, value in _ATTRIBUTE.findall(tag[2])}
        if tag[1].lower() == "form":
            forms.append(_Form(given.get("action", "")))
        elif forms and "name" in given:
            forms[-1].fields[given["name"]] = given.get("value", "")
    return next((form for form in forms if {"_user", "_pass", "_token"} <= form.fields.keys()), None)


def _login_form(page: Page) -> _Form:
    form = _find_form(page)
    if form is None:
        raise ProbeFailureError(Cause.CONTENT, "a page without Roundcube's log-in form")
    return form


def _demand_login(answer: Page) -> None:
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


def _request_token(inbox: Page) -> str:
    task = re.search(r'"task":\s*"mail"', inbox.body)
    token = re.search(r'"request_token":\s*"([0-9A-Za-z]{1,200})"', inbox.body)
    if not task or not token:
        raise ProbeFailureError(Cause.CONTENT, _message(inbox.body) or "a page that is not Roundcube's inbox")
    return token.group(1)


def _demand_list(answer: Page) -> None:
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
