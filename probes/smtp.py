"""SMTP and submission as a mail program speaks them: RFC 5321, STARTTLS (3207), AUTH (4954), codes (3463)."""

import asyncio
import re
import socket
import ssl
from functools import cache
from typing import ClassVar, Literal, cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse
from pydantic import Field, ValidationInfo, field_validator

from probes import net, sasl
from probes.base import CONCEALED, Steps
from probes.errors import Cause, ProbeFailureError, translate
from probes.expect import MailExpect
from probes.session import MailLogin, MailOptions, MailProbe
from probes.tls import TlsOptions

_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")  # RFC 3463 section 2
_UNPARSABLE = -1  # aiosmtplib's own code for a malformed response
_MAX_COMMAND = 512  # octets with CRLF (RFC 5321 section 4.5.3.1.4); a longer initial response waits to be asked for
_ADDRESS = r"[!-;=?-~]{1,64}@(\[[0-9A-Za-z:.]+\]|[0-9A-Za-z]([0-9A-Za-z.-]{0,250}[0-9A-Za-z])?)"

Phase = Literal[
    "total", "dns", "connect", "tls", "greeting", "ehlo", "starttls", "auth", "mail_from", "rcpt_to", "rset", "quit"
]


class SmtpLogin(MailLogin):
    """Whom to log in as, and how."""

    mechanism: Literal["auto", "plain", "login", "cram-md5", "xoauth2"] = Field(
        default="auto",
        description="auto: PLAIN, else LOGIN, else CRAM-MD5; without TLS first CRAM-MD5 where it is offered. "
        "With xoauth2 the password is a bearer token, read again before each check.",
        examples=["cram-md5"],
    )


class SmtpOptions(MailOptions):
    """SMTP and submission: a dialogue up to AUTH. No mail is sent."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="starttls"),
        description="none, starttls or implicit, or a mapping.",
        examples=["starttls"],
    )
    helo: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9A-Za-z:.]+\]|[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?)$",
        description="Name to give in EHLO; by default this machine's, looked up once.",
        examples=["monitor.example.go.th"],
    )
    login: SmtpLogin | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )
    recipient: str | None = Field(
        default=None,
        description="Whether mail for this address is accepted: MAIL FROM and RCPT TO, then RSET; no mail is sent.",
        examples=["postmaster@example.go.th"],
    )
    sender: str = Field(
        default="",
        description="Sender to name before the recipient; by default the null sender, as of a bounce.",
        examples=["probe@example.go.th"],
    )
    expect: MailExpect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )

    @field_validator("recipient", "sender")
    @classmethod
    def _address(cls, address: str | None, info: ValidationInfo) -> str | None:
        if address and not re.fullmatch(_ADDRESS, address):
            raise ValueError("not a mail address of ASCII characters")
        if info.field_name == "sender" and address and info.data.get("recipient", "") is None:
            raise ValueError("a sender has no effect without a recipient")
        return address


class _Wire(net.Prompt, SMTPProtocol):
    """aiosmtplib's protocol, less patient: NUL bytes and unasked words end the dialogue."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(asyncio.get_running_loop())
        self.unasked = False
        self._steps = steps

    def data_received(self, data: bytes) -> None:
        waiter = self._response_waiter
        if waiter is None or waiter.done() or not self._response_pending:
            self.unasked = True
        elif b"\0" in data:
            malformed = SMTPResponseException(_UNPARSABLE, "a NUL byte in a reply")
            self._set_response_exception(waiter, malformed)
        else:
            super().data_received(data)

    def write(self, data: bytes) -> None:
        super().write(data)
        self.acknowledge()

    async def execute_command(self, *args: bytes, timeout: float | None = None) -> SMTPResponse:  # noqa: ASYNC109
        self._steps.said("C", b" ".join(args).decode(errors="replace"))
        return await self._command(*args, timeout=timeout)

    async def execute_secret(self, shown: str, *args: bytes) -> SMTPResponse:
        """A command with a secret in it, of which `shown` may be shown."""
        self._steps.said("C", shown)
        return await self._command(*args)

    async def _command(self, *args: bytes, timeout: float | None = None) -> SMTPResponse:  # noqa: ASYNC109
        if self.unasked or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        return await super().execute_command(*args, timeout=timeout)

    async def read_response(self, timeout: float | None = None) -> SMTPResponse:  # noqa: ASYNC109
        try:
            response = await super().read_response(timeout)
        except SMTPResponseException as malformed:
            self._steps.said("S", malformed.message)
            raise
        *more, last = response.message.split("\n")
        for line in more:
            self._steps.said("S", f"{response.code}-{line}")
        self._steps.said("S", f"{response.code} {last}")
        enhanced = _ENHANCED.match(response.message)
        self._steps.code(f"{response.code} {enhanced.group()}" if enhanced else str(response.code))
        return response

    async def upgrade(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        """STARTTLS and its handshake, refusing plaintext behind the reply where the library drops it."""
        response = await self.execute_command(b"STARTTLS")
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)
        if self.unasked or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STARTTLS")
        transport = cast("asyncio.Transport", self.transport)
        self.transport = upgraded = await net.start_tls(transport, self, context, server_name)
        self._over_ssl = True
        return upgraded


