"""Reading a file of recorded checks line by line, twice if need be, and what is wrong with it.

A regular file is rewound for the second reading; a pipe is copied to disk as it is read the first time.
"""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Self

from monitor.checklines import LONGEST_LINE, CheckLine, LineError, LineReader, printable

MOST_SHOWN = 10


@dataclass(slots=True)
class Problems:
    """The first lines that cannot be used, in words, and how many there are."""

    name: str
    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, error: LineError) -> None:
        self.count += 1
        if self.count <= MOST_SHOWN:
            self.shown.append(f"{printable(self.name)}:{line}: {error}")

    def lines(self) -> list[str]:
        more = self.count - len(self.shown)
        rest = [f"{printable(self.name)}: {more} more {'lines' if more > 1 else 'line'} like these"] if more else []
        return self.shown + rest


class CheckFile:
    """Use as a context manager; `stream` stays the caller's to close."""

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self.name = name
        self._stream = stream
        self._start = stream.tell() if stream.seekable() else None
        self._copy = tempfile.TemporaryFile(prefix="mailuptime-") if self._start is None else None  # noqa: SIM115 - closed by __exit__
        self._copied = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._copy is not None:
            self._copy.close()

    def checks(self, reader: LineReader, problems: Problems) -> Iterator[CheckLine]:
        """The checks in the order of the file; lines that cannot be used go to `problems`.

        Called again, it begins anew, also where it was left before the end. Raises OSError.
        """
        for number, raw in enumerate(self._lines(), 1):
            try:
                line = raw.rstrip(b"\r\n")
                if len(line) > LONGEST_LINE:
                    raise LineError(f"longer than {LONGEST_LINE} bytes", "write one check a line")  # noqa: TRY301
                if line and not line.isspace():
                    yield reader.read(line)
            except LineError as error:
                problems.add(number, error)

    def _lines(self) -> Iterator[bytes]:
        """Lines with their ends; of one that is too long only a part that shows it."""
        if self._start is not None:
            self._stream.seek(self._start)
        elif self._copied and self._copy is not None:
            self._copy.seek(0)
            yield from _bounded(self._copy, None)
            self._copy.seek(0, io.SEEK_END)
        self._copied = True
        yield from _bounded(self._stream, self._copy)


def _bounded(stream: IO[bytes], copy: IO[bytes] | None) -> Iterator[bytes]:
    most = LONGEST_LINE + 2  # with its end
    while raw := stream.readline(most):
        if copy is not None:
            copy.write(raw)
        yield raw
        while raw and not raw.endswith(b"\n"):
            raw = stream.readline(most)
            if copy is not None:
                copy.write(raw)
