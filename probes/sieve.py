"""ManageSieve, by which a mail program keeps its filters on the server: RFC 5804."""

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from pydantic import Field

from probes import net, sasl
from probes.base import CONCEALED, Steps
from probes.dialogue import LineProtocol
from probes.errors import Cause, ProbeFailureError
from probes.expect import MailExpect
from probes.lines import MAX_BYTES
from probes.session import MailLogin, MailOptions, MailProbe
from probes.tls import TlsOptions

_MAX_LINES = 1000  # of one answer
_LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")
_STRING = r'"((?:[^"\\]++|\\.)*+)"'  # possessive: a MiB of it is gone through once
_WHOLE = re.compile(_STRING, re.DOTALL)
_ENDING = re.compile(rf"(OK|NO|BYE)(?: \(([^)\s]{{1,64}})[^)]*\))?(?: {_STRING})?", re.IGNORECASE | re.DOTALL)
_TOO_WEAK = {"ENCRYPT-NEEDED", "AUTH-TOO-WEAK"}

Phase = Literal["total", "dns", "connect", "tls", "greeting", "capability", "starttls", "auth", "listscripts", "quit"]


class SieveLogin(MailLogin):
    """Whom to log in as, and how."""

    mechanism: Literal["auto", "plain", "login", "cram-md5", "xoauth2"] = Field(
        default="auto",
        description="auto: PLAIN, else LOGIN; without TLS first CRAM-MD5, where offered. With xoauth2 the password is "
        "a bearer token, read again before each check.",
        examples=["plain"],
    )


