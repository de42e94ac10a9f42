"""Where the pictures of failed checks are kept: files beside the ledger, few for each outage and few in all.

They are evidence for people and decide no figure, so a disk that refuses them stops nothing.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from monitor.core.check import Outcome
from monitor.core.instants import to_datetime
from monitor.runner import Result

UTC = ZoneInfo("UTC")
log = structlog.get_logger("attachments")

PER_OUTAGE = 3
"""Of one target between two checks that are up: the first ones tell how it began."""
MOST_FILES = 500
MOST_BYTES = 1 << 20
_NAME = re.compile(r"[a-z0-9_-]{1,40}\.png")


class Attachments:
    """Takes attachments from results at once, and writes them when told to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: dict[str, int] = {}  # checks with attachments by target, since its last check that was up
        self._waiting: dict[str, bytes] = {}

    def take(self, result: Result) -> list[str]:
        """The paths that attachments of a check will have, from the ledger's directory on; none beyond the bounds."""
        target = result.target.name
        if result.check.outcome is Outcome.UP:
            if not result.pulse:
                self._kept.pop(target, None)
            return []
        found = {name: data for name, data in result.evidence.attachments.items() if _fits(name, data)}
        if not found or self._kept.get(target, 0) >= PER_OUTAGE:
            return []
        self._kept[target] = self._kept.get(target, 0) + 1
        stem = f"{to_datetime(result.check.at, UTC):%Y%m%dT%H%M%S.%fZ}-{target.replace('/', '.')}"
        files = {f"{stem}-{name}": data for name, data in found.items()}
        self._waiting |= files
        return [f"{self._directory.name}/{name}" for name in files]

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def write(self) -> None:
        """Write what waits and remove the oldest beyond the bound; for a thread."""
        files, self._waiting = self._waiting, {}
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            for name, data in files.items():
                descriptor = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
            for old in sorted(self._directory.glob("*.png"))[:-MOST_FILES]:
                with suppress(FileNotFoundError):
                    old.unlink()
        except OSError as error:
            log.warning("attachments.not_written", directory=str(self._directory), reason=error.strerror)


def _fits(name: str, data: bytes) -> bool:
    return _NAME.fullmatch(name) is not None and len(data) <= MOST_BYTES
