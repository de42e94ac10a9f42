"""Runs a lab by hand: python -m tests.lab [--directory DIR], until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import dataclasses
import signal
import sys
import tempfile
from pathlib import Path

from tests.lab import Lab, LabError


def describe(lab: Lab) -> str:
    facts = {
        "host": lab.host,
        **dataclasses.asdict(lab.ports),
        "CA": lab.ca_file,
        "webmail": lab.webmail_url,
        "account": lab.probe.username,
        "password file": lab.password_file,
        "other accounts": ", ".join(account.username for account in lab.accounts[1:]),
        "logs": lab.directory / "log",
    }
    return "\n".join(f"{name:18}{value}" for name, value in facts.items())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Real mail servers on loopback.")
    parser.add_argument("--directory", type=Path, help="keeps CA, password files and logs; default: a temporary one")
    arguments = parser.parse_args()
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # from here on a signal waits until the lab can be closed
    with contextlib.ExitStack() as stack:
        directory = arguments.directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-")))
        try:
            lab = stack.enter_context(Lab(directory))
        except LabError as error:
            print(error, file=sys.stderr)
            return 69  # EX_UNAVAILABLE, sysexits(3)
        print(describe(lab), flush=True)
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main())
