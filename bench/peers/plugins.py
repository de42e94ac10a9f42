"""monitoring-plugins as a contestant: a process for each check, whose processor time the kernel adds up."""

import asyncio
import resource
from pathlib import Path

from bench.peers.minimal import pace as paced
from bench.peers.yard import Pace
from tests.lab import Lab

PLACE = Path("/usr/lib/nagios/plugins")
FEWER = {"imap": "no login", "pop3": "no login", "submission": "AUTH LOGIN", "smtp": "", "webmail": ""}
"""What they leave out: neither check_imap nor check_pop can log in."""
_MOST = 40.0  # checks a second: more is more than a core can do


def command(lab: Lab, kind: str, port: int) -> list[str]:
    at = ["-H", "127.0.0.1", "-p", str(port)]
    login = ["-A", "LOGIN", "-U", lab.probe.username, "-P", lab.probe.password]
    return {
        "imap": [str(PLACE / "check_imap"), *at, "-S"],
        "pop3": [str(PLACE / "check_pop"), *at, "-S"],
        "smtp": [str(PLACE / "check_smtp"), *at, "-S"],
        "submission": [str(PLACE / "check_smtp"), *at, "-S", *login],
        "webmail": [str(PLACE / "check_http"), *at, "-S", "-u", "/", "-s", "_token"],
    }[kind]


def cost(lab: Lab, kind: str, port: int, pace: Pace, seconds: float) -> float | None:
    """Milliseconds of processor time for a check; None where they are not installed, or refuse this server."""
    words = command(lab, kind, port)
    if not Path(words[0]).exists():
        return None
    failed: list[int] = []

    async def check() -> None:
        nowhere = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*words, stdin=nowhere, stdout=nowhere, stderr=nowhere)
        if await process.wait():
            failed.append(process.pid)

    interval = max(pace.interval, pace.endpoints / _MOST)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = asyncio.run(paced(check, pace.endpoints, interval, seconds))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return None if failed else 1000 * spent / len(took)
