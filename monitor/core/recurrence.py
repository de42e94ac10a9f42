"""Windows that recur by an RFC 5545 rule in the local time of their zone (R13)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule as Rule  # noqa: N812 - a class with a function's name
from dateutil.rrule import rrulestr

from monitor.core.instants import DAY, Duration, Instant, from_datetime
from monitor.core.intervals import Span

_UNTIL_UTC = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
_MARGIN = timedelta(days=2)  # more than any change of a zone's clocks
_CHUNK: Duration = 64 * DAY
_MOST_CHUNKS = 256
_LAST: Instant = 2**57  # within the calendar that can be reckoned with


@dataclass(frozen=True)
class Recurrence:
    """`rule` from `start` on, each occurrence for `duration` of elapsed time."""

    rule: str
    start: Instant
    zone: ZoneInfo
    duration: Duration

    def between(self, start: Instant, end: Instant) -> list[Span]:
        """The occurrences that reach into `[start, end)`, whole.

        Raises ValueError where the rule cannot be read.
        """
        first = (max(start, 0) - self.duration) // _CHUNK
        last = min(end, _LAST) // _CHUNK
        if last - first > _MOST_CHUNKS:
            spans = self._expanded(max(start, 0) - self.duration, min(end, _LAST))
        else:
            spans = [span for number in range(first, last + 1) for span in self._chunk(number)]
        return [span for span in spans if span[0] < end and start < span[1]]

    def starts_with_occurrence(self) -> bool:
        """Whether `start` is itself an occurrence, as R13 asks."""
        local = self._local(self.start)
        return bool(self._rule.between(local, local, inc=True))

    def _chunk(self, number: int) -> list[Span]:
        """The occurrences that start in one stretch of the calendar, expanded once: a rule is walked from its start."""
        if number not in self._chunks:
            self._chunks[number] = self._expanded(number * _CHUNK, (number + 1) * _CHUNK)
        return self._chunks[number]

    def _expanded(self, start: Instant, end: Instant) -> list[Span]:
        """The occurrences that start in `[start, end)`."""
        first, last = self._local(max(start, 0)) - _MARGIN, self._local(max(end, 0)) + _MARGIN
        spans = (self._span(local) for local in self._rule.between(first, last, inc=True))
        return [span for span in spans if start <= span[0] < end]

    @cached_property
    def _chunks(self) -> dict[int, list[Span]]:
        return {}

    @cached_property
    def _rule(self) -> Rule:
        """The rule over naive local times: that is what recurring in local time means (RFC 5545, 3.3.10)."""
        text = _UNTIL_UTC.sub(self._until, self.rule)
        made = rrulestr(text, dtstart=self._local(self.start))
        if not isinstance(made, Rule):
            raise ValueError("one RRULE is expected, without DTSTART, EXDATE or RDATE")  # noqa: TRY004
        return made

    def _until(self, found: re.Match[str]) -> str:
        until = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return "UNTIL=" + until.astimezone(self.zone).strftime("%Y%m%dT%H%M%S")

    def _local(self, instant: Instant) -> datetime:
        second, fraction = divmod(instant, 1_000_000)
        aware = datetime.fromtimestamp(second, UTC).astimezone(self.zone)
        return aware.replace(tzinfo=None, microsecond=fraction)

    def _span(self, local: datetime) -> Span:
        # A local time that the clocks skip is read with the offset before the gap, one that occurs twice is
        # the first (RFC 5545, 3.3.5): both are what fold 0 gives.
        start = from_datetime(local.replace(tzinfo=self.zone))
        return start, start + self.duration
