"""What the daemon answers: metrics from the last snapshot, documents from the book, and whether it is ready."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from monitor import queries
from monitor.clock import Clock
from monitor.closing import Closing
from monitor.condition import condition_of
from monitor.core import instants
from monitor.core.book import Book, Horizon
from monitor.core.calendar import Month
from monitor.core.check import Outcome
from monitor.core.instants import SECOND, format_instant
from monitor.core.month import Figures, StateSeconds
from monitor.core.workload import Basis, workload
from monitor.desk import Desk
from monitor.figures import Document, service_document
from monitor.incidents.asked import Asked
from monitor.incidents.desk import PREFIX
from monitor.live import Live
from monitor.metrics import Answer, Exposition, Health, Lateness, PhaseDurations, Scrape, Seen, fitting
from monitor.metrics.subjects import seconds_by_phase
from monitor.photographer import Photographer
from monitor.runner import Result
from monitor.shutter import Shutter
from monitor.snapshot import ServicePicture, Snapshot, TargetPicture


class Application:
    """`durable` tells whether all that the book has taken is committed; `seconds` is what counters go on from."""

    def __init__(
        self,
        clock: Clock,
        book: Book,
        lives: Mapping[str, Live],
        months: int,
        *,
        durable: Callable[[], bool],
        closings: Callable[[], dict[str, Closing]],
        desk: Desk,
        health: Callable[[], Health],
        basis: Callable[[], Basis],
        lateness: Lateness,
        seconds: Mapping[str, StateSeconds] | None = None,
        resting: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._clock = clock
        self._book = book
        self._lives = lives
        self._photographer = Photographer(book, lives, months, seconds)
        self._durable = durable
        self._closings = closings
        self._desk = desk
        self._health = health
        self._basis = basis
        self._lateness = lateness
        self._resting = resting
        self._phases = PhaseDurations()
        self._exposition = Exposition()
        self._scraped: float | None = None  # when the metrics were asked for last, on the monotonic clock
        self._shown: list[Document] = []
        self._outages: dict[str, str] = {}  # the id of each service's that runs
        self._shutter = Shutter(clock, book, self._photographer, durable, self._took)

    def refresh(self) -> None:
        """Take a new snapshot; while a commit is outstanding, of the targets only: figures wait for it."""
        self._shutter.press()

    async def run(self) -> None:
        await self._shutter.run()

    def _took(self, snapshot: Snapshot) -> None:
        self._outages = {one.name: one.outage for one in snapshot.services if one.outage is not None}

    @property
    def snapshot(self) -> Snapshot:
        return self._shutter.snapshot

    @property
    def seconds(self) -> Mapping[str, StateSeconds]:
        """What the counters of services would go on from after a restart."""
        return dict(self._photographer.seconds)

    def declared(self, act: str = "") -> None:
        """Something was declared: every month is looked at again; tickets change none of its figures."""
        if not act.startswith(PREFIX):
            self._photographer.forget()

    def arrived(self, result: Result) -> None:
        """Count how long a check and its phases took; what failed names the outage that it is part of."""
        check, target = result.check, result.target
        if result.pulse and check.outcome is Outcome.UP:  # which is no check
            return
        labels = {"target": target.name}
        if check.outcome is not Outcome.UP:
            outage = self._outages.get(target.name.partition("/")[0])
            labels |= {"outage": outage} if outage is not None else {}
        shown = fitting(labels)
        seen = Seen(shown, check.ends / SECOND) if shown else None
        for phase, value in seconds_by_phase(result.phases).items():
            self._phases.observe(value, target.protocol, phase, seen=seen)
        self._phases.observe(check.duration / SECOND, target.protocol, "total", seen=seen)

    def exposition(self, accept: str, accept_encoding: str) -> Callable[[], Answer]:
        """The scrape of this moment; what is returned renders it, in any one thread."""
        self._scraped = self._clock.monotonic()
        health = replace(self._health(), workload=workload(self._book.rules, self._basis()))
        scrape = Scrape(self.snapshot, health, (self._lateness.read(), self._phases.read()))
        return partial(self._exposition.answer, scrape, accept, accept_encoding)

    def unready(self) -> list[str]:
        """Why not ready: the ledger cannot be written, or a target has not been checked yet."""
        reasons = []
        if not self._health().ledger_writable:
            reasons.append("the ledger cannot be written")
        waiting = sum(live.last is None for live in self._lives.values())
        if waiting:
            reasons.append(f"{waiting} of {len(self._lives)} targets have not been checked yet")
        return reasons

    def sla(self, month: str | None, service: str | None = None) -> Document:
        closed = self._closings()
        now = self._clock.now()
        document = queries.sla(self._book, month, now, closed, self._basis(), service)
        if service is None:
            document = self._desk.tickets.added(document, self._book.present(now))
        return self._said(document)

    def outages(self, month: str | None) -> Document:
        return self._said(queries.outages(self._book, month, self._clock.now()))

    async def outages_in_turns(self, month: str | None, service: str | None = None) -> Document:
        """The same, or those of one service, with turns for others in between: a fleet's takes a quarter second."""
        made = queries.Outages(self._book, month, self._clock.now(), service)
        for _ in made.found():
            await asyncio.sleep(0)
        return self._said(made.document)

    def _said(self, document: Document) -> Document:
        """What the ledger has not taken yet counts here, and is not to be relied upon: no restart would know it."""
        return document if self._health().ledger_writable else {**document, "uncommitted": True}

    def declarations(self) -> Document:
        return self._desk.listed(self._clock.now())

    async def tickets_in_turns(self, asked: Asked) -> Document:
        """With turns for others in between: thousands take half a second."""
        made = self._desk.tickets.listing(asked, self._clock.now())
        for _ in made.steps():
            await asyncio.sleep(0)
        return made.document

    def ticket_figures(self, month: Month) -> Document:
        zone = self._book.rules.zone
        figures = self._desk.tickets.figures(month, self._book.present(self._clock.now()))
        return {"month": str(month), "timezone": zone.key, **figures}

    def services(self) -> list[str]:
        return list(self._book.rules.services)

    def status(self) -> Document:
        """Everything that a live view shows."""
        snapshot, zone = self.snapshot, self._book.rules.zone
        horizon = Horizon(snapshot.at, now=True)
        if self._durable():  # otherwise figures wait for the commit, with what was last shown
            figures = queries.every(self._book, snapshot.month, horizon)
            pictures = (one for one in snapshot.services if one.name in figures)  # a reload may have removed one since
            self._shown = [self._service(picture, figures[picture.name]) for picture in pictures]
        return {
            "at": format_instant(snapshot.at, zone),
            "month": str(snapshot.month),
            "ready": not self.unready(),
            "self_tests": dict(self._health().self_tests),
            "resting": {account: round(left, 3) for account, left in self._resting().items()},
            "services": self._shown,
            "targets": [self._target(picture) for picture in snapshot.targets],
        }

    def condition(self) -> Document:
        """What `mailuptime doctor` asks."""
        ago = None if self._scraped is None else round(self._clock.monotonic() - self._scraped, 3)
        made = condition_of(self._health(), self._lives, self.unready(), self._resting(), self._clock.now())
        return made | {"scraped_seconds_ago": ago}

    def _service(self, picture: ServicePicture, figures: Figures) -> Document:
        left = picture.burn.exhaustion
        return {
            "service": picture.name,
            "state": picture.state,
            "figures": service_document(figures, self._book.rules.zone),
            "burn_rates": dict(picture.burn.rates),
            "exhaustion_seconds": None if left is None else left / SECOND,
        }

    def _target(self, picture: TargetPicture) -> Document:
        last, zone = picture.last, self._book.rules.zone
        began = picture.outage_start
        return {
            "target": picture.name,
            "protocol": picture.protocol,
            "state": picture.state,
            "outage_start": None if began is None else format_instant(began, zone),
            "last": None
            if last is None
            else {
                "at": format_instant(last.check.at, zone),
                "outcome": last.check.outcome.value,
                "cause": last.check.cause,
                "phase": last.failed_phase,
                "reply": last.reply,
                "duration_seconds": instants.seconds(last.check.duration),
                "phases": [[phase.name, round(phase.seconds, 6)] for phase in last.phases],
            },
        }
