"""IMAP's wire: bytes in, whole replies out, each command with its answer.

aioimaplib assembles the replies. The layer around it bounds what comes in, refuses what is not IMAP, and makes every
failure known at once; left alone, the library turns most of them into a time-out and puts the password into the texts
of its errors and into its log.
"""

import asyncio
import logging
import re
from typing import cast

from aioimaplib.aioimaplib import NONAUTH, Command, IMAP4ClientProtocol, Response

from probes import net
from probes.base import CONCEALED, Steps
from probes.errors import Cause, ProbeFailureError
from probes.lines import MAX_BYTES, MAX_LINE, LineBuffer, response_code
from probes.sasl import Exchange

logging.getLogger("aioimaplib").setLevel(logging.WARNING)  # below, it logs what it sends
logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.WARNING)

_BYE = re.compile(rb"\* BYE\b", re.IGNORECASE)
_LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")
_HUGE = re.compile(rb"\{[0-9]+\}$")
_AT_ONCE = 100  # lines: the library goes deeper with each
_PLAIN = re.compile(
    rb"(?:\* (?!BYE\b)[^\0\r\n]*(?<!\})\r\n){0,%d}[^\0\r\n]*(?<!\})\r\n" % (_AT_ONCE - 1), re.IGNORECASE
)
_SHOWN = {"LOGIN": 0, "AUTHENTICATE": 1}  # arguments of these commands that may be shown


class _Command(Command):  # type: ignore[misc]  # the library carries no types
    """A command that the end of the connection ends too, unless it had its answer before."""

    def fail(self, failure: ProbeFailureError) -> None:
        if not self._event.is_set():
            self._exception = failure
            self._event.set()


class _Unlogged(bytes):
    """The library makes a text of all that it receives, for a log that nobody may read: of this a short one."""

    def __str__(self) -> str:
        return f"{len(self)} bytes"


