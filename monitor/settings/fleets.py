"""Fleets: one template and a list, one service per row, and roll-ups over them.

What a fleet makes is read like any other service. Its places are `("fleets", n, "rows", row, …)`, those of its
roll-ups `("fleets", n, "rollups", m, "rows", row, …)`, row being the first that belongs to it; a problem there is of
the cell that the value comes from, or of the template itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from monitor.settings.fields import Kind, RefusedError, Text, is_name, quote, shape, written
from monitor.settings.lists import Listing, read_list
from monitor.settings.problems import Loc, Place, Report, suggest
from monitor.settings.reader import Reader
from monitor.settings.sections import Section
from monitor.settings.templates import Template

Item = tuple[Loc, Any]
MOST_PROBLEMS = 20
"""Of one fleet in one run; what is wrong in every row need not be said ten thousand times."""
MOST_REPEATED = 1000
"""The same for one problem of the template that every row has."""
TREES = ("template", "rollups")
_EMPTY = "is empty, where a part of a text is needed"


def _columns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RefusedError(f"a list is expected, not {shape(value)}")
    return tuple(written(item, "a column") for item in value)


Columns = Annotated[tuple[str, ...], PlainValidator(_columns), Kind("list of columns")]


class FleetKeys(Section):
    """One service for each row of a list, all made by one template; see [FLEETS.md](FLEETS.md)."""

    source: Text = Field(
        alias="from",
        description="The list, CSV or YAML; a relative path starts at the configuration's directory.",
        examples=["agencies.csv"],
    )
    ignore: Columns = Field(
        (), description="Columns that the template does not use; any other is an error.", examples=["[contact, phone]"]
    )


@dataclass(slots=True)
class Expansion:
    """What one fleet's places mean; see `problems.Expansion`."""

    report: Report
    listing: Listing
    templates: dict[Loc, Template]
    trees: dict[Loc, dict[str, Any]] = field(default_factory=dict)
    problems: int = 0
    different: set[tuple[object, ...]] = field(default_factory=set)

    @property
    def source(self) -> str:
        return self.listing.path

    @property
    def crowded(self) -> bool:
        return len(self.different) >= MOST_PROBLEMS or self.problems >= MOST_REPEATED

    def noted(self, place: Place, message: str) -> None:
        self.problems += 1
        self.different.add((place.path, place.mark, message))

    def place(self, loc: Loc, at: str) -> Place | None:
        base, row, rest = _parted(loc)
        template = None if row is None else self.templates.get(base)
        if template is None:
            return None
        while rest and (*base, *rest) not in self.report.values:
            rest = rest[:-1]
        columns = template.texts.get(rest)
        if columns is None:
            return None
        column, there = columns[0], self.report.place((*base, *rest), at)
        line, character = there.mark or (1, 1)
        through = f"{there.key}, {there.path}:{line}:{character}"
        mark = self.listing.place(row, column)
        return Place(self.listing.path, mark, self.listing.columns[column], f"from {through}")

    def written(self, loc: Loc) -> Loc:
        base, _, rest = _parted(loc)
        return (*base, *rest)

    def value(self, loc: Loc) -> Any:
        base, row, rest = _parted(loc)
        found: Any = self.trees[loc[: len(loc) - len(rest)]] if row is not None else base
        for part in rest:
            found = found[part]
        return found


def _parted(loc: Loc) -> tuple[Loc, int | None, Loc]:
    """Where the template stands, the number of the row, and the place in what it makes; no row where it is not made."""
    for at in (2, 4):
        if len(loc) > at + 1 and loc[at] == "rows" and isinstance(loc[at + 1], int):
            base = (*loc[:2], "template") if at == 2 else loc[:4]
            return base, int(loc[at + 1]), loc[at + 2 :]
    return loc, None, ()


def read_fleets(reader: Reader, tree: dict[str, Any]) -> list[Item]:
    """Every service that the fleets make, as it would stand under `services`; nothing of a fleet with a problem."""
    items = reader.items(tree, "fleets")
    return [made for loc, item in items for made in _fleet(reader, loc, item)]


def _fleet(reader: Reader, loc: Loc, tree: Any) -> list[Item]:
    if not isinstance(tree, dict):
        reader.report.add(loc, f"a mapping is expected, not {shape(tree)}")
        return []
    keys = reader.model(FleetKeys, {key: item for key, item in tree.items() if key not in TREES}, loc, TREES)
    template = tree.get("template")
    if not isinstance(template, dict):
        text = "is required" if template is None else f"a mapping is expected, not {shape(template)}"
        reader.report.add((*loc, "template"), text, at="key")
        return []
    rollups = reader.items(tree, "rollups", loc)
    wrong = [(where, item) for where, item in rollups if not isinstance(item, dict)]
    for where, item in wrong:
        reader.report.add(where, f"a mapping is expected, not {shape(item)}")
    listing = None if keys is None else _listing(reader.report, (*loc, "from"), keys.source)
    if keys is None or listing is None or wrong:
        return []
    return _Fleet(reader.report, loc, keys, listing).services(template, rollups)


