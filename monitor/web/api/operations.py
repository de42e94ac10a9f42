"""The table of operations, and the handlers beside it: what is not in the table is not answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from monitor.core.calendar import Month
from monitor.figures import Document
from monitor.web.api import tickets
from monitor.web.api.answers import answer
from monitor.web.api.paging import by_number, by_record, by_start, paged
from monitor.web.api.parameters import (
    CURSOR,
    IN_MONTH,
    IN_STATE,
    LIMIT,
    NAMED,
    OF_MONTH,
    OF_SERVICE,
    WITH_ID,
    Asked,
    Parameter,
    read,
)
from monitor.web.guard import Handler

BASE = "/api/v1"
PAGES = (LIMIT, CURSOR)


class Source(Protocol):
    """What is answered from; every document is of the moment, and the caller's own."""

    def services(self) -> list[str]: ...

    def sla(self, month: str | None, service: str | None = None) -> Document: ...

    async def outages_in_turns(self, month: str | None, service: str | None = None) -> Document: ...

    def declarations(self) -> Document: ...

    async def tickets_in_turns(self, asked: tickets.Asked) -> Document: ...

    def ticket_figures(self, month: Month) -> Document: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """One address; `schema` names what it answers."""

    path: str
    identity: str
    about: str
    parameters: tuple[Parameter, ...]
    schema: str
    document: Callable[[Source, Asked], Awaitable[Document]]


async def _services(source: Source, _asked: Asked) -> Document:
    return {"services": source.services()}


async def _month(source: Source, asked: Asked) -> Document:
    name = _there(source, asked["name"])
    return source.sla(str(asked["month"]), name)


async def _outages(source: Source, asked: Asked) -> Document:
    name = asked["service"] if asked["service"] is None else _there(source, asked["service"])
    return paged(await source.outages_in_turns(_text(asked["month"]), name), "outages", asked, by_start)


async def _maintenance(source: Source, asked: Asked) -> Document:
    return paged({"maintenance": source.declarations()["maintenance"]}, "maintenance", asked, by_number)


async def _exclusions(source: Source, asked: Asked) -> Document:
    return paged({"exclusions": source.declarations()["exclusions"]}, "exclusions", asked, by_number)


def _of_kind(kind: str) -> Callable[[Source, Asked], Awaitable[Document]]:
    async def listed(source: Source, asked: Asked) -> Document:
        which = tickets.Asked(_text(asked["month"]), kind, asked["state"] or "any", asked["id"])
        return paged(await source.tickets_in_turns(which), "tickets", asked, by_record)

    return listed


async def _compliance(source: Source, asked: Asked) -> Document:
    return source.ticket_figures(asked["month"])


def _listing(path: str, kind: str) -> Operation:
    about = f"Each {kind} recorded in a month; without one in the running month, and all that are open."
    parameters = (OF_MONTH, IN_STATE, WITH_ID, *PAGES)
    return Operation(f"/{path}", f"list{path.capitalize()}", about, parameters, "Tickets", _of_kind(kind))


OPERATIONS = (
    Operation("/services", "listServices", "The services, as configured.", (), "Services", _services),
    Operation(
        "/services/{name}/months/{month}", "getMonth",
        "A month's figures of one service, as `mailuptime sla --format json` gives them.",
        (NAMED, IN_MONTH), "Month", _month,
    ),
    Operation(
        "/outages", "listOutages", "A month's outages, as `mailuptime outages --format json` gives them.",
        (OF_MONTH, OF_SERVICE, *PAGES), "Outages", _outages,
    ),
    Operation(
        "/maintenance", "listMaintenance", "Every maintenance window, cancelled ones too.",
        PAGES, "Maintenance", _maintenance,
    ),
    Operation(
        "/exclusions", "listExclusions", "Every exclusion, withdrawn ones too.", PAGES, "Exclusions", _exclusions
    ),
    *(_listing(path, kind) for path, kind in tickets.PATHS.items()),
    Operation(
        "/compliance/{month}", "getCompliance", "Responses and resolutions of a month against what is promised.",
        (IN_MONTH,), "Compliance", _compliance,
    ),
)  # fmt: skip


def routes(source: Source, operations: tuple[Operation, ...]) -> list[web.RouteDef]:
    return [web.get(f"{BASE}{one.path}", _handler(source, one)) for one in operations]


def writing(act: tickets.Act) -> list[web.RouteDef]:
    """What changes something."""
    return [web.post(f"{BASE}{one.path}", one.handler(act)) for one in tickets.WRITES]


def _handler(source: Source, operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        asked = read(operation.parameters, request)
        return await answer(request, await operation.document(source, asked))

    return handle


def _there(source: Source, name: str) -> str:
    if name not in source.services():
        raise web.HTTPNotFound(text=f'there is no service "{name}"; GET {BASE}/services lists them')
    return name


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
