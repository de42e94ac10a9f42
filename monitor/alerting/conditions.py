"""The condition of each rule, as the expression of the same name in `config/prometheus/rules` has it."""

from collections.abc import Iterator

from monitor.alerting.rules import RULES
from monitor.alerting.sight import LATE, LOST, REFUSED, STEPS, Sight
from monitor.core.alerts import Condition, Rule
from monitor.core.budget import WINDOWS
from monitor.core.clocks import WHICH
from monitor.core.instants import MINUTE, SECOND
from monitor.incidents.picture import TicketPicture, priority_shown
from monitor.metrics.subjects import expectation_met
from monitor.snapshot import ServicePicture, TargetPicture

_BY_LENGTH = {length: name for name, length in WINDOWS.items()}
_DAY = 86400


def conditions(sight: Sight) -> Iterator[Condition]:
    """Every condition that holds now."""
    quiet = {one.name for one in sight.snapshot.services if one.maintenance.active}
    down = {one.name for one in sight.snapshot.services if one.state == "down"}
    for service in sight.snapshot.services:
        yield from _months(service)
        began = sight.past.outages.get(service.name)
        if began is not None:
            yield Condition("MailuptimeRecentOutage", (service.name,), (sight.snapshot.at - began) / MINUTE)
        if service.name not in quiet:
            yield from _service(service, sight)
            yield from _outage(service, sight)
    for target in sight.snapshot.targets:
        if target.name.partition("/")[0] not in quiet:
            yield from _target(target, sight, service_down=target.name.partition("/")[0] in down)
    awake = not quiet or len(quiet) < len(sight.snapshot.services)
    yield from _tickets(sight.health.tickets, awake=awake)
    if awake:
        yield from _monitor(sight)


def _outage(service: ServicePicture, sight: Sight) -> Iterator[Condition]:
    labels, now, ended = (service.name,), sight.snapshot.at, service.maintenance.last_end
    began = sight.past.outages.get(service.name)
    if began is None:
        if service.state == "unknown":
            yield Condition("MailuptimeServiceUnknown", labels, 1)
        return
    yield Condition("MailuptimeOutage", labels, (now - began) / MINUTE)
    counted = (now - (began if ended is None else max(began, ended))) / MINUTE
    for name in ("MailuptimeResponseDeadline", "MailuptimeResolutionDeadline"):
        if RULES[name].bounds[0].holds(counted):
            yield Condition(name, labels, counted)
    if ended is not None and ended > began:
        yield Condition("MailuptimeMaintenanceOverrun", labels, (now - ended) / MINUTE)


def _service(service: ServicePicture, sight: Sight) -> Iterator[Condition]:
    labels, rates = (service.name,), service.burn.rates
    for rule in (one for name, one in RULES.items() if name.startswith("MailuptimeBurnRate")):
        burning = [rates.get(_BY_LENGTH[window], 0.0) for window in rule.windows]
        if all(bound.holds(rate) for bound, rate in zip(rule.bounds, burning, strict=True)):
            yield Condition(rule.name, labels, burning[0])
    rule = RULES["MailuptimeBudgetExhaustion"]
    more, less, burns = rule.bounds
    left = None if service.burn.exhaustion is None else service.burn.exhaustion / MINUTE
    burning_now = burns.holds(rates.get(_BY_LENGTH[rule.windows[0]], 0.0))
    if left is not None and more.holds(left) and less.holds(left) and burning_now:
        yield Condition(rule.name, labels, left)
    soon = service.maintenance.next_start
    if soon is not None:
        yield from _bounded("MailuptimeMaintenanceSoon", labels, (soon - sight.snapshot.at) / MINUTE)
    sums = service.running.sums
    if sums.length:
        yield from _bounded("MailuptimeCoverageLow", labels, 100 * (sums.length - sums.unknown) / sums.length)


def _months(service: ServicePicture) -> Iterator[Condition]:
    """Facts of the running month, which maintenance does not silence: it excuses downtime, it does not undo it."""
    figures = service.running
    labels, spent = (service.name, str(figures.month)), figures.sums.downtime
    for rule in (one for name, one in RULES.items() if name.startswith("MailuptimeBudgetUsed")):
        # Compared as a share of the budget; a budget of nothing is used up from the start, as it is for Prometheus.
        if rule.bounds[0].holds(spent / figures.budget if figures.budget else 1.0):
            yield Condition(rule.name, labels, spent / MINUTE)
    verdicts = {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict}
    for objective, verdict in verdicts.items():
        if verdict == "missed":
            yield Condition("MailuptimeObjectiveMissed", (*labels, objective), spent / MINUTE)


