"""Words to the service manager, by the protocol of sd_notify(3)."""

import os
import socket
from contextlib import suppress


class Notifier:
    """Says nothing where NOTIFY_SOCKET is not set."""

    def __init__(self) -> None:
        path = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path

    def say(self, *lines: str) -> None:
        if not self._address:
            return
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
            suppress(OSError),  # a service manager that does not listen is no reason to stop probing
        ):
            sock.sendto("\n".join(lines).encode(), self._address)


def watchdog_seconds() -> float | None:
    """How often the service manager wants to hear of progress, or None where it does not watch this process."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000
