"""The command line: one file a group of commands, each with `add(commands)` that names its function."""

import argparse
import errno
import os
import signal
import sys
from typing import NoReturn

from monitor import __version__
from monitor.cli import (
    backup,
    browser,
    config,
    control,
    declare,
    doctor,
    export,
    figures,
    importing,
    probe,
    replay,
    report,
    run,
    security,
    tickets,
    verify,
    watch,
)
from monitor.cli.common import CommandError, Exit
from probes.tls import CaFileError

GROUPS = (
    run,
    config,
    control,
    doctor,
    probe,
    security,
    figures,
    watch,
    declare,
    tickets,
    importing,
    export,
    report,
    replay,
    verify,
    backup,
    browser,
)

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Why standard output, as a file that the shell has opened, cannot be written."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line, as everything else does; its parsers of commands do, too."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message}; {self.prog} --help says how\n")


def parser() -> argparse.ArgumentParser:
    made = Parser(
        prog="mailuptime",
        description="Knows whether a mail service keeps the availability that its service level agreement promises.",
        epilog="Exit status: 0 well; 1 the answer is no; 2 wrong usage; 3 could not tell; 65 bad data; "
        "69 unavailable; 73 cannot create; 77 not permitted; 78 configuration refused.",
    )
    made.add_argument("--version", action="version", version=f"mailuptime {__version__}")
    commands = made.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add(commands)
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = parser().parse_args(arguments)
    try:
        status = int(given.command(given))
        sys.stdout.flush()
    except CommandError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        return error.status
    except CaFileError as error:
        print(error, file=sys.stderr)
        return Exit.CONFIGURATION
    except BrokenPipeError:
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        print(f"standard output: {error.strerror}; what was written is not whole", file=sys.stderr)
        _drop_output()
        return Exit.CANNOT_CREATE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _drop_output() -> None:
    """Nobody can take it; nothing may be written at the interpreter's end either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["Exit", "main"]
