"""`mailuptime export checks`: recorded checks as lines that `replay` reads."""

import argparse
import sys
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration, reading
from monitor.core.calendar import Month
from monitor.core.instants import Instant, parse_instant
from monitor.core.intervals import END
from monitor.settings import Settings

HELP = """\
With --month: all checks that are recorded, by instants, because all can decide the month's figures. What a check is
labelled, and from when a service is accounted for, rest on the checks before it, the month's last outage on those after
it. A replay gives the ledger's figures, digit for digit, while the configuration is the one that they were judged by.
For the running month, or one at whose end recording stopped, name the time of the export to replay with --until.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("export", help="what is recorded, for other programs")
    kinds = parser.add_subparsers(title="what to export", metavar="WHAT", required=True)
    checks = kinds.add_parser("checks", help="recorded checks as lines that replay reads", description=HELP)
    add_configuration(checks)
    checks.add_argument("--month", metavar="YYYY-MM", help="every check that can decide the figures of this month")
    checks.add_argument("--only-month", action="store_true", help="only those with instants in the month")
    checks.add_argument("--from", dest="start", metavar="TIME", help="in place of a month: from this time on")
    checks.add_argument("--to", dest="end", metavar="TIME", help="and before this one")
    checks.set_defaults(command=export_checks)


def export_checks(arguments: argparse.Namespace) -> Exit:
    """Print the lines as they are read; nothing is held in memory."""
    by_month = arguments.month is not None
    if by_month == (arguments.start is not None or arguments.end is not None):
        raise CommandError(Exit.USAGE, "either --month, or --from or --to or both, are needed; see --help")
    if arguments.only_month and not by_month:
        raise CommandError(Exit.USAGE, "--only-month needs --month")
    if by_month:
        _month(arguments.month)
    settings = configuration(arguments.config)
    start, end = _span(arguments, settings)
    from monitor.checklines import line_of  # noqa: PLC0415 - other commands start without it

    with reading(settings) as ledger:
        for row in ledger.checks(start, end):
            sys.stdout.write(line_of(row, settings.zone) + "\n")
    return Exit.OK


def _span(arguments: argparse.Namespace, settings: Settings) -> tuple[Instant, Instant]:
    if arguments.month is not None:
        return _month(arguments.month).span(settings.zone) if arguments.only_month else (0, END)
    start, end = (_time(text, settings) for text in (arguments.start, arguments.end))
    span = (0 if start is None else start, END if end is None else end)
    if span[0] >= span[1]:
        raise CommandError(Exit.USAGE, "--to must be after --from")
    return span


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(Exit.USAGE, str(error)) from None


def _time(text: str | None, settings: Settings) -> Instant | None:
    try:
        return None if text is None else parse_instant(text, settings.zone)
    except ValueError as error:
        raise CommandError(Exit.USAGE, str(error)) from None
