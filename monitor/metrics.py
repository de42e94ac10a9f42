"""Every metric's name, and a collector over an immutable snapshot.

Rendering runs in a thread (see `monitor.web`): in the event loop it would stall checks and forge latencies. Labels
are `sla_service` and `target`; `service` would collide with Prometheus' own target labels.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder

from monitor import __version__
from monitor.core.instants import SECOND, Duration, Instant
from monitor.core.month import Figures
from monitor.snapshot import STATES, ServicePicture, Snapshot, TargetPicture
from probes.base import Phase

TARGET = ("sla_service", "target", "protocol")
MONTH = ("sla_service", "month")
LATENESS_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0)


class Lateness:
    """How late checks start, as a cumulative histogram in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LATENESS_BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        seconds = max(seconds, 0.0)
        self._sum += seconds
        position = next((i for i, bound in enumerate(LATENESS_BUCKETS) if seconds <= bound), -1)
        self._counts[position] += 1

    def family(self) -> HistogramMetricFamily:
        total, buckets = 0, []
        for bound, count in zip((*LATENESS_BUCKETS, inf), self._counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound == inf else str(bound), float(total)))
        return HistogramMetricFamily(
            "mailuptime_schedule_lateness_seconds",
            "How late checks started after the time they were due.",
            buckets=buckets,
            sum_value=self._sum,
        )


@dataclass(frozen=True, slots=True)
class Health:
    """The monitor's own state."""

    ledger_writable: bool
    pending: int
    last_commit: Instant | None
    clock_steps: int
    loop_lag: float
    turned_away: int
    configured: bool
    configured_at: Instant


class Collector:
    """Families of one scrape, from the snapshot and the health of the moment."""

    def __init__(self, snapshot: Callable[[], Snapshot], health: Callable[[], Health], lateness: Lateness) -> None:
        self._snapshot = snapshot
        self._health = health
        self._lateness = lateness

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot()
        yield from _targets(snapshot.targets)
        yield from _services(snapshot.services)
        yield from _maintenance(snapshot.services)
        yield from _months(snapshot)
        yield from _health(self._health())
        yield self._lateness.family()


