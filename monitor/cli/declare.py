"""`mailuptime maintenance`, `exclude` and `approve`: what is declared, always as a fact that is added."""

import argparse
import os
import pwd
from typing import TYPE_CHECKING, Any

from monitor.cli.common import Exit, add_configuration, add_format, answer, configuration, print_json
from monitor.cli.figures import table
from monitor.core.instants import SECOND
from monitor.figures import Document, minutes, moment

if TYPE_CHECKING:
    from monitor.resting import Resting

Commands = Any  # argparse has no public name for it

WINDOW_COLUMNS = ("id", "scope", "start", "end", "by", "approved by", "excuses", "reason")
EXCLUSION_COLUMNS = ("id", "scope", "start", "end", "category", "by", "approved by", "excuses", "evidence")


def add(commands: Commands) -> None:
    maintenance = commands.add_parser("maintenance", help="declared windows: add, list, shorten, cancel")
    _maintenance(maintenance.add_subparsers(title="commands", metavar="COMMAND", required=True))
    exclude = commands.add_parser("exclude", help="excused downtime: add, list, withdraw")
    _exclusions(exclude.add_subparsers(title="commands", metavar="COMMAND", required=True))
    approve = commands.add_parser("approve", help="approve what somebody else declared")
    _act(approve, "approve", "id")
    approve.add_argument("id", metavar="ID", help="of a window or an exclusion")


def _maintenance(commands: Commands) -> None:
    added = commands.add_parser("add", help="declare a window, and see what it excuses")
    _act(added, "maintenance.add", "id", "start", "end", "rrule", "timezone", "duration", "scope", "reason")
    added.add_argument("--start", required=True, metavar="TIME", help="RFC 3339; without an offset in the SLA's zone")
    added.add_argument("--end", metavar="TIME")
    added.add_argument("--rrule", metavar="RULE", help="RFC 5545, with --duration in place of --end")
    added.add_argument("--timezone", metavar="ZONE", help="of --rrule; default: the SLA's")
    added.add_argument("--duration", metavar="DURATION", help="of each occurrence, as in 1h")
    _scope(added)
    added.add_argument("--reason", required=True, metavar="TEXT")
    added.add_argument("--id", metavar="ID", help="default: a hash of the content")
    added.add_argument("--dry-run", action="store_true", help="only show what it would excuse; nothing is recorded")
    listed = commands.add_parser("list", help="every window and what it comes to")
    add_configuration(listed)
    add_format(listed, "table", "json")
    listed.set_defaults(command=list_windows)
    shortened = commands.add_parser("shorten", help="let a window end earlier")
    _act(shortened, "maintenance.shorten", "id", "end")
    shortened.add_argument("id", metavar="ID")
    shortened.add_argument("--end", required=True, metavar="TIME")
    cancelled = commands.add_parser("cancel", help="cancel a window from now on; the past stays")
    _act(cancelled, "maintenance.cancel", "id")
    cancelled.add_argument("id", metavar="ID")


def _exclusions(commands: Commands) -> None:
    added = commands.add_parser("add", help="excuse downtime after the fact; it takes another person's approval")
    _act(added, "exclusion.add", "id", "start", "end", "outage", "scope", "category", "evidence")
    added.add_argument("--start", metavar="TIME")
    added.add_argument("--end", metavar="TIME")
    added.add_argument("--outage", metavar="ID", help="in place of --start and --end")
    _scope(added)
    categories = ("force_majeure", "business_continuity", "customer", "suspension")
    added.add_argument("--category", required=True, choices=categories)
    added.add_argument("--evidence", required=True, metavar="TEXT")
    added.add_argument("--id", metavar="ID", help="default: a hash of the content")
    added.add_argument("--dry-run", action="store_true", help="only show what it would excuse; nothing is recorded")
    listed = commands.add_parser("list", help="every exclusion")
    add_configuration(listed)
    add_format(listed, "table", "json")
    listed.set_defaults(command=list_exclusions)
    withdrawn = commands.add_parser("withdraw", help="withdraw an exclusion")
    _act(withdrawn, "exclusion.withdraw", "id")
    withdrawn.add_argument("id", metavar="ID")


