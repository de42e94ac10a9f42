"""Runs a lab by hand: python -m tests.lab [--directory DIR], until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import dataclasses
import signal
import sys
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
    parser.add_argument("--directory", type=Path, help="where CA, password files and logs stay; default: nowhere")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        try:
            lab = stack.enter_context(Lab(arguments.directory))
        except LabError as error:
            print(error, file=sys.stderr)
            return 69  # EX_UNAVAILABLE, sysexits(3)
        print(describe(lab), flush=True)
        while True:
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
