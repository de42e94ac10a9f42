"""IMAP as a mail program speaks it: RFC 3501 and 9051, SASL-IR (4959), QUOTA (9208), response codes (5530)."""

import asyncio
import re
import ssl
from typing import Any, ClassVar, Literal, cast

from aioimaplib.aioimaplib import AUTH, NONAUTH, SELECTED, Response, quoted
from pydantic import Field

from probes import net, sasl
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.expect import MailExpect
from probes.imap_replies import figures, mailbox_name, offered, quota_used, refused, text, unauthenticated
from probes.imap_wire import Wire, words
from probes.lines import MAX_LINE, response_code
from probes.session import MailLogin, MailOptions, MailProbe
from probes.tls import TlsOptions

_MISSING = {"", "NONEXISTENT", "NOPERM", "CANNOT", "TRYCREATE"}
_EXISTS = re.compile(rb"[0-9]+ EXISTS\b", re.IGNORECASE)
_STATUS_ITEMS = "(MESSAGES UNSEEN UIDNEXT)"

Phase = Literal[
    "total", "dns", "connect", "tls", "greeting", "capability", "starttls", "auth", "select", "status", "quota", "quit"
]


class ImapLogin(MailLogin):
    """Whom to log in as, and how."""

    mechanism: Literal["auto", "plain", "login", "cram-md5", "xoauth2"] = Field(
        default="auto",
        description="auto: AUTHENTICATE PLAIN, else the LOGIN command; without TLS first CRAM-MD5 where it is offered. "
        "With xoauth2 the password is a bearer token, read again before each check.",
        examples=["xoauth2"],
    )


