"""The alert rules: those of `config/prometheus/rules`, of `config/alertmanager` what inhibits what.

A test reads both files and compares names, severities, labels, durations, bounds and summaries. Two rules have no place
here: MailuptimeWatchdog and MailuptimeMonitorMissing are for whoever looks at the monitor from outside.
"""

from monitor.core.alerts import Bound, Rule
from monitor.core.instants import DAY, HOUR, MINUTE

_SERVICE = ("sla_service",)
_TARGET = ("sla_service", "target")
_MONTH = ("sla_service", "month")
_CLOCK = ("kind", "priority", "clock")
_BURNS = ("MailuptimeBurnRate1h", "MailuptimeBurnRate6h", "MailuptimeBurnRate1d")
_OUTAGES = ("MailuptimeOutage", "MailuptimeRecentOutage")
_USED = ("MailuptimeBudgetUsed75", "MailuptimeBudgetUsed90", "MailuptimeBudgetUsed100")
_MISSED = "MailuptimeObjectiveMissed"
_BURNING = "{sla_service} burns the month's budget {value:.1f} times too fast"
_USED_TEXT = "{value:.1f} minutes of downtime in the month."
_RESTART = 5 * MINUTE
"""For which an alert is kept that Prometheus does not see while the monitor is restarted."""


def _over(*figures: float) -> tuple[Bound, ...]:
    return tuple(Bound(">", figure) for figure in figures)


def _least(figure: float) -> tuple[Bound, ...]:
    return (Bound(">=", figure),)


SERVICES = (
    Rule(
        "MailuptimeOutage", "page", _SERVICE, "{sla_service} is down",
        "Down for {value:.1f} minutes. The SLA's deadlines of a P1 incident: an answer by e-mail within 30 minutes, "
        "resolved within 216 minutes of its record.",
        by=("MailuptimeMaintenanceOverrun",), equal=_SERVICE,
    ),
    Rule(
        "MailuptimeRecentOutage", "none", _SERVICE, "{sla_service} is down, or was within 45 minutes",
        "The outage began {value:.1f} minutes ago. What it burned is no news.",
        keep=45 * MINUTE,
    ),
    Rule(
        "MailuptimeResponseDeadline", "page", _SERVICE,
        "{sla_service}: the SLA's 30 minutes for an answer by e-mail are over",
        "The outage has run for {value:.1f} minutes; the SLA has whoever reported it by e-mail answered within 30.",
        _least(30), by=("MailuptimeResolutionDeadline",), equal=_SERVICE,
    ),
    Rule(
        "MailuptimeResolutionDeadline", "page", _SERVICE,
        "{sla_service}: the SLA's 3 h 36 min for the resolution of a P1 incident are over",
        "The outage has run for {value:.1f} minutes; the SLA allows 216.",
        _least(216),
    ),
    Rule(
        "MailuptimeServiceUnknown", "page", _SERVICE, "{sla_service} is not being observed",
        "For 10 minutes the monitor could not tell whether the service is up: an outage would go unseen, and the time "
        "counts as unknown.",
        hold=10 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeMaintenanceSoon", "info", _SERVICE, "Maintenance of {sla_service} begins within the hour",
        "It begins in {value:.0f} minutes. Downtime in the window is not counted.",
        (Bound("<=", 60),),
    ),
    Rule(
        "MailuptimeMaintenanceOverrun", "page", _SERVICE,
        "Maintenance of {sla_service} is over, and it is still down",
        "The window ended {value:.1f} minutes ago; each minute counts.",
    ),
    Rule(
        "MailuptimeBurnRate1h", "page", _SERVICE, _BURNING,
        "Downtime of the last hour and of the last 5 minutes; 1 would last exactly the month.",
        _over(14.4, 14.4), (HOUR, 5 * MINUTE), keep=6 * MINUTE, by=_OUTAGES, equal=_SERVICE,
    ),
    Rule(
        "MailuptimeBurnRate6h", "page", _SERVICE, _BURNING,
        "Downtime of the last 6 hours and of the last 30 minutes; 1 would last exactly the month.",
        _over(6, 6), (6 * HOUR, 30 * MINUTE), keep=15 * MINUTE, by=(*_OUTAGES, *_BURNS[:1]), equal=_SERVICE,
    ),
    Rule(
        "MailuptimeBurnRate1d", "ticket", _SERVICE, _BURNING,
        "Downtime of the last day and of the last 2 hours; 1 would last exactly the month.",
        _over(3, 3), (DAY, 2 * HOUR), keep=30 * MINUTE, by=(*_OUTAGES, *_BURNS[:2]), equal=_SERVICE,
    ),
    Rule(
        "MailuptimeBurnRate3d", "ticket", _SERVICE, _BURNING,
        "Downtime of the last 3 days and of the last 6 hours; 1 would last exactly the month.",
        _over(1, 1), (3 * DAY, 6 * HOUR), keep=30 * MINUTE, by=(*_OUTAGES, *_BURNS), equal=_SERVICE,
    ),
    Rule(
        "MailuptimeBudgetExhaustion", "page", _SERVICE,
        "{sla_service} will have used the month's budget within the hour",
        "If the last hour goes on, nothing is left in {value:.1f} minutes.",
        (Bound(">", 0), Bound("<", 60), Bound(">", 0)), (5 * MINUTE,), keep=_RESTART,
    ),
)  # fmt: skip

