"""The targets that are checked: their live states and their places in the schedule, also after a reload."""

from collections import Counter
from collections.abc import Mapping

from monitor.cadence import Cadence
from monitor.clock import Clock
from monitor.core.book import Book
from monitor.core.instants import SECOND
from monitor.live import Live, resumed
from monitor.runner import Target
from monitor.scheduler import Entry, Scheduler

FIRST_ROUND_GAP = 0.02
"""Seconds between the first checks of new targets: paced, so that the monitor does not measure itself."""

Targets = Mapping[str, tuple[Target, Cadence]]


class Fleet:
    """`lives` is one dictionary for good; whoever shows the present state holds on to it.

    `tallies` are those of round trips, by target.
    """

    def __init__(self, clock: Clock, book: Book, targets: Targets, tallies: Mapping[str, Counter[str]]) -> None:
        self._clock = clock
        self._book = book
        self._tallies = tallies
        self._targets = dict(targets)
        self._entries: dict[str, Entry] = {}
        self.lives: dict[str, Live] = {name: self._live(target) for name, (target, _) in targets.items()}

    def start(self, scheduler: Scheduler) -> None:
        """Schedule every target that is not scheduled yet: once now, paced, then in its phase."""
        scheduler.changed()
        now = self._clock.monotonic()
        fresh = [name for name in self._targets if name not in self._entries]
        for number, name in enumerate(fresh):
            cadence = self._targets[name][1]
            self._entries[name] = scheduler.add(self.lives[name], cadence, now + number * FIRST_ROUND_GAP)

    def change(self, targets: Targets) -> tuple[list[str], list[str]]:
        """Take the targets of a new configuration; returns the names added and removed.

        A target that stays keeps its state and its place in the row it is in; its next check is by the new settings.
        """
        removed = [name for name in self._targets if name not in targets]
        added = [name for name in targets if name not in self._targets]
        for name in removed:
            self._entries.pop(name).removed = True
            del self.lives[name]
        for name, (target, cadence) in targets.items():
            if name in self.lives:
                self.lives[name].target = target
                self._entries[name].cadence = cadence
                account = self._book.rules.targets[name]
                self.lives[name].timeline.judge_by(account.confirm, account.recover)
            else:
                self.lives[name] = self._live(target)
        self._targets = dict(targets)
        return added, removed

    def _live(self, target: Target) -> Live:
        shift = round(self._clock.monotonic() * SECOND) - self._clock.now()
        tally = self._tallies.get(target.name, Counter())
        return Live(target, resumed(self._book.accounts[target.name].timeline, shift), deliveries=tally)
