"""`mailuptime verify`: recomputes every closed month and the ledger's digests."""

import argparse
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration, reading
from monitor.core.instants import format_instant


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("verify", help="recompute every closed month and the ledger's digests")
    add_configuration(parser)
    parser.add_argument("--head", metavar="DIGEST", help="a head of the chain that was noted outside the ledger")
    parser.set_defaults(command=verify)


def verify(arguments: argparse.Namespace) -> Exit:
    """The status is 1 where something differs; the first difference of each kind is a line on standard error."""
    from monitor import verification  # noqa: PLC0415 - other commands start without it
    from monitor.assembly import rules_of  # noqa: PLC0415

    settings = configuration(arguments.config)
    with reading(settings, damaged=Exit.NO) as ledger:
        found = verification.verify(ledger, rules_of(settings), arguments.head)
    if found.differences:
        raise CommandError(Exit.NO, *found.differences)
    print(
        f"{settings.ledger.path}: verified; facts: {found.facts}, checks: {found.checks}, closed months: {found.months}"
    )
    if found.pruned is not None:
        until = format_instant(found.pruned.until, settings.zone)
        print(f"recomputed from spans: what lies before {until}, where checks were pruned: {found.pruned.checks}")
    print(f"head: {found.head}")
    return Exit.OK
