"""What is said of one target, one service and one month of a service."""

from collections.abc import Iterable, Sequence
from math import inf

from monitor.core.check import Outcome
from monitor.core.instants import SECOND, Duration
from monitor.core.month import Figures
from monitor.core.outages import start_of
from monitor.metrics import names
from monitor.metrics.text import Block, Lines, labelled
from monitor.runner import Result
from monitor.snapshot import STATES, ServicePicture, TargetPicture
from probes.base import Phase
from probes.errors import Cause

_OUTCOMES = tuple(Outcome)
_UNEXPECTED = {Cause.EXPECTATION.value, Cause.SLOW.value}
_SLOW = "slow: "  # how warnings begin that `expect` asked for; others are of certificates
MOST_OF_A_LABEL = 150
_RESULTS = ("delivered", "late", "lost", "bounced", "duplicate")


def target_block(target: TargetPicture) -> Block:
    service, _, name = target.name.partition("/")
    plain = labelled(("sla_service", "target"), (service, name))
    own = f"{plain},{labelled(('protocol',), (target.protocol,))}"
    lines = Lines(names.OF_TARGETS)
    if target.success is not None:
        lines.add(names.SUCCESS, own, target.success)
    for outcome in _OUTCOMES:
        lines.add(names.CHECKS, f'{own},outcome="{outcome}"', target.outcomes.get(outcome, 0))
    for cause, count in target.causes.items():
        lines.add(names.FAILURES, f"{own},{labelled(('cause',), (cause,))}", count)
    for state in STATES:
        lines.add(names.TARGET_STATE, f'{own},state="{state}"', state == target.state)
    if target.backoff is not None:
        lines.add(names.BACKOFF, plain, target.backoff)
    if target.protocol == "roundtrip" or target.deliveries:
        for result in _RESULTS:
            lines.add(names.ROUNDTRIPS, f'{plain},result="{result}"', target.deliveries.get(result, 0))
    if target.outage_start is not None:
        lines.add(names.OUTAGE_START, plain, _seconds(target.outage_start))
    lines.add(names.OUTAGES, plain, target.outages)
    lines.add(names.BLIPS, plain, target.blips)
    _last_check(lines, target, plain, own)
    _presented(lines, target.presented, plain)
    return lines.block()


def _last_check(lines: Lines, target: TargetPicture, plain: str, own: str) -> None:
    if target.last is None:
        return
    seen = target.last.evidence
    lines.add(names.DURATION, own, _seconds(target.last.check.duration))
    for phase, seconds in seconds_by_phase(target.last.phases).items():
        lines.add(names.PHASE, f"{own},{labelled(('phase',), (phase,))}", seconds)
    if target.expiring is not None:
        lines.add(names.EXPIRING, plain, target.expiring)
    met = expectation_met(target.last) if target.expects else None
    if met is not None:
        lines.add(names.EXPECTED, plain, met)
    if seen.quota_used is not None:
        lines.add(names.QUOTA, plain, seen.quota_used)


def _presented(lines: Lines, last: Result | None, plain: str) -> None:
    """The certificate, and what came with it. Its words are a stranger's: cut, so that labels are bounded."""
    seen = None if last is None else last.evidence
    if seen is None or (certificate := seen.certificate) is None:
        return
    lines.add(names.NOT_AFTER, plain, certificate.not_after)
    lines.add(names.CHAIN_END, plain, certificate.first_end)
    told = {
        "subject": cut(certificate.subject),
        "issuer": cut(certificate.issuer),
        "names": cut(", ".join(certificate.hosts)),
        "serial": cut(certificate.serial),
        "chain": cut("; ".join(link.subject for link in certificate.chain[1:])),
    }
    lines.add(names.CERTIFICATE, f"{plain},{labelled(told, told.values())}", 1)
    agreed = (seen.tls_version or "", seen.tls_cipher or "")
    lines.add(names.AGREED, f"{plain},{labelled(('version', 'cipher'), agreed)}", 1)
    first = certificate.problem
    for problem in certificate.problems or (() if first is None else (first,)):
        lines.add(names.PROBLEM, f"{plain},{labelled(('problem',), (problem,))}", 1)


