"""How figures are said in one language wherever people read them: rounded as R12 says."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar
from zoneinfo import ZoneInfo

from monitor import texts
from monitor.core.calendar import Month
from monitor.core.instants import Duration
from monitor.figures import percent
from monitor.texts import Language, dates, lengths

NOTHING = "–"


class Speech:
    """`speech("outage.heading")` is the text of that key among those of `part`, which subclasses name."""

    part: ClassVar[str]

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self._texts = texts.of(language)

    def __call__(self, key: str, **values: object) -> str:
        return self._texts(f"{self.part}.{key}", **values)

    def short_month(self, month: Month) -> str:
        return dates.short_month(date(month.year, month.number, 1), self.language)

    def percent(self, value: Fraction | None) -> str:
        """Three decimals, rounded down."""
        return NOTHING if value is None else percent(value).replace(" ", lengths.NO_BREAK)

    def promised(self, value: Fraction) -> str:
        """A promise as it was configured, with all its decimals."""
        decimal = (Decimal(value.numerator) / Decimal(value.denominator)).normalize()
        return f"{decimal:f}{lengths.NO_BREAK}%"

    def length(self, duration: Duration | Fraction) -> str:
        """Minutes and seconds, rounded up to the second."""
        return lengths.spent(self._texts, duration)

    def left(self, duration: Duration) -> str:
        """The same rounded down: what is left of a budget is never overstated."""
        return lengths.left(self._texts, duration)
