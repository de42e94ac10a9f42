"""What every probe is made of: options, a login, named and timed phases, and evidence.

A probe is a frozen options model with two coroutines. It opens, talks and closes. It does not log, touch
metrics, retry, know its own name or set time-outs of its own; failing is raising `ProbeFailureError`.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from types import TracebackType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, Self
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

MAX_REPLY = 200
CONCEALED = "***"
MIN_CORE = 4  # fewer characters of base64 may well be part of a word


class Options(BaseModel):
    """Settings of one probe, validated once; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class SecretUnavailableError(Exception):
    """A password that cannot be read, in one line without its value."""


class Secret(Protocol):
    """A password that is kept outside the configuration and never prints.

    `reveal` gives what was read last; `renew` reads again what somebody else renews, such as a token.
    Both raise SecretUnavailableError.
    """

    def reveal(self) -> str: ...

    def renew(self) -> None: ...


def _secret(value: object) -> object:
    if not callable(getattr(value, "reveal", None)):
        # pydantic turns only ValueError into a problem with a place
        raise ValueError(  # noqa: TRY004
            "a password never stands here: {credential: NAME}, {file: PATH} or {env: NAME}"
        )
    return value


class Login(Options):
    """Who to log in as. Errors about it never show what was given."""

    model_config = ConfigDict(hide_input_in_errors=True)

    username: str = Field(
        min_length=1,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="User name, as the server wants it.",
        examples=["probe@example.go.th"],
    )
    password: Annotated[Secret, PlainValidator(_secret, json_schema_input_type=dict[str, str])] = Field(
        description="Where the password is kept: {credential: NAME}, {file: PATH} or {env: NAME}.",
        examples=[{"credential": "probe"}],
    )


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain that a server presented."""

    subject: str
    issuer: str
    not_after: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts of the certificate that a server presented, verified or not."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float  # seconds since the epoch
    not_after: float  # seconds since the epoch
    problem: str | None = None  # expired | not_yet_valid | name | untrusted | other; None where it verified
    problems: tuple[str, ...] = ()  # all of them, `problem` first
    chain: tuple[Link, ...] = ()  # as it was sent, the server's own first
    fingerprint: str = ""  # SHA-256 of the whole, hexadecimal
    serial: str = ""  # its number as the issuer wrote it, hexadecimal

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names without those that are addresses."""
        return tuple(name for name in self.names if not _is_address(name))

    @property
    def first_end(self) -> float:
        """When the first certificate of those presented runs out, in seconds since the epoch."""
        return min([self.not_after, *(link.not_after for link in self.chain)])


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Phase(NamedTuple):
    """One named part of a check; `seconds` is elapsed monotonic time, `ok` that no exception ended it."""

    name: str
    seconds: float
    ok: bool


@dataclass(slots=True)
class Evidence:
    """What a check saw, also when it failed."""

    addresses: tuple[str, ...] = ()  # all that the name has, in the order to try them
    address: str | None = None  # the one that was tried last
    tls_version: str | None = None
    tls_cipher: str | None = None
    certificate: Certificate | None = None
    capabilities: tuple[str, ...] = ()  # as the server listed them behind TLS, upper case; IMAP's after the login too
    figures: dict[str, int] = field(default_factory=dict)  # of the mailbox: messages, unseen, uidnext, octets
    quota_used: float | None = None  # share of the mailbox's quota; above 1 where it is overdrawn
    warnings: list[str] = field(default_factory=list)  # what is not as it should be, and no failure
    replies: list[str] = field(default_factory=list)
    codes: list[tuple[str, str]] = field(default_factory=list)  # of each phase, such as ("rcpt_to", "450 4.2.0")
    transcript: list[str] = field(default_factory=list)  # both sides' lines, only where `Steps` keeps one
    attachments: dict[str, bytes] = field(default_factory=dict)  # by file name, such as a screenshot


