"""Nothing counts as settled that a check which is under way, or waits to be recorded, may still decide."""

from monitor.checker import Checker
from monitor.core.instants import SECOND
from monitor.credentials import Credentials
from monitor.ledger import Batch
from monitor.recorder import Recorder
from tests.ledger.accounts import TARGETS
from tests.shell import virtual
from tests.shell.desk import Desk, ListWriter
from tests.shell.fleet import Answer
from tests.shell.virtual import WALL, VirtualClock


class SlowWriter(ListWriter):
    """A commit takes three seconds, as on a disk that others keep busy."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    async def commit(self, batch: Batch) -> None:
        await self._clock.sleep(3)
        await super().commit(batch)


def test_a_slow_commit_hides_neither_the_check_that_waits_nor_the_one_under_way() -> None:
    """Checks begin at 0, 1 and 2 s, the third lasts 4 s; commits end at 3 s (of the first) and 6 s (of the second).

    Good checks gather for half a second before they are recorded.
    """

    async def scenario(clock: VirtualClock) -> dict[int, int | None]:
        desk = Desk(clock, lambda now: Answer(seconds=4 if now >= 2 else 0))
        recorder = Recorder(clock, desk.book, SlowWriter(clock), lambda: None)
        checker = Checker(clock, Credentials([]), recorder.put, lambda _: None)
        live = desk.lives[TARGETS[0]]
        reached: dict[int, int | None] = {}

        async def check() -> None:
            for _ in range(3):
                await checker.check(live, pulse=False)
                await clock.sleep(1)

        async with virtual.beside(recorder.run()), virtual.beside(check()):
            for second in range(10):
                await clock.sleep(0.5)
                reached[second] = None if live.running is None else (live.running - WALL) // SECOND
                await clock.sleep(0.5)
        return reached

    # The first is recorded at once; the second waits until 3 s, while the third begins at 2 s and ends at 6 s.
    assert virtual.run(scenario) == {0: None, 1: 1, 2: 1, 3: 2, 4: 2, 5: 2, 6: 2, 7: None, 8: None, 9: None}
