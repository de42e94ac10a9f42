"""What probe processes cost and bring: the daemon's own processor time for a check, with and without `workers`.

`python -m bench.scaling` adds to RESULTS.md; docs/SCALING.md says what follows. What one core of processes makes is
reckoned from processor time: this machine's second core is the servers'.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.peers.ours import checks, configured, running, target
from bench.peers.yard import KINDS, Pace, processor_seconds, resident_bytes, yard
from bench.prose import paragraph
from monitor import __version__
from probes.processes import below
from tests.lab import Lab, wait_until

RESULTS = Path(__file__).with_name("RESULTS.md")
HEADING = "# Benchmarks of probe processes"
PACE = Pace(128, 1.0)
MEASURED = ("imap", "smtp", "pop3")


def costs(lab: Lab, directory: Path, kind: str, workers: int, seconds: float) -> tuple[float, float, float]:
    """Milliseconds of a check, in the daemon and in its processes, and megabytes that one of these holds."""
    directory.mkdir(parents=True)
    targets = [target(lab, kind, f"{kind}{number}") for number in range(PACE.endpoints)]
    file = configured(directory, {"mail": targets}, interval="1s", timeout="900ms")
    if workers:
        file.write_text(file.read_text().replace("{", f'{{"workers": {workers}, ', 1))
    with running(file) as (daemon, pid):
        wait_until(lambda: daemon.get("/-/ready")[0] == 200, "every target to be checked", seconds=60)
        time.sleep(2)
        helpers = below(pid)

        def spent(of: set[int]) -> float:
            return sum(processor_seconds(one) for one in of)

        (count, bad), own, theirs = checks(daemon), spent({pid}), spent(helpers)
        time.sleep(seconds)
        (after, worse), own, theirs = checks(daemon), spent({pid}) - own, spent(helpers) - theirs
        held = median(map(resident_bytes, helpers)) / 1e6 if helpers else 0.0
    if worse - bad > (after - count) / 50:
        raise RuntimeError(f"{worse - bad:.0f} of {after - count:.0f} checks of {kind} were not up: the race is off")
    return 1000 * own / (after - count), 1000 * theirs / (after - count), held


def table(measure: Callable[[str, int, int], tuple[float, float, float]], rounds: int) -> list[str]:
    """A row for each kind and number of processes, medians of the rounds, the numbers of processes by turns."""
    lines = ["| check | `workers` | daemon | processes | both | of none | checks a second, one core for the daemon |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for kind in MEASURED:
        seen = {n: [] for n in (0, 1, 2)}  # type: dict[int, list[tuple[float, float, float]]]
        for number in range(rounds):
            for workers, found in seen.items():
                found.append(measure(kind, workers, number))
        whole = median(sum(one[:2]) for one in seen[0])
        for workers, found in seen.items():
            own, theirs = median(one[0] for one in found), median(one[1] for one in found)
            title = f"{KINDS[kind].title} | {workers}"
            ratio = f"{(own + theirs) / whole:.2f}"
            lines.append(
                f"| {title} | {own:.2f} ms | {theirs:.2f} ms | {own + theirs:.2f} ms | {ratio} | {600 / own:,.0f} |"
            )
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    held: list[float] = []
    with yard() as lab, tempfile.TemporaryDirectory() as directory:

        def measure(kind: str, workers: int, number: int) -> tuple[float, float, float]:
            found = costs(lab, Path(directory) / f"{kind}{workers}-{number}", kind, workers, given.seconds)
            held.extend([found[2]] if workers else [])
            return found

        rows = table(measure, given.rounds)
    before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    head, _, rest = before.partition(HEADING)
    following = rest.partition("\n# ")
    text = [
        HEADING,
        "",
        paragraph(
            f"By `make bench`, {datetime.now(UTC):%Y-%m-%d}, mailuptime {__version__}: processor time for a check at",
            f"{PACE.rate:.0f} a second, medians of {given.rounds}, by turns in one run. The last column is what a",
            "daemon bears that keeps its core 60 % busy, as long as there are cores for the processes: beyond that",
            f"it measures itself. A probe process holds {median(held):.0f} MB.",
        ),
        "",
        *rows,
    ]
    after = f"\n\n# {following[2].strip()}" if following[1] else ""
    RESULTS.write_text(f"{head.rstrip()}\n\n{chr(10).join(text)}{after}\n".lstrip(), encoding="utf-8")


if __name__ == "__main__":
    main()
