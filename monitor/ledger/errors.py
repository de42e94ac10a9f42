"""What goes wrong with a ledger, each in one line for a person."""

from monitor.ledger.schema import ForeignDatabaseError, NewerLedgerError


class LedgerError(Exception):
    """The ledger cannot be used; the text is one line for a person."""


class LedgerLockedError(LedgerError):
    """Another process holds the ledger."""


class LedgerDamagedError(LedgerError):
    """The file cannot be read to its end."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be created, opened or written."""


def reason(error: Exception) -> str:
    if isinstance(error, NewerLedgerError):
        return f"written by a newer mailuptime ({error}); upgrade the program"
    if isinstance(error, ForeignDatabaseError):
        return "an SQLite database, but not a mailuptime ledger; name another path"
    return str(error)
