"""Decides what outlives a lab: nothing.

A script of its own, so that it survives a SIGKILL of the process that owns the lab. The owner writes one line
per daemon it starts (`+SESSION`) or has seen end (`-SESSION`); at the end of input, however it comes about,
every process of the remaining sessions is killed, stopped ones too, and the command in the arguments removes
the lab's files. A closed pipe is the signal because, unlike PR_SET_PDEATHSIG, it neither depends on which
thread started a daemon nor is lost when a daemon changes its user.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path


def living(sessions: set[int]) -> list[int]:
    """The processes of these sessions that are not zombies (proc(5), /proc/PID/stat)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # it ended between the listing and the reading
            state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(session) in sessions and state != "Z":
                found.append(int(entry.name))
    return found


def remaining(lines: Iterable[str]) -> set[int]:
    sessions: set[int] = set()
    for line in lines:
        change = sessions.add if line.startswith("+") else sessions.discard
        change(int(line[1:]))
    return sessions


def main(remove: list[str]) -> None:
    sessions = remaining(sys.stdin)
    while pids := living(sessions):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
    subprocess.run(remove, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
