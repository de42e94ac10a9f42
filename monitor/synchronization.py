"""Whether the system's clock is kept by a time source: what the kernel says of it, by adjtimex(2)."""

import ctypes
import os
from functools import cache
from typing import Any

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