class SieveOptions(MailOptions):
    """ManageSieve: a log-in and the list of the account's scripts."""

    tls: TlsOptions = Field(
        default=TlsOptions(mode="starttls"),
        description="none, starttls or implicit, or a mapping.",
        examples=["starttls"],
    )
    login: SieveLogin | None = Field(
        default=None, description="Whom to log in as; without it a check ends after the capabilities."
    )
    expect: MailExpect[Phase] | None = Field(
        default=None, description="What must hold beside the service working; by default nothing."
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came before the line that ends an answer, and that line: OK, NO or BYE with its response code."""

    lines: list[str]
    result: str
    code: str
    text: str


class SieveSession(LineProtocol):
    """The dialogue. A literal becomes a quoted string in its line."""

    CAPABILITY: ClassVar = "capability"

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        self.capabilities: dict[str, str] = {}
        self._logged_in = False
        self._begun = bytearray()  # of a line that a literal has broken
        self._literal = 0  # bytes of it still to come

    def _consumed(self) -> bool:
        if self._literal:
            data = self._buffer.take(self._literal)
            self._literal -= len(data)
            self._begun += re.sub(rb'(["\\])', rb"\\\1", data) + (b"" if self._literal else b'"')
            return bool(data)
        line = self._buffer.line()
        if line is None:
            return False
        size = _LITERAL.search(line)
        if size is None:
            self._lines.append((bytes(self._begun) + line).decode(errors="replace"))
            self._begun.clear()
            return True
        self._literal = int(size[1])
        if self._literal > MAX_BYTES:
            raise ProbeFailureError(Cause.PROTOCOL, f"a literal of more than {MAX_BYTES} bytes")
        self._begun += line[: size.start()] + (b'"' if self._literal else b'""')
        return True

    async def greeting(self) -> None:
        """The server begins with its capabilities (RFC 5804 section 1.7)."""
        answer = await self._answer()
        if answer.result != "OK":
            raise _refused(answer, otherwise=Cause.REJECTED_TEMPORARY)
        self._learn(answer)

    async def capability(self) -> None:
        self._learn(self._granted(await self.command("CAPABILITY")))

    def _learn(self, answer: _Answer) -> None:
        found = [_strings(line) for line in answer.lines]
        self.capabilities = {words[0].upper(): " ".join(words[1:]) for words in found if words}
        if "SIEVE" not in self.capabilities:
            raise ProbeFailureError(Cause.PROTOCOL, "no SIEVE among the capabilities: not a ManageSieve server")
        self._steps.evidence.capabilities = tuple(
            word.upper()
            for name, values in self.capabilities.items()
            for word in (name, *(f"{name} {one}" for one in values.split()))
        )

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        """Behind the handshake the server says its capabilities again, unasked (RFC 5804 section 2.2)."""
        if "STARTTLS" not in self.capabilities:
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STARTTLS is not offered")
        self._granted(await self.command("STARTTLS"))
        if self._unasked:
            raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STARTTLS")
        transport = cast("asyncio.Transport", self.transport)
        self.transport = await net.start_tls(transport, self, context, server_name)
        self._learn(self._granted(await self._answer()))
        return self.transport

    async def authenticate(self, username: str, password: str, mechanism: str = sasl.AUTO) -> None:
        """AUTHENTICATE (RFC 5804 section 2.1), in one attempt."""
        offered = sasl.known(self.capabilities.get("SASL", "").split())
        exchange = sasl.Exchange(
            sasl.choose(mechanism, offered, secure=net.is_secure(self.transport)), username, password, self._steps.hide
        )
        command = f'AUTHENTICATE "{exchange.name}"'
        initial = exchange.initial(MAX_BYTES)
        shown = command if initial is None else f'{command} "{CONCEALED}"'
        self._send(command if initial is None else f'{command} "{initial}"', shown)
        while (challenge := _WHOLE.fullmatch(line := await self._line())) is not None:
            text = exchange.answer(challenge[1])
            if text is None:
                raise ProbeFailureError(Cause.PROTOCOL, f"asks for more than {exchange.name} has to say: {line}")
            self._send(f'"{text}"', f'"{CONCEALED if text else ""}"')
        self._authenticated(self._ended([], line), exchange)

    def _authenticated(self, answer: _Answer, exchange: sasl.Exchange) -> None:
        if answer.result == "OK":
            self._logged_in = True
            return
        cause = Cause.AUTH_UNAVAILABLE if answer.code in _TOO_WEAK else Cause.AUTH
        refused = _refused(answer, otherwise=cause) if not answer.code or answer.code in _TOO_WEAK else _refused(answer)
        raise ProbeFailureError(refused.cause, sasl.explained(refused.reply, exchange))

    async def use(self, steps: Steps) -> None:
        if not self._logged_in:
            return
        with steps("listscripts"):
            answer = self._granted(await self.command("LISTSCRIPTS"))
            odd = next(
                (line for line in answer.lines if not re.fullmatch(rf"{_STRING}( ACTIVE)?", line, re.IGNORECASE)), None
            )
            if odd is not None:
                raise ProbeFailureError(Cause.PROTOCOL, f"not a line of LISTSCRIPTS: {odd}")
            steps.evidence.figures.update(scripts=len(answer.lines))

    async def quit(self) -> None:
        self._granted(await self.command("LOGOUT"))

    async def command(self, command: str) -> _Answer:
        """One command and its answer, whatever it says."""
        self._send(command, command)
        return await self._answer()

    @property
    def _unasked(self) -> bool:
        return super()._unasked or bool(self._begun or self._literal)

    def _send(self, line: str, shown: str) -> None:
        if self._unasked:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        super()._send(line, shown)

    async def _answer(self) -> _Answer:
        lines: list[str] = []
        while not _ENDING.match(line := await self._line()):
            lines.append(line)
            if not line.startswith('"'):
                raise ProbeFailureError(Cause.PROTOCOL, f"not a ManageSieve reply: {line}")
            if len(lines) > _MAX_LINES:
                raise ProbeFailureError(Cause.PROTOCOL, f"an answer of more than {_MAX_LINES} lines")
        return self._ended(lines, line)

    def _ended(self, lines: list[str], line: str) -> _Answer:
        """The answer that this line ends (RFC 5804 section 1.3)."""
        found = _ENDING.fullmatch(line)
        if found is None:
            raise ProbeFailureError(Cause.PROTOCOL, f"not a ManageSieve reply: {line}")
        result, code = found[1].upper(), (found[2] or "").strip('"').upper()
        self._steps.reply(line)
        if code or result != "OK":
            self._steps.code(f"{result} ({code})" if code else result)
        return _Answer(lines, result, code, line)

    def _granted(self, answer: _Answer) -> _Answer:
        if answer.result != "OK":
            raise _refused(answer)
        return answer


class SieveProbe(MailProbe):
    protocol = "sieve"
    Options = SieveOptions
    PORT = 4190
    TLS_PORT = 4190

    def __init__(self, options: SieveOptions) -> None:
        super().__init__(options)

    def session(self, steps: Steps) -> SieveSession:
        return SieveSession(steps)


def _strings(line: str) -> list[str]:
    """The quoted strings in a line, up to one that does not end."""
    found: list[str] = []
    at = line.find('"')
    while at >= 0 and (string := _WHOLE.match(line, at)):
        found.append(string[1])
        at = line.find('"', string.end())
    return found


def _refused(answer: _Answer, otherwise: Cause = Cause.REJECTED_PERMANENT) -> ProbeFailureError:
    """A NO or BYE by its response code (RFC 5804 section 1.3)."""
    if answer.code == "TRYLATER":
        return ProbeFailureError(Cause.REJECTED_TEMPORARY, answer.text)
    if answer.result == "BYE" and otherwise is not Cause.REJECTED_TEMPORARY:
        return ProbeFailureError(Cause.DISCONNECTED, answer.text)
    return ProbeFailureError(otherwise, answer.text)