def exposition(collector: Collector, accept: str) -> tuple[bytes, str]:
    """The scrape's body and content type: Prometheus text, or OpenMetrics where it is accepted."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _gauge(name: str, documentation: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mailuptime_{name}", documentation, labels=list(labels))


def _counter(name: str, documentation: str, labels: Iterable[str] = ()) -> CounterMetricFamily:
    return CounterMetricFamily(f"mailuptime_{name}", documentation, labels=list(labels))


def _s(duration: Duration) -> float:
    return duration / SECOND


def _split(target: TargetPicture) -> list[str]:
    service, _, name = target.name.partition("/")
    return [service, name, target.protocol]


def _targets(targets: tuple[TargetPicture, ...]) -> Iterator[Metric]:
    success = _gauge("probe_success", "1 if the last check found the service well; absent while unknown.", TARGET)
    duration = _gauge("probe_duration_seconds", "How long the last check took.", TARGET)
    phases = _gauge("probe_phase_duration_seconds", "How long each phase of the last check took.", (*TARGET, "phase"))
    checks = _counter("checks", "Checks by outcome since the monitor started.", (*TARGET, "outcome"))
    failures = _counter("check_failures", "Checks that were not up, by cause.", (*TARGET, "cause"))
    state = _gauge("target_state", "1 for the target's present state, 0 for the others.", (*TARGET, "state"))
    expiry = _gauge(
        "tls_certificate_not_after_timestamp_seconds",
        "When the certificate last presented runs out, verified or not.",
        TARGET[:2],
    )
    began = _gauge("outage_start_timestamp_seconds", "When the running outage began.", TARGET[:2])
    outages = _counter("outages", "Outages of the target, the running one included.", TARGET[:2])
    blips = _counter("blips", "Failures too short to be an outage.", TARGET[:2])
    for target in targets:
        labels = _split(target)
        if target.success is not None:
            success.add_metric(labels, float(target.success))
        if target.last is not None:
            duration.add_metric(labels, _s(target.last.check.duration))
            for name, value in _spent(target.last.phases).items():
                phases.add_metric([*labels, name], value)
            certificate = target.last.evidence.certificate
            if certificate is not None:
                expiry.add_metric(labels[:2], certificate.not_after)
        for outcome in ("up", "down", "unknown"):
            checks.add_metric([*labels, outcome], target.outcomes.get(outcome, 0))
        for cause, number in target.causes.items():
            failures.add_metric([*labels, cause], number)
        for name in STATES:
            state.add_metric([*labels, name], float(name == target.state))
        if target.outage_start is not None:
            began.add_metric(labels[:2], _s(target.outage_start))
        outages.add_metric(labels[:2], target.outages)
        blips.add_metric(labels[:2], target.blips)
    yield from (success, duration, phases, checks, failures, state, expiry, began, outages, blips)


def _spent(phases: Iterable[Phase]) -> dict[str, float]:
    """Seconds by phase; behind STARTTLS a phase is gone through twice."""
    spent: dict[str, float] = {}
    for phase in phases:
        spent[phase.name] = spent.get(phase.name, 0.0) + phase.seconds
    return spent


def _services(services: tuple[ServicePicture, ...]) -> Iterator[Metric]:
    state = _gauge("service_state", "1 for the service's present state, 0 for the others.", ("sla_service", "state"))
    spent = _counter("state_seconds", "Time accounted for, up to the settled instant.", ("sla_service", "state"))
    settled = _gauge("settled_timestamp_seconds", "The instant before which no label can change.", ("sla_service",))
    burn = _gauge(
        "burn_rate",
        "How fast the month's budget is being spent; 1 lasts exactly the month.",
        ("sla_service", "window"),
    )
    left = _gauge("budget_exhaustion_seconds", "When the budget is gone if the last hour goes on.", ("sla_service",))
    for service in services:
        for name in STATES:
            state.add_metric([service.name, name], float(name == service.state))
        if service.settled is not None:
            sums = service.seconds
            for name, value in (
                ("up", sums.up),
                ("down", sums.downtime),
                ("excused", sums.excused),
                ("unknown", sums.unknown),
            ):
                spent.add_metric([service.name, name], _s(value))
            settled.add_metric([service.name], _s(service.settled))
        for window, rate in service.burn.rates.items():
            burn.add_metric([service.name, window], rate)
        exhausted = service.burn.exhaustion
        left.add_metric([service.name], inf if exhausted is None else exhausted / SECOND)
    yield from (state, spent, settled, burn, left)


def _maintenance(services: tuple[ServicePicture, ...]) -> Iterator[Metric]:
    active = _gauge("maintenance_active", "1 while a declared window of the service goes on.", ("sla_service",))
    following = _gauge("maintenance_next_start_timestamp_seconds", "When the next window begins.", ("sla_service",))
    before = _gauge("maintenance_last_end_timestamp_seconds", "When the last window ended.", ("sla_service",))
    for service in services:
        planned = service.maintenance
        active.add_metric([service.name], float(planned.active))
        if planned.next_start is not None:
            following.add_metric([service.name], _s(planned.next_start))
        if planned.last_end is not None:
            before.add_metric([service.name], _s(planned.last_end))
    yield from (active, following, before)


def _months(snapshot: Snapshot) -> Iterator[Metric]:
    ratio = _gauge("availability_ratio", "Availability of the month, by the SLA's formula.", MONTH)
    lower = _gauge("availability_lower_ratio", "The least that it can have been.", MONTH)
    upper = _gauge("availability_upper_ratio", "The most that it can have been.", MONTH)
    to_date = _gauge("availability_to_date_ratio", "Availability of the part of the month so far.", MONTH)
    coverage = _gauge("coverage_ratio", "The share of the time accounted for that was observed.", MONTH)
    downtime = _gauge("downtime_seconds", "Downtime of the month; both kinds make the gross.", (*MONTH, "kind"))
    budget = _gauge("downtime_budget_seconds", "The downtime that keeps both objectives.", MONTH)
    remaining = _gauge("downtime_budget_remaining_seconds", "What is left of it; negative if overspent.", MONTH)
    met = _gauge("objective_met", "1 if met, 0 if missed; absent while undetermined.", (*MONTH, "objective"))
    by_accounts = _gauge("availability_weighted_ratio", "Availability by the accounts that members serve.", MONTH)
    current = _gauge("month_current", "1 for the running month.", ("month",))
    current.add_metric([str(snapshot.month)], 1)
    for figures in (figures for service in snapshot.services for figures in service.months):
        labels = [figures.service, str(figures.month)]
        ratio.add_metric(labels, float(figures.availability / 100))
        lower.add_metric(labels, float(figures.availability_lower / 100))
        upper.add_metric(labels, float(figures.availability_upper / 100))
        if figures.availability_to_date is not None:
            to_date.add_metric(labels, float(figures.availability_to_date / 100))
        if figures.coverage is not None:
            coverage.add_metric(labels, float(figures.coverage))
        downtime.add_metric([*labels, "counted"], _s(figures.sums.downtime))
        downtime.add_metric([*labels, "excused"], _s(figures.sums.excused))
        budget.add_metric(labels, _s(figures.budget))
        remaining.add_metric(labels, _s(figures.remaining))
        _objectives(met, labels, figures)
        if figures.availability_weighted is not None:
            by_accounts.add_metric(labels, float(figures.availability_weighted / 100))
    yield from (ratio, lower, upper, to_date, coverage, downtime, budget, remaining, met, current)
    if by_accounts.samples:  # only of services that consist of services
        yield by_accounts


def _objectives(met: GaugeMetricFamily, labels: list[str], figures: Figures) -> None:
    verdicts = {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict}
    for objective, verdict in verdicts.items():
        if verdict != "undetermined":
            met.add_metric([*labels, objective], float(verdict == "met"))


def _health(health: Health) -> Iterator[Metric]:
    def single(name: str, documentation: str, value: float) -> GaugeMetricFamily:
        family = _gauge(name, documentation)
        family.add_metric([], value)
        return family

    yield single("ledger_writable", "1 if the last commit succeeded.", float(health.ledger_writable))
    yield single("ledger_pending_records", "Records that are not durable yet.", health.pending)
    if health.last_commit is not None:
        yield single("last_commit_timestamp_seconds", "When the last commit returned.", _s(health.last_commit))
    yield single("event_loop_lag_seconds", "How late the event loop ran a timer last.", health.loop_lag)
    yield single(
        "config_last_reload_successful",
        "1 if the last reading of the configuration succeeded.",
        float(health.configured),
    )
    yield single(
        "config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read.",
        _s(health.configured_at),
    )
    steps = _counter("clock_steps", "Times that the wall clock was set, or the machine slept.")
    steps.add_metric([], health.clock_steps)
    yield steps
    turned_away = _counter("checks_turned_away", "Checks not recorded: too many waited for the ledger.")
    turned_away.add_metric([], health.turned_away)
    yield turned_away
    info = InfoMetricFamily("mailuptime_build", "The program that is running.")
    info.add_metric([], {"version": __version__})
    yield info
