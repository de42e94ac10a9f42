"""What Hypothesis feeds to the accounting: small cases that reach every rule and shrink well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from hypothesis import strategies as st

from tests.core.oracle import OCheck, OService, OTarget, OView, OWindow
from tests.core.oracle_maintenance import OOccurrence, OPolicy

LATEST = 60


@dataclass(frozen=True)
class OCase:
    service: OService
    checks: Mapping[str, Sequence[OCheck]]
    windows: Sequence[OWindow]
    view: OView


details = st.builds(
    OCheck,
    at=st.just(0),
    outcome=st.sampled_from(["up", "down", "up", "down", "unknown"]),
    duration=st.just(0) | st.integers(0, 6),
    voice=st.none() | st.integers(1, 12),
    speaks=st.sampled_from([True, True, True, False]),
)


def paced(steps: Sequence[tuple[int, OCheck]]) -> list[OCheck]:
    """The checks one after the other, each so long after the one before it."""
    instants = accumulate(step for step, _ in steps)
    return [replace(check, at=at) for at, (_, check) in zip(instants, steps, strict=True) if at <= LATEST]


def with_twins(found: tuple[list[OCheck], list[int]]) -> list[OCheck]:
    """Some of the checks once more: exact duplicates."""
    checks, twins = found
    return checks + [checks[twin] for twin in twins if twin < len(checks)]


in_pace = st.lists(st.tuples(st.integers(0, 6), details), max_size=24).map(paced)
anywhere = st.lists(
    st.builds(lambda at, check: replace(check, at=at), st.integers(0, LATEST), details), max_size=12
)
series = st.tuples(in_pace | anywhere, st.lists(st.integers(0, 12), max_size=2)).map(with_twins)

targets = st.builds(
    OTarget,
    confirm=st.integers(1, 3),
    recover=st.integers(1, 3),
    stale_after=st.integers(1, 12),
    counts=st.sampled_from([True, True, True, False]),
)


@st.composite
def flat_services(draw: st.DrawFn, name: str = "s") -> OService:
    """A service of one to three targets, the first of which counts so that a rule is possible."""
    found = draw(st.lists(targets, min_size=1, max_size=3))
    found[0] = replace(found[0], counts=True)
    rule = draw(st.integers(1, sum(target.counts for target in found)))
    return OService(name, rule, {f"t{number}": target for number, target in enumerate(found, 1)})


@st.composite
def nested_services(draw: st.DrawFn) -> OService:
    members = [draw(flat_services(f"m{number}")) for number in range(1, draw(st.integers(1, 2)) + 1)]
    return OService("s", draw(st.integers(1, len(members))), {}, tuple(members))


services = flat_services() | nested_services()


def paths(service: OService) -> list[str]:
    """Every target, those that do not count included."""
    own = [f"{service.name}/{name}" for name in service.targets]
    return own + [path for member in service.members for path in paths(member)]


def scopes(service: OService) -> list[str]:
    return [service.name, *(member.name for member in service.members), *paths(service)]


def windows_of(service: OService) -> st.SearchStrategy[list[OWindow]]:
    scope = st.lists(st.sampled_from(scopes(service)), max_size=2, unique=True).map(tuple)
    window = st.builds(
        lambda start, length, scope: OWindow(start, start + length, scope),
        st.integers(0, LATEST),
        st.integers(1, 20),
        scope,
    )
    return st.lists(window, max_size=3)


@st.composite
def views(draw: st.DrawFn) -> OView:
    """A month inside or around the checks, seen at its end, or at any instant with `clip`."""
    start = draw(st.integers(0, 40))
    end = start + draw(st.integers(1, 40))
    clip = draw(st.booleans())
    edge = st.none() | st.integers(0, LATEST)
    return OView(
        start=start,
        end=end,
        horizon=draw(st.integers(1, LATEST + 20)) if clip else end,
        clip=clip,
        since=draw(edge),
        until=draw(edge),
    )


@st.composite
def cases(draw: st.DrawFn) -> OCase:
    service = draw(services)
    checks = {path: draw(series) for path in paths(service)}
    return OCase(service, checks, draw(windows_of(service)), draw(views()))


policies = st.builds(OPolicy, notice=st.integers(0, 10), late=st.sampled_from(["excuse", "refuse"]))


@st.composite
def occurrences(draw: st.DrawFn) -> OOccurrence:
    start = draw(st.integers(0, 20))
    instant = st.integers(0, 40)
    return OOccurrence(
        start=start,
        end=start + draw(st.integers(1, 15)),
        declared=draw(st.none() | instant),
        approved=draw(st.booleans()),
        cancelled_at=draw(st.none() | instant),
        shortened=tuple(draw(st.lists(st.tuples(instant, instant), max_size=2))),
    )