class Wire(net.Prompt, IMAP4ClientProtocol):  # type: ignore[misc]  # the library carries no types
    """The dialogue. Each line is checked before the library sees it."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(asyncio.get_running_loop())
        self.transport: asyncio.Transport | None = None
        self._steps = steps
        self._buffer = LineBuffer()
        self._ready: list[bytes] = []  # lines that are good and that the library has not seen yet
        self._literal = 0  # bytes of it still to come
        self._continues = False  # whether the next line is the rest of one that was broken by a literal
        self._deaf = False  # between the answer to STARTTLS and TLS nobody may speak
        self._exchange: Exchange | None = None  # of SASL, while it is under way
        self._command: _Command | None = None
        self._tag = b""  # and a space, as its answer begins
        self._failure: ProbeFailureError | None = None
        self._greeted: asyncio.Future[str] = self.loop.create_future()

    @property
    def protocol(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", self)

    def send(self, line: str, scrub: str | None = None) -> None:
        del scrub  # the library's own would log the line
        tag, name, *rest = line.split(" ")
        known = _SHOWN.get(name)
        words = [tag, name, *rest] if known is None else [tag, name, *rest[:known], CONCEALED]
        self._write(line, " ".join(words))

    def _write(self, line: str, shown: str) -> None:
        self._steps.said("C", shown)
        net.send(self.transport, f"{line}\r\n".encode())
        self.acknowledge()

    def data_received(self, data: bytes) -> None:
        if self._failure:
            return
        try:
            self._buffer.push(data)
            if self._plain(data):
                self._buffer.skip(data.count(b"\n"))
                super().data_received(_Unlogged(data))
                return
            try:
                self._consume()
            finally:
                self._feed()
        except ProbeFailureError as failure:
            self._fail(failure)
        except Exception:  # noqa: BLE001 - whatever the library trips over; its texts hold passwords
            self._fail(ProbeFailureError(Cause.PROTOCOL, "a reply that makes no sense here"))

    def _plain(self, data: bytes) -> bool:
        """Whether all that waits is what most replies are: whole untagged lines without a literal, and the answer.

        That needs no look at each line, which takes longer than all that the library does with them.
        """
        command, answer = self._command, data.rfind(b"\n", 0, -1) + 1
        return (
            command is not None
            and command.name != "STARTTLS"  # behind whose answer nobody may speak
            and len(self._buffer) == len(data) <= MAX_LINE
            and not (self._literal or self._continues or self._steps.transcribed)
            and data.startswith(self._tag, answer)
            and _PLAIN.fullmatch(data) is not None
        )

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
                self._steps.said("S", f"({len(data)} bytes of a literal)")
                self._feed()
                super().data_received(_Unlogged(data))
                continue
            if self._deaf and self._buffer:
                raise ProbeFailureError(Cause.PROTOCOL, "plaintext behind the answer to STARTTLS")
            line = self._buffer.line()
            if line is None:
                return
            self._steps.said("S", line.decode(errors="replace"))
            if self._greeted.done():
                self._reply(line)
            else:
                self.state = NONAUTH  # at once: what follows would be a greeting, too, to the library
                self._greeted.set_result(line.decode(errors="replace"))

    def _feed(self) -> None:
        """Hand the library the lines that were found good."""
        if self._ready:
            lines, self._ready = self._ready, []
            super().data_received(_Unlogged(b"\r\n".join((*lines, b""))))

    def _reply(self, line: bytes) -> None:
        command = self._command
        if not self._continues:
            tagged = command is not None and line.startswith(self._tag)
            if not tagged and not line.startswith((b"* ", b"+")):
                raise ProbeFailureError(Cause.PROTOCOL, f"not an IMAP reply: {line.decode(errors='replace')}")
            if _BYE.match(line) and (command is None or command.name != "LOGOUT"):
                raise ProbeFailureError(Cause.DISCONNECTED, line.decode(errors="replace"))
            self._deaf = tagged and command is not None and command.name == "STARTTLS"
        size = _LITERAL.search(line) if line.endswith(b"}") else None
        if size is None and line.endswith(b"}") and _HUGE.search(line):
            raise ProbeFailureError(Cause.PROTOCOL, f"a literal of more than {MAX_BYTES} bytes")
        self._ready.append(line)
        if len(self._ready) >= _AT_ONCE:
            self._feed()
        self._literal = int(size.group(1)) if size else 0
        self._continues = size is not None
        if self._literal > MAX_BYTES:
            raise ProbeFailureError(Cause.PROTOCOL, f"a literal of more than {MAX_BYTES} bytes")

    def _continuation(self, line: bytes) -> None:
        if self._command is None or self._command.name != "AUTHENTICATE":
            raise ProbeFailureError(Cause.PROTOCOL, f"a continuation of nothing: {line.decode(errors='replace')}")
        answer = self._exchange.answer(line[1:].decode(errors="replace").strip()) if self._exchange else None
        if answer is None:
            self._write("*", "*")  # the server is to give up
        else:
            self._write(answer, CONCEALED if answer else "")

    async def run(self, name: str, *arguments: str, untagged: str | None = None) -> Response:
        """One command; its tagged answer is the last of the response's lines.

        `untagged` names the replies that belong to it where that is not the name of the command.
        """
        if self._failure:
            raise self._failure
        if self._buffer:
            raise ProbeFailureError(Cause.PROTOCOL, "a reply to no command")
        self._command = _Command(name, self.new_tag(), *arguments, untagged_resp_name=untagged, loop=self.loop)
        self._tag = f"{self._command.tag} ".encode()
        response = await self.execute(self._command)
        self._command = None
        if response.result not in {"OK", "NO", "BAD"}:
            raise ProbeFailureError(Cause.PROTOCOL, f"not an answer to {name}: {response.result}")
        code = response_code(words(response))
        if code or response.result != "OK":
            self._steps.code(f"{response.result} [{code}]" if code else response.result)
        return response


def words(response: Response) -> str:
    """What the server says beside OK, NO or BAD, its response code included."""
    return bytes(response.lines[-1]).decode(errors="replace")
