"""Whether the system's clock is kept by a time source: what the kernel says of it, by adjtimex(2).

It is recorded at each start and whenever it changes, so that an auditor sees which instants to trust.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import structlog

from monitor.clock import Clock

KIND = "clock_synchronized"
LOOK = 10.0
"""Seconds between two looks."""

log = structlog.get_logger("clock")

_ERROR = 5  # TIME_ERROR: the clock is not synchronized
_UNSYNCHRONIZED = 0x0040  # STA_UNSYNC


class _Timex(ctypes.Structure):
    """As much of `struct timex` as is read; `modes` 0 asks and changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class Synchronization:
    """`known` is as of the last look, None where it cannot be told; `changed` records each change of it."""

    def __init__(self, clock: Clock, changed: Callable[[bool | None], None]) -> None:
        self._clock = clock
        self._changed = changed
        self.known: bool | None = None

    async def run(self) -> None:
        self.known = clock_synchronized()
        self._changed(self.known)
        while True:
            await self._clock.sleep(LOOK)
            before, self.known = self.known, clock_synchronized()
            if self.known is not before:
                say = log.info if self.known else log.warning
                say("clock.synchronized" if self.known else "clock.not_synchronized", before=before)
                self._changed(self.known)


def clock_synchronized() -> bool | None:
    """None where the system has no such call, or a sandbox refuses it."""
    adjtimex = _adjtimex()
    if adjtimex is None:
        return None
    asked = _Timex()
    state = adjtimex(ctypes.byref(asked))
    if state < 0:
        return None
    return state != _ERROR and not asked.status & _UNSYNCHRONIZED


@cache
def _adjtimex() -> Any:
    return getattr(ctypes.CDLL(None), "adjtimex", None) if os.name == "posix" else None
