"""`mailuptime probe`: each target checked once, phases and reason shown."""

import argparse
import asyncio
import sys
from typing import Any

from monitor import loops
from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.cli.run import load_secrets
from monitor.core.check import Outcome
from monitor.figures import Document

AT_ONCE = 8


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("probe", help="check each target once and show what was seen")
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("--transcript", action="store_true", help="show both sides' lines too, passwords struck out")
    parser.add_argument("targets", nargs="*", metavar="SERVICE/TARGET", help="default: every target")
    parser.set_defaults(command=probe)


def probe(arguments: argparse.Namespace) -> Exit:
    """Check; the status is 1 where a target is down, else 3 where one could not be told."""
    settings = configuration(arguments.config)
    load_secrets(settings)
    documents = loops.run(_check(settings, arguments.targets, transcript=arguments.transcript))
    if arguments.format == "json":
        print_json({"targets": documents})
    else:
        _show(documents)
    outcomes = {document["outcome"] for document in documents}
    if Outcome.DOWN.value in outcomes:
        return Exit.NO
    return Exit.UNKNOWN if Outcome.UNKNOWN.value in outcomes else Exit.OK


async def _check(settings: Any, wanted: list[str], *, transcript: bool) -> list[Document]:
    from monitor import ladder  # noqa: PLC0415 - other commands start without the probes
    from monitor.assembly import targets_of  # noqa: PLC0415
    from monitor.canaries import canaries  # noqa: PLC0415
    from monitor.clock import SystemClock  # noqa: PLC0415
    from monitor.logs import configure  # noqa: PLC0415
    from monitor.runner import Runner  # noqa: PLC0415
    from monitor.selftest import SelfTests  # noqa: PLC0415

    configure("warning", settings.log.format)
    configured = targets_of(settings)
    for name in wanted:
        if name not in configured:
            known = ", ".join(configured)
            raise CommandError(Exit.USAGE, f'there is no target "{name}"; configured: {known}')
    clock = SystemClock()
    # By hand there is no history: a refused password is reported as such, and the reader judges.
    runner = Runner(clock, lambda _target: True, self_tests=SelfTests(clock, canaries(clock, settings.self_test)))
    places = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Document:
        async with places:
            steps = runner.steps(transcript=transcript)
            return ladder.document(await runner.run(configured[name][0], steps=steps), clock.now())

    return list(await asyncio.gather(*(one(name) for name in wanted or configured)))


def _show(documents: list[Document]) -> None:
    """Lines of any length where a program may read them, folded into columns and coloured for a person."""
    if sys.stdout.isatty():
        from monitor.cli import blocks  # noqa: PLC0415 - rich takes a while to load

        blocks.show(documents)
        return
    from monitor import ladder  # noqa: PLC0415

    for document in documents:
        print(ladder.text(document))
