"""Webmail as a user meets it: Roundcube, SOGo, any log-in form that is described, or all of it in a real browser."""

import asyncio
import ssl
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator
from yarl import URL

from probes import net, roundcube, tls
from probes.base import Login, Options, Steps
from probes.browser import BrowserOptions, Task, browse
from probes.errors import Cause, ProbeFailureError
from probes.expect import Expect
from probes.forms import ROUNDCUBE, SOGO, FormOptions, log_in, open_form
from probes.session import Reach, conclude, discreet, farewell, look, mind, resolvable
from probes.tls import TlsOptions
from probes.visit import Visit, endpoint_of, visiting

Phase = Literal["total", "dns", "connect", "tls", "launch", "page", "login", "inbox", "message", "logout"]


class WebmailOptions(Reach):
    """The page, a log-in, the inbox, over HTTP or in a browser."""

    url: str = Field(description="Address of the log-in page.", examples=["https://mail.example.go.th/"])
    tls: TlsOptions = Field(
        default=TlsOptions(mode="implicit"),
        description="implicit for https://, none for http://, or a mapping.",
        examples=["implicit"],
    )
    login: Login | None = Field(
        default=None, description="Whom to log in as; without it a check ends at the log-in page."
    )
    flavour: Literal["roundcube", "sogo", "form"] = Field(
        default="roundcube",
        description="What the webmail is; `form` is any other, described by `form`.",
        examples=["sogo"],
    )
    form: FormOptions | None = Field(default=None, description="The log-in page of `flavour: form`.")
    browser: BrowserOptions | None = Field(
        default=None,
        description="Log in with a real browser and open a message; without it the check speaks HTTP itself.",
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
        if (self.flavour == "form") != (self.form is not None):
            raise ValueError("flavour: form and a form belong together")
        return self

    @model_validator(mode="after")
    def _browsable(self) -> Self:
        if self.browser is None:
            return self
        if self.login is None:
            raise ValueError("a browser needs a login")
        if self.flavour == "sogo" or (self.form and self.form.encoding == "json"):
            raise ValueError("a browser needs a form on the page: flavour: roundcube, or form with encoding: form")
        return self


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
                await (self._browse(steps) if self.options.browser else self._visit(steps))
            except ProbeFailureError as failure:
                if failure.cause is Cause.TLS_CERTIFICATE:
                    await look(steps, failure, self._unverified)
                raise
            await conclude(steps, self.options.expect)

    async def pulse(self, steps: Steps) -> None:
        with discreet(steps, None):
            await self._connect(steps, self._context)

    async def _connect(self, steps: Steps, context: ssl.SSLContext) -> bytes | None:
        """The certificate that was shown, in DER; the connection ends with it."""
        transport, _ = await net.open_connection(
            steps,
            asyncio.Protocol,
            endpoint_of(self._url, self.options.tls.server_name, self.options.address_family),
            context if self._url.scheme == "https" else None,
        )
        session = transport.get_extra_info("ssl_object")
        transport.abort()
        return session.getpeercert(binary_form=True) if session else None

    async def _unverified(self, aside: Steps) -> None:
        await self._connect(aside, tls.blind_context())

    async def _visit(self, steps: Steps) -> None:
        name, family = self.options.tls.server_name, self.options.address_family
        async with visiting(steps, self._url, self._context, name, family) as visit:
            mind(steps, self.options.tls)
            if self.options.flavour != "roundcube":
                await self._by_form(steps, visit, self.options.form or SOGO)
                return
            page, found = await roundcube.open_page(steps, visit)
            if self.options.login:
                await roundcube.read_mail(steps, visit, page, found, self.options.login)

    async def _by_form(self, steps: Steps, visit: Visit, form: FormOptions) -> None:
        page, found = await open_form(steps, visit, self._url, form)
        if not self.options.login:
            return
        answer = await log_in(steps, visit, page, found, form, self.options.login)
        if form.logout:
            async with farewell(steps, "logout"):
                await visit.get(visit.within(answer.url, form.logout))

    async def _browse(self, steps: Steps) -> None:
        options = self.options
        if options.browser is None or options.login is None:
            return
        shown = await self._connect(steps, self._context)
        mind(steps, self.options.tls)
        task = Task(
            url=self._url,
            address=steps.evidence.address or "",
            certificate=shown,
            exactly=options.tls.ca_file is not None,
            login=options.login,
            form=options.form or ROUNDCUBE,
            message=options.browser.message_of(options.flavour),
        )
        await browse(steps, options.browser, task)
