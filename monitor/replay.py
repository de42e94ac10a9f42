"""Recorded checks put through the accounting once more: in which order they go into a book, and what it answers.

While each target's checks come in the order of their instants they go straight into the book. At the first that does
not, everything begins anew, sorted on disk, so that neither order nor duplicates change a figure (R1, R5).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from monitor.checkfile import CheckFile, Problems
from monitor.checklines import CheckLine, LineReader
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Check
from monitor.core.instants import Instant
from monitor.core.maintenance import Exclusion
from monitor.sorting import RUN, in_order

Progress = Callable[[int], None]
"""Told how many checks were read, from time to time."""
PROGRESS_EVERY = 50_000


class OutOfOrderError(Exception):
    """A check lies before one of its target that was taken already."""


class UnknownOutageError(Exception):
    """An exclusion names an outage that the checks do not give; the text is one line."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How recorded checks are read: up to `until`, with `run` checks sorted in memory at once."""

    file: CheckFile
    reader: LineReader
    until: Instant | None = None
    progress: Progress = lambda _: None
    run: int = RUN

    def into(self, books: Callable[[], Sequence[Book]]) -> tuple[Sequence[Book], Problems]:
        """Make books and put every check into each; with any problem they are of no use. Raises OSError."""
        problems = Problems(self.file.name)
        try:
            return _fed(books(), self._checks(problems)), problems
        except OutOfOrderError:
            problems = Problems(self.file.name)
            return _fed(books(), in_order(self._checks(problems), self.run)), problems

    def _checks(self, problems: Problems) -> Iterator[CheckLine]:
        """The checks that count; after a problem the rest is only read for more of them."""
        for number, line in enumerate(self.file.checks(self.reader, problems), 1):
            if number % PROGRESS_EVERY == 0:
                self.progress(number)
            if not problems.count and (self.until is None or line.at < self.until):
                yield line


def _fed(books: Sequence[Book], lines: Iterator[CheckLine]) -> Sequence[Book]:
    for line in lines:
        for book in books:
            voice = book.rules.targets[line.target].stale_after if line.voice is None else line.voice
            check = Check(line.at, line.outcome, line.duration, voice, line.speaks, line.cause)
            try:
                book.record(line.target, check)
            except ValueError:
                raise OutOfOrderError from None
    return books


def horizon_of(month: Month, zone: ZoneInfo, until: Instant | None) -> Horizon:
    """A replay at the time `until`, else one that looks at the whole month (R8)."""
    return Horizon(month.span(zone)[1], now=False) if until is None else Horizon(until, now=True)


def excluded(book: Book, exclusion: Exclusion, outage: str | None, horizon: Horizon) -> Exclusion:
    """An exclusion with the span, and where it says no scope the service, of the outage that it names.

    Raises UnknownOutageError.
    """
    if outage is None:
        return exclusion
    found = book.outage(outage, horizon)
    if found is None:
        raise UnknownOutageError(f"the checks give no outage {outage}; a replay without the exclusion lists their ids")
    return exclusion.over(found.service, (found.start, found.end))
