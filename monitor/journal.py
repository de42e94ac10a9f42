"""Lines of the log as systemd's journal takes them: one datagram each, with fields to search by.

`journalctl MAILUPTIME_TARGET=mail/imap` finds what concerns one target. Where the journal does not take a line, it goes
to standard error with its priority in front, which the journal reads too.
"""

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

SOCKET = Path("/run/systemd/journal/socket")
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
SEARCHED = ("event", "subsystem", "target", "service", "outage", "state", "cause", "outcome", "phase", "who", "month")
"""Keys that become fields `MAILUPTIME_…` of their own."""


def reads_along(stream: TextIO = sys.stderr) -> bool:
    """Whether a stream goes to the journal: systemd says which one does."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def written(line: str, stream: TextIO) -> None:
    """A line that cannot be written, as on a full disk, is lost: it is no reason to end what it tells of."""
    with suppress(OSError, ValueError):  # the latter where the stream was closed
        stream.write(f"{line}\n")  # at once: other processes write into the same file
        stream.flush()


class Journal:
    def __init__(self, path: Path = SOCKET, stream: TextIO = sys.stderr) -> None:
        self._path = str(path)
        self._stream = stream
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # a journal that is stuck does not hold the daemon

    def write(self, level: str, line: str, event: Mapping[str, Any]) -> None:
        priority = PRIORITIES.get(level, 6)
        fields = {"MESSAGE": line, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "mailuptime"}
        fields |= {f"MAILUPTIME_{key.upper()}": str(event[key]) for key in SEARCHED if event.get(key) not in (None, "")}
        try:
            self._socket.sendto(b"".join(map(_field, fields, fields.values())), self._path)
        except OSError:  # none there, too long a line, or too many at once
            written(f"<{priority}>{line}", self._stream)

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: str) -> bytes:
    """A value of several lines has its length in front; none can make a field of its own."""
    data = value.encode(errors="backslashreplace")
    if b"\n" not in data:
        return f"{name}=".encode() + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
