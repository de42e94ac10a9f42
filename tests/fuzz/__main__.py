"""`make fuzz`: a million inputs by default, and a dated result under docs/results."""

import argparse
import asyncio
import gc
import platform
import resource
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random

from tests.fuzz.dialogues import BrokenError, Dialogue, dialogues
from tests.fuzz.parsers import Parser, parsers

WHAT = """\
A dialogue is a polite server's answers, each spoilt by bytes, tokens of the grammar, cuts, repetitions and answers to
other questions, in pieces of any size, until the server hangs up. Nothing but `ProbeFailureError` may leave the probe,
it ends when the connection does, no exception is left in the event loop, the password is nowhere, and what is kept is
bounded and fit to print."""
RESULTS = Path(__file__).parents[2] / "docs" / "results"


@dataclass
class Outcome:
    """What one target has withstood."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0  # of one input, seconds of CPU: the event loop stands still meanwhile
    findings: dict[str, str] = field(default_factory=dict)  # how to see it again, by what went wrong


async def survive(target: Dialogue | Parser, seed: str, inputs: int) -> Outcome:
    """So many inputs from a seed: the same ones each time."""
    outcome = Outcome(target.name)
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(str(context.get("message"))))
    began = time.process_time()
    for number in range(inputs):
        random = Random(f"{seed}/{target.name}/{number}")
        started = time.process_time()
        try:
            if isinstance(target, Dialogue):
                await target.meet(random)
            else:
                target.meet(random)
        except BrokenError as broken:
            outcome.findings.setdefault(str(broken)[:200], f"--seed {seed} --only '{target.name}' --number {number}")
        outcome.inputs += 1
        outcome.slowest = max(outcome.slowest, time.process_time() - started)
    gc.collect()  # an exception that nobody looked at is told of when its task goes
    outcome.findings |= dict.fromkeys(complaints, f"--seed {seed} --only '{target.name}', any of them")
    outcome.seconds = time.process_time() - began
    return outcome


def again(target: Dialogue | Parser, seed: str, number: int) -> None:
    """One input once more, with the traceback of what went wrong."""
    random = Random(f"{seed}/{target.name}/{number}")
    try:
        if isinstance(target, Dialogue):
            print(asyncio.run(target.meet(random)))
        else:
            print(target.meet(random))
    except BrokenError:
        traceback.print_exc()


def report(outcomes: Sequence[Outcome], seed: str) -> str:
    total = sum(one.inputs for one in outcomes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    libraries = ", ".join(f"{name} {version(name)}" for name in ("aioimaplib", "aiosmtplib", "cryptography"))
    versions = f"Python {platform.python_version()}, {libraries}"
    lines = [
        f"# Fuzzing, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{total:,} inputs, seed `{seed}`: `make fuzz`. {versions}; {platform.machine()}, peak memory {peak:.0f} MiB.",
        "",
        WHAT,
        "",
        "| target | inputs | CPU µs each | CPU ms, the slowest | findings |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.name} | {one.inputs:,} | {one.seconds / max(one.inputs, 1) * 1e6:.0f} "
        f"| {one.slowest * 1e3:.0f} | {len(one.findings)} |"
        for one in outcomes
    ]
    found = [(one.name, what, how) for one in outcomes for what, how in one.findings.items()]
    lines += ["", *(f"* {name}: {what} ({how})" for name, what, how in found)] if found else []
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", metavar="TARGET")
    parser.add_argument("--number", type=int, help="one input of the seed once more, with what went wrong")
    parser.add_argument("--write", action="store_true", help="the result, under docs/results")
    given = parser.parse_args()
    every: list[Dialogue | Parser] = [*dialogues(), *parsers()]
    targets = [one for one in every if given.only in {None, one.name}]
    if given.number is not None:
        again(targets[0], given.seed, given.number)
        return 0
    outcomes = []
    for target in targets:
        outcomes.append(asyncio.run(survive(target, given.seed, -(-given.inputs // len(targets)))))
        print(f"{target.name}: {outcomes[-1].inputs:,} inputs, findings: {len(outcomes[-1].findings)}", flush=True)
    text = report(outcomes, given.seed)
    if given.write:
        (RESULTS / f"fuzz-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(one.findings for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
