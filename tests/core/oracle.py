"""A second opinion on the accounting: rules R1, R2, R4, R6, R8, R9 and R10 worked out by brute force.

Time is small integers and every quantity is a set of unit cells, cell t being [t, t + 1). Nothing here is
clever and nothing is shared with the program: where the two differ, one of them has misread the contract.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

Cells = frozenset[int]
Span = tuple[int, int]
Figures = dict[str, Any]
Checks = Mapping[str, Sequence["OCheck"]]  # by "service/target"
NOTHING: Cells = frozenset()


@dataclass(frozen=True)
class OCheck:
    at: int
    outcome: str
    duration: int = 0
    voice: int | None = None
    speaks: bool = True


@dataclass(frozen=True)
class OTarget:
    confirm: int = 3
    recover: int = 2
    stale_after: int = 135
    counts: bool = True


@dataclass(frozen=True)
class OService:
    name: str
    rule: int = 1  # down when at least so many are down: 1 is `any`, their number is `all`
    targets: Mapping[str, OTarget] = field(default_factory=dict)
    members: Sequence["OService"] = ()
    uses: Mapping[str, OTarget] = field(default_factory=dict)  # targets of other services, by "service/target"


@dataclass(frozen=True)
class OWindow:
    """A span already judged as excusing; an empty scope is everything."""

    start: int
    end: int
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class OView:
    """The month [start, end), and up to where the record is looked at.

    With `clip` the horizon is now or `--until`; without it, the month's end.
    `total` stands for T where the month is longer than the cells that a test can afford.
    """

    start: int
    end: int
    horizon: int
    clip: bool = False
    since: int | None = None
    until: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Voice:
    """A check that speaks, from its instant to `end`, and what R2 labels it."""

    at: int
    end: int
    outcome: str
    duration: int
    label: str = ""


@dataclass(frozen=True)
class Timeline:
    """What is known of one target: gaps are those of the month; `outer` is in half steps."""

    not_up: Cells
    down: Cells
    certain: Cells
    possible: Cells
    outer: Cells
    suspect: Cells
    blips: tuple[Span, ...]


def runs(cells: Iterable[int]) -> list[Span]:
    """The maximal contiguous stretches of a set of cells, as half-open pairs."""
    found: list[Span] = []
    for cell in sorted(cells):
        if found and found[-1][1] == cell:
            found[-1] = (found[-1][0], cell + 1)
        else:
            found.append((cell, cell + 1))
    return found


def half_steps(spans: Iterable[Span]) -> Cells:
    """The spans on a scale twice as fine: odd numbers are cells, even ones the instants inside a span.
    The instant between two spans that only touch is in neither: the rule keeps them apart (R9).
    """
    return frozenset(step for start, end in spans for step in range(2 * start + 1, 2 * end))


def looked_at(checks: Iterable[OCheck], view: OView) -> list[OCheck]:
    return [check for check in checks if not (view.clip and check.at >= view.horizon)]


def voices(target: OTarget, checks: Iterable[OCheck], view: OView) -> list[Voice]:
    """R1: who speaks, one check an instant, and until when."""

    def limit(check: OCheck) -> int:
        return target.stale_after if check.voice is None else check.voice

    def strength(check: OCheck) -> tuple[bool, int, int]:
        return (check.outcome == "down", check.duration, limit(check))

    strongest: dict[int, OCheck] = {}
    for check in looked_at(checks, view):
        speaks = check.speaks and check.outcome in {"up", "down"}
        if speaks and (check.at not in strongest or strength(check) > strength(strongest[check.at])):
            strongest[check.at] = check
    found = []
    for at, check in sorted(strongest.items()):
        end = min([at + limit(check), *(other for other in strongest if other > at)])
        end = min(end, view.horizon) if view.clip else end
        found.append(Voice(at, end, check.outcome, check.duration))
    return found


def labelled(target: OTarget, spoken: Sequence[Voice], horizon: int) -> tuple[list[Voice], list[Span], list[Voice]]:
    """R2: the voices with their labels, the blips, and the row of `down` that is still undecided."""
    labels: list[str] = []
    blips: list[Span] = []
    down = False
    row: list[Voice] = []
    for number, voice in enumerate(spoken, 1):
        contrary = "up" if down else "down"
        if voice.outcome == contrary:
            row.append(voice)
            if len(row) == (target.recover if down else target.confirm):
                labels += [contrary] * len(row)
                down, row = not down, []
        else:
            if row and not down:
                blips.append((row[0].at, voice.at))
            labels, row = labels + [voice.outcome] * (len(row) + 1), []
        heard_again = spoken[number].at if number < len(spoken) else horizon
        if row and voice.end < heard_again:  # a gap ends the row, and leaves the target as it is
            if not down:
                blips.append((row[0].at, voice.end))
            labels, row = labels + ["down" if down else "up"] * len(row), []
    labels += ["down" if down else "up"] * len(row)
    told = [replace(voice, label=label) for voice, label in zip(spoken, labels, strict=True)]
    return told, blips, [] if down else row


def timeline(target: OTarget, checks: Iterable[OCheck], view: OView) -> Timeline:
    """R1, R2 and R4 for one target."""
    told, blips, row = labelled(target, voices(target, checks, view), view.horizon)
    up, down = (
        frozenset(cell for voice in told if voice.label == label for cell in range(voice.at, voice.end))
        for label in ("up", "down")
    )
    ups = [voice for voice in told if voice.label == "up"]
    outages = runs(down)
    outer: list[Span] = []
    certain: set[int] = set()
    for start, end in outages:
        before = [voice.at for voice in ups if voice.at < start] + [e for _, e in outages if e <= start]
        after = [voice.at + voice.duration for voice in ups if voice.at >= end][:1]
        after += [s for s, _ in outages if s >= end]
        outer.append((max(before, default=start), min(after, default=end)))
        failures = [voice for voice in told if voice.outcome == "down" and start <= voice.at < end]
        if failures:
            certain.update(range(failures[0].at + failures[0].duration, failures[-1].at))
    suspect = NOTHING
    if row:
        last_up = max((voice.at for voice in ups if voice.at < row[0].at), default=row[0].at)
        suspect = frozenset(range(last_up, row[-1].end))
    not_up = frozenset(range(view.start, view.end)) - up
    possible = (not_up - down).union(suspect, *(range(start, end) for start, end in outer))
    return Timeline(not_up, down, frozenset(certain), possible, half_steps(outer), suspect, tuple(blips))


def counting(service: OService) -> list[tuple[str, OTarget]]:
    """The targets that decide something, by path, those of the members included."""
    own = [(f"{service.name}/{name}", target) for name, target in service.targets.items() if target.counts]
    own += [(path, target) for path, target in service.uses.items() if target.counts]
    return own + [found for member in service.members for found in counting(member)]


def combine(service: OService, of_target: Mapping[str, Cells], taken_out: Mapping[str, Cells]) -> Cells:
    """R6: where at least `rule` of the parts have it, R8's scoped windows taken out of each part first."""
    own = {**{f"{service.name}/{name}": target for name, target in service.targets.items()}, **service.uses}
    parts = [of_target[path] - taken_out.get(path, NOTHING) for path, target in own.items() if target.counts]
    for member in service.members:
        parts += [combine(member, of_target, taken_out) - taken_out.get(member.name, NOTHING)]
    votes = Counter(cell for part in parts for cell in part)
    return frozenset(cell for cell, number in votes.items() if number >= service.rule)


