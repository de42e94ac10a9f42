"""The monitor's own state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor import __version__
from monitor.core.instants import SECOND, Instant
from monitor.core.workload import Workload
from monitor.incidents.picture import TicketPicture
from monitor.metrics import names
from monitor.metrics.text import Block, Lines, labelled


class SecurityFact(NamedTuple):
    """Of a target (`service/target`) or a `domain`; what is not known has none."""

    subject: str
    domain: bool
    fact: str
    good: bool


class WorkerHealth(NamedTuple):
    """Of one probe process; the last three are what it said of itself last."""

    name: str
    up: bool
    restarts: int
    under_way: int
    lag: float  # seconds
    cpu: float  # seconds
    resident: int  # bytes


class Room(NamedTuple):
    """Checks under way, checks that wait to be, and how many may be under way at once."""

    taken: int
    waiting: int
    most: int


NO_ROOM = Room(0, 0, 0)
"""Where nothing is checked."""


@dataclass(frozen=True, slots=True)
class Health:
    """As of a moment; `clock_synchronized` is None where it cannot be told."""

    ledger_writable: bool
    pending: int
    last_commit: Instant | None
    clock_steps: int
    loop_lag: float
    turned_away: int
    configured: bool
    configured_at: Instant
    self_tests: Mapping[str, bool] = field(default_factory=dict)
    clock_synchronized: bool | None = None
    security: tuple[SecurityFact, ...] = ()
    surveyed: Instant | None = None
    notifications: Mapping[str, int] = field(default_factory=dict)
    workers: tuple[WorkerHealth, ...] = ()
    workload: Workload | None = None
    room: Room = NO_ROOM
    loop_stalled: float = 0.0  # seconds since the start
    tickets: TicketPicture = TicketPicture()  # noqa: RUF009 - frozen
    reports_waiting: int | None = None  # None where none are written


def monitor_block(health: Health, month: str) -> Block:
    lines = Lines(names.OF_THE_MONITOR)
    lines.add(names.CURRENT, labelled(("month",), (month,)), 1)
    lines.add(names.WRITABLE, "", health.ledger_writable)
    lines.add(names.PENDING, "", health.pending)
    if health.last_commit is not None:
        lines.add(names.LAST_COMMIT, "", health.last_commit / SECOND)
    lines.add(names.LAG, "", health.loop_lag)
    lines.add(names.STALLED, "", health.loop_stalled)
    lines.add(names.IN_PROGRESS, "", health.room.taken)
    lines.add(names.IN_PROGRESS_LIMIT, "", health.room.most)
    lines.add(names.WAITING, "", health.room.waiting)
    lines.add(names.STEPS, "", health.clock_steps)
    if health.clock_synchronized is not None:
        lines.add(names.SYNCHRONIZED, "", health.clock_synchronized)
    for test, passed in health.self_tests.items():
        lines.add(names.SELF_TEST, labelled(("test",), (test,)), passed)
    for fact in health.security:
        _security(lines, fact)
    if health.surveyed is not None:
        lines.add(names.SURVEYED, "", health.surveyed / SECOND)
    lines.add(names.TURNED_AWAY, "", health.turned_away)
    for result, count in health.notifications.items():
        lines.add(names.NOTIFICATIONS, labelled(("result",), (result,)), count)
    for worker in health.workers:
        _worker(lines, worker)
    if health.workload is not None and health.workload.services:
        _workload(lines, health.workload)
    if health.reports_waiting is not None:
        lines.add(names.REPORTS_WAITING, "", health.reports_waiting)
    lines.add(names.RELOADED, "", health.configured)
    lines.add(names.RELOADED_AT, "", health.configured_at / SECOND)
    lines.add(names.BUILD, labelled(("version",), (__version__,)), 1)
    return lines.block()


def _security(lines: Lines, one: SecurityFact) -> None:
    if one.domain:
        lines.add(names.PUBLISHES, labelled(("domain", "fact"), (one.subject, one.fact)), one.good)
        return
    service, _, target = one.subject.partition("/")
    lines.add(names.REFUSES, labelled(("sla_service", "target", "fact"), (service, target, one.fact)), one.good)


def _worker(lines: Lines, worker: WorkerHealth) -> None:
    labels = labelled(("worker",), (worker.name,))
    lines.add(names.WORKER_UP, labels, worker.up)
    lines.add(names.WORKER_RESTARTS, labels, worker.restarts)
    lines.add(names.WORKER_CHECKS, labels, worker.under_way)
    lines.add(names.WORKER_LAG, labels, worker.lag)
    lines.add(names.WORKER_CPU, labels, worker.cpu)
    lines.add(names.WORKER_MEMORY, labels, worker.resident)


def _workload(lines: Lines, found: Workload) -> None:
    for kind in ("accounts", "services"):
        labels = labelled(("kind",), (kind,))
        lines.add(names.WORKLOAD, labels, getattr(found, kind))
        lines.add(names.BASIS, labels, getattr(found.basis, kind))
        lines.add(names.EXCEEDED, labels, kind in found.exceeded)
