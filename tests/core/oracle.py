"""A second opinion on the accounting: rules R1, R2, R4, R6, R8, R9 and R10 worked out by brute force.

Time is small integers and every quantity is a set of unit cells, cell t being [t, t + 1). Nothing here is clever on
purpose and nothing is shared with the program: where the two differ, one of them has misread the contract.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypedDict

Cells = frozenset[int]
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


class Blips(TypedDict):
    count: int
    seconds: int


class Outage(TypedDict):
    start: int
    end: int | None
    ongoing: bool
    seconds: int
    min: int
    max: int
    excused: int


class Figures(TypedDict):
    total: int
    gross: int
    excused: int
    downtime: int
    unknown: int
    up: int
    elapsed: int
    coverage: Fraction | None
    possibly_counted: int
    certainly_counted: int
    blips: Blips
    suspect: list[str]
    outages: list[Outage]
    since: int | None
    until: int | None


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
    """What is known of one target; `outer` holds a stretch for every outage, `gaps` only those of the month."""

    up: Cells
    down: Cells
    gaps: Cells
    certain: Cells
    outer: tuple[tuple[int, int], ...]
    suspect: Cells
    blips: tuple[tuple[int, int], ...]

    @property
    def possible(self) -> Cells:
        return self.gaps.union(self.suspect, *(range(start, end) for start, end in self.outer))


def runs(cells: Iterable[int]) -> list[tuple[int, int]]:
    """The maximal contiguous stretches of a set of cells, as half-open pairs."""
    found: list[tuple[int, int]] = []
    for cell in sorted(cells):
        if found and found[-1][1] == cell:
            found[-1] = (found[-1][0], cell + 1)
        else:
            found.append((cell, cell + 1))
    return found


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


def labelled(
    target: OTarget, spoken: Sequence[Voice], horizon: int
) -> tuple[list[Voice], list[tuple[int, int]], list[Voice]]:
    """R2: the voices with their labels, the blips, and the row of `down` that is still undecided."""
    labels: list[str] = []
    blips: list[tuple[int, int]] = []
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
            labels += [voice.outcome] * (len(row) + 1)
            row = []
        heard_again = spoken[number].at if number < len(spoken) else horizon
        if row and voice.end < heard_again:  # a gap ends the row, and leaves the target as it is
            if not down:
                blips.append((row[0].at, voice.end))
            labels += ["down" if down else "up"] * len(row)
            row = []
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
    outer: list[tuple[int, int]] = []
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
    gaps = frozenset(range(view.start, view.end)) - up - down
    return Timeline(up, down, gaps, frozenset(certain), tuple(outer), suspect, tuple(blips))


def counting(service: OService) -> list[tuple[str, OTarget]]:
    """The targets that decide something, by path, those of the members included."""
    own = [(f"{service.name}/{name}", target) for name, target in service.targets.items() if target.counts]
    return own + [found for member in service.members for found in counting(member)]


def combine(service: OService, of_target: Mapping[str, Cells], taken_out: Mapping[str, Cells]) -> Cells:
    """R6: where at least `rule` of the parts have it, after R8's scoped windows are taken out of each part."""
    parts: list[Cells] = []
    for name, target in service.targets.items():
        if target.counts:
            path = f"{service.name}/{name}"
            parts.append(of_target[path] - taken_out.get(path, NOTHING))
    for member in service.members:
        parts.append(combine(member, of_target, taken_out) - taken_out.get(member.name, NOTHING))
    votes = Counter(cell for part in parts for cell in part)
    return frozenset(cell for cell, number in votes.items() if number >= service.rule)


def evaluated(service: OService, checks: Checks, view: OView) -> Cells:
    """E of R8."""
    since = view.since
    if since is None:
        instants = [
            check.at for path, _ in counting(service) for check in looked_at(checks.get(path, ()), view)
        ]
        if not instants:
            return NOTHING
        since = min(instants)
    until = min([view.end, *([] if view.until is None else [view.until]), *([view.horizon] * view.clip)])
    return frozenset(range(max(view.start, since), until))