def _listing(report: Report, loc: Loc, source: str) -> Listing | None:
    """Read the list; where there is none, that is a problem of the key that names it."""
    path = Path(report.path).parent / source
    found = Report(str(path))
    listing = read_list(path, found)
    for problem in found.problems:
        if problem.mark is None:
            report.add(loc, f"{path}: {problem.message}", problem.hint)
        else:
            report.problems.append(problem)
    return listing


class _Fleet:
    def __init__(self, report: Report, loc: Loc, keys: FleetKeys, listing: Listing) -> None:
        self._report = report
        self._loc = loc
        self._keys = keys
        self._listing = listing
        self._expansion = Expansion(report, listing, {})

    def services(self, template: dict[str, Any], rollups: list[Item]) -> list[Item]:
        """One for each row, and the roll-ups."""
        known = len(self._report.problems)
        of_rows = self._template(template, (*self._loc, "template"))
        of_rollups = [(loc, self._template(item, loc)) for loc, item in rollups]
        for loc, item in rollups:
            for key in item.keys() & {"members", "targets"}:
                self._report.add((*loc, key), "a roll-up has the fleet's services as members", "leave it out", at="key")
        if len(self._listing.rows) > 1 and "name" in template and ("name",) not in of_rows.texts:
            self._report.add((*self._loc, "template", "name"), "the same name for every row", 'as in "{agency}"')
        if len(self._report.problems) == known:
            self._columns([of_rows, *(one for _, one in of_rollups)])
        if len(self._report.problems) > known:
            return []
        self._report.expansions[self._loc[:2]] = self._expansion
        rows = [self._filled(of_rows, (*self._loc, "rows", row), row) for row in range(len(self._listing.rows))]
        groups = [group for loc, one in of_rollups for group in self._rolled_up(one, loc, rows)]
        return [*rows, *groups]

    def _template(self, tree: dict[str, Any], loc: Loc) -> Template:
        made = Template.of(tree, self._listing.columns, self._report, loc)
        self._expansion.templates[loc] = made
        return made

    def _columns(self, templates: list[Template]) -> None:
        """Every column is used or ignored: one that is not may be one that was meant."""
        used = {self._listing.columns[column] for template in templates for column in template.used}
        ignored = self._keys.ignore
        for index, name in enumerate(ignored):
            where = (*self._loc, "ignore", index)
            if name not in self._listing.columns:
                hint = suggest(name, self._listing.columns)
                self._report.add(where, f"there is no column {quote(name)}", hint)
            elif name in used:
                self._report.add(where, f"the column {quote(name)} is used", "leave it out")
        for column, name in enumerate(self._listing.columns):
            if name not in used and name not in ignored:
                close = suggest(name, used) or ""
                hint = close if close.endswith("?") else f"write {{{name}}} in the template, or ignore: [{name}]"
                place = Place(self._listing.path, self._listing.place(None, column), "")
                self._report.add_at(place, f"the column {quote(name)} is used nowhere", hint)

    def _filled(self, template: Template, loc: Loc, row: int) -> Item:
        cells = self._listing.rows[row]
        tree = template.fill(cells)
        self._expansion.trees[loc] = tree
        if not self._expansion.crowded:
            for half in template.halves(cells):
                empty = next(column for column in template.texts[half] if not cells[column])
                self._half((*loc, *half), row, empty)
        return loc, tree

    def _half(self, loc: Loc, row: int, column: int) -> None:
        name, through = self._listing.columns[column], self._report.place(loc).through
        place = Place(self._listing.path, self._listing.place(row, column), name, through)
        self._expansion.noted(place, _EMPTY)
        self._report.add_at(place, _EMPTY)

    def _rolled_up(self, template: Template, loc: Loc, rows: list[Item]) -> Iterator[Item]:
        """A roll-up for each name that its template makes, of the rows that make it."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for row, cells in enumerate(self._listing.rows):
            made = tuple(cells[column] for column in template.texts.get(("name",), ()))
            groups.setdefault(made, []).append(row)
        for first, *others in groups.values():
            for row in others:
                self._agree(template, (*loc, "rows"), first, row)
            where, tree = self._filled(template, (*loc, "rows", first), first)
            names = [rows[row][1].get("name") for row in (first, *others)]
            yield where, {**tree, "members": [one for one in names if isinstance(one, str) and is_name(one)]}

    def _agree(self, template: Template, loc: Loc, first: int, row: int) -> None:
        """What a roll-up takes from its rows must be the same in all of them."""
        before, cells = self._listing.rows[first], self._listing.rows[row]
        for text, columns in template.texts.items():
            if any(before[column] != cells[column] for column in columns) and not self._expansion.crowded:
                where = self._report.said((*loc, first, *text), (*loc, row, *text))
                self._report.add((*loc, row, *text), f"differs from {where}, which is of the same roll-up")
