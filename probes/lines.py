"""How a hostile stream of bytes is cut into lines, with a bound on everything."""

import re

from probes.errors import Cause, ProbeFailureError

MAX_LINE = 1 << 16
MAX_LINES = 5_000  # a session of a probe has some dozens
MAX_BYTES = 1 << 20  # all that a session may receive
_CODE = re.compile(r"\s*\[([^\]\s]{1,64})")


class LineBuffer:
    """Bytes in, whole lines out. Raises `ProbeFailureError` (protocol) at the first line or byte too many.

    Lines come without CRLF; a bare LF ends a line as well.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._lines = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def push(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise ProbeFailureError(Cause.PROTOCOL, f"more than {MAX_BYTES} bytes in one session")
        self._buffer += data

    def line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._scanned)
        if (end if end >= 0 else len(self._buffer)) > MAX_LINE:
            raise ProbeFailureError(Cause.PROTOCOL, f"a line of more than {MAX_LINE} bytes")
        if end < 0:
            self._scanned = len(self._buffer)
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._scanned = 0
        self._count(1)
        if b"\0" in line:
            raise ProbeFailureError(Cause.PROTOCOL, "a NUL byte in a line")
        return line

    def skip(self, lines: int) -> None:
        """All that has come is whole lines, so many, that somebody else has looked at."""
        self._buffer.clear()
        self._scanned = 0
        self._count(lines)

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > MAX_LINES:
            raise ProbeFailureError(Cause.PROTOCOL, f"more than {MAX_LINES} lines in one session")

    def take(self, count: int) -> bytes:
        """At most `count` bytes as they are, for an IMAP literal."""
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._scanned = 0
        return data


def response_code(text: str) -> str:
    """The code in brackets that a reply begins with, upper case (RFC 3501 7.1, RFC 2449 8)."""
    found = _CODE.match(text)
    return found.group(1).upper() if found else ""
