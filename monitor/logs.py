"""Logs: structlog, one event a line; for people on a terminal, for systemd's journal with fields, else JSON.

Each subsystem has a level, which can be changed while the program runs. Nothing that a server sent can make a line, or
move a terminal's cursor: what does not print is escaped in every value, whoever logs it.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO, get_args

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.checklines import printable
from monitor.journal import SOCKET, Journal, reads_along, written
from monitor.settings.sections import Format, LogSettings, Subsystem

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
SUBSYSTEMS: tuple[str, ...] = get_args(Subsystem)
MOST_OF_A_LIBRARY = 500
"""Characters of what others' code says."""


class Levels:
    """The least severity of each subsystem that is written."""

    def __init__(self) -> None:
        self._usual = "info"
        self._own: dict[str, str] = {}

    def change(self, settings: LogSettings) -> None:
        self._usual, self._own = settings.level, dict(settings.levels.items())

    def set(self, subsystem: str, level: str) -> None:
        """Raises ValueError for what is none."""
        if subsystem not in SUBSYSTEMS:
            raise ValueError(f'there is no subsystem "{printable(subsystem)}"; known: {", ".join(SUBSYSTEMS)}')
        if level not in LEVELS:
            raise ValueError(f'there is no level "{printable(level)}"; known: {", ".join(LEVELS)}')
        self._own[subsystem] = level

    def listed(self) -> dict[str, str]:
        return {name: self._own.get(name, self._usual) for name in SUBSYSTEMS}

    def wanted(self, subsystem: str, level: str) -> bool:
        return LEVELS.get(level, logging.ERROR) >= LEVELS[self._own.get(subsystem, self._usual)]


levels = Levels()


class _Open:
    """The journal that is written to, if any."""

    def __init__(self) -> None:
        self._journal: Journal | None = None

    def replace(self, journal: Journal | None) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = journal


_open = _Open()


class _Sink:
    """Where the lines of one subsystem go."""

    def __init__(self, subsystem: str, stream: TextIO, journal: Journal | None) -> None:
        self.subsystem = subsystem
        self._stream = stream
        self._journal = journal

    def msg(self, line: str, level: str, event: Mapping[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(level, line, event)
        else:
            written(line, self._stream)

    debug = info = warning = error = critical = exception = msg


def configure(settings: LogSettings, form: Format | None = None, journal: Path = SOCKET) -> None:
    """`form` in place of the settings'. Libraries' own logs pass from warning on."""
    levels.change(settings)
    form = form or settings.format
    stream = sys.stderr
    if form == "auto":
        form = "console" if stream.isatty() else "journal" if reads_along(stream) else "json"
    colours = stream.isatty()
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=colours)
    to = Journal(journal, stream) if form == "journal" else None
    _open.replace(to)
    structlog.configure(
        processors=[
            _wanted,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _made_printable,
            _rendered(renderer),
        ],
        wrapper_class=structlog.BoundLogger,
        logger_factory=lambda *names: _Sink(names[0] if names else "library", stream, to),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Library()], force=True)
    # It logs commands with their passwords, and what it says of hostile servers is in the check's own record.
    logging.getLogger("aioimaplib").setLevel(logging.CRITICAL)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _wanted(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if not levels.wanted(logger.subsystem, method):
        raise structlog.DropEvent
    event["subsystem"] = logger.subsystem
    return event


def _made_printable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: _safe(value) for key, value in event.items()}


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else printable(value)
    if isinstance(value, Mapping):
        return {_safe(key): _safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else printable(str(value))


def _rendered(renderer: Processor) -> Processor:
    def render(logger: WrappedLogger, method: str, event: EventDict) -> Any:
        fields = dict(event)
        return (renderer(logger, method, event), method, fields), {}

    return render


class _Library(logging.Handler):
    """What others' code logs, in our form. Of an exception only its type and place: its text may be a secret's."""

    def emit(self, record: logging.LogRecord) -> None:
        more: dict[str, Any] = {}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            more = {
                "error": type(error).__name__,
                "where": f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None,
            }
        text = record.getMessage().partition("\n")[0][:MOST_OF_A_LIBRARY]
        level = record.levelname.lower()
        say = getattr(structlog.get_logger("library"), level if level in LEVELS else "error")
        say("library.said", logger=record.name, message=text, **more)
