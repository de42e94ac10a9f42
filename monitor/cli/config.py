"""`mailuptime check-config`: all problems of a configuration at once."""

import argparse
from typing import Any

from monitor.cli.common import Exit, add_configuration, configuration


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("check-config", help="check the configuration and say every problem in it")
    add_configuration(parser)
    parser.set_defaults(command=check_config)


def check_config(arguments: argparse.Namespace) -> Exit:
    settings = configuration(arguments.config)
    targets = sum(len(service.targets) for service in settings.services)
    print(f"{arguments.config}: well; services: {len(settings.services)}, targets: {targets}")
    return Exit.OK
