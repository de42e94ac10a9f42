"""The ledger's tables, as migrations by version.

Kinds of data: `facts` (append-only, hash-chained), checks (`checks`, the raw tail; `packs`, older ones; `evidence`, of
these the failures and their neighbours), what is derived from them (`timelines`, `state_seconds`, `baselines`) and may
be rebuilt while the checks are there, and what round trips and alerts remember (`sent`, `tallies`, `alerting`), which
decides no figure. Durations and instants are integer microseconds.
"""

import sqlite3

APPLICATION_ID = 0x6D757031  # "mup1"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE facts (
            seq INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            previous BLOB NOT NULL CHECK (length(previous) = 32),
            digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
        ) STRICT
        """,
        "CREATE INDEX facts_by_kind ON facts (kind, seq)",
        """
        CREATE TRIGGER facts_are_never_changed BEFORE UPDATE ON facts
        BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END
        """,
        """
        CREATE TRIGGER facts_are_never_deleted BEFORE DELETE ON facts
        BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END
        """,
        # Also against INSERT OR REPLACE, which deletes without asking the trigger above
        """
        CREATE TRIGGER facts_are_only_appended BEFORE INSERT ON facts
        WHEN NEW.seq <= (SELECT max(seq) FROM facts) OR EXISTS (SELECT 1 FROM facts WHERE digest = NEW.digest)
        BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END
        """,
        "CREATE TABLE targets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
        """
        CREATE TABLE checks (
            id INTEGER PRIMARY KEY,
            target INTEGER NOT NULL REFERENCES targets (id),
            at INTEGER NOT NULL,
            outcome TEXT NOT NULL CHECK (outcome IN ('up', 'down', 'unknown')),
            duration INTEGER NOT NULL CHECK (duration >= 0),
            voice INTEGER NOT NULL CHECK (voice >= 0),
            speaks INTEGER NOT NULL CHECK (speaks IN (0, 1)),
            cause TEXT,
            phase TEXT,
            evidence TEXT,
            CHECK ((outcome = 'up') = (cause IS NULL))
        ) STRICT
        """,
        "CREATE INDEX checks_by_instant ON checks (at)",
        """
        CREATE TABLE timelines (
            target INTEGER PRIMARY KEY REFERENCES targets (id),
            first INTEGER NOT NULL,
            newest INTEGER NOT NULL,
            state TEXT NOT NULL
        ) STRICT
        """,
    ),
    (
        """
        CREATE TABLE sent (
            token TEXT PRIMARY KEY,
            target INTEGER NOT NULL REFERENCES targets (id),
            issued INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('issued', 'accepted', 'delivered', 'late', 'lost', 'bounced')),
            places TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE tallies (
            target INTEGER NOT NULL REFERENCES targets (id),
            result TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (target, result)
        ) STRICT
        """,
    ),
    (
        # What is exported as counters, which never go back: over a restart they go on from here
        """
        CREATE TABLE state_seconds (
            service TEXT PRIMARY KEY,
            settled INTEGER NOT NULL,
            up INTEGER NOT NULL,
            down INTEGER NOT NULL,
            excused INTEGER NOT NULL,
            unknown INTEGER NOT NULL
        ) STRICT
        """,
    ),
    (
        # Which alerts fire and what has still to be said of them: one document, which decides no figure
        "CREATE TABLE alerting (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL) STRICT",
    ),
    (
        # Whether a check had to wait for a ledger that could not be written
        "ALTER TABLE checks ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0 CHECK (recovered IN (0, 1))",
    ),
    (
        # Old checks in blobs, dropped in the end (NULL); what of them stays a row; and what verifying begins from then
        """
        CREATE TABLE packs (
            first INTEGER PRIMARY KEY,
            last INTEGER NOT NULL CHECK (last >= first),
            count INTEGER NOT NULL CHECK (count > 0),
            start INTEGER NOT NULL,
            end INTEGER NOT NULL CHECK (end >= start),
            checks BLOB
        ) STRICT
        """,
        """
        CREATE TABLE evidence (
            id INTEGER PRIMARY KEY,
            target INTEGER NOT NULL REFERENCES targets (id),
            at INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            duration INTEGER NOT NULL,
            voice INTEGER NOT NULL,
            speaks INTEGER NOT NULL,
            cause TEXT,
            phase TEXT,
            evidence TEXT,
            recovered INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX evidence_by_target ON evidence (target, at)",
        """
        CREATE TABLE baselines (
            target INTEGER PRIMARY KEY REFERENCES targets (id),
            first INTEGER NOT NULL,
            newest INTEGER NOT NULL,
            state TEXT NOT NULL,
            events INTEGER NOT NULL
        ) STRICT
        """,
    ),
)


class NewerLedgerError(Exception):
    """The ledger was written by a later version of the program."""


class ForeignDatabaseError(Exception):
    """The file is an SQLite database of another program."""


def refuse(connection: sqlite3.Connection) -> None:
    """Raises NewerLedgerError or ForeignDatabaseError; changes nothing."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or tables):
        raise ForeignDatabaseError
    if version > len(MIGRATIONS):
        raise NewerLedgerError(f"its version is {version}, this program knows {len(MIGRATIONS)}")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, each step and its version number in one transaction."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