class ImapOptions(MailOptions):
    """IMAP: a log-in and a look into a mailbox."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="implicit"),
        description="none, starttls or implicit, or a mapping.",
        examples=["implicit"],
    )
    mailbox: str = Field(
        default="INBOX",
        min_length=1,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Mailbox to select after the log-in, in any script.",
        examples=["INBOX", "Archive/2026"],
    )
    login: ImapLogin | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )
    quota: bool = Field(
        default=True,
        description="Whether to ask, after the log-in, how full the mailbox is, where the server offers QUOTA.",
        examples=[False],
    )
    expect: MailExpect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )


class ImapSession(Wire):
    """The dialogue, command by command."""

    CAPABILITY: ClassVar = "capability"

    def __init__(self, mailbox: str, steps: Steps, *, quota: bool = False) -> None:
        super().__init__(steps)
        self._mailbox = mailbox
        self._quota = quota
        self._logged_in = False

    async def greeting(self) -> None:
        line = await self._greeted
        self._steps.reply(line)
        star, _, said = line.partition(" ")
        status, _, more = said.upper().partition(" ")
        if code := response_code(more):
            self._steps.code(f"{status} [{code}]")
        match [star, status]:
            case ["*", "OK"]:
                self.state = NONAUTH
            case ["*", "PREAUTH"]:
                self.state = AUTH
            case ["*", "BYE"]:
                raise ProbeFailureError(Cause.REJECTED_TEMPORARY, line)
            case _:
                raise ProbeFailureError(Cause.PROTOCOL, f"not an IMAP greeting: {line}")

    async def capability(self) -> None:
        listed = await self._listed()
        self.capabilities = set(listed)
        self._steps.evidence.capabilities = listed
        if not self.capabilities & {"IMAP4REV1", "IMAP4REV2"}:
            raise ProbeFailureError(Cause.PROTOCOL, "neither IMAP4rev1 nor IMAP4rev2 among the capabilities")

    async def _listed(self) -> tuple[str, ...]:
        *lines, _ = (await self._asked("CAPABILITY")).lines
        named = (word.upper() for line in lines for word in line.decode(errors="replace").split())
        return tuple(dict.fromkeys(named))

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if "STARTTLS" not in self.capabilities or self.state != NONAUTH:
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STARTTLS is not offered")
        await self._asked("STARTTLS")
        if self._failure:
            raise self._failure
        transport = cast("asyncio.Transport", self.transport)
        self.transport = await net.start_tls(transport, self.protocol, context, server_name)
        self._deaf = False
        self.capabilities = set()
        return self.transport

    async def authenticate(self, username: str, password: str, mechanism: str = sasl.AUTO) -> None:
        if self.state != NONAUTH:
            raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "the server takes the connection as logged in (PREAUTH)")
        known = sasl.known(word.removeprefix("AUTH=") for word in self.capabilities if word.startswith("AUTH="))
        ways = known - {"login"} if "LOGINDISABLED" in self.capabilities else known | {"login"}
        chosen = sasl.choose(mechanism, ways, secure=net.is_secure(self.transport))
        if chosen == "login":
            response = await self.run("LOGIN", quoted(username), quoted(password))
        else:
            response = await self._authenticate(sasl.Exchange(chosen, username, password, self._steps.hide))
        if response.result != "OK":
            raise unauthenticated(response, self._exchange)
        self._exchange = None
        self._steps.reply(text(response))
        self._learn(offered(response.lines))
        self.state = AUTH
        self._logged_in = True

    async def _authenticate(self, exchange: sasl.Exchange) -> Response:
        self._exchange = exchange
        initial = exchange.initial(MAX_LINE) if "SASL-IR" in self.capabilities else None
        return await self.run("AUTHENTICATE", exchange.name, *([] if initial is None else [initial]))

    def _learn(self, capabilities: tuple[str, ...]) -> None:
        """What is offered after the login, beside what was before it."""
        seen = self._steps.evidence
        seen.capabilities = tuple(dict.fromkeys((*seen.capabilities, *capabilities)))
        self.capabilities |= set(capabilities)

    async def use(self, steps: Steps) -> None:
        if not self._logged_in:
            return
        with steps("select"):
            await self._select()
        with steps("status"):
            steps.evidence.figures.update(figures(await self._asked("STATUS", self._name, _STATUS_ITEMS)))
        if self._quota:
            with steps("quota"):
                await self._look_at_quota(steps)

    @property
    def _name(self) -> str:
        return str(quoted(mailbox_name(self._mailbox)))

    async def _select(self) -> None:
        response = await self.run("SELECT", self._name)
        self._steps.reply(text(response))
        if response.result == "NO" and response_code(words(response)) in _MISSING:
            raise ProbeFailureError(Cause.CONTENT, text(response))
        if response.result != "OK":
            raise refused(response)
        if not any(_EXISTS.match(line) for line in response.lines):
            raise ProbeFailureError(Cause.CONTENT, "the mailbox was selected, but not told how much is in it")
        self.state = SELECTED

    async def _asked(self, name: str, *arguments: str) -> Response:
        response = await self.run(name, *arguments)
        if response.result != "OK":
            raise refused(response)
        return response

    async def _look_at_quota(self, steps: Steps) -> None:
        """How full the mailbox is. A server that does not say has no quota, or keeps it to itself: no failure."""
        if "QUOTA" not in self.capabilities:
            self._learn(await self._listed())
        if "QUOTA" not in self.capabilities:
            return
        response = await self.run("GETQUOTAROOT", self._name, untagged="QUOTA")
        if response.result == "OK":
            steps.evidence.quota_used = quota_used(response)
        else:
            steps.reply(text(response))

    async def quit(self) -> None:
        await self._asked("LOGOUT")


class ImapProbe(MailProbe):
    protocol = "imap"
    Options = ImapOptions
    PORT = 143
    TLS_PORT = 993

    def __init__(self, options: ImapOptions) -> None:
        super().__init__(options)
        self._mailbox = options.mailbox
        self._quota = options.quota

    def session(self, steps: Steps) -> Any:
        return ImapSession(self._mailbox, steps, quota=self._quota)
