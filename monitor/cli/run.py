"""`mailuptime run`: the daemon."""

import argparse
import asyncio
import gc
import os
import sys
from typing import Any

from monitor import loops, memory
from monitor import settings as configurations
from monitor.cli.common import CommandError, Exit, add_configuration, configuration
from monitor.settings import ConfigurationError, Settings

SWITCH = 0.0005
"""Seconds after which a thread that renders metrics lets the event loop go on; by default ten times as long. The loop
lets go of the interpreter at every system call, and waits for it again as often."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("run", help="the daemon: probe, account, export")
    add_configuration(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> Exit:
    memory.lean()
    sys.setswitchinterval(SWITCH)
    try:
        return _run(arguments)
    finally:
        gc.enable()


def _run(arguments: argparse.Namespace) -> Exit:
    from monitor.daemon import Daemon  # noqa: PLC0415 - other commands start without it
    from monitor.ledger import Ledger, LedgerDamagedError, LedgerError, LedgerLockedError  # noqa: PLC0415
    from monitor.logs import configure  # noqa: PLC0415
    from monitor.web.listening import ListenError  # noqa: PLC0415

    settings = configuration(arguments.config)
    load_secrets(settings)
    check_web_file(settings)
    have_understood(settings)
    configure(settings.log)
    os.umask(0o077)  # what is made from here on is for the daemon's user; the control socket is opened to its group
    try:
        ledger = Ledger(settings.ledger.path)
    except LedgerLockedError as error:
        raise CommandError(Exit.UNAVAILABLE, str(error)) from None
    except LedgerDamagedError as error:
        raise CommandError(Exit.DATA, str(error)) from None
    except LedgerError as error:
        raise CommandError(Exit.CANNOT_CREATE, str(error)) from None

    async def serve() -> None:
        try:
            daemon = Daemon(settings, ledger)
        except LedgerDamagedError:
            ledger.close()
            raise
        memory.settle()
        await daemon.run()

    try:
        loops.run(serve())
    except ListenError as error:
        raise CommandError(Exit.UNAVAILABLE, str(error)) from None
    except LedgerDamagedError as error:
        raise CommandError(Exit.DATA, str(error)) from None
    return Exit.OK


def have_understood(settings: Settings) -> None:
    """Have Apprise look at the receivers' URLs; each that it does not know is a line, and the status is 78."""
    from monitor.alerting.sender import understood  # noqa: PLC0415 - where nobody is told, nothing of it is needed

    if settings.notify.urls:
        try:
            asyncio.run(understood(settings))
        except ConfigurationError as error:
            raise CommandError(Exit.CONFIGURATION, *(str(problem) for problem in error.problems)) from None


def check_web_file(settings: Settings) -> None:
    """Read the web configurations and what they name; every problem is a line, and the status is 78."""
    from monitor.web.access import terms_of  # noqa: PLC0415

    try:
        for section in (settings.web, settings.status):
            terms_of(section.config_file)
    except ConfigurationError as error:
        raise CommandError(Exit.CONFIGURATION, *(str(problem) for problem in error.problems)) from None


def load_secrets(settings: Settings) -> None:
    """Read the passwords that the configuration refers to; every problem is a line, and the status is 78."""
    try:
        configurations.load_secrets(settings)
    except ConfigurationError as error:
        raise CommandError(Exit.CONFIGURATION, *(str(problem) for problem in error.problems)) from None
