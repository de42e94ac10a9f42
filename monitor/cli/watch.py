"""`mailuptime watch`: the running daemon, live in a terminal."""

import argparse
import sys
import time
from typing import Any

from monitor.cli.common import Exit, add_configuration, configuration, print_json
from monitor.cli.control import told
from monitor.figures import Document
from monitor.settings import Settings

EVERY = 0.5


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("watch", help="the running daemon, live in a terminal")
    add_configuration(parser)
    parser.add_argument("--once", action="store_true", help="show the present state once, as JSON")
    parser.set_defaults(command=watch)


def watch(arguments: argparse.Namespace) -> Exit:
    settings = configuration(arguments.config)
    if arguments.once or not sys.stdout.isatty():
        print_json(_status(settings))
        return Exit.OK
    from rich.live import Live  # noqa: PLC0415 - only this command draws

    from monitor.cli.screen import screen  # noqa: PLC0415

    with Live(screen(_status(settings)), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(EVERY)
            live.update(screen(_status(settings)), refresh=True)


def _status(settings: Settings) -> Document:
    return told(settings.control.socket, "status", None, Exit.UNAVAILABLE)
