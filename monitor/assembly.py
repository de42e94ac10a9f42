"""From settings to what runs: rules for the book, targets for the runner, places in the schedule."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from monitor.cadence import Cadence, phases
from monitor.clock import Clock, SystemClock
from monitor.core.book import Rules, TargetRule
from monitor.core.instants import SECOND
from monitor.core.maintenance import Exclusion, Policy, Window
from monitor.core.month import Objectives
from monitor.core.recurrence import Recurrence
from monitor.core.service import Service
from monitor.core.workload import Basis
from monitor.deliveries import Deliveries
from monitor.loans import Lending
from monitor.logins import Access, Loan, Logins, account_of
from monitor.runner import Target
from monitor.settings import Settings
from monitor.settings.models import ExclusionSettings, ServiceSettings, TargetSettings, WindowSettings
from probes import REGISTRY
from probes.base import Probe
from probes.imap import ImapProbe
from probes.lookout import Gate, unminded
from probes.pop3 import Pop3Probe
from probes.roundtrip import RoundtripOptions, RoundtripProbe, Route
from probes.smtp import SmtpProbe, SubmissionProbe


def rules_of(settings: Settings) -> Rules:
    """Everything in the settings that decides figures."""
    named = {service.name: service for service in settings.services}
    services: dict[str, Service] = {}

    def service(name: str) -> Service:
        if name not in services:
            one = named[name]
            members = tuple(service(member) for member in one.members)
            at_least = _at_least(one, len(members) + len(one.counting))
            services[name] = Service(name, at_least, one.counting, members, one.since, one.until, one.accounts)
        return services[name]

    return Rules(
        zone=settings.zone,
        targets={
            f"{one.name}/{target.name}": TargetRule(
                target.confirm.failures, target.recover.successes, target.stale_after
            )
            for one in settings.services
            for target in one.targets
        },
        services={name: service(name) for name in named},
        objectives={name: _objectives(settings, one) for name, one in named.items()},
        policy=Policy(settings.maintenance_policy.notice, settings.maintenance_policy.late == "excuse"),
    )


def basis_of(settings: Settings) -> Basis:
    return Basis(settings.sla.basis.accounts, settings.sla.basis.services)


def window_of(settings: WindowSettings, sla_zone: ZoneInfo) -> Window:
    duration = settings.duration
    recurrence = None
    if settings.rrule is not None and duration is not None:
        zone = ZoneInfo(settings.timezone) if settings.timezone else sla_zone
        recurrence = Recurrence(settings.rrule, settings.start, zone, duration)
    end = settings.end if settings.end is not None else settings.start + (duration or 0)
    return Window(
        settings.id,
        tuple(settings.scope),
        settings.start,
        end,
        settings.reason,
        settings.by,
        recurrence,
        settings.declared,
        settings.approved_by,
    )


def exclusion_of(settings: ExclusionSettings) -> Exclusion:
    """An exclusion; one that names an outage has no span of its own yet."""
    return Exclusion(
        settings.id,
        tuple(settings.scope),
        settings.start or 0,
        settings.end or 0,
        settings.category,
        settings.evidence,
        settings.by,
        settings.approved_by,
    )


def targets_of(
    settings: Settings, deliveries: Deliveries | None = None, logins: Logins | None = None, clock: Clock | None = None
) -> dict[str, tuple[Target, Cadence]]:
    """Every target with its place in the schedule, by `service/target`.

    Round trips keep their tokens in `deliveries`; without it they are forgotten with the process. `logins` minds their
    accounts; without it nobody does.
    """
    clock = clock or SystemClock()
    kept = deliveries or Deliveries(clock)
    minded = None if logins is None else partial(Lending, clock, logins)
    listed = {f"{s.name}/{t.name}": t for s in settings.services for t in s.targets}
    places = phases([(name, host_of(t), t.interval / SECOND) for name, t in listed.items()])
    return {
        name: (_target(name, t, listed, _probe(name, listed, kept, minded)), _cadence(t, places[name]))
        for name, t in listed.items()
    }


def _probe(
    name: str,
    listed: Mapping[str, TargetSettings],
    deliveries: Deliveries,
    minded: Callable[[str, Loan], Gate] | None,
) -> Probe:
    settings = listed[name]
    options = settings.options
    if not isinstance(options, RoundtripOptions):
        return REGISTRY[settings.type](options)
    submit, fetch = listed[options.submit[0]], listed[options.fetch[0]]
    ends: list[Any] = [submit.options, fetch.options]
    gates = {loan.lender: minded(name, loan) for loan in _loans(options, listed)} if minded else {}
    route = Route(
        submitter=SubmissionProbe(ends[0]) if submit.type == SubmissionProbe.protocol else SmtpProbe(ends[0]),
        reader=_reader(fetch),
        sender=options.sender or ends[0].login.username,
        recipient=options.recipient or ends[1].login.username,
        submit_timeout=submit.timeout / SECOND,
        fetch_timeout=fetch.timeout / SECOND,
        deadline=settings.deadline / SECOND,
        margin=(settings.timeout - settings.deadline) / SECOND,
        tokens=deliveries.store(name, settings.give_up),
        returns=_reader(listed[options.bounces]) if options.bounces else None,
        submit_gate=gates.get(options.submit[0], unminded),
        fetch_gate=gates.get(options.fetch[0], unminded),
        returns_gate=gates.get(options.bounces or "", unminded),
    )
    return RoundtripProbe(options, route)


def _reader(settings: TargetSettings) -> ImapProbe | Pop3Probe:
    options: Any = settings.options
    return ImapProbe(options) if settings.type == ImapProbe.protocol else Pop3Probe(options)


def _lenders(options: RoundtripOptions) -> Iterable[str]:
    """The targets whose logins a round trip uses."""
    return dict.fromkeys((*options.submit, *options.fetch, *filter(None, (options.bounces,))))


def _loans(options: RoundtripOptions, listed: Mapping[str, TargetSettings]) -> Iterator[Loan]:
    """The logins that a round trip makes with those of other targets."""
    for name in _lenders(options):
        lender: Any = listed[name]
        login = lender.options.login
        yield Loan(name, _access(lender, login.username), lender.timeout / SECOND, login.password.reveal)


def _target(name: str, settings: TargetSettings, listed: Mapping[str, TargetSettings], probe: Probe) -> Target:
    kind = REGISTRY[settings.type]
    login = getattr(settings.options, "login", None)
    tls = getattr(settings.options, "tls", None)
    return Target(
        name,
        kind.protocol,
        probe,
        settings.timeout,
        settings.stale_after,
        None if login is None else login.username,
        borrows=tuple(_lenders(settings.options)) if isinstance(settings.options, RoundtripOptions) else (),
        min_days_left=getattr(tls, "min_days_left", 0),
        expects=getattr(settings.options, "expect", None) is not None,
        access=None if login is None else _access(settings, login.username),
        loans=tuple(_loans(settings.options, listed)) if isinstance(settings.options, RoundtripOptions) else (),
        host=(urlsplit(host_of(settings)).hostname or host_of(settings)).casefold().rstrip("."),
        group="" if isinstance(settings.options, RoundtripOptions) else name.partition("/")[0],
    )


def _access(settings: TargetSettings, username: str) -> Access:
    backoff = settings.login_backoff
    return Access(
        account_of(username, urlsplit(host_of(settings)).hostname or host_of(settings)),
        backoff.after / SECOND,
        backoff.max / SECOND,
        settings.max_logins,
    )


def _cadence(settings: TargetSettings, phase: float) -> Cadence:
    return Cadence(
        settings.interval / SECOND,
        settings.confirm.interval / SECOND,
        settings.recover.interval / SECOND,
        None if settings.pulse is None else settings.pulse / SECOND,
        phase,
    )


def host_of(settings: TargetSettings) -> str:
    options: Any = settings.options
    return str(getattr(options, "host", None) or getattr(options, "url", ""))


def _at_least(settings: ServiceSettings, parts: int) -> int:
    if settings.down_when == "any":
        return 1
    return parts if settings.down_when == "all" else settings.down_when.at_least


def _objectives(settings: Settings, service: ServiceSettings) -> Objectives:
    own = service.sla
    return Objectives(
        settings.sla.availability if own is None or own.availability is None else own.availability,
        settings.sla.downtime_budget if own is None or own.downtime_budget is None else own.downtime_budget,
    )
