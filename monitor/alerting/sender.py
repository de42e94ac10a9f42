"""Starts the courier, a process for each message, and kills it at its deadline."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from monitor.settings import ConfigurationError, Settings
from monitor.settings.problems import Report

DEADLINE = 20.0
"""Seconds for one try."""

Send = Callable[[Mapping[str, str]], Awaitable[str]]
"""Hands one message over; returns `sent`, or in one line without a secret why not."""

_COURIER = Path(__file__).with_name("courier.py")


async def send(document: Mapping[str, str]) -> str:
    """As `Send`; a caller that is cancelled leaves no process behind."""
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(_COURIER),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        return error.strerror or "no process"
    try:
        async with asyncio.timeout(DEADLINE):
            said, _ = await process.communicate(json.dumps(dict(document)).encode())
    except TimeoutError:
        return f"no answer in {DEADLINE:.0f} s"
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return said.decode(errors="replace").strip()[:200] or "Apprise failed"


async def understood(settings: Settings) -> None:
    """Have Apprise look at every URL, without a network. Raises ConfigurationError."""
    report = Report(str(settings.path))
    places = {placed.secret: placed.place for placed in reversed(settings.secrets)}
    for url in settings.notify.urls:
        if await send({"url": url.reveal()}) != "understood":
            hint = "one of github.com/caronc/apprise/wiki, such as slack://TOKEN/#CHANNEL"
            report.add_at(places[url], f"what stands in {url} is no URL that Apprise knows", hint)
    report.stop()


__all__ = ["ConfigurationError", "Send", "send", "understood"]
