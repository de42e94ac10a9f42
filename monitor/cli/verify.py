"""`mailuptime verify`: recomputes every closed month and the ledger's digests."""

import argparse
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration, reading


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("verify", help="recompute every closed month and the ledger's digests")
    add_configuration(parser)
    parser.add_argument("--head", metavar="DIGEST", help="a head of the chain that was noted outside the ledger")
    parser.set_defaults(command=verify)


def verify(arguments: argparse.Namespace) -> Exit:
    """The status is 1 where something differs; the first difference of each kind is a line on standard error."""
    from monitor import verification  # noqa: PLC0415 - other commands start without it
    from monitor.assembly import rules_of  # noqa: PLC0415
    from monitor.ledger import LedgerDamagedError  # noqa: PLC0415

    settings = configuration(arguments.config)
    with reading(settings) as ledger:
        try:
            found = verification.verify(ledger, rules_of(settings), arguments.head)
        except LedgerDamagedError as error:
            raise CommandError(Exit.NO, str(error)) from None
    if found.differences:
        raise CommandError(Exit.NO, *found.differences)
    print(
        f"{settings.ledger.path}: verified; facts: {found.facts}, checks: {found.checks}, closed months: {found.months}"
    )
    print(f"head: {found.head}")
    return Exit.OK
