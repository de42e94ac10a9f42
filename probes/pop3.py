"""POP3 as a mail program speaks it: RFC 1939, CAPA (2449), STLS (2595), AUTH (5034), codes (3206)."""

import asyncio
import re
import ssl
from typing import ClassVar, Literal, cast

from pydantic import Field

from probes import net, sasl
from probes.base import CONCEALED, Steps
from probes.dialogue import LineProtocol
from probes.errors import Cause, ProbeFailureError
from probes.expect import MailExpect
from probes.lines import response_code
from probes.session import MailLogin, MailOptions, MailProbe
from probes.tls import TlsOptions

MAX_LIST = 1000  # lines of a multi-line reply
MAX_WHOLE = 200  # messages to list in full
_MAX_COMMAND = 255  # octets with CRLF (RFC 2449 section 4)

Phase = Literal[
    "total", "dns", "connect", "tls", "greeting", "capability", "starttls", "auth", "stat", "list", "uidl", "quit"
]


class Pop3Login(MailLogin):
    """Whom to log in as, and how."""

    mechanism: Literal["auto", "user", "plain", "apop", "cram-md5", "xoauth2"] = Field(
        default="auto",
        description="auto: AUTH PLAIN, else USER and PASS; without TLS first CRAM-MD5, then APOP, where "
        "offered. With xoauth2 the password is a bearer token, read again before each check.",
        examples=["apop"],
    )


