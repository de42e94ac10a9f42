"""`make soak`: 200 kills by default, and a dated result under docs/results."""

import argparse
import platform
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from tests.soak.play import CHECKING, Found, play

RESULTS = Path(__file__).parents[2] / "docs" / "results"
WHAT = """\
Two daemons watch three servers that follow a script of outages (they hang up, hang, or say 421). One daemon is left in
peace. The other one is killed with SIGKILL at random instants, a third of them while it starts, the others while it
probes, and started again. After each kill the files as they lie there are copied and opened: `verify` must find
nothing, every fact and check that anybody could read before the kill must be there, unchanged, and an outage keeps its
start for good. In the end every scripted outage is one outage of the daemon in peace, and of both daemons the bounds of
each recorded outage's start and end leave room for the scripted instants, those of the whole downtime for the scripted
time. A replay of the exported checks gives the recorded downtime, blips and outages, digit for digit. While a daemon is
dead its last check speaks for up to `stale_after`; here that is longer than any death, so that no time becomes unknown.
What differs between the daemons is when they looked, within the bounds: two outages may be one where the killed daemon
saw no two good checks between them, and one in which it made no three checks is none."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=inf, help="no kill after so many minutes")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--write", action="store_true", help="write docs/results/soak-DATE.md")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        found = play(Path(place), given.seed, given.kills, given.minutes)
    text = report(found, given.seed, time.monotonic() - began)
    print(text)
    if given.write:
        (RESULTS / f"soak-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    return 1 if found.wrong else 0


def report(found: Found, seed: str, seconds: float) -> str:
    rows = "\n".join(
        f"| {name} | {found.checks[name]:,} | {found.least[name]:.3f} | {found.downtime[name]:.3f}"
        f" | {found.most[name]:.3f} | {found.unknown[name]:.3f} |"
        for name in found.checks
    )
    wrong = "\n".join(f"* {line}" for line in found.wrong) or "Nothing was wrong."
    return f"""\
# Killed again and again, {datetime.now(UTC):%Y-%m-%d}

{found.kills} kills in {seconds / 60:.0f} minutes, seed `{seed}`: `make soak`.
{found.during_outages} kills fell into an outage, {found.before_probing} came before the daemon had recorded a check.
{found.outages} scripted outages, {found.truth:.3f} s in all. Checked every {CHECKING["interval"]},
`stale_after: {CHECKING["stale_after"]}`. Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}.

{WHAT}

| daemon | checks | certainly down, s | downtime, s | possibly down, s | unknown, s |
|---|---|---|---|---|---|
{rows}

{wrong}
"""


if __name__ == "__main__":
    sys.exit(main())
