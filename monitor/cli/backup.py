"""`mailuptime backup` and `mailuptime restore`: the ledger copied while it is written, and put back."""

import argparse
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.cli.common import (
    CommandError,
    Exit,
    add_configuration,
    add_format,
    asked,
    configuration,
    ledger_errors,
    print_json,
)
from monitor.figures import Document
from monitor.settings import Settings

PATIENCE = 3600.0
"""Seconds that a backup of a large ledger may take."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    made = commands.add_parser("backup", help="copy the ledger, also while the daemon writes it, and check the copy")
    add_configuration(made)
    add_format(made, "table", "json")
    made.add_argument(
        "destination", metavar="DESTINATION", nargs="?", type=Path,
        help="the file to write; default: backups/ledger-TIME.db beside the ledger. A running daemon writes it, where"
        " its user and its unit may write",
    )  # fmt: skip
    made.add_argument("--force", action="store_true", help="replace an older backup of that name")
    made.set_defaults(command=backup)
    restored = commands.add_parser("restore", help="put a backup in the ledger's place, while no daemon runs")
    add_configuration(restored)
    add_format(restored, "table", "json")
    restored.add_argument("source", metavar="SOURCE", type=Path, help="what mailuptime backup wrote")
    restored.set_defaults(command=restore)


def backup(arguments: argparse.Namespace) -> Exit:
    settings = configuration(arguments.config)
    destination = (arguments.destination or _default(settings)).absolute()
    request: Document = {"destination": str(destination), "overwrite": arguments.force}
    document = asked(settings, "acts/backup", request, timeout=PATIENCE, failed=Exit.CANNOT_CREATE)
    if document is None:
        document = _offline(settings, destination, overwrite=arguments.force)
    if arguments.format == "json":
        print_json(document)
    else:
        print(f"{document['path']}: written and checked; {_holds(document)}")
        print(f"head: {document['head']}")
    return Exit.OK


def restore(arguments: argparse.Namespace) -> Exit:
    from monitor.clock import SystemClock  # noqa: PLC0415 - other commands start without it
    from monitor.ledger import LedgerLockedError, backups  # noqa: PLC0415
    from monitor.resting import own_proof  # noqa: PLC0415

    settings = configuration(arguments.config)
    path = settings.ledger.path
    with ledger_errors(settings, damaged=Exit.DATA):
        try:
            made, aside = backups.restore(path, arguments.source.absolute(), SystemClock().now(), own_proof())
        except LedgerLockedError as error:
            raise CommandError(Exit.UNAVAILABLE, f"{error}; stop it first") from None
    if arguments.format == "json":
        replaced = None if aside is None else str(aside)
        print_json({**made.document(), "source": str(arguments.source), "replaced": replaced})
    else:
        print(f"{path}: restored from {arguments.source}; {_holds(made.document())}")
        print(f"head: {made.head}")
        if aside is not None:
            print(f"what was there is kept as {aside}")
    return Exit.OK


def _offline(settings: Settings, destination: Path, *, overwrite: bool) -> Document:
    """Under the lock, so that no daemon starts meanwhile."""
    from monitor.ledger import Ledger, LedgerDamagedError, LedgerUnavailableError, backups  # noqa: PLC0415

    with ledger_errors(settings), Ledger(settings.ledger.path, create=False, to_write=False):
        try:
            return backups.back_up(settings.ledger.path, destination, overwrite=overwrite).document()
        except LedgerDamagedError:
            raise
        except LedgerUnavailableError as error:
            raise CommandError(Exit.CANNOT_CREATE, str(error)) from None


def _default(settings: Settings) -> Path:
    from monitor.clock import SystemClock  # noqa: PLC0415
    from monitor.core.instants import to_datetime  # noqa: PLC0415
    from monitor.ledger import backups  # noqa: PLC0415

    now = to_datetime(SystemClock().now(), ZoneInfo("UTC"))
    return settings.ledger.path.parent / backups.DIRECTORY / f"ledger-{now:%Y%m%dT%H%M%SZ}.db"


def _holds(document: Document) -> str:
    return f"facts: {document['facts']}, checks: {document['checks']}, bytes: {document['bytes']}"
