"""`mailuptime probe`: each target checked once, phases and reason shown."""

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.cli.run import load_secrets
from monitor.core.check import Outcome
from monitor.core.instants import SECOND, seconds
from monitor.figures import Document

AT_ONCE = 8
MARKS = {"up": "up", "down": "DOWN", "unknown": "unknown"}


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("probe", help="check each target once and show what was seen")
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("targets", nargs="*", metavar="SERVICE/TARGET", help="default: every target")
    parser.set_defaults(command=probe)


def probe(arguments: argparse.Namespace) -> Exit:
    """Check; the status is 1 where a target is down, else 3 where one could not be told."""
    settings = configuration(arguments.config)
    load_secrets(settings)
    documents = asyncio.run(_check(settings, arguments.targets))
    if arguments.format == "json":
        print_json({"targets": documents})
    else:
        for document in documents:
            _print(document)
    outcomes = {document["outcome"] for document in documents}
    if Outcome.DOWN.value in outcomes:
        return Exit.NO
    return Exit.UNKNOWN if Outcome.UNKNOWN.value in outcomes else Exit.OK


async def _check(settings: Any, wanted: list[str]) -> list[Document]:
    from monitor.assembly import targets_of  # noqa: PLC0415 - other commands start without the probes
    from monitor.clock import SystemClock  # noqa: PLC0415
    from monitor.logs import configure  # noqa: PLC0415
    from monitor.runner import Runner  # noqa: PLC0415

    configure("warning", settings.log.format)
    configured = targets_of(settings)
    for name in wanted:
        if name not in configured:
            known = ", ".join(configured)
            raise CommandError(Exit.USAGE, f'there is no target "{name}"; configured: {known}')
    # By hand there is no history: a refused password is reported as such, and the reader judges.
    runner = Runner(SystemClock(), lambda _target: True)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Document:
        async with places:
            return _document(await runner.run(configured[name][0]))

    return list(await asyncio.gather(*(one(name) for name in wanted or configured)))


def _document(result: Any) -> Document:
    from monitor.runner import certificate_document  # noqa: PLC0415 - other commands start without it

    seen = result.evidence
    return {
        "target": result.target.name,
        "protocol": result.target.protocol,
        "outcome": result.check.outcome.value,
        "cause": result.check.cause,
        "phase": result.failed_phase,
        "reply": result.reply,
        "duration_seconds": seconds(result.check.duration),
        "address": seen.address,
        "tls_version": seen.tls_version,
        "certificate": certificate_document(seen.certificate, _utc),
        "phases": [
            {"phase": phase.name, "seconds": round(phase.seconds, 6), "ok": phase.ok} for phase in result.phases
        ],
        "replies": list(seen.replies),
    }


def _utc(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print(document: Document) -> None:
    milliseconds = document["duration_seconds"] * SECOND / 1000
    line = f"{document['target']}: {MARKS[document['outcome']]} in {milliseconds:.0f} ms"
    if document["cause"]:
        where = f" in {document['phase']}" if document["phase"] else ""
        line += f": {document['cause']}{where}"
    print(line + (f": {document['reply']}" if document["reply"] else ""))
    for phase in document["phases"]:
        print(f"  {phase['phase']:<12}{phase['seconds'] * 1000:>9.1f} ms{'' if phase['ok'] else '  failed'}")
    if document["address"]:
        print(f"  address     {document['address']}{', ' + document['tls_version'] if document['tls_version'] else ''}")
    certificate = document["certificate"]
    if certificate:
        problem = f" ({certificate['problem']})" if certificate["problem"] else ""
        print(f"  certificate {certificate['subject']}, until {certificate['not_after']}{problem}")
