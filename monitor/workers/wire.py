"""What the daemon and its probe processes say to each other, over a socket that only these two have.

Both ends are the same program, started by the same user from the same files, so that pickles are as good as any other
form: a probe process is there for the sake of a second core, and is no border that anything is defended at.
Passwords cross here in the clear, and nowhere else: a probe process can then not read another one than the daemon has.
"""

import pickle
from asyncio import StreamReader
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from monitor.attempt import Attempt
from monitor.core.instants import Duration
from monitor.settings.secrets import SecretReference
from monitor.settings.sections import LogSettings
from probes.base import Options, Probe

_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that may be asked for from now on: of each target, by name, what makes its probe."""

    targets: Mapping[str, tuple[Callable[[Any], Probe], Options]]
    log: LogSettings


@dataclass(frozen=True, slots=True)
class LogLevel:
    """Of one subsystem, until the next assignment."""

    subsystem: str
    level: str


@dataclass(frozen=True, slots=True)
class Request:
    """Try this target once. `number` comes back with the reply."""

    number: int
    target: str
    limit: Duration
    pulse: bool


@dataclass(frozen=True, slots=True)
class Reply:
    number: int
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life, once a second: how the process is."""

    lag: float  # seconds by which its event loop ran a timer late last
    cpu: float  # seconds used so far
    resident: int  # bytes


def packed(message: Assignment | LogLevel | Request | Reply | Beat) -> bytes:
    """A message as it crosses, its length before it."""
    buffer = BytesIO(bytes(_LENGTH_BYTES))
    buffer.seek(_LENGTH_BYTES)
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(message)
    body = buffer.getbuffer()
    body[:_LENGTH_BYTES] = (len(body) - _LENGTH_BYTES).to_bytes(_LENGTH_BYTES)
    return bytes(body)


async def heard(stream: StreamReader) -> Any:
    """The next message. Raises IncompleteReadError or ConnectionError where the other end is gone."""
    length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES))
    return pickle.loads(await stream.readexactly(length))  # noqa: S301 - from a process of our own


class _Pickler(pickle.Pickler):
    """A secret refuses to be pickled; here, and only here, it goes along with its value."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is SecretReference:
            return SecretReference.known, (value.source, value.name, value.reveal())
        return NotImplemented
