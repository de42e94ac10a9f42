"""Decides how a command is run: as a process of its own, as users run it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def mailuptime(*arguments: str | Path) -> Done:
    return _done(sys.executable, "-m", "monitor", *arguments)


def demonstration() -> Done:
    return _done(sys.executable, "-m", "tests.lab.demo")


def promtool_check(metrics: str) -> Done:
    return _done("/usr/bin/promtool", "check", "metrics", given=metrics)


def assert_refused(done: Done, status: int, *parts: str) -> None:
    """One line on standard error that says all of this, nothing on standard output, and the status."""
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1), done
    assert [part for part in parts if part not in done.err] == [], done.err


def _done(*command: str | Path, given: str = "") -> Done:
    environment = {name: value for name, value in os.environ.items() if name != "MAILUPTIME_CONFIG"}
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment
    )
    return Done(done.returncode, done.stdout, done.stderr)
