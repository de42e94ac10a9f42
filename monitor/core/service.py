"""From the targets of a service to the service: Kleene's three values on intervals (R6), less windows (R8).

`any`, `all` and `at_least: n` are one rule: down where at least n parts are down, up where fewer than n parts are
down or unknown, else unknown (`any` is n = 1, `all` is n = the number of parts).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from monitor.core.history import View
from monitor.core.instants import Instant
from monitor.core.intervals import Span, Spans, at_least, clip, normal, subtract, union

EVERYTHING = ""
"""The scope of a window that names none."""


@dataclass(frozen=True, slots=True)
class Service:
    """A rule over counting targets (`service/target`) or over other services; `since` and `until` are its own."""

    name: str
    at_least: int
    targets: tuple[str, ...] = ()
    members: tuple["Service", ...] = ()
    since: Instant | None = None
    until: Instant | None = None
    accounts: int | None = None  # served by it: its weight among the members of another

    def leaves(self) -> Iterator[str]:
        """The counting targets, those of member services included, each once."""
        seen = dict.fromkeys(self.targets)
        for member in self.members:
            seen.update(dict.fromkeys(member.leaves()))
        return iter(seen)


@dataclass(frozen=True, slots=True)
class Sets:
    """What is down, unknown, possibly and certainly down; `kept_…` is what windows on its parts leave of it."""

    down: Spans
    unknown: Spans
    possibly: Spans
    certainly: Spans
    kept_down: Spans
    kept_possibly: Spans
    kept_certainly: Spans

    def without(self, window: Spans) -> "Sets":
        """With a window taken out of what is kept."""
        if not window:
            return self
        return Sets(
            self.down,
            self.unknown,
            self.possibly,
            self.certainly,
            subtract(self.kept_down, window),
            subtract(self.kept_possibly, window),
            subtract(self.kept_certainly, window),
        )

    def clipped(self, start: Instant, end: Instant) -> "Sets":
        return Sets(*(clip(getattr(self, part.name), start, end) for part in fields(self)))

    @staticmethod
    def joined(pieces: Sequence["Sets"]) -> "Sets":
        """Pieces of neighbouring stretches as one."""
        return Sets(*(normal(s for piece in pieces for s in getattr(piece, part.name)) for part in fields(Sets)))


Views = Callable[[str], View]
"""The view of a target by its name `service/target`, always of the stretch that is evaluated."""

Windows = Mapping[str, Spans]
"""Excusing spans by scope: `service`, `service/target` or `EVERYTHING`."""


def evaluate(service: Service, views: Views, windows: Windows) -> tuple[Sets, list[Span]]:
    """The service over the stretch that its views cover, and the stretches of its outages (R9)."""
    return _sets(service, views, windows), stretches(service, views)


def _sets(service: Service, views: Views, windows: Windows) -> Sets:
    """Windows on its parts are taken out, its own are not."""
    parts = [_target(views(target)).without(windows.get(target, [])) for target in service.targets]
    parts += [_sets(member, views, windows).without(windows.get(member.name, [])) for member in service.members]
    if len(parts) == 1:
        return parts[0]
    n = service.at_least
    down = at_least(n, [part.down for part in parts])
    not_up = at_least(n, [union(part.down, part.unknown) for part in parts])
    return Sets(
        down,
        subtract(not_up, down),
        at_least(n, [part.possibly for part in parts]),
        at_least(n, [part.certainly for part in parts]),
        at_least(n, [part.kept_down for part in parts]),
        at_least(n, [part.kept_possibly for part in parts]),
        at_least(n, [part.kept_certainly for part in parts]),
    )


def _target(view: View) -> Sets:
    kept = (view.down, view.possibly, view.certainly)
    return Sets(view.down, view.unknown, view.possibly, view.certainly, *kept)


def windows_of(name: str, windows: Windows) -> Spans:
    """The windows on a service itself."""
    return union(windows.get(EVERYTHING, []), windows.get(name, []))


def stretches(service: Service, views: Views) -> list[Span]:
    """Outages between their outer bounds, put through the rule; stretches that only touch are two (R9)."""
    parts = [_overlapping([(o.outer_start, o.outer_end) for o in views(t).outages]) for t in service.targets]
    parts += [_overlapping(stretches(member, views)) for member in service.members]
    edges = sorted(edge for part in parts for start, end in part for edge in ((start, 1), (end, -1)))
    found: list[Span] = []
    covering = 0
    began = 0
    for instant, change in edges:
        if change > 0 and covering + change == service.at_least:
            began = instant
        elif change < 0 and covering == service.at_least and began < instant:
            found.append((began, instant))
        covering += change
    return found


def _overlapping(spans: list[Span]) -> list[Span]:
    """Merge spans that overlap, not those that touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
