"""`python -m bench.peers [--rounds N] [--seconds S] [--load S]`: the race, the load, and the table in RESULTS.md."""

import argparse
import os
import platform
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from subprocess import run

from bench.exposition import processor
from bench.peers import built, house
from bench.peers.load import load
from bench.peers.load import table as load_table
from bench.peers.race import built_table, race
from bench.peers.race import table as race_table
from bench.peers.yard import KINDS, yard
from bench.prose import paragraph
from monitor import __version__
from tests.lab.processes import LabError

RESULTS = Path(__file__).parents[1] / "RESULTS.md"
HEADING = "# Benchmarks of a check, beside its peers"


def debian(package: str) -> str:
    found = run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False)
    return found.stdout or "not installed"


def from_source(rows: list[str]) -> list[str]:
    """What is measured of the peers that are built from source, and what is not here."""
    versions = ", ".join(f"{name} {built.version(name)}" for name in built.NAMES)
    words = paragraph(
        "Peers of today, by `make peers` or built from a clone, as far as they are here:",
        f"{versions}.",
        "blackbox_exporter says what the daemon says. Gatus and Cloudprober have no dialogue that logs in, Cloudprober",
        "none with an SMTP server: in brackets stands what they leave out. Gatus asks less often than it is told to,",
        "as it waits from the end of a check on.",
    )
    return [words, "", *rows, ""] if rows else [words, ""]


def text(raced: list[str], peers: list[str], loaded: list[str], beside: str) -> str:
    lines = [
        HEADING,
        "",
        paragraph(
            "By `make bench`: milliseconds of processor time of whoever checks, for one check; medians of",
            "the rounds of one",
            "run, contestants by turns, the lab's Dovecot, Postfix and nginx on one core and the contestant",
            "on the other. The",
            "daemon runs with all it does: schedule, timeline, ledger, metrics. All say the same to the",
            "servers, but for",
            "what stands in brackets:",
        ),
        "",
        *(f"* {kind.title}: {kind.dialogue}" for kind in KINDS.values()),
        "",
        paragraph(
            "The daemon paces its starts, so that not the number in flight is set but the rate, for all of",
            "them the same.",
            "Wanted: b/e at most 1.2; b/c at most 1.0 for IMAP and POP3 and 0.9 for SMTP; b/a at most 2.",
            "The handshake alone",
            "is that of IMAPS.",
            "The plugins run at most 40 times a second.",
        ),
        "",
        made(),
        "",
        *raced,
        "",
        *from_source(peers),
        "## Under load",
        "",
        *loaded,
        "",
        "## Beside the checks",
        "",
        beside,
    ]
    return "\n".join(lines)


def made() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "aioimaplib", "aiosmtplib", "aiohttp"))
    packages = ("prometheus-blackbox-exporter", "monitoring-plugins-basic", "dovecot-core", "postfix")
    return paragraph(
        f"Made {datetime.now(UTC):%Y-%m-%d} with mailuptime {__version__}, Python",
        f"{platform.python_version()}, {libraries},",
        f"{', '.join(f'{name} {debian(name)}' for name in packages)},",
        f"{platform.system()} {platform.release()}, {processor()}; load {os.getloadavg()[0]:.1f} at the end.",
    )


def weighed(first: list[float], each: float, whole: float, targets: int) -> str:
    return paragraph(
        f"First check on record {median(first):.2f} s after the start of the process (wanted: 1 s).",
        f"{1000 * each / 1e6:.1f} MB for 1,000 targets that have been checked, {whole / 1e6:.0f} MB for",
        f"{targets:,} with all",
        "that the program itself takes (wanted: 10,000 under 200 MB).",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each contestant in each heat")
    parser.add_argument("--load", type=float, default=60.0, help="seconds of the load run")
    parser.add_argument("--targets", type=int, default=2000, help="whose memory is measured")
    given = parser.parse_args()
    with yard() as lab, tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        first = [house.first_check(lab, place / f"first{number}") for number in range(min(given.rounds, 5))]
        print(f"first check after {median(first):.2f} s", flush=True)
        each, whole = house.bytes_per_target(lab, place / "memory", given.targets)
        print(f"{each:.0f} bytes for a target", flush=True)
        try:
            loaded = load_table(load(lab, place, given.load))
        except LabError as error:
            loaded = [f"Missed: this machine did not come to 16,000 checks a minute ({error})."]
        print(*loaded, sep="\n", flush=True)
        costs = race(lab, place, given.rounds, given.seconds)
    raced, peers = race_table(costs), built_table(costs)
    print(*raced, *peers, sep="\n")
    before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    kept = before.partition(HEADING)[0].rstrip()
    made_now = text(raced, peers, loaded, weighed(first, each, whole, given.targets))
    RESULTS.write_text(f"{kept}\n\n{made_now}\n".lstrip(), encoding="utf-8")


if __name__ == "__main__":
    main()
