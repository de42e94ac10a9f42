"""Decides how the lab starts, stops, suspends and observes the processes of its servers.

Every daemon leads a session of its own, so its children can be found, and ended, whatever they call
themselves.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import keeper


class LabError(RuntimeError):
    """A server of the lab did not do what the lab asked of it."""


class LabUnavailableError(LabError):
    """The machine cannot run the lab; the message is one line naming what is missing."""


@dataclass(frozen=True)
class Change:
    """The wall-clock instants (seconds since the epoch) between which a server changed its state.

    `before` was read just before the cause, `after` when the new state had been observed.
    """

    before: float
    after: float


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 15.0, pause: float = 0.003) -> None:
    """Return once the condition holds, looked at after every pause; raise LabError if it does not in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(pause)


class Keeper:
    """The process that ends all others when the lab closes or its owner dies."""

    def __init__(self, remove: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, *remove],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # out of reach of Ctrl-C and of a kill of the owner's group
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        if self._process.returncode:
            raise LabError("the lab could not remove all it had made; see standard error")

    def watch(self, session: int) -> None:
        self._tell(f"+{session}\n")

    def forget(self, session: int) -> None:
        self._tell(f"-{session}\n")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()


class Daemon:
    """One server program in the foreground with all its children."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, keeper: Keeper) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._keeper = keeper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LabError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        if self._process is not None:
            raise LabError(f"{self.name} is running already")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                umask=0o022,
                start_new_session=True,
            )
        self._keeper.watch(self.pid)

    def wait_until(self, condition: Callable[[], bool], what: str, *, seconds: float = 15.0) -> None:
        """Like the function of this name, but raise LabError with the log once the daemon has ended."""

        def holds() -> bool:
            if self._process is not None and self._process.poll() is not None:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise LabError(f"{self.name} ended with status {self._process.returncode}\n{tail}")
            return condition()

        wait_until(holds, f"{self.name}: {what}", seconds=seconds)

    def terminate(self) -> None:
        """Ask it to end; suspended children are resumed, else it would wait for them."""
        os.kill(self.pid, signal.SIGTERM)
        resume(self.members())

    def settle(self, *, patience: float = 3.0) -> None:
        """Return when no process of it is left; those that outstay the patience (seconds) are killed."""
        session = self.pid
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)

        def gone() -> bool:
            for pid in self.members():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not self.members()

        wait_until(gone, f"the end of every process of {self.name}")
        self._process.wait()
        self._process = None
        self._keeper.forget(session)

    def collect(self) -> None:
        """Take the exit status after the keeper has killed the daemon, so that no zombie stays."""
        if self._process is not None:
            self._process.wait()

    def members(self, *names: str) -> list[int]:
        """Its processes, or those of these program names (as in /proc/PID/comm)."""
        if self._process is None:
            return []
        return [pid for pid in keeper.living({self._process.pid}) if not names or program(pid) in names]


def program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def suspend(pids: Sequence[int]) -> None:
    """Stop the processes with SIGSTOP; return when the kernel reports each of them stopped."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(_state(pid) in "TZ" for pid in pids), "processes to be suspended")


def resume(pids: Sequence[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
