"""YAML to a plain tree of dict, list and text that remembers where everything stands.

Scalars stay text: YAML's own types read `22:30` as 1350, `010` as 8 and `NO` as false, and take the last of two
equal keys. Only an empty value, `null` or `~` becomes None. Anchors, aliases and merge keys are understood, within
bounds; tags are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from monitor.settings.problems import Loc, Mark, Report

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 200_000
"""What aliases may expand to: some ten thousand targets."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Scalar:
    mark: Mark
    value: str | None
    plain: bool


@dataclass(slots=True)
class Sequence:
    mark: Mark
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    mark: Mark
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    key: "Node | None" = None  # the one whose value is still to come


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class Document:
    """A tree of dict, list, text and None, and the report that knows its places."""

    root: Any
    report: Report

    def value(self, loc: Loc) -> Any:
        """What stands at a place, also one that a fleet makes."""
        expansion = self.report.expansion(loc)
        if expansion is not None:
            return expansion.value(loc)
        found = self.root
        for part in loc:
            found = found[part]
        return found


def read(path: Path, unread: str) -> Document:
    """Read a file. Raises ConfigurationError where it cannot be read, `unread` its hint, or is not YAML.

    Other problems, duplicate keys for one, are in the document's report.
    """
    report = Report(str(path))
    text = text_of(path, report, unread)
    report.stop()
    node = _Composer(report).compose(text)
    report.stop()
    keys: dict[Loc, Mark] = {}
    values: dict[Loc, Mark] = {}
    report.keys, report.values = keys, values
    root = _Expansion(report, keys, values).expand(node, (), 0) if node else None
    return Document(root, report)


def text_of(path: Path, report: Report, unread: str | None = None) -> str:
    """A file's text without its byte-order mark; else a problem in the report, `unread` its hint without a file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        report.at(None, error.strerror or type(error).__name__, unread)
        return ""
    if len(data) > MAX_BYTES:
        report.at(None, f"more than {MAX_BYTES // 1024 // 1024} MiB are no configuration")
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        report.at(_place(before), "not UTF-8", "save the file in that encoding")
        return ""
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        report.at(_place(text[: found.start()]), "a control character")
    return text


def _place(before: str) -> Mark:
    """The place after a piece of text."""
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


class _Composer:
    """Events to nodes, without recursion: depth is an attacker's first idea."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stack: list[tuple[Sequence | Mapping, str | None]] = []
        self._anchors: dict[str, Node] = {}
        self._texts: dict[str, str] = {}  # thousands of targets use the same words
        self._root: Node | None = None
        self._documents = 0

    def compose(self, text: str) -> Node | None:
        try:
            for event in self._events(text):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self._refuse(error, text)
        return self._root

    def _events(self, text: str) -> Iterator[Any]:
        for event in yaml.parse(text, Loader=_LOADER):
            yield event
            if self._report.problems:
                return

    def _refuse(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        where = _mark(mark) if mark else None
        lines = text.splitlines()
        at = lines[where.line - 1][where.column - 1 :] if where and where.line <= len(lines) else ""
        if at.startswith("\t"):
            self._report.at(where, "a tab", "YAML is indented by spaces")
        else:
            since = error.context_mark
            hint = f"{error.context} from line {since.line + 1} on" if error.context and since else None
            self._report.at(where, f"not YAML: {error.problem or error.context}", hint)

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._report.at(_mark(event.start_mark), "a second document; a file holds one")
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            node, anchor = self._stack.pop()
            if anchor:
                self._anchors[anchor] = node  # only now: a tree that contains itself has no end
            self._place(node)
        elif isinstance(event, yaml.NodeEvent):
            self._open(event)

    def _open(self, event: Any) -> None:
        mark = _mark(event.start_mark)
        if event.tag is not None:
            self._report.at(mark, "tags are not understood", "write the value without")
        elif isinstance(event, yaml.ScalarEvent):
            plain, text = not event.style, self._texts.setdefault(event.value, event.value)
            node = Scalar(mark, None if plain and text in _NULLS else text, plain)
            if event.anchor:
                self._anchors[event.anchor] = node
            self._place(node)
        elif len(self._stack) >= MAX_DEPTH:
            self._report.at(mark, f"nested deeper than {MAX_DEPTH} levels")
        else:
            kind = Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping
            self._stack.append((kind(mark), event.anchor))

    def _alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:  # the name is not repeated: a password that begins with * looks like an alias
            self._report.at(_mark(event.start_mark), "an alias of an anchor that is not defined before it")
        else:
            self._place(node)

    def _place(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1][0]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.pairs.append((parent.key, node))
            parent.key = None


class _Expansion:
    """Nodes to the plain tree: aliases are written out, merge keys merged, duplicate keys reported."""

    def __init__(self, report: Report, keys: dict[Loc, Mark], values: dict[Loc, Mark]) -> None:
        self._report = report
        self._keys = keys
        self._values = values
        self._count = 0

    def expand(self, node: Node, loc: Loc, depth: int) -> Any:
        self._spend(node, depth)
        self._values[loc] = node.mark
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, Sequence):
            return [self.expand(item, (*loc, index), depth + 1) for index, item in enumerate(node.items)]
        tree: dict[str, Any] = {}
        for name, (key, value) in self._pairs(node, loc, depth).items():
            inner = (*loc, name)
            self._keys[inner] = key
            tree[name] = self.expand(value, inner, depth + 1)
        return tree

    def _spend(self, node: Node, depth: int) -> None:
        self._count += 1
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            self._report.at(node.mark, "aliases that expand to too much")
            self._report.stop()

    def _pairs(self, node: Mapping, loc: Loc, depth: int) -> dict[str, tuple[Mark, Node]]:
        own: dict[str, tuple[Mark, Node]] = {}
        merged: dict[str, tuple[Mark, Node]] = {}
        for key, value in node.pairs:
            self._spend(key, depth)
            if not isinstance(key, Scalar):
                self._report.at(key.mark, "a key must be one word")
            elif key.plain and key.value == "<<":
                for name, pair in self._merged(value, loc, depth).items():
                    merged.setdefault(name, pair)
            else:
                name = "null" if key.value is None else key.value
                if name in own:
                    self._keys[*loc, name] = key.mark
                    self._report.add(
                        (*loc, name), f"duplicate key; first defined at line {own[name][0].line}", at="key"
                    )
                else:
                    own[name] = (key.mark, value)
        return {**merged, **own}

    def _merged(self, value: Node, loc: Loc, depth: int) -> dict[str, tuple[Mark, Node]]:
        """What `<<` brings in: of several mappings the first that has a key decides."""
        found: dict[str, tuple[Mark, Node]] = {}
        if isinstance(value, Mapping):
            return self._pairs(value, loc, depth + 1)
        if not isinstance(value, Sequence):
            self._report.at(value.mark, "<< merges a mapping, or a list of mappings")
            return found
        for item in value.items:
            if isinstance(item, Mapping):
                for name, pair in self._merged(item, loc, depth).items():
                    found.setdefault(name, pair)
            else:
                self._report.at(item.mark, "<< merges a mapping, or a list of mappings")
        return found
