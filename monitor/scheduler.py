"""Decides when a check is due, on the monotonic clock; APScheduler runs what belongs to the wall clock.

One task over a heap. A target has one entry while it waits and none while it is checked, so that its checks never
overlap. What is bounded is the rate of starts, and far beyond the usual the number of checks under way, of one host
more than of all (`bulkhead`): hanging targets do not delay healthy ones.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.bulkhead import Bulkhead, most
from monitor.cadence import Cadence
from monitor.clock import STEP, Clock
from monitor.core.check import Check, Outcome
from monitor.core.instants import SECOND, Instant
from monitor.live import Live
from monitor.logins import Logins
from monitor.runner import Result
from probes import PULSE_PHASES
from probes.errors import Cause

START_GAP = 0.002
"""Seconds from the start of a full check to the next start at the least, so that they do not measure one another."""
PULSE_GAP = 0.001
"""The same from the start of a pulse, which takes less of the processor."""
MOST_BEHIND = 0.01
"""Seconds of such gaps that are caught up with where the event loop was late, in one clump: else a busy loop, late at
each, would start fewer than come due."""
SHORTEST_SLEEP = 0.001
"""Seconds; uvloop's timers count milliseconds and may ring half of one early, again and again where that is left."""
LONGEST_SLEEP = 1.0
MOST_MISSED = 60
"""Missed slots of a target recorded one by one after a stall or a suspend; of a longer one the last ones."""
MOST_MISSED_AT_ONCE = 50_000
"""Of all targets after a suspend: half of what may wait for the ledger."""


@dataclass(slots=True)
class Entry:
    """A target in the schedule; instants in seconds on the monotonic clock."""

    live: Live
    cadence: Cadence
    full_due: float = 0.0
    pulse_due: float | None = None
    regular: bool = True  # the full check that is due stands in a slot of the interval
    removed: bool = False
    place: int | None = None  # its number in the heap; None while it is checked

    @property
    def due(self) -> float:
        return self.full_due if self.pulse_due is None else min(self.full_due, self.pulse_due)


