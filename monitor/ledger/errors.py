"""What goes wrong with a ledger, each in one line for a person."""

import sqlite3
from pathlib import Path

from monitor.ledger.schema import ForeignDatabaseError, NewerLedgerError


class LedgerError(Exception):
    """The ledger cannot be used; the text is one line for a person."""


class LedgerLockedError(LedgerError):
    """Another process holds the ledger."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be created, opened or written."""


class LedgerDamagedError(LedgerUnavailableError):
    """The file cannot be read to its end."""


class ValueUnreadableError(LedgerDamagedError):
    """A row was read whose content is not of the form that was written."""


def unusable(path: Path, error: sqlite3.Error | NewerLedgerError | ForeignDatabaseError) -> LedgerUnavailableError:
    """What to raise for what went wrong with a file."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what extended codes add
    kind = LedgerDamagedError if code == sqlite3.SQLITE_CORRUPT else LedgerUnavailableError
    return kind(f"{path}: {reason(error)}")


def reason(error: Exception) -> str:
    if isinstance(error, NewerLedgerError):
        return f"written by a newer mailuptime ({error}); upgrade the program"
    if isinstance(error, ForeignDatabaseError):
        return "an SQLite database, but not a mailuptime ledger; name another path"
    return str(error)
