"""What is found: one line each, good or with what to do about it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names what was looked at and stays the same; `todo` is empty where there is nothing to do."""

    level: Level
    check: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.level:4} {self.check}: {self.what}"
        return f"{line} — {self.todo}" if self.todo else line


Look = Callable[[], Iterable[Finding]]


def looked(check: str, look: Look) -> Iterator[Finding]:
    """What a look finds; one that breaks is a finding, too, and ends nothing."""
    try:
        yield from look()
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        yield Finding(
            "fail", check, f"{place}{error.strerror or error}", "mend it, or look as the daemon's user or root"
        )
    except Exception as error:  # noqa: BLE001 - the other looks go on
        what = f"could not be looked at ({type(error).__name__})"
        yield Finding("fail", check, what, "this is a mistake of mailuptime's: report it")


def ok(check: str, what: str) -> Finding:
    return Finding("ok", check, what)


def warn(check: str, what: str, todo: str) -> Finding:
    return Finding("warn", check, what, todo)


def fail(check: str, what: str, todo: str) -> Finding:
    return Finding("fail", check, what, todo)
