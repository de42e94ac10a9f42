"""The clock of a real daemon process is set by an hour and back, by libfaketime: what it records and figures."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.commands import mailuptime
from tests.endure import hour
from tests.endure.herd import herd
from tests.endure.test_short import NAMES, hasty, up
from tests.endure.watched import number
from tests.lab.configuration import free_port
from tests.lab.daemon import Daemon
from tests.lab.processes import wait_until

SHIFTS = ("+3600", "+0", "-3600", "+0")
"""What the clock shows beside the right time, in seconds, one after the other."""
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def show(shift: Path, by: str) -> None:
    """Have the clock show another time, with no moment in which the file says nothing."""
    fresh = shift.with_suffix(".new")
    fresh.write_text(f"{by}\n", encoding="utf-8")
    fresh.replace(shift)


def stepped(daemon: Daemon, times: int) -> bool:
    return number(daemon.get("/metrics")[1], "mailuptime_clock_steps_total") == times


@pytest.mark.skipif(LIBRARY is None, reason="needs the Debian package faketime")
async def test_a_clock_that_is_set_by_an_hour_and_back_is_no_downtime(tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    show(shift, "+0")
    within = [
        "env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME_TIMESTAMP_FILE={shift}", "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ]  # fmt: skip
    async with herd(len(NAMES)) as servers:
        port = free_port()
        file = hasty(hour.configuration(tmp_path, servers, port))
        daemon = Daemon(file, port, within)
        await asyncio.to_thread(daemon.start)
        try:
            await up(daemon)
            for count, by in enumerate(SHIFTS, 1):
                show(shift, by)
                await asyncio.to_thread(wait_until, partial(stepped, daemon, count), f"step {count}", seconds=20)
                await asyncio.sleep(2)  # for so long it stays so
            await up(daemon)
        finally:
            await asyncio.to_thread(daemon.stop)
    assert daemon.log.read_text(encoding="utf-8").count("clock.stepped") == len(SHIFTS)
    assert hour.accounts(tmp_path, file) == []
    (own,) = mailuptime("sla", "-c", file, "--format", "json").document["services"]
    assert (own["gross_downtime_seconds"], own["outages"]) == (0, [])
    assert own["up_seconds"] > 0
    assert own["unknown_seconds"] <= 7200
