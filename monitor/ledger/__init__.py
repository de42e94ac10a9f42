"""The store: facts in a hash chain, checks, and what is derived from them."""

from monitor.ledger.chain import Fact, Link
from monitor.ledger.errors import LedgerDamagedError, LedgerError, LedgerLockedError, LedgerUnavailableError
from monitor.ledger.reader import Reader
from monitor.ledger.rows import CheckRow, State
from monitor.ledger.store import Batch, Ledger

__all__ = [
    "Batch",
    "CheckRow",
    "Fact",
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerLockedError",
    "LedgerUnavailableError",
    "Link",
    "Reader",
    "State",
]
