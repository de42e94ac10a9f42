"""IMAP as a mail program speaks it: RFC 3501 and 9051, SASL-IR (4959), response codes (5530).

aioimaplib assembles the replies. The layer around it bounds what comes in, refuses what is not IMAP, and
makes every failure known at once; left alone, the library turns most of them into a time-out and puts the
password into the texts of its errors and into its log.
"""

import asyncio
import logging
import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import Any, ClassVar, cast

from aioimaplib.aioimaplib import AUTH, NONAUTH, Command, IMAP4ClientProtocol, Response, quoted
from pydantic import Field

from probes import net
from probes.base import Steps
from probes.errors import Cause, ProbeFailureError
from probes.lines import MAX_BYTES, LineBuffer, response_code
from probes.session import MailOptions, MailProbe
from probes.tls import TlsOptions

logging.getLogger("aioimaplib").setLevel(logging.WARNING)  # below, it logs what it sends
logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.WARNING)

_LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")
_TEMPORARY = {"UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"}
_REFUSED_LOGIN = {"", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "ALERT"}
_MISSING = {"", "NONEXISTENT", "NOPERM", "CANNOT", "TRYCREATE"}


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


class _Command(Command):  # type: ignore[misc]  # the library carries no types
    """A command that the end of the connection ends too, unless it had its answer before."""

    def fail(self, failure: ProbeFailureError) -> None:
        if not self._event.is_set():
            self._exception = failure
            self._event.set()


