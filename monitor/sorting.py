"""Recorded checks in the order of their instants, however many there are: sorted runs on disk, then merged.

What is held in memory is one run and a line of each file that is merged.
"""

import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO

from monitor.checklines import CheckLine
from monitor.core.check import Outcome
from monitor.core.instants import Instant

RUN = 100_000
"""Checks that are sorted in memory at once."""
FILES = 64
"""Runs that are merged at once; more are merged into longer ones first."""


def in_order(checks: Iterable[CheckLine], run: int = RUN) -> Iterator[CheckLine]:
    """The checks by their instants; those of one instant in any order. Raises OSError where the disk is full."""
    with ExitStack() as files:
        runs: list[IO[str]] = []
        held: list[CheckLine] = []
        for check in checks:
            held.append(check)
            if len(held) >= run:
                held.sort(key=_at)
                runs.append(_written(files, held))
                held.clear()
                if len(runs) >= FILES:
                    longer = _written(files, _merged(runs))
                    for one in runs:
                        one.close()
                    runs = [longer]
        held.sort(key=_at)
        yield from heapq.merge(*map(_read, runs), held, key=_at)


def _merged(runs: list[IO[str]]) -> Iterator[CheckLine]:
    return heapq.merge(*map(_read, runs), key=_at)


def _at(check: CheckLine) -> Instant:
    return check.at


def _written(files: ExitStack, checks: Iterable[CheckLine]) -> IO[str]:
    """A file without a name, which goes with the process however that ends."""
    made = tempfile.TemporaryFile("w+", prefix="mailuptime-", encoding="utf-8")  # noqa: SIM115 - closed by `files`
    files.enter_context(made)
    made.writelines(json.dumps(check) + "\n" for check in checks)
    made.seek(0)
    return made


def _read(run: IO[str]) -> Iterator[CheckLine]:
    for line in run:
        at, target, outcome, duration, voice, speaks, cause = json.loads(line)
        yield CheckLine(at, target, Outcome(outcome), duration, voice, speaks, cause)