def _tickets(tickets: TicketPicture, *, awake: bool) -> Iterator[Condition]:
    """Deadlines, which maintenance does not put off; and the promise of the running month."""
    for one in tickets.urgent:
        kind, priority, clock = one.row
        labels = (kind, priority_shown(priority), clock)
        names = ["MailuptimeTicketDeadlineHalf", "MailuptimeTicketDeadlineNear", "MailuptimeTicketDeadlineReached"]
        if awake and kind == "incident" and priority in {"P1", "P2"}:
            names.append("MailuptimeIncidentDeadlineNear")
        for name in names:
            if RULES[name].bounds[0].holds(one.used):
                yield Condition(name, labels, 100 * one.used)
    for month, found in tickets.months[:1]:
        for clock in WHICH:
            share = found.total(clock).share
            if found.verdict(clock) == "missed":
                yield Condition("MailuptimeTicketObjectiveMissed", (month, clock), float(share or 0))


def _target(target: TargetPicture, sight: Sight, *, service_down: bool) -> Iterator[Condition]:
    service, _, name = target.name.partition("/")
    labels, now = (service, name), sight.snapshot.at
    if target.state == "down" and not service_down:
        roundtrip = target.protocol == "roundtrip"
        age = 0.0 if target.outage_start is None else (now - target.outage_start) / MINUTE
        yield Condition("MailuptimeRoundTripFailing" if roundtrip else "MailuptimeTargetDown", labels, age)
    for counter, rule_name in ((LOST, "MailuptimeRoundTripLost"), (LATE, "MailuptimeRoundTripLate")):
        rule = RULES[rule_name]
        yield from _bounded(rule_name, labels, _risen(sight, f"{counter} {target.name}", rule))
    rule = RULES["MailuptimeProbeAccountFailing"]
    refused = _risen(sight, f"{REFUSED} {target.name}", rule)
    if rule.bounds[0].holds(refused) or target.backoff is not None:
        yield Condition(rule.name, labels, refused)
    if target.last is not None:
        yield from _seen(target, labels, now / SECOND)


def _seen(target: TargetPicture, labels: tuple[str, str], now: float) -> Iterator[Condition]:
    """What the last check saw; `now` in seconds."""
    if target.last is None:
        return
    seen = target.last.evidence
    if target.expects and expectation_met(target.last) is False:
        yield Condition("MailuptimeExpectationMissed", labels, 1)
    if seen.quota_used is not None:
        yield from _bounded("MailuptimeProbeMailboxFull", labels, 100 * seen.quota_used)
    certificate = None if target.presented is None else target.presented.evidence.certificate
    if certificate is None:
        return
    left = max(0.0, certificate.not_after - now)
    if RULES["MailuptimeCertificateExpiring"].bounds[0].holds(left) or target.expiring:
        yield Condition("MailuptimeCertificateExpiring", labels, left / _DAY)
    if RULES["MailuptimeCertificateExpiresSoon"].bounds[0].holds(left):
        yield Condition("MailuptimeCertificateExpiresSoon", labels, left / 60)
    first = certificate.problem
    for problem in certificate.problems or (() if first is None else (first,)):
        yield Condition("MailuptimeCertificateProblem", (*labels, problem), 1)


def _monitor(sight: Sight) -> Iterator[Condition]:
    health, now, pace = sight.health, sight.snapshot.at, sight.past.pace
    old, waiting = RULES["MailuptimeNotCommitting"].bounds
    age = 0.0 if health.last_commit is None else (now - health.last_commit) / SECOND
    if not health.ledger_writable or (old.holds(age) and waiting.holds(health.pending)):
        yield Condition("MailuptimeNotCommitting", (), health.pending)
    for test, passed in health.self_tests.items():
        if not passed:
            yield Condition("MailuptimeSelfTestFailing", (test,), 1)
    late = pace.late(sight.lateness.bounds)
    if late is not None:
        yield from _bounded("MailuptimeScheduleLate", (), late)
    yield from _bounded("MailuptimeEventLoopLagging", (), pace.lag())
    yield from _bounded("MailuptimeClockStepped", (), _risen(sight, STEPS, RULES["MailuptimeClockStepped"]))
    if health.clock_synchronized is False:
        yield Condition("MailuptimeClockUnsynchronized", (), 1)
    if not health.configured:
        yield Condition("MailuptimeReloadFailed", (), (now - health.configured_at) / MINUTE)
    yield from _bounded("MailuptimeReportWaiting", (), health.reports_waiting or 0)


def _risen(sight: Sight, counter: str, rule: Rule) -> int:
    return sight.past.rises.within(counter, rule.windows[0], sight.snapshot.at)


def _bounded(name: str, labels: tuple[str, ...], value: float) -> Iterator[Condition]:
    """The condition of a rule that has one bound."""
    if RULES[name].bounds[0].holds(value):
        yield Condition(name, labels, value)
