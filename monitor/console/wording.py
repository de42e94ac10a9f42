"""Values as officials write them, in the language of the page and the zone of the agreement."""

from datetime import datetime
from math import floor
from zoneinfo import ZoneInfo

from monitor import texts
from monitor.core.instants import SECOND, Instant, to_datetime
from monitor.texts import Language, dates, lengths

NO_BREAK = "\u00a0"


class Wording:
    """Called by templates as `w`."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.t = texts.of(language)

    def moment(self, when: str | Instant, *, seconds: bool = True) -> str:
        """A document's time, or an instant."""
        local = datetime.fromisoformat(when) if isinstance(when, str) else to_datetime(when, self.zone)
        day, time = dates.short_day(local, self.language), dates.clock(local, self.language, seconds=seconds)
        return f"{day.replace(' ', NO_BREAK)} {time.replace(' ', NO_BREAK)}"

    def month(self, text: str) -> str:
        """`2026-11`."""
        return dates.month(datetime.fromisoformat(f"{text}-01"), self.language)

    def length(self, seconds: float) -> str:
        """Downtime, rounded up to the second (R12)."""
        return lengths.spent(self.t, round(seconds * SECOND))

    def left(self, seconds: float) -> str:
        """What is left of a budget, rounded down: it is never overstated."""
        return lengths.left(self.t, round(seconds * SECOND))

    def hours(self, seconds: float) -> str:
        """What is left on a clock, or a target: hours and minutes, a begun minute not counted."""
        hours, minutes = divmod(round(seconds * SECOND) // (60 * SECOND), 60)
        return self.t("console.length.hours", hours=f"{hours:,}", minutes=f"{minutes:02}")

    def milliseconds(self, seconds: float) -> str:
        return self.t("console.length.milliseconds", number=f"{seconds * 1000:,.1f}")

    def percent(self, value: float) -> str:
        """Rounded down (R12), as in `99.0 %`."""
        return f"{floor(value * 10) / 10:.1f}{NO_BREAK}%"

    def scope(self, names: list[str]) -> str:
        return ", ".join(names) if names else self.t("console.everything")

    def known(self, key: str, fallback: str) -> str:
        """A text that may not be there, such as of a word that a newer part of the program brings."""
        return self.t(key) if key in self.t else fallback
