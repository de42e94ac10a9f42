"""`mailuptime replay`: the figures of recorded checks, without a daemon and without a ledger."""

import argparse
import errno
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.cli.figures import SLA_COLUMNS, flat, print_csv, sla_row, sla_table, table
from monitor.core.calendar import Month
from monitor.core.instants import Instant, parse_instant
from monitor.figures import Document
from monitor.settings import ConfigurationError, Settings, load_exclusions, load_maintenance

if TYPE_CHECKING:
    from monitor.core.book import Book, Horizon
    from monitor.settings.models import ExclusionSettings, WindowSettings
    from monitor.whatif import WhatIf

T = TypeVar("T")

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EMFILE}

HELP = """\
The same arithmetic as the daemon's over recorded checks: no daemon is asked and no ledger touched. A line is
{"at": TIME, "target": "service/target", "outcome": "up|down|unknown"} with, where they are needed,
"duration_seconds", "voice_seconds" (else stale_after of the configuration), "speaks" and "cause"; lines may come in any
order. Everything is judged by the configuration given. Exit status 1: an objective is missed; 65: a line is refused.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("replay", help="the figures of recorded checks, from a file", description=HELP)
    add_configuration(parser)
    add_format(parser, "json", "table", "csv")
    parser.add_argument("checks", metavar="CHECKS.jsonl", help="recorded checks, one a line; - for standard input")
    parser.add_argument("--month", metavar="YYYY-MM", required=True)
    parser.add_argument("--until", metavar="TIME", help="replay at this time: checks from then on are not looked at")
    for what in ("maintenance", "exclusions"):
        parser.add_argument(f"--{what}", metavar="FILE", type=Path, help="a list, added to the configuration's own")
    parser.add_argument(
        "--what-if", metavar="KEY=VALUE", action="append", default=[],
        help="the figures under another rule, beside those under the one in force; may be repeated: confirm.failures, "
        "recover.successes, stale_after, down_when, sla.availability or sla.downtime_budget",
    )  # fmt: skip
    parser.set_defaults(command=replay)


def replay(arguments: argparse.Namespace) -> Exit:
    """Print the figures; the status is 1 where an objective is missed by the rules in force."""
    month = _usage(lambda: Month.parse(arguments.month))
    settings = configuration(arguments.config)
    asked = _asked(arguments, settings, month)
    books = _books(arguments.checks, settings, asked)
    document = _document(asked, books, settings)
    if arguments.format == "json":
        print_json(document)
    elif arguments.format == "csv":
        print_csv(_rows(document))
    else:
        _print_tables(document, asked.other)
    return Exit.NO if any(service["verdict"] == "missed" for service in document["services"]) else Exit.OK


@dataclass(frozen=True)
class Asked:
    """What to look at, and what was declared in files of its own."""

    month: Month
    until: Instant | None
    horizon: "Horizon"
    other: "WhatIf | None"
    maintenance: "Sequence[WindowSettings]"
    exclusions: "Sequence[tuple[Path, ExclusionSettings]]"


def _asked(arguments: argparse.Namespace, settings: Settings, month: Month) -> Asked:
    from monitor.assembly import rules_of  # noqa: PLC0415 - other commands start without it
    from monitor.replay import horizon_of  # noqa: PLC0415
    from monitor.whatif import what_if  # noqa: PLC0415

    until = None if arguments.until is None else _usage(lambda: parse_instant(arguments.until, settings.zone))
    given = arguments.what_if
    other = _usage(lambda: what_if(rules_of(settings), given), "--what-if ") if given else None
    maintenance = _declared(load_maintenance, arguments.maintenance, settings)
    exclusions = _declared(load_exclusions, arguments.exclusions, settings)
    return Asked(
        month,
        until,
        horizon_of(month, settings.zone, until),
        other,
        (*settings.maintenance, *maintenance),
        [(settings.path, one) for one in settings.exclusions] + [(arguments.exclusions, one) for one in exclusions],
    )


def _books(name: str, settings: Settings, asked: Asked) -> "Sequence[Book]":
    """A book of the rules in force, and one of the other rules where there are any, with every check in them."""
    from monitor.assembly import exclusion_of, rules_of, window_of  # noqa: PLC0415
    from monitor.checkfile import CheckFile  # noqa: PLC0415
    from monitor.checklines import LineReader  # noqa: PLC0415
    from monitor.core.book import Book  # noqa: PLC0415
    from monitor.replay import Replay, UnknownOutageError, excluded  # noqa: PLC0415

    rules = [rules_of(settings), *([asked.other.rules] if asked.other else [])]
    windows = [window_of(one, settings.zone) for one in asked.maintenance]
    with _opened(name) as stream, _progress() as progress, CheckFile(name, stream) as file:
        reader = LineReader(rules[0].targets, settings.zone)
        made = Replay(file, reader, asked.until, progress).into(lambda: [Book(one, windows) for one in rules])
    books, problems = made
    if problems.count:
        raise CommandError(Exit.DATA, *problems.lines())
    exclusions = []
    for path, one in asked.exclusions:
        try:
            exclusions.append(excluded(books[0], exclusion_of(one), one.outage, asked.horizon))
        except UnknownOutageError as error:
            raise CommandError(Exit.DATA, f"{path}: {error}") from None
    for book in books:
        book.exclusions = exclusions
    return books


def _document(asked: Asked, books: "Sequence[Book]", settings: Settings) -> Document:
    from monitor.assembly import basis_of  # noqa: PLC0415
    from monitor.queries import figures  # noqa: PLC0415

    found = [figures(book, asked.month, asked.horizon, basis_of(settings)) for book in books]
    if asked.other is None:
        return found[0]
    return {**found[0], "what_if": {"rules": asked.other.shown, "services": found[1]["services"]}}


def _rows(document: Document) -> list[Document]:
    month, other = document["month"], document.get("what_if")
    in_force = [flat(service, month) for service in document["services"]]
    if other is None:
        return in_force
    what_if = [flat(service, month) for service in other["services"]]
    return [{"rules": "in force", **one} for one in in_force] + [{"rules": "what if", **one} for one in what_if]


def _print_tables(document: Document, other: "WhatIf | None") -> None:
    print(sla_table(document))
    if other is not None:
        rows = [sla_row(service) for service in document["what_if"]["services"]]
        print(f"\n{table(SLA_COLUMNS, rows, f'What if {other.text}')}")


def _usage(read: Callable[[], T], prefix: str = "") -> T:
    try:
        return read()
    except ValueError as error:
        raise CommandError(Exit.USAGE, f"{prefix}{error}") from None


def _declared(load: Callable[[Path, Settings], Sequence[T]], path: Path | None, settings: Settings) -> Sequence[T]:
    if path is None:
        return ()
    try:
        return load(path, settings)
    except ConfigurationError as error:
        raise CommandError(Exit.DATA, *(str(problem) for problem in error.problems)) from None


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    """The file, or standard input; what goes wrong with it, or with room to sort it, is one line."""
    try:
        stream = Path(name).open("rb") if name != "-" else nullcontext(sys.stdin.buffer)  # noqa: SIM115 - closed below
    except OSError as error:
        raise CommandError(Exit.DATA, f"{name}: {error.strerror}; name a file of recorded checks") from None
    try:
        with stream as opened:
            yield opened
    except OSError as error:
        if error.errno in NO_ROOM:
            text = f"no room for temporary files: {error.strerror}; name another directory in TMPDIR"
            raise CommandError(Exit.CANNOT_CREATE, text) from None
        raise CommandError(Exit.DATA, f"{name}: {error.strerror}; name a file that can be read") from None


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Tells people how far it is; nobody else is told."""
    shown = sys.stderr.isatty()

    def show(checks: int) -> None:
        if shown:
            sys.stderr.write(f"\r{checks:,} checks read")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
