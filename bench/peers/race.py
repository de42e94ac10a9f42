"""The race: every contestant by turns in one run, at one pace, on the same servers."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers import blackbox, built, minimal, ours, plugins
from bench.peers.yard import KINDS, PACES, Pace
from tests.lab import Lab

HEATS = [(kind, pace) for kind in ("imap", "smtp") for pace in PACES] + [
    (kind, PACES[1]) for kind in ("submission", "pop3", "webmail")
]
Costs = dict[tuple[str, float], dict[str, list[float | None]]]
"""By kind and checks a second, then by contestant: milliseconds of processor time for a check, round by round."""


def contestants(
    lab: Lab, directory: Path, kind: str, pace: Pace, seconds: float
) -> Iterator[tuple[str, Callable[[], float | None]]]:
    ports = lab.ports
    port = {"imap": ports.imaps, "pop3": ports.pop3s, "smtp": ports.smtp, "submission": ports.submission}
    at = port.get(kind, ports.https)
    job = minimal.Job(
        kind, at, str(lab.ca_file), lab.probe.username, lab.probe.password, pace.endpoints, pace.interval, seconds
    )
    bare = minimal.Job(**{**vars(job), "port": ports.imaps})  # behind STARTTLS it is the same handshake
    yield "handshake", lambda: own("handshake", bare)
    yield "mailuptime", lambda: ours.cost(lab, directory, kind, pace, seconds)
    if Path(blackbox.PROGRAM).exists():
        yield "blackbox", lambda: blackbox.cost(lab, kind, at, pace, seconds)
    today = built.program("blackbox_exporter")
    if today:
        yield "blackbox today", lambda: blackbox.cost(lab, kind, at, pace, seconds, today)
    if pace == PACES[1]:
        yield "gatus", lambda: built.gatus(lab, kind, at, pace, seconds)
        yield "cloudprober", lambda: built.cloudprober(lab, kind, at, pace, seconds)
    yield "plugins", lambda: plugins.cost(lab, kind, at, pace, min(seconds, 2.0))
    yield "loop", lambda: own("loop", job)


def _finished(name: str, run: Callable[[], float | None]) -> float | None:
    """What it took; None, and said, where a contestant did not keep the pace or a check of its failed."""
    try:
        return run()
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(f"{name} is out of this heat: {error}", flush=True)
        return None


def own(contestant: str, job: minimal.Job) -> float:
    document = _run(contestant, job)
    return float(1000 * document["cpu"] / document["checks"])


def own_times(contestant: str, job: minimal.Job) -> list[float]:
    """Seconds of each check."""
    return list(_run(contestant, job)["took"])


def _run(contestant: str, job: minimal.Job) -> Any:
    done = subprocess.run(minimal.arguments(contestant, job), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def race(lab: Lab, directory: Path, rounds: int, seconds: float) -> Costs:
    costs: Costs = {(kind, pace.rate): {} for kind, pace in HEATS}
    for number in range(rounds):
        for kind, pace in HEATS:
            place = directory / f"{kind}-{pace.endpoints}-{number}"
            heat = costs[kind, pace.rate]
            for name, run in contestants(lab, place, kind, pace, seconds):
                heat.setdefault(name, []).append(_finished(name, run))
            shown = ", ".join(f"{name} {cost[-1]:.2f}" for name, cost in heat.items() if cost[-1] is not None)
            print(f"round {number + 1}/{rounds} {kind} {pace.rate:.0f}/s ms: {shown}", flush=True)
    return costs


def table(costs: Costs) -> list[str]:
    """By kind and rate, beside whoever says the same to the servers, or nearly."""
    rows = [
        "| check | a second | handshake a | mailuptime b | blackbox c | plugins d | loop e | b/e | b/c | b/a |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (kind, rate), heat in costs.items():
        middle = _middle(heat)
        cells = [_cell(middle, name) for name in ("handshake", "mailuptime", "blackbox")]
        cells += [_cell(middle, "plugins", plugins.FEWER[kind]), _cell(middle, "loop")]
        cells += [_ratio(middle, name) for name in ("loop", "blackbox", "handshake")]
        rows.append(f"| {KINDS[kind].title} | {rate:.0f} | {' | '.join(cells)} |")
    return rows


def built_table(costs: Costs) -> list[str]:
    """The same beside the peers of today; empty where none is here."""
    rows = [
        "| check | a second | mailuptime b | blackbox_exporter of today | b by it | Gatus | Cloudprober |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (kind, rate), heat in costs.items():
        middle = _middle(heat)
        if middle.keys() & {"blackbox today", "gatus", "cloudprober"}:
            cells = [_cell(middle, "mailuptime"), _cell(middle, "blackbox today"), _ratio(middle, "blackbox today")]
            cells.append(_cell(middle, "gatus", built.GATUS_DOES[kind]))
            cells.append(_cell(middle, "cloudprober", built.CLOUDPROBER_DOES.get(kind, "")))
            rows.append(f"| {KINDS[kind].title} | {rate:.0f} | {' | '.join(cells)} |")
    return rows if len(rows) > 2 else []


def _middle(heat: dict[str, list[float | None]]) -> dict[str, float]:
    return {name: median(known) for name, cost in heat.items() if (known := [c for c in cost if c is not None])}


def _cell(middle: dict[str, float], name: str, less: str = "") -> str:
    """`less` is what it leaves out."""
    return f"{middle[name]:.2f}{f' ({less})' if less else ''}" if name in middle else "–"


def _ratio(middle: dict[str, float], name: str) -> str:
    both = {name, "mailuptime"} <= middle.keys()
    return f"**{middle['mailuptime'] / middle[name]:.2f}**" if both else "–"
