"""A target that a reload moves into a group: what begins at another of that group has it checked at once."""

from dataclasses import replace

import pytest

from monitor.core.instants import SECOND
from tests.shell import virtual
from tests.shell.fleet import NO_MAILBOX, Fleet, cadence, failing, target
from tests.shell.virtual import VirtualClock


@pytest.mark.parametrize("number", [1, 2])
def test_a_target_of_another_group_than_before_is_a_sibling_there(number: int) -> None:
    """Also the first one of its group, as where a round trip is replaced by a plain target of its name."""

    async def scenario(clock: VirtualClock) -> Fleet:
        fleet = Fleet(clock)
        names = ("mail/imap", "mail/pop3")[:number]
        entries = [
            fleet.add(target(clock, failing(NO_MAILBOX, (90, 1e9)), name=name), cadence(phase=20.0 * place))
            for place, name in enumerate(names)
        ]

        async def reload() -> None:
            await clock.sleep(70)
            for entry in entries:
                entry.live.target = replace(entry.live.target, group="mail")
            fleet.scheduler.changed()

        async with virtual.beside(reload()):
            await fleet.go_on(300)
        return fleet

    fleet = virtual.run(scenario)
    firsts = {start.name: start.after / SECOND for start in reversed(fleet.starts) if start.result.check.cause}
    assert len(firsts) == number
    assert max(firsts.values()) - min(firsts.values()) < 0.01
