"""What an operation may be asked with: read strictly, and described by the same rule that reads it.

A misspelt or repeated parameter is refused: who asks for `mnoth=2026-10` would take the running month for October.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from monitor.core.calendar import Month
from monitor.incidents.asked import STATES
from monitor.settings.fields import identity
from monitor.settings.problems import suggest

MOST = 1000
"""Entries of a page at most."""

MONTH = r"^(19[7-9]\d|[2-8]\d{3}|9[0-8]\d{2}|99[0-8]\d|999[0-8])-(0[1-9]|1[0-2])$"
NAME = r"^[a-z0-9][a-z0-9_-]*$"
POSITION = r"^\d{1,17}(\.[A-Za-z0-9][A-Za-z0-9._:-]*)?$"
IDENTITY = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"

Asked = Mapping[str, Any]
"""The values of an operation's parameters; what was not given is None."""


class BadParameterError(Exception):
    """A parameter that cannot be; the text is one line."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Parameter:
    """`read` raises ValueError for what it does not take, which is all that `schema` does not allow."""

    name: str
    place: Literal["path", "query"]
    about: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    example: Any


def _name(text: str) -> str:
    """A service's; one that there is not is for the handler to say."""
    return text


def _state(text: str) -> str:
    if text not in STATES:
        raise ValueError(f"is one of {', '.join(STATES)}")
    return text


def _limit(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII) or int(text) > MOST:
        raise ValueError(f"a whole number from 1 to {MOST} is expected")
    return int(text)


def _position(text: str) -> tuple[int, str]:
    if not re.fullmatch(POSITION, text, re.ASCII):
        raise ValueError("not a cursor; take it from next of the page before, or leave it out for the first page")
    number, _, name = text.partition(".")
    return int(number), name


OF_MONTH = Parameter(
    "month", "query", "The month, in the SLA's zone; the running one by default.",
    {"type": "string", "pattern": MONTH}, Month.parse, "2026-11",
)  # fmt: skip
IN_MONTH = Parameter(
    "month", "path", "The month, in the SLA's zone.", {"type": "string", "pattern": MONTH}, Month.parse, "2026-11"
)
NAMED = Parameter("name", "path", "The service.", {"type": "string", "pattern": NAME}, _name, "mailgothai")
OF_SERVICE = Parameter(
    "service", "query", "This service's alone.", {"type": "string", "pattern": NAME}, _name, "mailgothai"
)
IN_STATE = Parameter(
    "state", "query", "Of those alone; `open` is all that waits to be resolved.",
    {"type": "string", "enum": list(STATES)}, _state, "open",
)  # fmt: skip
WITH_ID = Parameter("id", "query", "The one of that id.", {"type": "string", "pattern": IDENTITY}, identity, "T-42")
LIMIT = Parameter(
    "limit", "query", "Page by page: so many entries at most, and `next` in the answer.",
    {"type": "integer", "minimum": 1, "maximum": MOST}, _limit, 100,
)  # fmt: skip
CURSOR = Parameter(
    "cursor", "query", "Where the page before ended, from its `next`; its form may change.",
    {"type": "string", "pattern": POSITION}, _position, "1762743660000000.mailgothai",
)  # fmt: skip


def read(parameters: Sequence[Parameter], request: web.Request) -> Asked:
    """The parameters of a request. Raises BadParameterError."""
    known = [one.name for one in parameters if one.place == "query"]
    for name in request.query:
        if name not in known:
            raise BadParameterError(name[:60], _unknown(name, known))
    return {one.name: _value(one, request) for one in parameters}


def _value(parameter: Parameter, request: web.Request) -> Any:
    name, path = parameter.name, request.match_info
    given = [path[name]] if parameter.place == "path" else request.query.getall(name, [])
    if not given:
        return None
    if len(given) > 1:
        raise BadParameterError(name, "is given more than once")
    try:
        return parameter.read(given[0])
    except ValueError as error:
        raise BadParameterError(name, str(error)) from None


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return "is no parameter here; there is none"
    return f"is no parameter here; {suggest(name, known) or 'known: ' + ', '.join(known)}"
