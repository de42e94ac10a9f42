"""`mailuptime reload` and `mailuptime log-level`: what changes a running daemon, through its control socket."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from monitor.cli.common import CommandError, Exit, add_configuration, add_format, configuration, print_json
from monitor.control import TIMEOUT, NotRunningError, RefusedError, ask
from monitor.figures import Document
from monitor.settings import ConfigurationError, load
from monitor.settings.sections import ControlSettings

RELOAD_TIMEOUT = 300.0
"""Seconds: with thousands of log-ins, each compared with the one that has worked, a reload takes its time."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("reload", help="have the running daemon read its configuration again")
    add_configuration(parser)
    parser.set_defaults(command=reload)

    parser = commands.add_parser(
        "log-level", help="show or change, until the next reload, how much the running daemon logs"
    )
    add_configuration(parser)
    add_format(parser, "table", "json")
    parser.add_argument("subsystem", nargs="?", metavar="SUBSYSTEM", help="a part of the program, such as recorder")
    parser.add_argument("level", nargs="?", metavar="LEVEL", help="debug, info, warning or error")
    parser.set_defaults(command=log_level)


def reload(arguments: argparse.Namespace) -> Exit:
    """Of a bad file the daemon is told, too, where it listens by default: so that its log and metric say so."""
    try:
        path = load(arguments.config).control.socket
    except ConfigurationError as error:
        with suppress(CommandError):
            told(ControlSettings.model_construct().socket, "reload", {}, Exit.CONFIGURATION, timeout=RELOAD_TIMEOUT)
        raise CommandError(Exit.CONFIGURATION, *(str(problem) for problem in error.problems)) from None
    answer = told(path, "reload", {}, Exit.CONFIGURATION, timeout=RELOAD_TIMEOUT)
    print("reloaded", *answer["waiting"], sep="\n")
    return Exit.OK


def log_level(arguments: argparse.Namespace) -> Exit:
    settings, subsystem, level = configuration(arguments.config), arguments.subsystem, arguments.level
    if subsystem is not None and level is None:
        raise CommandError(Exit.USAGE, "log-level: say SUBSYSTEM and LEVEL, or neither to see all")
    post = None if subsystem is None else {"subsystem": subsystem, "level": level}
    listed = told(settings.control.socket, "log-levels", post, Exit.USAGE)
    if arguments.format == "json":
        print_json(listed)
    else:
        print(*(f"{name:14} {one}" for name, one in listed.items()), sep="\n")
    return Exit.OK


def told(path: Path, what: str, post: Document | None, refused: Exit, *, timeout: float = TIMEOUT) -> Document:
    """Ask the running daemon, or post to it; where it refuses, its lines with that status."""
    try:
        return ask(path, what, post, timeout=timeout)
    except NotRunningError:
        raise CommandError(Exit.UNAVAILABLE, f"{path}: no daemon answers; start it with mailuptime run") from None
    except PermissionError:
        text = f"{path}: not permitted; be a member of the group that the socket belongs to"
        raise CommandError(Exit.NOT_PERMITTED, text) from None
    except RefusedError as error:
        raise CommandError(refused, *str(error).splitlines()) from None
    except OSError as error:
        raise CommandError(Exit.UNAVAILABLE, f"{path}: {error.strerror or error}") from None
