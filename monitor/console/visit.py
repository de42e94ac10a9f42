"""One request to the console: who asks, where, and what was filled in; and what may come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.console.wording import Wording
from monitor.pages.rendering import Place
from monitor.settings.windows import same_person


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is what declarations are made by, `proof` what the gate says of who asked."""

    name: str
    proof: str

    @classmethod
    def of(cls, who: str) -> "Person":
        """`user alice`, `certificate ops`."""
        return cls(who.partition(" ")[2], who)

    def is_named(self, name: str) -> bool:
        return same_person(self.name, name)


@dataclass(frozen=True, slots=True)
class Visit:
    """`names` are the parts of the address, `form` is empty where nothing was sent."""

    person: Person
    place: Place
    wording: Wording
    names: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, **values: object) -> str:
        return self.wording.t(f"console.{key}", **values)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done is done: on to a page below the language, so that a reload does it no second time."""

    to: str


@dataclass(frozen=True, slots=True)
class File:
    """Something to be saved."""

    name: str
    content_type: str
    body: bytes


class MissingError(Exception):
    """There is no such thing; the text is a line for a person."""


Outcome = Shown | Moved | File