class Pop3Options(MailOptions):
    """POP3: a log-in and the mailbox's figures."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="implicit"),
        description="none, starttls (STLS) or implicit, or a mapping.",
        examples=["implicit"],
    )
    login: Pop3Login | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )
    expect: MailExpect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )


class Pop3Session(LineProtocol):
    """The dialogue."""

    CAPABILITY: ClassVar = "capability"

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        self.capabilities: dict[str, str] | None = None  # None: the server does not tell
        self._greeting = ""
        self._logged_in = False

    async def greeting(self) -> None:
        self._greeting = line = await self._line()
        self._steps.reply(line)
        self._note_code(line)
        if not line.startswith(("+OK", "-ERR")):
            raise ProbeFailureError(Cause.PROTOCOL, f"not a POP3 greeting: {line}")
        if line.startswith("-ERR"):
            raise _refused(line)

    async def capability(self) -> None:
        try:
            await self.command("CAPA")
        except _RefusedError as refusal:
            self._steps.reply(refusal.reply)  # RFC 1939 alone has no CAPA
            self.capabilities = None
            return
        words = [line.partition(" ") for line in await self.listing()]
        self.capabilities = {name.upper(): arguments.upper() for name, _, arguments in words}
        self._steps.evidence.capabilities = _flat(self.capabilities)

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if self.capabilities is None or "STLS" not in self.capabilities:
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STLS is not offered")
        await self.command("STLS")
        if self._unasked:
            raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STLS")
        transport = cast("asyncio.Transport", self.transport)
        self.transport = await net.start_tls(transport, self, context, server_name)
        self.capabilities = None
        return self.transport

    async def authenticate(self, username: str, password: str, mechanism: str = sasl.AUTO) -> None:
        digest = sasl.apop(password, self._greeting)
        chosen = sasl.choose(mechanism, self._ways(digest), secure=net.is_secure(self.transport))
        try:
            if chosen == "apop" and digest:
                self._steps.hide(digest)
                line = await self.command(f"APOP {username} {digest}", shown=f"APOP {username} {CONCEALED}")
            elif chosen == "user":
                await self.command(f"USER {username}")
                line = await self.command(f"PASS {password}", shown=f"PASS {CONCEALED}")
            else:
                line = await self._authenticate(sasl.Exchange(chosen, username, password, self._steps.hide))
        except _RefusedError as refusal:
            raise _unauthenticated(refusal.reply) from None
        self._steps.reply(line)
        self._logged_in = True

    def _ways(self, digest: str | None) -> set[str]:
        offered = self.capabilities
        ways = sasl.known((offered or {}).get("SASL", "").split()) - {"login"}
        ways |= {"user"} if offered is None or "USER" in offered else set()
        return ways | ({"apop"} if digest else set())

    async def _authenticate(self, exchange: sasl.Exchange) -> str:
        """AUTH (RFC 5034 section 4), with the initial response where the line has room for it."""
        command = f"AUTH {exchange.name}"
        initial = exchange.initial(_MAX_COMMAND - len(command) - 3)
        shown = command if initial is None else f"{command} {CONCEALED}"
        try:
            line = await self.command(command if initial is None else f"{command} {initial}", "+", shown=shown)
            while not line.startswith("+OK"):
                answer = exchange.answer(line[1:].strip())
                if answer is None:
                    raise ProbeFailureError(Cause.PROTOCOL, f"asks for more than {exchange.name} has to say: {line}")
                line = await self.command(answer, "+", shown=CONCEALED if answer else "")
        except _RefusedError as refusal:
            raise _RefusedError(refusal.cause, sasl.explained(refusal.reply, exchange)) from None
        return line

    async def use(self, steps: Steps) -> None:
        if not self._logged_in:
            return
        with steps("stat"):
            line = await self.command("STAT")
            steps.reply(line)
            found = re.match(r"\+OK ([0-9]{1,18}) ([0-9]{1,18})(?![0-9])", line)
            if not found:
                raise ProbeFailureError(Cause.PROTOCOL, f"not an answer to STAT: {line}")
            messages, octets = map(int, found.groups())
            steps.evidence.figures.update(messages=messages, octets=octets)
        with steps("list"):
            await self._enumerate("LIST", messages, r"[0-9]+ [0-9]+")
        if self.capabilities is not None and "UIDL" in self.capabilities:
            with steps("uidl"):
                await self._enumerate("UIDL", messages, r"[0-9]+ [!-~]{1,70}")

    async def _enumerate(self, name: str, messages: int, form: str) -> None:
        """LIST or UIDL, of all messages or, where there are many, of the newest."""
        if messages > MAX_WHOLE:
            lines = [(await self.command(f"{name} {messages}")).removeprefix("+OK ")]
        else:
            await self.command(name)
            lines = await self.listing()
        odd = next((line for line in lines if not re.match(form, line)), None)
        if odd is not None:
            raise ProbeFailureError(Cause.PROTOCOL, f"not a line of {name}: {odd}")

    async def quit(self) -> None:
        await self.command("QUIT")

    async def command(self, command: str, expected: str = "+OK", *, shown: str | None = None) -> str:
        """One command and the first line of its answer; `shown` is what may be shown of a command with a secret."""
        if self._unasked:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        if "\r" in command or "\n" in command or "\0" in command:
            raise ProbeFailureError(Cause.INTERNAL, "a user name or password with a line end in it")
        self._send(command, command if shown is None else shown)
        line = await self._line()
        self._note_code(line)
        if line.startswith("-ERR"):
            raise _RefusedError(_refused(line).cause, line)
        if not line.startswith(expected):
            raise ProbeFailureError(Cause.PROTOCOL, f"not a POP3 reply: {line}")
        return line

    def _note_code(self, line: str) -> None:
        status, _, text = line.partition(" ")
        if code := response_code(text):
            self._steps.code(f"{status} [{code}]")
        elif status == "-ERR":
            self._steps.code(status)

    async def listing(self) -> list[str]:
        """The lines of a multi-line answer, up to the dot that ends it."""
        lines: list[str] = []
        while (line := await self._line()) != ".":
            lines.append(line.removeprefix("."))
            if len(lines) > MAX_LIST:
                raise ProbeFailureError(Cause.PROTOCOL, f"a list of more than {MAX_LIST} lines")
        return lines


class Pop3Probe(MailProbe):
    protocol = "pop3"
    Options = Pop3Options
    PORT = 110
    TLS_PORT = 995

    def __init__(self, options: Pop3Options) -> None:
        super().__init__(options)

    def session(self, steps: Steps) -> Pop3Session:
        return Pop3Session(steps)


def _flat(capabilities: dict[str, str]) -> tuple[str, ...]:
    """Each capability by itself, and with each of its arguments, such as SASL and SASL PLAIN."""
    return tuple(
        word
        for name, arguments in capabilities.items()
        for word in (name, *(f"{name} {one}" for one in arguments.split()))
    )


class _RefusedError(ProbeFailureError):
    """An -ERR, whose meaning depends on the command."""


def _refused(line: str) -> ProbeFailureError:
    code = response_code(line.removeprefix("-ERR"))
    temporary = code in {"SYS/TEMP", "IN-USE", "LOGIN-DELAY"}
    return ProbeFailureError(Cause.REJECTED_TEMPORARY if temporary else Cause.REJECTED_PERMANENT, line)


def _unauthenticated(line: str) -> ProbeFailureError:
    """RFC 3206: unless a code says that it is the system's fault, the credential was refused."""
    code = response_code(line.removeprefix("-ERR"))
    return ProbeFailureError(Cause.AUTH, line) if not code or code == "AUTH" else _refused(line)
