"""POP3 as a mail program speaks it: RFC 1939, CAPA (2449), STLS (2595), AUTH (5034), codes (3206)."""

import asyncio
import re
import ssl
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import ClassVar, cast

from pydantic import Field

from probes import net
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.lines import LineBuffer, response_code
from probes.session import MailOptions, MailProbe
from probes.tls import TlsOptions

MAX_LIST = 1000  # lines of a multi-line reply
_MAX_COMMAND = 255  # octets with CRLF (RFC 2449 section 4)


class Pop3Options(MailOptions):
    """POP3: a log-in and the mailbox's figures."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="implicit"),
        description="none, starttls (STLS) or implicit, or a mapping.",
        examples=["implicit"],
    )


class Pop3Session(asyncio.Protocol):
    """The dialogue. Lines wait in a queue; `LineBuffer` bounds how many can come."""

    CAPABILITY: ClassVar = "capability"

    def __init__(self, note: Callable[[str], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self.capabilities: dict[str, str] | None = None  # None: the server does not tell
        self._note = note
        self._buffer = LineBuffer()
        self._lines: deque[bytes] = deque()
        self._failure: ProbeFailureError | None = None
        self._more = asyncio.Event()

    @property
    def protocol(self) -> asyncio.Protocol:
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            self._buffer.push(data)
            while (line := self._buffer.line()) is not None:
                self._lines.append(line)
        except ProbeFailureError as failure:
            self._fail(failure)
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(net.lost(exc))

    def _fail(self, failure: ProbeFailureError) -> None:
        self._failure = self._failure or failure
        self._more.set()
        if self.transport is not None:
            self.transport.abort()

    async def greeting(self) -> None:
        line = await self._line()
        self._note(line)
        if not line.startswith(("+OK", "-ERR")):
            raise ProbeFailureError(Cause.PROTOCOL, f"not a POP3 greeting: {line}")
        if line.startswith("-ERR"):
            raise _refused(line)

    async def capability(self) -> None:
        try:
            await self._command("CAPA")
        except _RefusedError as refusal:
            self._note(refusal.reply)  # RFC 1939 alone has no CAPA
            self.capabilities = None
            return
        words = [line.partition(" ") for line in await self._listing()]
        self.capabilities = {name.upper(): arguments.upper() for name, _, arguments in words}

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if self.capabilities is None or "STLS" not in self.capabilities:
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STLS is not offered")
        await self._command("STLS")
        if self._lines or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STLS")
        transport = cast("asyncio.Transport", self.transport)
        self.transport = await net.start_tls(transport, self, context, server_name)
        self.capabilities = None
        return self.transport

    async def authenticate(self, username: str, password: str) -> None:
        offered = self.capabilities
        if offered is not None and "PLAIN" in offered.get("SASL", "").split():
            await self._auth_plain(username, password)
        elif offered is None or "USER" in offered:
            await self._user_pass(username, password)
        else:
            raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "neither SASL PLAIN nor USER is offered")

    async def _auth_plain(self, username: str, password: str) -> None:
        response = b64encode(f"\0{username}\0{password}".encode()).decode()
        command = f"AUTH PLAIN {response}"
        try:
            if len(command) + 2 > _MAX_COMMAND:
                await self._command("AUTH PLAIN", expected="+ ")
                command = response
            self._note(await self._command(command))
        except _RefusedError as refusal:
            raise _unauthenticated(refusal.reply) from None

    async def _user_pass(self, username: str, password: str) -> None:
        try:
            await self._command(f"USER {username}")
            self._note(await self._command(f"PASS {password}"))
        except _RefusedError as refusal:
            raise _unauthenticated(refusal.reply) from None

    async def use(self, steps: Steps) -> None:
        async with steps("stat"):
            line = await self._command("STAT")
            self._note(line)
            if not re.match(r"\+OK [0-9]+ [0-9]+", line):
                raise ProbeFailureError(Cause.PROTOCOL, f"not an answer to STAT: {line}")

    async def quit(self) -> None:
        await self._command("QUIT")

    async def _command(self, command: str, expected: str = "+OK") -> str:
        if self._lines or self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        if "\r" in command or "\n" in command or "\0" in command:
            raise ProbeFailureError(Cause.INTERNAL, "a user name or password with a line end in it")
        if self._failure:
            raise self._failure
        net.send(self.transport, command.encode() + b"\r\n")
        line = await self._line()
        if line.startswith("-ERR"):
            raise _RefusedError(_refused(line).cause, line)
        if not line.startswith(expected.rstrip()):
            raise ProbeFailureError(Cause.PROTOCOL, f"not a POP3 reply: {line}")
        return line

    async def _listing(self) -> list[str]:
        lines: list[str] = []
        while (line := await self._line()) != ".":
            lines.append(line.removeprefix("."))
            if len(lines) > MAX_LIST:
                raise ProbeFailureError(Cause.PROTOCOL, f"a list of more than {MAX_LIST} lines")
        return lines

    async def _line(self) -> str:
        while not self._lines:
            if self._failure:
                raise self._failure
            self._more.clear()
            await self._more.wait()
        return self._lines.popleft().decode(errors="replace")


class Pop3Probe(MailProbe):
    protocol = "pop3"
    Options = Pop3Options
    PORT = 110
    TLS_PORT = 995

    def __init__(self, options: Pop3Options) -> None:
        super().__init__(options)

    def session(self, steps: Steps) -> Pop3Session:
        return Pop3Session(steps.reply)


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
