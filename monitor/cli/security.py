"""`mailuptime security`: what servers must refuse and domains must publish, asked once."""

import argparse
import asyncio
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.cli.run import load_secrets
from monitor.figures import Document

HELP = """\
What a mail server must refuse (log-ins in clear, foreign mail for foreign domains, TLS 1.0 and 1.1), and what a mail
domain must publish (MX, SPF, DMARC, MTA-STS, TLSA; not being on a block list). None of it is downtime. Nothing is asked
but what the section `security` of the configuration names. docs/SECURITY_FACTS.md explains each fact.
"""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("security", help="security facts of servers and domains", description=HELP)
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(command=security)


def security(arguments: argparse.Namespace) -> Exit:
    """Ask; the status is 1 where a fact is bad, else 3 where one could not be found out."""
    settings = configuration(arguments.config)
    if not settings.security.targets and not settings.security.domains:
        text = f"{settings.path}: security: names neither targets nor domains, so there is nothing to ask"
        raise CommandError(Exit.USAGE, text)
    load_secrets(settings)
    from monitor.posture import document  # noqa: PLC0415 - other commands start without it

    documents = [document(finding) for finding in asyncio.run(_survey(settings))]
    if arguments.format == "json":
        print_json({"facts": documents})
    else:
        _print(documents)
    verdicts = {one["verdict"] for one in documents}
    return Exit.NO if "bad" in verdicts else Exit.UNKNOWN if "unknown" in verdicts else Exit.OK


async def _survey(settings: Any) -> Any:
    from monitor.assembly import targets_of  # noqa: PLC0415
    from monitor.clock import SystemClock  # noqa: PLC0415
    from monitor.posture import Posture  # noqa: PLC0415

    targets = {name: target for name, (target, _) in targets_of(settings).items()}
    return await Posture(SystemClock(), settings.security, targets).survey()


def _print(documents: list[Document]) -> None:
    width = max((len(one["fact"]) for one in documents), default=0)
    subject = None
    for one in documents:
        if one["subject"] != subject:
            subject = one["subject"]
            print(subject)
        verdict = "BAD" if one["verdict"] == "bad" else one["verdict"]
        print(f"  {one['fact']:<{width}}  {verdict:<7}  {one['detail']}".rstrip())
