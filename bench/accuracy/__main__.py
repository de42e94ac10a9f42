"""`python -m bench.accuracy [--outages N] [--seconds MAX] [--labs N] [--seed N] [--write]`: see `make accuracy`."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from bench.accuracy import network, others, verdict
from bench.accuracy.outages import GROUPS, KINDS, Truth, possible, suffer
from bench.accuracy.verdict import Recorded
from bench.exposition import processor
from bench.peers import ours
from bench.prose import item, paragraph
from monitor import __version__
from monitor.core.instants import SECOND
from monitor.ledger.reader import Reader
from tests.lab import Lab, wait_until
from tests.lab.daemon import Daemon, states

RESULTS = Path(__file__).parents[2] / "docs" / "results"
REST = 70.0
"""Seconds after the last outage, so that one more regular check makes everything final."""


ROUND_TRIP = {"name": "roundtrip", "type": "roundtrip", "submit": "submission", "fetch": "imap"}


def configured(labs: Mapping[int, Lab], directory: Path) -> Path:
    services = {
        f"lab{number}": [*(_target(lab, kind) for kind in others.addresses(lab)), ROUND_TRIP]
        for number, lab in labs.items()
    }
    return ours.configured(directory, services)


def _target(lab: Lab, kind: str) -> dict[str, Any]:
    login = {"username": lab.probe.username, "password": {"file": str(lab.password_file)}}
    made = ours.target(lab, kind, kind)
    made.pop("max_logins", None)
    return made | ({"login": login} if kind == "webmail" else {})


def recorded(ledger: Path) -> list[Recorded]:
    found = []
    with Reader.beside(ledger) as reader:
        for link in reader.facts(("outage", "blip")):
            body, blip = link.fact.body, link.fact.kind == "blip"
            service, _, target = body["target"].partition("/")
            start, end = body["start"] / SECOND, body["end"] / SECOND
            outer = (start, end) if blip else (body["outer_start"] / SECOND, body["outer_end"] / SECOND)
            certain = (start, end) if blip else (body["certain_start"] / SECOND, body["certain_end"] / SECOND)
            found.append(Recorded(int(service.removeprefix("lab")), target, start, end, outer, certain, blip))
    return found


def play(labs: Mapping[int, Lab], given: argparse.Namespace, daemon: Daemon) -> list[Truth]:
    truths: list[Truth] = []
    until = time.monotonic() + given.seconds - REST - 60
    threads = []
    for number, lab in labs.items():
        share = given.outages // len(labs) + (number < given.outages % len(labs))
        random, well = Random(f"{given.seed} {number}"), partial(healthy, daemon, f"lab{number}/")
        arguments = (possible(given.kind), number, lab, random, share, until, given.longest, truths, well)
        threads.append(Thread(target=suffer, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print(f"{len(truths)} outages are over; waiting until everything is up, and on record", flush=True)
    wait_until(partial(healthy, daemon, ""), "every target to be up again", seconds=1200)
    time.sleep(REST)
    return truths


def healthy(daemon: Daemon, prefix: str) -> bool:
    """Whether all targets are up whose names begin so."""
    return {state for name, state in states(daemon).items() if name.startswith(prefix)} == {"up"}


def report(given: argparse.Namespace, truths: list[Truth], ledger: Path, samples: others.Samples, hours: float) -> str:
    facts = recorded(ledger)
    seen = [verdict.seen(truth, facts) for truth in truths]
    long = [one for one in seen if verdict.middle(one.truth.ended) - verdict.middle(one.truth.begun) >= 30]
    unseen = [one for one in long if one.start is None]
    outside = [one for one in seen if one.start is not None and not one.inside]
    found = sum(one.start is not None for one in seen)
    wrong = verdict.false_ones(facts, truths)
    lines = [
        f"# Accuracy of recorded outages, {datetime.now(UTC):%Y-%m-%d}",
        "",
        paragraph(
            f"By `make accuracy` (seed {given.seed}): {len(truths)} outages on {given.labs} labs of real",
            "servers, default",
            "settings (checks every 60 s, pulses every 5 s). Errors are recorded minus true, absolute, of the service,",
            "which is down while any of its targets is. Prometheus scrapes blackbox_exporter every 60 s,",
            "which logs in as",
            "well; its outage goes from the first sample that failed to the first that did not: what any",
            "poller of 60 s",
            "has. A message goes round every 5 minutes. Not among the kinds: some packets lost, and latency.",
        ),
        "",
        paragraph(
            f"Made with mailuptime {__version__}, Python {platform.python_version()}, {platform.system()}",
            f"{platform.release()}, {processor()}, load {os.getloadavg()[0]:.1f}.",
        ),
        "",
        *rows(seen, truths, samples),
        "",
        item(f"The truth lies outside the recorded bounds: {len(outside)} of {found} that were seen{named(outside)}."),
        item(
            f"Of {len(long)} outages of 30 s or more, neither outage nor blip: {len(unseen)}{named(unseen)};",
            f"a blip only: {sum(one.blip for one in long)}.",
        ),
        item(f"False outages in {hours:.1f} hours of health of one service: {len(wrong)}."),
        "",
    ]
    return "\n".join(lines)


def named(ones: list[verdict.Seen]) -> str:
    """Kind and length of each, with what it was off by."""
    told = [
        f"{one.truth.kind.name} ({one.truth.ended.after - one.truth.begun.before:.0f} s"
        + (f", off by {one.start:+.1f} and {one.end:+.1f} s)" if one.start is not None else ")")
        for one in ones
    ]
    return f": {'; '.join(told)}" if told else ""


def rows(seen: list[verdict.Seen], truths: list[Truth], samples: others.Samples) -> list[str]:
    made = list(verdict.HEADINGS)
    groups = {group: [one for one in seen if one.truth.kind.group == group] for group in GROUPS}
    groups |= {f"· {kind.name}": [one for one in seen if one.truth.kind is kind] for kind in KINDS}
    for name, ones in groups.items():
        if not ones:
            continue
        errors = [(one.start, one.end) for one in ones if one.start is not None and one.end is not None]
        made.append(verdict.row(name, len(ones), errors))
    for name in GROUPS if samples else ():
        mine = [truth for truth in truths if truth.kind.group == name]
        if not mine:
            continue
        found = [error for truth in mine if (error := verdict.polled(truth, samples)) is not None]
        made.append(verdict.row(f"blackbox_exporter, {name}", len(mine), found))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3400.0, help="in which all must end")
    parser.add_argument("--longest", type=float, default=600.0, help="seconds of an outage")
    parser.add_argument("--labs", type=int, default=8)
    names = [kind.name for kind in KINDS]
    parser.add_argument("--kind", action="append", default=[], choices=names, help="of outages; may be given again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="docs/results/accuracy-DATE.md")
    given = parser.parse_args()
    if not possible(given.kind):
        parser.error("outages of these kinds need root and nft")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # One account on one host would be rested for all labs where one of them refuses it
        labs = {number: stack.enter_context(Lab(probe=f"probe{number}")) for number in range(given.labs)}
        stack.enter_context(network.table())
        port = stack.enter_context(others.prometheus(labs))
        configuration = configured(labs, directory)
        daemon, _ = stack.enter_context(ours.running(configuration))
        wait_until(partial(healthy, daemon, ""), "every target to be up", seconds=120)
        began = time.time()
        truths = play(labs, given, daemon)
        elapsed = time.time() - began
        samples = others.scraped(port, elapsed + 120) if port is not None else {}
        down = sum(verdict.middle(truth.ended) - verdict.middle(truth.begun) for truth in truths)
        text = report(given, truths, directory / "ledger.db", samples, (elapsed * given.labs - down) / 3600)
    print(text)
    if given.write:
        (RESULTS / f"accuracy-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