class SmtpSession:
    """aiosmtplib's client over a transport that `net` opened."""

    CAPABILITY: ClassVar = "ehlo"

    def __init__(self, helo: str, steps: Steps, *, recipient: str | None = None, sender: str = "") -> None:
        self.protocol = _Wire(steps)
        self._transport: asyncio.Transport | None = None
        self._client = SMTP(hostname="", local_hostname=helo, timeout=None, start_tls=False)
        self._client.protocol = self.protocol
        self._client.loop = asyncio.get_running_loop()
        self._steps = steps
        self._envelope = (sender, recipient)

    @property
    def transport(self) -> asyncio.Transport | None:
        # The protocol forgets its transport when the connection is lost; until then it knows best.
        self._transport = cast("asyncio.Transport | None", self.protocol.transport) or self._transport
        return self._transport

    async def greeting(self) -> None:
        self._client.transport = self.protocol.transport
        response = self._noted(await self.protocol.read_response())
        if response.code != 220:
            raise SMTPResponseException(response.code, response.message)

    async def capability(self) -> None:
        self._noted(await self._client.ehlo())
        offered = self._client.esmtp_extensions
        listed = [f"{name} {one}" for name, arguments in offered.items() for one in ("", *arguments.split())]
        self._steps.evidence.capabilities = tuple(one.strip().upper() for one in listed)

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if not self._client.supports_extension("starttls"):
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STARTTLS is not offered")
        upgraded = await self.protocol.upgrade(context, server_name)
        self._client.transport = upgraded
        return upgraded

    async def authenticate(self, username: str, password: str, mechanism: str = sasl.AUTO) -> None:
        """One attempt. The library's own `login` would try one mechanism after the other."""
        offered = sasl.known(self._client.server_auth_methods)
        chosen = sasl.choose(mechanism, offered, secure=net.is_secure(self.transport))
        exchange = sasl.Exchange(chosen, username, password, self._steps.hide)
        response = await self._exchange(exchange)
        if response.code != 235:
            failure = translate(SMTPAuthenticationError(response.code, response.message))
            cause = failure.cause if failure else Cause.PROTOCOL
            raise ProbeFailureError(cause, sasl.explained(f"{response.code} {response.message}", exchange))
        self._noted(response)

    async def _exchange(self, exchange: sasl.Exchange) -> SMTPResponse:
        command = f"AUTH {exchange.name}"
        initial = exchange.initial(_MAX_COMMAND - len(command) - 3)
        whole, shown = (command, command) if initial is None else (f"{command} {initial}", f"{command} {CONCEALED}")
        response = await self.protocol.execute_secret(shown, whole.encode())
        while response.code == 334:
            answer = exchange.answer(response.message.strip())
            if answer is None:
                text = f"asks for more than {exchange.name} has to say: 334 {response.message}"
                raise ProbeFailureError(Cause.PROTOCOL, text)
            response = await self.protocol.execute_secret(CONCEALED if answer else "", answer.encode())
        return response

    async def use(self, steps: Steps) -> None:
        """Ask whether mail for the recipient would be accepted; none is sent."""
        sender, recipient = self._envelope
        if recipient is None:
            return
        with steps("mail_from"):
            await self.command(f"MAIL FROM:<{sender}>")
        with steps("rcpt_to"):
            await self.command(f"RCPT TO:<{recipient}>", 250, 251)
        with steps("rset"):
            await self.command("RSET")

    async def send(self, sender: str, recipient: str, message: bytes) -> None:
        """Hand over one message, its lines ended by CRLF; returns when the server has taken it."""
        await self.command(f"MAIL FROM:<{sender}>")
        await self.command(f"RCPT TO:<{recipient}>", 250, 251)
        self._noted(await self._client.data(message))

    async def command(self, command: str, *expected: int) -> SMTPResponse:
        """One command, whose answer must have one of these codes, by default 250; raises SMTPResponseException."""
        response = await self.protocol.execute_command(command.encode())
        if response.code not in (expected or (250,)):
            raise SMTPResponseException(response.code, response.message)
        return self._noted(response)

    async def quit(self) -> None:
        await self._client.quit()

    def _noted(self, response: SMTPResponse) -> SMTPResponse:
        first, *more = response.message.split("\n")
        self._steps.reply(f"{response.code} {first}{' …' if more else ''}")
        return response


class SmtpProbe(MailProbe):
    protocol = "smtp"
    Options = SmtpOptions
    PORT = 25
    TLS_PORT = 465

    def __init__(self, options: SmtpOptions) -> None:
        super().__init__(options)
        self._helo = options.helo or _local_name()
        self._recipient, self._sender = options.recipient, options.sender

    def session(self, steps: Steps) -> SmtpSession:
        return SmtpSession(self._helo, steps, recipient=self._recipient, sender=self._sender)


class SubmissionProbe(SmtpProbe):
    protocol = "submission"
    PORT = 587


@cache
def _local_name() -> str:
    """The name of this machine, or one that is surely nobody's where it has none that a server accepts."""
    name = socket.gethostname()
    name = name if "." in name else socket.getfqdn()
    return name if re.fullmatch(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+", name) else "mailuptime.invalid"
