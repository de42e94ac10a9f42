"""`make endure`: a day in virtual time and a real hour of a real daemon, and a dated result under docs/results."""

import argparse
import asyncio
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.endure import day, hour

RESULTS = Path(__file__).parents[2] / "docs" / "results"
WHAT = """\
The day is the whole daemon on virtual time over a real ledger, its four servers scripted; every ten minutes the clock
is set by a second, the process stops, the machine sleeps or the configuration is read again. The hour is a real process
over 60 real servers, with a fault of 20 s and 10 s of health in turn. At the end of both the ledger must verify and the
exported checks must replay to the daemon's own figures."""


def report(lived: Mapping[str, Any] | None, suffered: Mapping[str, Any] | None, how: str) -> str:
    parts = [f"# Endurance, {datetime.now(UTC):%Y-%m-%d}", f"{how} Python {platform.python_version()}.", WHAT]
    parts += [_day(lived)] if lived else []
    parts += [_hour(suffered)] if suffered else []
    return "\n\n".join(parts) + "\n"


def _day(lived: Mapping[str, Any]) -> str:
    looks = lived["looks"]
    rows = ["| hour | memory MiB | descriptors | threads | tasks | timers | events remembered |", "|---|" + "---|" * 6]
    for look in [looks[0], *looks[5 :: max(1, len(looks) // 12)], looks[-1]]:
        held = look["held"]
        rows.append(
            f"| {look['at'] / 3600:.1f} | {held['memory']:.1f} | {held['descriptors']} | {held['threads']} |"
            f" {look['tasks']} | {look['timers']} | {look['events']} |"
        )
    return f"## {looks[-1]['at'] / 3600:g} hours of virtual time\n\n{_faults(lived)}\n\n" + "\n".join(rows)


def _hour(suffered: Mapping[str, Any]) -> str:
    """Of each tenth of the time, what was held in health: the medians."""
    looks, seconds = [one for one in suffered["looks"] if not one["fault"]], suffered["seconds"]
    rows = ["| minutes | memory MiB | descriptors | threads |", "|---|---|---|---|"]
    for part in range(10):
        start, end = seconds * part / 10, seconds * (part + 1) / 10
        held = [one["held"] for one in looks if start <= one["at"] < end]
        if held:
            found = [median(one[key] for one in held) for key in ("memory", "descriptors", "threads")]
            rows.append(f"| {start / 60:.0f}–{end / 60:.0f} | {found[0]:.1f} | {found[1]:g} | {found[2]:g} |")
    peak = max(one["held"]["memory"] for one in suffered["looks"])
    worst = max(one["held"]["descriptors"] for one in suffered["looks"])
    said = "".join(f"\n* {one}" for one in suffered["problems"]) or " none."
    return (
        f"## {seconds / 60:g} real minutes\n\n{_faults(suffered)}\n\n" + "\n".join(rows)
        + f"\n\nAt the worst, amid faults: {peak:.1f} MiB, {worst} descriptors. Problems:{said}"
    )  # fmt: skip


def _faults(lived: Mapping[str, Any]) -> str:
    return "Faults: " + ", ".join(f"{name} ({count})" for name, count in sorted(lived["ailments"].items())) + "."


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endure", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="of virtual time; 0 for none")
    parser.add_argument("--minutes", type=float, default=60.0, help="of real time; 0 for none")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--write", action="store_true", help="the result, under docs/results")
    asked = parser.parse_args(given)
    lived = suffered = None
    if asked.hours:
        with TemporaryDirectory() as place:
            lived = asdict(day.live(Path(place), asked.hours, asked.seed))
    if asked.minutes:
        with TemporaryDirectory() as place:
            suffered = asdict(asyncio.run(hour.endure(Path(place), asked.minutes * 60, asked.seed)))
    text = report(lived, suffered, f"`make endure`, seed `{asked.seed}`.")
    if asked.write:
        (RESULTS / f"endure-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if suffered and suffered["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
