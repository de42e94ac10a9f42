"""Run as a program: commits numbered batches to the ledger named, and says so on a line each, until it is killed."""

import sys
from pathlib import Path

from monitor.ledger import Batch, CheckRow, Fact, Ledger
from tests.ledger.accounts import TARGETS, check

PER_BATCH = 5


def batch(number: int) -> Batch:
    """Of each kind of record, `PER_BATCH` with the batch's number in them."""
    rows = [CheckRow(TARGETS[0], check(number * 1000 + position)) for position in range(PER_BATCH)]
    facts = [Fact(number, "test", {"batch": number, "position": position}) for position in range(PER_BATCH)]
    return Batch(rows, facts)


def main() -> None:
    with Ledger(Path(sys.argv[1])) as ledger:
        for number in range(10**9):
            ledger.commit(batch(number))
            print(number, ledger.head, flush=True)


if __name__ == "__main__":
    main()
