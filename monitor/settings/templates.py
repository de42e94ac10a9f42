"""A template: a tree of settings with placeholders such as `{domain}`, filled in from the cells of a row.

Placeholders stand in values, not in keys; `{{` and `}}` are braces that stay. A key whose value is a placeholder alone
is left out where the cell is empty. What holds no placeholder is the same object in every row.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.settings.fields import quote
from monitor.settings.problems import Loc, Report, suggest

Cells = Sequence[str]
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_LEFT_OUT: Any = object()


@dataclass(slots=True)
class Template:
    """`texts` are the columns that the text at a place is made of; places count from the template's root."""

    columns: Sequence[str]
    fill: Callable[[Cells], Any] = field(init=False)
    texts: dict[Loc, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Any, columns: Sequence[str], report: Report, loc: Loc) -> "Template":
        """Problems, such as a placeholder without a column, go to `report`; `loc` is where the tree stands."""
        made = cls(columns)
        root = _Making(made, report, loc).part(tree, ())
        made.fill = root if callable(root) else lambda _cells: root
        return made

    @property
    def used(self) -> set[int]:
        return {column for columns in self.texts.values() for column in columns}

    def halves(self, cells: Cells) -> list[Loc]:
        """The texts that an empty cell would leave a part of: `probe@` is nothing that anybody means."""
        whole = [loc for loc, columns in self.texts.items() if not all(cells[column] for column in columns)]
        return [loc for loc in whole if loc in self._composed]

    _composed: set[Loc] = field(default_factory=set)


class _Making:
    def __init__(self, template: Template, report: Report, loc: Loc) -> None:
        self._template = template
        self._report = report
        self._loc = loc
        self._numbers = {name: number for number, name in enumerate(template.columns)}

    def part(self, tree: Any, loc: Loc) -> Any:
        """A function of the cells where the tree has a placeholder, otherwise the tree as it stays."""
        if isinstance(tree, str):
            return self._text(tree, loc)
        if isinstance(tree, dict):
            if self._unquoted(tree):
                name = next(iter(tree))
                text = f"{{{name}}} without quotes is a mapping to YAML"
                self._report.add((*self._loc, *loc), text, f'write "{{{name}}}"')
                return None
            parts = {key: self.part(value, (*loc, key)) for key, value in tree.items()}
            return _mapping(parts) if any(map(callable, parts.values())) else parts
        if isinstance(tree, list):
            items = [self.part(item, (*loc, index)) for index, item in enumerate(tree)]
            return _list(items) if any(map(callable, items)) else items
        return tree

    def _unquoted(self, tree: dict[str, Any]) -> bool:
        return len(tree) == 1 and next(iter(tree.values())) is None and next(iter(tree)) in self._numbers

    def _text(self, text: str, loc: Loc) -> Any:
        pieces: list[str | int] = []
        end = 0
        for found in _PART.finditer(text):
            pieces.append(text[end : found.start()])
            end = found.end()
            if found[1] is not None:
                pieces.append(self._number(found[1].strip(), loc))
            elif found[0] in {"{{", "}}"}:
                pieces.append(found[0][0])
            else:
                hint = f"write {found[0] * 2} for one that stays"
                self._report.add((*self._loc, *loc), f"a single {found[0]} in a template", hint)
        pieces = [piece for piece in [*pieces, text[end:]] if piece != ""]
        columns = tuple(piece for piece in pieces if isinstance(piece, int))
        if not columns:
            return "".join(map(str, pieces))
        self._template.texts[loc] = columns
        if len(pieces) == 1:
            column = columns[0]
            return lambda cells: cells[column] or _LEFT_OUT
        self._template._composed.add(loc)  # noqa: SLF001 - its own
        return lambda cells: "".join(cells[piece] if isinstance(piece, int) else piece for piece in pieces)

    def _number(self, name: str, loc: Loc) -> int:
        number = self._numbers.get(name)
        if number is None:
            close = suggest(name, self._template.columns)
            braces = "braces that stay are written {{ }}"
            hint = close if close and close.endswith("?") else f"{close}; {braces}" if close else braces
            self._report.add((*self._loc, *loc), f"there is no column {quote(name)}", hint)
            return 0
        return number


def _mapping(parts: dict[str, Any]) -> Callable[[Cells], dict[str, Any]]:
    def fill(cells: Cells) -> dict[str, Any]:
        filled = {key: part(cells) if callable(part) else part for key, part in parts.items()}
        return {key: value for key, value in filled.items() if value is not _LEFT_OUT}

    return fill


def _list(items: list[Any]) -> Callable[[Cells], list[Any]]:
    def fill(cells: Cells) -> list[Any]:
        filled = [item(cells) if callable(item) else item for item in items]
        return [None if value is _LEFT_OUT else value for value in filled]

    return fill
