"""`mailuptime export`: recorded checks as lines that `replay` reads, and the past as OpenMetrics."""

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration, reading, written_whole
from monitor.core.calendar import Month
from monitor.core.instants import SECOND, Duration, Instant, format_instant, parse_duration, parse_instant
from monitor.core.intervals import END
from monitor.settings import Settings

if TYPE_CHECKING:
    from monitor.openmetrics import Period

HELP = """\
With --month: all checks that are recorded, by instants, because all can decide the month's figures. What a check is
labelled, and from when a service is accounted for, rest on the checks before it, the month's last outage on those after
it. A replay gives the ledger's figures, digit for digit, while the configuration is the one that they were judged by.
For the running month, or one at whose end recording stopped, name the time of the export to replay with --until.
"""

_TAKEN = {"sla_service", "target", "protocol", "month", "state", "window", "kind", "objective"}
PAST = """\
Availability, budget, burn rates and states as they stood at each instant, by what is known now: what was corrected,
excused or decided since counts. Names and labels are those of the live metrics. docs/HISTORY.md says how to load them
into a Prometheus, and what to do where it holds older samples already.
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
    past = kinds.add_parser(
        "openmetrics", help="the past, for promtool tsdb create-blocks-from openmetrics", description=PAST
    )
    add_configuration(past)
    past.add_argument("--from", dest="start", metavar="TIME", required=True, help="the first instant")
    past.add_argument("--to", dest="end", metavar="TIME", help="before this one (default: now)")
    past.add_argument("--step", metavar="DURATION", default="60s", help="between instants (default: 60s)")
    past.add_argument(
        "--label", metavar="NAME=VALUE", action="append", default=[], help="one more label of every sample; repeatable"
    )
    past.add_argument("-o", "--output", metavar="FILE", type=Path, help="write here (default: standard output)")
    past.set_defaults(command=export_openmetrics)


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
    from monitor.archived import pruned  # noqa: PLC0415
    from monitor.checklines import line_of  # noqa: PLC0415 - other commands start without it

    with reading(settings) as ledger:
        gone = pruned(ledger)
        if gone is not None and start <= gone.until:
            until = format_instant(gone.until, settings.zone)
            text = f"{settings.ledger.path}: {gone.checks} checks up to {until} were pruned and are missing"
            print(text, file=sys.stderr)
        for row in ledger.checks(start, end):
            sys.stdout.write(line_of(row, settings.zone) + "\n")
    return Exit.OK


def export_openmetrics(arguments: argparse.Namespace) -> Exit:
    """Write the past; a file appears whole or not at all."""
    settings = configuration(arguments.config)
    labels = dict(_label(text) for text in arguments.label)
    step = _step(arguments.step)
    from monitor import openmetrics  # noqa: PLC0415 - other commands start without what it needs
    from monitor.assembly import rules_of  # noqa: PLC0415
    from monitor.ledger.restore import restored  # noqa: PLC0415

    with reading(settings) as ledger:
        book, _ = restored(ledger, rules_of(settings))
        protocols = {f"{one.name}/{target.name}": target.type for one in settings.services for target in one.targets}
        period = _period(arguments, settings, step)
        number = openmetrics.sample_count(book, protocols, period)
        if number > openmetrics.MOST_SAMPLES:
            wider = -(-number // openmetrics.MOST_SAMPLES) * step // SECOND
            text = (
                f"up to {number:,} samples, more than {openmetrics.MOST_SAMPLES:,}; take --step {wider}s, or less time"
            )
            raise CommandError(Exit.USAGE, text)
        with _output(arguments.output) as out:
            openmetrics.write(out, book, protocols, period, labels)
    return Exit.OK


def _period(arguments: argparse.Namespace, settings: Settings, step: Duration) -> "Period":
    from monitor.clock import SystemClock  # noqa: PLC0415
    from monitor.openmetrics import Period  # noqa: PLC0415

    now = SystemClock().now()
    start, end = _time(arguments.start, settings) or 0, _time(arguments.end, settings)
    end = now if end is None else end
    if end > now:
        raise CommandError(Exit.USAGE, "--to lies in the future; nothing is known of it")
    start = -(-start // step) * step
    if start >= end:
        raise CommandError(Exit.USAGE, "--to must be after --from, by a step at least")
    return Period(start, end, step, now)


def _step(text: str) -> Duration:
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise CommandError(Exit.USAGE, f"--step: {error}") from None
    if step < SECOND:
        raise CommandError(Exit.USAGE, "--step: at least 1s")
    return step


def _label(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise CommandError(Exit.USAGE, f"--label {text}: write NAME=VALUE, as in job=mailuptime")
    if name in _TAKEN:
        raise CommandError(Exit.USAGE, f"--label {text}: the samples have a label {name} of their own")
    return name, value


@contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that takes its name once it is whole."""
    if path is None:
        yield sys.stdout
        return
    with written_whole(path) as out:
        text = TextIOWrapper(out, encoding="utf-8", newline="\n")
        yield text
        text.detach()  # what it holds is written, and the file stays open


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
