"""What is wrong with a configuration, where, and what to do about it: `file:line:col: key: message; hint`.

Problems are collected, never raised one by one, so that one run shows them all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, Protocol

Loc = tuple[str | int, ...]
"""Where a value stands in the tree: keys and indices from the root."""

MAX_KNOWN = 24  # alternatives that are listed in full where none resembles what was written


class Mark(NamedTuple):
    """A place in a file, both counted from 1, the column in characters."""

    line: int
    column: int


class Place(NamedTuple):
    """Where something stands as people read it: file, place in it and key; `through` says by way of what."""

    path: str
    mark: Mark | None
    key: str
    through: str | None = None


class Expansion(Protocol):
    """What one fleet makes of its template and its list; places in it begin with `("fleets", number)`."""

    @property
    def source(self) -> str:
        """The list."""

    @property
    def crowded(self) -> bool:
        """Whether enough problems were found in it: the rest is not looked at."""

    def noted(self, place: Place, message: str) -> None: ...

    def place(self, loc: Loc, at: str) -> Place | None:
        """The cell of the list that a value was made of, if there is one."""

    def written(self, loc: Loc) -> Loc:
        """The place in the template that a made one comes from; another is itself."""

    def value(self, loc: Loc) -> Any: ...


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
        unique = {(p.path, p.mark, p.message): p for p in reversed(list(problems))}  # one anchor may be used many times
        self.problems = tuple(sorted(unique.values(), key=lambda p: (p.path, p.mark or Mark(0, 0), p.key, p.message)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Report:
    """Collects the problems of one file. `keys` and `values` are the places of keys and of values."""

    path: str
    keys: Mapping[Loc, Mark] = field(default_factory=dict)
    values: Mapping[Loc, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    expansions: dict[Loc, Expansion] = field(default_factory=dict)

    def add(self, loc: Loc, message: str, hint: str | None = None, *, at: Literal["key", "value"] = "value") -> None:
        """Note a problem of the value at `loc`, or of its key; what is not there is noted at what would hold it."""
        place = self.place(loc, at)
        if expansion := self.expansion(loc):
            expansion.noted(place, message)
        self.add_at(place, message, hint)

    def add_at(self, place: Place, message: str, hint: str | None = None) -> None:
        """The same at a place that was found before."""
        hints = [one for one in (hint, place.through) if one]
        self.problems.append(Problem(place.path, place.mark, place.key, message, "; ".join(hints) or None))

    def place(self, loc: Loc, at: str = "value") -> Place:
        """Where people find a value or its key; of a cell of a fleet's list, there."""
        expansion = self.expansion(loc)
        found = None if expansion is None else expansion.place(loc, at)
        if found is not None:
            return found
        loc = self.written(loc)
        return Place(self.path, self._mark(loc, at), render(loc))

    def said(self, loc: Loc, beside: Loc) -> str:
        """Where a value stands, in words for a problem of another."""
        place, other = self.place(loc), self.place(beside)
        line = place.mark.line if place.mark else 1
        return f"line {line}" if place.path == other.path else f"{place.path}:{line}"

    def expansion(self, loc: Loc) -> Expansion | None:
        """The fleet that made a place, if one did."""
        return self.expansions.get(loc[:2]) if self.expansions else None

    def crowded(self, loc: Loc) -> bool:
        """Whether a place lies in a fleet of which enough was said."""
        expansion = self.expansion(loc)
        return expansion is not None and expansion.crowded

    def written(self, loc: Loc) -> Loc:
        """Where in the file a place comes from."""
        expansion = self.expansion(loc)
        return loc if expansion is None else expansion.written(loc)

    def at(self, mark: Mark | None, message: str, hint: str | None = None) -> None:
        """Note a problem of the file itself."""
        self.problems.append(Problem(self.path, mark, "", message, hint))

    def known(self, loc: Loc) -> Loc:
        """The part of `loc` that stands in the file; a validator may name more than was written."""
        while loc and self.written(loc) not in self.values:
            loc = loc[:-1]
        return loc

    def stop(self) -> None:
        """Raise ConfigurationError if there is any problem."""
        for expansion in self.expansions.values():
            if expansion.crowded:
                text = "there may be more problems than are shown; mend these first"
                self.problems.append(Problem(expansion.source, None, "", text))
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
