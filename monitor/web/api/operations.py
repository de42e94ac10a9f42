"""The table of operations, and the handlers beside it: what is not in the table is not answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from monitor.figures import Document
from monitor.web.api.answers import answer
from monitor.web.api.paging import by_number, by_start, paged
from monitor.web.api.parameters import (
    CURSOR,
    IN_MONTH,
    LIMIT,
    NAMED,
    OF_MONTH,
    OF_SERVICE,
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
)  # fmt: skip


def routes(source: Source, operations: tuple[Operation, ...]) -> list[web.RouteDef]:
    return [web.get(f"{BASE}{one.path}", _handler(source, one)) for one in operations]


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