def _act(parser: argparse.ArgumentParser, act: str, *keys: str) -> None:
    """A command that declares something: `keys` are the arguments that it sends."""
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("--by", metavar="WHO", default=login(), help="default: your login")
    parser.set_defaults(command=declare, act=act, keys=keys)


def _scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scope", action="append", metavar="NAME", help="service or service/target; repeatable; default: everything"
    )


def declare(arguments: argparse.Namespace) -> Exit:
    """Send one act and show what came of it."""
    request: Document = {key: getattr(arguments, key) for key in arguments.keys if getattr(arguments, key) is not None}
    request["by"] = arguments.by
    if getattr(arguments, "dry_run", False):
        request["dry_run"] = True
    settings = configuration(arguments.config)
    act: str = arguments.act
    document = answer(settings, f"acts/{act}", lambda resting: resting.act(act, request), post=request)
    if arguments.format == "json":
        print_json(document)
    else:
        _print(act, document, dry_run=request.get("dry_run", False))
    return Exit.OK


def list_windows(arguments: argparse.Namespace) -> Exit:
    return _list(arguments, "maintenance", WINDOW_COLUMNS, _window_row, "No window is declared.")


def list_exclusions(arguments: argparse.Namespace) -> Exit:
    return _list(arguments, "exclusions", EXCLUSION_COLUMNS, _exclusion_row, "No exclusion is declared.")


def _list(arguments: argparse.Namespace, key: str, columns: tuple[str, ...], row: Any, nothing: str) -> Exit:
    settings = configuration(arguments.config)

    def offline(resting: "Resting") -> Document:
        return resting.desk.listed(resting.now)

    found = answer(settings, "declarations", offline)[key]
    if arguments.format == "json":
        print_json({key: found})
    else:
        print(table(columns, [row(one) for one in found], key.capitalize()) if found else nothing)
    return Exit.OK


def _print(act: str, document: Document, *, dry_run: bool) -> None:
    if act == "approve":
        one = "; declared and approved under one login" if document["attested_by_one"] else ""
        print(f"{document['id']}: approved by {document['approved_by']}{one}")
    elif act == "exclusion.withdraw":
        print(f"{document['id']}: withdrawn")
    elif act == "exclusion.add":
        recorded = "Recorded; it excuses once somebody else approves it"
        title = "Not recorded (dry run)" if dry_run else recorded
        print(table(EXCLUSION_COLUMNS, [_exclusion_row(document)], title))
    else:
        print(table(WINDOW_COLUMNS, [_window_row(document)], "Not recorded (dry run)" if dry_run else "Recorded"))
    if document.get("retroactive_seconds") and not document["approved_by"]:
        before = minutes(round(document["retroactive_seconds"] * SECOND))
        print(f"{before} lie before its declaration: they need an approval")
    for one in document.get("would_excuse", ()):
        print(
            f"once approved it excuses {minutes(round(one['seconds'] * SECOND))} of {one['service']} in {one['month']}"
        )


def _window_row(window: Document) -> tuple[str, ...]:
    excuses = " – ".join(map(moment, window["excuses"])) if window["excuses"] else "nothing"
    return (
        window["id"],
        " ".join(window["scope"]) or "everything",
        moment(window["start"]),
        moment(window["end"]),
        window["by"],
        window["approved_by"] or "–",
        excuses + (", cancelled" if window["cancelled"] else ", late" if window["late"] else ""),
        window["reason"],
    )


def _exclusion_row(exclusion: Document) -> tuple[str, ...]:
    return (
        exclusion["id"],
        " ".join(exclusion["scope"]) or "everything",
        moment(exclusion["start"]),
        moment(exclusion["end"]),
        exclusion["category"],
        exclusion["by"],
        exclusion["approved_by"] or "–",
        "withdrawn" if exclusion["withdrawn"] else "yes" if exclusion["excuses"] else "not approved",
        exclusion["evidence"],
    )


def login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