def evaluated(service: OService, checks: Checks, view: OView) -> Cells:
    """E of R8."""
    seen = [check.at for path, _ in counting(service) for check in looked_at(checks.get(path, ()), view)]
    since = min(seen, default=view.end) if view.since is None else view.since
    limits = (view.end, view.until, view.horizon if view.clip else None)
    until = min(limit for limit in limits if limit is not None)
    return frozenset(range(max(view.start, since), until))


def excused_cells(windows: Iterable[OWindow]) -> dict[str, Cells]:
    """Scope -> cells; the scope "" is everything."""
    found: dict[str, Cells] = {}
    for window in windows:
        for scope in window.scope or ("",):
            found[scope] = found.get(scope, NOTHING) | frozenset(range(window.start, window.end))
    return found


def longest(outage: Span, stretches: Sequence[Span], outages: Sequence[Span]) -> Cells:
    """R9's `max_seconds`, as cells and before E."""
    start, end = outage
    around = [(s, e) for s, e in stretches if s < end and start < e]
    first = max([min(s for s, _ in around), *(e for _, e in outages if e <= start)])
    last = min([max(e for _, e in around), *(s for s, _ in outages if s >= end)])
    return frozenset(range(first, last))


def told_outages(view: OView, e: Cells, parts: Mapping[str, Cells]) -> list[Figures]:
    """Every outage that touches E; `outer` is the stretches between outer bounds in half steps."""
    outages = runs(parts["down"])
    stretches = [(start // 2, end // 2) for start, end in runs(parts["outer"])]
    told = []
    for start, end in outages:
        inside = e & frozenset(range(start, end))
        ongoing = view.clip and end == view.horizon
        outage = {
            "start": start,
            "end": None if ongoing else end,
            "ongoing": ongoing,
            "seconds": len(inside),
            "min": len(inside & parts["certain"]),
            "max": len(e & longest((start, end), stretches, outages)),
            "excused": len(inside - parts["counted"]),
        }
        told += [outage] if inside else []
    return told


def figures(service: OService, checks: Checks, windows: Sequence[OWindow], view: OView) -> Figures:
    """R8 and R9 for one service."""
    lines = {path: timeline(target, checks.get(path, ()), view) for path, target in counting(service)}
    e = evaluated(service, checks, view)
    scoped = excused_cells(windows)
    excusing = scoped.get("", NOTHING) | scoped.get(service.name, NOTHING)

    def through(kind: str, taken_out: Mapping[str, Cells]) -> Cells:
        return combine(service, {path: getattr(line, kind) for path, line in lines.items()}, taken_out)

    parts = {kind: through(kind, {}) for kind in ("down", "not_up", "certain", "outer")}
    down, up = parts["down"] & e, e - parts["not_up"]
    counted, possibly, certainly = ((through(kind, scoped) & e) - excusing for kind in ("down", "possible", "certain"))
    blips = [blip for line in lines.values() for blip in line.blips if blip[0] in e]
    return {
        "total": view.end - view.start if view.total is None else view.total,
        "gross": len(down),
        "excused": len(down - counted),
        "downtime": len(counted),
        "unknown": len(e - up - down),
        "up": len(up),
        "elapsed": len(e),
        "coverage": Fraction(len(up | down), len(e)) if e else None,
        "possibly_counted": len(possibly),
        "certainly_counted": len(certainly),
        "blips": {"count": len(blips), "seconds": sum(end - start for start, end in blips)},
        "suspect": sorted(path for path, line in lines.items() if line.suspect & e),
        "outages": told_outages(view, e, {**parts, "counted": counted}),
        "since": min(e, default=None),
        "until": max(e) + 1 if e else None,
    }


def verdict(found: Figures, budget: Fraction) -> str:
    """R10; `budget` is the smaller of the two limits, in seconds."""
    if found["downtime"] > budget:
        return "missed"
    return "met" if found["elapsed"] and found["possibly_counted"] <= budget else "undetermined"
