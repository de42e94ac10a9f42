"""One section at a time through its model: pydantic's errors become problems with a place, in words for operators."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from monitor.settings.fields import Context, RefusedError, quote, shape
from monitor.settings.nodes import Document
from monitor.settings.problems import Loc, Place, Report, suggest
from monitor.settings.secrets import ADVICE, SecretReference, reference
from probes.base import Options, ProbeType, Secret

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Types = Mapping[str, ProbeType]

_WORDS = {
    "missing": "is required",
    "string_type": "text is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "model_type": "a mapping is expected",
    "model_attributes_type": "a mapping is expected",
    "dict_type": "a mapping is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "not a whole number",
    "int_parsing_size": "not a whole number of any use",
    "int_from_float": "not a whole number",
    "float_parsing": "not a number",
    "float_type": "a number is expected",
    "finite_number": "not a number of any use",
    "bool_type": "true or false is expected",
    "bool_parsing": "neither true nor false",
    "path_type": "a path is expected",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "longer than {max_length} characters",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


class Placed(NamedTuple):
    """A password that the configuration refers to, and where."""

    secret: SecretReference
    place: Place


@dataclass(slots=True)
class Reader:
    """Reads one document; what cannot be read is a problem in its report and None here."""

    document: Document
    context: Context
    types: Types
    secrets: list[Placed] = field(default_factory=list)
    _shared: dict[Any, Any] = field(default_factory=dict)

    @property
    def report(self) -> Report:
        return self.document.report

    def model(self, kind: type[M], tree: Any, loc: Loc, also: tuple[str, ...] = ()) -> M | None:
        """Validate a mapping. `also` are further keys that may be meant where one is unknown."""
        try:
            return kind.model_validate(tree, context=self.context)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                self._problem(kind, dict(one), loc, also)
            return None

    def section(self, kind: type[M], tree: dict[str, Any], name: str) -> M | None:
        """A section of the file; one that is left out, or left empty, has its defaults."""
        given = tree.get(name)
        return self.model(kind, {} if given is None else given, (name,))

    def items(self, tree: dict[str, Any], name: str, loc: Loc = ()) -> list[tuple[Loc, Any]]:
        """The items of a list, each with its place; none where the key is left out, or left empty."""
        given = tree.get(name)
        if given is None:
            return []
        if not isinstance(given, list):
            self.report.add((*loc, name), f"a list is expected, not {shape(given)}")
            return []
        return [((*loc, name, index), item) for index, item in enumerate(given)]

    def options(self, kind: type[Options], tree: dict[str, Any], loc: Loc, also: tuple[str, ...]) -> Options | None:
        """The probe's own keys. Passwords become references first: the text of one is never validated."""
        for key, item in tree.items():
            if item is None and key in kind.model_fields:
                self.report.add((*loc, key), "has no value", "leave the key out for the default", at="key")
        made = self.model(kind, self._referring(kind, tree, loc), loc, also)
        return None if made is None else self._settled(made, tree, loc)

    def _referring(self, kind: type[BaseModel], tree: Any, loc: Loc) -> Any:
        if not isinstance(tree, dict):
            return tree
        found = {}
        for key, item in tree.items():
            known = kind.model_fields.get(key)
            inner = None if known is None else model_of(known)
            if known is not None and known.annotation is Secret:
                found[key] = self._reference(item, (*loc, key))
            else:
                found[key] = item if inner is None else self._referring(inner, item, (*loc, key))
        return found

    def _reference(self, item: Any, loc: Loc) -> SecretReference:
        found = reference(item, self.context.directory)
        if found is None:
            self.report.add(loc, "a password never stands here", ADVICE)
            return SecretReference("env", "")
        known = self.shared(found)  # what is used ten times is read once
        where = (*loc, *item) if self.report.expansion(loc) else loc  # the cell that a name comes from
        self.secrets.append(Placed(known, self.report.place(where)))
        return known

    def _settled(self, made: Any, tree: Any, loc: Loc) -> Any:
        """Paths start at the configuration's directory, and numbers stand as they are usually written."""
        changes: dict[str, Any] = {}
        for key, item in made:
            text = tree.get(key) if isinstance(tree, dict) else None
            if isinstance(item, Path):
                changes[key] = self.context.directory / item
            elif isinstance(item, BaseModel):
                changes[key] = self.shared(self._settled(item, text, (*loc, key)))
            elif type(item) is int and isinstance(text, str) and text != str(item):
                self.report.add((*loc, key), f"not a whole number: {quote(text)}", f"write {item}")
        return made.model_copy(update=changes) if changes else made

    def shared(self, made: T) -> T:
        """The first of those that are equal to it: thousands of targets say the same of TLS, and say it once."""
        try:
            return cast("T", self._shared.setdefault((type(made), made), made))
        except TypeError:  # such as one with a mapping in it, which has no hash
            return made

    def _problem(self, kind: type[BaseModel], error: dict[str, Any], loc: Loc, also: tuple[str, ...]) -> None:
        where: Loc = (*loc, *error["loc"])
        what, values = error["type"], error.get("ctx", {})
        if what == "extra_forbidden":
            owner = _owner(kind, error["loc"][:-1])
            written = {field.alias or name for name, field in owner.model_fields.items()}
            known = {*written, *(also if owner is kind else ())}
            self.report.add(where, "unknown key", suggest(str(where[-1]), known), at="key")
            return
        if what == "missing":
            self.report.add(where, _WORDS[what], at="key")
            return
        if where[-1] == "[key]":  # of a mapping whose keys are a choice
            choice = re.findall(r"'([^']*)'", str(values.get("expected")))
            self.report.add(where[:-1], "unknown key", suggest(str(where[-2]), choice), at="key")
            return
        where = self.report.known(where)
        message, hint = str(error["msg"]), None
        if what in _WORDS:
            message = _WORDS[what].format_map(values)
        elif what == "literal_error":
            message, hint = self._alternatives(where, str(values["expected"]))
        elif what == "string_too_short":
            message = "must not be empty"
        elif what == "value_error":
            cause = values["error"]
            message, hint = str(cause), cause.hint if isinstance(cause, RefusedError) else None
        self.report.add(where, message, hint)

    def _alternatives(self, loc: Loc, expected: str) -> tuple[str, str | None]:
        known = re.findall(r"'([^']*)'", expected)
        given = self.document.value(loc)
        if not isinstance(given, str) or "login" in loc:
            return f"one of {', '.join(known)} is expected", None
        return f"unknown value {quote(given)}", suggest(given, known)


def model_of(known: FieldInfo) -> type[BaseModel] | None:
    """The model that a key's value is read by, if it is one."""
    candidates = (known.annotation, *get_args(known.annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _owner(kind: type[BaseModel], loc: Loc) -> type[BaseModel]:
    """The model that an error's path leads to."""
    for part in loc:
        known = kind.model_fields.get(part) if isinstance(part, str) else None
        kind = (known and model_of(known)) or kind
    return kind
