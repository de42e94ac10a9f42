"""Every metric: its name, type, labels and help, in one table. `docs/METRICS.md` and the exposition are made from it.

Labels are `sla_service` and `target`; `service` would collide with Prometheus' own target labels. The unit is the end
of the name (base units: seconds, ratios).
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "info"]

UNITS = ("seconds", "ratio", "bytes")
_SUFFIXES = {"counter": "_total", "info": "_info"}


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """`name` is that of the samples, without what a histogram puts behind it; `since` the first version with it."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    since: str = "0.1.0"

    @property
    def base(self) -> str:
        """The name of the family in OpenMetrics, which leaves `_total` and `_info` to the samples."""
        return self.name.removesuffix(_SUFFIXES.get(self.kind, ""))

    @property
    def unit(self) -> str | None:
        return next((unit for unit in UNITS if self.base.endswith(f"_{unit}")), None)


_SERVICE = ("sla_service",)
_PLAIN = ("sla_service", "target")
_TARGET = ("sla_service", "target", "protocol")
_MONTH = ("sla_service", "month")


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(f"mailuptime_{name}", "gauge", labels, text)


def _counter(name: str, labels: tuple[str, ...], text: str) -> Family:
    return Family(f"mailuptime_{name}_total", "counter", labels, text)


SUCCESS = _gauge("probe_success", _TARGET, "1 if the last check found the service well, else 0; absent while unknown.")
DURATION = _gauge("probe_duration_seconds", _TARGET, "How long the last check took.")
PHASE = _gauge("probe_phase_duration_seconds", (*_TARGET, "phase"), "How long each phase of the last check took.")
CHECKS = _counter("checks", (*_TARGET, "outcome"), "Checks by outcome since the monitor started.")
FAILURES = _counter("check_failures", (*_TARGET, "cause"), "Checks that were not up, by cause.")
TARGET_STATE = _gauge("target_state", (*_TARGET, "state"), "1 for the target's present state, 0 for the others.")
NOT_AFTER = _gauge(
    "tls_certificate_not_after_timestamp_seconds",
    _PLAIN,
    "When the certificate last presented runs out, verified or not.",
)
EXPIRING = _gauge(
    "tls_certificate_expiring", _PLAIN, "1 if the certificate last presented ends within min_days_left, else 0."
)
PROBLEM = _gauge(
    "tls_certificate_problem", (*_PLAIN, "problem"), "1 while the certificate does not verify; absent while it does."
)
CHAIN_END = _gauge(
    "tls_chain_not_after_timestamp_seconds",
    _PLAIN,
    "When the first certificate of the chain last presented runs out, the server's own among them.",
)
CERTIFICATE = Family(
    "mailuptime_tls_certificate_info",
    "info",
    (*_PLAIN, "subject", "issuer", "names", "serial", "chain"),
    "The certificate last presented, verified or not; `chain` is what was sent behind it, `names` are those of hosts.",
)
AGREED = Family(
    "mailuptime_tls_session_info",
    "info",
    (*_PLAIN, "version", "cipher"),
    "What TLS was agreed upon where that certificate was presented.",
)
EXPECTED = _gauge(
    "probe_expectation_met",
    _PLAIN,
    "1 if the last check was all that expect asks for, else 0; only of targets with it.",
)
QUOTA = _gauge("mailbox_quota_used_ratio", _PLAIN, "The share of the mailbox's quota in use at the last check.")
BACKOFF = _gauge(
    "login_backoff_seconds", _PLAIN, "How long no login is tried after refused ones; absent while logins are tried."
)
ROUNDTRIPS = _counter("roundtrip", (*_PLAIN, "result"), "Messages sent on a round trip, by what became of them.")
OUTAGE_START = _gauge("outage_start_timestamp_seconds", _PLAIN, "When the running outage began.")
OUTAGES = _counter("outages", _PLAIN, "Outages of the target, the running one included.")
BLIPS = _counter("blips", _PLAIN, "Failures too short to be an outage.")