class ImapSession(IMAP4ClientProtocol):  # type: ignore[misc]  # the library carries no types
    """The dialogue. Each line is checked before the library sees it."""

    CAPABILITY: ClassVar = "capability"

    def __init__(self, mailbox: str, note: Callable[[str], None]) -> None:
        super().__init__(asyncio.get_running_loop())
        self.transport: asyncio.Transport | None = None
        self._mailbox = mailbox
        self._note = note
        self._buffer = LineBuffer()
        self._literal = 0  # bytes of it still to come
        self._continues = False  # whether the next line is the rest of one that was broken by a literal
        self._deaf = False  # between the answer to STARTTLS and TLS nobody may speak
        self._sasl: list[str] = []  # answers to the server's challenges
        self._command: _Command | None = None
        self._failure: ProbeFailureError | None = None
        self._greeted: asyncio.Future[str] = self.loop.create_future()

    @property
    def protocol(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", self)

    def send(self, line: str, scrub: str | None = None) -> None:
        del scrub  # the library's own would log the line
        net.send(self.transport, f"{line}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            self._buffer.push(data)
            self._consume()
        except ProbeFailureError as failure:
            self._fail(failure)
        except Exception:  # noqa: BLE001 - whatever the library trips over; its texts hold passwords
            self._fail(ProbeFailureError(Cause.PROTOCOL, "a reply that makes no sense here"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(net.lost(exc))

    def _fail(self, failure: ProbeFailureError) -> None:
        self._failure = self._failure or failure
        if not self._greeted.done():
            self._greeted.set_exception(self._failure)
            self._greeted.exception()  # it may be that nobody waits for it any more
        if self._command is not None:
            self._command.fail(self._failure)
        if self.transport is not None:
            self.transport.abort()

    def _consume(self) -> None:
        while True:
            if self._literal:
                data = self._buffer.take(self._literal)
                if not data:
                    return
                self._literal -= len(data)
                super().data_received(data)
                continue
            if self._deaf and self._buffer:
                raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STARTTLS")
            line = self._buffer.line()
            if line is None:
                return
            if self._greeted.done():
                self._reply(line)
            else:
                self._greeted.set_result(line.decode(errors="replace"))

    def _reply(self, line: bytes) -> None:
        command = self._command
        if not self._continues:
            tagged = command is not None and line.startswith(f"{command.tag} ".encode())
            if not tagged and not line.startswith((b"* ", b"+")):
                raise ProbeFailureError(Cause.PROTOCOL, f"not an IMAP reply: {line.decode(errors='replace')}")
            if re.match(rb"\* BYE\b", line, re.IGNORECASE) and (command is None or command.name != "LOGOUT"):
                raise ProbeFailureError(Cause.DISCONNECTED, line.decode(errors="replace"))
            self._deaf = tagged and command is not None and command.name == "STARTTLS"
        size = _LITERAL.search(line)
        if line.endswith(b"}") and size is None and re.search(rb"\{[0-9]+\}$", line):
            raise ProbeFailureError(Cause.PROTOCOL, f"a literal of more than {MAX_BYTES} bytes")
        super().data_received(line + b"\r\n")
        self._literal = int(size.group(1)) if size else 0
        self._continues = size is not None
        if self._literal > MAX_BYTES:
            raise ProbeFailureError(Cause.PROTOCOL, f"a literal of more than {MAX_BYTES} bytes")

    def _continuation(self, line: bytes) -> None:
        if self._command is None or self._command.name != "AUTHENTICATE":
            raise ProbeFailureError(Cause.PROTOCOL, f"a continuation of nothing: {line.decode(errors='replace')}")
        self.send(self._sasl.pop(0) if self._sasl else "*")  # "*": the server is to give up

    async def run(self, name: str, *arguments: str) -> Response:
        """One command; its tagged answer is the last of the response's lines."""
        if self._failure:
            raise self._failure
        if self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        self._command = _Command(name, self.new_tag(), *arguments, loop=self.loop)
        response = await self.execute(self._command)
        self._command = None
        if response.result not in {"OK", "NO", "BAD"}:
            raise ProbeFailureError(Cause.PROTOCOL, f"not an answer to {name}: {response.result}")
        return response

    async def greeting(self) -> None:
        line = await self._greeted
        self._note(line)
        match line.upper().split(" ")[:2]:
            case ["*", "OK"]:
                self.state = NONAUTH
            case ["*", "PREAUTH"]:
                self.state = AUTH
            case ["*", "BYE"]:
                raise ProbeFailureError(Cause.REJECTED_TEMPORARY, line)
            case _:
                raise ProbeFailureError(Cause.PROTOCOL, f"not an IMAP greeting: {line}")

    async def capability(self) -> None:
        response = await self.run("CAPABILITY")
        if response.result != "OK":
            raise _refused(response)
        *listed, _ = response.lines
        self.capabilities = {word.upper() for line in listed for word in line.decode(errors="replace").split()}
        if not self.capabilities & {"IMAP4REV1", "IMAP4REV2"}:
            raise ProbeFailureError(Cause.PROTOCOL, "neither IMAP4rev1 nor IMAP4rev2 among the capabilities")

    async def starttls(self, context: ssl.SSLContext, server_name: str) -> asyncio.Transport:
        if "STARTTLS" not in self.capabilities or self.state != NONAUTH:
            raise ProbeFailureError(Cause.STARTTLS_UNAVAILABLE, "STARTTLS is not offered")
        response = await self.run("STARTTLS")
        if response.result != "OK":
            raise _refused(response)
        if self._failure:
            raise self._failure
        transport = cast("asyncio.Transport", self.transport)
        self.transport = await net.start_tls(transport, self.protocol, context, server_name)
        self._deaf = False
        self.capabilities = set()
        return self.transport

    async def authenticate(self, username: str, password: str) -> None:
        if self.state != NONAUTH:
            raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "the server takes the connection as logged in (PREAUTH)")
        if "AUTH=PLAIN" in self.capabilities:
            response = await self._auth_plain(username, password)
        elif "LOGINDISABLED" not in self.capabilities:
            response = await self.run("LOGIN", quoted(username), quoted(password))
        else:
            raise ProbeFailureError(Cause.AUTH_UNAVAILABLE, "neither AUTH=PLAIN nor LOGIN is offered")
        if response.result != "OK":
            raise _unauthenticated(response)
        self._note(_text(response))
        self.state = AUTH

    async def _auth_plain(self, username: str, password: str) -> Response:
        answer = b64encode(f"\0{username}\0{password}".encode()).decode()
        if "SASL-IR" in self.capabilities:
            return await self.run("AUTHENTICATE", "PLAIN", answer)
        self._sasl = [answer]
        return await self.run("AUTHENTICATE", "PLAIN")

    async def use(self, steps: Steps) -> None:
        async with steps("select"):
            response = await self.run("SELECT", quoted(mailbox_name(self._mailbox)))
            self._note(_text(response))
            if response.result == "NO" and response_code(_words(response)) in _MISSING:
                raise ProbeFailureError(Cause.CONTENT, _text(response))
            if response.result != "OK":
                raise _refused(response)
            if not any(re.match(rb"[0-9]+ EXISTS\b", line, re.IGNORECASE) for line in response.lines):
                raise ProbeFailureError(Cause.CONTENT, "the mailbox was selected, but not told how much is in it")

    async def quit(self) -> None:
        response = await self.run("LOGOUT")
        if response.result != "OK":
            raise _refused(response)


class ImapProbe(MailProbe):
    protocol = "imap"
    Options = ImapOptions
    PORT = 143
    TLS_PORT = 993

    def __init__(self, options: ImapOptions) -> None:
        super().__init__(options)
        self._mailbox = options.mailbox

    def session(self, steps: Steps) -> Any:
        return ImapSession(self._mailbox, steps.reply)


def mailbox_name(name: str) -> str:
    """A mailbox name in modified UTF-7 (RFC 3501 section 5.1.3)."""

    def shifted(found: re.Match[str]) -> str:
        code = b64encode(found.group().encode("utf-16-be")).decode().rstrip("=")
        return f"&{code.replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", shifted, name.replace("&", "&-"))


def _words(response: Response) -> str:
    return bytes(response.lines[-1]).decode(errors="replace")


def _text(response: Response) -> str:
    return f"{response.result} {_words(response)}"


def _refused(response: Response) -> ProbeFailureError:
    temporary = response.result == "NO" and response_code(_words(response)) in _TEMPORARY
    cause = Cause.REJECTED_TEMPORARY if temporary else Cause.REJECTED_PERMANENT
    return ProbeFailureError(cause, _text(response))


def _unauthenticated(response: Response) -> ProbeFailureError:
    """RFC 5530 section 3: what a NO to a log-in blames."""
    code = response_code(_words(response))
    if response.result == "NO" and code == "PRIVACYREQUIRED":
        return ProbeFailureError(Cause.AUTH_UNAVAILABLE, _text(response))
    if response.result == "NO" and code in _REFUSED_LOGIN:
        return ProbeFailureError(Cause.AUTH, _text(response))
    return _refused(response)
