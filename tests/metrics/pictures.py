"""Snapshots that Hypothesis makes: any values that the types allow, with names full of what needs escaping."""

from fractions import Fraction

from hypothesis import strategies as st

from monitor.core.budget import WINDOWS, Burn
from monitor.core.calendar import Month
from monitor.core.check import Check, Outcome
from monitor.core.instants import DAY
from monitor.core.maintenance import Outlook
from monitor.core.month import Figures, Objectives, StateSeconds, Sums
from monitor.metrics import Health
from monitor.runner import Result, Target
from monitor.snapshot import STATES, ServicePicture, Snapshot, TargetPicture
from probes.base import Certificate, Evidence, Link, Phase
from tests.shell.fleet import IdleProbe

# No surrogates, which UTF-8 cannot write; nor the line ends that OpenMetrics knows no escape for.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]) | st.sampled_from('\\"\n{},= '), max_size=8
)
plain_names = names.map(lambda name: name.replace("/", "|"))
instants = st.integers(0, 2**51)
durations = st.integers(0, 40 * DAY)
seconds = st.floats(0, 1e6)
counts = st.integers(0, 2**53)

phases = st.lists(st.builds(Phase, names, seconds, st.booleans()), max_size=4).map(tuple)
certificates = st.builds(
    Certificate,
    names,
    names,
    st.lists(names, max_size=2).map(tuple),
    seconds,
    st.floats(0, 1e11),
    st.none() | st.sampled_from(["name", "other"]),
    st.sampled_from([(), ("name", "expired")]),
    st.lists(st.builds(Link, names, names, st.floats(0, 1e11)), max_size=3).map(tuple),
    serial=names,
)
evidence = st.builds(
    Evidence,
    tls_version=st.none() | st.just("TLSv1.3"),
    tls_cipher=st.none() | names,
    certificate=st.none() | certificates,
    quota_used=st.none() | st.floats(0, 2),
    warnings=st.lists(st.sampled_from(["slow: tls took 2.00 s", "the certificate ends in 3 days"]), max_size=2),
)
checks = st.builds(Check, instants, st.just(Outcome.UP), durations, durations) | st.builds(
    Check,
    instants,
    st.sampled_from([Outcome.DOWN, Outcome.UNKNOWN]),
    durations,
    durations,
    cause=st.sampled_from(["expectation", "slow", "timeout"]),
)
results = st.builds(
    Result,
    st.just(Target("a/b", "imap", IdleProbe(), 1, 1)),
    checks, seconds, phases, st.none(), evidence, names, st.just(value=False),
)  # fmt: skip
targets = st.builds(
    TargetPicture,
    name=st.builds("{}/{}".format, plain_names, names),
    protocol=st.sampled_from(["imap", "roundtrip"]),
    state=st.sampled_from(STATES),
    success=st.none() | st.booleans(),
    last=st.none() | results,
    outcomes=st.dictionaries(st.sampled_from(["up", "down", "unknown"]), counts),
    causes=st.dictionaries(names, counts, max_size=3),
    outage_start=st.none() | instants,
    outages=counts,
    blips=counts,
    deliveries=st.dictionaries(st.sampled_from(["delivered", "late", "lost"]), counts),
    expiring=st.none() | st.booleans(),
    expects=st.booleans(),
    backoff=st.none() | seconds,
    presented=st.none() | results,
)


@st.composite
def figures(draw: st.DrawFn, service: str, month: Month) -> Figures:
    parts = draw(st.tuples(durations, durations, durations, durations))
    up, downtime, excused, unknown = parts
    possibly, certainly = draw(st.tuples(durations, durations))
    return Figures(
        service, month, draw(st.integers(28 * DAY, 31 * DAY)), draw(st.none() | instants), draw(st.none() | instants),
        draw(st.booleans()), Sums(sum(parts), up, downtime, excused, unknown, possibly, certainly),
        Objectives(Fraction(draw(st.integers(0, 1000)), 10), draw(durations)), (0, 0), (), (),
        draw(st.none() | st.fractions(0, 100)),
    )  # fmt: skip


@st.composite
def services(draw: st.DrawFn) -> ServicePicture:
    name, month = draw(names), Month(2026, 11)
    past = tuple(draw(figures(name, month.plus(-back))) for back in range(1, draw(st.integers(1, 3))))
    rates = {window: draw(st.floats(0, 1e6)) for window in WINDOWS}
    return ServicePicture(
        name,
        draw(st.sampled_from(STATES)),
        draw(figures(name, month)),
        past,
        Burn(rates, draw(st.none() | st.floats(0, 1e15))),
        draw(st.none() | st.builds(StateSeconds, instants, durations, durations, durations, durations)),
        draw(st.builds(Outlook, st.booleans(), st.none() | instants, st.none() | instants)),
        None,
    )


snapshots = st.builds(
    Snapshot,
    instants,
    st.just(Month(2026, 11)),
    st.lists(targets, max_size=3, unique_by=lambda one: one.name).map(tuple),
    st.lists(services(), max_size=3, unique_by=lambda one: one.name).map(tuple),
)
healths = st.builds(
    Health, st.booleans(), counts, st.none() | instants, counts, seconds, counts, st.booleans(), instants,
    st.dictionaries(names, st.booleans(), max_size=2), st.none() | st.booleans(),
)  # fmt: skip
