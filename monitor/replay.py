"""Recorded checks put through the accounting once more: which book they go into, and in which order.

Checks that come in the order of their instants go straight into the book. At the first that does not, everything
begins anew, sorted on disk. Of one target's checks at one instant only the one that counts is handed on, so that
neither order nor duplicates change a figure (R1, R5).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.checkfile import CheckFile, Problems
from monitor.checklines import CheckLine, LineReader
from monitor.core.book import Book
from monitor.core.check import Check, stronger
from monitor.core.instants import Instant
from monitor.sorting import RUN, in_order

Progress = Callable[[int], None]
"""Told how many checks were read, from time to time."""
PROGRESS_EVERY = 50_000


@dataclass(slots=True)
class Feed:
    """Takes checks in the order of their instants into a book. Of each target the newest waits for its equals."""

    book: Book
    _waiting: dict[str, Check] = field(default_factory=dict)

    def take(self, line: CheckLine) -> None:
        voice = self.book.rules.targets[line.target].stale_after if line.voice is None else line.voice
        check = Check(line.at, line.outcome, line.duration, voice, line.speaks, line.cause)
        if not check.heard:
            self.book.record(line.target, check)
            return
        before = self._waiting.get(line.target)
        if before is not None and before.at == check.at:
            check = _counting(before, check)
        elif before is not None:
            self.book.record(line.target, before)
        self._waiting[line.target] = check

    def finish(self) -> None:
        for target, check in self._waiting.items():
            self.book.record(target, check)
        self._waiting.clear()


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
        feeds = [Feed(book) for book in books()]
        if not _fed(feeds, self._checks(problems), problems, sort=False):
            problems = Problems(self.file.name)
            feeds = [Feed(book) for book in books()]
            _fed(feeds, in_order(self._checks(problems), self.run), problems, sort=True)
        return [feed.book for feed in feeds], problems

    def _checks(self, problems: Problems) -> Iterator[CheckLine]:
        for number, line in enumerate(self.file.checks(self.reader, problems), 1):
            if number % PROGRESS_EVERY == 0:
                self.progress(number)
            if not problems.count and (self.until is None or line.at < self.until):
                yield line


def _fed(feeds: Sequence[Feed], lines: Iterator[CheckLine], problems: Problems, *, sort: bool) -> bool:
    """Whether the lines came in order; where they did not, the books are half full."""
    newest = 0
    for line in lines:
        if line.at < newest:
            return False
        newest = line.at
        for feed in feeds:
            feed.take(line)
    for feed in feeds:
        feed.finish()
    return True


def _counting(one: Check, other: Check) -> Check:
    """The one that counts (R1); of two that differ in nothing but the cause, always the same."""
    return stronger(*sorted((one, other), key=lambda check: check.cause or ""))
