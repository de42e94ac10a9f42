"""`mailuptime check-config`: all problems of a configuration at once."""

import argparse
from collections.abc import Iterator
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, configuration
from monitor.cli.run import check_web_file
from monitor.settings import Settings
from probes import tls


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("check-config", help="check the configuration and say every problem in it")
    add_configuration(parser)
    parser.set_defaults(command=check_config)


def check_config(arguments: argparse.Namespace) -> Exit:
    settings = configuration(arguments.config)
    unusable = [f"{arguments.config}: {problem}" for problem in _unusable(settings)]
    if unusable:
        raise CommandError(Exit.CONFIGURATION, *unusable)
    check_web_file(settings)
    targets = sum(len(service.targets) for service in settings.services)
    used = sum(len(service.uses) for service in settings.services)
    shared = f", used by other services: {used}" if used else ""
    print(f"{arguments.config}: well; services: {len(settings.services)}, targets: {targets}{shared}")
    return Exit.OK


def _unusable(settings: Settings) -> Iterator[str]:
    """What stands well in the file and cannot be used: certificate authorities that cannot be read."""
    for service in settings.services:
        for target in service.targets:
            setting = getattr(target.options, "tls", None)
            try:
                if setting is not None and setting.ca_file:
                    tls.context(setting)
            except tls.CaFileError as error:
                yield f"{service.name}/{target.name}: {error}"
