"""The month's figures as documents: the one JSON shape of `sla`, `replay` and the API, and text for people (R12)."""

import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from monitor.core.calendar import Month
from monitor.core.declarations import Act
from monitor.core.events import Outage
from monitor.core.instants import DAY, HOUR, MINUTE, SECOND, Duration, Instant, format_instant, seconds
from monitor.core.maintenance import Exclusion
from monitor.core.month import Figures
from monitor.core.outages import ServiceOutage
from monitor.core.workload import Workload

Document = dict[str, Any]

_FRACTION = re.compile(r"\.\d+")


def month_document(month: Month, zone: ZoneInfo, services: Iterable[Figures]) -> Document:
    return {
        "month": str(month),
        "timezone": zone.key,
        "services": [service_document(figures, zone) for figures in services],
    }


def service_document(figures: Figures, zone: ZoneInfo) -> Document:
    """One service's figures: seconds exact with up to six decimals, times with the zone's offset."""
    sums = figures.sums
    to_date, by_accounts = figures.availability_to_date, figures.availability_weighted
    return {
        "service": figures.service,
        "total_seconds": seconds(figures.total),
        "gross_downtime_seconds": seconds(sums.downtime + sums.excused),
        "excused_seconds": seconds(sums.excused),
        "downtime_seconds": seconds(sums.downtime),
        "unknown_seconds": seconds(sums.unknown),
        "coverage": None if figures.coverage is None else float(figures.coverage),
        "availability_percent": float(figures.availability),
        "availability_lower_percent": float(figures.availability_lower),
        "availability_upper_percent": float(figures.availability_upper),
        "budget_seconds": seconds(figures.budget),
        "remaining_seconds": seconds(figures.remaining),
        "met": figures.met,
        "verdict": figures.verdict,
        "since": None if figures.since is None else format_instant(figures.since, zone),
        "until": None if figures.until is None else format_instant(figures.until, zone),
        "provisional": figures.provisional,
        "elapsed_seconds": seconds(sums.length),
        "up_seconds": seconds(sums.up),
        "availability_to_date_percent": None if to_date is None else float(to_date),
        "suspect": list(figures.suspect),
        "objectives": {
            "availability": {
                "target_percent": _number(figures.objectives.availability),
                "met": figures.availability_met,
            },
            "downtime": {
                "target_seconds": seconds(figures.objectives.downtime),
                "met": figures.downtime_met,
            },
        },
        "blips": {"count": figures.blips[0], "seconds": seconds(figures.blips[1])},
        "outages": [outage_document(outage, zone) for outage in figures.outages],
        **({} if by_accounts is None else {"availability_weighted_percent": float(by_accounts)}),
    }


def workload_document(workload: Workload) -> Document:
    basis = {"accounts": workload.basis.accounts, "services": workload.basis.services}
    return {
        "accounts": workload.accounts,
        "services": workload.services,
        "basis": basis,
        "exceeded": list(workload.exceeded),
    }


def outage_document(outage: ServiceOutage, zone: ZoneInfo) -> Document:
    return {
        "id": outage.id,
        "start": format_instant(outage.start, zone),
        "end": None if outage.ongoing else format_instant(outage.end, zone),
        "ongoing": outage.ongoing,
        "seconds": seconds(outage.seconds),
        "min_seconds": seconds(outage.min_seconds),
        "max_seconds": seconds(outage.max_seconds),
        "excused_seconds": seconds(outage.excused_seconds),
        "targets": list(outage.targets),
        "cause": outage.cause,
    }


def exclusion_document(exclusion: Exclusion, act: Act, zone: ZoneInfo) -> Document:
    """What was asked for, and by whom; not what it comes to."""
    return {
        "id": exclusion.id,
        "scope": list(exclusion.scope),
        "start": format_instant(exclusion.start, zone),
        "end": format_instant(exclusion.end, zone),
        "category": exclusion.category,
        "evidence": exclusion.evidence,
        "by": exclusion.by,
        "approved_by": exclusion.approved_by,
        "attested_by_one": act.attested_by_one(exclusion.approved_by),
    }


def bounds_document(target: str, outage: Outage, zone: ZoneInfo) -> Document:
    """A target's outage with the bounds of its true start and end (R4); an end that is not known is null."""

    def between(after: Instant, until: Instant) -> list[str]:
        return [format_instant(after, zone), format_instant(until, zone)]

    return {
        "target": target,
        "start": format_instant(outage.start, zone),
        "end": None if outage.ongoing else format_instant(outage.end, zone),
        "start_bounds": between(outage.outer_start, outage.certain_start),
        "end_bounds": None if outage.ongoing else between(outage.certain_end, outage.outer_end),
        "cause": outage.cause,
    }


def percent(value: Fraction | float) -> str:
    """A percentage for people: three decimals, rounded down, so that a miss never reads as a hit (R12)."""
    thousandths = int(Fraction(value) * 1000 // 1)
    sign = "-" if thousandths < 0 else ""
    whole, rest = divmod(abs(thousandths), 1000)
    return f"{sign}{whole}.{rest:03} %"


def minutes(duration: Duration) -> str:
    """Minutes and seconds for people, rounded up to the second (R12), as in `216 min` or `12 min 05 s`."""
    return _minutes(-(-duration // SECOND))


def minutes_left(duration: Duration) -> str:
    """The same rounded down: what is left of a budget is never overstated."""
    return _minutes(duration // SECOND)


def moment(text: str) -> str:
    """A document's time for people: whole seconds, as in `2026-11-10 10:01:00+07:00`."""
    return _FRACTION.sub("", text).replace("T", " ")


def coarse(duration: Duration) -> str:
    """A long duration for people, in its two largest units, as in `112 d 23 h`."""
    units = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND))
    whole = [(name, duration // unit, duration % unit // following[1]) for (name, unit), following in pairwise(units)]
    for (name, count, rest), (_, smaller) in zip(whole, pairwise([name for name, _ in units]), strict=True):
        if count:
            return f"{count} {name} {rest} {smaller}" if rest else f"{count} {name}"
    return f"{duration // SECOND} s"


def _minutes(total: int) -> str:
    whole, rest = divmod(abs(total), 60)
    sign = "-" if total < 0 else ""
    if not rest:
        return f"{sign}{whole} min"
    return f"{sign}{whole} min {rest:02} s" if whole else f"{sign}{rest} s"


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
