"""No memory in the midst of a commit: the daemon ends, and its next start finds whole commits only."""

from pathlib import Path

import pytest

from monitor.ledger import Batch, Ledger
from tests.endure.world import World, play
from tests.shell.fleet import REFUSED, failing, well
from tests.shell.virtual import VirtualClock


def test_a_commit_that_gets_no_memory_ends_the_daemon_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(_ledger: Ledger, _batch: Batch) -> None:
        raise MemoryError

    async def scenario(clock: VirtualClock) -> World:
        world = World(clock, tmp_path, {"imap": failing(REFUSED, (150, 400)), "smtp": well})
        world.set_to("2026-11-10T10:00")
        await world.start()
        await world.watch(200)
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "_write_deliveries", short)  # what a commit writes last but one
            with pytest.raises(ExceptionGroup) as raised:
                await world.watch(100)
        assert raised.group_contains(MemoryError)
        await world.start()
        await world.watch(300)
        await world.stop()
        return world

    world = play(scenario)
    assert len(world.figures("2026-11").outages) == 1
    world.audit("2026-11")
