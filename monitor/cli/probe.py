"""`mailuptime probe`: each target checked once, phases and reason shown."""

import argparse
import asyncio
import sys
from typing import Any

from monitor import loops
from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.cli.run import load_secrets
from monitor.control import NotRunningError, RefusedError, ask
from monitor.core.check import Outcome
from monitor.figures import Document
from monitor.settings import Settings
from monitor.settings.problems import MAX_KNOWN


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("probe", help="check each target once and show what was seen")
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("--transcript", action="store_true", help="show both sides' lines too, passwords struck out")
    parser.add_argument("--force", action="store_true", help="log in also to accounts that rest after refused log-ins")
    meaning = "or a service, for all of its; default: every target"
    parser.add_argument("targets", nargs="*", metavar="SERVICE/TARGET", help=meaning)
    parser.set_defaults(command=probe)


def probe(arguments: argparse.Namespace) -> Exit:
    """Check; the status is 1 where a target is down, else 3 where one could not be told."""
    settings = configuration(arguments.config)
    load_secrets(settings)
    documents = loops.run(_check(settings, arguments.targets, transcript=arguments.transcript, force=arguments.force))
    if arguments.format == "json":
        print_json({"targets": documents})
    else:
        _show(documents)
    outcomes = {document["outcome"] for document in documents}
    if Outcome.DOWN.value in outcomes:
        return Exit.NO
    return Exit.UNKNOWN if Outcome.UNKNOWN.value in outcomes else Exit.OK


async def _check(settings: Settings, wanted: list[str], *, transcript: bool, force: bool) -> list[Document]:
    from monitor import ladder  # noqa: PLC0415 - other commands start without the probes
    from monitor.byhand import ByHand  # noqa: PLC0415
    from monitor.logs import configure  # noqa: PLC0415
    from monitor.settings.sections import LogSettings  # noqa: PLC0415

    configure(LogSettings(level="warning"), settings.log.format)
    named = [one for name in wanted for one in _targets(settings, name)]
    hand = ByHand(settings, {} if force else _resting(settings), force=force)

    async def one(name: str) -> Document:
        return ladder.document(await hand.check(name, transcript=transcript), hand.now)

    return list(await asyncio.gather(*(one(name) for name in dict.fromkeys(named) or hand.targets)))


def _resting(settings: Settings) -> dict[str, float]:
    """The accounts that the running daemon rests, and for how many seconds."""
    try:
        found = ask(settings.control.socket, "status").get("resting", {})
    except NotRunningError:
        return {}
    except (RefusedError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"{settings.control.socket}: {reason}: which accounts the daemon rests is not known", file=sys.stderr)
        return {}
    return dict(found)


def _targets(settings: Settings, name: str) -> list[str]:
    """The target of a name, or those of a service, of its members and those that it uses."""
    services = {service.name: service for service in settings.services}
    service, _, target = name.partition("/")
    if name in services:
        one = services[name]
        own = [*(f"{name}/{target.name}" for target in one.targets), *(used for used, _ in one.uses)]
        return own + [found for member in one.members for found in _targets(settings, member)]
    if service in services and any(one.name == target for one in services[service].targets):
        return [name]
    known = [one for one in settings.names().known if "/" in one]
    listed = f"configured: {', '.join(known)}" if len(known) <= MAX_KNOWN else settings.names().meant(name)
    raise CommandError(Exit.USAGE, f'there is no target "{name}"; {listed or f"{len(known)} are configured"}')


def _show(documents: list[Document]) -> None:
    """Lines of any length where a program may read them, folded into columns and coloured for a person."""
    from monitor import ladder  # noqa: PLC0415

    if sys.stdout.isatty():
        from monitor.cli import blocks  # noqa: PLC0415 - rich takes a while to load

        blocks.show(documents)
    else:
        for document in documents:
            print(ladder.text(document))
    if (said := ladder.summary(documents)) is not None:
        print(said)
