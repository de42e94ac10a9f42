"""What is wrong with a configuration, where, and what to do about it: `file:line:col: key: message; hint`.

Problems are collected, never raised one by one, so that one run shows them all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, NamedTuple

Loc = tuple[str | int, ...]
"""Where a value stands in the tree: keys and indices from the root."""

MAX_KNOWN = 16  # alternatives that are listed in full where none resembles what was written


class Mark(NamedTuple):
    """A place in a file, both counted from 1, the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    path: str
    mark: Mark | None
    key: str
    message: str
    hint: str | None = None

    @property
    def line(self) -> int | None:
        return self.mark.line if self.mark else None

    @property
    def column(self) -> int | None:
        return self.mark.column if self.mark else None

    def __str__(self) -> str:
        place = f"{self.path}:{self.mark.line}:{self.mark.column}" if self.mark else self.path
        key = f"{_one_line(self.key)}: " if self.key else ""
        hint = f"; {_one_line(self.hint)}" if self.hint else ""
        return f"{place}: {key}{_one_line(self.message)}{hint}"


class ConfigurationError(Exception):
    """A configuration that cannot be used. `problems` are sorted by place; its text is one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = {(p.mark, p.message): p for p in reversed(list(problems))}  # one anchor may be used many times
        self.problems = tuple(sorted(unique.values(), key=lambda p: (p.mark or Mark(0, 0), p.key, p.message)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Report:
    """Collects the problems of one file. `keys` and `values` are the places of keys and of values."""

    path: str
    keys: Mapping[Loc, Mark] = field(default_factory=dict)
    values: Mapping[Loc, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, loc: Loc, message: str, hint: str | None = None, *, at: Literal["key", "value"] = "value") -> None:
        """Note a problem of the value at `loc`, or of its key; what is not there is noted at what would hold it."""
        self.problems.append(Problem(self.path, self._mark(loc, at), render(loc), message, hint))

    def at(self, mark: Mark | None, message: str, hint: str | None = None) -> None:
        """Note a problem of the file itself."""
        self.problems.append(Problem(self.path, mark, "", message, hint))

    def known(self, loc: Loc) -> Loc:
        """The part of `loc` that stands in the file; a validator may name more than was written."""
        while loc and loc not in self.values:
            loc = loc[:-1]
        return loc

    def stop(self) -> None:
        """Raise ConfigurationError if there is any problem."""
        if self.problems:
            raise ConfigurationError(self.problems)

    def _mark(self, loc: Loc, at: str) -> Mark:
        first, second = (self.keys, self.values) if at == "key" else (self.values, self.keys)
        while loc:
            if found := first.get(loc) or second.get(loc):
                return found
            loc, first, second = loc[:-1], self.keys, self.values
        return Mark(1, 1)


def render(loc: Loc) -> str:
    """A place as people write it: `services[0].targets[2].port`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def suggest(written: str, known: Iterable[str]) -> str | None:
    """The alternative that was probably meant, or all of them where there are few."""
    names = sorted(known)
    close = get_close_matches(written.lower(), names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known: {', '.join(names)}" if 0 < len(names) <= MAX_KNOWN else None


def _one_line(text: str) -> str:
    """Nothing in a file may forge a line of its own."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