def cut(text: str) -> str:
    """At most `MOST_OF_A_LABEL` characters of it."""
    return text if len(text) <= MOST_OF_A_LABEL else text[: MOST_OF_A_LABEL - 1] + "…"


def expectation_met(last: Result) -> bool | None:
    """Whether the check was all that `expect` asks for; None where it failed before that was looked at."""
    if last.check.outcome is Outcome.UP:
        return not any(warning.startswith(_SLOW) for warning in last.evidence.warnings)
    return False if last.check.cause in _UNEXPECTED else None


def seconds_by_phase(phases: Iterable[Phase]) -> dict[str, float]:
    """Seconds by phase; behind STARTTLS a phase is gone through twice."""
    found: dict[str, float] = {}
    for phase in phases:
        found[phase.name] = found.get(phase.name, 0.0) + phase.seconds
    return found


def service_block(service: ServicePicture) -> Block:
    own = labelled(("sla_service",), (service.name,))
    lines = Lines(names.OF_SERVICES)
    for state in STATES:
        lines.add(names.SERVICE_STATE, f'{own},state="{state}"', state == service.state)
    began = None if service.outage is None else start_of(service.outage)
    if began is not None:
        lines.add(names.SERVICE_OUTAGE_START, own, _seconds(began[1]))
    spent = service.seconds
    if spent is not None:
        lines.add(names.STATE_SECONDS, f'{own},state="up"', _seconds(spent.up))
        lines.add(names.STATE_SECONDS, f'{own},state="down"', _seconds(spent.down))
        lines.add(names.STATE_SECONDS, f'{own},state="excused"', _seconds(spent.excused))
        lines.add(names.STATE_SECONDS, f'{own},state="unknown"', _seconds(spent.unknown))
        lines.add(names.SETTLED, own, _seconds(spent.settled))
    for window, rate in service.burn.rates.items():
        lines.add(names.BURN_RATE, f'{own},window="{window}"', rate)
    exhausted = service.burn.exhaustion
    lines.add(names.EXHAUSTION, own, inf if exhausted is None else exhausted / SECOND)
    planned = service.maintenance
    lines.add(names.MAINTENANCE, own, planned.active)
    if planned.next_start is not None:
        lines.add(names.NEXT_WINDOW, own, _seconds(planned.next_start))
    if planned.last_end is not None:
        lines.add(names.LAST_WINDOW, own, _seconds(planned.last_end))
    return lines.block()


def months_block(months: Sequence[Figures]) -> Block:
    lines = Lines(names.OF_MONTHS)
    for figures in months:
        _month(lines, figures)
    return lines.block()


def _month(lines: Lines, figures: Figures) -> None:
    own = labelled(("sla_service", "month"), (figures.service, str(figures.month)))
    sums, total = figures.sums, figures.total
    # Of two integers the quotient is the nearest float there is, as float() of a fraction is.
    lines.add(names.AVAILABILITY, own, (total - sums.downtime) / total)
    lines.add(names.LOWER, own, (total - sums.possibly) / total)
    lines.add(names.UPPER, own, (total - sums.certainly) / total)
    if sums.length:
        lines.add(names.TO_DATE, own, (sums.length - sums.downtime) / sums.length)
        lines.add(names.COVERAGE, own, (sums.length - sums.unknown) / sums.length)
    lines.add(names.DOWNTIME, f'{own},kind="counted"', _seconds(sums.downtime))
    lines.add(names.DOWNTIME, f'{own},kind="excused"', _seconds(sums.excused))
    lines.add(names.BUDGET, own, _seconds(figures.budget))
    lines.add(names.REMAINING, own, _seconds(figures.remaining))
    verdicts = {"availability": figures.availability_verdict, "downtime": figures.downtime_verdict}
    for objective, verdict in verdicts.items():
        if verdict != "undetermined":
            lines.add(names.OBJECTIVE, f'{own},objective="{objective}"', verdict == "met")
    if figures.availability_weighted is not None:  # only of services that consist of services
        lines.add(names.WEIGHTED, own, float(figures.availability_weighted / 100))


def _seconds(duration: Duration) -> float:
    return duration / SECOND