SERVICE_STATE = _gauge("service_state", (*_SERVICE, "state"), "1 for the service's present state, 0 for the others.")
SERVICE_OUTAGE_START = _gauge(
    "service_outage_start_timestamp_seconds",
    _SERVICE,
    "When the service's running outage began, also of one that is down only by shared targets or by its members.",
)
STATE_SECONDS = _counter(
    "state_seconds", (*_SERVICE, "state"), "Time accounted for, up to the settled instant; never goes back."
)
SETTLED = _gauge("settled_timestamp_seconds", _SERVICE, "The instant before which no label can change.")
BURN_RATE = _gauge(
    "burn_rate", (*_SERVICE, "window"), "How fast the month's budget is being spent; 1 lasts exactly the month."
)
EXHAUSTION = _gauge("budget_exhaustion_seconds", _SERVICE, "When the budget is gone if the last hour goes on.")
MAINTENANCE = _gauge("maintenance_active", _SERVICE, "1 while a declared window of the service goes on.")
NEXT_WINDOW = _gauge("maintenance_next_start_timestamp_seconds", _SERVICE, "When the next window begins.")
LAST_WINDOW = _gauge("maintenance_last_end_timestamp_seconds", _SERVICE, "When the last window ended.")

AVAILABILITY = _gauge("availability_ratio", _MONTH, "Availability of the month, by the SLA's formula.")
LOWER = _gauge("availability_lower_ratio", _MONTH, "The least that it can have been.")
UPPER = _gauge("availability_upper_ratio", _MONTH, "The most that it can have been.")
TO_DATE = _gauge("availability_to_date_ratio", _MONTH, "Availability of the part of the month so far.")
COVERAGE = _gauge("coverage_ratio", _MONTH, "The share of the time accounted for that was observed.")
DOWNTIME = _gauge("downtime_seconds", (*_MONTH, "kind"), "Downtime of the month; both kinds make the gross.")
BUDGET = _gauge("downtime_budget_seconds", _MONTH, "The downtime that keeps both objectives.")
REMAINING = _gauge("downtime_budget_remaining_seconds", _MONTH, "What is left of it; negative if overspent.")
OBJECTIVE = _gauge("objective_met", (*_MONTH, "objective"), "1 if met, 0 if missed; absent while undetermined.")
WEIGHTED = _gauge("availability_weighted_ratio", _MONTH, "Availability by the accounts that members serve.")
CURRENT = _gauge("month_current", ("month",), "1 for the running month.")

_CLOCK = ("kind", "priority", "clock")
TICKETS_OPEN = _gauge(
    "tickets_open", ("kind", "priority", "state"), "Incidents, requests and complaints that wait to be resolved."
)
CLOCK_USED = _gauge(
    "ticket_clock_used_ratio", _CLOCK, "Of the clocks that run, the greatest share of its target; 1 at the deadline."
)
CLOCK_LEFT = _gauge(
    "ticket_clock_left_seconds", _CLOCK, "The least time left of them, as they count; negative after the deadline."
)
TICKET_CLOCKS = _gauge(
    "ticket_clocks", ("month", *_CLOCK, "outcome"), "Clocks of the tickets recorded in the month, by what they came to."
)
WITHIN_TARGET = _gauge(
    "ticket_within_target_ratio", ("month", "clock"), "The share within target, of those that are decided."
)
TICKETS_MET = _gauge(
    "ticket_objective_met", ("month", "clock"), "1 if the promised share is met, 0 if not; absent while undetermined."
)

