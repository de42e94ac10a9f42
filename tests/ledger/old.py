"""A ledger as an earlier version of the program left it: that version's tables, holding what it would hold."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from monitor.ledger import Fact
from monitor.ledger.chain import GENESIS, canonical, chain
from monitor.ledger.schema import APPLICATION_ID, MIGRATIONS

Row = tuple[str, int, str, int, int, int, str | None, str | None, Any]
"""target, at, outcome, duration, voice, speaks, cause, phase, evidence"""


def write(path: Path, version: int, rows: list[Row], facts: list[Fact], states: dict[str, Any]) -> None:
    """`states`: by target, what `dump` of its timeline gave, with its first and newest instant."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN")
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            connection.execute(statement)
    targets = {name: number for number, name in enumerate(sorted({row[0] for row in rows}), 1)}
    connection.executemany("INSERT INTO targets (name, id) VALUES (?, ?)", targets.items())
    connection.executemany(
        "INSERT INTO checks (target, at, outcome, duration, voice, speaks, cause, phase, evidence)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(targets[row[0]], *row[1:8], None if row[8] is None else json.dumps(row[8])) for row in rows],
    )
    connection.executemany(
        "INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?)",
        [
            (one.seq, one.fact.at, one.fact.kind, canonical(one.fact.body).decode(), one.previous, one.digest)
            for one in chain(facts, 0, GENESIS)
        ],
    )
    connection.executemany(
        "INSERT INTO timelines VALUES (?, ?, ?, ?)",
        [(targets[name], first, newest, json.dumps(state)) for name, (first, newest, state) in states.items()],
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")
    connection.close()