MONTHS = (
    Rule(
        "MailuptimeBudgetUsed50", "info", _MONTH, "{sla_service} has used half of the budget of {month}", _USED_TEXT,
        _least(0.5), keep=_RESTART, by=(*_USED, _MISSED), equal=_MONTH,
    ),
    Rule(
        "MailuptimeBudgetUsed75", "ticket", _MONTH, "{sla_service} has used three quarters of the budget of {month}",
        _USED_TEXT, _least(0.75), keep=_RESTART, by=(*_USED[1:], _MISSED), equal=_MONTH,
    ),
    Rule(
        "MailuptimeBudgetUsed90", "ticket", _MONTH, "{sla_service} has used nine tenths of the budget of {month}",
        _USED_TEXT, _least(0.9), keep=_RESTART, by=(*_USED[2:], _MISSED), equal=_MONTH,
    ),
    Rule(
        "MailuptimeBudgetUsed100", "ticket", _MONTH, "{sla_service} has used all of the budget of {month}",
        _USED_TEXT, _least(1), keep=_RESTART, by=(_MISSED,), equal=_MONTH,
    ),
    Rule(
        _MISSED, "ticket", (*_MONTH, "objective"), "{sla_service} has missed the objective {objective} of {month}",
        _USED_TEXT, keep=_RESTART,
    ),
    Rule(
        "MailuptimeCoverageLow", "ticket", _SERVICE,
        "Only {value:.2f} % of the month so far of {sla_service} was observed",
        "An auditor may count what nobody observed as downtime.",
        (Bound("<", 99),), hold=2 * HOUR, keep=3 * HOUR,
    ),
)  # fmt: skip

_NEAR = ("MailuptimeIncidentDeadlineNear", "MailuptimeTicketDeadlineReached")
TICKETS = (
    Rule(
        "MailuptimeTicketDeadlineHalf", "info", _CLOCK, "Half of the time for a {clock} is over: {kind} {priority}",
        "{value:.0f} % of the SLA's time has run.",
        _least(0.5), keep=_RESTART, by=("MailuptimeTicketDeadlineNear", *_NEAR), equal=_CLOCK,
    ),
    Rule(
        "MailuptimeTicketDeadlineNear", "ticket", _CLOCK,
        "Four fifths of the time for a {clock} are over: {kind} {priority}",
        "{value:.0f} % of the SLA's time has run.",
        _least(0.8), keep=_RESTART, by=_NEAR, equal=_CLOCK,
    ),
    Rule(
        "MailuptimeIncidentDeadlineNear", "page", _CLOCK,
        "Four fifths of the time for a {clock} are over: {kind} {priority}",
        "{value:.0f} % of the SLA's time has run, which does so day and night.",
        _least(0.8), keep=_RESTART, by=_NEAR[1:], equal=_CLOCK,
    ),
    Rule(
        "MailuptimeTicketDeadlineReached", "ticket", _CLOCK,
        "The SLA's time for a {clock} is over: {kind} {priority}",
        "{value:.0f} % of it has run; the {clock} counts as missed.",
        _least(1), keep=_RESTART,
    ),
    Rule(
        "MailuptimeTicketObjectiveMissed", "ticket", ("month", "clock"),
        "Too few {clock}s of {month} were within target",
        "{value:.2f} % of those that are decided.",
        keep=_RESTART,
    ),
)  # fmt: skip