class Steps:
    """Names and times the phases of one check: `with steps("tls"): …`.

    Phases do not nest. A name may come twice, as capabilities are asked for again behind STARTTLS.
    After a failure `failed` names the phase it happened in.
    """

    MAX_REPLIES: ClassVar[int] = 20
    MAX_CODES: ClassVar[int] = 40
    MAX_TRANSCRIPT: ClassVar[int] = 500

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        transcript: bool = False,
        wall: Callable[[], float] | None = None,
        admits: Callable[[str], bool] | None = None,
    ) -> None:
        """`monotonic` and `wall` are clocks in seconds, the latter since the epoch and only for certificates.

        `admits` tells of each address of a name whether it may be connected to; by default all may.
        """
        self._monotonic = monotonic
        self._wall = wall
        self.transcribed = transcript
        self._admits = admits
        self._name = ""
        self._began = 0.0
        self._concealed: tuple[str, ...] = ()
        self.phases: list[Phase] = []
        self.evidence = Evidence()

    def __call__(self, name: str) -> Self:
        self._name = name
        return self

    def __enter__(self) -> None:
        self._began = self._monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.phases.append(Phase(self._name, self._monotonic() - self._began, kind is None))

    @property
    def failed(self) -> str | None:
        """The phase that ended with an exception, if one did."""
        return self.phases[-1].name if self.phases and not self.phases[-1].ok else None

    @property
    def now(self) -> float | None:
        """Seconds since the epoch, where a wall clock was given."""
        return None if self._wall is None else self._wall()

    def reply(self, line: str) -> None:
        """Keep a server's reply as evidence: cut, on one line, without the password, the last ones only."""
        self.evidence.replies.append(self.clean(line))
        del self.evidence.replies[: -self.MAX_REPLIES]

    def said(self, side: Literal["C", "S"], line: str) -> None:
        """Keep a line of the dialogue, the client's or the server's, where a transcript is wanted."""
        if self.transcribed and len(self.evidence.transcript) < self.MAX_TRANSCRIPT:
            self.evidence.transcript.append(f"{side}: {self.clean(line)}")

    def code(self, text: str) -> None:
        """Keep a reply's code with the phase it came in, the last ones only."""
        self.evidence.codes.append((self._name, self.clean(text)))
        del self.evidence.codes[: -self.MAX_CODES]

    def warn(self, text: str) -> None:
        """Note what is not as it should be, and no failure; said twice it is noted once."""
        if text not in self.evidence.warnings:
            self.evidence.warnings.append(self.clean(text))

    def admitted(self, address: str) -> bool:
        """Whether a connection to this address, and not only to the name that led to it, is allowed."""
        return self._admits is None or self._admits(address)

    def conceal(self, login: Login) -> None:
        """Keep the password out of all evidence from now on, also where a server sends it back."""
        forms = _disguises(login.username, login.password.reveal())
        self._concealed = _longest_first((*self._concealed, *forms)) if self._concealed else forms

    def hide(self, *texts: str) -> None:
        """Keep these texts out of all evidence from now on, the longest first so that none leaves a rest."""
        more = [text for text in texts if text and text not in self._concealed]
        if more:
            self._concealed = _longest_first((*self._concealed, *more))

    def clean(self, text: str) -> str:
        """A server's words fit for evidence: the concealed password struck out, then `printable`."""
        for secret in self._concealed:
            text = text.replace(secret, CONCEALED)
        return printable(text)

    def aside(self) -> "Steps":
        """Steps for a side errand, whose phases and evidence are not this check's."""
        return type(self)(self._monotonic, transcript=self.transcribed, wall=self._wall, admits=self._admits)


def _longest_first(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*texts} - {""}, key=len, reverse=True))


@lru_cache(maxsize=1024)
def _disguises(username: str, password: str) -> tuple[str, ...]:
    """The forms in which a password crosses the wire, the longest first."""
    plain = b64encode(f"\0{username}\0{password}".encode()).decode()
    escaped = password.replace("\\", "\\\\").replace('"', '\\"')
    forms = {password, escaped, quote(password, safe=""), quote_plus(password), plain, plain.rstrip("=")}
    return _longest_first(forms | set(_encoded(password.encode())))


def _encoded(secret: bytes) -> Iterator[str]:
    """What base64 makes of a secret, alone and in the midst of anything else: three ways, by where it begins.

    The characters that it shares with its neighbours stay; each tells less than a byte of it.
    """
    whole = b64encode(secret).decode()
    yield whole
    yield whole.rstrip("=")
    for before in range(3):
        text = b64encode(bytes(before) + secret).decode()
        core = text[-(-4 * before // 3) : 4 * (before + len(secret)) // 3]
        if len(core) >= MIN_CORE:
            yield core


class Probe(Protocol):
    """One protocol's way of using a service, configured. A failure is a `ProbeFailureError`."""

    async def check(self, steps: Steps) -> None:
        """Use the service as a user's mail program would."""

    async def pulse(self, steps: Steps) -> None:
        """Connect and read the greeting: cheap, without a login."""


class ProbeType(Protocol):
    """What the registry holds: a class made of validated options."""

    @property
    def protocol(self) -> str: ...

    @property
    def Options(self) -> type[Options]: ...  # noqa: N802 - a class

    def __call__(self, options: Any, /) -> Probe: ...


def printable(text: str) -> str:
    """A server's words made safe to log: at most `MAX_REPLY` characters; what could control a terminal is escaped."""
    text = text[: MAX_REPLY + 1]
    if len(text) > MAX_REPLY:
        text = text[: MAX_REPLY - 1] + "…"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
