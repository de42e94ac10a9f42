"""The configuration read again while the daemon runs: all of it takes effect, or nothing does.

One reload after the other. A file that is refused changes nothing and is said in the log, in a metric, and to whoever
asked. What only a restart can change stays as it was, and that is said, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from monitor.alerting.sender import understood
from monitor.clock import Clock
from monitor.core.instants import SECOND, Instant
from monitor.notify import Notifier
from monitor.settings import ConfigurationError, Settings, load
from monitor.web.access import Terms, terms_of

log = structlog.get_logger("daemon")

PINNED = (
    ("web", "listen"),
    ("status", "listen"),
    ("ledger", "path"),
    ("control", "socket"),
    ("metrics", "months"),
    ("sla", "close_after"),
    ("log", "format"),
)
"""Section and key of what a restart alone changes."""


@dataclass(frozen=True, slots=True)
class Request:
    who: str
    done: "asyncio.Future[list[str]] | None" = None  # what waits for a restart, or ConfigurationError


class Reloader:
    """`put` reads the file and puts it in force: it returns what waits for a restart, or raises ConfigurationError
    and has changed nothing. `status` is a line for the service manager.
    """

    def __init__(
        self,
        clock: Clock,
        notifier: Notifier,
        put: Callable[[], Awaitable[list[str]]],
        status: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._notifier = notifier
        self._put = put
        self._status = status
        self._asked: asyncio.Queue[Request] = asyncio.Queue()
        self.successful = True
        self.succeeded_at: Instant = clock.now()

    def hang_up(self) -> None:
        """SIGHUP; while one waits, another asks for the same."""
        if self._asked.empty():
            self._asked.put_nowait(Request("SIGHUP"))

    async def ask(self, who: str) -> list[str]:
        """Reload for somebody; returns what waits for a restart. Raises ConfigurationError."""
        done: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(Request(who, done))
        return await done

    async def run(self) -> None:
        while True:
            request = await self._asked.get()
            self._notifier.say("RELOADING=1", f"MONOTONIC_USEC={round(self._clock.monotonic() * SECOND)}")
            try:
                await self._reload(request)
            finally:
                self._notifier.say("READY=1", self._status())

    async def _reload(self, request: Request) -> None:
        done = request.done
        try:
            waiting = await self._put()
        except ConfigurationError as error:
            self.successful = False
            for problem in str(error).splitlines():
                log.error("configuration.refused", problem=problem, who=request.who)  # noqa: TRY400 - the lines are the whole of it
            if done is not None and not done.done():
                done.set_exception(error)
            return
        self.successful, self.succeeded_at = True, self._clock.now()
        log.info("configuration.in_force", who=request.who)
        for line in waiting:
            log.warning("configuration.waits_for_restart", what=line)
        if done is not None and not done.done():
            done.set_result(waiting)


async def read_anew(old: Settings) -> tuple[Settings, list[str], Terms]:
    """The configuration and all that it names, as it stands now, and what of it waits for a restart.

    Raises ConfigurationError.
    """
    settings, waiting = pinned(old, await asyncio.to_thread(load, old.path))  # seconds, with 10,000 targets
    settings.load_secrets()
    await understood(settings)
    terms_of(settings.status.config_file)  # its process reads it for itself, and has nobody to complain to
    return settings, waiting, terms_of(settings.web.config_file)


def pinned(old: Settings, new: Settings) -> tuple[Settings, list[str]]:
    """The new settings with what a running daemon cannot change as it was, and a line for each of those."""
    lines = []
    for section, key in PINNED:
        before, after = getattr(getattr(old, section), key), getattr(getattr(new, section), key)
        if before != after:
            lines.append(f"{section}.{key} stays {before} until the daemon is restarted; the file says {after}")
            kept = getattr(new, section).model_copy(update={key: before})
            new = replace(new, **{section: kept})
    return new, lines
