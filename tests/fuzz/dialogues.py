"""Decides how a session meets spoilt answers: in this process, over a transport that is none."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from probes.base import Login, Steps
from probes.errors import ProbeFailureError
from probes.imap import ImapProbe
from probes.pop3 import Pop3Probe
from probes.session import MailProbe, discreet
from probes.sieve import SieveProbe
from probes.smtp import SmtpProbe
from tests.fuzz.mutation import spoilt

PASSWORD = "hunter2-0451"
MOST_ROUNDS = 500
"""Of the event loop, for one dialogue: a client that goes on after the connection has ended never ends."""
PATIENCE = 5
"""Rounds in which nothing is said on either side, before the server hangs up."""


class BrokenError(AssertionError):
    """What must not happen, whatever a server says."""


class _Secret:
    def reveal(self) -> str:
        return PASSWORD


class _Transport(asyncio.Transport):
    """Gives an answer to whatever is written, in pieces, and ends with the last one."""

    def __init__(self, protocol: Any, answers: Sequence[bytes], random: Random) -> None:
        super().__init__()
        self._protocol = protocol
        self._answers = deque(answers)
        self._random = random
        self._closing = False
        self._said = 0
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        self._protocol.connection_made(self)
        self._say(b"")

    def busy(self) -> bool:
        """Whether anything was said since the last call."""
        said, self._said = self._said, 0
        return said > 0

    def write(self, data: Any) -> None:
        self._said += 1
        if not self._closing:
            self._say(bytes(data).partition(b" ")[0])

    def _say(self, tag: bytes) -> None:
        if not self._answers:
            self.abort()
            return
        text = self._answers.popleft().replace(b"%T", tag)
        while text:
            size = self._random.choice((1, 3, 40, len(text)))
            self._loop.call_soon(self._give, text[:size])
            text = text[size:]

    def _give(self, data: bytes) -> None:
        self._said += 1
        if not self._closing:
            self._protocol.data_received(data)

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    close = abort

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def is_reading(self) -> bool:
        return True


@dataclass(frozen=True)
class Dialogue:
    """A protocol, and what a polite server answers: the greeting, then to each command in turn."""

    name: str
    probe: Callable[[], MailProbe]
    answers: tuple[bytes, ...]

    async def meet(self, random: Random) -> tuple[bytes, ...]:
        """One spoilt dialogue; returns what was said. Raises BrokenError."""
        answers = tuple(spoilt(random, one, self.answers) for one in self.answers)
        answers = answers[: random.randint(1, len(answers))] if random.random() < 0.2 else answers
        await self.replay(answers, random)
        return answers

    async def replay(self, answers: Sequence[bytes], random: Random) -> None:
        probe = self.probe()
        steps = Steps(lambda: 0.0, transcript=True)
        with discreet(steps, probe.options.login):
            session = probe.session(steps)
        transport = _Transport(session.protocol, answers, random)
        task = asyncio.ensure_future(_dialogue(probe, steps, session, transport))
        idle = 0
        for _ in range(MOST_ROUNDS):
            if task.done():
                break
            await asyncio.sleep(0)
            idle = 0 if transport.busy() else idle + 1
            if idle > PATIENCE:
                transport.abort()
        else:
            task.cancel()
            raise BrokenError("the client goes on though the connection has ended")
        _judge(task, steps)


async def _dialogue(probe: MailProbe, steps: Steps, session: Any, transport: _Transport) -> None:
    login = probe.options.login
    assert login is not None
    with discreet(steps, login):
        transport.begin()
        try:
            await session.greeting()
            await session.capability()
            await session.authenticate(login.username, login.password.reveal(), login.mechanism)
            await session.use(steps)
            await session.quit()
        finally:
            transport.abort()


def _judge(task: "asyncio.Future[None]", steps: Steps) -> None:
    error = task.exception()
    if error is not None and not isinstance(error, ProbeFailureError):
        raise BrokenError(f"{type(error).__name__} leaves the probe: {error!r}") from error
    seen = steps.evidence
    texts = [*seen.replies, *seen.transcript, *seen.warnings, *seen.capabilities, *([error.reply] if error else [])]
    for text in texts:
        if PASSWORD in text:
            raise BrokenError(f"the password is in the evidence: {text!r}")
    for text in (*seen.replies, *seen.transcript, *seen.warnings, *([error.reply] if error else [])):
        if len(text) > 2_500 or not text.isprintable():
            raise BrokenError(f"not fit to print: {text[:200]!r}")
    if len(seen.replies) > steps.MAX_REPLIES or len(seen.transcript) > steps.MAX_TRANSCRIPT:
        raise BrokenError("the evidence grows without bound")


def _probe(kind: Any, **options: Any) -> Callable[[], MailProbe]:
    login = Login(username="probe@example.org", password=_Secret())
    made: MailProbe = kind(
        kind.Options.model_validate({"host": "127.0.0.1", "tls": "none", "login": login.model_dump(), **options})
    )
    return lambda: made


def dialogues() -> list[Dialogue]:
    imap = (
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n",
        b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN QUOTA UIDPLUS\r\n%T OK done\r\n",
        b"* CAPABILITY IMAP4rev1 QUOTA\r\n%T OK [CAPABILITY IMAP4rev1 QUOTA] logged in\r\n",
        b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDNEXT 4] next\r\n%T OK [READ-WRITE] selected\r\n",
        b'* STATUS "INBOX" (MESSAGES 3 UNSEEN 1 UIDNEXT 4)\r\n%T OK done\r\n',
        b'* QUOTAROOT INBOX ""\r\n* QUOTA "" (STORAGE 10 512)\r\n%T OK done\r\n',
        b"* BYE\r\n%T OK bye\r\n",
    )
    in_clear = tuple(one.replace(b"AUTH=PLAIN", b"AUTH=CRAM-MD5") for one in imap)
    challenge = (*in_clear[:2], b"+ PDEuMkBtYWlsPg==\r\n", *in_clear[2:])
    smtp = (
        b"220 mx ready\r\n",
        b"250-mx\r\n250-SIZE 1000\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH LOGIN PLAIN\r\n",
        b"235 2.7.0 ok\r\n",
        b"250 2.1.0 ok\r\n",
        b"250 2.1.5 ok\r\n",
        b"250 2.0.0 ok\r\n",
        b"221 bye\r\n",
    )
    pop3 = (
        b"+OK ready <1.2@mx>\r\n",
        b"+OK\r\nSASL PLAIN\r\nUSER\r\nUIDL\r\n.\r\n",
        b"+OK logged in\r\n",
        b"+OK 2 320\r\n",
        b"+OK\r\n1 120\r\n2 200\r\n.\r\n",
        b"+OK\r\n1 a\r\n2 b\r\n.\r\n",
        b"+OK bye\r\n",
    )
    capabilities = b'"IMPLEMENTATION" "x"\r\n"SIEVE" "fileinto"\r\n"SASL" "PLAIN"\r\nOK\r\n'
    sieve = (capabilities, capabilities, b"OK\r\n", b'"a" ACTIVE\r\n{3}\r\nabc\r\nOK (WARNINGS) "x"\r\n', b"OK\r\n")
    return [
        Dialogue("imap", _probe(ImapProbe), imap),
        Dialogue("imap challenge", _probe(ImapProbe), challenge),
        Dialogue("smtp", _probe(SmtpProbe, recipient="postmaster@example.org"), smtp),
        Dialogue("pop3", _probe(Pop3Probe), pop3),
        Dialogue("sieve", _probe(SieveProbe), sieve),
    ]
