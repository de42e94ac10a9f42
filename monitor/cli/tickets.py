"""`mailuptime incident`, `request` and `complaint`: what is recorded of them, always as a fact that is added."""

import argparse
import csv
import sys
from typing import TYPE_CHECKING, Any

from monitor.cli.common import Exit, add_configuration, add_format, answer, configuration, print_json
from monitor.cli.declare import login
from monitor.cli.figures import month_given, table
from monitor.core.tickets import CHANNELS, PRIORITIES, TICKET_KINDS
from monitor.figures import Document, moment
from monitor.incidents.asked import STATES, Asked

if TYPE_CHECKING:
    from monitor.resting import Resting

Commands = Any  # argparse has no public name for it

COLUMNS = ("id", "priority", "state", "recorded", "channel", "agency", "response", "resolution")
HELP = {
    "incident": "incidents against the agreement's clocks: open, list, respond, resolve, close",
    "request": "service requests against the agreement's clocks: open, list, respond, resolve, close",
    "complaint": "complaints: open, list, respond, resolve, close",
}


def add(commands: Commands) -> None:
    for kind in TICKET_KINDS:
        parser = commands.add_parser(kind, help=HELP[kind])
        _verbs(kind, parser.add_subparsers(title="commands", metavar="COMMAND", required=True))


def _verbs(kind: str, commands: Commands) -> None:
    opened = commands.add_parser("open", help=f"record a {kind}: its clocks begin")
    _act(opened, kind, "open", "id", "priority", "recorded", "channel", "agency", "outages")
    opened.add_argument("--id", metavar="ID", help="that of the ticket system; default: a number of the day")
    opened.add_argument("--recorded", metavar="TIME", help="when it was recorded; default: now")
    _about(opened, kind, required=True)
    listed = commands.add_parser("list", help=f"every {kind} of a month, or that is open, with its clocks")
    add_configuration(listed)
    add_format(listed, "table", "json", "csv")
    listed.add_argument("--month", metavar="YYYY-MM", help="of their record; default: this one, and all open ones")
    listed.add_argument("--state", choices=STATES, default="any", help="default: any")
    listed.set_defaults(command=list_tickets, kind=kind)
    for verb, text in (
        ("respond", "that its reporter was answered"),
        ("resolve", "that it is resolved; without --at when its outage ended, if it is of one"),
        ("close", "that it is closed, with whom, or that the reporter was not reached"),
    ):
        step = _of_one(commands, kind, verb, text, "at", "reason")
        step.add_argument("--at", metavar="TIME", help="when; default: now")
        step.add_argument("--reason", metavar="TEXT", help="where something else was recorded before: why")
        if verb == "close":
            step.add_argument("--with", dest="with_whom", metavar="WHOM", help="a role or an office, not a person")
            step.add_argument("--not-reached", action="store_true", help="the reporter was not reached in time")
    changed = _of_one(
        commands, kind, "change", "what was recorded wrong", "priority", "recorded", "channel", "agency", "outages",
        "reason",
    )  # fmt: skip
    changed.add_argument("--recorded", metavar="TIME", help="when it was recorded")
    _about(changed, kind, required=False)
    _of_one(commands, kind, "reopen", "that it was not resolved after all", "reason")
    _of_one(commands, kind, "withdraw", "that it was none: it counts no more", "reason")
    for verb in ("change", "reopen", "withdraw"):
        commands.choices[verb].add_argument("--reason", required=True, metavar="TEXT")


