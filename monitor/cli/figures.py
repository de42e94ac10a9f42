"""`mailuptime sla` and `mailuptime outages`: what the ledger says of a month."""

import argparse
import csv
import sys
from typing import Any

from monitor.cli import evidence
from monitor.cli.common import CommandError, Exit, add_configuration, add_format, answer, configuration, print_json
from monitor.core.calendar import Month
from monitor.core.instants import SECOND
from monitor.figures import Document, minutes, minutes_left, moment, percent

_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    sla_parser = commands.add_parser("sla", help="the month's figures of every service")
    add_format(sla_parser, "table", "json", "csv")
    sla_parser.set_defaults(command=sla)
    outages_parser = commands.add_parser("outages", help="outages with bounds and cause")
    add_format(outages_parser, "table", "json", "csv")
    outages_parser.add_argument(
        "--evidence",
        nargs="?",
        const="",
        metavar="ID",
        help="what the checks saw that failed, and those around them: of all outages, or of one",
    )
    outages_parser.set_defaults(command=outages)
    for parser in (sla_parser, outages_parser):
        add_configuration(parser)
        parser.add_argument("--month", metavar="YYYY-MM", help="default: the running month")


def sla(arguments: argparse.Namespace) -> Exit:
    """Print the figures; the status is 1 where an objective is missed."""
    month = month_given(arguments)
    settings = configuration(arguments.config)
    document = answer(settings, "sla", lambda resting: resting.sla(month), month=month)
    _caution(document)
    if arguments.format == "json":
        print_json(document)
    elif arguments.format == "csv":
        print_csv([flat(service, document["month"]) for service in document["services"]])
    else:
        print(sla_table(document))
    return Exit.NO if any(service["verdict"] == "missed" for service in document["services"]) else Exit.OK


def outages(arguments: argparse.Namespace) -> Exit:
    month = month_given(arguments)
    settings = configuration(arguments.config)
    if arguments.evidence is not None:
        return evidence.show(settings, month, arguments.evidence, arguments.format)
    document = answer(settings, "outages", lambda resting: resting.outages(month), month=month)
    _caution(document)
    if arguments.format == "json":
        print_json(document)
    elif arguments.format == "csv":
        print_csv([{**one, "targets": " ".join(one["targets"])} for one in document["outages"]])
    elif document["outages"]:
        rows = [outage_row(one) for one in document["outages"]]
        print(table(OUTAGE_COLUMNS, rows, f"Outages of {document['month']} ({document['timezone']})"))
    else:
        print(f"No outage in {document['month']} ({document['timezone']}).")
    return Exit.OK


def _caution(document: Document) -> None:
    if document.get("uncommitted"):
        print("The ledger cannot be written now: this counts checks that are not committed yet.", file=sys.stderr)


SLA_COLUMNS = (
    "service",
    "availability",
    "bounds",
    "downtime",
    "budget left",
    "excused",
    "unknown",
    "coverage",
    "verdict",
)
OUTAGE_COLUMNS = ("service", "start", "end", "length", "at least", "at most", "excused", "targets", "cause")


def sla_table(document: Document) -> str:
    """The figures of every service, those by accounts where a service has them, and the workload where it is known."""
    services, found = document["services"], document["workload"]
    columns: tuple[str, ...] = SLA_COLUMNS
    rows = [sla_row(service) for service in services]
    weights = [service.get("availability_weighted_percent") for service in services]
    if any(weight is not None for weight in weights):
        shown = ["–" if weight is None else percent(weight) for weight in weights]
        columns = (*columns[:2], "by accounts", *columns[2:])
        rows = [(*row[:2], weight, *row[2:]) for row, weight in zip(rows, shown, strict=True)]
    parts = [table(columns, rows, sla_title(document))]
    parts += [workload_line(found)] if found["services"] else []
    tickets = document.get("tickets")  # a replay knows of none
    parts += [tickets_lines(tickets)] if tickets and tickets["recorded"] else []
    return "\n\n".join(parts)


def tickets_lines(found: Document) -> str:
    """What was recorded in the month, and how much of it was within target."""
    recorded = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in found["recorded"].items())
    lines = [f"Recorded: {recorded}; excused {found['excused']}, withdrawn {found['withdrawn']}"]
    for which in ("responses", "resolutions"):
        one = found[which]
        share = "–" if one["share_percent"] is None else percent(one["share_percent"])
        counts = ", ".join(f"{one[key]} {key}" for key in ("within", "missed", "undetermined"))
        promised = f"{share} of {found['promised_percent']:g} % promised"
        lines.append(f"{which.capitalize()} within target: {promised} ({counts}): {one['verdict']}")
    return "\n".join(lines)


def workload_line(found: Document) -> str:
    """How much is served, and whether the agreement was made for that much."""
    basis = found["basis"]
    served, limit = (f"{one['accounts']:,} accounts in {one['services']:,} services" for one in (found, basis))
    exceeded = " and ".join(found["exceeded"])
    verdict = f"more {exceeded} than the agreement's basis of" if exceeded else "within the agreement's basis of"
    return f"Workload: {served}, {verdict} {limit}"


def sla_title(document: Document) -> str:
    provisional = any(service["provisional"] for service in document["services"])
    return f"{document['month']} ({document['timezone']}){', so far' if provisional else ''}"


def sla_row(service: Document) -> tuple[str, ...]:
    bounds = "–".join(
        percent(service[f"availability_{which}_percent"]).removesuffix(" %") for which in ("lower", "upper")
    )
    coverage = service["coverage"]
    return (
        service["service"],
        percent(service["availability_percent"]),
        bounds,
        _minutes(service["downtime_seconds"]),
        minutes_left(_us(service["remaining_seconds"])),
        _minutes(service["excused_seconds"]),
        _minutes(service["unknown_seconds"]),
        "–" if coverage is None else percent(coverage * 100),
        service["verdict"],
    )


def outage_row(outage: Document) -> tuple[str, ...]:
    return (
        outage["service"],
        moment(outage["start"]),
        moment(outage["end"]) if outage["end"] else "running",
        *(_minutes(outage[key]) for key in ("seconds", "min_seconds", "max_seconds", "excused_seconds")),
        " ".join(outage["targets"]),
        outage["cause"] or "–",
    )


def _minutes(seconds: float) -> str:
    return minutes(_us(seconds))


def _us(seconds: float) -> int:
    return round(seconds * SECOND)


def month_given(arguments: argparse.Namespace) -> str | None:
    """The month that was asked for, refused before anything is opened."""
    if arguments.month is not None:
        try:
            Month.parse(arguments.month)
        except ValueError as error:
            raise CommandError(Exit.USAGE, str(error)) from None
    month: str | None = arguments.month
    return month


def flat(service: Document, month: str) -> Document:
    """A service's figures as one row: no nested values."""
    objectives = {f"{name}_met": value["met"] for name, value in service["objectives"].items()}
    blips = {f"blips_{name}": value for name, value in service["blips"].items()}
    plain = {key: value for key, value in service.items() if not isinstance(value, dict | list)}
    return {"month": month, **plain, **objectives, **blips, "outages": len(service["outages"])}


def print_csv(rows: list[Document]) -> None:
    if rows:
        columns = dict.fromkeys(key for row in rows for key in row)  # not every service has all of them
        writer = csv.DictWriter(sys.stdout, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]], title: str) -> str:
    """Columns as wide as they need, on a terminal or in a pipe; what others wrote commands no terminal."""
    rows = [tuple(cell.translate(_CONTROLS) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (columns, *rows))
    return "\n".join((title, *lines))
