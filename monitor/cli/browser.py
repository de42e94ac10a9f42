"""`mailuptime browser-worker`: what the unit mailuptime-browser@ runs for each connection; not for people."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    parser = commands.add_parser("browser-worker", help="a browser for one check, run by systemd")
    parser.add_argument("--executable", type=Path, default=Path("/usr/bin/chromium"), help="the browser's program")
    parser.set_defaults(command=work)


def work(arguments: argparse.Namespace) -> int:
    from probes.browser_worker import work as work_once  # noqa: PLC0415 - only this command needs it

    return work_once(arguments.executable)