TARGETS = (
    Rule(
        "MailuptimeTargetDown", "ticket", _TARGET, "{sla_service}/{target} is down; the service is not",
        "Down for {value:.1f} minutes. By the service's rule this is no downtime.",
        hold=5 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeExpectationMissed", "ticket", _TARGET,
        "{sla_service}/{target} works, but not as its `expect` asks",
        "For 15 minutes every check has come with a warning. It is no downtime.",
        hold=15 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeCertificateExpiring", "ticket", _TARGET,
        "The certificate of {sla_service}/{target} runs out in {value:.1f} days",
        "From then on every minute is downtime.",
        (Bound("<", 14 * 86400),), keep=_RESTART, by=("MailuptimeCertificateExpiresSoon",), equal=_TARGET,
    ),
    Rule(
        "MailuptimeCertificateExpiresSoon", "page", _TARGET,
        "The certificate of {sla_service}/{target} runs out within two days",
        "{value:.0f} minutes are left before mail programs refuse the server. From then on every minute is downtime.",
        (Bound("<", 2 * 86400),), keep=_RESTART,
    ),
    Rule(
        "MailuptimeCertificateProblem", "ticket", (*_TARGET, "problem"),
        "The certificate of {sla_service}/{target} does not verify: {problem}",
        "It has not verified for 5 minutes. Mail programs warn or refuse.",
        hold=5 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeRoundTripFailing", "page", _TARGET, "Mail over {sla_service}/{target} does not arrive",
        "For {value:.1f} minutes no message of the monitor has made the round trip in time. By the service's rule this "
        "is no downtime.",
        hold=5 * MINUTE, keep=10 * MINUTE,
    ),
    Rule(
        "MailuptimeRoundTripLost", "ticket", _TARGET, "Mail over {sla_service}/{target} was accepted and is lost",
        "Messages of the monitor that were given up or came back in the last 30 minutes: {value:.0f}.",
        _over(0), (30 * MINUTE,),
    ),
    Rule(
        "MailuptimeRoundTripLate", "ticket", _TARGET, "Mail over {sla_service}/{target} arrives too late",
        "Messages of the monitor that arrived after their deadline in the last 30 minutes: {value:.0f}.",
        _over(0), (30 * MINUTE,),
    ),
    Rule(
        "MailuptimeProbeAccountFailing", "ticket", _TARGET, "{sla_service}/{target} refuses the monitor's login",
        "Logins that were refused in the last 10 minutes: {value:.0f}.",
        _over(0), (10 * MINUTE,), hold=2 * MINUTE,
    ),
    Rule(
        "MailuptimeProbeMailboxFull", "ticket", _TARGET,
        "The monitor's mailbox at {sla_service}/{target} is {value:.0f} % full",
        "Once it is full, round trips bounce, and that looks like an outage after some minutes.",
        _over(80), hold=5 * MINUTE, keep=_RESTART,
    ),
)  # fmt: skip

MONITOR = (
    Rule(
        "MailuptimeNotCommitting", "page", (), "The monitor cannot write its ledger",
        "{value:.0f} records wait in memory. The month's figures stand still.",
        _over(600, 0), hold=5 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeSelfTestFailing", "ticket", ("test",), "The monitor's self-test fails: {test}",
        "It has failed for 2 minutes. While it does, failed checks count as unknown, not as downtime.",
        hold=2 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeScheduleLate", "ticket", (), "Checks start late",
        "For 10 minutes one check in ten has started {value:.1f} s late or later: outages are seen later, and missed "
        "slots count as unknown.",
        _over(1), (5 * MINUTE,), hold=10 * MINUTE,
    ),
    Rule(
        "MailuptimeEventLoopLagging", "ticket", (), "The monitor measures itself",
        "For 5 minutes and more its event loop has been {value:.3f} s late on average: that much of every latency is "
        "its own.",
        _over(0.1), (5 * MINUTE,), hold=5 * MINUTE,
    ),
    Rule(
        "MailuptimeClockStepped", "ticket", (), "The monitor's clock was set, or the machine slept",
        "Steps in the last 15 minutes: {value:.0f}. The time stepped over is unknown.",
        _over(0), (15 * MINUTE,),
    ),
    Rule(
        "MailuptimeClockUnsynchronized", "ticket", (), "The monitor's clock is not kept by a time source",
        "For 15 minutes nothing has kept it; the bounds of outages drift with it.",
        hold=15 * MINUTE, keep=_RESTART,
    ),
    Rule(
        "MailuptimeReloadFailed", "ticket", (), "The monitor refused its configuration and keeps the old one",
        "The configuration in force was read {value:.0f} minutes ago. A window declared in the file since then is not "
        "in force.",
    ),
    Rule(
        "MailuptimeReportWaiting", "ticket", (), "The service report is not written, or nobody was told of it",
        "Closed months whose newest report has waited for an hour: {value:.0f}.",
        _over(0), hold=HOUR, keep=_RESTART,
    ),
)  # fmt: skip

RULES = {rule.name: rule for rule in (*SERVICES, *MONTHS, *TICKETS, *TARGETS, *MONITOR)}
