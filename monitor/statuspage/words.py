"""How the page says things in one language: rounded as R12 says, in the agreement's zone, causes in plain words."""

from collections.abc import Mapping
from datetime import date

from monitor.core.calendar import Month
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, Duration, Instant, to_datetime
from monitor.statuspage.view import Occurrence, Outage, Site
from monitor.texts import Language, dates
from monitor.texts.lengths import NO_BREAK
from monitor.texts.speech import Speech


class Words(Speech):
    """`words("nav.history")` is the page's text of that key."""

    part = "status"

    def called(self, site: Site, name: str) -> str:
        """A service's title."""
        titles: Mapping[Language, str] = site.services.get(name, {})
        return titles.get(self.language, name)

    def page_title(self, site: Site) -> str:
        return site.title.get(self.language) or self("title")

    def moment(self, instant: Instant) -> str:
        """To the minute, cut off."""
        return dates.moment(to_datetime(instant, self.zone), self.language).replace(" ", NO_BREAK)

    def exactly(self, instant: Instant) -> str:
        """To the second, cut off."""
        return dates.moment(to_datetime(instant, self.zone), self.language, seconds=True).replace(" ", NO_BREAK)

    def machine(self, instant: Instant) -> str:
        """For a `datetime` attribute and for feeds: RFC 3339, whole seconds."""
        return to_datetime(instant // SECOND * SECOND, self.zone).isoformat()

    def span(self, start: Instant, end: Instant) -> str:
        """From and to; the day only once where it is the same."""
        first, last = to_datetime(start, self.zone), to_datetime(end, self.zone)
        until = dates.clock(last, self.language) if first.date() == last.date() else self.moment(end)
        return f"{self.moment(start)} – {until}".replace(" ", NO_BREAK).replace(f"{NO_BREAK}–{NO_BREAK}", " – ")

    def day(self, instant: Instant) -> str:
        return dates.short_day(to_datetime(instant, self.zone).date(), self.language)

    def month(self, month: Month) -> str:
        return dates.month(date(month.year, month.number, 1), self.language)

    def age(self, duration: Duration) -> str:
        """How long ago, in its two largest units."""
        days, hours, minutes = duration // DAY, duration % DAY // HOUR, duration % HOUR // MINUTE
        if days:
            return self("unit.days", days=days, hours=hours)
        return self("unit.hours", hours=hours, minutes=minutes) if hours else self("unit.minutes", count=minutes)

    def state(self, state: str) -> str:
        return self(f"state.{state}")

    def protocol(self, protocol: str) -> str:
        key = f"protocol.{protocol}"
        return self(key) if f"status.{key}" in self._texts else protocol

    def cause(self, cause: str | None) -> str:
        """What was seen, in plain words."""
        key = f"cause.{cause or 'unknown'}"
        return self._texts(key if key in self._texts else "cause.unknown")

    def failed(self, outage: Outage) -> str:
        """What failed and how, as one sentence."""
        what = self("list_of").join(map(self.protocol, outage.protocols))
        return self("failed", what=what, cause=self.cause(outage.cause)) if what else self.cause(outage.cause)

    def concerned(self, site: Site, occurrence: Occurrence) -> str:
        """Whom maintenance is about, by title; of services that are hidden nothing is said."""
        if not occurrence.services:
            return self("maintenance.everything")
        return self("list_of").join(self.called(site, name) for name in occurrence.services if name in site.services)
