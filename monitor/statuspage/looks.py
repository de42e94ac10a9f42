"""What the templates set: bars, figures and lists, worked out of the view in one language's words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.core.instants import Duration
from monitor.core.month import Figures
from monitor.statuspage.board import Board
from monitor.statuspage.view import Day, Outage, Past, Present, View
from monitor.statuspage.words import Words

WIDTH, GAP, TALL, LOW, TOP = 3, 1, 40, 10, 9
LOOKS = ("up", "down", "maintenance", "unknown", "none")


@dataclass(frozen=True, slots=True)
class Bars:
    """A row of bars, one a day, as a path a look: hundreds of rows stand on one page."""

    paths: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, str], ...]
    width: int
    summary: str


@dataclass(frozen=True, slots=True)
class Row:
    """A service in a list."""

    service: Present
    title: str
    state: str
    bars: Bars
    sentence: str
    """What is left of the month's budget."""


def look_of(day: Day) -> str:
    """What a day's bar shows: the worst that there was."""
    of = day.sums
    if not of.length:
        return "none"
    if of.downtime:
        return "down"
    if of.excused:
        return "maintenance"
    return "unknown" if of.unknown else "up"


def bars(days: Sequence[Day], w: Words) -> Bars:
    """A bar for each day; above each that is not plain a mark of its own shape, so that no colour is needed."""
    drawn: dict[str, list[str]] = {look: [] for look in LOOKS}
    above: dict[str, list[str]] = {}
    for number, day in enumerate(days):
        look, left = look_of(day), number * (WIDTH + GAP)
        height = LOW if look == "none" else TALL - TOP - 1
        drawn[look].append(f"M{left} {TALL}v-{height}h{WIDTH}v{height}z")
        if look in _MARKS:
            above.setdefault(look, []).append(f"M{left}{_MARKS[look]}")
    found = Counter(map(look_of, days))
    counts = {look: found[look] for look in ("down", "maintenance", "unknown")}
    return Bars(
        tuple((look, "".join(path)) for look, path in drawn.items() if path),
        tuple((look, "".join(path)) for look, path in above.items()),
        max(1, len(days)) * (WIDTH + GAP) - GAP,
        w("days.summary", **counts),
    )


_MARKS = {
    "down": " 1h3l-1.5 6z",  # a triangle
    "maintenance": " 2h3v4h-3z",  # a square
    "unknown": " 4l1.5 -3l1.5 3l-1.5 3z",  # a diamond
}


def row(board: Board, service: Present, w: Words) -> Row:
    past = board.view.past.get(service.name)
    assert board.view.site is not None  # noqa: S101 - where a service is shown there is a site
    return Row(
        service,
        w.called(board.view.site, service.name),
        board.state(service),
        bars(past.days if past else (), w),
        remaining(service.month, w),
    )


def remaining(figures: Figures, w: Words) -> str:
    """What is left of the month's budget, or by how much it is overspent."""
    if figures.remaining < 0:
        return w("month.over", over=w.length(-figures.remaining), budget=w.left(figures.budget))
    return w("month.so_far", left=w.left(figures.remaining), budget=w.left(figures.budget))


def verdict(figures: Figures, w: Words) -> str:
    return w(f"verdict.{figures.verdict}{'_so_far' if figures.provisional else ''}")


def standing(figures: Figures, view: View, w: Words) -> str:
    """Whether a month's figures can still change."""
    if figures.provisional:
        return w("month.provisional")
    revision = view.closed.get(str(figures.month))
    return w("month.open") if revision is None else w("month.closed", revision=revision)


def headline(board: Board, w: Words) -> str:
    """The state of everything in one sentence."""
    states = Counter(board.state(service) for service in board.services)
    if not states:
        return w("headlines.nothing")
    overall = board.overall
    if states.total() == 1:
        return w(f"headline.{overall}")
    return w(f"headlines.{overall}", count=states[overall], all=states.total())


def events(past: Past | None) -> list[Day]:
    """The days on which something was the matter, newest first."""
    return [day for day in reversed(past.days) if look_of(day) not in {"up", "none"}] if past else []


def length(outage: Outage, board: Board) -> Duration:
    """How long an outage has been; of one that runs, until now."""
    return outage.seconds if outage.end is not None else max(outage.seconds, board.view.at - outage.start)


def listed(board: Board, services: Iterable[Present]) -> list[tuple[Present, Outage]]:
    """The outages of services, newest first."""
    found = [
        (service, outage)
        for service in services
        if (past := board.view.past.get(service.name))
        for outage in past.outages
    ]
    return sorted(found, key=lambda pair: (pair[1].start, pair[0].name), reverse=True)
