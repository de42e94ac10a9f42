"""The store: facts in a hash chain, checks, and what is derived from them."""

from monitor.ledger.chain import Fact, Link
from monitor.ledger.store import (
    Batch,
    CheckRow,
    Ledger,
    LedgerError,
    LedgerLockedError,
    LedgerUnavailableError,
    State,
)

__all__ = [
    "Batch",
    "CheckRow",
    "Fact",
    "Ledger",
    "LedgerError",
    "LedgerLockedError",
    "LedgerUnavailableError",
    "Link",
    "State",
]
