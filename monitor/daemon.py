"""The composition root: builds every object, runs one task group, and stops in order."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import structlog

from monitor import __version__, loops
from monitor.alerting.notifications import Notifications
from monitor.alerting.sender import send
from monitor.application import Application
from monitor.assembly import basis_of, rules_of, targets_of
from monitor.attachments import Attachments
from monitor.backing import Backing
from monitor.bookkeeper import Bookkeeper
from monitor.canaries import canaries
from monitor.checker import Checker
from monitor.clock import Clock, SystemClock
from monitor.console.console import console_of
from monitor.credentials import KIND, Credentials
from monitor.deliveries import Deliveries
from monitor.desk import Desk
from monitor.figures import Document
from monitor.fleet import Fleet, Targets
from monitor.lag import Lag
from monitor.ledger import Fact, Ledger
from monitor.ledger.restore import changed, put_in_force, restored
from monitor.ledger.writer import Writer
from monitor.logins import Logins
from monitor.logs import levels
from monitor.metrics import Health, Lateness
from monitor.notify import Notifier
from monitor.posture import Posture
from monitor.probing import Probing
from monitor.recorder import Arrival, Recorder
from monitor.reloading import Reloader, read_anew
from monitor.report.keeper import Keeper
from monitor.runner import Target
from monitor.scheduler import Scheduler, WallClock
from monitor.selftest import SelfTests
from monitor.settings import ConfigurationError, Settings
from monitor.settings.problems import Problem
from monitor.statuspage.keeper import StatusPage
from monitor.supervision import Supervision, kept_up
from monitor.timekeeping import Timekeeping
from monitor.web.access import terms_of
from monitor.web.gate import Gate
from monitor.web.listening import listen
from monitor.web.probe import ProbePage
from monitor.web.report import ReportPage
from monitor.web.server import Pages
from monitor.workers.pool import Pool

log = structlog.get_logger("daemon")


class Daemon:
    """Everything that runs, over an open ledger."""

    def __init__(self, settings: Settings, ledger: Ledger, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.settings = settings
        self._writer = Writer(ledger)
        self.book, declarations = restored(ledger, rules_of(settings))
        self._first_facts = put_in_force(self.book, ledger, rules_of(settings), self.clock.now())
        self.deliveries = Deliveries(self.clock, self._writer.commit)
        self.deliveries.load(ledger)
        self.logins, self.lateness = Logins(self.clock), Lateness()
        self.fleet = Fleet(self.clock, self.book, self._targets_of(settings), self.deliveries.tallies)
        self.posture = Posture(self.clock, settings.security, self._probed)
        attachments = Attachments(settings.ledger.path.parent / "evidence")
        self.recorder = Recorder(self.clock, self.book, self._writer, self._committed, attachments)
        self._lag, self._self_tests = Lag(self.clock), SelfTests(self.clock, canaries(self.clock, settings.self_test))
        desk = Desk(settings, self.book, declarations)
        self.bookkeeper = Bookkeeper(self.clock, self.book, desk, self.recorder, self._writer, settings.sla.close_after)
        self.bookkeeper.open(ledger)
        self.notifications = Notifications(self.clock, settings, ledger, self._writer.commit, send)
        self._wall_clock, self._pool = WallClock(self.clock), Pool(self.clock, settings.workers)
        self._timekeeping = Timekeeping(self.clock, self.book, self._record, self._wall_clock.rearm)
        self._notifier = Notifier()
        self._backing, self._stopping = Backing(settings.ledger.path), asyncio.Event()
        self._reports = Keeper(self.clock, lambda: self.settings, self.bookkeeper, ledger)
        self._application = Application(
            self.clock,
            self.book,
            self.fleet.lives,
            settings.metrics.months,
            durable=lambda: self.recorder.durable,
            closings=lambda: self.bookkeeper.closings,
            desk=desk,
            health=self._health,
            basis=lambda: basis_of(self.settings),
            lateness=self.lateness,
            seconds=dict(ledger.state_seconds()),
            resting=self.logins.resting,
        )
        self._checker = self._checking(Credentials(link.fact for link in ledger.facts((KIND,))))
        self.scheduler = self._scheduling()
        self._supervision = self._supervising()
        self._reloader = Reloader(self.clock, self._notifier, self._reload, self._supervision.status)
        self._status_page = self._showing()
        self._gate = Gate(self.clock, terms_of(settings.web.config_file))
        probe = ProbePage(Probing(self.clock, lambda: self.settings, self.logins)).get
        console = console_of(self.clock, self._application, self.act, lambda: self.settings)
        report = ReportPage(self.clock, lambda: self.settings, self._reports.maker).get
        asked, level = self._reloader.ask, self._pool.set_level
        self._pages = Pages(self._application, self.act, probe, report, asked, self._gate, level, console)

    @property
    def _probed(self) -> dict[str, Target]:
        return {name: live.target for name, live in self.fleet.lives.items()}

    def _targets_of(self, settings: Settings) -> Targets:
        return targets_of(settings, self.deliveries, self.logins, self.clock)

    def _checking(self, credentials: Credentials) -> Checker:
        return Checker(
            self.clock,
            credentials,
            self.recorder.put,
            self._application.arrived,
            logins=self.logins,
            lives=self.fleet.lives.values,
            lag=self._lag,
            self_tests=self._self_tests,
            pool=self._pool,
        )

    def _scheduling(self) -> Scheduler:
        return Scheduler(
            self.clock,
            self._checker.check,
            missed=lambda live, checks: self.recorder.put(Arrival(live, missed=tuple(checks))),
            late=self.lateness.observe,
            stepped=self._timekeeping.stepped,
            logins=self.logins,
        )

    def _supervising(self) -> Supervision:
        return Supervision(
            self.clock, self._notifier, self.scheduler, self.recorder,
            lambda: (self._application.snapshot, self.settings.zone),
        )  # fmt: skip

    def _showing(self) -> StatusPage:
        head, closings = (lambda: self._writer.head), (lambda: self.bookkeeper.closings)
        return StatusPage(self.clock, self.book, lambda: self._application.snapshot, head=head, closings=closings)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises ListenError where a listener cannot be opened."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloader.hang_up)
        try:
            async with AsyncExitStack() as stack:
                stack.callback(self._writer.close)
                stack.callback(self._pages.close)
                await listen(stack, self._pages, self.settings)
                await self._status_page.open(stack, self.settings)
                await self._begin()
                await self._serve()
                self._notifier.say("STOPPING=1")
                self.recorder.put(Arrival(None, facts=(self._fact("stopped", {}),), seconds=self._application.seconds))
                await self.recorder.drain()
                await self.deliveries.flush()
                await self.bookkeeper.end()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def _begin(self) -> None:
        self._pool.assign(self._probed.values(), self.settings.log)
        await self._checker.prepare(self._probed.values())
        started = self._fact("started", {"version": __version__})
        self.recorder.put(Arrival(None, facts=(*self._first_facts, started)))
        loop, listen = loops.name(asyncio.get_running_loop()), self.settings.web.listen
        log.info("daemon.started", version=__version__, loop=loop, targets=len(self.fleet.lives), listen=str(listen))
        self._timekeeping.begin()

    async def _serve(self) -> None:
        """The one task group; the crash of a child that has a part in checks ends the daemon."""
        self._wall_clock.every_day(self._anchor, hour=0)
        self._wall_clock.every_hour(self.bookkeeper.keep, minute=1)
        self._wall_clock.every_hour(self._compact, minute=11)
        self._wall_clock.start()
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(self._pool.run())]
                await self._pool.came_up()
                self.fleet.start(self.scheduler)
                tasks: list[Callable[[], Coroutine[Any, Any, None]]] = [
                    self.scheduler.run, self.recorder.run, self._open_books, self._lag.run, self._self_tests.run,
                    self._application.run, self._supervision.pet, self._reloader.run, self._keep_counters,
                    self.posture.run, self._supervision.announce, self._timekeeping.synchronization.run,
                ]  # fmt: skip
                running += [group.create_task(task(), name=task.__name__) for task in tasks]
                telling = (self._notify, self._status_page.run, self._reports.run)
                running += [group.create_task(kept_up(self.clock, task)) for task in telling]
                self._notifier.say("READY=1", self._supervision.status())
                await self._stopping.wait()
                for task in running:
                    task.cancel()
        finally:
            self._wall_clock.stop()

    async def act(self, name: str, request: Document, proof: str) -> Document:
        """Carry out what a command asks for. Raises what the bookkeeper raises, and LedgerError."""
        if name == "backup":
            return await self._backing.make(request, proof)
        document = await self.bookkeeper.act(name, request, proof)
        self._application.declared(name)
        return document

    async def _reload(self) -> list[str]:
        """Read the configuration again and put it in force. Raises ConfigurationError, and has changed nothing then."""
        settings, waiting, terms = await read_anew(self.settings)
        try:
            targets = self._targets_of(settings)
        except ValueError as error:  # such as a ca_file that is gone
            raise ConfigurationError([Problem(str(settings.path), None, "", str(error))]) from None
        await self._put_in_force(settings, targets)
        self._gate.change(terms)
        return waiting

    async def _put_in_force(self, settings: Settings, targets: Targets) -> None:
        """From now on the new configuration holds; what is the same goes on."""
        accounts = await self._checker.prepare(target for target, _ in targets.values())
        # From here without a wait, so that nobody sees rules and targets that do not belong together
        facts = changed(self.book, rules_of(settings), self.clock.now())
        added, removed = self.fleet.change(targets)
        self._pool.assign(self._probed.values(), settings.log)
        levels.change(settings.log)
        self.fleet.start(self.scheduler)
        self.scheduler.hasten(accounts)
        self._checker.rest()
        self._self_tests.change(canaries(self.clock, settings.self_test))
        self.recorder.put(Arrival(None, facts=(*facts, self._fact("reloaded", {"added": added, "removed": removed}))))
        self.posture.change(settings.security, self._probed)
        self.notifications.change(settings)
        self._status_page.change(settings)
        self.settings = settings
        log.info("configuration.reloaded", added=added, removed=removed, rules_changed=bool(facts))
        await self.bookkeeper.reconcile(settings)
        self._application.declared()

    async def _open_books(self) -> None:
        """At start, once the recorder runs: what the configuration declares, and what fell due meanwhile."""
        await self.bookkeeper.reconcile(self.settings)
        await self.bookkeeper.keep()
        await asyncio.gather(self._compact(), kept_up(self.clock, self._watch_outages))

    async def _watch_outages(self) -> None:
        await self.bookkeeper.watch(lambda: self._application.snapshot)

    async def _compact(self) -> None:
        await self.bookkeeper.compact(self.settings.ledger)

    def _committed(self) -> None:
        self._application.refresh()

    def _record(self, fact: Fact) -> None:
        self.recorder.put(Arrival(None, facts=(fact,)))

    def _health(self) -> Health:
        recorder = self.recorder
        return Health(
            ledger_writable=recorder.writable, pending=recorder.pending, last_commit=recorder.last_commit,
            clock_steps=self._timekeeping.steps, loop_lag=self._lag.last, loop_stalled=self._lag.total,
            turned_away=recorder.turned_away, self_tests=self._self_tests.passed,
            configured=self._reloader.successful, configured_at=self._reloader.succeeded_at,
            clock_synchronized=self._timekeeping.synchronization.known, notifications=self.notifications.results,
            security=self.posture.exported, surveyed=self.posture.surveyed,
            workers=self._pool.health, room=self.scheduler.bulkhead.health,
            tickets=self.bookkeeper.desk.tickets.picture(self.clock.now()), reports_waiting=self._reports.waiting,
        )  # fmt: skip

    def _fact(self, kind: str, body: dict[str, object]) -> Fact:
        return Fact(self.clock.now(), kind, body)

    async def _anchor(self) -> None:
        """The chain's head, said outside the file: who can edit the ledger can rebuild its chain."""
        log.info("ledger.head", digest=self._writer.head)

    async def _notify(self) -> None:
        await self.notifications.run(lambda: (self._application.snapshot, self._health(), self.lateness.read()))

    async def _keep_counters(self) -> None:
        """Counters that never go back go on after a restart from where they were last kept."""
        while True:
            await self.clock.sleep(60.0)
            self.recorder.put(Arrival(None, seconds=self._application.seconds))
