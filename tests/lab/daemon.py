"""The daemon as a process of its own, as users run it."""

import http.client
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from monitor.control import NotRunningError, ask
from tests.lab.processes import LabError, wait_until


class Daemon:
    """`mailuptime run` from `__enter__` to `__exit__`; its log goes to a file beside the configuration.

    `within` is a command that runs what follows it, such as one that enters a namespace.
    """

    def __init__(self, configuration: Path, port: int, within: Sequence[str] = ()) -> None:
        self.configuration = configuration
        self.url = f"http://127.0.0.1:{port}"
        self.socket = configuration.with_name("control.sock")
        self.log = configuration.with_name("daemon.log")
        self._within = within
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and return when the control socket answers."""
        with self.log.open("ab") as log:
            command = [*self._within, sys.executable, "-m", "monitor", "run", "-c", str(self.configuration)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._answers, "the daemon to answer", seconds=60)
        except LabError:
            self.stop(signal.SIGKILL)
            raise

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status; 0 where it does not run."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(30)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LabError("the daemon is not running")
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal, and go on."""
        if self._process is not None:
            self._process.send_signal(number)

    def ask(self, what: str, **query: str | None) -> Any:
        """A document from the control socket."""
        return ask(self.socket, what, None, query)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page on the listener."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise LabError(f"the daemon ended at once: {self.log.read_text()[-2000:]}")
        try:
            self.ask("status")
        except (NotRunningError, OSError):
            return False
        return True


def states(daemon: Daemon) -> dict[str, str]:
    """The present state of each target."""
    return {target["target"]: target["state"] for target in daemon.ask("status")["targets"]}
