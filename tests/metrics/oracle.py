"""What is exported, said again by prometheus_client: a plain gauge or counter for each family, a sample at a time."""

from collections.abc import Iterator
from math import inf
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from monitor import __version__
from monitor.core.check import Outcome
from monitor.core.instants import SECOND
from monitor.core.month import Figures
from monitor.core.outages import start_of
from monitor.metrics import Health
from monitor.snapshot import ServicePicture, Snapshot, TargetPicture
from probes.base import Certificate, Evidence

STATES = ("up", "suspect", "down", "unknown")
Labels = dict[str, str]


class Told:
    """A collector of what was told."""

    def __init__(self, snapshot: Snapshot, health: Health) -> None:
        self._families: dict[str, Any] = {}
        for target in snapshot.targets:
            self._target(target)
        for service in snapshot.services:
            self._service(service)
            for figures in service.months:
                self._month(figures)
        self._health(health, str(snapshot.month))

    def collect(self) -> Iterator[Metric]:
        yield from self._families.values()

    def registry(self) -> CollectorRegistry:
        made = CollectorRegistry()
        made.register(self)
        return made

    def _gauge(self, name: str, labels: Labels, value: float | None) -> None:
        self._add(GaugeMetricFamily, name, labels, value)

    def _counter(self, name: str, labels: Labels, value: float) -> None:
        self._add(CounterMetricFamily, name, labels, value)

    def _info(self, name: str, labels: Labels, told: Labels) -> None:
        made = InfoMetricFamily(f"mailuptime_{name}", "help", labels=list(labels))
        self._families.setdefault(name, made).add_metric(list(labels.values()), told)

    def _add(self, kind: type[Any], name: str, labels: Labels, value: float | None) -> None:
        if value is None:
            return
        if name not in self._families:
            self._families[name] = kind(f"mailuptime_{name}", "help", labels=list(labels))
        self._families[name].add_metric(list(labels.values()), float(value))

    def _target(self, target: TargetPicture) -> None:
        service, _, name = target.name.partition("/")
        plain = {"sla_service": service, "target": name}
        own = {**plain, "protocol": target.protocol}
        self._gauge("probe_success", own, target.success)
        for state in STATES:
            self._gauge("target_state", {**own, "state": state}, target.state == state)
        for outcome in map(Outcome, ("up", "down", "unknown")):
            self._counter("checks", {**own, "outcome": outcome}, target.outcomes.get(outcome, 0))
        for cause, count in target.causes.items():
            self._counter("check_failures", {**own, "cause": cause}, count)
        self._gauge("login_backoff_seconds", plain, target.backoff)
        if target.protocol == "roundtrip" or target.deliveries:
            for result in ("delivered", "late", "lost", "bounced", "duplicate"):
                self._counter("roundtrip", {**plain, "result": result}, target.deliveries.get(result, 0))
        began = target.outage_start
        self._gauge("outage_start_timestamp_seconds", plain, None if began is None else began / SECOND)
        self._counter("outages", plain, target.outages)
        self._counter("blips", plain, target.blips)
        self._last_check(target, plain, own)
        seen = None if target.presented is None else target.presented.evidence
        if seen is not None and seen.certificate is not None:
            self._presented(seen, seen.certificate, plain)

    def _last_check(self, target: TargetPicture, plain: Labels, own: Labels) -> None:
        if target.last is None:
            return
        seen = target.last.evidence
        self._gauge("probe_duration_seconds", own, target.last.check.duration / SECOND)
        for phase in dict.fromkeys(phase.name for phase in target.last.phases):
            spent = sum((one.seconds for one in target.last.phases if one.name == phase), 0.0)
            self._gauge("probe_phase_duration_seconds", {**own, "phase": phase}, spent)
        self._gauge("tls_certificate_expiring", plain, target.expiring)
        slow = [warning for warning in seen.warnings if warning.startswith("slow: ")]
        met = {"up": not slow, "expectation": False, "slow": False}
        judged = target.last.check.cause or target.last.check.outcome.value
        self._gauge("probe_expectation_met", plain, met.get(judged) if target.expects else None)
        self._gauge("mailbox_quota_used_ratio", plain, seen.quota_used)

    def _presented(self, seen: Evidence, certificate: Certificate, plain: Labels) -> None:
        ends = [certificate.not_after, *(link.not_after for link in certificate.chain)]
        self._gauge("tls_certificate_not_after_timestamp_seconds", plain, ends[0])
        self._gauge("tls_chain_not_after_timestamp_seconds", plain, min(ends))
        told = {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "names": ", ".join(certificate.hosts),
            "serial": certificate.serial,
            "chain": "; ".join(link.subject for link in certificate.chain[1:]),
        }
        self._info("tls_certificate", plain, told)
        self._info("tls_session", plain, {"version": seen.tls_version or "", "cipher": seen.tls_cipher or ""})
        for problem in certificate.problems or filter(None, (certificate.problem,)):
            self._gauge("tls_certificate_problem", {**plain, "problem": problem}, 1)

    def _service(self, service: ServicePicture) -> None:
        own = {"sla_service": service.name}
        for state in STATES:
            self._gauge("service_state", {**own, "state": state}, service.state == state)
        found = None if service.outage is None else start_of(service.outage)
        self._gauge("service_outage_start_timestamp_seconds", own, None if found is None else found[1] / SECOND)
        spent = service.seconds
        if spent is not None:
            for state in ("up", "down", "excused", "unknown"):
                self._counter("state_seconds", {**own, "state": state}, getattr(spent, state) / SECOND)
            self._gauge("settled_timestamp_seconds", own, spent.settled / SECOND)
        for window, rate in service.burn.rates.items():
            self._gauge("burn_rate", {**own, "window": window}, rate)
        left, planned = service.burn.exhaustion, service.maintenance
        self._gauge("budget_exhaustion_seconds", own, inf if left is None else left / SECOND)
        self._gauge("maintenance_active", own, planned.active)
        for name, instant in (("next_start", planned.next_start), ("last_end", planned.last_end)):
            self._gauge(f"maintenance_{name}_timestamp_seconds", own, None if instant is None else instant / SECOND)

    def _month(self, figures: Figures) -> None:
        own = {"sla_service": figures.service, "month": str(figures.month)}
        ratios = {
            "availability_ratio": figures.availability / 100,
            "availability_lower_ratio": figures.availability_lower / 100,
            "availability_upper_ratio": figures.availability_upper / 100,
            "coverage_ratio": figures.coverage,
        }
        for name, ratio in ratios.items():
            self._gauge(name, own, None if ratio is None else float(ratio))
        for name, percent in (
            ("availability_to_date_ratio", figures.availability_to_date),
            ("availability_weighted_ratio", figures.availability_weighted),
        ):
            self._gauge(name, own, None if percent is None else float(percent / 100))
        self._gauge("downtime_seconds", {**own, "kind": "counted"}, figures.sums.downtime / SECOND)
        self._gauge("downtime_seconds", {**own, "kind": "excused"}, figures.sums.excused / SECOND)
        self._gauge("downtime_budget_seconds", own, figures.budget / SECOND)
        self._gauge("downtime_budget_remaining_seconds", own, figures.remaining / SECOND)
        verdicts = {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict}
        for objective, verdict in verdicts.items():
            value = {"met": 1, "missed": 0}.get(verdict)
            self._gauge("objective_met", {**own, "objective": objective}, value)

    def _health(self, health: Health, month: str) -> None:
        self._gauge("month_current", {"month": month}, 1)
        commit = health.last_commit
        for name, value in {
            "ledger_writable": health.ledger_writable,
            "ledger_pending_records": health.pending,
            "last_commit_timestamp_seconds": None if commit is None else commit / SECOND,
            "event_loop_lag_seconds": health.loop_lag,
            "checks_in_progress": health.room.taken,
            "checks_in_progress_limit": health.room.most,
            "checks_waiting": health.room.waiting,
            "clock_synchronized": health.clock_synchronized,
            "reports_waiting": health.reports_waiting,
            "config_last_reload_successful": health.configured,
            "config_last_reload_success_timestamp_seconds": health.configured_at / SECOND,
        }.items():
            self._gauge(name, {}, value)
        for test, passed in health.self_tests.items():
            self._gauge("self_test_success", {"test": test}, passed)
        for one in health.security:
            name, _, target = one.subject.partition("/")
            of_target = {"sla_service": name, "target": target, "fact": one.fact}
            of_domain = {"domain": one.subject, "fact": one.fact}
            self._gauge(
                *(("domain_security_fact", of_domain) if one.domain else ("security_fact", of_target)), one.good
            )
        if health.surveyed is not None:
            self._gauge("security_checked_timestamp_seconds", {}, health.surveyed / SECOND)
        self._counter("event_loop_stalled_seconds", {}, health.loop_stalled)
        self._counter("clock_steps", {}, health.clock_steps)
        self._counter("checks_turned_away", {}, health.turned_away)
        info = InfoMetricFamily("mailuptime_build", "help")
        info.add_metric([], {"version": __version__})
        self._families["build"] = info
