"""A ledger in which the whole last month is recorded, with an hour of outage: `python -m tests.report.last_month FILE`.

The month is that before the one in which the test runs, since a daemon's clock is the machine's.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from monitor.assembly import rules_of
from monitor.core.calendar import Month
from monitor.core.instants import HOUR, from_datetime
from monitor.ledger import Batch, CheckRow, Ledger
from monitor.ledger.restore import event_fact, put_in_force, restored, state_of
from monitor.settings import load
from tests.declare.office import hourly, outage


def recorded(configuration: Path, target: str) -> Month:
    """Record it for one target, and return the month."""
    settings = load(configuration)
    month = Month.of(from_datetime(datetime.now(UTC)), settings.zone).plus(-1)
    start, end = month.span(settings.zone)
    down = start + 100 * HOUR
    checks = [*hourly(start, down), *outage(down, down + HOUR), *hourly(down + 2 * HOUR, end)]
    rules = rules_of(settings)
    with Ledger(settings.ledger.path) as ledger:
        book, _ = restored(ledger, rules)
        facts = put_in_force(book, ledger, rules, start)
        facts += [event_fact(target, event, check.at) for check in checks for event in book.record(target, check)]
        state = state_of(target, book.accounts[target])
        assert state is not None
        ledger.commit(Batch([CheckRow(target, check) for check in checks], facts, {target: state}))
    return month


if __name__ == "__main__":
    print(recorded(Path(sys.argv[1]), sys.argv[2]))
