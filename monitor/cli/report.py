"""`mailuptime report`: the monthly service report, for people and for programs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration, fetched, reading, written_whole
from monitor.core.calendar import Month
from monitor.settings import Settings

PATIENCE = 900.0
"""Seconds to wait for a daemon, which makes one report at a time."""
HELP = """\
The report of a month: both objectives with their verdict, the figure with its bounds, every outage, maintenance and
exclusion, twelve months, and how anyone recomputes it. A month that is not closed is marked provisional on every page.
docs/REPORT.md says what is in it.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("report", help="the monthly service report", description=HELP)
    add_configuration(parser)
    parser.add_argument("--month", metavar="YYYY-MM", required=True, help="the month")
    parser.add_argument("--lang", choices=("th", "en"), default="th", help="default: th")
    parser.add_argument("--format", choices=("html", "pdf", "csv", "json"), default="html", help="default: html")
    parser.add_argument("--service", metavar="NAME", help="of one service (default: those that are no part of another)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)")
    parser.set_defaults(command=report)


def report(arguments: argparse.Namespace) -> Exit:
    """Write the report; a file appears whole or not at all."""
    try:
        month = Month.parse(arguments.month)
    except ValueError as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    if arguments.format == "pdf" and arguments.output is None and sys.stdout.isatty():
        raise CommandError(Exit.USAGE, "a PDF is nothing for a terminal; name a file with -o FILE")
    made = _made(arguments, month)
    if arguments.output is None:
        sys.stdout.buffer.write(made)
    else:
        with written_whole(arguments.output) as out:
            out.write(made)
    return Exit.OK


def _made(arguments: argparse.Namespace, month: Month) -> bytes:
    """By the running daemon, who may read the ledger; where none runs, from the ledger itself."""
    settings = configuration(arguments.config)
    query = {"month": str(month), "language": arguments.lang, "format": arguments.format, "service": arguments.service}
    made = fetched(settings, "report", query=query, timeout=PATIENCE, failed=Exit.UNAVAILABLE)
    return _from_ledger(arguments, settings, month) if made is None else made


def _from_ledger(arguments: argparse.Namespace, settings: Settings, month: Month) -> bytes:
    from monitor.clock import SystemClock  # noqa: PLC0415 - other commands start without what it needs
    from monitor.report.gathering import UnknownServiceError  # noqa: PLC0415
    from monitor.report.rendering import NoTypesetterError, TypesettingError, rendered  # noqa: PLC0415
    from monitor.report.source import report_of  # noqa: PLC0415

    try:
        with reading(settings) as ledger:
            found = report_of(ledger, settings, month, SystemClock().now(), arguments.service)
        return rendered(found, arguments.lang, arguments.format)
    except UnknownServiceError as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    except (NoTypesetterError, TypesettingError) as error:
        raise CommandError(Exit.UNAVAILABLE, str(error)) from None