def _of_one(commands: Commands, kind: str, verb: str, text: str, *keys: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(verb, help=f"record {text}")
    _act(parser, kind, verb, "id", *keys)
    parser.add_argument("id", metavar="ID")
    return parser


def _about(parser: argparse.ArgumentParser, kind: str, *, required: bool) -> None:
    known = next(known for one, known in PRIORITIES.items() if one == kind)
    if known:
        parser.add_argument("--priority", required=required, choices=known)
    else:
        parser.set_defaults(priority=None)
    default = "; default: telephone" if required else ""
    parser.add_argument("--channel", choices=CHANNELS, help=f"of the report{default}")
    parser.add_argument("--agency", metavar="NAME", help="whose report it is; no person's name")
    parser.add_argument("--outage", dest="outages", action="append", metavar="ID", help="that it is about; repeatable")


def _act(parser: argparse.ArgumentParser, kind: str, verb: str, *keys: str) -> None:
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("--by", metavar="WHO", default=login(), help="default: your login")
    parser.set_defaults(command=act, kind=kind, verb=verb, keys=keys)


def act(arguments: argparse.Namespace) -> Exit:
    """Send one act and show the ticket that came of it."""
    request: Document = {key: getattr(arguments, key) for key in arguments.keys if getattr(arguments, key) is not None}
    request |= {"kind": arguments.kind, "by": arguments.by}
    if arguments.verb == "close":
        request |= {"not_reached": arguments.not_reached}
        request |= {} if arguments.with_whom is None else {"with": arguments.with_whom}
    settings = configuration(arguments.config)
    name = f"ticket.{arguments.verb}"
    document = answer(settings, f"acts/{name}", lambda resting: resting.act(name, request), post=request)
    if arguments.format == "json":
        print_json(document)
    else:
        print(table(COLUMNS, [_row(document)], "Recorded"))
    return Exit.OK


def list_tickets(arguments: argparse.Namespace) -> Exit:
    month, kind, state = month_given(arguments), arguments.kind, arguments.state
    settings = configuration(arguments.config)

    def offline(resting: "Resting") -> Document:
        return resting.desk.tickets.listed(Asked(month, kind, state), resting.now)

    document = answer(settings, "tickets", offline, month=month, kind=kind, state=state)
    found = document["tickets"]
    if arguments.format == "json":
        print_json(document)
    elif arguments.format == "csv":
        print_tickets(found)
    elif found:
        print(table(COLUMNS, [_row(one) for one in found], f"{kind.capitalize()}s ({document['timezone']})"))
    else:
        print(f"No {kind} is recorded.")
    return Exit.OK


def print_tickets(tickets: list[Document]) -> None:
    """As CSV, with the same columns whatever they hold."""
    names = ("target_seconds", "deadline", "stopped", "outcome", "left_seconds")
    columns = [
        "id", "kind", "priority", "state", "recorded", "channel", "agency", "outages", "responded", "resolved",
        "closed", "closed_with", "not_reached", "proposed", "excused", "withdrawn", "corrections", "by", "source",
    ]  # fmt: skip
    clocks = [(which, name) for which in ("response", "resolution") for name in names]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns, *(f"{which}_{name}" for which, name in clocks)])
    for one in tickets:
        by = {clock["clock"]: clock for clock in one["clocks"]}
        plain = [" ".join(one[name]) if name == "outages" else one[name] for name in columns]
        writer.writerow([_cell(value) for value in (*plain, *(by.get(which, {}).get(name) for which, name in clocks))])


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t"} else value


def _row(ticket: Document) -> tuple[str, ...]:
    clocks = {clock["clock"]: clock for clock in ticket["clocks"]}
    return (
        ticket["id"],
        ticket["priority"] or "–",
        ticket["state"] + (", excused" if ticket["excused"] else ""),
        moment(ticket["recorded"]),
        ticket["channel"],
        ticket["agency"] or "–",
        *(_clock(clocks.get(which)) for which in ("response", "resolution")),
    )


def _clock(clock: Document | None) -> str:
    """What became of it, or what is left of it."""
    if clock is None:
        return "–"
    if clock["left_seconds"] is None:
        return str(clock["outcome"])
    left = clock["left_seconds"]
    hours, rest = divmod(int(abs(left)), 3600)  # never days: a business day has nine hours
    in_hours = " of business hours" if clock["runs"] == "business" else ""
    return f"{hours} h {rest // 60:02} min{in_hours} {'left' if left >= 0 else 'over'}"
