"""How the C library keeps memory: what a large scrape or a reload took for a moment goes back to the machine.

Left alone glibc learns from the first large block that is freed to keep the next ones, up to 32 MiB each, and gives
every thread a heap of its own: with 10,000 targets 90 MB more are held after two scrapes.
"""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # M_… in malloc.h
LARGE = 512 * 1024
"""Bytes from which a block is mapped by itself; uvloop's buffer for a TLS connection, 256 KiB, is not."""
KEPT_FREE = 4 * 1024 * 1024
"""Bytes at the heap's end that stay for the next check."""
HEAPS = 2


def lean() -> None:
    """From now on keep no more than that; where the C library is another, nothing changes.

    The collector pauses until `settle`: what is loaded stays, and to look for it took a tenth of the start.
    """
    gc.disable()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, KEPT_FREE), (_ARENA_MAX, HEAPS)):
            mallopt(parameter, value)


def settle() -> None:
    """What is there now stays: gone through again and again by the collector, it cost a twentieth of each check."""
    gc.collect()  # else what loading left behind would stay too
    gc.freeze()
    gc.enable()
