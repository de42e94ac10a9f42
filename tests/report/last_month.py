"""Ledgers of whole months: `python -m tests.report.last_month FILE TARGET` records the last, with an hour of outage.

That is the month before the one in which the test runs, since a daemon's clock is the machine's.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.assembly import rules_of
from monitor.core.calendar import Month
from monitor.core.check import Check
from monitor.core.instants import HOUR, from_datetime
from monitor.ledger import Batch, CheckRow, Ledger
from monitor.ledger.restore import event_fact, put_in_force, restored, state_of
from monitor.settings import load
from tests.declare.office import hourly, outage


def recorded(configuration: Path, target: str) -> Month:
    """Record it for one target, and return the month."""
    zone = load(configuration).zone
    month = Month.of(from_datetime(datetime.now(UTC)), zone).plus(-1)
    start, end = month.span(zone)
    down = start + 100 * HOUR
    fed(configuration, {target: [*hourly(start, down), *outage(down, down + HOUR), *hourly(down + 2 * HOUR, end)]})
    return month


def fed(configuration: Path, checks: Mapping[str, Sequence[Check]]) -> None:
    """A new ledger in which each target's checks are recorded."""
    settings = load(configuration)
    rules = rules_of(settings)
    with Ledger(settings.ledger.path) as ledger:
        book, _ = restored(ledger, rules)
        facts = put_in_force(book, ledger, rules, min(own[0].at for own in checks.values()))
        states = {}
        for target, own in checks.items():
            facts += [event_fact(target, event, check.at) for check in own for event in book.record(target, check)]
            state = state_of(target, book.accounts[target])
            assert state is not None
            states[target] = state
        rows = [CheckRow(target, check) for target, own in checks.items() for check in own]
        ledger.commit(Batch(rows, facts, states))


if __name__ == "__main__":
    print(recorded(Path(sys.argv[1]), sys.argv[2]))
