"""How a report writes values in one language: rounded as R12 says, months with the year of both eras."""

from calendar import monthrange
from datetime import date
from fractions import Fraction

from monitor.core.calendar import Month
from monitor.core.instants import Instant, to_datetime
from monitor.incidents.desk import PREFIX
from monitor.texts import dates
from monitor.texts.speech import Speech

_CAUSE_UNKNOWN = "unknown"
_REASONS = {"the month is over": "over", "time has passed": "passed"}


class Words(Speech):
    """`words("outage.heading")` is the report's text of that key."""

    part = "report"

    def month(self, month: Month) -> str:
        """With the year of either era: `พฤศจิกายน พ.ศ. 2569 (ค.ศ. 2026)`."""
        first = date(month.year, month.number, 1)
        other = dates.year(first, "en" if self.language == "th" else "th")
        return self("of_month", month=dates.month(first, self.language), era=other)

    def days(self, month: Month) -> int:
        return monthrange(month.year, month.number)[1]

    def moment(self, instant: Instant) -> str:
        """To the second, cut off."""
        return dates.moment(to_datetime(instant, self.zone), self.language, seconds=True)

    def minute(self, instant: Instant) -> str:
        return dates.moment(to_datetime(instant, self.zone), self.language)

    def day(self, iso: str) -> str:
        return dates.short_day(date.fromisoformat(iso), self.language)

    def between(self, lower: Fraction, upper: Fraction) -> str:
        """`99.884–99.888 %`."""
        return f"{self.percent(lower)[:-2]}–{self.percent(upper)}"

    def number(self, value: int) -> str:
        return f"{value:,}"

    def cause(self, cause: str | None) -> str:
        """What was seen, in plain words; of a cause that this version does not know, its name."""
        key = f"cause.{cause or _CAUSE_UNKNOWN}"
        return self._texts(key) if key in self._texts else str(cause)

    def priority(self, priority: str | None) -> str:
        key = f"report.priority.{priority}"
        return self._texts(key) if key in self._texts else priority or ""

    def reason(self, recorded: str) -> str:
        """Why a month was closed anew, as the ledger has it: an act and an id; what is neither stands as it is."""
        if recorded in _REASONS:
            return self(f"act.{_REASONS[recorded]}")
        act, _, identity = recorded.partition(" ")
        key = "act.ticket" if act.startswith(PREFIX) else f"act.{act.replace('.', '_')}"
        return self(key, id=identity) if identity and f"report.{key}" in self._texts else recorded
