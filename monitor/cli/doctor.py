"""`mailuptime doctor`: a live installation, from its configuration to its notifications."""

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

from monitor.cli.common import Exit, add_configuration, add_format
from monitor.diagnosis import files, machine, running
from monitor.diagnosis.findings import Finding, Look, fail, looked
from monitor.settings import ConfigurationError, Settings, load


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("doctor", help="look over a live installation and say what to mend")
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.set_defaults(command=doctor)


def doctor(arguments: argparse.Namespace) -> Exit:
    """Each look is printed as it is taken; 1 where one failed."""
    taken = []
    for finding in _findings(arguments):
        taken.append(finding)
        if arguments.format == "table":
            print(finding, flush=True)
    if arguments.format == "json":
        print(machine.document(taken))
    return Exit.NO if any(finding.level == "fail" for finding in taken) else Exit.OK


def _findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    try:
        settings = load(arguments.config)
    except ConfigurationError as error:
        for problem in error.problems:
            yield fail("configuration", str(problem), "mend it; the rest is looked at when it can be read")
        return
    for name, look in _looks(settings).items():
        yield from looked(name, look)


def _looks(settings: Settings) -> dict[str, Look]:
    from monitor.clock import SystemClock  # noqa: PLC0415 - where nothing is read, nothing is needed
    from monitor.diagnosis.reports import reports  # noqa: PLC0415 - other commands start without it

    found, now = running.condition(settings), SystemClock().now()
    looks: dict[str, Look] = {
        "configuration": partial(files.configuration, settings),
        "secrets": partial(files.secrets, settings, running=found is not None),
        "web configuration": partial(files.web_configuration, settings, now),
        "status configuration": partial(files.status_configuration, settings, now),
        "clock": machine.clock,
        "resolver": machine.names,
        "disk": partial(files.disk, settings),
        "ledger": partial(files.ledger, settings),
        "reports": partial(reports, settings),
        "unit": machine.unit,
        "daemon": partial(running.control, settings),
        "listener": partial(machine.listener, settings),
        "status page": partial(machine.status_page, settings),
    }
    if found is not None:
        looks |= {
            "readiness": partial(running.readiness, found),
            "self tests": partial(running.self_tests, found),
            "accounts": partial(running.accounts, found),
            "certificates": partial(running.certificates, found),
            "prometheus": partial(running.scraping, found, settings),
        }
    return looks | {
        "browser": partial(machine.browser, settings),
        "notifications": partial(machine.receivers, settings),
    }
