"""Who may come in: the web configuration in force, read again for each connection and request when a file changed.

What cannot be read leaves in force what was; the log says so once. A certificate and its key that are replaced one
after the other do not match in between, and that is no reason to turn everybody away.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import structlog

from monitor.settings.problems import ConfigurationError
from monitor.settings.webfile import WebFile, load_web_file
from monitor.web.tls import context_of, names_of

log = structlog.get_logger("web")

Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A web configuration that can be used; `file` is None where there is none."""

    file: WebFile | None = None
    context: ssl.SSLContext | None = None
    stamp: Stamp = ()

    @property
    def users(self) -> dict[str, str]:
        return {} if self.file is None else dict(self.file.users)

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.file is None else dict(self.file.headers)

    def admits(self, certificate: dict[str, Any]) -> bool:
        """Whether a client's certificate, verified already, bears a name that is allowed."""
        allowed = set(self.file.tls.client_allowed_sans) if self.file is not None and self.file.tls is not None else ()
        return not allowed or not allowed.isdisjoint(names_of(certificate))


def terms_of(path: Path | None) -> Terms:
    """What a web configuration asks for. Raises ConfigurationError with all its problems."""
    if path is None:
        return Terms()
    file = load_web_file(path)
    before = _stamp(file.files)  # what changes while it is read is read again
    return Terms(file, context_of(file), before)


AGAIN = 60.0
"""Seconds after which files that could not be read are tried again: not only they may have been the reason."""


class Access:
    """`current` is what holds now; `monotonic` tells the seconds."""

    def __init__(self, terms: Terms, monotonic: Callable[[], float]) -> None:
        self._terms = terms
        self._tried = terms.stamp
        self._monotonic = monotonic
        self._again = inf
        self._problems: tuple[str, ...] = ()  # of the last try, said already

    def change(self, terms: Terms) -> None:
        self._terms = terms
        self._tried = terms.stamp
        self._read()

    def current(self) -> Terms:
        file = self._terms.file
        if file is None:
            return self._terms
        seen = _stamp(file.files)
        if seen != self._tried or self._monotonic() >= self._again:
            self._tried = seen
            self._renew(file.path)
        return self._terms

    def _renew(self, path: Path) -> None:
        try:
            self._terms = terms_of(path)
        except ConfigurationError as error:
            self._again = self._monotonic() + AGAIN
            problems = tuple(map(str, error.problems))
            for problem in problems if problems != self._problems else ():
                log.error("web_configuration.refused", problem=problem)  # noqa: TRY400 - the line is all of it
            self._problems = problems
        else:
            self._tried = self._terms.stamp
            self._read()
            log.info("web_configuration.read_again", file=str(path))

    def _read(self) -> None:
        self._again, self._problems = inf, ()


def _stamp(paths: tuple[Path, ...]) -> Stamp:
    return tuple(map(_one, paths))


def _one(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