WRITABLE = _gauge("ledger_writable", (), "1 if the last commit succeeded.")
PENDING = _gauge("ledger_pending_records", (), "Records that are not durable yet.")
LAST_COMMIT = _gauge("last_commit_timestamp_seconds", (), "When the last commit returned.")
LAG = _gauge("event_loop_lag_seconds", (), "How late the event loop ran a timer last.")
LATENESS = Family(
    "mailuptime_schedule_lateness_seconds", "histogram", (), "How late checks started after the time they were due."
)
PHASES = Family(
    "mailuptime_phase_duration_seconds",
    "histogram",
    ("protocol", "phase"),
    "How long phases of checks took; the phase `total` is the whole check.",
)
STALLED = _counter(
    "event_loop_stalled_seconds", (), "Time for which the event loop stood still, in stalls of more than 50 ms."
)
IN_PROGRESS = _gauge("checks_in_progress", (), "Checks and pulses under way.")
IN_PROGRESS_LIMIT = _gauge("checks_in_progress_limit", (), "How many may be under way; half of them of one host.")
WAITING = _gauge("checks_waiting", (), "Checks and pulses that are due and find no room: of a host, or of all.")
STEPS = _counter("clock_steps", (), "Times that the wall clock was set, or the machine slept.")
SYNCHRONIZED = _gauge(
    "clock_synchronized", (), "1 if the system's clock is kept by a time source; absent where that cannot be told."
)
SELF_TEST = _gauge("self_test_success", ("test",), "1 if the monitor's own network passed the test last, else 0.")
REFUSES = _gauge(
    "security_fact", (*_PLAIN, "fact"), "1 if the server refuses what it should, else 0; absent while unknown."
)
PUBLISHES = _gauge(
    "domain_security_fact",
    ("domain", "fact"),
    "1 if the domain publishes what it should, else 0; absent while unknown.",
)
SURVEYED = _gauge("security_checked_timestamp_seconds", (), "When the security facts were asked about last.")
TURNED_AWAY = _counter("checks_turned_away", (), "Checks not recorded: too many waited for the ledger.")
NOTIFICATIONS = _counter(
    "notifications", ("result",), "Messages of the built-in notifications by what became of them, for each receiver."
)
_WORKER = ("worker",)
WORKER_UP = _gauge("worker_up", _WORKER, "1 while the probe process answers, else 0; only with `workers`.")
WORKER_RESTARTS = _counter("worker_restarts", _WORKER, "Times that the probe process ended and was started again.")
WORKER_CHECKS = _gauge("worker_checks_in_progress", _WORKER, "Checks and pulses under way in the probe process.")
WORKER_LAG = _gauge("worker_event_loop_lag_seconds", _WORKER, "How late its event loop ran a timer last.")
WORKER_CPU = _counter("worker_cpu_seconds", _WORKER, "CPU time that the probe process has used since it started.")
WORKER_MEMORY = _gauge("worker_resident_memory_bytes", _WORKER, "Memory that the probe process holds.")
WORKLOAD = _gauge("workload", ("kind",), "Accounts that services say they serve, and how many services do.")
BASIS = _gauge("workload_basis", ("kind",), "How many of them the agreement's promises are made for.")
EXCEEDED = _gauge("workload_basis_exceeded", ("kind",), "1 if there are more than that, else 0.")
REPORTS_WAITING = _gauge(
    "reports_waiting",
    (),
    "Closed months whose newest report is not written, or not told to the webhook; only with `report.directory`.",
)
RELOADED = _gauge("config_last_reload_successful", (), "1 if the last reading of the configuration succeeded.")
RELOADED_AT = _gauge("config_last_reload_success_timestamp_seconds", (), "When the configuration in force was read.")
BUILD = Family("mailuptime_build_info", "info", ("version",), "The program that is running.")

OF_TARGETS = (
    SUCCESS, DURATION, PHASE, CHECKS, FAILURES, TARGET_STATE, NOT_AFTER, CHAIN_END, CERTIFICATE,
    AGREED, EXPIRING, PROBLEM, EXPECTED, QUOTA, BACKOFF, ROUNDTRIPS, OUTAGE_START, OUTAGES, BLIPS,
)  # fmt: skip
OF_SERVICES = (
    SERVICE_STATE, SERVICE_OUTAGE_START, STATE_SECONDS, SETTLED, BURN_RATE, EXHAUSTION,
    MAINTENANCE, NEXT_WINDOW, LAST_WINDOW,
)  # fmt: skip
OF_MONTHS = (
    AVAILABILITY, LOWER, UPPER, TO_DATE, COVERAGE, DOWNTIME, BUDGET, REMAINING, OBJECTIVE, WEIGHTED,
)  # fmt: skip
OF_TICKETS = (TICKETS_OPEN, CLOCK_USED, CLOCK_LEFT, TICKET_CLOCKS, WITHIN_TARGET, TICKETS_MET)
OF_THE_MONITOR = (
    CURRENT, WRITABLE, PENDING, LAST_COMMIT, LAG, STALLED, IN_PROGRESS, IN_PROGRESS_LIMIT, WAITING, STEPS,
    SYNCHRONIZED, SELF_TEST, REFUSES, PUBLISHES, SURVEYED,
    TURNED_AWAY, NOTIFICATIONS, WORKER_UP, WORKER_RESTARTS, WORKER_CHECKS, WORKER_LAG, WORKER_CPU, WORKER_MEMORY,
    WORKLOAD, BASIS, EXCEEDED, REPORTS_WAITING, RELOADED, RELOADED_AT, BUILD,
)  # fmt: skip
HISTOGRAMS = (LATENESS, PHASES)
GROUPS = {
    "Targets": OF_TARGETS,
    "Services": OF_SERVICES,
    "Months": OF_MONTHS,
    "Incidents, requests and complaints": OF_TICKETS,
    "The monitor": (*OF_THE_MONITOR, *HISTOGRAMS),
}
EVERYTHING = tuple(family for group in GROUPS.values() for family in group)
