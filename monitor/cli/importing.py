"""`mailuptime import`: what another system knows, added to the ledger; repeated, it changes nothing."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.cli.common import (
    CommandError,
    Exit,
    add_configuration,
    add_format,
    asked,
    configuration,
    from_ledger,
    print_json,
)
from monitor.cli.declare import login
from monitor.figures import Document
from monitor.settings import ConfigurationError, Settings
from monitor.settings.mapping import Mapping, load_mapping

if TYPE_CHECKING:
    from monitor.incidents.rows import Row

ACT = "ticket.import"
MOST_BODY = 16 * 1024
"""Bytes of one request; the daemon looks at no more at once, so that checks go on."""

HELP = """\
Incidents, service requests and complaints from a ticket system: CSV, or JSON (a list of objects, or .jsonl). The
mapping, YAML or JSON, says which column is which. What is recorded already and says the same changes nothing; what
differs is added as a correction. A row that cannot be is named, and nothing is recorded, or with --partial the others.
Exit status 65: rows were refused.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("import", help="what another system knows")
    kinds = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    about = "incidents, requests and complaints of a ticket system"
    tickets = kinds.add_parser("tickets", help=about, description=HELP)
    add_configuration(tickets)
    add_format(tickets, "table", "json")
    tickets.add_argument("file", metavar="FILE", type=Path, help="ending in .csv, .json or .jsonl")
    tickets.add_argument("--mapping", metavar="FILE", type=Path, help="default: columns are named as a ticket's fields")
    tickets.add_argument("--partial", action="store_true", help="keep the good rows where others are refused")
    tickets.add_argument("--dry-run", action="store_true", help="only say what would be; nothing is recorded")
    tickets.add_argument("--by", metavar="WHO", default=login(), help="default: your login")
    tickets.set_defaults(command=import_tickets)


def import_tickets(arguments: argparse.Namespace) -> Exit:
    settings = configuration(arguments.config)
    good, problems = _read(arguments, settings)
    imported = _Import(settings, arguments.by, [row.document() for row in good])
    before = imported.run(dry=True)
    problems += before["problems"]
    refused = bool(problems)
    done = before
    if not arguments.dry_run and (not refused or arguments.partial):
        done = imported.run(dry=False)
    kept = done is not before
    document = {**done, "refused": len(problems), "problems": sorted(problems, key=lambda one: int(one["row"]))}
    if arguments.format == "json":
        print_json({**document, "kept": kept})
    else:
        for one in document["problems"]:
            print(f"{arguments.file}: row {one['row']}: {one['problem']}", file=sys.stderr)
        print(_said(document, kept=kept, dry=arguments.dry_run))
    return Exit.DATA if refused else Exit.OK


def _read(arguments: argparse.Namespace, settings: Settings) -> tuple[list["Row"], list[Document]]:
    from monitor.incidents.rows import UnreadableError, rows_of  # noqa: PLC0415 - other commands start without it

    try:
        rows = list(rows_of(arguments.file, _mapping(arguments.mapping, settings)))
    except UnreadableError as error:
        raise CommandError(Exit.DATA, str(error)) from None
    except OSError as error:
        raise CommandError(Exit.DATA, f"{arguments.file}: {error.strerror or error}") from None
    good = [row for row in rows if row.problem is None]
    return good, [{"row": row.number, "problem": row.problem} for row in rows if row.problem is not None]


def _mapping(path: Path | None, settings: Settings) -> Mapping:
    try:
        return load_mapping(path, settings.zone)
    except ConfigurationError as error:
        raise CommandError(Exit.DATA, *(str(problem) for problem in error.problems)) from None


class _Import:
    """Sent to the running daemon in parts, or where none runs done in one commit."""

    def __init__(self, settings: Settings, by: str, rows: Sequence[Document]) -> None:
        self._settings = settings
        self._by = by
        self._rows = rows

    def run(self, *, dry: bool) -> Document:
        made: Document = {"recorded": 0, "changed": 0, "unchanged": 0, "problems": []}
        for part in _parts(self._rows):
            request = {"rows": part, "by": self._by, "dry_run": dry}
            found = asked(self._settings, f"acts/{ACT}", request)
            if found is None:
                return self._at_rest(dry=dry)
            for key in ("recorded", "changed", "unchanged"):
                made[key] += found[key]
            made["problems"] += found["problems"]
        return made

    def _at_rest(self, *, dry: bool) -> Document:
        whole = {"rows": list(self._rows), "by": self._by, "dry_run": dry}
        return from_ledger(self._settings, lambda resting: resting.act(ACT, whole))


def _parts(rows: Sequence[Document]) -> Iterator[list[Document]]:
    """At least one part, so that somebody is asked at all."""
    part: list[Document] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row)) + 2
        if part and size + length > MOST_BODY:
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    yield part


def _said(document: Document, *, kept: bool, dry: bool) -> str:
    counts = ", ".join(f"{document[key]} {key}" for key in ("recorded", "changed", "unchanged", "refused"))
    if kept:
        return counts
    return f"{counts}; nothing was kept" if not dry else f"{counts} (dry run: nothing was kept)"