class Scheduler:
    """`run` checks targets until cancelled.

    `check(live, pulse)` makes one check and gives its result to the recorder; `missed(live, checks)` records slots
    that went by; `late(seconds)` takes each start's lateness; `stepped(before, after)` a set clock. `logins` says
    when a target may log in: a check that may not yet is put off, and its pulses go on. One that finds no room in the
    `bulkhead` waits, and is late.
    """

    def __init__(
        self,
        clock: Clock,
        check: Callable[[Live, bool], Awaitable[Result]],
        *,
        missed: Callable[[Live, list[Check]], None],
        late: Callable[[float], None],
        stepped: Callable[[Instant, Instant], None],
        logins: Logins | None = None,
        bulkhead: Bulkhead | None = None,
    ) -> None:
        self._clock = clock
        self._check = check
        self._missed = missed
        self._late = late
        self._stepped = stepped
        self._logins = logins or Logins(clock)
        self.bulkhead = bulkhead or Bulkhead(most())
        self._entries: list[Entry] = []
        self._groups: dict[str, list[Entry]] = {}
        self._heap: list[tuple[float, int, Entry]] = []
        self._order = count()
        self._waking: asyncio.Future[None] | None = None
        self._next_start = 0.0  # before which none is, on the monotonic clock
        self._offset: Instant | None = None
        self._asleep = clock.asleep()
        self.advanced = 0.0
        """When the schedule last went on, on the monotonic clock."""

    def add(self, live: Live, cadence: Cadence, first: float) -> Entry:
        """Schedule a target; `first` is when it is checked for the first time."""
        entry = Entry(live, cadence, full_due=first)
        self._enlist(entry)
        self._push(entry)
        return entry

    def changed(self) -> None:
        """Targets were removed, or belong to other groups than when they were added."""
        known, self._entries, self._groups = self._entries, [], {}
        for entry in known:
            if not entry.removed:
                self._enlist(entry)

    def _enlist(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._groups.setdefault(entry.live.target.group, []).append(entry)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as checks:
            while True:
                self._watch_clock()
                now = self.advanced = self._clock.monotonic()
                while self._next_start <= now and self._heap and self._heap[0][0] <= now:
                    self._start(checks, now)
                await self._rest(now)

    def _start(self, checks: asyncio.TaskGroup, now: float) -> None:
        """Begin with the first check that is due. The next one's turn counts from when it was this one's."""
        due, place, entry = heapq.heappop(self._heap)
        if not entry.removed and entry.place == place:
            entry.place = None
            turn = max(self._next_start, due, now - MOST_BEHIND)
            self._next_start = turn + (PULSE_GAP if now < entry.full_due else START_GAP)
            checks.create_task(self._one(entry, now))

    async def _rest(self, now: float) -> None:
        """Wait for the next due check, an entry that comes before it, or long enough to look at the clock again."""
        until = max(self._heap[0][0], self._next_start) - now if self._heap else LONGEST_SLEEP
        until = min(max(until, SHORTEST_SLEEP), LONGEST_SLEEP)
        loop = asyncio.get_running_loop()
        self._waking = loop.create_future()
        alarm = loop.call_later(until, self._wake)
        try:
            await self._waking
        finally:
            alarm.cancel()

    def _wake(self) -> None:
        if self._waking is not None and not self._waking.done():
            self._waking.set_result(None)

    async def _one(self, entry: Entry, now: float) -> None:
        pulse = now < entry.full_due  # where a stall made both due, the full check: it accounts for missed slots
        late = now - entry.due
        target = entry.live.target
        access, host = None if pulse else target.access, target.host or target.name
        await self._logins.enter(access)
        try:
            asked = self._clock.monotonic()
            await self.bulkhead.enter(host)
            try:
                now = self._clock.monotonic()
                result = await self._begun(entry, now, late + now - asked, pulse=pulse)
            finally:
                self.bulkhead.leave(host)
        finally:
            await self._logins.leave(access)
        if result is not None:
            self._plan(entry, result)

    async def _begun(self, entry: Entry, now: float, late: float, *, pulse: bool) -> Result | None:
        """Check it, unless while it waited a reload removed it, or its account came to rest."""
        if entry.removed:
            return None
        self._late(late)
        if not pulse:
            rested = self._rested(entry)
            if rested > now:
                entry.full_due = rested
                self._push(entry)
                return None
            if entry.regular:
                self._record_missed(entry, entry.full_due, now)
        return await self._check(entry.live, pulse)

    def _plan(self, entry: Entry, result: Result) -> None:
        if entry.removed:
            return
        ended = self._clock.monotonic()
        entry.pulse_due = entry.cadence.pulse_after(ended)
        outcome = result.check.outcome
        present = entry.live.timeline.present()
        if not result.pulse or outcome is Outcome.DOWN:
            entry.full_due = entry.cadence.after(present, result.began, ended)
            entry.regular = not present.down and present.row is None
        elif outcome is Outcome.UP and (present.down or present.row is not None) and self._seen_by_pulse(entry):
            entry.full_due = ended
        entry.full_due = max(entry.full_due, self._rested(entry))
        self._push(entry)
        if present.row is not None and present.row.count == 1 and outcome is not Outcome.UNKNOWN:
            self._ask_siblings(entry, ended, down=present.down)

    def _ask_siblings(self, entry: Entry, now: float, *, down: bool) -> None:
        """What has begun (`down`: has ended) at one target of a group may be seen at the others: check those that are
        still as it was, and were not just checked.
        """
        for other in self._groups[entry.live.target.group] if entry.live.target.group else ():
            last, present = other.live.last, other.live.timeline.present()
            as_it_was = present.down is down and present.row is None
            waits = other is not entry and other.place is not None and not other.removed
            if waits and as_it_was and last is not None and now - last.began >= other.cadence.confirm_interval:
                other.full_due = min(other.full_due, max(now, self._rested(other)))
                self._push(other)

    def _rested(self, entry: Entry) -> float:
        """When its account may be logged in to."""
        return self._logins.until(entry.live.target.name, entry.live.target.accesses)

    def hasten(self, accounts: set[str]) -> None:
        """Check the targets of these accounts now, however long they were put off; another password lets them in."""
        for entry in self._entries:
            own = {access.account for access in entry.live.target.accesses}
            if own & accounts and entry.place is not None and not entry.removed:
                entry.full_due = min(entry.full_due, self._clock.monotonic())
                self._push(entry)

    @staticmethod
    def _seen_by_pulse(entry: Entry) -> bool:
        """Whether what failed last is something that a pulse would see."""
        last = entry.live.last
        return last is not None and last.failed_phase in PULSE_PHASES

    def _record_missed(self, entry: Entry, due: float, now: float) -> None:
        slots = entry.cadence.missed(due, now)[-MOST_MISSED:]
        if slots:
            wall = self._clock.now()
            self._say_missed(entry, [wall - round((now - slot) * SECOND) for slot in slots])

    def _say_missed(self, entry: Entry, instants: list[Instant]) -> None:
        voice = entry.live.target.voice
        self._missed(entry.live, [Check(i, Outcome.UNKNOWN, 0, voice, cause=Cause.MISSED.value) for i in instants])

    def _record_slept(self, wall: Instant, seconds: float) -> None:
        """The slots that would have come while the machine slept: the schedule's own clock stood still."""
        now = self._clock.monotonic()
        entries = [entry for entry in self._entries if not entry.removed and self._rested(entry) <= now]
        most = min(MOST_MISSED, MOST_MISSED_AT_ONCE // max(len(entries), 1))
        for entry in entries:
            first = entry.cadence.slot_after(now)
            slots = entry.cadence.missed(first, now + seconds + entry.cadence.interval)
            instants = [wall - round((now + seconds - slot) * SECOND) for slot in slots]
            if instants and most:
                self._say_missed(entry, instants[-most:])

    def _push(self, entry: Entry) -> None:
        entry.place = next(self._order)
        heapq.heappush(self._heap, (entry.due, entry.place, entry))
        if self._heap[0][2] is entry:
            self._wake()

    def _watch_clock(self) -> None:
        """Notice that the wall clock was set, or that the machine slept: monotonic time then stands still."""
        wall = self._clock.now()
        offset = wall - round(self._clock.monotonic() * SECOND)
        if self._offset is not None and abs(offset - self._offset) > STEP:
            self._stepped(wall - (offset - self._offset), wall)
        self._offset = offset
        asleep = self._clock.asleep()
        if (asleep - self._asleep) * SECOND > STEP:
            self._record_slept(wall, asleep - self._asleep)
        self._asleep = asleep


class WallClock:
    """Jobs at times of the calendar, in UTC unless a zone is said; re-armed when the clock was set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def every_hour(self, job: Callable[[], Awaitable[None]], *, minute: int) -> None:
        self._scheduler.add_job(job, "cron", minute=minute)

    def every_day(self, job: Callable[[], Awaitable[None]], *, hour: int) -> None:
        self._scheduler.add_job(job, "cron", hour=hour)

    def rearm(self) -> None:
        """After a clock step the times that jobs wait for belong to the old clock; what was passed over runs once."""
        now = datetime.fromtimestamp(self._clock.now() / SECOND, UTC)
        for job in self._scheduler.get_jobs():
            due = job.next_run_time <= now
            job.modify(next_run_time=now if due else job.trigger.get_next_fire_time(None, now))