def excused_cells(windows: Iterable[OWindow]) -> dict[str, Cells]:
    """Scope -> cells; the scope "" is everything."""
    found: dict[str, Cells] = {}
    for window in windows:
        for scope in window.scope or ("",):
            found[scope] = found.get(scope, NOTHING) | frozenset(range(window.start, window.end))
    return found


def half_steps(spans: Iterable[tuple[int, int]]) -> Cells:
    """The spans on a scale twice as fine: odd numbers are cells, even ones the instants inside a span.

    The instant between two spans that only touch is in neither, so that the rule keeps them apart (R9).
    """
    return frozenset(step for start, end in spans for step in range(2 * start + 1, 2 * end))


def longest(
    outage: tuple[int, int], stretches: Sequence[tuple[int, int]], outages: Sequence[tuple[int, int]]
) -> Cells:
    """R9's `max_seconds`, as cells and before E."""
    start, end = outage
    around = [(s, e) for s, e in stretches if s < end and start < e]
    first = max([min(s for s, _ in around), *(e for _, e in outages if e <= start)])
    last = min([max(e for _, e in around), *(s for s, _ in outages if s >= end)])
    return frozenset(range(first, last))


def figures(service: OService, checks: Checks, windows: Sequence[OWindow], view: OView) -> Figures:
    """R8 and R9 for one service."""
    lines = {path: timeline(target, checks.get(path, ()), view) for path, target in counting(service)}
    month = frozenset(range(view.start, view.end))
    e = evaluated(service, checks, view)
    scoped = excused_cells(windows)
    excusing = scoped.get("", NOTHING) | scoped.get(service.name, NOTHING)

    downs = {path: line.down for path, line in lines.items()}
    down = combine(service, downs, {})
    up = month - combine(service, {path: month - line.up for path, line in lines.items()}, {})
    counted = (combine(service, downs, scoped) & e) - excusing
    possibly = combine(service, {path: line.possible for path, line in lines.items()}, scoped)
    certains = {path: line.certain for path, line in lines.items()}
    certainly = combine(service, certains, {})
    fine = combine(service, {path: half_steps(line.outer) for path, line in lines.items()}, {})
    stretches = [(start // 2, end // 2) for start, end in runs(fine)]
    blips = [blip for line in lines.values() for blip in line.blips if blip[0] in e]
    unknown = e - up - down
    outages = runs(down)
    told: list[Outage] = []
    for start, end in outages:
        inside = e & frozenset(range(start, end))
        ongoing = view.clip and end == view.horizon
        if inside:
            told.append(
                {
                    "start": start,
                    "end": None if ongoing else end,
                    "ongoing": ongoing,
                    "seconds": len(inside),
                    "min": len(inside & certainly),
                    "max": len(e & longest((start, end), stretches, outages)),
                    "excused": len(inside - counted),
                }
            )
    return {
        "total": view.end - view.start if view.total is None else view.total,
        "gross": len(down & e),
        "excused": len((down & e) - counted),
        "downtime": len(counted),
        "unknown": len(unknown),
        "up": len(up & e),
        "elapsed": len(e),
        "coverage": 1 - Fraction(len(unknown), len(e)) if e else None,
        "possibly_counted": len((possibly & e) - excusing),
        "certainly_counted": len((combine(service, certains, scoped) & e) - excusing),
        "blips": {"count": len(blips), "seconds": sum(end - start for start, end in blips)},
        "suspect": sorted(path for path, line in lines.items() if line.suspect & e),
        "outages": told,
        "since": min(e) if e else None,
        "until": max(e) + 1 if e else None,
    }


def verdict(found: Figures, budget: Fraction) -> str:
    """R10; `budget` is the smaller of the two limits, in seconds."""
    if found["downtime"] > budget:
        return "missed"
    if found["elapsed"] and found["possibly_counted"] <= budget:
        return "met"
    return "undetermined"
