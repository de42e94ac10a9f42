"""What the book says of maintenance and outages, as the page shows it."""

from collections.abc import Mapping

from monitor.core.instants import DAY, Instant
from monitor.core.maintenance import Window
from monitor.core.outages import ServiceOutage
from monitor.statuspage.view import Occurrence, Outage

DAYS = 90
"""How far back bars and maintenance go."""
AHEAD = 366 * DAY
MOST_OCCURRENCES = 500


def occurrences(windows: tuple[Window, ...], now: Instant) -> tuple[Occurrence, ...]:
    """Maintenance of the last days and of the year ahead; of too much the nearest to now."""
    found: dict[tuple[str, Instant], Occurrence] = {}
    for window in windows:
        for start, planned in window.occurrences(now - DAYS * DAY, now + AHEAD):
            acts = [one for one in window.amendments if one.at < planned]
            changed = max([window.declared or 0, *(one.at for one in acts)])
            services = tuple(dict.fromkeys(scope.partition("/")[0] for scope in window.scope))
            found[window.id, start] = Occurrence(
                window.id,
                services,
                start,
                max(start, window.cut(planned)),
                planned,
                window.reason,
                changed,
                len(acts),
            )
    nearest = sorted(found.values(), key=lambda one: abs(one.start - now))[:MOST_OCCURRENCES]
    return tuple(sorted(nearest, key=lambda one: (one.start, one.id)))


def outage_of(outage: ServiceOutage, protocols: Mapping[str, str], *, details: bool) -> Outage:
    targets = outage.targets
    return Outage(
        outage.id,
        outage.service,
        outage.start,
        None if outage.ongoing else outage.end,
        outage.seconds,
        outage.excused_seconds,
        outage.min_seconds,
        outage.max_seconds,
        tuple(dict.fromkeys(protocols[target] for target in targets if target in protocols)),
        outage.cause,
        targets if details else (),
    )


def whole(before: Outage | None, portion: Outage) -> Outage:
    """An outage with its portion of one more month."""
    if before is None:
        return portion
    return Outage(
        portion.id,
        portion.service,
        portion.start,
        portion.end,
        before.seconds + portion.seconds,
        before.excused + portion.excused,
        before.least + portion.least,
        before.most + portion.most,
        portion.protocols,
        portion.cause,
        portion.targets,
    )
