"""Proves how far what is recorded of outages lies from what happened: many of them, seeded, in virtual time.

By default settings. `make accuracy` does the same on real servers.
"""

from itertools import pairwise
from random import Random
from statistics import median

import pytest

from monitor.core.check import Outcome
from monitor.core.events import Blip, Gap, Outage
from monitor.core.instants import SECOND
from monitor.core.timeline import Timeline
from tests.shell import virtual
from tests.shell.fleet import CONFIRM, NO_MAILBOX, RECOVER, REFUSED, WELL, Answer, Fleet, cadence, target
from tests.shell.virtual import WALL, VirtualClock

NAMES = ("smtp", "submission", "imap", "pop3", "webmail")
Truth = tuple[float, float]


def outages(random: Random, count: int) -> list[Truth]:
    """Of ten seconds to ten minutes, with two to three minutes of health between them."""
    found, at = [], 0.0
    for _ in range(count):
        at += random.uniform(120, 180)
        found.append((at, at := at + random.choice((10, 30, 60, 150, 600)) * random.uniform(0.9, 1.0)))
    return found


def recorded(truths: list[Truth], answer: Answer) -> list[list[Outage | Blip]]:
    """What is recorded of each of five targets that all fail alike."""

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)

        def server(now: float) -> Answer:
            return answer if any(start <= now < end for start, end in truths) else WELL

        for number, name in enumerate(NAMES):
            place = cadence(pulse=5, phase=12 * number + 3)
            fleet.add(target(clock, server, name=f"mail/{name}", group="mail"), place, first=number)
        await fleet.go_on(truths[-1][1] + 200)
        return fleet

    fleet, found = virtual.run(scenario), []
    for name in NAMES:
        timeline, events = Timeline(CONFIRM, RECOVER), list[Outage | Blip | Gap]()
        for start in fleet.starts:
            good_pulse = start.pulse and start.result.check.outcome is Outcome.UP
            if start.name == f"mail/{name}" and not good_pulse:
                events += timeline.feed(start.result.check)
        found.append([event for event in events if not isinstance(event, Gap)])
    return found


@pytest.mark.parametrize(("answer", "limit"), [(REFUSED, 5), (NO_MAILBOX, 60)], ids=["pulses", "log-ins"])
def test_what_is_recorded_of_outages_is_what_happened(answer: Answer, limit: float) -> None:
    truths = outages(Random(6), 40)
    starts, ends = [], []
    for events in recorded(truths, answer):
        assert all(former.end <= latter.start for former, latter in pairwise(events))
        for start, end in ((WALL + round(a * SECOND), WALL + round(b * SECOND)) for a, b in truths):
            mine = [event for event in events if start <= event.start < end]
            assert len(mine) == 1 or end - start < 60 * SECOND, "an outage that nobody saw, or saw as two"
            for event in mine:
                starts.append(event.start - start)
                ends.append(event.end - end)
                if isinstance(event, Outage):
                    assert event.outer_start <= start <= event.certain_start
                    assert event.certain_end <= end <= event.outer_end
        assert len(events) <= len(truths), "an outage that never was"
    assert 0 <= min(starts) <= median(starts) <= max(starts) <= limit * SECOND
    assert 0 <= min(ends) <= median(ends) <= max(ends) <= 20 * SECOND
