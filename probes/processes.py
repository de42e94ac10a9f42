"""Processes of our own, and the end of all below one: a browser's run in sessions and groups of their own."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def own_path() -> str:
    """The PYTHONPATH by which a process finds the very code that this one runs, and nothing of its directory."""
    entries = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))
    return os.pathsep.join(entry for entry in entries if entry)


def below(pid: int) -> set[int]:
    """All living descendants of a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, IndexError, ValueError):  # it has ended meanwhile
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(") ")[2].split(" ", 2)[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(entry.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        born = set(children.get(waiting.pop(), ())) - found
        found |= born
        waiting += born
    return found


def kill_below(pid: int) -> None:
    """Kill all descendants of a process that takes in their orphans, also those that start meanwhile."""
    while alive := below(pid):
        for one in alive:
            with suppress(OSError):
                os.kill(one, signal.SIGKILL)
