"""Incidents, service requests and complaints as commands ask for them."""

from typing import Protocol

from aiohttp import web

from monitor.figures import Document
from monitor.incidents.asked import Asked
from monitor.web.guard import Handler


class Service(Protocol):
    async def tickets_in_turns(self, asked: Asked) -> Document: ...


def listed(service: Service) -> Handler:
    async def listing(request: web.Request) -> web.Response:
        query = request.query
        asked = Asked(query.get("month"), query.get("kind"), query.get("state", "any"))
        return web.json_response(await service.tickets_in_turns(asked))

    return listing
